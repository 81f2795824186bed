#include "train/model.h"

#include "base/memory.h"
#include "flow/hierarchy.h"
#include "models/none.h"
#include "models/spin_system.h"
#include "train/params.h"

#include <stdio.h>
#include <string.h>

static kad_status make_lattice(kad_ctx *ctx, const kad_ints *shape, kad_lattice **out)
{
    if (shape->n < 1 || shape->n > KAD_MAX_DIM)
        return kad_fail(ctx, KAD_ECONFIG,
                        "lattice.shape: expected 1 to %d extents, got %zu", KAD_MAX_DIM,
                        shape->n);
    for (size_t i = 0; i < shape->n; i++)
        if (shape->value[i] < 2 || shape->value[i] > 1 << 24)
            return kad_fail(ctx, KAD_ECONFIG,
                            "lattice.shape: expected extents from 2 to %d, got %d",
                            1 << 24, shape->value[i]);
    return kad_lattice_create(ctx, (int)shape->n, shape->value, out);
}

static kad_status make_action(kad_ctx *ctx, const kad_model_options *o, kad_model *model)
{
    const bool known = !kad_action_is_none(&o->action);
    const bool can = known && kad_action_can_decimate(&o->action, model->lattice);
    if (o->flow.decimation == KAD_AUTO_TRUE && !can)
        return kad_fail(ctx, KAD_ECONFIG,
                        "flow.decimation: true, but action %s on this lattice does not "
                        "allow it",
                        o->action.name);
    if (!known) return KAD_OK;
    model->decimated = can && o->flow.decimation != KAD_AUTO_FALSE;
    return kad_action_create(ctx, &o->action, model->lattice, model->decimated,
                             &model->action);
}

/* Of data alone: as the flow is asked to be. */
static bool is_symmetric(const kad_flow_options *flow, const kad_action *action)
{
    if (action != NULL) return (action->flags & KAD_ACTION_SYMMETRIC) != 0;
    return flow->symmetry != KAD_SYMMETRY_NONE;
}

/* One component of data that has no sign: its stencils read an axis, as in a field. */
static bool has_axis_of_its_own(const kad_model_options *o, const kad_action *action)
{
    return action == NULL && o->n_comp <= 1 && o->flow.symmetry == KAD_SYMMETRY_NONE &&
           strcmp(o->flow.hierarchy, "conditional") == 0;
}

/* Where the stages are odd there is nothing left to mix, and no way not to be. */
static kad_status check_flow(kad_ctx *ctx, const kad_model_options *o,
                             const kad_action *action)
{
    const kad_flow_options *flow = &o->flow;
    if (kad_hierarchy_is_odd(flow->hierarchy) && !has_axis_of_its_own(o, action) &&
        flow->symmetry != KAD_SYMMETRY_EQUIVARIANT)
        return kad_fail(ctx, KAD_ECONFIG,
                        "flow.symmetry: %s, but every stage of flow.hierarchy %s is "
                        "equivariant by construction: leave flow.symmetry out",
                        flow->symmetry == KAD_SYMMETRY_MIXTURE ? "mixture" : "none",
                        flow->hierarchy);
    if (action == NULL && flow->translation)
        return kad_fail(ctx, KAD_ECONFIG,
                        "flow.translation: true needs an action, but the map is trained "
                        "on data alone (action.name none)");
    if (action != NULL && (action->flags & KAD_ACTION_TRANSLATION) == 0 &&
        flow->translation)
        return kad_fail(ctx, KAD_ECONFIG,
                        "flow.translation: true, but the couplings of action %s differ "
                        "from site to site",
                        action->ops->name);
    if (flow->average > 1 &&
        (action == NULL || !(action->flags & KAD_ACTION_TRANSLATION)))
        return kad_fail(ctx, KAD_ECONFIG,
                        "flow.average: %d needs an action that is the same at every site",
                        flow->average);
    if (flow->symmetry == KAD_SYMMETRY_MIXTURE && !is_symmetric(flow, action))
        return kad_fail(ctx, KAD_ECONFIG,
                        "flow.symmetry: mixture, but action %s has no global sign",
                        action->ops->name);
    return KAD_OK;
}

/* Without a global sign there is an axis, but where a clock term alone is the reason. */
static kad_frame frame_of(const kad_model_options *o, const kad_action *action)
{
    kad_frame frame = {.axis = has_axis_of_its_own(o, action)};
    if (action == NULL) return frame;
    const kad_action_spins *spins = action->ops->spins;
    if (spins != NULL && spins->clock_states != NULL)
        frame.clock = spins->clock_states(action);
    frame.turned = (action->flags & KAD_ACTION_TURNED) != 0;
    frame.axis = (action->flags & KAD_ACTION_AXIS) != 0;
    return frame;
}

static kad_status make_flow(kad_ctx *ctx, const kad_model_options *o, kad_model *model)
{
    const kad_action *action = model->action;
    const int given = o->n_comp;
    const kad_flow_target field = {.lattice = model->lattice,
                                   .n_comp = action != NULL ? action->n_comp
                                             : given > 0    ? given
                                                            : 1,
                                   .active = action != NULL ? action->active : NULL,
                                   .symmetric = is_symmetric(&o->flow, action),
                                   .frame = frame_of(o, action)};
    if (given != 0 && given != field.n_comp)
        return kad_fail(ctx, KAD_ECONFIG, "data.components: %d, but action %s has %d",
                        given, action->ops->name, field.n_comp);
    return kad_flow_create(ctx, &o->flow, &field, &model->flow);
}

/* A map without the global sign says that the field has none. */
static kad_status make_field(kad_ctx *ctx, const kad_model_options *o, kad_model *model)
{
    const bool even = is_symmetric(&o->flow, NULL);
    model->field = model->action;
    if (model->action != NULL) return KAD_OK;
    return kad_action_none(ctx, model->lattice, model->flow->n_comp,
                           KAD_ACTION_TRANSLATION |
                               (even ? KAD_ACTION_SYMMETRIC : KAD_ACTION_AXIS),
                           &model->field);
}

size_t kad_model_n_parameters(const kad_model *model)
{
    return (size_t)kad_family_terms(&model->family) * model->flow->n_theta;
}

kad_status kad_model_create(kad_ctx *ctx, const kad_model_options *options,
                            kad_model **out)
{
    KAD_LOCAL(kad_model, model);
    *out = NULL;
    KAD_CALL(kad_new(ctx, 1, sizeof *model, &model));
    model->seed = options->seed;
    model->prec = options->flow.precision;
    KAD_CALL(make_lattice(ctx, &options->shape, &model->lattice));
    KAD_CALL(make_action(ctx, options, model));
    KAD_CALL(check_flow(ctx, options, model->action));
    KAD_CALL(make_flow(ctx, options, model));
    KAD_CALL(make_field(ctx, options, model));
    KAD_CALL(kad_mixture_create(
        ctx, model->lattice, model->flow->active, options->flow.average,
        options->flow.symmetry == KAD_SYMMETRY_MIXTURE, &model->mixture));
    KAD_CALL(kad_family_create(ctx, &options->family, model->action, &model->family));
    *out = model;
    model = NULL;
    return KAD_OK;
}

void kad_model_destroy(kad_model *model)
{
    if (model == NULL) return;
    kad_mixture_destroy(model->mixture);
    kad_flow_destroy(model->flow);
    kad_action_destroy(model->field != NULL ? model->field : model->action);
    kad_lattice_destroy(model->lattice);
    kad_free(model);
}

kad_status kad_model_require_action(kad_ctx *ctx, const kad_model *model,
                                    const char *what)
{
    if (model->action != NULL) return KAD_OK;
    return kad_fail(ctx, KAD_ECONFIG,
                    "%s needs an action, but the map is trained on data alone "
                    "(action.name none)",
                    what);
}

void kad_model_write_configs(kad_writer *w, const kad_model *model, const char *name,
                             const char *text, size_t n, const double *x)
{
    static const char *const axes[] = {"", "cfg component x", "cfg component y x",
                                       "cfg component z y x"};
    size_t dims[2 + KAD_MAX_DIM] = {n, (size_t)model->flow->n_comp};
    for (int mu = 0; mu < model->lattice->d; mu++)
        dims[2 + mu] = (size_t)model->lattice->shape[mu];
    kad_write(w, name, KAD_H5_F64, axes[model->lattice->d], "1", text, dims, x);
}

void kad_model_describe(const kad_model *model, size_t size, char *text)
{
    const kad_lattice *l = model->lattice;
    if (model->action != NULL) {
        kad_action_describe(model->action, size, text);
        return;
    }
    int n = snprintf(text, size, "a field learnt from data, ");
    for (int mu = 0; mu < l->d && n > 0 && (size_t)n < size; mu++)
        n += snprintf(text + n, size - (size_t)n, "%s%d", mu > 0 ? " x " : "",
                      l->shape[mu]);
    if (model->flow->n_comp > 1 && n > 0 && (size_t)n < size)
        snprintf(text + n, size - (size_t)n, ", %d components", model->flow->n_comp);
}

kad_model_options kad_model_options_on(const kad_model_options *options, int d,
                                       const int *shape)
{
    kad_model_options other = *options;
    other.shape.n = (size_t)d;
    memcpy(other.shape.value, shape, (size_t)d * sizeof *shape);
    return other;
}

kad_status kad_model_load_map(kad_ctx *ctx, const kad_model *model, kad_h5 *file,
                              kad_map **out)
{
    KAD_SCOPE(scope, ctx);
    double *theta = NULL;
    *out = NULL;
    KAD_CALL(kad_take(&scope, model->flow->n_theta, &theta));
    KAD_CALL(kad_params_read(ctx, file, model->flow, model->action, theta));
    return kad_map_create(ctx, model->flow, theta, model->mixture, out);
}

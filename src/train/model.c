#include "train/model.h"

#include "base/memory.h"
#include "flow/hierarchy.h"
#include "train/params.h"

#include <stdio.h>
#include <string.h>

static kad_status make_lattice(kad_ctx *ctx, const kad_config *config, kad_lattice **out)
{
    int64_t extents[KAD_MAX_DIM + 1];
    int shape[KAD_MAX_DIM + 1];
    const size_t n = kad_config_ints(config, "lattice.shape", KAD_MAX_DIM + 1, extents);
    if (n < 1 || n > KAD_MAX_DIM)
        return kad_fail(ctx, KAD_ECONFIG,
                        "lattice.shape: expected 1 to %d extents, got %zu", KAD_MAX_DIM,
                        n);
    for (size_t i = 0; i < n; i++) {
        if (extents[i] < 2 || extents[i] > 1 << 24)
            return kad_fail(ctx, KAD_ECONFIG,
                            "lattice.shape: expected extents from 2 to %d, got %lld",
                            1 << 24, (long long)extents[i]);
        shape[i] = (int)extents[i];
    }
    return kad_lattice_create(ctx, (int)n, shape, out);
}

static kad_status fail_decimation(kad_ctx *ctx, const kad_config *config)
{
    return kad_fail(ctx, KAD_ECONFIG,
                    "flow.decimation: true, but action %s on this lattice does not "
                    "allow it",
                    kad_config_string(config, "action.name"));
}

static kad_status make_action(kad_ctx *ctx, const kad_config *config, kad_model *model)
{
    const char *choice = kad_config_string(config, "flow.decimation");
    const bool must = strcmp(choice, "true") == 0;
    kad_action_options options;
    kad_status status;
    if (kad_action_is_none(config)) return must ? fail_decimation(ctx, config) : KAD_OK;
    KAD_TRY(kad_action_options_read(ctx, config, &options));
    const bool can = kad_action_can_decimate(&options, model->lattice);
    if (must && !can) KAD_TRY(fail_decimation(ctx, config));
    model->decimated = can && strcmp(choice, "false") != 0;
    KAD_TRY(kad_action_create(ctx, &options, model->lattice, model->decimated,
                              &model->action));
done:
    kad_action_options_clear(&options);
    return status;
}

/* Where the stages are odd there is nothing left to mix, and no way not to be. */
static kad_status check_symmetry(kad_ctx *ctx, const kad_config *config,
                                 const char *symmetry)
{
    const char *kind = kad_config_string(config, "flow.hierarchy");
    if (kind == NULL || symmetry == NULL || !kad_hierarchy_is_odd(kind) ||
        strcmp(symmetry, "equivariant") == 0)
        return KAD_OK;
    return kad_fail(ctx, KAD_ECONFIG,
                    "flow.symmetry: %s, but every stage of flow.hierarchy %s is "
                    "equivariant by construction: leave flow.symmetry out",
                    symmetry, kind);
}

static kad_status check_translation(kad_ctx *ctx, const kad_config *config,
                                    const kad_action *action)
{
    if (action == NULL || (action->flags & KAD_ACTION_TRANSLATION) != 0 ||
        !kad_config_is_set(config, "flow.translation") ||
        !kad_config_bool(config, "flow.translation"))
        return KAD_OK;
    return kad_fail(ctx, KAD_ECONFIG,
                    "flow.translation: true, but the couplings of action %s differ from "
                    "site to site",
                    action->ops->name);
}

/* Of data alone: as the flow is asked to be. */
static bool is_symmetric(const kad_config *config, const kad_action *action)
{
    const char *symmetry = kad_config_string(config, "flow.symmetry");
    if (action != NULL) return (action->flags & KAD_ACTION_SYMMETRIC) != 0;
    return symmetry != NULL && strcmp(symmetry, "none") != 0;
}

static kad_status count_components(kad_ctx *ctx, const kad_config *config,
                                   const kad_action *action, int *out)
{
    const int given = (int)kad_config_int(config, "data.components");
    *out = action != NULL ? action->n_comp : given > 0 ? given : 1;
    if (given == 0 || given == *out) return KAD_OK;
    return kad_fail(ctx, KAD_ECONFIG, "data.components: %d, but action %s has %d", given,
                    action->ops->name, *out);
}

static kad_status make_flow(kad_ctx *ctx, const kad_config *config, kad_model *model)
{
    kad_status status = KAD_OK;
    const kad_action *action = model->action;
    kad_flow_target field = {.lattice = model->lattice,
                             .active = action != NULL ? action->active : NULL,
                             .symmetric = is_symmetric(config, action)};
    kad_flow_options options;
    KAD_TRY(count_components(ctx, config, action, &field.n_comp));
    kad_config_fill(config, kad_flow_keys, kad_flow_n_keys, 0, &options);
    KAD_TRY(kad_flow_create(ctx, &options, &field, &model->flow));
done:
    return status;
}

static kad_status make_family(kad_ctx *ctx, const kad_config *config, kad_model *model)
{
    kad_family_options options;
    kad_config_fill(config, kad_family_keys, kad_family_n_keys, 0, &options);
    return kad_family_create(ctx, &options, model->action, &model->family);
}

size_t kad_model_n_parameters(const kad_model *model)
{
    return (size_t)model->family.order * model->flow->n_theta;
}

kad_status kad_model_create(kad_ctx *ctx, const kad_config *config, kad_model **out)
{
    kad_status status;
    kad_model *model = NULL;
    *out = NULL;
    KAD_TRY(kad_new(ctx, 1, sizeof *model, &model));
    model->seed = (uint64_t)kad_config_int(config, "seed");
    KAD_TRY(make_lattice(ctx, config, &model->lattice));
    KAD_TRY(make_action(ctx, config, model));
    const char *symmetry = kad_config_string(config, "flow.symmetry");
    model->mixture = symmetry != NULL && strcmp(symmetry, "mixture") == 0;
    KAD_TRY(check_symmetry(ctx, config, symmetry));
    KAD_TRY(check_translation(ctx, config, model->action));
    if (model->mixture && !is_symmetric(config, model->action)) {
        status = kad_fail(ctx, KAD_ECONFIG,
                          "flow.symmetry: mixture, but action %s has no global sign",
                          model->action->ops->name);
        goto done;
    }
    model->prec = strcmp(kad_config_string(config, "flow.precision"), "double") == 0
                      ? KAD_DOUBLE
                      : KAD_SINGLE;
    KAD_TRY(make_flow(ctx, config, model));
    KAD_TRY(make_family(ctx, config, model));
    *out = model;
    model = NULL;
done:
    kad_model_destroy(model);
    return status;
}

void kad_model_destroy(kad_model *model)
{
    if (model == NULL) return;
    kad_flow_destroy(model->flow);
    kad_action_destroy(model->action);
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

kad_status kad_model_config(kad_ctx *ctx, const kad_config *config, int d,
                            const int *shape, kad_config **out)
{
    char text[96];
    int at = snprintf(text, sizeof text, "lattice.shape=[");
    for (int i = 0; i < d && at < (int)sizeof text - 16; i++)
        at += snprintf(text + at, sizeof text - (size_t)at, "%s%d", i > 0 ? ", " : "",
                       shape[i]);
    snprintf(text + at, sizeof text - (size_t)at, "]");
    const char *overrides[] = {text};
    return kad_config_copy(ctx, config, 1, overrides, out);
}

kad_status kad_model_load_map(kad_ctx *ctx, const kad_model *model, kad_h5 *file,
                              kad_map **out)
{
    kad_status status;
    double *theta = NULL;
    *out = NULL;
    KAD_TRY(kad_new(ctx, model->flow->n_theta, sizeof *theta, &theta));
    KAD_TRY(kad_params_read(ctx, file, model->flow, model->action, theta));
    KAD_TRY(kad_map_create(ctx, model->flow, theta, model->mixture, out));
done:
    kad_free(theta);
    return status;
}

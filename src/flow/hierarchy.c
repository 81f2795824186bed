#include "flow/hierarchy.h"

#include "flow/bijectors/ode.h"
#include "flow/bijectors/spectrum.h"

#include <string.h>

static kad_status add_spectrum(kad_ctx *ctx, const kad_flow_options *options,
                               const kad_flow_target *target, kad_stage_list *list)
{
    kad_stage stage;
    const double mass2 = options->spectrum_mass2;
    const double stiffness = mass2 > 0 ? options->spectrum_stiffness : 1;
    const kad_status status =
        kad_spectrum_create(ctx, target->lattice, target->n_comp, target->active != NULL,
                            mass2, stiffness, &stage);
    return status == KAD_OK ? kad_stage_list_add(ctx, list, &stage, -1, "spectrum")
                            : status;
}

static kad_status add_one_ode(kad_ctx *ctx, const kad_flow_target *target,
                              const kad_ode_options *o, int level, kad_stage_list *list)
{
    kad_stage stage;
    KAD_CALL(kad_ode_create(ctx, target->lattice, target->n_comp,
                            target->active != NULL && level <= 0, o, &stage));
    return kad_stage_list_add(ctx, list, &stage, level, "ode");
}

/* One equation, or one of every level's sites, coarse to fine. */
static kad_status add_ode(kad_ctx *ctx, const kad_flow_options *options,
                          const kad_flow_target *target, kad_stage_list *list)
{
    const int n_levels = target->lattice->n_levels;
    kad_ode_options o = {.features = options->features,
                         .time_modes = options->time_modes,
                         .steps = options->steps,
                         .tolerance = options->tolerance};
    if (!target->symmetric)
        return kad_fail(ctx, KAD_ECONFIG,
                        "flow.hierarchy: ode is odd under the global sign; the action is "
                        "not");
    if (!options->rg_layers) return add_one_ode(ctx, target, &o, -1, list);
    o.marks = true;
    o.tolerance /= n_levels + 1;
    for (int level = n_levels; level >= 0; level--) {
        o.stride = 1 << level;
        KAD_CALL(add_one_ode(ctx, target, &o, level, list));
    }
    return KAD_OK;
}

bool kad_hierarchy_is_odd(const char *kind)
{
    return strcmp(kind, "conditional") == 0 || strcmp(kind, "none") == 0 ||
           strcmp(kind, "ode") == 0;
}

kad_status kad_hierarchy_build(kad_ctx *ctx, const kad_flow_options *options,
                               const kad_flow_target *target, kad_stage_list *list)
{
    const char *kind = options->hierarchy;
    if (options->spectrum == KAD_SPECTRUM_FIRST) {
        /* the spectrum mixes positions: an orthonormal wavelet in front gives the latents
         * levels */
        for (int h = target->lattice->n_levels - 1; h >= 0; h--)
            KAD_CALL(kad_stage_list_haar(ctx, target, h, "wavelet", list));
        KAD_CALL(add_spectrum(ctx, options, target, list));
    }
    if (strcmp(kind, "conditional") == 0)
        KAD_CALL(kad_hierarchy_conditional(ctx, options, target, list));
    else if (strcmp(kind, "ode") == 0)
        KAD_CALL(add_ode(ctx, options, target, list));
    else if (strcmp(kind, "none") != 0)
        KAD_CALL(kad_hierarchy_blocks(ctx, options, target, list));
    if (options->spectrum == KAD_SPECTRUM_LAST)
        KAD_CALL(add_spectrum(ctx, options, target, list));
    return KAD_OK;
}

/* HMC in the latents of a trained map: U(z) = S(y(z)) - ln|det dy/dz|, whose density is
 * the pull-back of exp(-S) exactly, however well the map is trained; a good map makes it
 * close to the prior. The force is the generate adjoint of dS/dy with cotangent -1 for
 * the log-determinant, without gradients of the parameters.
 * Sources: Neal, arXiv:1206.1901, section 5.4.1; Li, Wang, arXiv:1802.02840. */

#include "sample/hmc_core.h"

#include <string.h>

static void force(const kad_hmc_target *target, void *z, void *g, void *scratch)
{
    const kad_prec prec = target->prec;
    const kad_flow *flow = kad_map_flow(target->map);
    const void *packed = kad_map_packed(target->map, prec);
    double ld[KAD_W_MAX] = {0}, S[KAD_W_MAX];
    kad_flow_generate(flow, prec, packed, z, ld, scratch);
    target->action->ops->kern[prec]->gradient(target->action, z, g, S, scratch);
    kad_flow_generate_adjoint(flow, prec, packed, z, g, -1, NULL, NULL, scratch);
}

static void energy(const kad_hmc_target *target, const double *z, double *y, double *U,
                   double *S, void *scratch)
{
    double ld[KAD_W_DOUBLE] = {0};
    memcpy(y, z, target->n_rows * KAD_ROW_BYTES);
    kad_flow_generate(kad_map_flow(target->map), KAD_DOUBLE,
                      kad_map_packed(target->map, KAD_DOUBLE), y, ld, scratch);
    target->action->ops->kern[KAD_DOUBLE]->value(target->action, y, S, scratch);
    for (int l = 0; l < KAD_W_DOUBLE; l++)
        U[l] = S[l] - ld[l];
}

static void from_field(const kad_hmc_target *target, double *y, void *scratch)
{
    double ld[KAD_W_DOUBLE] = {0};
    kad_flow_infer(kad_map_flow(target->map), KAD_DOUBLE,
                   kad_map_packed(target->map, KAD_DOUBLE), y, ld, scratch);
}

kad_hmc_target kad_latent_hmc_target_of(const kad_action *action, const kad_map *map,
                                        kad_prec prec)
{
    const kad_flow *flow = kad_map_flow(map);
    size_t bytes = 0;
    for (int p = 0; p < 2; p++) {
        if (action->scratch_bytes[p] > bytes) bytes = action->scratch_bytes[p];
        if (flow->scratch_bytes[p] > bytes) bytes = flow->scratch_bytes[p];
    }
    return (kad_hmc_target){.action = action,
                            .map = map,
                            .prec = prec,
                            .n_rows = (size_t)flow->n_rows,
                            .scratch_bytes = bytes,
                            .force = force,
                            .energy = energy,
                            .from_field = from_field};
}

static kad_status create(kad_ctx *ctx, const kad_sampler_setup *setup, void **self)
{
    kad_hmc *hmc;
    const kad_hmc_target target =
        kad_latent_hmc_target_of(setup->action, setup->map, setup->prec);
    const kad_status status = kad_hmc_create(ctx, setup, &target, &hmc);
    *self = hmc;
    return status;
}

const kad_sampler_ops kad_sampler_latent_hmc = {
    .name = "latent-hmc",
    .summary = "hybrid Monte Carlo in the latents of the map",
    .reference = "arXiv:1802.02840",
    .keys = kad_hmc_keys,
    .n_keys = KAD_HMC_N_KEYS,
    .options_size = sizeof(kad_hmc_options),
    .flags = KAD_SAMPLER_NEEDS_MAP | KAD_SAMPLER_DELTA_H,
    .time_unit = "trajectory",
    .create = create,
    .destroy = kad_hmc_destroy,
    .advance = kad_shell_advance,
    .save = kad_hmc_save,
    .load = kad_hmc_load,
    .describe = kad_hmc_describe,
    .set_state = kad_hmc_set_state,
    .tunes = kad_hmc_tunes,
};

/* HMC on the flow variables of an action: local dynamics, no map needed. For a decimated
 * action the active sites move under the exact effective action and the others are drawn
 * from their conditional density for every recorded draw; for a dual the variables are
 * y = A^{-1/2} x. */

#include "sample/hmc_core.h"

#include <string.h>

static void force(const kad_hmc_target *target, void *q, void *g, void *scratch)
{
    double S[KAD_W_MAX];
    target->action->ops->kern[target->prec]->gradient(target->action, q, g, S, scratch);
}

static void energy(const kad_hmc_target *target, const double *q, double *y, double *U,
                   double *S, void *scratch)
{
    memcpy(y, q, target->n_rows * KAD_ROW_BYTES);
    target->action->ops->kern[KAD_DOUBLE]->value(target->action, y, S, scratch);
    memcpy(U, S, KAD_W_DOUBLE * sizeof *U);
}

kad_hmc_target kad_hmc_target_of(const kad_action *action, kad_prec prec)
{
    const size_t *bytes = action->scratch_bytes;
    return (kad_hmc_target){.action = action,
                            .prec = prec,
                            .n_rows =
                                (size_t)action->lattice->n_sites * (size_t)action->n_comp,
                            .scratch_bytes = bytes[0] > bytes[1] ? bytes[0] : bytes[1],
                            .force = force,
                            .energy = energy};
}

static kad_status create(kad_ctx *ctx, const kad_sampler_setup *setup, void **self)
{
    kad_hmc *hmc;
    const kad_hmc_target target = kad_hmc_target_of(setup->action, setup->prec);
    const kad_status status = kad_hmc_create(ctx, setup, &target, &hmc);
    *self = hmc;
    return status;
}

const kad_sampler_ops kad_sampler_hmc = {
    .name = "hmc",
    .summary = "hybrid Monte Carlo on the field",
    .reference = "10.1016/0370-2693(87)91197-X",
    .keys = kad_hmc_keys,
    .n_keys = KAD_HMC_N_KEYS,
    .options_size = sizeof(kad_hmc_options),
    .flags = KAD_SAMPLER_DELTA_H,
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

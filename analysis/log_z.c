/* ln Z and the quality of a map's weights, as a table of estimates. */
#include "analysis/means.h"
#include "base/signals.h"
#include "base/weights.h"

#include <math.h>
#include <stdio.h>

static void add(kad_estimates *estimates, const char *name, kad_estimate estimate,
                double dof)
{
    kad_row *row = kad_estimates_add(estimates, name);
    if (row == NULL) return;
    row->mean = estimate.value;
    row->err = estimate.err;
    row->err_dof = dof;
}

/* Fraction of accepted proposals of a chain, with its autocorrelation. */
static kad_status add_measured(kad_ctx *ctx, const kad_recorded *recorded,
                               kad_estimates *estimates)
{
    kad_gamma gamma;
    if (!recorded->is_chain || recorded->accepted.n == 0) return KAD_OK;
    KAD_CALL(kad_gamma_estimate(ctx, recorded->n_chains, recorded->n_draws,
                                recorded->accepted.data, &gamma));
    (void)kad_estimates_add_gamma(estimates, "acceptance", &gamma);
    return KAD_OK;
}

kad_status kad_analyse_log_z(kad_scope *in, kad_h5 *file, const kad_recorded *recorded,
                             kad_estimates **out)
{
    kad_ctx *ctx = in->ctx;
    kad_estimates *estimates;
    kad_weights weights;
    const size_t n = recorded->n_chains * recorded->n_draws;
    KAD_CALL(kad_stop_check(ctx, "analysis"));
    KAD_CALL(kad_weights_check(ctx, n, recorded->log_weight.data));
    KAD_CALL(kad_weights_analyse(ctx, n, recorded->log_weight.data, &weights));
    KAD_CALL(
        kad_estimates_create(in, "log_z", "importance weights, jackknife", &estimates));
    add(estimates, "log_z", weights.log_z, weights.log_z_dof);
    estimates->row[0].err_naive = weights.log_z_err_importance;
    kad_exact_fill(ctx, file, &estimates->row[0]);
    if (weights.n_zero == 0) add(estimates, "log_z_lower", weights.lower, NAN);
    add(estimates, "log_z_upper", weights.upper, weights.upper_dof);
    const double exact = estimates->row[0].exact;
    if (weights.n_zero == 0)
        add(estimates, "kl_gap",
            isfinite(exact)
                ? (kad_estimate){exact - weights.lower.value, weights.lower.err}
                : weights.gap,
            NAN);
    add(estimates, "ess", weights.ess, NAN);
    add(estimates, "acceptance_weights", weights.acceptance, NAN);
    add(estimates, "largest_share", (kad_estimate){weights.largest, NAN}, NAN);
    *out = estimates;
    return add_measured(ctx, recorded, estimates);
}

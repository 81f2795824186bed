#include "analysis/chain.h"

#include "analysis/functions.h"
#include "analysis/importance.h"
#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double WINDOW_S = 1.5;

kad_status kad_estimate_function(kad_ctx *ctx, const kad_sampled *sampled, bool weighted,
                                 size_t n_inputs, const kad_input *inputs, kad_function f,
                                 const void *self, kad_row *row)
{
    kad_status status = KAD_OK;
    kad_gamma gamma;
    memset(row, 0, sizeof *row);
    row->err_naive = row->tau_int = row->tau_int_err = NAN;
    row->n_eff = row->rhat = row->exact = NAN;
    if (weighted)
        return kad_derived_weighted(ctx, sampled->n_chains * sampled->n_draws,
                                    sampled->log_weight.data, n_inputs, inputs, f, self,
                                    &row->mean, &row->err);
    KAD_TRY(kad_derived_chain(ctx, sampled->n_chains, sampled->n_draws, n_inputs, inputs,
                              f, self, &gamma));
    row->mean = gamma.mean;
    row->err = gamma.err;
    row->err_naive = gamma.err_naive;
    row->tau_int = gamma.tau_int;
    row->tau_int_err = gamma.tau_int_err;
    row->n_eff = gamma.n_eff;
    row->rhat = gamma.rhat;
    row->window = gamma.window;
    row->flag = gamma.flag;
    kad_gamma_clear(&gamma);
done:
    return status;
}

static kad_input input_of(const kad_observed *observed, bool weighted, size_t offset)
{
    return (kad_input){.data =
                           weighted ? kad_observed_draws(observed) : observed->state.data,
                       .stride = observed->width,
                       .offset = offset};
}

/* One function as a row of the table; left out where it is not finite. */
static kad_status add_function(kad_ctx *ctx, const kad_sampled *sampled, bool weighted,
                               size_t n_inputs, const kad_input *inputs, kad_function f,
                               const char *name, kad_estimates *out)
{
    kad_status status = KAD_OK;
    kad_row row;
    const kad_lattice_facts facts = {sampled->n_sites, sampled->extent, 0};
    KAD_TRY(
        kad_estimate_function(ctx, sampled, weighted, n_inputs, inputs, f, &facts, &row));
    if (!isfinite(row.mean)) goto done;
    kad_row *at = kad_estimates_add(out, name);
    if (at == NULL) goto done;
    memcpy(row.name, at->name, sizeof row.name);
    *at = row;
done:
    return status;
}

static kad_status add_functions(kad_ctx *ctx, const kad_sampled *sampled, bool weighted,
                                kad_estimates *out)
{
    kad_status status = KAD_OK;
    const kad_observed *m2 = kad_sampled_find(sampled, "m2");
    const kad_observed *m4 = kad_sampled_find(sampled, "m4");
    const kad_observed *slice = kad_sampled_find(sampled, "correlator_slice");
    kad_input inputs[KAD_INPUTS_MAX];

    if (m2 != NULL && m4 != NULL) {
        inputs[0] = input_of(m2, weighted, 0);
        inputs[1] = input_of(m4, weighted, 0);
        KAD_TRY(add_function(ctx, sampled, weighted, 1, inputs, kad_function_chi, "chi",
                             out));
        KAD_TRY(add_function(ctx, sampled, weighted, 2, inputs, kad_function_binder,
                             "binder", out));
    }
    if (slice != NULL && slice->width > 1 && slice->width <= KAD_INPUTS_MAX) {
        const size_t n = slice->width;
        for (size_t r = 0; r < n; r++)
            inputs[r] = input_of(slice, weighted, r);
        KAD_TRY(add_function(ctx, sampled, weighted, n, inputs, kad_function_xi, "xi_2nd",
                             out));
        KAD_TRY(add_function(ctx, sampled, weighted, n, inputs, kad_function_mass, "mass",
                             out));
    }
done:
    return status;
}

static void fill_exact(kad_ctx *ctx, kad_h5 *file, kad_estimates *estimates)
{
    for (size_t i = 0; i < estimates->n; i++)
        estimates->row[i].exact = kad_exact_read(ctx, file, estimates->row[i].name);
}

kad_status kad_analyse_chain(kad_ctx *ctx, kad_h5 *file, const kad_sampled *sampled,
                             kad_estimates **out)
{
    kad_status status = KAD_OK;
    kad_estimates *estimates = NULL;
    *out = NULL;
    KAD_TRY(kad_estimates_create(ctx, sampled->name, "mean over the chain, Gamma method",
                                 &estimates));
    estimates->seconds_per_draw = sampled->seconds_per_draw;
    for (size_t i = 0; i < sampled->n_observed; i++) {
        const kad_observed *observed = &sampled->observed[i];
        kad_gamma gamma;
        if (observed->is_row) continue;
        KAD_TRY(kad_gamma_analyse(ctx, sampled->n_chains, sampled->n_draws,
                                  observed->state.data, WINDOW_S, &gamma));
        (void)kad_estimates_add_gamma(estimates, observed->name, &gamma);
    }
    KAD_TRY(add_functions(ctx, sampled, false, estimates));
    fill_exact(ctx, file, estimates);
    *out = estimates;
    estimates = NULL;
done:
    kad_estimates_destroy(estimates);
    return status;
}

kad_status kad_analyse_weighted(kad_ctx *ctx, kad_h5 *file, const kad_sampled *sampled,
                                kad_estimates **out)
{
    kad_status status = KAD_OK;
    kad_estimates *estimates = NULL;
    char name[KAD_ESTIMATE_NAME + 16];
    *out = NULL;
    snprintf(name, sizeof name, "%s_reweighted", sampled->name);
    KAD_TRY(kad_estimates_create(
        ctx, name, "self-normalised importance weights, jackknife", &estimates));
    for (size_t i = 0; i < sampled->n_observed; i++) {
        const kad_observed *observed = &sampled->observed[i];
        double mean, err;
        if (observed->is_row) continue;
        KAD_TRY(kad_reweight(ctx, sampled->n_chains * sampled->n_draws,
                             sampled->log_weight.data, 1, kad_observed_draws(observed),
                             &mean, &err, NULL));
        kad_row *row = kad_estimates_add(estimates, observed->name);
        if (row == NULL) break;
        row->mean = mean;
        row->err = err;
    }
    KAD_TRY(add_functions(ctx, sampled, true, estimates));
    fill_exact(ctx, file, estimates);
    *out = estimates;
    estimates = NULL;
done:
    kad_estimates_destroy(estimates);
    return status;
}

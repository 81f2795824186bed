#include "analysis/means.h"

#include "analysis/functions.h"
#include "base/memory.h"
#include "base/weights.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double WINDOW_S = 1.5;

kad_status kad_estimate_function(kad_ctx *ctx, const kad_recorded *recorded,
                                 bool weighted, size_t n_inputs, const kad_input *inputs,
                                 kad_function f, const void *self, kad_row *row)
{
    kad_gamma gamma;
    memset(row, 0, sizeof *row);
    row->err_naive = row->err_dof = row->err_bound = row->q_value = row->tail.tau_exp =
        NAN;
    row->tau_int = row->tau_int_err = row->n_eff = row->rhat = row->exact = NAN;
    row->rhat_limit = NAN;
    if (weighted) {
        KAD_CALL(kad_derived_weighted(ctx, recorded->n_chains * recorded->n_draws,
                                      recorded->log_weight.data, n_inputs, inputs, f,
                                      self, &row->mean, &row->err, &row->err_dof));
    } else {
        KAD_CALL(kad_derived_chain(ctx, recorded->n_chains, recorded->n_draws, n_inputs,
                                   inputs, f, self, &gamma));
        kad_gamma_add_tail(&gamma, gamma.tail.tau_exp);
        kad_row_set_gamma(row, &gamma);
    }
    kad_row_refuse(row, kad_recorded_refusal(recorded, weighted));
    return KAD_OK;
}

kad_lattice_facts kad_facts_of(const kad_recorded *recorded, size_t index)
{
    return (kad_lattice_facts){recorded->n_sites, recorded->extent, index,
                               recorded->n_components, recorded->beta};
}

/* A Gamma analysis as a row, the tail of the slowest mode known so far put in. m is odd
 * under the symmetry and decays with a time of its own, which tells nothing of the rest.
 */
static void add_gamma(kad_estimates *out, const char *name, kad_gamma *gamma)
{
    const bool odd = strcmp(name, "m") == 0;
    const double tau_exp =
        odd ? gamma->tail.tau_exp : fmax(gamma->tail.tau_exp, out->tau_exp);
    kad_gamma_add_tail(gamma, tau_exp);
    const double bound = kad_gamma_bound(gamma, tau_exp);
    kad_row *row = kad_estimates_add_gamma(out, name, gamma);
    if (row != NULL) row->err_bound = bound;
}

/* The slowest decay among the scalars, first. */
static kad_status add_scalars(kad_ctx *ctx, const kad_recorded *recorded,
                              kad_estimates *out)
{
    KAD_SCOPE(scope, ctx);
    kad_gamma *all;
    KAD_CALL(kad_take(&scope, KAD_RECORDED_MAX, &all));
    out->tau_exp = 0.0;
    for (size_t i = 0; i < recorded->n_observed; i++) {
        const kad_observed *observed = &recorded->observed[i];
        if (observed->is_row) continue;
        KAD_CALL(kad_gamma_analyse(ctx, recorded->n_chains, recorded->n_draws,
                                   observed->state.data, WINDOW_S, &all[i]));
        if (strcmp(observed->name, "m") != 0 && all[i].flag == KAD_GAMMA_OK)
            out->tau_exp = fmax(out->tau_exp, all[i].tail.tau_exp);
    }
    for (size_t i = 0; i < recorded->n_observed; i++)
        if (!recorded->observed[i].is_row)
            add_gamma(out, recorded->observed[i].name, &all[i]);
    return KAD_OK;
}

static kad_input input_of(const kad_observed *observed, bool weighted, size_t offset)
{
    return (kad_input){.data =
                           weighted ? kad_observed_draws(observed) : observed->state.data,
                       .stride = observed->width,
                       .offset = offset};
}

/* The most columns any observable has. */
static size_t most_inputs(const kad_recorded *recorded)
{
    size_t most = KAD_DERIVED_SCALARS;
    for (size_t i = 0; i < recorded->n_observed; i++)
        if (recorded->observed[i].width > most) most = recorded->observed[i].width;
    return most;
}

/* The series a function needs; 0: they are not all there. inputs [most_inputs] */
static size_t find_inputs(const kad_recorded *recorded, bool weighted,
                          const kad_derived *derived, kad_input *inputs)
{
    size_t n = 0;
    if (derived->row != NULL) {
        const kad_observed *row = kad_recorded_find(recorded, derived->row);
        if (row == NULL || row->width < 2) return 0;
        for (; n < row->width; n++)
            inputs[n] = input_of(row, weighted, n);
        return n;
    }
    for (; n < KAD_DERIVED_SCALARS && derived->scalars[n] != NULL; n++) {
        const kad_observed *scalar = kad_recorded_find(recorded, derived->scalars[n]);
        if (scalar == NULL) return 0;
        inputs[n] = input_of(scalar, weighted, 0);
    }
    return n;
}

/* A row that is left out, its function not being finite at the means; said once, however
 * many formulas it has. */
static void leave_out(kad_estimates *out, const char *name)
{
    const size_t n = strlen(out->undefined), length = strlen(name);
    if (n >= length && strcmp(out->undefined + n - length, name) == 0) return;
    snprintf(out->undefined + n, sizeof out->undefined - n, "%s%s", n > 0 ? ", " : "",
             name);
}

/* Every function of the table whose inputs are there; left out where it is not finite. */
static kad_status add_derived_chain(kad_ctx *ctx, const kad_recorded *recorded,
                                    kad_estimates *out)
{
    KAD_SCOPE(scope, ctx);
    const kad_lattice_facts facts = kad_facts_of(recorded, 0);
    kad_input *inputs;
    KAD_CALL(kad_take(&scope, most_inputs(recorded), &inputs));
    for (size_t i = 0; i < kad_n_derived; i++) {
        const kad_derived *derived = &kad_derived_table[i];
        const size_t n = find_inputs(recorded, false, derived, inputs);
        kad_gamma gamma;
        if (n == 0 || kad_estimates_find(out, derived->name) != NULL) continue;
        KAD_CALL(kad_derived_chain(ctx, recorded->n_chains, recorded->n_draws, n, inputs,
                                   derived->f, &facts, &gamma));
        if (isfinite(gamma.mean))
            add_gamma(out, derived->name, &gamma);
        else
            leave_out(out, derived->name);
    }
    return KAD_OK;
}

static kad_status add_derived_weighted(kad_ctx *ctx, const kad_recorded *recorded,
                                       kad_estimates *out)
{
    KAD_SCOPE(scope, ctx);
    const kad_lattice_facts facts = kad_facts_of(recorded, 0);
    kad_input *inputs;
    KAD_CALL(kad_take(&scope, most_inputs(recorded), &inputs));
    for (size_t i = 0; i < kad_n_derived; i++) {
        const kad_derived *derived = &kad_derived_table[i];
        const size_t n = find_inputs(recorded, true, derived, inputs);
        double mean, err, dof;
        if (n == 0 || kad_estimates_find(out, derived->name) != NULL) continue;
        KAD_CALL(kad_derived_weighted(ctx, recorded->n_chains * recorded->n_draws,
                                      recorded->log_weight.data, n, inputs, derived->f,
                                      &facts, &mean, &err, &dof));
        if (!isfinite(mean)) leave_out(out, derived->name);
        kad_row *row = isfinite(mean) ? kad_estimates_add(out, derived->name) : NULL;
        if (row == NULL) continue;
        row->mean = mean;
        row->err = err;
        row->err_dof = dof;
    }
    return KAD_OK;
}

static void fill_exact(kad_ctx *ctx, kad_h5 *file, kad_estimates *estimates)
{
    for (size_t i = 0; i < estimates->n; i++)
        kad_exact_fill(ctx, file, &estimates->row[i]);
}

kad_status kad_analyse_chain(kad_scope *in, kad_h5 *file, const kad_recorded *recorded,
                             kad_estimates **out)
{
    KAD_CALL(kad_estimates_create(in, recorded->name, "mean over the chain, Gamma method",
                                  out));
    (*out)->seconds_per_draw = recorded->seconds_per_draw;
    KAD_CALL(add_scalars(in->ctx, recorded, *out));
    KAD_CALL(add_derived_chain(in->ctx, recorded, *out));
    fill_exact(in->ctx, file, *out);
    return KAD_OK;
}

static kad_status add_scalars_weighted(kad_ctx *ctx, const kad_recorded *recorded,
                                       kad_estimates *out)
{
    for (size_t i = 0; i < recorded->n_observed; i++) {
        const kad_observed *observed = &recorded->observed[i];
        double mean, err, dof;
        if (observed->is_row) continue;
        KAD_CALL(kad_reweight(ctx, recorded->n_chains * recorded->n_draws,
                              recorded->log_weight.data, 1, kad_observed_draws(observed),
                              &mean, &err, &dof, NULL));
        kad_row *row = kad_estimates_add(out, observed->name);
        if (row == NULL) break;
        row->mean = mean;
        row->err = err;
        row->err_dof = dof;
    }
    return KAD_OK;
}

kad_status kad_analyse_weighted(kad_scope *in, kad_h5 *file, const kad_recorded *recorded,
                                kad_estimates **out)
{
    char name[KAD_ESTIMATE_NAME + 16];
    snprintf(name, sizeof name, "%s_reweighted", recorded->name);
    KAD_CALL(kad_estimates_create(in, name,
                                  "self-normalised importance weights, jackknife", out));
    KAD_CALL(add_scalars_weighted(in->ctx, recorded, *out));
    KAD_CALL(add_derived_weighted(in->ctx, recorded, *out));
    fill_exact(in->ctx, file, *out);
    return KAD_OK;
}

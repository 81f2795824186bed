#include "analysis/estimates.h"

#include "base/memory.h"
#include "io/progress.h"
#include "io/writer.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

kad_status kad_estimates_create(kad_scope *in, const char *name, const char *estimator,
                                kad_estimates **out)
{
    KAD_CALL(kad_take(in, 1, out));
    snprintf((*out)->name, sizeof(*out)->name, "%s", name);
    (*out)->estimator = estimator;
    (*out)->seconds_per_draw = (*out)->tau_exp = NAN;
    return KAD_OK;
}

kad_row *kad_estimates_add(kad_estimates *estimates, const char *name)
{
    if (estimates->n == KAD_ESTIMATES_MAX) return NULL;
    kad_row *row = &estimates->row[estimates->n++];
    memset(row, 0, sizeof *row);
    snprintf(row->name, sizeof row->name, "%s", name);
    row->mean = row->err = row->err_naive = row->err_dof = row->err_bound = row->q_value =
        NAN;
    row->tail.tau_exp = NAN;
    row->tau_int = row->tau_int_err = row->n_eff = row->rhat = row->exact = NAN;
    row->rhat_limit = NAN;
    return row;
}

void kad_row_refuse(kad_row *row, kad_gamma_flag why)
{
    if (why == KAD_GAMMA_OK) return;
    row->err = row->err_bound = NAN;
    if (row->flag == KAD_GAMMA_OK) row->flag = why;
}

void kad_row_set_gamma(kad_row *row, const kad_gamma *gamma)
{
    row->mean = gamma->mean;
    row->err = gamma->err;
    row->err_naive = gamma->err_naive;
    row->err_dof = gamma->err_dof;
    row->err_bound = kad_gamma_bound(gamma, gamma->tail.tau_exp);
    row->q_value = gamma->q_value;
    row->tail = gamma->tail;
    row->tau_int = gamma->tau_int;
    row->tau_int_err = gamma->tau_int_err;
    row->n_eff = gamma->n_eff;
    row->rhat = gamma->rhat;
    row->window = gamma->window;
    row->flag = gamma->flag;
}

kad_row *kad_estimates_add_gamma(kad_estimates *estimates, const char *name,
                                 const kad_gamma *gamma)
{
    kad_row *row = kad_estimates_add(estimates, name);
    if (row == NULL) return NULL;
    kad_row_set_gamma(row, gamma);
    row->n_lag = gamma->n_lag;
    memcpy(row->rho, gamma->rho, sizeof row->rho);
    memcpy(row->rho_err, gamma->rho_err, sizeof row->rho_err);
    return row;
}

const kad_row *kad_estimates_find(const kad_estimates *estimates, const char *name)
{
    for (size_t i = 0; i < estimates->n; i++)
        if (strcmp(estimates->row[i].name, name) == 0) return &estimates->row[i];
    return NULL;
}

const char *kad_reason(const char *flag_name)
{
    static const char *const reasons[] = {
        [KAD_GAMMA_CONSTANT] = "never moved",
        [KAD_GAMMA_SHORT] = "fewer than 50 tau_int",
        [KAD_GAMMA_OPEN] = "correlated over the whole length of a chain",
        [KAD_GAMMA_NEGATIVE] = "autocovariances that sum to nothing",
        [KAD_GAMMA_WEIGHTS] = "weights worth fewer than 50 draws",
        [KAD_GAMMA_START] = "chains that remember their start",
    };
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (strcmp(flag_name, kad_gamma_flag_name((kad_gamma_flag)i)) == 0)
            return reasons[i];
    return NULL;
}

double kad_row_pull(const kad_row *row)
{
    return row->err > 0.0 ? (row->mean - row->exact) / hypot(row->err, row->exact_err)
                          : NAN;
}

double kad_pull_p(double pull, double dof)
{
    const double far = fabs(pull);
    if (isnan(dof) || dof > 1e5) return erfc(far / sqrt(2.0));
    return 2.0 * gsl_cdf_tdist_Q(far, dof);
}

/* --- writing ------------------------------------------------------------------------ */

#define REAL(name, member, units, text)                             \
    {                                                               \
        name, KAD_CELL_REAL, offsetof(kad_row, member), units, text \
    }
static const kad_write_column columns[] = {
    REAL("mean", mean, "1", "estimate"),
    REAL("err", err, "1", "standard error, autocorrelation included; NaN: none stated"),
    REAL("err_naive", err_naive, "1", "standard error if draws were independent"),
    REAL("err_dof", err_dof, "1", "degrees of freedom of err"),
    REAL("err_bound", err_bound, "1",
         "upper bound of err: the tail of the sampler's slowest mode added"),
    REAL("tau_int", tau_int, "draws", "integrated autocorrelation time"),
    REAL("tau_int_err", tau_int_err, "draws", "its standard error"),
    {"window", KAD_CELL_SIZE, offsetof(kad_row, window), "draws",
     "summation window of tau_int"},
    REAL("tau_exp", tail.tau_exp, "draws", "decay time of rho; 0: none above the noise"),
    {"tail", KAD_CELL_BOOL, offsetof(kad_row, tail.added), "1",
     "1: the tail tau_exp rho(W + 1) is part of tau_int and err"},
    REAL("n_eff", n_eff, "1", "draws / (2 tau_int)"),
    REAL("rhat", rhat, "1", "split potential scale reduction"),
    REAL("rhat_limit", rhat_limit, "1",
         "the largest that chains which agree should have"),
    REAL("q_value", q_value, "1",
         "probability that chains of one distribution differ more"),
    REAL("exact", exact, "1", "exact value; NaN: not known"),
};
#undef REAL

/* [observable][lag] of rho and its error; lags a row does not have are NaN. */
static void write_rho(kad_writer *w, const kad_estimates *estimates)
{
    size_t dims[2] = {estimates->n, 0};
    for (size_t i = 0; i < estimates->n; i++)
        if (estimates->row[i].n_lag > dims[1]) dims[1] = estimates->row[i].n_lag;
    KAD_LOCAL(double, block);
    block = kad_write_scratch(w, dims[0] * dims[1], sizeof *block);
    if (block == NULL || dims[1] == 0) return;
    for (size_t t = 0; t < dims[1]; t++)
        block[t] = (double)t;
    kad_write(w, "lag", KAD_H5_F64, "lag", "draws", "lag", &dims[1], block);
    for (int error = 0; error < 2; error++) {
        for (size_t i = 0; i < dims[0]; i++) {
            const kad_row *row = &estimates->row[i];
            const double *from = error ? row->rho_err : row->rho;
            for (size_t t = 0; t < dims[1]; t++)
                block[i * dims[1] + t] = t < row->n_lag ? from[t] : NAN;
        }
        kad_write(w, error ? "rho_err" : "rho", KAD_H5_F64, "observable lag", "1",
                  error ? "error of rho" : "normalised autocorrelation", dims, block);
    }
}

/* What is not a member of a row. */
static void write_derived(kad_writer *w, const kad_estimates *estimates)
{
    const size_t n = estimates->n;
    const char *names[KAD_ESTIMATES_MAX], *flags[KAD_ESTIMATES_MAX];
    double seconds[KAD_ESTIMATES_MAX], pull[KAD_ESTIMATES_MAX];
    for (size_t i = 0; i < n; i++) {
        const kad_row *row = &estimates->row[i];
        names[i] = row->name;
        flags[i] = kad_gamma_flag_name(row->flag);
        seconds[i] = row->tau_int * estimates->seconds_per_draw;
        pull[i] = kad_row_pull(row);
    }
    kad_write_names(w, "observable", "observable", "what is estimated", n, names);
    kad_write_names(w, "flag", "observable", "ok, or why err is NaN", n, flags);
    kad_write(w, "tau_int_seconds", KAD_H5_F64, "observable", "s", "tau_int in wall time",
              &n, seconds);
    kad_write(w, "pull", KAD_H5_F64, "observable", "1", "(mean - exact)/err", &n, pull);
}

kad_status kad_estimates_write(kad_ctx *ctx, kad_h5 *file, const kad_estimates *estimates)
{
    char group[128];
    snprintf(group, sizeof group, "/analysis/%s", estimates->name);
    if (estimates->n == 0) return kad_h5_remove(ctx, file, group);
    kad_writer w = kad_write_anew(ctx, file, group);
    write_derived(&w, estimates);
    kad_write_columns(&w, "observable", sizeof columns / sizeof *columns, columns,
                      estimates->n, estimates->row, sizeof *estimates->row);
    write_rho(&w, estimates);
    kad_write_text(&w, "estimator", estimates->estimator);
    kad_write_text(&w, "tau_convention", "1/2 + sum");
    if (isfinite(estimates->tau_exp)) kad_write_real(&w, "tau_exp", estimates->tau_exp);
    return kad_write_end(&w);
}

/* --- printing ----------------------------------------------------------------------- */

void kad_row_print(const kad_row *row, kad_text *out)
{
    char text[64], tau[64];
    kad_text_add(out, "%-16s %-18s", row->name,
                 kad_format_error(text, sizeof text, row->mean, row->err));
    if (isfinite(row->exact)) {
        kad_text_add(out, " exact %-12.9g", row->exact);
        if (isfinite(kad_row_pull(row)))
            kad_text_add(out, " (%+.1f sigma)", kad_row_pull(row));
    }
    if (isfinite(row->tau_int) && row->flag != KAD_GAMMA_CONSTANT)
        kad_text_add(out, " tau_int %s",
                     kad_format_error(tau, sizeof tau, row->tau_int, row->tau_int_err));
    const char *reason = kad_reason(kad_gamma_flag_name(row->flag));
    if (reason != NULL) kad_text_add(out, " %s: no error is stated", reason);
}

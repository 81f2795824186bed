#include "analysis/estimates.h"

#include "base/memory.h"
#include "io/progress.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

kad_status kad_estimates_create(kad_ctx *ctx, const char *name, const char *estimator,
                                kad_estimates **out)
{
    kad_status status = KAD_OK;
    kad_estimates *estimates = NULL;
    *out = NULL;
    KAD_TRY(kad_new(ctx, 1, sizeof *estimates, &estimates));
    snprintf(estimates->name, sizeof estimates->name, "%s", name);
    estimates->estimator = estimator;
    estimates->seconds_per_draw = estimates->tau_exp = NAN;
    *out = estimates;
done:
    return status;
}

void kad_estimates_destroy(kad_estimates *estimates)
{
    if (estimates == NULL) return;
    for (size_t i = 0; i < estimates->n; i++) {
        kad_free(estimates->row[i].rho);
        kad_free(estimates->row[i].rho_err);
    }
    kad_free(estimates);
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
                                 kad_gamma *gamma)
{
    kad_row *row = kad_estimates_add(estimates, name);
    if (row != NULL) {
        kad_row_set_gamma(row, gamma);
        row->n_lag = gamma->n_lag;
        row->rho = gamma->rho;
        row->rho_err = gamma->rho_err;
        gamma->rho = gamma->rho_err = NULL;
    }
    kad_gamma_clear(gamma);
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

typedef double (*column_of)(const kad_estimates *, const kad_row *);

#define COLUMN(field)                                                     \
    static double get_##field(const kad_estimates *e, const kad_row *row) \
    {                                                                     \
        (void)e;                                                          \
        return (double)row->field;                                        \
    }
COLUMN(mean)
COLUMN(err)
COLUMN(err_naive)
COLUMN(err_dof)
COLUMN(err_bound)
COLUMN(q_value)
COLUMN(tau_int)
COLUMN(tau_int_err)
COLUMN(window)
COLUMN(n_eff)
COLUMN(rhat)
COLUMN(rhat_limit)
COLUMN(exact)
#undef COLUMN

static double get_tau_exp(const kad_estimates *e, const kad_row *row)
{
    (void)e;
    return row->tail.tau_exp;
}

static double get_tail(const kad_estimates *e, const kad_row *row)
{
    (void)e;
    return row->tail.added ? 1.0 : 0.0;
}

static double get_seconds(const kad_estimates *e, const kad_row *row)
{
    return row->tau_int * e->seconds_per_draw;
}

static double get_pull(const kad_estimates *e, const kad_row *row)
{
    (void)e;
    return kad_row_pull(row);
}

static const struct {
    const char *name;
    column_of get;
    const char *units, *summary;
} columns[] = {
    {"mean", get_mean, "", "estimate"},
    {"err", get_err, "", "standard error, autocorrelation included; NaN: none stated"},
    {"err_naive", get_err_naive, "", "standard error if draws were independent"},
    {"err_dof", get_err_dof, "", "degrees of freedom of err"},
    {"err_bound", get_err_bound, "",
     "upper bound of err: the tail of the sampler's slowest mode added"},
    {"tau_int", get_tau_int, "draws", "integrated autocorrelation time"},
    {"tau_int_err", get_tau_int_err, "draws", "its standard error"},
    {"window", get_window, "draws", "summation window of tau_int"},
    {"tau_exp", get_tau_exp, "draws", "decay time of rho; 0: none above the noise"},
    {"tail", get_tail, "", "1: the tail tau_exp rho(W + 1) is part of tau_int and err"},
    {"tau_int_seconds", get_seconds, "s", "tau_int in wall time"},
    {"n_eff", get_n_eff, "", "draws / (2 tau_int)"},
    {"rhat", get_rhat, "", "split potential scale reduction"},
    {"rhat_limit", get_rhat_limit, "", "the largest that chains which agree should have"},
    {"q_value", get_q_value, "",
     "probability that chains of one distribution differ more"},
    {"exact", get_exact, "", "exact value; NaN: not known"},
    {"pull", get_pull, "", "(mean - exact)/err"},
};

/* [observable][lag] of rho or its error; lags a row does not have are NaN. */
static kad_status write_rho(kad_ctx *ctx, kad_h5 *file, const kad_estimates *estimates,
                            const char *group, const char *name, bool error)
{
    kad_status status = KAD_OK;
    char path[256], scale[256];
    double *block = NULL;
    size_t dims[2] = {estimates->n, 0};

    for (size_t i = 0; i < estimates->n; i++)
        if (estimates->row[i].n_lag > dims[1]) dims[1] = estimates->row[i].n_lag;
    if (dims[1] == 0) return KAD_OK;
    KAD_TRY(kad_new(ctx, dims[0] * dims[1], sizeof *block, &block));
    for (size_t i = 0; i < dims[0]; i++) {
        const kad_row *row = &estimates->row[i];
        const double *from = error ? row->rho_err : row->rho;
        for (size_t t = 0; t < dims[1]; t++)
            block[i * dims[1] + t] = from != NULL && t < row->n_lag ? from[t] : NAN;
    }
    snprintf(path, sizeof path, "%s/%s", group, name);
    KAD_TRY(kad_h5_write(ctx, file, path, KAD_H5_F64, 2, dims, block));
    KAD_TRY(kad_h5_describe(ctx, file, path, "",
                            error ? "error of rho" : "normalised autocorrelation",
                            estimates->estimator));
    for (size_t t = 0; t < dims[1]; t++)
        block[t] = (double)t;
    snprintf(scale, sizeof scale, "%s/lag", group);
    if (!kad_h5_exists(file, scale)) {
        KAD_TRY(kad_h5_write(ctx, file, scale, KAD_H5_F64, 1, &dims[1], block));
        KAD_TRY(kad_h5_describe(ctx, file, scale, "draws", "lag", NULL));
    }
    KAD_TRY(kad_h5_axis(ctx, file, path, 0, "observable", NULL));
    KAD_TRY(kad_h5_axis(ctx, file, path, 1, "lag", scale));
done:
    kad_free(block);
    return status;
}

static kad_status write_names(kad_ctx *ctx, kad_h5 *file, const kad_estimates *estimates,
                              const char *group)
{
    kad_status status = KAD_OK;
    const char *names[KAD_ESTIMATES_MAX], *flags[KAD_ESTIMATES_MAX];
    char path[256];
    for (size_t i = 0; i < estimates->n; i++) {
        names[i] = estimates->row[i].name;
        flags[i] = kad_gamma_flag_name(estimates->row[i].flag);
    }
    snprintf(path, sizeof path, "%s/observable", group);
    KAD_TRY(kad_h5_write_strings(ctx, file, path, estimates->n, names));
    snprintf(path, sizeof path, "%s/flag", group);
    KAD_TRY(kad_h5_write_strings(ctx, file, path, estimates->n, flags));
    KAD_TRY(kad_h5_axes(ctx, file, path, "observable"));
done:
    return status;
}

kad_status kad_estimates_write(kad_ctx *ctx, kad_h5 *file, const kad_estimates *estimates)
{
    kad_status status = KAD_OK;
    char group[128], path[256];
    double values[KAD_ESTIMATES_MAX];

    snprintf(group, sizeof group, "/analysis/%s", estimates->name);
    KAD_TRY(kad_h5_remove(ctx, file, group));
    if (estimates->n == 0) return KAD_OK;
    KAD_TRY(kad_h5_group(ctx, file, group));
    KAD_TRY(write_names(ctx, file, estimates, group));
    for (size_t c = 0; c < sizeof columns / sizeof *columns; c++) {
        for (size_t i = 0; i < estimates->n; i++)
            values[i] = columns[c].get(estimates, &estimates->row[i]);
        snprintf(path, sizeof path, "%s/%s", group, columns[c].name);
        KAD_TRY(kad_h5_write(ctx, file, path, KAD_H5_F64, 1, &estimates->n, values));
        KAD_TRY(
            kad_h5_describe(ctx, file, path, columns[c].units, columns[c].summary, NULL));
        KAD_TRY(kad_h5_axis(ctx, file, path, 0, "observable", NULL));
    }
    KAD_TRY(write_rho(ctx, file, estimates, group, "rho", false));
    KAD_TRY(write_rho(ctx, file, estimates, group, "rho_err", true));
    KAD_TRY(kad_h5_attr_set_string(ctx, file, group, "estimator", estimates->estimator));
    KAD_TRY(kad_h5_attr_set_string(ctx, file, group, "tau_convention", "1/2 + sum"));
    if (isfinite(estimates->tau_exp))
        KAD_TRY(kad_h5_attr_set_real(ctx, file, group, "tau_exp", estimates->tau_exp));
done:
    return status;
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

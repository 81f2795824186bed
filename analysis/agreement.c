#include "analysis/agreement.h"

#include "io/progress.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Weighted mean of the estimates but `without` (K: of all), and its error. */
static double mean_of(size_t K, const double *value, const double *err, size_t without,
                      double *mean_err)
{
    double sum = 0.0, weight = 0.0;
    for (size_t k = 0; k < K; k++) {
        if (k == without || isnan(value[k])) continue;
        const double w = 1.0 / (err[k] * err[k]);
        sum += w * value[k];
        weight += w;
    }
    *mean_err = 1.0 / sqrt(weight);
    return sum / weight;
}

/* Above so many degrees F is chi^2 to more digits than matter. */
static const double DOF_MOST = 1e5;

static double upper_tail(double F, double n, double m)
{
    if (m > DOF_MOST) /* gsl's tail fails far out, where p is zero */
        return F * n > 10.0 * n + 1000.0 ? 0.0 : gsl_cdf_chisq_Q(F * n, n);
    return gsl_cdf_fdist_Q(F, n, m);
}

double kad_welch(size_t K, const double *value, const double *err, const double *dof,
                 double *chi2)
{
    const double k = (double)K;
    double mean_err, lambda = 0.0;
    const double mean = mean_of(K, value, err, K, &mean_err);
    *chi2 = 0.0;
    for (size_t i = 0; i < K; i++) {
        const double pull = (value[i] - mean) / err[i];
        const double share = mean_err / err[i];
        *chi2 += pull * pull;
        if (dof[i] > 0.0)
            lambda += (1.0 - share * share) * (1.0 - share * share) / dof[i];
    }
    const double F = *chi2 / (k - 1.0) / (1.0 + 2.0 * (k - 2.0) / (k * k - 1.0) * lambda);
    return upper_tail(F, k - 1.0, (k * k - 1.0) / (3.0 * lambda));
}

/* --- collecting --------------------------------------------------------------------- */

static size_t find_sampler(kad_agreement *a, const char *name)
{
    size_t s = 0;
    while (s < a->n_samplers && strcmp(a->sampler[s], name) != 0)
        s++;
    if (s < a->n_samplers || s == KAD_AGREEMENT_SAMPLERS) return s;
    snprintf(a->sampler[s], sizeof a->sampler[s], "%s", name);
    return a->n_samplers++;
}

static kad_agreement_row *find_row(kad_agreement *a, const char *name)
{
    size_t i = 0;
    while (i < a->n && strcmp(a->row[i].name, name) != 0)
        i++;
    if (i < a->n) return &a->row[i];
    if (i == KAD_AGREEMENT_ROWS) return NULL;
    kad_agreement_row *row = &a->row[a->n++];
    memset(row, 0, sizeof *row);
    snprintf(row->name, sizeof row->name, "%s", name);
    for (size_t s = 0; s < KAD_AGREEMENT_SAMPLERS; s++)
        row->value[s] = row->err[s] = row->dof[s] = NAN;
    row->chi2 = row->p = row->others = row->others_err = NAN;
    return row;
}

void kad_agreement_add(kad_agreement *a, const char *observable, const char *sampler,
                       double value, double err, double dof)
{
    if (!isfinite(value) || !isfinite(err) || !(err > 0.0)) return;
    const size_t s = find_sampler(a, sampler);
    kad_agreement_row *row = find_row(a, observable);
    if (s == KAD_AGREEMENT_SAMPLERS || row == NULL) return;
    row->value[s] = value;
    row->err[s] = err;
    row->dof[s] = dof;
}

void kad_agreement_add_table(kad_agreement *a, const kad_estimates *estimates,
                             bool symmetric)
{
    for (size_t i = 0; i < estimates->n; i++) {
        const kad_row *row = &estimates->row[i];
        if (symmetric && strcmp(row->name, "m") == 0) continue;
        if (row->flag != KAD_GAMMA_OK) continue;
        kad_agreement_add(a, row->name, estimates->name, row->mean, row->err,
                          row->err_dof);
    }
}

/* --- comparing ---------------------------------------------------------------------- */

/* The sampler farthest from the mean of the others, in errors. */
static void find_apart(const kad_agreement *a, kad_agreement_row *row)
{
    double most = -1.0;
    for (size_t s = 0; s < a->n_samplers; s++) {
        double err;
        if (isnan(row->value[s])) continue;
        const double others = mean_of(a->n_samplers, row->value, row->err, s, &err);
        const double pull = fabs(row->value[s] - others) / hypot(err, row->err[s]);
        if (!(pull > most)) continue;
        most = pull;
        row->apart = s;
        row->others = others;
        row->others_err = err;
    }
}

static void compare(const kad_agreement *a, kad_agreement_row *row)
{
    double value[KAD_AGREEMENT_SAMPLERS], err[KAD_AGREEMENT_SAMPLERS],
        dof[KAD_AGREEMENT_SAMPLERS];
    row->n = 0;
    for (size_t s = 0; s < a->n_samplers; s++) {
        if (isnan(row->value[s])) continue;
        value[row->n] = row->value[s];
        err[row->n] = hypot(row->err[s], KAD_SINGLE_ROUNDING * row->value[s]);
        dof[row->n++] = row->dof[s];
    }
    if (row->n < 2) return;
    row->p = kad_welch(row->n, value, err, dof, &row->chi2);
    find_apart(a, row);
}

void kad_agreement_finish(kad_agreement *a)
{
    a->n_compared = a->n_refuted = 0;
    for (size_t i = 0; i < a->n; i++) {
        compare(a, &a->row[i]);
        a->n_compared += a->row[i].n >= 2;
    }
    a->limit = -expm1(log1p(-KAD_AGREEMENT_ALPHA) / fmax(1.0, (double)a->n_compared));
    for (size_t i = 0; i < a->n; i++) {
        a->row[i].refuted = a->row[i].p < a->limit;
        a->n_refuted += a->row[i].refuted;
    }
}

/* --- saying ------------------------------------------------------------------------- */

const char *kad_format_p(char *text, size_t size, double p)
{
    if (p < 1e-99)
        snprintf(text, size, "p < 1e-99");
    else
        snprintf(text, size, "p %.1g", p);
    return text;
}

void kad_agreement_print_row(const kad_agreement *a, size_t i, kad_text *out)
{
    const kad_agreement_row *row = &a->row[i];
    char text[64];
    kad_text_add(out, "%s:", row->name);
    for (size_t s = 0; s < a->n_samplers; s++)
        if (!isnan(row->value[s]))
            kad_text_add(out, " %s %s,", a->sampler[s],
                         kad_format_error(text, sizeof text, row->value[s], row->err[s]));
    kad_text_add(out, " chi^2 %.3g for %zu, %s", row->chi2, row->n - 1,
                 kad_format_p(text, sizeof text, row->p));
}

void kad_agreement_warn(const kad_agreement *a, kad_diagnostics *diagnostics)
{
    const kad_agreement_row *worst = NULL;
    char own[64], others[64], p[32], who[KAD_ESTIMATE_NAME] = "the others", more[64] = "";
    size_t n_refuted = 0;
    for (size_t i = 0; i < a->n; i++) {
        const kad_agreement_row *row = &a->row[i];
        if (!row->refuted || strcmp(row->name, KAD_OVERLAP) == 0) continue;
        n_refuted++;
        if (worst == NULL || row->p < worst->p ||
            (row->p == worst->p && row->chi2 > worst->chi2))
            worst = row;
    }
    if (worst == NULL) return;
    for (size_t s = 0; s < a->n_samplers && worst->n == 2; s++)
        if (s != worst->apart && !isnan(worst->value[s]))
            snprintf(who, sizeof who, "%s", a->sampler[s]);
    if (n_refuted > 1)
        snprintf(more, sizeof more, " (and %zu more of %zu rows)", n_refuted - 1,
                 a->n_compared);
    kad_diagnostics_add(
        diagnostics, KAD_ERROR, "disagreement", NULL,
        "%s: %s has %s, %s %s: chi^2 %.3g for %zu, %s%s: one of them misses part of "
        "the distribution, or an error bar is too small",
        worst->name, a->sampler[worst->apart],
        kad_format_error(own, sizeof own, worst->value[worst->apart],
                         worst->err[worst->apart]),
        who, kad_format_error(others, sizeof others, worst->others, worst->others_err),
        worst->chi2, worst->n - 1, kad_format_p(p, sizeof p, worst->p), more);
}

#include "analysis/fit.h"

#include "base/matrix.h"
#include "base/memory.h"
#include "base/signals.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_linalg.h>
#include <gsl/gsl_multifit_nlinear.h>
#include <math.h>
#include <string.h>

enum { ITERATIONS = 200, BISECTIONS = 40 };
/* A positive parameter that has run away to zero starts again from here. */
static const double LEAST = 1e-6;

/* One fit under way. */
typedef struct problem {
    const kad_fit_model *model;
    const void *points;
    size_t n;
    const double *y;
    double *L;        /* [n][n] Cholesky factor of C + s^2 */
    double log_det;   /* of C + s^2 */
    double *residual; /* [n] scratch */
} problem;

/* L of C + s^2 in place; false: not positive definite. */
static bool factorise(problem *q, const double *cov, double s)
{
    const size_t n = q->n;
    memcpy(q->L, cov, n * n * sizeof *cov);
    for (size_t i = 0; i < n; i++)
        q->L[i * n + i] += s * s;
    if (!kad_cholesky(n, n, q->L, 0.0)) return false;
    q->log_det = kad_cholesky_log_det(n, n, q->L);
    return true;
}

/* Parameters from what the solver moves: logarithms of the positive ones. */
static void parameters(const kad_fit_model *model, const gsl_vector *v, double *p)
{
    for (size_t a = 0; a < model->n_parameters; a++)
        p[a] = model->positive[a] ? exp(gsl_vector_get(v, a)) : gsl_vector_get(v, a);
}

/* L^{-1} (f(p) - y). */
static int residuals(const gsl_vector *v, void *self, gsl_vector *out)
{
    const problem *q = self;
    const size_t n = q->n;
    double p[KAD_FIT_PARAMETERS], *r = q->residual;
    parameters(q->model, v, p);
    for (size_t i = 0; i < n; i++) {
        r[i] = q->model->value(q->points, i, p) - q->y[i];
        if (!isfinite(r[i])) return GSL_EDOM;
    }
    kad_cholesky_forward(n, n, q->L, r);
    for (size_t i = 0; i < n; i++)
        gsl_vector_set(out, i, r[i]);
    return GSL_SUCCESS;
}

/* chi^2, parameters and covariance from a finished solver. */
static void conclude(const problem *q, gsl_multifit_nlinear_workspace *w,
                     gsl_matrix *covariance, kad_fit *out)
{
    const size_t n_p = q->model->n_parameters;
    const gsl_vector *f = gsl_multifit_nlinear_residual(w);
    double factor[KAD_FIT_PARAMETERS];
    double chi2 = 0;
    for (size_t i = 0; i < q->n; i++)
        chi2 += gsl_vector_get(f, i) * gsl_vector_get(f, i);
    if (!isfinite(chi2) || (out->ok && chi2 >= out->chi2)) return;
    gsl_multifit_nlinear_covar(gsl_multifit_nlinear_jac(w), 0, covariance);
    out->ok = true;
    out->chi2 = chi2;
    parameters(q->model, gsl_multifit_nlinear_position(w), out->p);
    for (size_t a = 0; a < n_p; a++)
        factor[a] = q->model->positive[a] ? out->p[a] : 1;
    for (size_t a = 0; a < n_p; a++) {
        for (size_t b = 0; b < n_p; b++)
            out->cov[a][b] = factor[a] * factor[b] * gsl_matrix_get(covariance, a, b);
        out->err[a] = out->cov[a][a] > 0 ? sqrt(out->cov[a][a]) : NAN;
    }
}

KAD_LOCAL_OF(gsl_matrix, gsl_matrix_free)
KAD_LOCAL_OF(gsl_multifit_nlinear_workspace, gsl_multifit_nlinear_free)

static kad_status minimise(kad_ctx *ctx, problem *q, kad_fit *out)
{
    const size_t n_p = q->model->n_parameters;
    gsl_multifit_nlinear_parameters options = gsl_multifit_nlinear_default_parameters();
    gsl_multifit_nlinear_fdf system = {.f = residuals, .n = q->n, .p = n_p, .params = q};
    options.fdtype = GSL_MULTIFIT_NLINEAR_CTRDIFF;
    KAD_LOCAL(gsl_matrix, covariance);
    KAD_LOCAL(gsl_multifit_nlinear_workspace, w);
    covariance = gsl_matrix_alloc(n_p, n_p);
    w = gsl_multifit_nlinear_alloc(gsl_multifit_nlinear_trust, &options, q->n, n_p);
    if (covariance == NULL || w == NULL)
        return kad_fail(ctx, KAD_ENOMEM, "out of memory for a fit of %zu points", q->n);
    out->ok = false;
    for (size_t s = 0; s < q->model->n_starts; s++) {
        double v[KAD_FIT_PARAMETERS];
        for (size_t a = 0; a < n_p; a++)
            v[a] = q->model->positive[a] ? log(fmax(q->model->start[s][a], LEAST))
                                         : q->model->start[s][a];
        const gsl_vector_const_view start = gsl_vector_const_view_array(v, n_p);
        int info;
        if (gsl_multifit_nlinear_init(&start.vector, &system, w) != GSL_SUCCESS) continue;
        /* whatever stopped it (a flat direction, say): the best point reached counts */
        if (gsl_multifit_nlinear_driver(ITERATIONS, 1e-10, 1e-12, 0, NULL, NULL, &info,
                                        w) != GSL_ENOMEM)
            conclude(q, w, covariance, out);
    }
    return KAD_OK;
}

static void describe(const problem *q, double scatter, kad_fit *out)
{
    double sum = 0;
    out->n = q->n;
    out->n_parameters = q->model->n_parameters;
    out->dof = q->n - q->model->n_parameters;
    out->scatter = scatter;
    for (size_t i = 0; out->ok && i < q->n; i++) {
        const double r = q->y[i] - q->model->value(q->points, i, out->p);
        sum += r * r;
    }
    out->rms = sqrt(sum / (double)q->n);
    out->p_value = gsl_cdf_chisq_Q(out->chi2, (double)out->dof);
    out->aic = out->chi2 + q->log_det + 2 * (double)(q->model->n_parameters + 1);
}

static kad_status fit_with(kad_ctx *ctx, problem *q, const double *cov, double scatter,
                           kad_fit *out)
{
    if (!factorise(q, cov, scatter))
        return kad_fail(ctx, KAD_EDATA,
                        "fit of %s: the covariance is not positive definite",
                        q->model->name);
    KAD_CALL(minimise(ctx, q, out));
    describe(q, scatter, out);
    return KAD_OK;
}

/* Largest scatter worth looking at: the spread of the data. */
static double spread(size_t n, const double *y)
{
    double mean = 0, square = 0;
    for (size_t i = 0; i < n; i++)
        mean += y[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        square += (y[i] - mean) * (y[i] - mean) / (double)n;
    return 2 * sqrt(square) + 1e-12;
}

static kad_status find_scatter(kad_ctx *ctx, problem *q, const double *cov, kad_fit *out)
{
    double lo = 0, hi = spread(q->n, q->y);
    kad_fit best = {0}, next = {0};
    kad_fit_model warm = *q->model;
    KAD_CALL(fit_with(ctx, q, cov, 0, out));
    if (!out->ok || out->chi2 <= (double)out->dof) return KAD_OK;
    /* from every start once more, with errors that hide nothing; then down from there,
     * each fit beginning where the last good one ended */
    KAD_CALL(fit_with(ctx, q, cov, hi, &best));
    if (!best.ok) return KAD_OK;
    warm.n_starts = 1;
    warm.start = (const double(*)[KAD_FIT_PARAMETERS])best.p;
    problem from_best = *q;
    from_best.model = &warm;
    for (int i = 0; i < BISECTIONS && !(lo > 0 && hi / lo < 1 + 1e-3); i++) {
        const double s = lo > 0 ? sqrt(lo * hi) : hi * 1e-4;
        KAD_CALL(fit_with(ctx, &from_best, cov, s, &next));
        if (next.ok && next.chi2 <= (double)next.dof) {
            hi = s;
            best = next;
        } else {
            lo = s;
        }
    }
    *out = best;
    return KAD_OK;
}

static kad_status run(kad_ctx *ctx, const kad_fit_model *model, const void *points,
                      size_t n, const double *y, const double *cov, bool scatter,
                      kad_fit *out)
{
    KAD_SCOPE(scope, ctx);
    problem q = {.model = model, .points = points, .n = n, .y = y};
    memset(out, 0, sizeof *out);
    if (n < model->n_parameters + 1) return KAD_OK;
    KAD_CALL(kad_take(&scope, n * n, &q.L));
    KAD_CALL(kad_take(&scope, n, &q.residual));
    gsl_error_handler_t *before = gsl_set_error_handler_off();
    const kad_status status =
        scatter ? find_scatter(ctx, &q, cov, out) : fit_with(ctx, &q, cov, 0, out);
    gsl_set_error_handler(before);
    return status;
}

kad_status kad_fit_run(kad_ctx *ctx, const kad_fit_model *model, const void *points,
                       size_t n, const double *y, const double *cov, kad_fit *out)
{
    return run(ctx, model, points, n, y, cov, false, out);
}

kad_status kad_fit_scatter(kad_ctx *ctx, const kad_fit_model *model, const void *points,
                           size_t n, const double *y, const double *cov, kad_fit *out)
{
    return run(ctx, model, points, n, y, cov, true, out);
}

/* --- correlations ------------------------------------------------------------------ */

/* Means over bins, [n_bins][n], without the mean of them; returns the number. */
static size_t bin_means(size_t n_chains, size_t n_draws, size_t n, const float *a,
                        size_t size, double *bins)
{
    size_t n_bins = 0;
    for (size_t chain = 0; chain < n_chains; chain++)
        for (size_t b = 0; (b + 1) * size <= n_draws; b++, n_bins++)
            for (size_t i = 0; i < n; i++) {
                const float *own = a + (chain * n_draws + b * size) * n + i;
                double sum = 0;
                for (size_t t = 0; t < size; t++)
                    sum += (double)own[t * n];
                bins[n_bins * n + i] = sum / (double)size;
            }
    for (size_t i = 0; i < n && n_bins > 0; i++) {
        double mean = 0;
        for (size_t b = 0; b < n_bins; b++)
            mean += bins[b * n + i] / (double)n_bins;
        for (size_t b = 0; b < n_bins; b++)
            bins[b * n + i] -= mean;
    }
    return n_bins;
}

/* Correlations of the bins; returns the shrinkage. */
static double correlate(size_t n_bins, size_t n, const double *bins, double *corr)
{
    double noise = 0, signal = 0;
    memset(corr, 0, n * n * sizeof *corr);
    for (size_t b = 0; b < n_bins; b++)
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j <= i; j++)
                corr[i * n + j] += bins[b * n + i] * bins[b * n + j];
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++) {
            const double norm = sqrt(corr[i * n + i] * corr[j * n + j]);
            const double r = norm > 0 ? corr[i * n + j] / norm : 0;
            corr[i * n + j] = corr[j * n + i] = r;
            noise += (1 - r * r) * (1 - r * r) / (double)n_bins;
            signal += r * r;
        }
    const double shrinkage = signal > 0 ? fmin(1, noise / signal) : 1;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            corr[i * n + j] = i == j ? 1 : (1 - shrinkage) * corr[i * n + j];
    return shrinkage;
}

kad_status kad_shrunk_correlation(kad_ctx *ctx, size_t n_chains, size_t n_draws, size_t n,
                                  const float *a, size_t size, double *corr,
                                  size_t *n_bins, double *shrinkage)
{
    KAD_SCOPE(scope, ctx);
    double *bins;
    if (size < 1) size = 1;
    KAD_CALL(kad_stop_check(ctx, "analysis"));
    KAD_CALL(kad_take(&scope, n_chains * (n_draws / size) * n + 1, &bins));
    *n_bins = bin_means(n_chains, n_draws, n, a, size, bins);
    *shrinkage = correlate(*n_bins < 3 ? 0 : *n_bins, n, bins, corr);
    return KAD_OK;
}

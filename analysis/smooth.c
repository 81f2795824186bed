#include "analysis/smooth.h"

#include "analysis/linear.h"
#include "base/matrix.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

enum { TERMS = KAD_SMOOTH_DEGREE + 1 };

/* T_0 .. T_degree at u, and their derivatives by u. */
static void chebyshev(double u, double T[TERMS], double dT[TERMS])
{
    T[0] = 1;
    T[1] = u;
    dT[0] = 0;
    dT[1] = 1;
    for (size_t k = 2; k < TERMS; k++) {
        T[k] = 2 * u * T[k - 1] - T[k - 2];
        dT[k] = 2 * T[k - 1] + 2 * u * dT[k - 1] - dT[k - 2];
    }
}

static double to_unit(const kad_smooth *s, double t)
{
    return (2 * t - s->lo - s->hi) / (s->hi - s->lo);
}

const double *kad_smooth_of(const kad_smooth *s, size_t b)
{
    const kad_replicas *c = &s->coefficient;
    return b < c->n_blocks ? c->replica + b * c->n : c->value;
}

double kad_smooth_value(const kad_smooth *s, const double *c, double t)
{
    double T[TERMS], dT[TERMS], y = 0;
    chebyshev(to_unit(s, t), T, dT);
    for (size_t k = 0; k < s->coefficient.n; k++)
        y += c[k] * T[k];
    return y;
}

double kad_smooth_slope(const kad_smooth *s, const double *c, double t)
{
    double T[TERMS], dT[TERMS], y = 0;
    chebyshev(to_unit(s, t), T, dT);
    for (size_t k = 0; k < s->coefficient.n; k++)
        y += c[k] * dT[k];
    return y * 2 / (s->hi - s->lo);
}

/* m terms at the couplings t. */
static bool prepare(kad_linear *f, const kad_smooth *s, const double *t, size_t m)
{
    double T[TERMS], dT[TERMS];
    for (size_t i = 0; i < f->n; i++) {
        chebyshev(to_unit(s, t[i]), T, dT);
        for (size_t k = 0; k < m; k++)
            f->x[k * f->n + i] = T[k];
    }
    return kad_linear_prepare(f, m);
}

kad_status kad_smooth_fit(kad_scope *in, const double *t, const kad_replicas *points,
                          kad_smooth *out)
{
    KAD_SCOPE(scope, in->ctx);
    const size_t n = points->n, B = points->n_blocks;
    double *cov;
    kad_linear f;
    if (n < 3)
        return kad_fail(in->ctx, KAD_EDATA, "a curve through %zu points: expected three",
                        n);
    *out = (kad_smooth){.lo = t[0], .hi = t[n - 1]};
    KAD_CALL(kad_take(&scope, n * n, &cov));
    KAD_CALL(kad_replicas_covariance(in->ctx, points, cov));
    if (!kad_cholesky(n, n, cov, 0.0))
        return kad_fail(in->ctx, KAD_EDATA, "points to fit: no positive covariance");
    KAD_CALL(kad_linear_take(&scope, n, TERMS, cov, &f));
    const size_t m = n - 1 < TERMS ? n - 1 : TERMS;
    if (!prepare(&f, out, t, m))
        return kad_fail(in->ctx, KAD_EDATA, "points to fit: couplings coincide");
    KAD_CALL(kad_replicas_take(in, m, B, &out->coefficient));
    out->chi2 = kad_linear_solve(&f, points->value, out->coefficient.value);
    out->dof = n - m;
    out->p_value = gsl_cdf_chisq_Q(out->chi2, (double)out->dof);
    for (size_t b = 0; b < B; b++)
        (void)kad_linear_solve(&f, points->replica + b * n,
                               out->coefficient.replica + b * m);
    return KAD_OK;
}

#include "analysis/crossing.h"

#include "analysis/linear.h"
#include "base/matrix.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdint.h>

enum { STEPS = 200, NEWTON = 30, GOLDEN = 60 };
static const double LEAST_EXPONENT = 0.3, MOST_EXPONENT = 8;

/* --- one crossing --------------------------------------------------------------------
 */

/* upper - lower at t, of replica b (n_blocks: of all). */
static double difference(const kad_smooth *lower, const kad_smooth *upper, size_t b,
                         double t)
{
    return kad_smooth_value(upper, kad_smooth_of(upper, b), t) -
           kad_smooth_value(lower, kad_smooth_of(lower, b), t);
}

static double slope_of(const kad_smooth *s, size_t b, double t)
{
    return kad_smooth_slope(s, kad_smooth_of(s, b), t);
}

/* Newton's steps from t, which stay within [lo, hi]. */
static double refine(const kad_smooth *lower, const kad_smooth *upper, size_t b,
                     double lo, double hi, double t)
{
    for (int n = 0; n < NEWTON; n++) {
        const double slope = slope_of(upper, b, t) - slope_of(lower, b, t);
        const double next =
            fmin(hi, fmax(lo, t - difference(lower, upper, b, t) / slope));
        if (!(fabs(next - t) > 1e-14 * fabs(t))) return isfinite(next) ? next : t;
        t = next;
    }
    return t;
}

/* The place in [lo, hi] where the difference changes its sign most steeply; NaN: none. */
static double search(const kad_smooth *lower, const kad_smooth *upper, double lo,
                     double hi)
{
    const size_t all = SIZE_MAX;
    double best = NAN, steepest = 0;
    for (int n = 0; n < STEPS; n++) {
        const double a = lo + (hi - lo) * n / STEPS, b = lo + (hi - lo) * (n + 1) / STEPS;
        if (difference(lower, upper, all, a) * difference(lower, upper, all, b) > 0)
            continue;
        const double t = refine(lower, upper, all, a, b, 0.5 * (a + b));
        const double slope = fabs(slope_of(upper, all, t) - slope_of(lower, all, t));
        if (slope > steepest) best = t;
        steepest = fmax(steepest, slope);
    }
    return best;
}

static void read_off(const kad_sized *lower, const kad_sized *upper, size_t b, double t,
                     double *out)
{
    const double ratio = slope_of(&upper->curve, b, t) / slope_of(&lower->curve, b, t);
    out[KAD_CROSSING_AT] = t;
    out[KAD_CROSSING_VALUE] =
        kad_smooth_value(&upper->curve, kad_smooth_of(&upper->curve, b), t);
    out[KAD_CROSSING_INV_NU] = log(ratio) / log(upper->size / lower->size);
}

kad_status kad_crossing_find(kad_scope *in, const kad_sized *lower,
                             const kad_sized *upper, kad_crossing *out)
{
    const kad_smooth *a = &lower->curve, *b = &upper->curve;
    const double lo = fmax(a->lo, b->lo), hi = fmin(a->hi, b->hi);
    *out = (kad_crossing){.size = lower->size, .s = upper->size / lower->size};
    KAD_CALL(kad_replicas_take(in, KAD_CROSSING_N, a->coefficient.n_blocks, &out->of));
    const double t = lo < hi ? search(a, b, lo, hi) : (double)NAN;
    out->found = isfinite(t);
    if (!out->found) return KAD_OK;
    read_off(lower, upper, SIZE_MAX, t, out->of.value);
    for (size_t k = 0; k < out->of.n_blocks; k++)
        read_off(lower, upper, k, refine(a, b, k, lo, hi, t),
                 out->of.replica + k * out->of.n);
    return KAD_OK;
}

static double exponent(const kad_crossing *c, const kad_smooth *lower,
                       const kad_smooth *upper, size_t b, double t)
{
    return log(kad_smooth_value(upper, kad_smooth_of(upper, b), t) /
               kad_smooth_value(lower, kad_smooth_of(lower, b), t)) /
           log(c->s);
}

kad_status kad_crossing_exponent(kad_scope *in, const kad_crossing *c,
                                 const kad_smooth *lower, const kad_smooth *upper,
                                 kad_replicas *out)
{
    KAD_CALL(kad_replicas_take(in, 1, c->of.n_blocks, out));
    out->value[0] = exponent(c, lower, upper, SIZE_MAX, c->of.value[KAD_CROSSING_AT]);
    for (size_t b = 0; b < c->of.n_blocks; b++)
        out->replica[b] =
            exponent(c, lower, upper, b, c->of.replica[b * c->of.n + KAD_CROSSING_AT]);
    return KAD_OK;
}

/* --- many ----------------------------------------------------------------------------
 */

/* T* = T_c + a x: x by the exponent, or by a(s). */
typedef struct line {
    size_t n;
    const kad_crossing **at; /* [n] */
    kad_linear fit;
    kad_replicas y; /* [n] T* */
} line;

static bool with_exponent(line *l, double e)
{
    for (size_t i = 0; i < l->n; i++) {
        l->fit.x[i] = 1;
        l->fit.x[l->n + i] = pow(l->at[i]->size, -e);
    }
    return kad_linear_prepare(&l->fit, 2);
}

static bool with_omega(line *l, double inv_nu, double omega)
{
    for (size_t i = 0; i < l->n; i++) {
        const double L = l->at[i]->size, s = l->at[i]->s;
        l->fit.x[i] = 1;
        l->fit.x[l->n + i] =
            (1 - pow(s, -omega)) / (pow(s, inv_nu) - 1) * pow(L, -inv_nu - omega);
    }
    return kad_linear_prepare(&l->fit, 2);
}

static double chi2_of(line *l, const double *y, double e, double c[2])
{
    return with_exponent(l, e) ? kad_linear_solve(&l->fit, y, c) : INFINITY;
}

/* The exponent of the least chi^2 (golden section on its logarithm), with T_c in c[0]. */
static double fit_exponent(line *l, const double *y, double c[2])
{
    const double g = 0.5 * (sqrt(5) - 1);
    double a = log(LEAST_EXPONENT), b = log(MOST_EXPONENT);
    for (int n = 0; n < GOLDEN; n++) {
        const double left = b - g * (b - a), right = a + g * (b - a);
        if (chi2_of(l, y, exp(left), c) < chi2_of(l, y, exp(right), c))
            b = right;
        else
            a = left;
    }
    const double e = exp(0.5 * (a + b));
    (void)chi2_of(l, y, e, c);
    return e;
}

static kad_status collect(kad_scope *in, size_t n, const kad_crossing *crossing, line *l)
{
    double *cov;
    KAD_CALL(kad_take(in, n, &l->at));
    for (size_t i = 0; i < n; i++)
        if (crossing[i].found) l->at[l->n++] = &crossing[i];
    if (l->n == 0) return KAD_OK;
    KAD_CALL(kad_replicas_take(in, l->n, l->at[0]->of.n_blocks, &l->y));
    for (size_t i = 0; i < l->n; i++) {
        const kad_replicas *of = &l->at[i]->of;
        l->y.value[i] = of->value[KAD_CROSSING_AT];
        for (size_t b = 0; b < of->n_blocks; b++)
            l->y.replica[b * l->n + i] = of->replica[b * of->n + KAD_CROSSING_AT];
    }
    KAD_CALL(kad_take(in, l->n * l->n, &cov));
    KAD_CALL(kad_replicas_covariance(in->ctx, &l->y, cov));
    if (!kad_cholesky(l->n, l->n, cov, 0.0))
        return kad_fail(in->ctx, KAD_EDATA, "crossings: no positive covariance");
    return kad_linear_take(in, l->n, 2, cov, &l->fit);
}

static void take_last(const line *l, kad_critical *out)
{
    size_t last = 0;
    for (size_t i = 0; i < l->n; i++)
        if (l->at[i]->size * l->at[i]->s > l->at[last]->size * l->at[last]->s) last = i;
    out->how = KAD_EXTRAPOLATED_LAST;
    out->n = 1;
    out->tc.value[0] = l->y.value[last];
    for (size_t b = 0; b < l->y.n_blocks; b++)
        out->tc.replica[b] = l->y.replica[b * l->n + last];
}

static void conclude(const line *l, double chi2, size_t n_fitted, kad_critical *out)
{
    out->n = l->n;
    out->dof = l->n - n_fitted;
    out->chi2 = chi2;
    if (out->dof > 0) out->p_value = gsl_cdf_chisq_Q(chi2, (double)out->dof);
}

static bool extrapolate_given(line *l, double inv_nu, double omega, kad_critical *out)
{
    double c[2];
    if (l->n < 2 || !with_omega(l, inv_nu, omega)) return false;
    out->how = KAD_EXTRAPOLATED_GIVEN;
    conclude(l, kad_linear_solve(&l->fit, l->y.value, c), 2, out);
    out->tc.value[0] = c[0];
    for (size_t b = 0; b < l->y.n_blocks; b++) {
        (void)kad_linear_solve(&l->fit, l->y.replica + b * l->n, c);
        out->tc.replica[b] = c[0];
    }
    return true;
}

/* False where the data do not fix the exponent: to half of itself, within its bounds. */
static kad_status extrapolate_fitted(kad_ctx *ctx, line *l, kad_critical *out, bool *done)
{
    KAD_SCOPE(scope, ctx);
    double c[2];
    kad_replicas e;
    *done = false;
    if (l->n < 3) return KAD_OK;
    KAD_CALL(kad_replicas_take(&scope, 1, l->y.n_blocks, &e));
    e.value[0] = fit_exponent(l, l->y.value, c);
    out->tc.value[0] = c[0];
    conclude(l, chi2_of(l, l->y.value, e.value[0], c), 3, out);
    for (size_t b = 0; b < l->y.n_blocks; b++) {
        e.replica[b] = fit_exponent(l, l->y.replica + b * l->n, c);
        out->tc.replica[b] = c[0];
    }
    out->exponent = kad_replicas_estimate(&e, 0);
    *done = e.value[0] > 1.05 * LEAST_EXPONENT && e.value[0] < 0.95 * MOST_EXPONENT &&
            out->exponent.err < 0.5 * e.value[0];
    out->how = KAD_EXTRAPOLATED_FITTED;
    return KAD_OK;
}

kad_status kad_crossing_extrapolate(kad_scope *in, size_t n, const kad_crossing *crossing,
                                    double inv_nu, double omega, kad_critical *out)
{
    KAD_SCOPE(scope, in->ctx);
    line l = {0};
    bool done = false;
    const kad_critical nothing = {.p_value = NAN, .exponent = {NAN, NAN}};
    *out = nothing;
    KAD_CALL(collect(&scope, n, crossing, &l));
    if (l.n == 0) return KAD_OK;
    KAD_CALL(kad_replicas_take(in, 1, l.y.n_blocks, &out->tc));
    if (isfinite(omega))
        done = extrapolate_given(&l, inv_nu, omega, out);
    else
        KAD_CALL(extrapolate_fitted(in->ctx, &l, out, &done));
    if (done) return KAD_OK;
    const kad_replicas tc = out->tc;
    *out = nothing;
    out->tc = tc;
    take_last(&l, out);
    return KAD_OK;
}

#include "analysis/collapse.h"

#include "analysis/fit.h"
#include "analysis/linear.h"
#include "base/matrix.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <string.h>

/* Coefficients of the spline: one for so many points, between these. */
enum { LEAST_SPLINE = 4, MOST_SPLINE = 7, POINTS_A_COEFFICIENT = 3, CORRECTIONS = 2 };
/* Starting points: 3 x 3, z of the largest lattice and nu moved by so much. */
enum { STARTS = 9 };
static const double START_Z = 0.3, START_NU = 0.15;

/* The parameters of the fit in order: (T_c - start)/start, nu, x unless it is 0, b with omega,
 * spline, G. */
typedef struct problem {
    size_t n;
    const double *size, *t; /* [n] */
    double tc;              /* start */
    double x, omega;
    bool dimensionless;
    double z_lo, z_hi;                    /* of the spline */
    size_t n_spline, n_correction, first; /* first: place of the spline's coefficients */
} problem;

static double z_of(const double of[KAD_COLLAPSE_N], double size, double t)
{
    const double u = (t - of[KAD_COLLAPSE_TC]) / of[KAD_COLLAPSE_TC];
    return u * (1 + of[KAD_COLLAPSE_B] * u) * pow(size, 1 / of[KAD_COLLAPSE_NU]);
}

/* Where the fit starts: which points count, and where the spline lies. */
static double z_at_start(const kad_collapse_options *o, double size, double t)
{
    const double of[KAD_COLLAPSE_N] = {
        [KAD_COLLAPSE_TC] = o->tc, [KAD_COLLAPSE_NU] = o->nu};
    return z_of(of, size, t);
}

/* Uniform cubic B-spline: values of the four that are not zero at z; returns the first. */
static size_t spline_at(const problem *q, double z, double b[4])
{
    const double n = (double)(q->n_spline - 3);
    const double place = fmin(n, fmax(0, n * (z - q->z_lo) / (q->z_hi - q->z_lo)));
    const double interval = fmin(n - 1, floor(place));
    const double u = n * (z - q->z_lo) / (q->z_hi - q->z_lo) - interval, v = 1 - u;
    b[0] = v * v * v / 6;
    b[1] = (3 * u * u * u - 6 * u * u + 4) / 6;
    b[2] = (3 * v * v * v - 6 * v * v + 4) / 6;
    b[3] = u * u * u / 6;
    return (size_t)interval;
}

static double spline(const problem *q, const double *c, double z)
{
    double b[4], sum = 0;
    const size_t first = spline_at(q, z, b);
    for (size_t k = 0; k < 4; k++)
        sum += b[k] * c[first + k];
    return sum;
}

/* T_c, nu, b, x of a set of parameters. */
static void physical(const problem *q, const double *p, double out[KAD_COLLAPSE_N])
{
    out[KAD_COLLAPSE_TC] = q->tc * (1 + p[0]);
    out[KAD_COLLAPSE_NU] = p[1];
    out[KAD_COLLAPSE_X] = q->dimensionless ? 0 : p[2];
    out[KAD_COLLAPSE_B] = q->n_correction > 0 ? p[q->first - 1] : 0;
}

static double correction(const problem *q, const double *p, double size, double z)
{
    const double *g = p + q->first + q->n_spline;
    return q->n_correction == 0 ? 0 : pow(size, -q->omega) * (g[0] + g[1] * z);
}

static double value(const void *self, size_t i, const double *p)
{
    const problem *q = self;
    double of[KAD_COLLAPSE_N];
    physical(q, p, of);
    const double nu = of[KAD_COLLAPSE_NU], L = q->size[i];
    const double z = z_of(of, L, q->t[i]);
    return pow(L, of[KAD_COLLAPSE_X] / nu) *
           (spline(q, p + q->first, z) + correction(q, p, L, z));
}

/* The linear parameters, the others given. */
static bool solve_linear(const problem *q, kad_linear *f, const double *y, double *p)
{
    const size_t n = q->n;
    double b[4], of[KAD_COLLAPSE_N];
    physical(q, p, of);
    memset(f->x, 0, n * (q->n_spline + q->n_correction) * sizeof *f->x);
    for (size_t i = 0; i < n; i++) {
        const double size = q->size[i];
        const double z = z_of(of, size, q->t[i]);
        const double scale = pow(size, of[KAD_COLLAPSE_X] / of[KAD_COLLAPSE_NU]);
        const size_t first = spline_at(q, z, b);
        for (size_t k = 0; k < 4; k++)
            f->x[(first + k) * n + i] = scale * b[k];
        for (size_t k = 0; k < q->n_correction; k++)
            f->x[(q->n_spline + k) * n + i] =
                scale * pow(size, -q->omega) * (k == 0 ? 1 : z);
    }
    if (!kad_linear_prepare(f, q->n_spline + q->n_correction)) return false;
    (void)kad_linear_solve(f, y, p + q->first);
    return true;
}

/* Starting points: chi^2 has more than one minimum. Returns their number. */
static size_t find_starts(const problem *q, const kad_collapse_options *o, kad_linear *f,
                          const double *y, double start[STARTS][KAD_FIT_PARAMETERS])
{
    size_t n = 0;
    double size = 0;
    for (size_t i = 0; i < q->n; i++)
        size = fmax(size, q->size[i]);
    for (int k = 0; k < STARTS; k++) {
        const double dz = START_Z * (k % 3 - 1),
                     nu = o->nu * (1 + START_NU * (k / 3 - 1));
        double *p = start[n];
        p[0] = dz * pow(size, -1 / o->nu);
        p[1] = nu;
        if (!q->dimensionless) p[2] = o->x * nu / o->nu;
        n += solve_linear(q, f, y, p);
    }
    return n;
}

/* The points within the cuts. */
static kad_status choose(kad_scope *in, const kad_collapse_points *points,
                         const kad_collapse_options *o, kad_collapse *out)
{
    const size_t n = points->observable.n;
    KAD_CALL(kad_take(in, n, &out->point));
    for (size_t i = 0; i < n; i++)
        if (points->size[i] >= o->l_min &&
            fabs(z_at_start(o, points->size[i], points->t[i])) < o->z_max)
            out->point[out->n++] = i;
    return KAD_OK;
}

static kad_status pick(kad_scope *in, const kad_collapse_points *points,
                       const kad_collapse *c, double **size, double **t, kad_replicas *y)
{
    const kad_replicas *all = &points->observable;
    KAD_CALL(kad_take(in, c->n, size));
    KAD_CALL(kad_take(in, c->n, t));
    KAD_CALL(kad_replicas_take(in, c->n, all->n_blocks, y));
    for (size_t i = 0; i < c->n; i++) {
        (*size)[i] = points->size[c->point[i]];
        (*t)[i] = points->t[c->point[i]];
        y->value[i] = all->value[c->point[i]];
        for (size_t b = 0; b < all->n_blocks; b++)
            y->replica[b * c->n + i] = all->replica[b * all->n + c->point[i]];
    }
    return KAD_OK;
}

static void lay_out(problem *q, const kad_collapse_options *o)
{
    q->tc = o->tc;
    q->omega = o->omega;
    q->dimensionless = o->dimensionless;
    q->n_correction = isfinite(o->omega) ? CORRECTIONS : 0;
    q->first = 2 + !o->dimensionless + (q->n_correction > 0);
    q->n_spline = q->n / POINTS_A_COEFFICIENT;
    if (q->n_spline > MOST_SPLINE) q->n_spline = MOST_SPLINE;
    q->z_lo = INFINITY;
    q->z_hi = -INFINITY;
    for (size_t i = 0; i < q->n; i++) {
        const double z = z_at_start(o, q->size[i], q->t[i]);
        q->z_lo = fmin(q->z_lo, z);
        q->z_hi = fmax(q->z_hi, z);
    }
}

/* What is drawn: the points as the fit scales them. */
static kad_status scale_points(kad_scope *in, const problem *q, const double *p,
                               const kad_replicas *y, kad_collapse *out)
{
    double of[KAD_COLLAPSE_N];
    KAD_CALL(kad_take(in, q->n, &out->z));
    KAD_CALL(kad_take(in, q->n, &out->y));
    KAD_CALL(kad_take(in, q->n, &out->err));
    KAD_CALL(kad_take(in, q->n, &out->residual));
    physical(q, p, of);
    for (size_t i = 0; i < q->n; i++) {
        const kad_estimate e = kad_replicas_estimate(y, i);
        const double L = q->size[i];
        const double scale = pow(L, -of[KAD_COLLAPSE_X] / of[KAD_COLLAPSE_NU]);
        out->z[i] = z_of(of, L, q->t[i]);
        out->y[i] = scale * e.value - correction(q, p, L, out->z[i]);
        out->err[i] = scale * e.err;
        out->residual[i] = (out->y[i] - spline(q, p + q->first, out->z[i])) / out->err[i];
    }
    return KAD_OK;
}

/* The model about p: its derivatives, by central differences, and what it leaves of y. */
static bool linearise(const problem *q, const double *p, size_t n_p, kad_linear *f)
{
    static const double STEP = 1e-5;
    double at[KAD_FIT_PARAMETERS];
    memcpy(at, p, n_p * sizeof *p);
    for (size_t k = 0; k < n_p; k++) {
        for (size_t i = 0; i < q->n; i++) {
            at[k] = p[k] + STEP;
            const double up = value(q, i, at);
            at[k] = p[k] - STEP;
            f->x[k * q->n + i] = (up - value(q, i, at)) / (2 * STEP);
        }
        at[k] = p[k];
    }
    return kad_linear_prepare(f, n_p);
}

/* What p leaves of the data y, r; chi^2 of it. */
static double leave(const problem *q, const double *p, const double *y, const double *L,
                    double *r, double *scaled)
{
    double chi2 = 0;
    for (size_t i = 0; i < q->n; i++)
        scaled[i] = r[i] = y[i] - value(q, i, p);
    kad_cholesky_forward(q->n, q->n, L, scaled);
    for (size_t i = 0; i < q->n; i++)
        chi2 += scaled[i] * scaled[i];
    return chi2;
}

/* Where the step of Gauss and Newton from p leads that takes r away. */
static void step(const double *p, size_t n_p, const kad_linear *f, const double *r,
                 double *next)
{
    (void)kad_linear_solve(f, r, next);
    for (size_t k = 0; k < n_p; k++)
        next[k] += p[k];
}

/* The last steps to the minimum, which a search may leave where it is flat, and from there one
 * for every replica: they lie a tenth of an error about it. */
static kad_status refit(kad_scope *in, const problem *q, const kad_replicas *y,
                        const double *L, kad_fit *fit, kad_collapse *out)
{
    enum { STEPS = 20 };
    const size_t n = q->n, n_p = fit->n_parameters;
    kad_linear f;
    double *r, *scaled, next[KAD_FIT_PARAMETERS];
    KAD_CALL(kad_linear_take(in, n, n_p, L, &f));
    KAD_CALL(kad_take(in, n, &r));
    KAD_CALL(kad_take(in, n, &scaled));
    for (int k = 0; k <= STEPS; k++) {
        fit->chi2 = leave(q, fit->p, y->value, L, r, scaled);
        out->ok = linearise(q, fit->p, n_p, &f);
        if (!out->ok) return KAD_OK;
        step(fit->p, n_p, &f, r, next);
        if (!(leave(q, next, y->value, L, r, scaled) < fit->chi2 - 1e-6)) break;
        memcpy(fit->p, next, n_p * sizeof *next);
    }
    for (size_t b = 0; b < y->n_blocks; b++) {
        (void)leave(q, fit->p, y->replica + b * n, L, r, scaled);
        step(fit->p, n_p, &f, r, next);
        physical(q, next, out->of.replica + b * KAD_COLLAPSE_N);
    }
    return KAD_OK;
}

kad_status kad_collapse_fit(kad_scope *in, const kad_collapse_points *points,
                            const kad_collapse_options *o, kad_collapse *out)
{
    KAD_SCOPE(scope, in->ctx);
    problem q = {0};
    double *size, *t, *cov, *L, start[STARTS][KAD_FIT_PARAMETERS] = {{0}};
    kad_linear linear;
    kad_replicas y;
    kad_fit fit;
    *out = (kad_collapse){.p_value = NAN};
    KAD_CALL(
        kad_replicas_take(in, KAD_COLLAPSE_N, points->observable.n_blocks, &out->of));
    KAD_CALL(choose(in, points, o, out));
    KAD_CALL(pick(&scope, points, out, &size, &t, &y));
    q.n = out->n;
    q.size = size;
    q.t = t;
    lay_out(&q, o);
    if (q.n_spline < LEAST_SPLINE) return KAD_OK;
    kad_fit_model model = {.name = "a collapse",
                           .n_parameters = q.first + q.n_spline + q.n_correction,
                           .positive = {false, true},
                           .value = value,
                           .start = start};
    KAD_CALL(kad_take(&scope, q.n * q.n, &cov));
    KAD_CALL(kad_replicas_covariance(in->ctx, &y, cov));
    KAD_CALL(kad_take(&scope, q.n * q.n, &L));
    memcpy(L, cov, q.n * q.n * sizeof *L);
    if (!kad_cholesky(q.n, q.n, L, 0.0)) return KAD_OK;
    KAD_CALL(kad_linear_take(&scope, q.n, q.n_spline + q.n_correction, L, &linear));
    model.n_starts = find_starts(&q, o, &linear, y.value, start);
    KAD_CALL(kad_fit_run(in->ctx, &model, &q, q.n, y.value, cov, &fit));
    out->ok = fit.ok;
    if (!fit.ok) return KAD_OK;
    KAD_CALL(refit(&scope, &q, &y, L, &fit, out));
    out->chi2 = fit.chi2;
    out->dof = fit.dof;
    out->p_value = gsl_cdf_chisq_Q(fit.chi2, (double)fit.dof);
    physical(&q, fit.p, out->of.value);
    return scale_points(in, &q, fit.p, &y, out);
}

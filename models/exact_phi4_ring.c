/* O(n) phi^4 on a ring by transfer matrix. With W(r) = m r^2 + lambda r^4 - its minimum,
 * m = mu - |t|,
 *   ln T(r, r') = -[W(r) + W(r')]/2 - (|t|/2) (r - r')^2 + ln q_l(|t| r r')
 * in channel l; no term is positive, and all are formed from y = r - r_0, the distance
 * from the minimum, so that nothing overflows or cancels however deep the wells are.
 * Radii are the nodes of a Gauss-Legendre rule over the window outside which
 * configurations weigh less than e^-FALL; its error falls exponentially once the spacing
 * resolves the bonds and the wells. Grids grow until two agree. */
#include "base/memory.h"
#include "models/exact_ring.h"
#include "models/legendre.h"

#include <float.h>
#include <gsl/gsl_eigen.h>
#include <gsl/gsl_errno.h>
#include <math.h>
#include <stdbool.h>

enum { MAX_RADII = 600, MAX_CHANNELS = 2000 };
static const double FALL = 45, GROWTH = 1.35, AGREED = 1e-11;
/* what one value may cost: radii^3 times channels (a second or two), doubles of q_l */
static const double MAX_WORK = 1.5e9, MAX_TABLE = 8e6;

/* W at r0 + y. */
double kad_exact_well(const kad_exact_chain *g, double y)
{
    const double s = y * (2 * g->r0 + y); /* r^2 - r0^2 */
    return s * ((g->r0 > 0 ? 0 : g->m) + g->lambda * s);
}

/* Least action, above the minimum, of a configuration in which some site is at r0 + y. On
 * either side of it the chain comes back to y/2 within j steps, which costs at least
 * (|t|/2) (y/2)^2 / j and (j - 1) W(y/2), or it never does. */
static double least_action(const kad_exact_chain *g, double y)
{
    const double half = kad_exact_well(g, 0.5 * y), step = 0.125 * fabs(g->t) * y * y;
    const int arm = (g->L - 1) / 2;
    double least = arm * half;
    const double best = half > 0 ? sqrt(step / half) : arm;
    const double j = best < 1 ? 1 : floor(best);
    for (int i = 0; i < 2; i++)
        if (j + i <= arm) least = fmin(least, (j + i - 1) * half + step / (j + i));
    return kad_exact_well(g, y) + 2 * least;
}

double kad_exact_window(const kad_exact_chain *g,
                        double (*cost)(const kad_exact_chain *g, double y), double fall,
                        double direction, double most)
{
    double near = 0, far = direction;
    while (fabs(far) < most && cost(g, far) < fall)
        far *= 2;
    while (fabs(far) > DBL_MIN && cost(g, 0.5 * far) > fall)
        far *= 0.5;
    if (fabs(far) > most) far = direction * most;
    if (cost(g, far) <= fall) return far;
    for (int i = 0; i < 40; i++) {
        const double middle = 0.5 * (near + far);
        if (cost(g, middle) < fall)
            near = middle;
        else
            far = middle;
    }
    return far;
}

double kad_exact_ln_sphere(int n)
{
    return n == 1 ? M_LN2 : log((n - 1) * 2 * M_PI);
}

typedef struct grid {
    int n_radii, n_channels; /* n_radii is even */
    double *y, *r, *half_ln; /* [n_radii]; half_ln: half the ln of a node's weight */
    double *node, *weight;   /* [n_radii / 2]: the rule on (-1, 1) */
    double *q;               /* [pair i >= j][n_channels] */
    gsl_matrix *matrix;
    gsl_vector *eigen;
    gsl_eigen_symm_workspace *work;
} grid;

static void grid_clear(grid *x)
{
    kad_free(x->y);
    kad_free(x->q);
    gsl_eigen_symm_free(x->work);
    gsl_vector_free(x->eigen);
    gsl_matrix_free(x->matrix);
    *x = (grid){0};
}

static size_t pair(size_t i, size_t j)
{
    return i * (i + 1) / 2 + j;
}

static kad_status grid_create(kad_ctx *ctx, const kad_exact_chain *g, int n_radii,
                              int n_channels, double lo, double hi, grid *x)
{
    const size_t N = (size_t)n_radii, pairs = N * (N + 1) / 2;
    *x = (grid){.n_radii = n_radii, .n_channels = n_channels};
    x->matrix = gsl_matrix_alloc(N, N);
    x->eigen = gsl_vector_alloc(N);
    x->work = gsl_eigen_symm_alloc(N);
    if (!x->matrix || !x->eigen || !x->work)
        return kad_fail(ctx, KAD_ENOMEM, "transfer matrix: out of memory");
    KAD_CALL(kad_new(ctx, 4 * N, sizeof(double), &x->y));
    KAD_CALL(kad_new(ctx, pairs * (size_t)n_channels, sizeof(double), &x->q));
    x->r = x->y + N;
    x->half_ln = x->r + N;
    x->node = x->half_ln + N;
    x->weight = x->node + N / 2;
    kad_legendre(n_radii / 2, x->node, x->weight);
    for (size_t i = 0; i < N; i++) {
        const double node = i < N / 2 ? -x->node[i] : x->node[N - 1 - i];
        const double w = 0.5 * (hi - lo) * x->weight[i < N / 2 ? i : N - 1 - i];
        x->y[i] = 0.5 * (lo + hi) + 0.5 * (hi - lo) * node;
        x->r[i] = g->r0 + x->y[i];
        x->half_ln[i] = 0.5 * (kad_exact_ln_sphere(g->n) + log(w) +
                               (g->n - 1) * log(x->r[i]) - kad_exact_well(g, x->y[i]));
    }
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j <= i; j++)
            kad_exact_channels(g->n, fabs(g->t) * x->r[i] * x->r[j], n_channels,
                               x->q + pair(i, j) * (size_t)n_channels);
    return KAD_OK;
}

/* Eigenvalues of channel l, divided by e^scale. */
static kad_status channel_eigenvalues(kad_ctx *ctx, const kad_exact_chain *g, grid *x,
                                      int l, double scale)
{
    const size_t N = (size_t)x->n_radii;
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j <= i; j++) {
            const double d = x->y[i] - x->y[j];
            const double T =
                exp(x->half_ln[i] + x->half_ln[j] - scale - 0.5 * fabs(g->t) * d * d) *
                x->q[pair(i, j) * (size_t)x->n_channels + (size_t)l];
            gsl_matrix_set(x->matrix, i, j, T);
            gsl_matrix_set(x->matrix, j, i, T);
        }
    const int code = gsl_eigen_symm(x->matrix, x->eigen, x->work);
    if (code != GSL_SUCCESS)
        return kad_fail(ctx, KAD_EINTERNAL, "transfer matrix: %s", gsl_strerror(code));
    return KAD_OK;
}

/* ln of the sum over channels and eigenvalues e of e^L, with its rounding: eigenvalues are
 * off by a few units of the largest. NaN where the channels do not suffice. */
static kad_status ln_trace(kad_ctx *ctx, const kad_exact_chain *g, grid *x,
                           kad_exact_value *out)
{
    double z = 0, slope = 0, scale = -(double)INFINITY, top = 0;
    bool converged = false;
    for (int i = 0; i < x->n_radii; i++)
        scale = fmax(scale, 2 * x->half_ln[i]);
    for (int l = 0; l < x->n_channels && !converged; l++) {
        const int multiplicity = kad_exact_multiplicity(g->n, l);
        double trace = 0;
        KAD_CALL(channel_eigenvalues(ctx, g, x, l, scale));
        if (l == 0) top = gsl_vector_max(x->eigen);
        for (int i = 0; i < x->n_radii; i++) {
            const double e = gsl_vector_get(x->eigen, (size_t)i) / top;
            trace += pow(e, g->L);
            slope += multiplicity * pow(fabs(e), g->L - 1);
        }
        z += kad_exact_channel_sign(g->t, l, g->L) * multiplicity * trace;
        converged = g->n == 1 ? l == 1 : multiplicity * fabs(trace) < 1e-17 * z;
    }
    const double unit = DBL_EPSILON, ln_top = scale + log(top);
    out->value = converged && z > 0 ? g->L * ln_top + log(z) : (double)NAN;
    out->error = unit * (16 * g->L * slope / z + 8 * g->L * fabs(ln_top) + 64);
    return KAD_OK;
}

/* One grid whose window is e^-fall deep. */
static kad_status on_grid(kad_ctx *ctx, const kad_exact_chain *g, int n_radii,
                          int n_channels, double fall, kad_exact_value *out)
{
    grid x KAD_CLEARED(grid_clear) = {0};
    const double lo = g->r0 > 0 ? kad_exact_window(g, least_action, fall, -1, g->r0) : 0;
    const double hi = kad_exact_window(g, least_action, fall, 1, (double)INFINITY);
    KAD_CALL(grid_create(ctx, g, n_radii, n_channels, lo, hi, &x));
    return ln_trace(ctx, g, &x, out);
}

/* Grids that grow until two, of different windows, agree. */
static kad_status refine(kad_ctx *ctx, const kad_exact_chain *g, kad_exact_value *out,
                         const char **unknown)
{
    const double lo = g->r0 > 0 ? kad_exact_window(g, least_action, FALL, -1, g->r0) : 0;
    const double hi = kad_exact_window(g, least_action, FALL, 1, (double)INFINITY);
    const double r = g->r0 + hi, x = fabs(g->t) * r * r; /* largest argument of q_l */
    const double channels = g->n == 1 ? 2 : fmin(40 + x, 30 + sqrt(100 * x / g->L));
    const double v = g->r0 + 0.5 * hi, curvature = 12 * g->lambda * v * v + 2 * g->m;
    const double spacing = 1 / sqrt(2 * fabs(g->t) + fmax(curvature, 0));
    double radii = 24 + 1.2 * (hi - lo) / spacing, change = (double)INFINITY;
    double before = (double)NAN;
    *out = (kad_exact_value){(double)NAN, (double)NAN};
    for (int i = 0; !(change <= AGREED * fmax(1, fabs(before)) || change <= out->error);
         i++, radii *= GROWTH) {
        *unknown = "its transfer matrix needs too many radii or channels";
        if (!(radii < MAX_RADII) || !(channels < MAX_CHANNELS) ||
            radii * radii * radii * channels > MAX_WORK ||
            0.5 * radii * radii * channels > MAX_TABLE)
            return KAD_OK;
        KAD_CALL(on_grid(ctx, g, 2 * (int)(radii / 2), (int)channels, FALL - 5 * (i % 2),
                         out));
        *unknown = "the channels of an odd antiferromagnetic ring cancel";
        if (g->t < 0 && g->L % 2 && !kad_exact_certain_ln_z(*out)) return KAD_OK;
        change = i > 0 ? fabs(out->value - before) : (double)INFINITY;
        before = out->value;
    }
    out->error += change;
    *unknown = NULL;
    return KAD_OK;
}

kad_status kad_exact_phi4_ring(kad_ctx *ctx, int n, int L, double t, double mass,
                               double lambda, kad_exact_value *ln_z, const char **unknown)
{
    const kad_exact_chain chain = {.n = n,
                                   .L = L,
                                   .t = t,
                                   .m = mass,
                                   .lambda = lambda,
                                   .r0 = mass < 0 ? sqrt(-mass / (2 * lambda)) : 0};
    const double minimum = mass < 0 ? -0.25 * mass * mass / lambda : 0;
    kad_exact_value weak;
    *unknown = NULL;
    KAD_CALL(kad_exact_mean_field(ctx, &chain, &weak));
    *ln_z = weak;
    if (!(weak.error <= AGREED * fmax(1, fabs(weak.value))))
        KAD_CALL(refine(ctx, &chain, ln_z, unknown));
    if (*unknown != NULL && kad_exact_certain_ln_z(weak)) {
        *ln_z = weak;
        *unknown = NULL;
    }
    ln_z->value -= L * minimum;
    ln_z->error += 4 * DBL_EPSILON * L * fabs(minimum);
    return KAD_OK;
}

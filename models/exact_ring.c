/* Rings: O(n) spins in closed form, O(n) phi^4 by radial transfer matrices.
 * exp(x s.s') = e^x sum_l q_l(x) (Gegenbauer polynomials normalised to act as
 * projectors): q_0 = w_n(x) e^{-x}, q_l / q_{l-1} = 1 / ((2l + n - 2)/x + q_{l+1}/q_l),
 * and channel l appears mult_l times. */
#include "base/memory.h"
#include "models/exact.h"
#include "models/single_site.h"

#include <gsl/gsl_eigen.h>
#include <gsl/gsl_errno.h>
#include <math.h>
#include <string.h>

enum {
    MAX_SPIN_CHANNELS = 512,
    MAX_CHANNELS = 128,
    N_RADIAL = 2 * KAD_SINGLE_SITE_NODES
};

/* q_l(x), l = 0 .. n_channels - 1, for x >= 0. The downward recurrence forgets its start
 * like q_{l+1}^2 / q_l^2 per step. */
static void channels(int n, double x, int n_channels, double *q)
{
    double r = 0;
    for (int l = n_channels + 40; l >= 1; l--) {
        r = x > 0 ? 1 / ((2 * l + n - 2) / x + r) : 0;
        if (l < n_channels) q[l] = r;
    }
    q[0] = exp(kad_spin_ln_weight(n, x) - x);
    for (int l = 1; l < n_channels; l++)
        q[l] *= q[l - 1];
}

static int multiplicity(int n, int l)
{
    switch (n) {
    case 1:
        return l < 2 ? 1 : 0;
    case 2:
        return l ? 2 : 1;
    default:
        return 2 * l + 1;
    }
}

/* Channels of antiferromagnetic bonds alternate in sign. */
static double channel_sign(double coupling, int l, int L)
{
    return coupling < 0 && l % 2 && L % 2 ? -1 : 1;
}

double kad_exact_spin_ring(int n, int L, double beta)
{
    double q[MAX_SPIN_CHANNELS], sum = 0;
    channels(n, fabs(beta), MAX_SPIN_CHANNELS, q);
    for (int l = 0; l < MAX_SPIN_CHANNELS; l++)
        sum += multiplicity(n, l) * channel_sign(beta, l, L) * pow(q[l] / q[0], L);
    return L * (fabs(beta) + log(q[0])) + log(sum);
}

int kad_exact_ring_length(const kad_lattice *lattice, double *factor)
{
    *factor = 1;
    if (lattice->d == 1) return lattice->n_sites;
    if (lattice->d == 2 && lattice->n_sites == 4) {
        *factor = 2;
        return 4;
    }
    return 0;
}

/* Radii between which a site's largest possible weight exp(|t| r^2 - mu r^2 - lambda
 * r^4), a Gaussian in r^2, is within e^-60 of its peak. */
static void radial_window(double t, double mu, double lambda, double *lo, double *hi)
{
    const double m = mu - fabs(t), s0 = fmax(0, -m / (2 * lambda));
    const double fall = 60 + m * s0 + lambda * s0 * s0; /* m s + lambda s^2 = fall */
    const double root = sqrt(m * m + 4 * lambda * fall);
    *hi = sqrt((root - m) / (2 * lambda));
    *lo = sqrt(fmax(0, (-root - m) / (2 * lambda)));
}

typedef struct ring {
    int n;
    int n_channels;
    double t, scale; /* scale: largest exponent, taken out */
    double r[N_RADIAL], ln_weight[N_RADIAL];
    double *q; /* [N_RADIAL][N_RADIAL][n_channels] */
} ring;

static void radial_grid(ring *g, double t, double mu, double lambda)
{
    kad_single_site rule;
    kad_single_site_init(&rule, g->n, 0, 1, NULL);
    double lo, hi;
    radial_window(t, mu, lambda, &lo, &hi);
    const double half = 0.5 * (hi - lo);
    const double sphere = g->n == 1 ? 2 : g->n == 2 ? 2 * M_PI : 4 * M_PI;
    for (int i = 0; i < N_RADIAL; i++) {
        const int k = i % KAD_SINGLE_SITE_NODES;
        const double r =
            lo + half * (1 + (i < KAD_SINGLE_SITE_NODES ? rule.node[k] : -rule.node[k]));
        const double s = r * r;
        g->r[i] = r;
        g->ln_weight[i] = 0.5 * (log(sphere * rule.weight[k] * half) +
                                 (g->n - 1) * log(r) - mu * s - lambda * s * s);
    }
    g->scale = -(double)INFINITY;
    for (int i = 0; i < N_RADIAL; i++)
        g->scale = fmax(g->scale, 2 * g->ln_weight[i] + fabs(t) * g->r[i] * g->r[i]);
}

/* sum over the channel's eigenvalues e of e^L. */
static kad_status channel_trace(kad_ctx *ctx, const ring *g, int l, int L,
                                gsl_matrix *matrix, gsl_vector *eigen,
                                gsl_eigen_symm_workspace *work, double *trace)
{
    for (size_t i = 0; i < N_RADIAL; i++)
        for (size_t j = 0; j < N_RADIAL; j++)
            gsl_matrix_set(
                matrix, i, j,
                exp(g->ln_weight[i] + g->ln_weight[j] + fabs(g->t) * g->r[i] * g->r[j] -
                    g->scale) *
                    g->q[(i * N_RADIAL + j) * (size_t)g->n_channels + (size_t)l]);
    const int code = gsl_eigen_symm(matrix, eigen, work);
    if (code != GSL_SUCCESS)
        return kad_fail(ctx, KAD_EINTERNAL, "transfer matrix: %s", gsl_strerror(code));
    *trace = 0;
    for (size_t i = 0; i < N_RADIAL; i++)
        *trace += pow(gsl_vector_get(eigen, i), L);
    return KAD_OK;
}

kad_status kad_exact_phi4_ring(kad_ctx *ctx, int n, int L, double t, double mu,
                               double lambda, double *ln_z)
{
    kad_status status = KAD_OK;
    ring *g = NULL;
    double z = 0;
    gsl_matrix *matrix = gsl_matrix_alloc(N_RADIAL, N_RADIAL);
    gsl_vector *eigen = gsl_vector_alloc(N_RADIAL);
    gsl_eigen_symm_workspace *work = gsl_eigen_symm_alloc(N_RADIAL);
    if (!matrix || !eigen || !work)
        KAD_TRY(kad_fail(ctx, KAD_ENOMEM, "transfer matrix: out of memory"));
    KAD_TRY(kad_new(ctx, 1, sizeof *g, &g));
    *g = (ring){.n = n, .t = t};
    radial_grid(g, t, mu, lambda);
    /* q_l falls fast once l exceeds the largest argument */
    const double x_max = fabs(t) * g->r[0] * g->r[0];
    g->n_channels = n == 1 ? 2 : x_max < 88 ? 40 + (int)x_max : MAX_CHANNELS;
    const size_t block = (size_t)g->n_channels;
    KAD_TRY(kad_new(ctx, N_RADIAL * N_RADIAL * block, sizeof(double), &g->q));
    for (size_t i = 0; i < N_RADIAL; i++)
        for (size_t j = 0; j <= i; j++) {
            double *q = g->q + (i * N_RADIAL + j) * block;
            channels(n, fabs(t) * g->r[i] * g->r[j], g->n_channels, q);
            memcpy(g->q + (j * N_RADIAL + i) * block, q, block * sizeof *q);
        }
    bool converged = n == 1;
    for (int l = 0; l < g->n_channels && multiplicity(n, l) > 0; l++) {
        double trace = 0;
        KAD_TRY(channel_trace(ctx, g, l, L, matrix, eigen, work, &trace));
        const double term = multiplicity(n, l) * trace;
        z += channel_sign(t, l, L) * term;
        converged |= fabs(term) < 1e-16 * z;
        if (converged && n > 1) break;
    }
    *ln_z = converged ? L * g->scale + log(z) : (double)NAN;
done:
    gsl_eigen_symm_free(work);
    gsl_vector_free(eigen);
    gsl_matrix_free(matrix);
    if (g) kad_free(g->q);
    kad_free(g);
    return status;
}

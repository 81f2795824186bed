/* Kernels of the decimated phi^4 action (see phi4_decimated.c). With s = |h|^2 and F(s) =
 * ln Z_1 - ln Z_1(0) from the table: dS_eff/dphi_i = (2 mu + 4 lambda |phi_i|^2) phi_i
 * - 2 t sum over odd neighbours j of F'(s_j) h_j, and - h of the external field, which is
 * in the h_j, too. */
#include "models/phi4.h"
#include "models/phi4_shapes.h"
#include "models/radial_kern.h"
#include "models/sum_kern.h"

#include <stddef.h>

/* Potential of the even sites; g = its gradient (odd rows zero). */
static inline __attribute__((always_inline)) void
even_sites(const kad_phi4 *phi4, const int n, const vreal *restrict Y, vreal *restrict G,
           double *restrict S)
{
    const real mu = (real)phi4->now.mu, lambda = (real)phi4->now.lambda,
               field = (real)phi4->now.h;
    const size_t row = KAD_NV, site_size = (size_t)n * row;
    vreal acc[KAD_NV];
    sum_clear(acc);
    for (int i = 0; i < phi4->n_half; i++) {
        const size_t here = (size_t)phi4->even[i] * site_size;
        for (size_t v = 0; v < row; v++) {
            vreal s = {0};
            for (int a = 0; a < n; a++) {
                const vreal phi = Y[here + (size_t)a * row + v];
                s += phi * phi;
            }
            acc[v] += s * (mu + lambda * s);
            if (field != 0) acc[v] -= field * Y[here + v];
            if (!G) continue;
            const vreal f = 2 * mu + 4 * lambda * s;
            for (int a = 0; a < n; a++) {
                const size_t at = here + (size_t)a * row + v;
                G[at] = f * Y[at];
            }
            if (field != 0) G[here + v] -= field;
        }
        if (sum_due(i, phi4->n_half)) sum_flush(S, acc, 1);
        if (!G) continue;
        vreal *odd = G + (size_t)phi4->odd[i] * site_size;
        for (size_t v = 0; v < site_size; v++)
            odd[v] = (vreal){0};
    }
}

/* -sum_odd F(|h|^2), and its gradient added to the even neighbours. */
static inline __attribute__((always_inline)) void
odd_sites(const kad_phi4 *phi4, const int n, const int d, const vreal *restrict Y,
          vreal *restrict G, double *restrict S)
{
    const int *nbr = phi4->action.lattice->nbr;
    const real t = (real)phi4->now.t, field = (real)phi4->now.h;
    const size_t row = KAD_NV, site_size = (size_t)n * row;
    vreal acc[KAD_NV];
    sum_clear(acc);
    for (int i = 0; i < phi4->n_half; i++) {
        const int *nb = nbr + (size_t)phi4->odd[i] * 2 * (size_t)d;
        for (size_t v = 0; v < row; v++) {
            vreal h[3], s = {0}, f, df;
            for (int a = 0; a < n; a++) {
                h[a] = (vreal){0};
                for (int b = 0; b < 2 * d; b++)
                    h[a] += Y[(size_t)nb[b] * site_size + (size_t)a * row + v];
                h[a] *= t;
                if (a == 0) h[a] += field;
                s += h[a] * h[a];
            }
            radial_eval(phi4->table, s, &f, &df);
            acc[v] += f;
            if (!G) continue;
            df *= 2 * t;
            for (int a = 0; a < n; a++)
                for (int b = 0; b < 2 * d; b++)
                    G[(size_t)nb[b] * site_size + (size_t)a * row + v] -= df * h[a];
        }
        if (sum_due(i, phi4->n_half)) sum_flush(S, acc, -1);
    }
}

static inline __attribute__((always_inline)) void
body(const kad_phi4 *phi4, const int n, const int d, const real *y, real *g, double *S)
{
    const double constant = phi4->now.constant * phi4->action.lattice->n_sites -
                            phi4->site.ln_z0 * phi4->n_half;
    for (int lane = 0; lane < KAD_W; lane++)
        S[lane] = constant;
    even_sites(phi4, n, (const vreal *)y, (vreal *)g, S);
    odd_sites(phi4, n, d, (const vreal *)y, (vreal *)g, S);
}

static void dispatch(const kad_action *action, const real *y, real *g, double *S)
{
    const kad_phi4 *phi4 = action->self;
#define BODY(n, d) body(phi4, n, d, y, g, S)
    KAD_PHI4_SHAPES(action, BODY)
#undef BODY
}

static void value(const kad_action *action, const void *y, double *S, void *scratch)
{
    (void)scratch;
    dispatch(action, y, NULL, S);
}

static void gradient(const kad_action *action, const void *y, void *g, double *S,
                     void *scratch)
{
    (void)scratch;
    dispatch(action, y, g, S);
}

/* Odd site number i: drawn in double, rounded to `real`, then its density. */
static void complete_site(const kad_phi4 *phi4, kad_rng rng, uint64_t step,
                          uint64_t first_sample, int i, real *y, double *lnp)
{
    const kad_lattice *lattice = phi4->action.lattice;
    const int n = phi4->action.n_comp, site = phi4->odd[i], W = KAD_W_MAX;
    const int *nb = lattice->nbr + (size_t)site * 2 * (size_t)lattice->d;
    const double mu = phi4->now.mu, lambda = phi4->now.lambda;
    _Alignas(64) double h[3 * KAD_W_MAX] = {0}, phi[3 * KAD_W_MAX] = {0}, F[KAD_W_MAX];
    double dot[KAD_W] = {0}, s[KAD_W] = {0};
    for (int a = 0; a < n; a++)
        for (int lane = 0; lane < KAD_W; lane++) {
            double sum = 0;
            for (int b = 0; b < 2 * lattice->d; b++)
                sum += (double)y[(nb[b] * n + a) * KAD_W + lane];
            h[a * W + lane] = phi4->now.t * sum + (a == 0 ? phi4->now.h : 0);
        }
    kad_phi4_draw_lanes(phi4, rng, step, first_sample, i, KAD_W, h, phi, F);
    for (int a = 0; a < n; a++)
        for (int lane = 0; lane < KAD_W; lane++) {
            const real rounded = (real)phi[a * W + lane];
            y[(site * n + a) * KAD_W + lane] = rounded;
            dot[lane] += h[a * W + lane] * (double)rounded;
            s[lane] += (double)rounded * (double)rounded;
        }
    for (int lane = 0; lane < KAD_W; lane++)
        lnp[lane] +=
            dot[lane] - s[lane] * (mu + lambda * s[lane]) - phi4->site.ln_z0 - F[lane];
}

static void complete(const kad_action *action, kad_rng rng, uint64_t step,
                     uint64_t first_sample, void *y, double *lnp, void *scratch)
{
    const kad_phi4 *phi4 = action->self;
    (void)scratch;
    for (int i = 0; i < phi4->n_half; i++)
        complete_site(phi4, rng, step, first_sample, i, y, lnp);
}

const kad_action_kern KR(kad_phi4_decimated_kern) = {
    .value = value, .gradient = gradient, .complete = complete};

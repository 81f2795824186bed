/* Kernels of phi^4 (see phi4.h). With F_i = sum of all 2d neighbours of i:
 *     S = sum_i phi_i.(-t F_i / 2 - h) + mu |phi_i|^2 + lambda |phi_i|^4 + N c
 *     dS/dphi_i = -t F_i - h + (2 mu + 4 lambda |phi_i|^2) phi_i. */
#include "models/phi4.h"
#include "models/phi4_shapes.h"
#include "models/sum_kern.h"

#include <stddef.h>

/* n and d are constants after inlining; g may be NULL. */
static inline __attribute__((always_inline)) void
body(const kad_phi4 *phi4, const int n, const int d, const real *restrict y,
     real *restrict g, double *restrict S)
{
    const int n_sites = phi4->action.lattice->n_sites;
    const int *nbr = phi4->action.lattice->nbr;
    const real t = (real)phi4->now.t, mu = (real)phi4->now.mu,
               lambda = (real)phi4->now.lambda, field = (real)phi4->now.h;
    const size_t row = KAD_NV, site_size = (size_t)n * row;
    const vreal *Y = (const vreal *)y;
    vreal *G = (vreal *)g;
    vreal acc[KAD_NV];
    sum_clear(acc);
    for (int lane = 0; lane < KAD_W; lane++)
        S[lane] = phi4->now.constant * n_sites;
    for (int i = 0; i < n_sites; i++) {
        const size_t here = (size_t)i * site_size;
        const int *nb = nbr + (size_t)i * 2 * (size_t)d;
        for (size_t v = 0; v < row; v++) {
            vreal s = {0}, hop = {0}, F[3];
            for (int a = 0; a < n; a++) {
                const size_t at = (size_t)a * row + v;
                F[a] = (vreal){0};
                for (int b = 0; b < 2 * d; b++)
                    F[a] += Y[(size_t)nb[b] * site_size + at];
                F[a] *= t;
                s += Y[here + at] * Y[here + at];
                hop += Y[here + at] * F[a];
            }
            acc[v] += s * (mu + lambda * s) - (real)0.5 * hop;
            if (field != 0) acc[v] -= field * Y[here + v];
            F[0] += field;
            if (!g) continue;
            const vreal f = 2 * mu + 4 * lambda * s;
            for (int a = 0; a < n; a++) {
                const size_t at = (size_t)a * row + v;
                G[here + at] = f * Y[here + at] - F[a];
            }
        }
        if (sum_due(i, n_sites)) sum_flush(S, acc, 1);
    }
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

const kad_action_kern KR(kad_phi4_kern) = {.value = value, .gradient = gradient};

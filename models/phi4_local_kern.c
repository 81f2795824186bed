/* Local updates of phi^4 (see phi4.h), a tile of chains at a time. With the local field
 * h_i = t sum of the 2d neighbours of i + h e_1, S depends on phi_i through
 *     mu |phi_i|^2 + lambda |phi_i|^4 - h_i.phi_i.
 * Sites are taken in their order; any order is valid, since chains, not sites, are the
 * lanes. Chains are kept in double, so this file is empty in single. */
#include "models/phi4.h"

#if KAD_PREC == 64
#include "base/vmath.h"

/* h [n][KAD_NV] of site i */
static inline __attribute__((always_inline)) void
local_field(const kad_phi4 *phi4, const int n, int i, const vreal *X, vreal *h)
{
    const int n_nbr = 2 * phi4->action.lattice->d;
    const int *nbr = phi4->action.lattice->nbr + (size_t)i * (size_t)n_nbr;
    const size_t size = (size_t)n * KAD_NV;
    for (size_t r = 0; r < size; r++)
        h[r] = kad_vset(0);
    for (int b = 0; b < n_nbr; b++)
        for (size_t r = 0; r < size; r++)
            h[r] += X[(size_t)nbr[b] * size + r];
    for (size_t r = 0; r < size; r++)
        h[r] *= phi4->now.t;
    for (size_t v = 0; v < KAD_NV; v++)
        h[v] += phi4->now.h;
}

/* One Metropolis step of site i: phi + width (2u - 1) in every component; rows 0 .. n - 1
 * of u propose, row n decides. */
static inline __attribute__((always_inline)) void step(const kad_phi4 *phi4, const int n,
                                                       int i, real width, const vreal *u,
                                                       vreal *X, vreal *accepted)
{
    const real mu = phi4->now.mu, lambda = phi4->now.lambda;
    vreal h[3 * KAD_NV], *here = X + (size_t)i * (size_t)n * KAD_NV;
    local_field(phi4, n, i, X, h);
    for (size_t v = 0; v < KAD_NV; v++) {
        vreal s = kad_vset(0), s_new = s, dot = s, now[3];
        for (size_t a = 0; a < (size_t)n; a++) {
            const vreal old = here[a * KAD_NV + v];
            now[a] = old + width * (2 * u[a * KAD_NV + v] - 1);
            s += old * old;
            s_new += now[a] * now[a];
            dot += h[a * KAD_NV + v] * (now[a] - old);
        }
        const vreal dS = (s_new - s) * (mu + lambda * (s_new + s)) - dot;
        const kad_vmask yes = kad_vlt(u[(size_t)n * KAD_NV + v], kad_vexp(-dS));
        for (size_t a = 0; a < (size_t)n; a++)
            here[a * KAD_NV + v] = kad_vselect(yes, now[a], here[a * KAD_NV + v]);
        accepted[v] += kad_vselect(yes, kad_vset(1), kad_vset(0));
    }
}

/* phi -> 2 h (h.phi) / |h|^2 - phi: |phi| and h.phi stay, and so does S. */
static inline __attribute__((always_inline)) void reflect(const kad_phi4 *phi4,
                                                          const int n, int i, vreal *X)
{
    vreal h[3 * KAD_NV], *here = X + (size_t)i * (size_t)n * KAD_NV;
    local_field(phi4, n, i, X, h);
    for (size_t v = 0; v < KAD_NV; v++) {
        vreal h2 = kad_vset(1e-300), dot = kad_vset(0);
        for (size_t a = 0; a < (size_t)n; a++) {
            h2 += h[a * KAD_NV + v] * h[a * KAD_NV + v];
            dot += h[a * KAD_NV + v] * here[a * KAD_NV + v];
        }
        const vreal f = 2 * dot / h2;
        for (size_t a = 0; a < (size_t)n; a++)
            here[a * KAD_NV + v] = f * h[a * KAD_NV + v] - here[a * KAD_NV + v];
    }
}

/* Four rows of random numbers serve two sites of a real field, else one. */
static inline __attribute__((always_inline)) void sweep(const kad_phi4 *phi4, const int n,
                                                        const kad_turn *turn,
                                                        double width, double *x,
                                                        double *accepted)
{
    const int per_site = n == 1 ? 2 : 4;
    vreal u[4 * KAD_NV];
    for (int i = 0; i < phi4->action.lattice->n_sites; i++) {
        const int row = i * per_site % 4;
        if (row == 0)
            kad_rng_uniform_rows_f64(turn->rng[KAD_LOCAL_PROPOSE], turn->step,
                                     turn->first_chain, (uint32_t)(i * per_site / 4),
                                     KAD_W, KAD_W, (double *)u);
        step(phi4, n, i, width, u + row * KAD_NV, (vreal *)x, (vreal *)accepted);
    }
}

void kad_phi4_local_sweep(const kad_action *action, const kad_turn *turn, double width,
                          double *x, double *accepted, void *scratch)
{
    (void)scratch;
    switch (action->n_comp) {
    case 1:
        sweep(action->self, 1, turn, width, x, accepted);
        break;
    case 2:
        sweep(action->self, 2, turn, width, x, accepted);
        break;
    default:
        sweep(action->self, 3, turn, width, x, accepted);
        break;
    }
}

void kad_phi4_local_reflect(const kad_action *action, double *x)
{
    for (int i = 0; i < action->lattice->n_sites; i++)
        if (action->n_comp == 2)
            reflect(action->self, 2, i, (vreal *)x);
        else if (action->n_comp == 3)
            reflect(action->self, 3, i, (vreal *)x);
}
#else
typedef int kad_phi4_local_is_double_only;
#endif

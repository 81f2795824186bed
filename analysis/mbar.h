/* Chains at several values of the couplings, together: multistate reweighting (MBAR, also
 * known as multi-histogram reweighting). State k has S_k(x) = sum_a c_ka T_a(x), the same
 * statistics T_a everywhere (the energy of the drawn spins; of phi^4 the sums of phi^2,
 * phi^4 and of bonds), N_k draws x, and the statistical inefficiency g_k = 2 tau_int.
 *   f_i = -ln sum_n (1/g_n) e^{-S_i(x_n)} / D_n,   D_n = sum_k (N_k/g_k) e^{f_k - S_k(x_n)},
 * where n runs over all draws, g_n is that of the draw's own chain, f_k = -ln Z_k up to a
 * constant: f_0 = 0. At any couplings theta a draw then has the weight
 *   w_n = (1/g_n) e^{-S_theta(x_n)} / D_n.
 * Without g_n in both places correlated chains pull the result off by many errors.
 * Statistics and what is reweighted must be functions of the same x: a mean given part of
 * it (of spins given their dual field, say) must not be reweighted.
 *
 * Errors: delete-one jackknife over blocks, of which every chain has the same number, all
 * of them left out together; f moves with them by a Newton step, which is what is left
 * when a block of many is: its remainder is of second order in their shift.
 * Sources: Ferrenberg, Swendsen, Phys. Rev. Lett. 63 (1989) 1195; Shirts, Chodera, J. Chem.
 * Phys. 129 (2008) 124105, eq. 11; with g_n: Chodera et al., JCTC 3 (2007) 26. */
#ifndef KAD_ANALYSIS_MBAR_H
#define KAD_ANALYSIS_MBAR_H

#include "base/jackknife.h"
#include "base/memory.h"

enum { KAD_MBAR_STATISTICS = 8, KAD_MBAR_STATES = 256, KAD_MBAR_BLOCKS = 40 };

/* A chain at one value of the couplings; everything borrowed. */
typedef struct kad_mbar_state {
    const double *c;                              /* [n_statistics] */
    size_t n;                                     /* draws */
    double g;                                     /* 2 tau_int, at least 1 */
    const double *statistic[KAD_MBAR_STATISTICS]; /* [n] each */
} kad_mbar_state;

typedef struct kad_mbar {
    size_t n_states, n_statistics, n_draws, n_blocks;
    const kad_mbar_state *state;
    size_t *first;     /* [n_states] draw number of a chain's first */
    double *f, *f_err; /* [n_states], f[0] = 0 */
    double *ln_d;      /* [n_draws] ln D_n */
    double *shift;     /* [n_blocks][n_states] of f without a block */
    double *overlap;   /* [n_states][n_states] probability that a draw of row's state,
                            seen alone, is taken for one of the column's */
    int n_iterations;
} kad_mbar;

/* Solve for f to 1e-10 of it. Blocks: KAD_MBAR_BLOCKS, fewer where a chain has not 10 g_k
 * draws a block, never below 4. Everything in *out is taken in `in`. Errors: KAD_EDATA (no
 * states, an empty or too short chain, values that are not finite, states that nothing
 * connects), KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_mbar_solve(kad_scope *in, size_t n_states,
                                       size_t n_statistics, const kad_mbar_state *state,
                                       kad_mbar *out);

/* At couplings theta [n_statistics]: ln Z/Z_0 and the means of n_observables columns,
 * column[o][k] the [n] values along the chain of state k. n_eff: independent draws that
 * carry as much, (sum w)^2 / sum w^2 g_n: below 100 nothing of it should be believed.
 * Errors: KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_mbar_at(kad_ctx *ctx, const kad_mbar *mbar,
                                    const double *theta, size_t n_observables,
                                    const double *const *const *column,
                                    kad_estimate *ln_z, kad_estimate *mean,
                                    double *n_eff);

#endif

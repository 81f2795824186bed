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
 * when a block of many is: its remainder is of second order in their shift. What each
 * block of each chain alone adds to f and to ln Z is kept too (`part`): chains are
 * independent, so that covariances of many numbers are sums over the chains,
 *   cov(a, b) = B/(B - 1) sum_jb part_a(j, b) part_b(j, b),
 * which has full rank where blocks of all chains together would not.
 * Sources: Ferrenberg, Swendsen, Phys. Rev. Lett. 63 (1989) 1195; Shirts, Chodera, J. Chem.
 * Phys. 129 (2008) 124105, eq. 11; with g_n: Chodera et al., JCTC 3 (2007) 26. */
#ifndef KAD_ANALYSIS_MBAR_H
#define KAD_ANALYSIS_MBAR_H

#include "base/jackknife.h"
#include "base/memory.h"

enum { KAD_MBAR_STATISTICS = 8, KAD_MBAR_STATES = 256, KAD_MBAR_BLOCKS = 40 };

/* A chain at one value of the couplings; everything borrowed. */
typedef struct kad_mbar_state {
    const double *c; /* [n_statistics] */
    size_t n;        /* draws */
    double g;        /* 2 tau_int, at least 1 */
    double memory;   /* the same of the slowest column that is
                                                     reweighted, at least g: blocks are 10 of it */
    const double *statistic[KAD_MBAR_STATISTICS]; /* [n] each */
} kad_mbar_state;

typedef struct kad_mbar {
    size_t n_states, n_statistics, n_draws, n_blocks;
    const kad_mbar_state *state;
    size_t *first;     /* [n_states] draw number of a chain's first */
    double *f, *f_err; /* [n_states], f[0] = 0 */
    double *ln_d;      /* [n_draws] ln D_n */
    double *shift;     /* [n_blocks][n_states] of f without a block of every chain */
    double *part;      /* [n_states][n_blocks][n_states] what a block of the first index's
                            chain adds to f, less the mean over the chain's blocks */
    double *overlap;   /* [n_states][n_states] probability that a draw of row's state,
                            seen alone, is taken for one of the column's */
    int n_iterations;
} kad_mbar;

/* Solve for f to 1e-10 of it. Blocks: KAD_MBAR_BLOCKS, fewer where a chain has not 10
 * `memory` draws a block, never below 4. Everything in *out is taken in `in`. Errors:
 * KAD_EDATA (no states, an empty or too short chain, values that are not finite, states that
 * nothing connects), KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_mbar_solve(kad_scope *in, size_t n_states,
                                       size_t n_statistics, const kad_mbar_state *state,
                                       kad_mbar *out);

/* At many couplings: row 0 is ln Z/Z_0, row 1 + o the mean of column o. */
typedef struct kad_mbar_curve {
    size_t n, n_rows, n_blocks;
    double *value;   /* [n][n_rows] */
    double *without; /* [n][n_rows][n_blocks] the same without a block of every chain */
    double *part;    /* [n][n_states][n_blocks] of ln Z, as in kad_mbar */
    double *n_eff;   /* [n] independent draws that carry as much, (sum w)^2 / sum w^2 g_n:
                          below 100 nothing should be believed */
} kad_mbar_curve;

/* theta [n][n_statistics]; column[o][k] the [n] values along the chain of state k. What
 * *out holds is taken in `in`. Errors: KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_mbar_at(kad_scope *in, const kad_mbar *mbar, size_t n,
                                    const double *theta, size_t n_observables,
                                    const double *const *const *column,
                                    kad_mbar_curve *out);
/* A row with its jackknife error. */
kad_estimate kad_mbar_estimate(const kad_mbar_curve *curve, size_t i, size_t row);

/* For mbar.c and mbar_curve.c: ln of N_k/g_k e^{f_k}, and the block of a chain's draw. */
void kad_mbar_offsets(const kad_mbar *mbar, double *offset);
static inline size_t kad_mbar_block(const kad_mbar *mbar, const kad_mbar_state *chain,
                                    size_t i)
{
    return i * mbar->n_blocks / chain->n;
}
/* Share of a chain's draws in a block. */
double kad_mbar_block_share(const kad_mbar *mbar, const kad_mbar_state *chain,
                            size_t block);
/* S of draw i of a chain at couplings c. */
static inline double kad_mbar_action(const kad_mbar *mbar, const kad_mbar_state *chain,
                                     size_t i, const double *c)
{
    double S = 0;
    for (size_t a = 0; a < mbar->n_statistics; a++)
        S += c[a] * chain->statistic[a][i];
    return S;
}
/* The shares p_k of a draw, which sum to 1, from `offset`; 0 outside of [*lo, *hi). Returns
 * ln D. */
double kad_mbar_shares(const kad_mbar *mbar, const double *offset,
                       const kad_mbar_state *chain, size_t i, double *p, size_t *lo,
                       size_t *hi);

#endif

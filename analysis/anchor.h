/* ln Z of a curve, whose chains know differences only, anchored on values L_m that maps have
 * at some of the states, by generalised least squares. With g_k = ln Z_k/Z_0 of the chains
 * and a the first state with a value, the misfits
 *   r_m = (L_m - L_a) - (g_m - g_a),   m over the other states with a value,
 * have mean zero and covariance R, and the best estimate of any y = L_a + g(theta) - g_a is
 *   y - cov(y, r) R^-1 r,   with the variance  var y - cov(y, r) R^-1 cov(r, y).
 * chi^2 = r R^-1 r, of as many degrees as there are misfits, asks whether maps and chains
 * agree. Where the weights are those of the chain's own proposals both share their noise,
 * which the covariance knows: everything is a sum of what each block of each chain, and of
 * each map's draws, adds to it (analysis/mbar.h).
 *
 * Points of one seed draw with the same random numbers (neighbours' energies correlate by 0.7
 * and more), so that block b of all chains, and of all maps, counts as one: the covariance is
 * that of n_blocks numbers, its noise widens the errors by sqrt(n/(n - M)) for M misfits and n =
 * n_blocks - 1, and chi^2 is Hotelling's T^2. With more misfits than n/2 chains are taken for
 * independent. */
#ifndef KAD_ANALYSIS_ANCHOR_H
#define KAD_ANALYSIS_ANCHOR_H

#include "analysis/mbar.h"

#include <stdbool.h>

/* ln Z of a map at a state, and what each block of its draws adds to it, less the mean over
 * the blocks. */
typedef struct kad_anchor_value {
    size_t state;
    double log_z;
    const double *part; /* [n_blocks] */
} kad_anchor_value;

typedef struct kad_anchor {
    const kad_mbar *mbar;
    size_t n, n_noise; /* values; blocks of chains and draws */
    double *noise;     /* [n][n_noise] of L_a - g_a, then of the misfits */
    double *factor;    /* [n - 1][n - 1] Cholesky factor of R */
    double *solved;    /* [n - 1] R^-1 r */
    double start;      /* L_a - g_a */
    double chi2, p;    /* p: of a larger one; NaN without misfits */
    size_t dof;        /* M = n - 1 */
    size_t freedom;    /* blocks less one */
    bool together;     /* a block of all chains counts as one */
} kad_anchor;

/* n values, by state, of which there must be one. n_blocks: of the values' parts; `same`: they
 * are blocks of the chains of those states, as many as there (mbar->n_blocks); else of
 * other draws. What *out holds is taken in `in`. Errors: KAD_EDATA (R is singular),
 * KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_anchor_make(kad_scope *in, const kad_mbar *mbar, size_t n,
                                        const kad_anchor_value *value, size_t n_blocks,
                                        bool same, kad_anchor *out);
/* ln Z where the chains have ln Z/Z_0 = g, with the parts [n_states][mbar->n_blocks] of it.
 * Errors: KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_anchor_at(kad_ctx *ctx, const kad_anchor *anchor, double g,
                                      const double *part, kad_estimate *ln_z);

#endif

/* Jackknife replicas of several quantities together: each as it is with one block of all
 * chains left out, blocks b = 0 .. B - 1 the same for all. What is computed of them, replica
 * by replica, has an error in which every correlation is contained: of what comes from the
 * same chain, and of chains that share their random numbers (points of one seed).
 *   cov_ij = (B - 1)/B sum_b (x_ib - <x_i>) (x_jb - <x_j>)
 * has at most rank B - 1; as a matrix to fit with its correlations are shrunk (fit.h). */
#ifndef KAD_ANALYSIS_REPLICAS_H
#define KAD_ANALYSIS_REPLICAS_H

#include "base/jackknife.h"
#include "base/memory.h"

#include <stdbool.h>

typedef struct kad_replicas {
    size_t n, n_blocks;
    double *value;   /* [n] of all blocks */
    double *replica; /* [n_blocks][n] */
} kad_replicas;

/* Room for n quantities. Errors: KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_replicas_take(kad_scope *in, size_t n, size_t n_blocks,
                                          kad_replicas *out);
/* Quantity i with its error; NaN where a replica is not finite or nothing varies. */
kad_estimate kad_replicas_estimate(const kad_replicas *r, size_t i);
/* Shrunk covariance [n][n] of the quantities, positive definite: every error must be above
 * zero. Errors: KAD_EDATA (one is not), KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_replicas_covariance(kad_ctx *ctx, const kad_replicas *r,
                                                double *cov);

#endif

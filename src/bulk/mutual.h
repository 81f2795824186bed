/* Mutual information between latents, in nats.
 *
 * Gaussian: with the joint covariance Sigma of a and b,
 *     I = 1/2 ln(det Sigma_aa det Sigma_bb / det Sigma)
 * (-1/2 ln(1 - c^2) for two numbers, -ln(1 - |c|^2) for two complex ones): exact where
 * the joint law is Gaussian, otherwise what a linear map would see.
 *
 * Kraskov: no assumption on the law; from the distance eps_i of point i to its k-th
 * neighbour in the joint space (maximum norm) and the numbers n_x, n_y of points nearer
 * than eps_i in each marginal,
 *     I = psi(k) + psi(n) - <psi(n_x + 1) + psi(n_y + 1)>.
 * Source: Kraskov, Stoegbauer, Grassberger, PRE 69 (2004) 066138, eq. (8). */
#ifndef KAD_BULK_MUTUAL_H
#define KAD_BULK_MUTUAL_H

#include "bulk/bulk.h"

/* Gaussian mutual information of the first n_a of n_a + n_b variables with the others, of
 * their covariance matrix [n_a + n_b]^2. slope (may be NULL), the same shape: dI =
 * sum_ij slope_ij dSigma_ij. NaN where the matrix is not positive. Errors: KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_mutual_gauss(kad_ctx *ctx, size_t n_a, size_t n_b,
                                         const double *cov, double *out, double *slope);

/* Kraskov's estimate from n > k points x [n][d_x], y [n][d_y]. Points that agree in
 * everything (a rejected proposal, twice in the chain) count as one. NaN with fewer than
 * k + 2 points left. Errors: KAD_EUSAGE (k < 1), KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_mutual_knn(kad_ctx *ctx, size_t n, size_t d_x,
                                       const double *x, size_t d_y, const double *y,
                                       int k, double *out);

/* --- between the halves of a tree (bottleneck.c) ----------------------------------- */

/* The lowest level with a stage that reaches from one half of the lattice (along its
 * first axis) to the other; 0: there is no bottleneck. Errors: KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_bottleneck_level(kad_ctx *ctx, const kad_flow *flow,
                                             int *level);

/* Gaussian information between the halves of a field with correlation function C
 * [n_sites] (components alike and independent: theirs add), and its slope dI/dC
 * [n_sites]. Errors: KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_bottleneck_boundary(kad_ctx *ctx, const kad_lattice *lattice,
                                                const double *C, double *out,
                                                double *slope);

#endif

/* The Frechet distance of two sets of features: of normal distributions with their means mu and
 * covariances S (of n - 1),
 *
 *     d^2 = |mu_a - mu_b|^2 + Tr[S_a + S_b - 2 (S_a S_b)^(1/2)],
 *
 * the square of their Wasserstein distance (D. C. Dowson, B. V. Landau, J. Multivariate Anal. 12
 * (1982) 450), in the square of the features' units. On features of an Inception network it is
 * called FID (M. Heusel et al., arXiv:1706.08500); on no others.
 *
 * Any factor S_a = R^T R gives the trace: the eigenvalues of S_a S_b that are not 0 are those of
 * R S_b R^T. R is Cholesky's with pivots, so that a set may have fewer images than features.
 *
 * Covariances of n images are wrong by terms of order 1/n that do not average out: d^2 is too
 * large, also between equal distributions (M. J. Chong, D. Forsyth, arXiv:1911.07023). The
 * jackknife over blocks of images, in each set by itself, takes the term of order 1/n away and
 * gives the standard error of what is left. */
#ifndef KAD_FEATURES_FRECHET_H
#define KAD_FEATURES_FRECHET_H

#include "features/features.h"

typedef struct kad_frechet {
    double value;        /* d^2 of all images */
    double of_means;     /* |mu_a - mu_b|^2 of it */
    double error;        /* standard error, over images of both sets */
    double extrapolated; /* to sets without end: less the bias of order 1/n */
} kad_frechet;

/* n_blocks: of the jackknife, consecutive images in each; fewer where there are fewer than two
 * images a block. Sets of equal d and at least 4 images, in any order that has nothing to do
 * with what they show. Threads: those of in->ctx; the same bytes for any. Errors: KAD_EDATA (too
 * few, or not finite), KAD_ENOMEM, KAD_EINTERRUPTED. */
KAD_MUST_USE kad_status kad_frechet_distance(kad_ctx *ctx, const kad_features *a,
                                             const kad_features *b, int n_blocks,
                                             kad_frechet *out);

#endif

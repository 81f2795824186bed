/* Two-point functions of the latents,
 *     C_ij,ab = <z_ia z_jb>_eff - <z_ia>_eff <z_jb>_eff,
 * binned by (level, level, separation).
 *
 * Pairs that the symmetry of the blocks makes equal are averaged first (classes). A bin
 * holds
 *     mean_ab   = mean of C_ij,ab over its pairs (signed; of one level: symmetrised), and
 *     strength2 = mean over its pairs of  (1/c) sum_ab C_ij,ab^2    (c components),
 * the square of the magnitude: C^2 for one component, |<z_i^* z_j>/2|^2 for two with
 * rotation symmetry. Squares of estimates are biased upwards by their noise; strength2 is
 * made of products of different blocks of configurations only,
 *     C^2 -> [(sum_b S_b)^2 - sum_b S_b^2]/(n^2 - sum_b n_b^2),
 * S_b the sum of products over the n_b configurations of block b, hence unbiased up to the
 * correlation of neighbouring blocks; it may come out negative. strength2_naive is what
 * the plain square would give.
 *
 * Errors are left to analysis/: `series` holds for every configuration t
 *     mean(t)      = mean over pairs of z_ia(t) z_jb(t), z without its mean,
 *     strength2(t) = strength2 + mean over pairs of (2/c) sum_ab C_ij,ab [z_ia(t) z_jb(t)
 *                    - C_ij,ab],
 * the linear part of strength2: the error of its chain average is the error of strength2
 * (where C is all noise it is larger than the true one, by sqrt(2)).
 *
 * Groups, below /bulk/correlators (/bulk/null for draws of the map):
 *   level_a, level_b, self, r, r_lo, r_hi, tree, n_pairs, n_classes, strength2,
 *   strength2_naive [bin]; mean [bin, c, c]
 *   series/strength2 [chain, configuration, bin], series/mean [..., bin, c, c]   (float)
 *   classes/site_i, site_j, bin, n_pairs [class] (one pair of each), corr, corr_err
 *   [class, c, c] (err: standard error over blocks)
 * and attributes sampler, n_chains, n_configs, spacing, n_components, n_blocks. */
#ifndef KAD_BULK_CORRELATORS_H
#define KAD_BULK_CORRELATORS_H

#include "bulk/pairs.h"

/* Sums over configurations, class by class. */
typedef struct kad_class_sums {
    size_t n_blocks;
    double *corr;     /* [n_classes][c][c] connected correlation */
    double *square;   /* [n_classes][c][c] unbiased square of it */
    double *corr_err; /* [n_classes][c][c] from the scatter of blocks */
} kad_class_sums;

/* z_mean [n_rows]: means of the latents over the configurations. Errors: KAD_ENOMEM,
 * KAD_ECONFIG (memory). */
KAD_MUST_USE kad_status kad_class_sums_create(kad_scope *in, const kad_bulk *bulk,
                                              const kad_pairs *pairs,
                                              const double *z_mean, kad_class_sums *out);

/* The product A^T B of two panels of KAD_W columns,
 *     out[i][j] = sum_t a[t][i] b[t][j],
 * added up in the order of t.
 *
 * Shapes: a, b [n][KAD_W], aligned as tiles are; out [KAD_W] rows of KAD_W values, stride
 * reals apart (a multiple of KAD_W), overwritten. */
void kad_gram_panel_f32(int n, const float *a, const float *b, float *out, size_t stride);
void kad_gram_panel_f64(int n, const double *a, const double *b, double *out,
                        size_t stride);

#endif

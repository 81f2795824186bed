/* Sum of the groups' gradients, in double and in an order that is always the same; sums over
 * tiles. */
#ifndef KAD_TRAIN_LOSS_KERN_H
#define KAD_TRAIN_LOSS_KERN_H

#include <stddef.h>

enum { KAD_LOSS_GROUPS = 16 };

/* out[i] = norm times the sum over the groups, in a binary tree, of group[k][i], i < n; reals
 * group[n_groups][n], n_groups <= KAD_LOSS_GROUPS. */
void kad_loss_sum_f32(int n_groups, const void *const *group, size_t n, double norm,
                      double *out);
void kad_loss_sum_f64(int n_groups, const void *const *group, size_t n, double norm,
                      double *out);

/* g += h, tiles of n_rows. */
void kad_loss_add_f32(size_t n_rows, const void *h, void *g);
void kad_loss_add_f64(size_t n_rows, const void *h, void *g);

/* a -= factor b, n entries. */
void kad_loss_subtract_f32(size_t n, double factor, const void *b, void *a);
void kad_loss_subtract_f64(size_t n, double factor, const void *b, void *a);

/* sum[lane] += 0 x over the rows: not finite where any of the lane is not. */
void kad_loss_zeros_f32(size_t n_rows, const void *x, double *sum);
void kad_loss_zeros_f64(size_t n_rows, const void *x, double *sum);

#endif

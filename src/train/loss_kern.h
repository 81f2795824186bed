/* Sum of the groups' gradients, in double and in an order that is always the same. */
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

#endif

/* Sums that do not depend on the number of threads: partial sums of a fixed number of
 * groups, added in a fixed binary tree. */
#ifndef KAD_BASE_PARALLEL_H
#define KAD_BASE_PARALLEL_H

#include <stddef.h>

/* out[i] = sum over p of parts[p][i], i < n, in a fixed tree: ((0 + 1) + (2 + 3)) + ...
 * The order depends on n_parts only. n_parts = 0 gives zeros. out may be parts[0] and no
 * other part. Allocates nothing. Threads: disjoint ranges of i may be summed at once. */
void kad_tree_sum(const double *const *parts, size_t n_parts, size_t n, double *out);

/* The same over one array of numbers: the sum of x[0 .. n - 1]. */
double kad_tree_sum1(const double *x, size_t n);

#endif

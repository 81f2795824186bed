/* A mean of values that come in groups, and its standard error over the groups: squares of one
 * photograph, or neighbours of a chain, say much the same. With the sum S_j of group j over its c_j
 * values the mean is R = sum S_j / sum c_j, a ratio, and of m groups
 *   error^2 = m/(m - 1) sum_j (S_j - R c_j)^2 / (sum c_j)^2
 * (W. Cochran, Sampling Techniques, 3rd ed., section 6.3): of groups of one, that of independent
 * values. */
#ifndef KAD_BASE_GROUPED_H
#define KAD_BASE_GROUPED_H

#include <stddef.h>

/* Zeros at first. */
typedef struct kad_grouped_mean {
    size_t n, n_groups;   /* seen */
    size_t at, here;      /* the last group, and its values so far */
    double origin;        /* the first value: what is added up are differences to it */
    double sum, sum_here; /* of all, of the last group */
    double squares, cross, count; /* sums over earlier groups of S^2, S c, c^2 */
} kad_grouped_mean;

/* Values of a group one after the other. */
void kad_grouped_mean_add(kad_grouped_mean *mean, size_t group, double x);
double kad_grouped_mean_value(const kad_grouped_mean *mean);
/* NaN of less than two groups. */
double kad_grouped_mean_error(const kad_grouped_mean *mean);

#endif

/* Fixed-tree sums. */
#include "base/parallel.h"

#include <string.h>

enum { BLOCK = 128, LEAF = 8 };

/* Largest power of two below n: the left half of a tree of n > 1 leaves is complete. */
static size_t left_half(size_t n)
{
    size_t half = 1;
    while (half * 2 < n)
        half *= 2;
    return half;
}

static void sum_block(const double *const *parts, size_t n_parts, size_t first, size_t n,
                      double *out)
{
    if (n_parts == 1) {
        memmove(out, parts[0] + first, n * sizeof *out);
        return;
    }
    double right[BLOCK];
    size_t half = left_half(n_parts);
    sum_block(parts, half, first, n, out);
    sum_block(parts + half, n_parts - half, first, n, right);
    for (size_t i = 0; i < n; i++)
        out[i] += right[i];
}

void kad_tree_sum(const double *const *parts, size_t n_parts, size_t n, double *out)
{
    if (n_parts == 0) {
        memset(out, 0, n * sizeof *out);
        return;
    }
    for (size_t first = 0; first < n; first += BLOCK) {
        size_t count = n - first < BLOCK ? n - first : BLOCK;
        sum_block(parts, n_parts, first, count, out + first);
    }
}

double kad_tree_sum1(const double *x, size_t n)
{
    if (n > LEAF) {
        size_t half = left_half(n);
        return kad_tree_sum1(x, half) + kad_tree_sum1(x + half, n - half);
    }
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return sum;
}

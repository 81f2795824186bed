/* Sums whose rounding does not grow with the number of terms. */
#ifndef KAD_BASE_SUM_H
#define KAD_BASE_SUM_H

#include <math.h>

/* Source: Neumaier, ZAMM 54 (1974) 39. Start from {0}. */
typedef struct kad_sum {
    double high, low;
} kad_sum;

static inline void kad_sum_add(kad_sum *sum, double x)
{
    const double t = sum->high + x;
    sum->low += fabs(sum->high) >= fabs(x) ? (sum->high - t) + x : (x - t) + sum->high;
    sum->high = t;
}

static inline double kad_sum_get(const kad_sum *sum)
{
    return sum->high + sum->low;
}

#endif

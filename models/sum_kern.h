/* Sums over the sites of a tile for kernels: terms are added in `real` over SUM_BLOCK
 * sites and then into doubles, so that the rounding error of an action does not grow with
 * the lattice. */
#ifndef KAD_MODELS_SUM_KERN_H
#define KAD_MODELS_SUM_KERN_H

#include "base/real.h"

enum { SUM_BLOCK = 8 };

static inline void sum_clear(vreal acc[KAD_NV])
{
    for (int v = 0; v < KAD_NV; v++)
        acc[v] = (vreal){0};
}

/* S += factor * acc; acc = 0. */
static inline void sum_flush(double *restrict S, vreal acc[KAD_NV], double factor)
{
    const real *a = (const real *)acc;
    for (int lane = 0; lane < KAD_W; lane++)
        S[lane] += factor * (double)a[lane];
    sum_clear(acc);
}

/* Flush after every SUM_BLOCK sites and after the last one. */
static inline int sum_due(int i, int n)
{
    return (i + 1) % SUM_BLOCK == 0 || i + 1 == n;
}

#endif

#include "flow/shares_kern.h"

#include "base/real.h"

void KR(kad_shares_home)(int n, const int *home, const void *away, void *g)
{
    const vreal *from = away;
    for (int k = 0; k < n; k++, from += KAD_NV) {
        vreal *to = (vreal *)g + (size_t)home[k] * KAD_NV;
        for (int v = 0; v < KAD_NV; v++)
            to[v] += from[v];
    }
}

void KR(kad_shares_add)(size_t n, const void *from, void *to)
{
    const real *restrict a = from;
    real *restrict b = to;
    for (size_t i = 0; i < n; i++)
        b[i] += a[i];
}

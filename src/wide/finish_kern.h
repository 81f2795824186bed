/* What becomes of a layer's sums, on one vector of columns. */
#ifndef KAD_WIDE_FINISH_KERN_H
#define KAD_WIDE_FINISH_KERN_H

#include "wide/wide.h"

#include "base/vmath.h"

/* s = a g and d = ds/da = g + slope s (1 - g), g = sigmoid(slope a). */
KAD_VINLINE void swish(vreal a, vreal slope, vreal *s, vreal *d)
{
    /* beyond +-80 the sigmoid is 0 or 1 to the last bit */
    const vreal at = kad_vmin(kad_vset(80), kad_vmax(kad_vset(-80), slope * a));
    const vreal g = kad_vrecip(1 + kad_vexp_fast(-at));
    *s = a * g;
    *d = g + slope * *s * (1 - g);
}

KAD_VINLINE void finish_one(const kad_wide_finish finish, vreal a, vreal slope, real *y,
                            const real *old, real *s, real *d)
{
    vreal *yv = (vreal *)y, *sv = (vreal *)s, *dv = (vreal *)d, grad;
    switch (finish) {
    case KAD_WIDE_PLAIN:
        *yv = a;
        break;
    case KAD_WIDE_ADD:
        *yv += a;
        break;
    case KAD_WIDE_SUM:
        *yv = a + *(const vreal *)old;
        break;
    case KAD_WIDE_RESIDUE:
        a += *(const vreal *)old;
        swish(a, slope, sv, &grad);
        *yv = a;
        if (d) *dv = grad;
        break;
    case KAD_WIDE_SWISH:
        swish(a, slope, sv, &grad);
        if (y) *yv = a;
        if (d) *dv = grad;
        break;
    case KAD_WIDE_ADJOINT:
        *yv = a * *dv;
        break;
    case KAD_WIDE_ADJOINT_ADD:
        *yv += a * *dv;
        break;
    }
}

/* do(KIND) with the kind of `finish`, which is a constant there. */
#define FINISH_EACH(finish, do)     \
    switch (finish) {               \
    case KAD_WIDE_PLAIN:            \
        do                          \
            (KAD_WIDE_PLAIN);       \
        break;                      \
    case KAD_WIDE_ADD:              \
        do                          \
            (KAD_WIDE_ADD);         \
        break;                      \
    case KAD_WIDE_SUM:              \
        do                          \
            (KAD_WIDE_SUM);         \
        break;                      \
    case KAD_WIDE_SWISH:            \
        do                          \
            (KAD_WIDE_SWISH);       \
        break;                      \
    case KAD_WIDE_RESIDUE:          \
        do                          \
            (KAD_WIDE_RESIDUE);     \
        break;                      \
    case KAD_WIDE_ADJOINT:          \
        do                          \
            (KAD_WIDE_ADJOINT);     \
        break;                      \
    case KAD_WIDE_ADJOINT_ADD:      \
        do                          \
            (KAD_WIDE_ADJOINT_ADD); \
        break;                      \
    }

/* Row of a panel, of `rows` a panel; NULL where there are none. */
KAD_VINLINE real *finish_row(const real *in, int panel, int rows, int row)
{
    real *x = (real *)in;
    return x ? x + ((size_t)panel * (size_t)rows + (size_t)row) * KAD_W : NULL;
}

#endif

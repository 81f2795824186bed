/* Kernels of the Hartley transform: dense folded axes (see hartley_plan.h), FFTW beyond.
 */
#include "base/matrix_kern.h"
#include "lattice/hartley.h"
#include "lattice/hartley_plan.h"

#include <math.h>

static inline void row_copy(real *restrict y, const real *restrict x)
{
    for (int v = 0; v < KAD_NV; v++)
        ((vreal *)y)[v] = ((const vreal *)x)[v];
}

/* s = a + b, d = a - b; s or d may be a or b themselves. */
static inline void row_butterfly(const real *a, const real *b, real *s, real *d)
{
    for (int v = 0; v < KAD_NV; v++) {
        const vreal av = ((const vreal *)a)[v], bv = ((const vreal *)b)[v];
        ((vreal *)s)[v] = av + bv;
        ((vreal *)d)[v] = av - bv;
    }
}

/* One line of L rows, `stride` reals apart, in place. scratch: 2 (L + 2) rows. */
static void dense_line(const kad_hartley_axis *axis, real *x, size_t stride,
                       real *scratch)
{
    const int L = axis->extent, nc = axis->n_cos, ns = axis->n_sin;
    real *e = scratch, *o = e + (size_t)nc * KAD_W;
    real *c = o + (size_t)ns * KAD_W, *s = c + (size_t)nc * KAD_W;
    row_copy(e, x);
    for (int n = 1; n <= ns; n++)
        row_butterfly(x + (size_t)n * stride, x + (size_t)(L - n) * stride,
                      e + (size_t)n * KAD_W, o + (size_t)(n - 1) * KAD_W);
    if (L % 2 == 0) row_copy(e + (size_t)(L / 2) * KAD_W, x + (size_t)(L / 2) * stride);
    matrix_rows(nc, nc, KR(axis->cos), (size_t)nc, 1, e, KAD_W, c, KAD_W);
    matrix_rows(ns, ns, KR(axis->sin), (size_t)ns, 1, o, KAD_W, s, KAD_W);
    row_copy(x, c);
    for (int k = 1; k <= ns; k++)
        row_butterfly(c + (size_t)k * KAD_W, s + (size_t)(k - 1) * KAD_W,
                      x + (size_t)k * stride, x + (size_t)(L - k) * stride);
    if (L % 2 == 0) row_copy(x + (size_t)(L / 2) * stride, c + (size_t)(L / 2) * KAD_W);
}

static void scale_rows(real *x, size_t n_rows, real factor)
{
    for (size_t i = 0; i < n_rows * (size_t)KAD_NV; i++)
        ((vreal *)x)[i] *= factor;
}

void KR(kad_hartley_apply)(const kad_hartley *plan, real *x, void *scratch)
{
    for (int a = 0; a < plan->d; a++) {
        const kad_hartley_axis *axis = &plan->axis[a];
        if (axis->fftw[0]) {
            KR(kad_hartley_fftw_apply)(axis, x);
            scale_rows(x, plan->n_rows, (real)(1 / sqrt((double)axis->extent)));
            continue;
        }
        const size_t stride = axis->n_inner * KAD_W;
        for (size_t outer = 0; outer < axis->n_outer; outer++)
            for (size_t inner = 0; inner < axis->n_inner; inner++)
                dense_line(axis,
                           x + outer * (size_t)axis->extent * stride + inner * KAD_W,
                           stride, scratch);
    }
}

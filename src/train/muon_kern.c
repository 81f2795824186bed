#include "train/muon_kern.h"

#include "base/real.h"
#include "train/clip.h"
#include "wide/bfloat.h"
#include "wide/wide.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#if KAD_PREC == 32

enum { ITERATIONS = 5 };

size_t kad_muon_scratch(int rows, int cols)
{
    const int least = rows < cols ? rows : cols, most = rows < cols ? cols : rows;
    const size_t r = (size_t)kad_wide_padded(least), c = (size_t)kad_wide_padded(most);
    return 3 * r * c + 2 * r * r +
           (kad_bfloat_product_bytes(least, most, least) +
            kad_bfloat_product_bytes(least, least, most)) /
               sizeof(float);
}

/* c [m][n] (add: +=) a [m][k] b [k][n], without gaps; a bfloat's scratch, or NULL. */
static void multiply(int m, int k, int n, const float *a, const float *b, bool add,
                     float *c, void *bfloat)
{
    const size_t k_stride = (size_t)kad_wide_padded(k),
                 stride = (size_t)kad_wide_padded(n);
    if (bfloat)
        kad_bfloat_product(m, k, n, a, k_stride, b, stride, add, c, stride, bfloat);
    else
        kad_wide_product_f32(m, k, n, a, k_stride, 1, b, stride, add, c, stride);
}

void kad_muon_orthogonal(int rows, int cols, bool bfloat, double *direction,
                         float *scratch)
{
    const int least = rows < cols ? rows : cols, most = rows < cols ? cols : rows;
    const size_t r = (size_t)kad_wide_padded(least), c = (size_t)kad_wide_padded(most);
    float *x = scratch, *y = x + r * c, *xt = y + r * c, *a = xt + r * c, *b = a + r * r;
    void *rounded = bfloat ? b + r * r : NULL;
    const bool turned = rows > cols; /* x has the shorter side first */
    const size_t stride = turned ? r : c, n_rows = (size_t)rows, n_cols = (size_t)cols;
    float *as_is = turned ? xt : x;
    const double norm = kad_norm(n_rows * n_cols, direction);
    if (!(norm > 0)) return;
    memset(scratch, 0, (3 * r * c + 2 * r * r) * sizeof *scratch);
    for (size_t i = 0; i < n_rows; i++)
        for (size_t j = 0; j < n_cols; j++)
            as_is[i * stride + j] = (float)(direction[i * n_cols + j] / norm);
    if (turned) kad_wide_transpose_f32((int)c, (int)r, xt, r, x, c);
    for (int k = 0; k < ITERATIONS; k++) {
        kad_wide_transpose_f32((int)r, (int)c, x, c, xt, r);
        multiply(least, most, least, x, xt, false, a, rounded);
        multiply(least, least, least, a, a, false, b, rounded);
        for (size_t i = 0; i < r * r; i++)
            b[i] = 2.0315f * b[i] - 4.7750f * a[i];
        for (size_t i = 0; i < r * c; i++)
            y[i] = 3.4445f * x[i];
        multiply(least, least, most, b, x, true, y, rounded);
        float *swap = x;
        x = y;
        y = swap;
    }
    const double more = sqrt(fmax(1, (double)rows / cols));
    if (turned) kad_wide_transpose_f32((int)r, (int)c, x, c, xt, r);
    as_is = turned ? xt : x;
    for (size_t i = 0; i < n_rows; i++)
        for (size_t j = 0; j < n_cols; j++)
            direction[i * n_cols + j] = more * (double)as_is[i * stride + j];
}

void kad_muon_momentum(size_t n, double b, const double *restrict g, double *restrict m,
                       double *restrict step)
{
    for (size_t i = 0; i < n; i++) {
        m[i] = b * m[i] + (1 - b) * g[i];
        step[i] = b * m[i] + (1 - b) * g[i];
    }
}

void kad_muon_move(size_t n, double shrink, double rate, const double *restrict step,
                   double *restrict theta)
{
    for (size_t i = 0; i < n; i++)
        theta[i] = shrink * theta[i] - rate * step[i];
}

#endif

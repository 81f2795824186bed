#include "train/muon_kern.h"

#include "base/real.h"
#include "wide/wide.h"

#include <math.h>
#include <string.h>

#if KAD_PREC == 32

enum { ITERATIONS = 5 };

size_t kad_muon_scratch(int rows, int cols)
{
    const int least = rows < cols ? rows : cols, most = rows < cols ? cols : rows;
    const size_t r = (size_t)kad_wide_padded(least), c = (size_t)kad_wide_padded(most);
    return 3 * r * c + 2 * r * r;
}

/* to [columns][rows_padded] <- x [rows][columns_padded]^T. */
static void transpose(size_t rows, size_t columns, const float *restrict x,
                      float *restrict to)
{
    for (size_t i = 0; i < rows; i += 16)
        for (size_t j = 0; j < columns; j++)
            for (size_t k = i; k < i + 16 && k < rows; k++)
                to[j * rows + k] = x[k * columns + j];
}

void kad_muon_orthogonal(int rows, int cols, double *direction, float *scratch)
{
    const int least = rows < cols ? rows : cols, most = rows < cols ? cols : rows;
    const size_t r = (size_t)kad_wide_padded(least), c = (size_t)kad_wide_padded(most);
    float *x = scratch, *y = x + r * c, *xt = y + r * c, *a = xt + r * c, *b = a + r * r;
    const size_t si = rows <= cols ? (size_t)cols : 1,
                 sj = rows <= cols ? 1 : (size_t)cols;
    double norm = 0;
    for (size_t i = 0; i < (size_t)rows * (size_t)cols; i++)
        norm += direction[i] * direction[i];
    if (!(norm > 0)) return;
    const double scale = 1 / sqrt(norm);
    memset(scratch, 0, kad_muon_scratch(rows, cols) * sizeof *scratch);
    for (size_t i = 0; i < (size_t)least; i++)
        for (size_t j = 0; j < (size_t)most; j++)
            x[i * c + j] = (float)(scale * direction[i * si + j * sj]);
    for (int k = 0; k < ITERATIONS; k++) {
        transpose(r, c, x, xt);
        kad_wide_product_f32(least, most, least, x, c, 1, xt, r, false, a, r);
        kad_wide_product_f32(least, least, least, a, r, 1, a, r, false, b, r);
        for (size_t i = 0; i < r * r; i++)
            b[i] = 2.0315f * b[i] - 4.7750f * a[i];
        for (size_t i = 0; i < r * c; i++)
            y[i] = 3.4445f * x[i];
        kad_wide_product_f32(least, least, most, b, r, 1, x, c, true, y, c);
        float *swap = x;
        x = y;
        y = swap;
    }
    const double more = sqrt(fmax(1, (double)rows / cols));
    for (size_t i = 0; i < (size_t)least; i++)
        for (size_t j = 0; j < (size_t)most; j++)
            direction[i * si + j * sj] = more * (double)x[i * c + j];
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

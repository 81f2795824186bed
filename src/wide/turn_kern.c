/* Columns to rows and back, in squares that stay in registers and the first-level cache. */
#include "wide/wide.h"

#include "base/vmath.h"

#include <string.h>

enum { SQUARE = KAD_WIDE_PAD };

#if defined(KAD_VAVX512) && KAD_PREC == 32
/* to[j][i] = from[i][j], 16 x 16. */
static void turn_square(const float *from, size_t from_stride, float *to,
                        size_t to_stride)
{
    __m512 r[16], t[16];
    KAD_UNROLL(16)
    for (int i = 0; i < 16; i++)
        r[i] = _mm512_loadu_ps(from + (size_t)i * from_stride);
    KAD_UNROLL(8)
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
    }
    KAD_UNROLL(4)
    for (int i = 0; i < 16; i += 4) {
        r[i] = _mm512_shuffle_ps(t[i], t[i + 2], 0x44);
        r[i + 1] = _mm512_shuffle_ps(t[i], t[i + 2], 0xee);
        r[i + 2] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0x44);
        r[i + 3] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0xee);
    }
    KAD_UNROLL(4)
    for (int i = 0; i < 4; i++) {
        const __m512 a = _mm512_shuffle_f32x4(r[i], r[i + 4], 0x88),
                     b = _mm512_shuffle_f32x4(r[i], r[i + 4], 0xdd),
                     c = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0x88),
                     d = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0xdd);
        _mm512_storeu_ps(to + (size_t)i * to_stride, _mm512_shuffle_f32x4(a, c, 0x88));
        _mm512_storeu_ps(to + (size_t)(i + 8) * to_stride,
                         _mm512_shuffle_f32x4(a, c, 0xdd));
        _mm512_storeu_ps(to + (size_t)(i + 4) * to_stride,
                         _mm512_shuffle_f32x4(b, d, 0x88));
        _mm512_storeu_ps(to + (size_t)(i + 12) * to_stride,
                         _mm512_shuffle_f32x4(b, d, 0xdd));
    }
}
#else
static void turn_square(const real *from, size_t from_stride, real *to, size_t to_stride)
{
    for (size_t i = 0; i < SQUARE; i++)
        for (size_t j = 0; j < SQUARE; j++)
            to[j * to_stride + i] = from[i * from_stride + j];
}
#endif

void KR(kad_wide_transpose)(int rows, int cols, const real *x, size_t x_stride, real *to,
                            size_t to_stride)
{
    for (size_t i = 0; i < (size_t)rows; i += SQUARE)
        for (size_t j = 0; j < (size_t)cols; j += SQUARE)
            turn_square(x + i * x_stride + j, x_stride, to + j * to_stride + i,
                        to_stride);
}

void KR(kad_wide_turn)(int n_rows, int n_panels, const real *x, int x_rows, real *xt)
{
    const size_t stride = (size_t)kad_wide_padded(n_rows);
    const size_t whole = (size_t)n_rows / SQUARE * SQUARE, n = (size_t)n_rows;
    for (int p = 0; p < n_panels;
         p++, x += (size_t)x_rows * KAD_W, xt += KAD_W * stride) {
        for (size_t r = 0; r < whole; r += SQUARE)
            for (size_t c = 0; c < KAD_W; c += SQUARE)
                turn_square(x + r * KAD_W + c, KAD_W, xt + c * stride + r, stride);
        for (size_t c = 0; c < KAD_W && whole < stride; c++)
            for (size_t r = whole; r < stride; r++)
                xt[c * stride + r] = r < n ? x[r * KAD_W + c] : 0;
    }
}

void KR(kad_wide_unturn)(int n_rows, int n_panels, const real *xt, real *x, int x_rows)
{
    const size_t stride = (size_t)kad_wide_padded(n_rows);
    const size_t whole = (size_t)n_rows / SQUARE * SQUARE, n = (size_t)n_rows;
    for (int p = 0; p < n_panels;
         p++, x += (size_t)x_rows * KAD_W, xt += KAD_W * stride) {
        for (size_t r = 0; r < whole; r += SQUARE)
            for (size_t c = 0; c < KAD_W; c += SQUARE)
                turn_square(xt + c * stride + r, stride, x + r * KAD_W + c, KAD_W);
        for (size_t r = whole; r < n; r++)
            for (size_t c = 0; c < KAD_W; c++)
                x[r * KAD_W + c] = xt[c * stride + r];
    }
}

/* Products of pairs of latents, lanes side by side, and distances of points
 * (bulk/mutual_pairs.h). */
#include "bulk/mutual_pairs.h"

enum { CHUNK = 4 };
_Static_assert(KAD_NV % CHUNK == 0, "a row is whole chunks");

static inline void chunk(size_t n_pairs, const int32_t *pair, int c, int a, int b,
                         const vreal *x, const vreal *y, vreal *out)
{
    vreal sum[CHUNK] = {{0}};
    for (size_t p = 0; p < n_pairs; p++) {
        const vreal *u = x + (size_t)(pair[2 * p] * c + a) * KAD_NV;
        const vreal *w = y + (size_t)(pair[2 * p + 1] * c + b) * KAD_NV;
        KAD_UNROLL(4)
        for (int j = 0; j < CHUNK; j++)
            sum[j] += u[j] * w[j];
    }
    for (int j = 0; j < CHUNK; j++)
        out[j] += sum[j];
}

void KR(kad_near_products)(size_t n_pairs, const int32_t *pair, int c, const real *x,
                           const real *y, real *out)
{
    for (int a = 0; a < c; a++)
        for (int b = 0; b < c; b++)
            for (int v = 0; v < KAD_NV; v += CHUNK)
                chunk(n_pairs, pair, c, a, b, (const vreal *)x + v, (const vreal *)y + v,
                      (vreal *)out + (a * c + b) * KAD_NV + v);
}

void KR(kad_max_norms)(size_t n, size_t d, const real *x, size_t i, real *out)
{
    for (size_t j = 0; j < n; j++)
        out[j] = 0;
    for (size_t c = 0; c < d; c++) {
        const real *restrict own = x + c * n;
        const real at = own[i];
        for (size_t j = 0; j < n; j++) {
            const real step = own[j] - at, far = step < 0 ? -step : step;
            out[j] = far > out[j] ? far : out[j];
        }
    }
}

size_t KR(kad_count_below)(size_t n, const real *a, real limit)
{
    size_t count = 0;
    for (size_t j = 0; j < n; j++)
        count += a[j] < limit;
    return count;
}

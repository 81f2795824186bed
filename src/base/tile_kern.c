#include "base/tile.h"

#include <string.h>

enum { BLOCK = 8 }; /* doubles of a cache line */

void KR(kad_tile_gather)(size_t n_rows, const double *const sample[], void *x)
{
    real *tile = x;
    for (size_t at = 0; at < n_rows; at += BLOCK) {
        const size_t here = n_rows - at < BLOCK ? n_rows - at : BLOCK;
        real *out = tile + at * KAD_W;
        for (size_t lane = 0; lane < KAD_W; lane++) {
            const double *from = sample[lane];
            for (size_t row = 0; row < here; row++)
                out[row * KAD_W + lane] = from != NULL ? (real)from[at + row] : 0;
        }
    }
}

void KR(kad_tile_store)(size_t n_rows, size_t n, const void *x, size_t stride, double *y)
{
    const real *tile = x;
    for (size_t at = 0; at < n_rows; at += BLOCK) {
        const size_t here = n_rows - at < BLOCK ? n_rows - at : BLOCK;
        const real *from = tile + at * KAD_W;
        for (size_t lane = 0; lane < n; lane++) {
            double *to = y + lane * stride + at;
            for (size_t row = 0; row < here; row++)
                to[row] = (double)from[row * KAD_W + lane];
        }
    }
}

void KR(kad_tile_negate)(size_t n_rows, const void *x, void *out)
{
    const real *from = x;
    real *to = out;
    for (size_t i = 0; i < n_rows * KAD_W; i++)
        to[i] = -from[i];
}

#include "base/tile.h"

#include <string.h>

void kad_tile_gather(kad_prec prec, size_t n_rows, const double *const sample[], void *x)
{
    (prec == KAD_SINGLE ? kad_tile_gather_f32 : kad_tile_gather_f64)(n_rows, sample, x);
}

void kad_tile_load(kad_prec prec, size_t n_rows, size_t n, const double *y, void *x)
{
    const double *sample[KAD_W_MAX] = {0};
    const size_t lanes = (size_t)kad_lanes(prec);
    for (size_t lane = 0; lane < lanes && lane < n; lane++)
        sample[lane] = y + lane * n_rows;
    kad_tile_gather(prec, n_rows, sample, x);
}

void kad_tile_repeat(kad_prec prec, size_t n_rows, size_t first, size_t n,
                     const double *y, void *x)
{
    const double *sample[KAD_W_MAX];
    const size_t lanes = (size_t)kad_lanes(prec);
    for (size_t lane = 0; lane < lanes; lane++)
        sample[lane] = y + (first + lane) % n * n_rows;
    kad_tile_gather(prec, n_rows, sample, x);
}

void kad_tile_store(kad_prec prec, size_t n_rows, size_t n, const void *x, size_t stride,
                    double *y)
{
    (prec == KAD_SINGLE ? kad_tile_store_f32 : kad_tile_store_f64)(n_rows, n, x, stride,
                                                                   y);
}

void kad_tile_clear_inactive(size_t n_rows, size_t n_comp, const uint8_t *active, void *x)
{
    if (active == NULL) return;
    for (size_t row = 0; row < n_rows; row++)
        if (!active[row / n_comp])
            memset((char *)x + row * KAD_ROW_BYTES, 0, KAD_ROW_BYTES);
}

void kad_tile_negate(kad_prec prec, size_t n_rows, const void *x, void *out)
{
    (prec == KAD_SINGLE ? kad_tile_negate_f32 : kad_tile_negate_f64)(n_rows, x, out);
}

/* to[i][b][a] = from[i][a][b] */
static void transpose(size_t n, size_t n_a, size_t n_b, const double *from, double *to)
{
    for (size_t i = 0; i < n; i++, from += n_a * n_b, to += n_a * n_b)
        for (size_t a = 0; a < n_a; a++)
            for (size_t b = 0; b < n_b; b++)
                to[b * n_a + a] = from[a * n_b + b];
}

void kad_by_site(size_t n, size_t n_sites, size_t n_comp, const double *from, double *to)
{
    transpose(n, n_comp, n_sites, from, to);
}

void kad_by_component(size_t n, size_t n_sites, size_t n_comp, const double *from,
                      double *to)
{
    transpose(n, n_sites, n_comp, from, to);
}

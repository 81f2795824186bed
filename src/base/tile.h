/* The one transposition: samples stored one after the other, y[sample][row] in double, and
 * tiles, x[row][lane] in either precision (base/real.h). Moved by blocks of a cache line,
 * so that neither side is walked through with a stride of its own length alone. */
#ifndef KAD_BASE_TILE_H
#define KAD_BASE_TILE_H

#include "base/real.h"

#include <stddef.h>
#include <stdint.h>

/* x's lanes from the samples they point at; NULL: a lane of zeros. Shapes: sample
 * [kad_lanes(prec)], each [n_rows]. */
void kad_tile_gather(kad_prec prec, size_t n_rows, const double *const sample[], void *x);

/* The first n lanes from n samples one after the other; the others are zero. */
void kad_tile_load(kad_prec prec, size_t n_rows, size_t n, const double *y, void *x);

/* Every lane from n samples, which repeat: sample (first + lane) mod n. For kernels whose
 * lanes must all hold what is possible. */
void kad_tile_repeat(kad_prec prec, size_t n_rows, size_t first, size_t n,
                     const double *y, void *x);

/* The first n lanes to y, y + stride, y + 2 stride, ... */
void kad_tile_store(kad_prec prec, size_t n_rows, size_t n, const void *x, size_t stride,
                    double *y);

/* Rows of sites that are not active become zero. active [n_rows / n_comp], NULL: all are. */
void kad_tile_clear_inactive(size_t n_rows, size_t n_comp, const uint8_t *active,
                             void *x);

/* out = -x; they may be the same. */
void kad_tile_negate(kad_prec prec, size_t n_rows, const void *x, void *out);

/* The kernels behind them, one for each precision. */
void kad_tile_gather_f32(size_t n_rows, const double *const sample[], void *x);
void kad_tile_gather_f64(size_t n_rows, const double *const sample[], void *x);
void kad_tile_store_f32(size_t n_rows, size_t n, const void *x, size_t stride, double *y);
void kad_tile_store_f64(size_t n_rows, size_t n, const void *x, size_t stride, double *y);
void kad_tile_negate_f32(size_t n_rows, const void *x, void *out);
void kad_tile_negate_f64(size_t n_rows, const void *x, void *out);

/* Configurations whose sites of a component stand together, [n][n_comp][n_sites], into rows
 * [n][n_sites][n_comp], and back. */
void kad_by_site(size_t n, size_t n_sites, size_t n_comp, const double *from, double *to);
void kad_by_component(size_t n, size_t n_sites, size_t n_comp, const double *from,
                      double *to);

#endif

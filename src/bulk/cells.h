/* Series for errors: configurations are cut into cells, runs of consecutive ones of a
 * chain, and an analysis keeps sums a cell. Any function of means then has a series over
 * the cells whose mean is its value and whose scatter, autocorrelation included, is its
 * error to first order: for theta = f(<a>)
 *     theta_cell = theta + grad f . (a_cell - <a>).
 * analysis/ turns series into errors (Gamma method). */
#ifndef KAD_BULK_CELLS_H
#define KAD_BULK_CELLS_H

#include "bulk/bulk.h"
#include "io/writer.h"

/* At most so many cells, all chains together. */
enum { KAD_BULK_CELLS = 512 };

typedef struct kad_bulk_cells {
    size_t n_chains, n_cells; /* cells a chain */
    size_t size;              /* configurations a cell; the last ones of a chain that fill
                                 no cell are left out */
    size_t n;                 /* n_chains * n_cells */
    size_t n_per_chain;
} kad_bulk_cells;

kad_bulk_cells kad_bulk_cells_of(const kad_bulk *bulk);
/* Number of the first configuration of a cell (chain-major). */
size_t kad_bulk_cell_start(const kad_bulk_cells *cells, size_t cell);

/* Data set series/NAME of values [quantities...][chain][cell] below the writer's group:
 * n_dims leading axes with the names `axes`. The analysis makes NAME and NAME_err of it.
 * units, long_name: of the quantity. */
void kad_bulk_write_series(kad_writer *w, const char *name, const char *units,
                           const char *long_name, const char *axes, int n_dims,
                           const size_t *dims, const kad_bulk_cells *cells,
                           const double *values);

#endif

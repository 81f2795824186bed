#include "bulk/cells.h"

#include <stdio.h>

kad_bulk_cells kad_bulk_cells_of(const kad_bulk *bulk)
{
    kad_bulk_cells cells = {.n_chains = bulk->n_chains, .n_per_chain = bulk->n_per_chain};
    size_t most = bulk->n_chains > 0 ? KAD_BULK_CELLS / bulk->n_chains : 1;
    if (most < 8) most = 8;
    cells.size = (bulk->n_per_chain + most - 1) / most;
    if (cells.size == 0) cells.size = 1;
    cells.n_cells = bulk->n_per_chain / cells.size;
    cells.n = cells.n_cells * cells.n_chains;
    return cells;
}

size_t kad_bulk_cell_start(const kad_bulk_cells *cells, size_t cell)
{
    const size_t chain = cell / cells->n_cells;
    return chain * cells->n_per_chain + (cell - chain * cells->n_cells) * cells->size;
}

void kad_bulk_write_series(kad_writer *w, const char *name, const char *units,
                           const char *long_name, const char *axes, int n_dims,
                           const size_t *dims, const kad_bulk_cells *cells,
                           const double *values)
{
    char path[96], attribute[128], labels[128];
    size_t shape[KAD_H5_MAX_RANK];
    for (int i = 0; i < n_dims; i++)
        shape[i] = dims[i];
    shape[n_dims] = cells->n_chains;
    shape[n_dims + 1] = cells->n_cells;
    snprintf(path, sizeof path, "series/%s", name);
    snprintf(labels, sizeof labels, "%s%schain cell", axes, n_dims > 0 ? " " : "");
    kad_write(w, path, KAD_H5_F64, labels, units, long_name, shape, values);
    snprintf(attribute, sizeof attribute, "%s@estimator", path);
    kad_write_text(w, attribute, "values of cells of consecutive configurations");
    snprintf(attribute, sizeof attribute, "%s@cell", path);
    kad_write_int(w, attribute, (int64_t)cells->size);
}

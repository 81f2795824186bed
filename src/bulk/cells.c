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

kad_status kad_bulk_write_series(kad_ctx *ctx, kad_h5 *file, const char *group,
                                 const char *name, const char *units,
                                 const char *long_name, int n_dims, const size_t *dims,
                                 const char *axes, const kad_bulk_cells *cells,
                                 const double *values)
{
    char path[256], labels[128];
    size_t shape[KAD_H5_MAX_RANK];
    kad_status status = KAD_OK;
    for (int i = 0; i < n_dims; i++)
        shape[i] = dims[i];
    shape[n_dims] = cells->n_chains;
    shape[n_dims + 1] = cells->n_cells;
    snprintf(path, sizeof path, "%s/series/%s", group, name);
    KAD_TRY(kad_h5_write(ctx, file, path, KAD_H5_F64, n_dims + 2, shape, values));
    KAD_TRY(kad_h5_describe(ctx, file, path, units, long_name,
                            "values of cells of consecutive configurations"));
    snprintf(labels, sizeof labels, "%schain cell", axes);
    KAD_TRY(kad_h5_axes(ctx, file, path, labels));
    KAD_TRY(kad_h5_attr_set_int(ctx, file, path, "cell", (int64_t)cells->size));
done:
    return status;
}

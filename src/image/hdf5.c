/* A data set of unsigned bytes in an HDF5 file of any size: [n][H][W], [n][H][W][C] or
 * [n][C][H][W], C 1 or 3. */
#include "image/stack.h"

#include "io/rows.h"

#include <string.h>

static bool is(const kad_image_path *path)
{
    static const uint8_t signature[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
    if (path->n_head < sizeof signature) return false;
    for (size_t at = 0; at + sizeof signature <= path->n_head; at = at ? 2 * at : 512)
        if (memcmp(path->head + at, signature, sizeof signature) == 0) return true;
    return false;
}

static kad_status open_hdf5(kad_scope *in, const kad_image_options *o,
                            kad_image_source *s)
{
    KAD_LOCAL(kad_h5_rows, rows);
    kad_stack stack = {0};
    int rank;
    size_t dims[KAD_H5_MAX_RANK];
    KAD_CALL(kad_h5_rows_open(in->ctx, s->path, o->dataset, &rows, &rank, dims));
    KAD_CALL(kad_stack_axes(in->ctx, s->path, rank, dims, &stack));
    stack.rows = rows;
    rows = NULL;
    return kad_stack_open(in, &stack, s);
}

const kad_image_source_ops kad_image_source_hdf5 = {
    .name = "hdf5",
    .summary = "HDF5 data set of unsigned bytes: [n][H][W], [n][H][W][C] or [n][C][H][W]",
    .is = is,
    .open = open_hdf5,
    KAD_STACK_OPS,
};

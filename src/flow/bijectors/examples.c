#include "flow/bijectors/examples.h"

#include "base/memory.h"

#include <string.h>

static void fill_block(const kad_lattice *lattice, const int corner[KAD_MAX_DIM],
                       const int extent[KAD_MAX_DIM], int *sites)
{
    int b = 0;
    for (int i = 0; i < extent[2]; i++)
        for (int j = 0; j < extent[1]; j++)
            for (int k = 0; k < extent[0]; k++) {
                const int at[KAD_MAX_DIM] = {corner[0] + k, corner[1] + j, corner[2] + i};
                sites[b++] = kad_lattice_site(lattice, at);
            }
}

kad_status kad_example_blocks(kad_ctx *ctx, const kad_lattice *lattice, int extent,
                              kad_index_list *out)
{
    int e[KAD_MAX_DIM] = {1, 1, 1}, n[KAD_MAX_DIM];
    memset(out, 0, sizeof *out);
    out->n_lists = out->size = 1;
    for (int m = 0; m < KAD_MAX_DIM; m++) {
        if (m < lattice->d) e[m] = extent > 0 ? extent : (m == lattice->d - 1 ? 2 : 1);
        n[m] = lattice->shape[m] / e[m];
        out->n_lists *= n[m];
        out->size *= e[m];
    }
    kad_status status =
        kad_new(ctx, (size_t)out->n_lists * (size_t)out->size, sizeof(int), &out->sites);
    if (status != KAD_OK) return status;
    for (int i = 0; i < out->n_lists; i++) {
        const int corner[KAD_MAX_DIM] = {(i / (n[1] * n[2])) * e[0],
                                         (i / n[2]) % n[1] * e[1], i % n[2] * e[2]};
        fill_block(lattice, corner, e, out->sites + (size_t)i * (size_t)out->size);
    }
    return KAD_OK;
}

kad_status kad_example_parts(kad_ctx *ctx, const kad_lattice *lattice, int n_sources,
                             int max_parts, kad_index_list *out)
{
    memset(out, 0, sizeof *out);
    out->n_lists = lattice->n_sites / 2 < max_parts ? lattice->n_sites / 2 : max_parts;
    out->size = n_sources + 1;
    kad_status status =
        kad_new(ctx, (size_t)out->n_lists * (size_t)out->size, sizeof(int), &out->sites);
    if (status != KAD_OK) return status;
    const int n_even = (lattice->n_sites + 1) / 2;
    for (int i = 0; i < out->n_lists; i++) {
        int *part = out->sites + (size_t)i * (size_t)out->size;
        for (int f = 0; f < n_sources; f++)
            part[f] = 2 * ((i + f * (f + 3) / 2) % n_even);
        part[n_sources] = 2 * i + 1;
    }
    return KAD_OK;
}

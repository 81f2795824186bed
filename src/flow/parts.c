#include "flow/parts.h"

#include "base/memory.h"

#include <string.h>

void kad_parts_clear(kad_parts *parts)
{
    kad_free(parts->rows);
    kad_stage_clear(&parts->one);
    memset(parts, 0, sizeof *parts);
}

kad_status kad_parts_of_sites(kad_ctx *ctx, int n_comp, int n_parts, int n_src_sites,
                              int n_tgt_sites, const int *sites, kad_parts *out)
{
    const size_t n = (size_t)n_parts * (size_t)(n_src_sites + n_tgt_sites);
    memset(out, 0, sizeof *out);
    out->n_parts = n_parts;
    out->n_src = n_src_sites * n_comp;
    out->n_tgt = n_tgt_sites * n_comp;
    const kad_status status = kad_new(ctx, n * (size_t)n_comp, sizeof(int), &out->rows);
    for (size_t i = 0; status == KAD_OK && i < n; i++)
        for (int c = 0; c < n_comp; c++)
            out->rows[i * (size_t)n_comp + (size_t)c] = sites[i] * n_comp + c;
    return status;
}

kad_status kad_parts_identity(kad_scope *in, int n, int **out)
{
    KAD_CALL(kad_take(in, (size_t)n, out));
    for (int i = 0; i < n; i++)
        (*out)[i] = i;
    return KAD_OK;
}

kad_lattice kad_parts_lattice(int n_sites)
{
    return (kad_lattice){.d = 1, .shape = {n_sites, 1, 1}, .n_sites = n_sites};
}

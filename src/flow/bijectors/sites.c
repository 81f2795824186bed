#include "flow/bijectors/sites.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

static kad_status check(kad_ctx *ctx, const kad_lattice *lattice, size_t n,
                        const int *sites, uint8_t *seen)
{
    for (size_t i = 0; i < n; i++) {
        const int s = sites[i];
        if (s < 0 || s >= lattice->n_sites)
            return kad_fail(ctx, KAD_EUSAGE, "stage: site %d outside 0..%d", s,
                            lattice->n_sites - 1);
        if (seen && seen[s]++)
            return kad_fail(ctx, KAD_EUSAGE, "stage: site %d named twice", s);
    }
    return KAD_OK;
}

kad_status kad_sites_copy(kad_ctx *ctx, const kad_lattice *lattice, size_t n,
                          const int *sites, bool distinct, int **out)
{
    KAD_SCOPE(scope, ctx);
    uint8_t *seen = NULL;
    int *copy = NULL;
    *out = NULL;
    if (distinct) KAD_CALL(kad_scope_take(&scope, (size_t)lattice->n_sites, 1, &seen));
    KAD_CALL(check(ctx, lattice, n, sites, seen));
    KAD_CALL(kad_new(ctx, n, sizeof *copy, &copy));
    if (n > 0) memcpy(copy, sites, n * sizeof *copy);
    *out = copy;
    return KAD_OK;
}

void kad_stage_begin(kad_stage *stage, const kad_bijector_ops *ops,
                     const kad_lattice *lattice, int n_comp)
{
    memset(stage, 0, sizeof *stage);
    stage->ops = ops;
    snprintf(stage->name, sizeof stage->name, "%s", ops->name);
    stage->n_comp = n_comp;
    stage->n_rows = lattice->n_sites * n_comp;
}

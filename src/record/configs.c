#include "record/configs.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>

enum { PATH_MAX_CONFIGS = 192 };

static void path_of(const char *name, char path[PATH_MAX_CONFIGS])
{
    snprintf(path, PATH_MAX_CONFIGS, "/samplers/%s/configs", name);
}

kad_status kad_configs_shape(kad_ctx *ctx, kad_h5 *file, const char *name,
                             const kad_action *action, size_t dims[KAD_H5_MAX_RANK])
{
    const kad_lattice *lattice = action->lattice;
    char path[PATH_MAX_CONFIGS];
    int rank = 0;
    path_of(name, path);
    KAD_CALL(kad_h5_shape(ctx, file, path, &rank, dims));
    bool fits = rank == 3 + lattice->d && dims[2] == (size_t)action->n_comp;
    for (int mu = 0; fits && mu < lattice->d; mu++)
        fits = dims[3 + mu] == (size_t)lattice->shape[mu];
    return fits ? KAD_OK
                : kad_fail(ctx, KAD_EDATA,
                           "run.h5: %s: not configurations of this lattice", path);
}

/* [component][site] to [site][component]. */
static void transpose(size_t n_sites, size_t n_comp, const float *from, double *x)
{
    for (size_t site = 0; site < n_sites; site++)
        for (size_t c = 0; c < n_comp; c++)
            x[site * n_comp + c] = (double)from[c * n_sites + site];
}

kad_status kad_configs_read(kad_ctx *ctx, kad_h5 *file, const char *name,
                            const kad_action *action, const size_t *dims, size_t step,
                            size_t n, double *x)
{
    KAD_SCOPE(scope, ctx);
    const size_t n_comp = (size_t)action->n_comp;
    const size_t n_sites = (size_t)action->lattice->n_sites, n_rows = n_comp * n_sites;
    float *stored;
    char path[PATH_MAX_CONFIGS];
    path_of(name, path);
    KAD_CALL(kad_scope_take(&scope, dims[0] * dims[1], n_rows * sizeof *stored, &stored));
    KAD_CALL(
        kad_h5_read(ctx, file, path, KAD_H5_F32, 3 + action->lattice->d, dims, stored));
    for (size_t chain = 0; chain < dims[0]; chain++)
        for (size_t i = 0; i < n; i++)
            transpose(n_sites, n_comp, stored + (chain * dims[1] + i * step) * n_rows,
                      x + (chain * n + i) * n_rows);
    for (size_t i = 0; i < dims[0] * n * n_rows; i++)
        if (!isfinite(x[i]))
            return kad_fail(ctx, KAD_EDATA, "run.h5: %s: a value is %g", path, x[i]);
    return KAD_OK;
}

kad_status kad_configs_stride(kad_ctx *ctx, kad_h5 *file, const char *name, size_t n,
                              int64_t *stride)
{
    KAD_SCOPE(scope, ctx);
    char path[PATH_MAX_CONFIGS];
    int64_t *last;
    *stride = 1;
    snprintf(path, sizeof path, "/samplers/%s/cfg", name);
    if (n == 0 || !kad_h5_exists(file, path)) return KAD_OK; /* every draw is kept */
    KAD_CALL(kad_take(&scope, n, &last));
    KAD_CALL(kad_h5_read(ctx, file, path, KAD_H5_I64, 1, &n, last));
    *stride = last[0] + 1;
    return KAD_OK;
}

#include "analysis/bulk_bins.h"

#include "analysis/gamma.h"
#include "analysis/results.h"
#include "base/memory.h"
#include "io/writer.h"

#include <math.h>
#include <stdio.h>

/* Value and error of one series [n_chains][n_cells]. */
static kad_status one(kad_ctx *ctx, size_t n_chains, size_t n_cells, const double *a,
                      double *value, double *err)
{
    kad_gamma gamma;
    *value = *err = NAN;
    for (size_t i = 0; i < n_chains * n_cells; i++)
        if (!isfinite(a[i])) return KAD_OK;
    *value = a[0];
    if (n_cells < 2) return KAD_OK;
    KAD_CALL(kad_gamma_estimate(ctx, n_chains, n_cells, a, &gamma));
    *value = gamma.mean;
    *err = gamma.err;
    return KAD_OK;
}

/* The words of the series' axes but the last two, chain and cell. */
static kad_status leading_axes(kad_ctx *ctx, kad_h5 *file, const char *series, int rank,
                               size_t size, char *out)
{
    size_t used = 0;
    out[0] = '\0';
    for (int i = 0; i < rank; i++) {
        const char *text;
        KAD_CALL(kad_h5_axis_label(ctx, file, series, i, &text));
        used += (size_t)snprintf(out + used, size - used, "%s%s", i > 0 ? " " : "",
                                 text != NULL ? text : "index");
        if (used >= size)
            return kad_fail(ctx, KAD_EDATA, "%s: names of axes too long", series);
    }
    return KAD_OK;
}

/* The mean has the series' units and description. */
static void write_pair(kad_writer *w, const char *series, const char *name,
                       const char *axes, const size_t *dims, const double *value,
                       const double *err)
{
    KAD_SCOPE(scope, w->ctx);
    char error[128], estimator[160];
    const char *units = kad_attr_string(&scope, w->file, series, "units"),
               *text = kad_attr_string(&scope, w->file, series, "long_name");
    snprintf(error, sizeof error, "%s_err", name);
    snprintf(estimator, sizeof estimator, "%s@estimator", error);
    kad_write(w, name, KAD_H5_F64, axes, units != NULL ? units : "1",
              text != NULL ? text : name, dims, value);
    kad_write(w, error, KAD_H5_F64, axes, units != NULL ? units : "1", "standard error",
              dims, err);
    kad_write_text(w, estimator, "Gamma method over cells of the chains");
}

static kad_status reduce(kad_ctx *ctx, kad_h5 *file, const char *group, const char *name)
{
    KAD_SCOPE(scope, ctx);
    char path[256], axes[256];
    kad_values series = {0};
    double *value, *err;
    snprintf(path, sizeof path, "%s/series/%s", group, name);
    if (!kad_h5_attr_exists(file, path, "cell")) return KAD_OK;
    KAD_CALL(kad_values_read(&scope, file, path, &series));
    const int rank = series.rank - 2;
    if (rank < 0 || series.n == 0) return KAD_OK;
    const size_t n_chains = series.dims[rank], n_cells = series.dims[rank + 1],
                 n = series.n / (n_chains * n_cells);
    KAD_CALL(kad_take(&scope, n, &value));
    KAD_CALL(kad_take(&scope, n, &err));
    for (size_t i = 0; i < n; i++)
        KAD_CALL(one(ctx, n_chains, n_cells, series.data + i * n_chains * n_cells,
                     &value[i], &err[i]));
    KAD_CALL(leading_axes(ctx, file, path, rank, sizeof axes, axes));
    kad_writer w = kad_write_into(ctx, file, group);
    write_pair(&w, path, name, axes, series.dims, value, err);
    return kad_write_end(&w);
}

static kad_status reduce_group(kad_ctx *ctx, kad_h5 *file, const char *name)
{
    KAD_SCOPE(scope, ctx);
    char group[128], series[160];
    size_t n = 0;
    char **names = NULL;
    snprintf(group, sizeof group, "/bulk/%s", name);
    snprintf(series, sizeof series, "%s/series", group);
    KAD_CALL(kad_members(&scope, file, series, &n, &names));
    for (size_t i = 0; i < n; i++)
        KAD_CALL(reduce(ctx, file, group, names[i]));
    return KAD_OK;
}

kad_status kad_bulk_series(kad_ctx *ctx, kad_h5 *file)
{
    KAD_SCOPE(scope, ctx);
    size_t n = 0;
    char **names = NULL;
    KAD_CALL(kad_members(&scope, file, "/bulk", &n, &names));
    for (size_t i = 0; i < n; i++)
        KAD_CALL(reduce_group(ctx, file, names[i]));
    return KAD_OK;
}

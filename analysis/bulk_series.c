#include "analysis/bulk_series.h"

#include "analysis/gamma.h"
#include "analysis/results.h"
#include "base/memory.h"

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
    const kad_status status = kad_gamma_estimate(ctx, n_chains, n_cells, a, &gamma);
    if (status != KAD_OK) return status;
    *value = gamma.mean;
    *err = gamma.err;
    kad_gamma_clear(&gamma);
    return KAD_OK;
}

static kad_status write_one(kad_ctx *ctx, kad_h5 *file, const char *group,
                            const char *name, const char *suffix, int rank,
                            const size_t *dims, const double *data)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s%s", group, name, suffix);
    return kad_h5_write(ctx, file, path, KAD_H5_F64, rank, dims, data);
}

/* So do its leading axes. */
static kad_status label(kad_ctx *ctx, kad_h5 *file, const char *series, int rank,
                        const char *group, const char *name)
{
    static const char *const suffix[] = {"", "_err"};
    kad_status status = KAD_OK;
    for (int i = 0; i < 2 * rank; i++) {
        char path[256];
        const char *text;
        snprintf(path, sizeof path, "%s/%s%s", group, name, suffix[i % 2]);
        KAD_TRY(kad_h5_axis_label(ctx, file, series, i / 2, &text));
        if (text != NULL) KAD_TRY(kad_h5_axis(ctx, file, path, i / 2, text, NULL));
    }
done:
    return status;
}

/* Units and description of the series go to its mean. */
static kad_status describe(kad_ctx *ctx, kad_h5 *file, const char *series,
                           const char *group, const char *name)
{
    char path[256];
    kad_status status = KAD_OK;
    char *units = kad_attr_string(ctx, file, series, "units"),
         *text = kad_attr_string(ctx, file, series, "long_name");
    snprintf(path, sizeof path, "%s/%s", group, name);
    KAD_TRY(kad_h5_describe(ctx, file, path, units, text, NULL));
    snprintf(path, sizeof path, "%s/%s_err", group, name);
    KAD_TRY(kad_h5_describe(ctx, file, path, units, "standard error",
                            "Gamma method over cells of the chains"));
done:
    kad_free(units);
    kad_free(text);
    return status;
}

static kad_status reduce(kad_ctx *ctx, kad_h5 *file, const char *group, const char *name)
{
    char path[256];
    kad_status status = KAD_OK;
    kad_values series = {0};
    double *value = NULL, *err = NULL;
    snprintf(path, sizeof path, "%s/series/%s", group, name);
    if (!kad_h5_attr_exists(file, path, "cell")) return KAD_OK;
    KAD_TRY(kad_values_read(ctx, file, path, &series));
    const int rank = series.rank - 2;
    if (rank < 0 || series.n == 0) goto done;
    const size_t n_chains = series.dims[rank], n_cells = series.dims[rank + 1],
                 n = series.n / (n_chains * n_cells);
    KAD_TRY(kad_new(ctx, n, sizeof *value, &value));
    KAD_TRY(kad_new(ctx, n, sizeof *err, &err));
    for (size_t i = 0; i < n; i++)
        KAD_TRY(one(ctx, n_chains, n_cells, series.data + i * n_chains * n_cells,
                    &value[i], &err[i]));
    KAD_TRY(write_one(ctx, file, group, name, "", rank, series.dims, value));
    KAD_TRY(write_one(ctx, file, group, name, "_err", rank, series.dims, err));
    KAD_TRY(describe(ctx, file, path, group, name));
    KAD_TRY(label(ctx, file, path, rank, group, name));
done:
    kad_values_clear(&series);
    kad_free(value);
    kad_free(err);
    return status;
}

static kad_status reduce_group(kad_ctx *ctx, kad_h5 *file, const char *name)
{
    char group[128], series[160];
    kad_status status = KAD_OK;
    size_t n = 0;
    char **names = NULL;
    snprintf(group, sizeof group, "/bulk/%s", name);
    snprintf(series, sizeof series, "%s/series", group);
    KAD_TRY(kad_members(ctx, file, series, &n, &names));
    for (size_t i = 0; i < n; i++)
        KAD_TRY(reduce(ctx, file, group, names[i]));
done:
    kad_h5_free_names(n, names);
    return status;
}

kad_status kad_bulk_series(kad_ctx *ctx, kad_h5 *file)
{
    kad_status status = KAD_OK;
    size_t n = 0;
    char **names = NULL;
    KAD_TRY(kad_members(ctx, file, "/bulk", &n, &names));
    for (size_t i = 0; i < n; i++)
        KAD_TRY(reduce_group(ctx, file, names[i]));
done:
    kad_h5_free_names(n, names);
    return status;
}

#include "train/series.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

kad_status kad_series_create(kad_ctx *ctx, const kad_column *columns, size_t n_columns,
                             size_t capacity, kad_series *out)
{
    *out = (kad_series){.columns = columns, .n_columns = n_columns, .capacity = capacity};
    return kad_new(ctx, capacity, n_columns * sizeof *out->data, &out->data);
}

void kad_series_clear(kad_series *series)
{
    kad_free(series->data);
    *series = (kad_series){0};
}

void kad_series_add(kad_series *series, const double *row)
{
    if (series->n >= series->capacity) return;
    for (size_t i = 0; i < series->n_columns; i++)
        series->data[i * series->capacity + series->n] = row[i];
    series->n++;
}

const double *kad_series_column(const kad_series *series, const char *name)
{
    for (size_t i = 0; i < series->n_columns; i++)
        if (strcmp(series->columns[i].name, name) == 0)
            return series->data + i * series->capacity;
    return NULL;
}

kad_status kad_series_save(kad_ctx *ctx, const kad_series *series, kad_h5 *file,
                           const char *group)
{
    kad_status status;
    KAD_TRY(kad_h5_group(ctx, file, group));
    KAD_TRY(kad_h5_attr_set_int(ctx, file, group, "rows", (int64_t)series->n));
    for (size_t i = 0; i < series->n_columns && series->n > 0; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/%s", group, series->columns[i].name);
        KAD_TRY(kad_h5_write(ctx, file, path, KAD_H5_F64, 1, &series->n,
                             series->data + i * series->capacity));
    }
done:
    return status;
}

kad_status kad_series_restore(kad_ctx *ctx, kad_series *series, kad_h5 *file,
                              const char *group)
{
    kad_status status;
    int64_t rows = 0;
    KAD_TRY(kad_h5_attr_int(ctx, file, group, "rows", &rows));
    if (rows < 0 || (uint64_t)rows > series->capacity)
        return kad_fail(ctx, KAD_EDATA, "%s: expected at most %zu rows, found %lld",
                        group, series->capacity, (long long)rows);
    series->n = (size_t)rows;
    for (size_t i = 0; i < series->n_columns && series->n > 0; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/%s", group, series->columns[i].name);
        KAD_TRY(kad_h5_read(ctx, file, path, KAD_H5_F64, 1, &series->n,
                            series->data + i * series->capacity));
    }
done:
    return status;
}

static kad_status write_column(kad_ctx *ctx, const kad_series *series, size_t i,
                               kad_h5 *file, const char *path)
{
    kad_status status;
    int64_t *integers = NULL;
    const kad_column *column = &series->columns[i];
    const double *data = series->data + i * series->capacity;
    if (column->type == KAD_H5_I64) {
        KAD_TRY(kad_new(ctx, series->n, sizeof *integers, &integers));
        for (size_t k = 0; k < series->n; k++)
            integers[k] = (int64_t)data[k];
        KAD_TRY(kad_h5_write(ctx, file, path, KAD_H5_I64, 1, &series->n, integers));
    } else {
        KAD_TRY(kad_h5_write(ctx, file, path, KAD_H5_F64, 1, &series->n, data));
    }
    KAD_TRY(kad_h5_describe(ctx, file, path, column->units, column->long_name,
                            column->estimator));
done:
    kad_free(integers);
    return status;
}

kad_status kad_series_write(kad_ctx *ctx, const kad_series *series, kad_h5 *file,
                            const char *group, const char *axis)
{
    kad_status status;
    char scale[256];
    KAD_TRY(kad_h5_group(ctx, file, group));
    snprintf(scale, sizeof scale, "%s/%s", group, series->columns[0].name);
    for (size_t i = 0; i < series->n_columns && series->n > 0; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/%s", group, series->columns[i].name);
        KAD_TRY(write_column(ctx, series, i, file, path));
        KAD_TRY(kad_h5_axis(ctx, file, path, 0, axis, i == 0 ? NULL : scale));
    }
done:
    return status;
}

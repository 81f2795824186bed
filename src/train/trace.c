#include "train/trace.h"

#include "base/memory.h"

#include <stdio.h>

kad_status kad_trace_create(kad_ctx *ctx, const kad_trace_column *columns,
                            size_t n_columns, size_t capacity, kad_trace *out)
{
    *out = (kad_trace){.columns = columns, .n_columns = n_columns, .capacity = capacity};
    return kad_new(ctx, capacity, n_columns * sizeof *out->data, &out->data);
}

void kad_trace_clear(kad_trace *trace)
{
    kad_free(trace->data);
    *trace = (kad_trace){0};
}

void kad_trace_add(kad_trace *trace, const double *row)
{
    if (trace->n >= trace->capacity) return;
    for (size_t i = 0; i < trace->n_columns; i++)
        trace->data[i * trace->capacity + trace->n] = row[i];
    trace->n++;
}

kad_status kad_trace_save(kad_ctx *ctx, const kad_trace *trace, kad_h5 *file,
                          const char *group)
{
    kad_status status;
    KAD_TRY(kad_h5_group(ctx, file, group));
    KAD_TRY(kad_h5_attr_set_int(ctx, file, group, "rows", (int64_t)trace->n));
    for (size_t i = 0; i < trace->n_columns && trace->n > 0; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/%s", group, trace->columns[i].name);
        KAD_TRY(kad_h5_write(ctx, file, path, KAD_H5_F64, 1, &trace->n,
                             trace->data + i * trace->capacity));
    }
done:
    return status;
}

kad_status kad_trace_restore(kad_ctx *ctx, kad_trace *trace, kad_h5 *file,
                             const char *group)
{
    kad_status status;
    int64_t rows = 0;
    KAD_TRY(kad_h5_attr_int(ctx, file, group, "rows", &rows));
    if (rows < 0 || (uint64_t)rows > trace->capacity)
        return kad_fail(ctx, KAD_EDATA, "%s: expected at most %zu rows, found %lld",
                        group, trace->capacity, (long long)rows);
    trace->n = (size_t)rows;
    for (size_t i = 0; i < trace->n_columns && trace->n > 0; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/%s", group, trace->columns[i].name);
        KAD_TRY(kad_h5_read(ctx, file, path, KAD_H5_F64, 1, &trace->n,
                            trace->data + i * trace->capacity));
    }
done:
    return status;
}

static kad_status write_column(kad_ctx *ctx, const kad_trace *trace, size_t i,
                               kad_h5 *file, const char *path)
{
    kad_status status;
    int64_t *integers = NULL;
    const kad_trace_column *column = &trace->columns[i];
    const double *data = trace->data + i * trace->capacity;
    if (column->type == KAD_H5_I64) {
        KAD_TRY(kad_new(ctx, trace->n, sizeof *integers, &integers));
        for (size_t k = 0; k < trace->n; k++)
            integers[k] = (int64_t)data[k];
        KAD_TRY(kad_h5_write(ctx, file, path, KAD_H5_I64, 1, &trace->n, integers));
    } else {
        KAD_TRY(kad_h5_write(ctx, file, path, KAD_H5_F64, 1, &trace->n, data));
    }
    KAD_TRY(kad_h5_describe(ctx, file, path, column->units, column->long_name,
                            column->estimator));
done:
    kad_free(integers);
    return status;
}

kad_status kad_trace_write(kad_ctx *ctx, const kad_trace *trace, kad_h5 *file,
                           const char *group, const char *axis)
{
    kad_status status;
    char scale[256];
    KAD_TRY(kad_h5_group(ctx, file, group));
    snprintf(scale, sizeof scale, "%s/%s", group, trace->columns[0].name);
    for (size_t i = 0; i < trace->n_columns && trace->n > 0; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/%s", group, trace->columns[i].name);
        KAD_TRY(write_column(ctx, trace, i, file, path));
        KAD_TRY(kad_h5_axis(ctx, file, path, 0, axis, i == 0 ? NULL : scale));
    }
done:
    return status;
}

#include "train/history.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>

kad_status kad_history_create(kad_ctx *ctx, const kad_history_column *columns,
                              size_t n_columns, size_t capacity, kad_history *out)
{
    *out =
        (kad_history){.columns = columns, .n_columns = n_columns, .capacity = capacity};
    return kad_new(ctx, capacity, n_columns * sizeof *out->data, &out->data);
}

void kad_history_clear(kad_history *history)
{
    kad_free(history->data);
    *history = (kad_history){0};
}

void kad_history_add(kad_history *history, const double *row)
{
    if (history->n >= history->capacity) return;
    for (size_t i = 0; i < history->n_columns; i++)
        history->data[i * history->capacity + history->n] = row[i];
    history->n++;
}

kad_status kad_history_save(kad_ctx *ctx, const kad_history *history, kad_h5 *file,
                            const char *group)
{
    KAD_CALL(kad_h5_group(ctx, file, group));
    KAD_CALL(kad_h5_attr_set_int(ctx, file, group, "rows", (int64_t)history->n));
    for (size_t i = 0; i < history->n_columns && history->n > 0; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/%s", group, history->columns[i].name);
        KAD_CALL(kad_h5_write(ctx, file, path, KAD_H5_F64, 1, &history->n,
                              history->data + i * history->capacity));
    }
    return KAD_OK;
}

kad_status kad_history_restore(kad_ctx *ctx, kad_history *history, kad_h5 *file,
                               const char *group)
{
    int64_t rows = 0;
    KAD_CALL(kad_h5_attr_int(ctx, file, group, "rows", &rows));
    if (rows < 0 || (uint64_t)rows > history->capacity)
        return kad_fail(ctx, KAD_EDATA, "%s: expected at most %zu rows, found %lld",
                        group, history->capacity, (long long)rows);
    history->n = (size_t)rows;
    for (size_t i = 0; i < history->n_columns && history->n > 0; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/%s", group, history->columns[i].name);
        for (size_t k = 0; k < history->n; k++)
            history->data[i * history->capacity + k] = NAN;
        if (!kad_h5_exists(file, path)) continue;
        KAD_CALL(kad_h5_read(ctx, file, path, KAD_H5_F64, 1, &history->n,
                             history->data + i * history->capacity));
    }
    return KAD_OK;
}

static void write_column(kad_writer *w, const kad_history *history, size_t i)
{
    const kad_history_column *column = &history->columns[i];
    const double *data = history->data + i * history->capacity;
    const char *axis = history->columns[0].name;
    if (column->type == KAD_H5_I64) {
        int64_t *integers = kad_write_scratch(w, history->n, sizeof *integers);
        for (size_t k = 0; k < history->n && integers != NULL; k++)
            integers[k] = (int64_t)data[k];
        kad_write(w, column->name, KAD_H5_I64, axis, column->units, column->long_name,
                  &history->n, integers);
        kad_free(integers);
    } else {
        kad_write(w, column->name, KAD_H5_F64, axis, column->units, column->long_name,
                  &history->n, data);
    }
    if (column->estimator == NULL) return;
    char attribute[128];
    snprintf(attribute, sizeof attribute, "%s@estimator", column->name);
    kad_write_text(w, attribute, column->estimator);
}

void kad_history_write(kad_writer *w, const kad_history *history)
{
    for (size_t i = 0; i < history->n_columns && history->n > 0; i++)
        write_column(w, history, i);
}

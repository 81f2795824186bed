#include "record/store.h"

#include "base/memory.h"
#include "base/weights.h"
#include "io/writer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static size_t type_bytes(kad_h5_type type)
{
    switch (type) {
    case KAD_H5_U8:
        return 1;
    case KAD_H5_F32:
        return 4;
    default:
        return 8;
    }
}

kad_status kad_store_create(kad_ctx *ctx, size_t n_chains, size_t n_draws,
                            kad_store **out)
{
    kad_store *store = NULL;
    *out = NULL;
    KAD_CALL(kad_new(ctx, 1, sizeof *store, &store));
    store->n_chains = n_chains;
    store->n_draws = n_draws;
    store->segment = "/series";
    *out = store;
    return KAD_OK;
}

void kad_store_destroy(kad_store *store)
{
    if (store == NULL) return;
    for (int i = 0; i < store->n_columns; i++)
        kad_free(store->column[i].data);
    kad_free(store);
}

kad_status kad_store_add(kad_ctx *ctx, kad_store *store, const kad_column *spec,
                         size_t n_kept, kad_column **out)
{
    size_t n_values;
    kad_column *column = &store->column[store->n_columns];

    if (store->n_columns == KAD_STORE_COLUMNS)
        return kad_fail(ctx, KAD_EINTERNAL, "more than %d series", KAD_STORE_COLUMNS);
    *column = *spec;
    column->width = 1;
    for (int i = 0; i < column->rank; i++)
        column->width *= column->dims[i];
    if (n_kept == 0 || n_kept > store->n_draws) n_kept = store->n_draws;
    column->stride = store->n_draws / n_kept;
    column->n_stored = n_kept;
    if (column->mean) { /* as many whole bins as there are */
        column->stride = (store->n_draws + n_kept - 1) / n_kept;
        column->n_stored = store->n_draws / column->stride;
    }
    column->data = NULL;
    if (!kad_size_mul(store->n_chains, n_kept, &n_values) ||
        !kad_size_mul(n_values, column->width, &n_values))
        return kad_fail(ctx, KAD_ENOMEM, "series %s: %zu draws are too many",
                        column->name, store->n_draws);
    KAD_CALL(kad_new(ctx, n_values, type_bytes(column->type), &column->data));
    store->n_columns++;
    if (out != NULL) *out = column;
    return KAD_OK;
}

kad_column *kad_store_find(kad_store *store, const char *name)
{
    for (int i = 0; i < store->n_columns; i++)
        if (strcmp(store->column[i].name, name) == 0) return &store->column[i];
    return NULL;
}

/* Kept draws before draw `draw`: kept are stride - 1, 2 stride - 1, ...; bins: those that
 * have begun. */
static size_t kept_before(const kad_column *column, size_t draw)
{
    const size_t n = (draw + (column->mean ? column->stride - 1 : 0)) / column->stride;
    return n < column->n_stored ? n : column->n_stored;
}

bool kad_column_keeps(const kad_column *column, size_t draw)
{
    return (draw + 1) % column->stride == 0 && draw / column->stride < column->n_stored;
}

/* The draw's share of its bin's mean; the first draw of a bin starts it. */
static void add_to_bin(const kad_column *column, size_t draw, size_t at,
                       const double *values)
{
    double *bin = (double *)column->data + at;
    const double weight = 1.0 / (double)column->stride;
    if (draw / column->stride >= column->n_stored) return;
    for (size_t i = 0; i < column->width; i++)
        bin[i] = (draw % column->stride == 0 ? 0.0 : bin[i]) + weight * values[i];
}

void kad_column_set(const kad_column *column, size_t chain, size_t draw,
                    const double *values)
{
    const size_t at = (chain * column->n_stored + draw / column->stride) * column->width;
    if (column->mean) {
        add_to_bin(column, draw, at, values);
        return;
    }
    if (!kad_column_keeps(column, draw)) return;
    switch (column->type) {
    case KAD_H5_U8:
        for (size_t i = 0; i < column->width; i++)
            ((uint8_t *)column->data)[at + i] = (uint8_t)values[i];
        break;
    case KAD_H5_F32:
        for (size_t i = 0; i < column->width; i++)
            ((float *)column->data)[at + i] = (float)values[i];
        break;
    default:
        memcpy((double *)column->data + at, values, column->width * sizeof(double));
    }
}

/* mean += (w / sum w) (a - mean), the ratio of the sums up to this draw */
void kad_columns_add_weighted(const kad_column *columns, int n, size_t chain, size_t draw,
                              double log_w, const double *values)
{
    const size_t stride = columns->stride, bin = draw / stride;
    const size_t at = chain * columns->n_stored + bin;
    const bool first = draw % stride == 0;
    double *sum = (double *)columns->data + at;
    if (bin >= columns->n_stored) return;
    *sum = kad_log_add(first ? -INFINITY : *sum, log_w);
    const double share = isfinite(*sum) ? exp(log_w - *sum) : 0.0;
    for (int k = 1; k <= n; k++) {
        double *mean = (double *)columns[k].data + at * columns[k].width;
        for (size_t i = 0; i < columns[k].width; i++) {
            if (first) mean[i] = 0.0;
            mean[i] += share * (*values++ - mean[i]);
        }
    }
}

/* Copy kept rows first .. first + n - 1 of every chain between the column and a packed
 * block [n_chains][n][width]. */
static void copy_rows(const kad_store *store, const kad_column *column, size_t first,
                      size_t n, char *block, bool out)
{
    const size_t row = column->width * type_bytes(column->type);
    for (size_t chain = 0; chain < store->n_chains; chain++) {
        char *own = (char *)column->data + (chain * column->n_stored + first) * row;
        char *packed = block + chain * n * row;
        memcpy(out ? packed : own, out ? own : packed, n * row);
    }
}

/* One column of a segment, written or read. */
static kad_status segment_column(kad_ctx *ctx, const kad_store *store, int i,
                                 size_t first, size_t n, kad_h5 *file, bool out)
{
    KAD_SCOPE(scope, ctx);
    const kad_column *column = &store->column[i];
    /* a bin half full at the cut is in both segments; the later one has more of it */
    const size_t whole = column->mean ? first / column->stride * column->stride : first;
    const size_t begin = kept_before(column, whole);
    const size_t count = kept_before(column, first + n) - begin;
    const size_t dims[3] = {store->n_chains, count, column->width};
    char path[KAD_STORE_NAME + 16];
    void *block;

    if (count == 0) return KAD_OK;
    snprintf(path, sizeof path, "%s/%s", store->segment, column->name);
    KAD_CALL(kad_scope_take(&scope, store->n_chains * count,
                            column->width * type_bytes(column->type), &block));
    if (out) {
        copy_rows(store, column, begin, count, block, true);
        KAD_CALL(kad_h5_write(ctx, file, path, column->type, 3, dims, block));
    } else {
        KAD_CALL(kad_h5_read(ctx, file, path, column->type, 3, dims, block));
        copy_rows(store, column, begin, count, block, false);
    }
    return KAD_OK;
}

kad_status kad_store_save(kad_ctx *ctx, const kad_store *store, size_t first, size_t n,
                          kad_h5 *file)
{
    for (int i = 0; i < store->n_columns; i++)
        KAD_CALL(segment_column(ctx, store, i, first, n, file, true));
    return KAD_OK;
}

kad_status kad_store_load(kad_ctx *ctx, kad_store *store, size_t first, size_t n,
                          kad_h5 *file)
{
    for (int i = 0; i < store->n_columns; i++)
        KAD_CALL(segment_column(ctx, store, i, first, n, file, false));
    return KAD_OK;
}

/* What the axes of series count. */
static const struct {
    const char *name, *units, *long_name;
} axes[] = {
    {"chain", "1", "number of the chain"},
    {"draw", "draws", "number of the draw of its chain, from the first recorded one"},
    {"cfg", "draws", "number of the stored draw of its chain"},
    {"bin", "draws", "number of the bin's last draw of its chain"},
    {"weighted_bin", "draws", "number of the bin's last proposal of its chain"},
    {"component", "1", "component of the field"},
    {"axis", "1", "axis of the lattice"},
    {"r", "lattice steps", "separation along the axis"},
};

/* The index scale step - 1, 2 step - 1, ... of an axis, made once. Axes of another kind,
 * the lattice's, are counted in steps of it. */
static void write_index(kad_writer *w, const char *name, size_t n, size_t step)
{
    const char *units = "lattice steps", *long_name = "position along the axis";
    if (kad_write_has(w, name)) return;
    int64_t *index = kad_write_scratch(w, n, sizeof *index);
    for (size_t i = 0; i < n && index != NULL; i++)
        index[i] = (int64_t)((i + 1) * step - 1);
    for (size_t i = 0; i < sizeof axes / sizeof axes[0]; i++)
        if (strcmp(axes[i].name, name) == 0) {
            units = axes[i].units;
            long_name = axes[i].long_name;
        }
    kad_write(w, name, KAD_H5_I64, name, units, long_name, &n, index);
    kad_free(index);
}

static void write_column(kad_writer *w, const kad_store *store, const kad_column *column)
{
    size_t dims[2 + KAD_STORE_RANK] = {store->n_chains, column->n_stored};
    const bool all = column->n_stored == store->n_draws;
    const char *bin = column->bin_axis != NULL ? column->bin_axis : "bin";
    const char *label = column->mean ? bin : all ? "draw" : "cfg";
    char words[2 * KAD_STORE_NAME], attribute[KAD_STORE_NAME + 16];
    size_t used = (size_t)snprintf(words, sizeof words, "chain %s", label);

    write_index(w, "chain", dims[0], 1);
    write_index(w, label, dims[1], column->stride);
    for (int k = 0; k < column->rank && used < sizeof words; k++) {
        dims[2 + k] = column->dims[k];
        write_index(w, column->axis[k], dims[2 + k], 1);
        used +=
            (size_t)snprintf(words + used, sizeof words - used, " %s", column->axis[k]);
    }
    kad_write(w, column->name, column->type, words, column->units, column->summary, dims,
              column->data);
    if (column->conditional) {
        snprintf(attribute, sizeof attribute, "%s@conditional", column->name);
        kad_write_int(w, attribute, 1);
    }
    if (column->estimator == NULL) return;
    snprintf(attribute, sizeof attribute, "%s@estimator", column->name);
    kad_write_text(w, attribute, column->estimator);
}

kad_status kad_store_write(kad_ctx *ctx, const kad_store *store, kad_h5 *file,
                           const char *group)
{
    kad_writer w = kad_write_into(ctx, file, group);
    for (int i = 0; i < store->n_columns; i++)
        write_column(&w, store, &store->column[i]);
    return kad_write_end(&w);
}

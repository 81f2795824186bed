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
    for (int i = 0; i < store->n_columns; i++) {
        kad_free(store->column[i].data);
        kad_free(store->column[i].open);
    }
    kad_free(store);
}

/* log2 of the stride. */
static int levels_of(const kad_column *column, size_t n_draws, size_t n_kept)
{
    int levels = 0;
    if (n_kept == 0 || n_kept >= n_draws) return 0;
    while (column->mean ? (n_draws - 1) >> levels >= n_kept
                        : n_draws >> (levels + 1) >= n_kept)
        levels++;
    return levels;
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
    column->n_levels = levels_of(column, store->n_draws, n_kept);
    column->n_kept = n_kept;
    column->stride = (size_t)1 << column->n_levels;
    column->n_stored = store->n_draws / column->stride;
    column->open = NULL;
    column->data = NULL;
    if (!kad_size_mul(store->n_chains, column->n_stored, &n_values) ||
        !kad_size_mul(n_values, column->width, &n_values))
        return kad_fail(ctx, KAD_ENOMEM, "series %s: %zu draws are too many",
                        column->name, store->n_draws);
    KAD_CALL(kad_new(ctx, n_values, type_bytes(column->type), &column->data));
    store->n_columns++; /* from here on the store frees it */
    if (column->mean)
        KAD_CALL(kad_new(ctx, store->n_chains * (size_t)column->n_levels,
                         column->width * sizeof(double), &column->open));
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
 * have ended. */
static size_t kept_before(const kad_column *column, size_t draw)
{
    const size_t n = draw / column->stride;
    return n < column->n_stored ? n : column->n_stored;
}

bool kad_column_keeps(const kad_column *column, size_t draw)
{
    return (draw + 1) % column->stride == 0 && draw / column->stride < column->n_stored;
}

/* What a chain's bin under way has of 2^level draws. */
static double *open_of(const kad_column *column, size_t chain, int level)
{
    return column->open +
           (chain * (size_t)column->n_levels + (size_t)level) * column->width;
}

static double *bin_of(const kad_column *column, size_t chain, size_t bin)
{
    return (double *)column->data + (chain * column->n_stored + bin) * column->width;
}

/* The i-th mean over 2^level draws of a chain: two of them make one over twice as many, up
 * to a bin. */
static void add_mean(const kad_column *column, size_t chain, size_t i, int level,
                     const double *values)
{
    const size_t bytes = column->width * sizeof *values;
    for (; level < column->n_levels; level++, i /= 2) {
        double *open = open_of(column, chain, level);
        if (i % 2 == 0) {
            memcpy(open, values, bytes);
            return;
        }
        for (size_t k = 0; k < column->width; k++)
            open[k] = 0.5 * (open[k] + values[k]);
        values = open;
    }
    if (i < column->n_stored) memcpy(bin_of(column, chain, i), values, bytes);
}

void kad_column_set(const kad_column *column, size_t chain, size_t draw,
                    const double *values)
{
    const size_t at = (chain * column->n_stored + draw / column->stride) * column->width;
    if (column->mean) {
        add_mean(column, chain, draw, 0, values);
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

/* Of ln sum w and its means, what 2^level draws have left, to be added to. */
static double *weighted_at(const kad_column *column, size_t chain, size_t i, int level)
{
    return level < column->n_levels ? open_of(column, chain, level)
                                    : bin_of(column, chain, i);
}

/* mean += (w / sum w) (a - mean), the ratio of the sums of both; as add_mean. */
static void add_weighted(const kad_column *columns, size_t chain, size_t i, int level,
                         double log_w, const double *values)
{
    const int n = columns->n_weighted;
    for (int from = -1;; from = level++, i /= 2) {
        const bool first = level == columns->n_levels || i % 2 == 0;
        if (level == columns->n_levels && i >= columns->n_stored) return;
        double *sum = weighted_at(columns, chain, i, level);
        *sum = kad_log_add(first ? -INFINITY : *sum, log_w);
        const double share = isfinite(*sum) ? exp(log_w - *sum) : 0.0;
        for (int k = 1; k <= n; k++) {
            const size_t width = columns[k].width;
            const double *a = from < 0 ? values : open_of(&columns[k], chain, from);
            double *mean = weighted_at(&columns[k], chain, i, level);
            for (size_t v = 0; v < width; v++) {
                if (first) mean[v] = 0.0;
                mean[v] += share * (a[v] - mean[v]);
            }
            values += from < 0 ? width : 0;
        }
        if (first) return;
        log_w = *sum;
    }
}

void kad_columns_add_weighted(const kad_column *columns, size_t chain, size_t draw,
                              double log_w, const double *values)
{
    add_weighted(columns, chain, draw, 0, log_w, values);
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

/* What a column's bins under way have, written or read: n_levels of them there. */
static kad_status segment_open(kad_ctx *ctx, const kad_store *store, int i, int n_levels,
                               kad_h5 *file, bool out)
{
    KAD_SCOPE(scope, ctx);
    const kad_column *column = &store->column[i];
    const size_t dims[3] = {store->n_chains, (size_t)n_levels, column->width};
    const size_t row = dims[1] * dims[2];
    char path[KAD_STORE_NAME + 24];
    double *block;
    if (!column->mean || n_levels == 0) return KAD_OK;
    snprintf(path, sizeof path, "%s/%s_open", store->segment, column->name);
    if (out) return kad_h5_write(ctx, file, path, KAD_H5_F64, 3, dims, column->open);
    KAD_CALL(kad_take(&scope, dims[0] * row, &block));
    KAD_CALL(kad_h5_read(ctx, file, path, KAD_H5_F64, 3, dims, block));
    for (size_t chain = 0; chain < dims[0]; chain++)
        memcpy(open_of(column, chain, 0), block + chain * row, row * sizeof *block);
    return KAD_OK;
}

/* One column of a segment, written or read. */
static kad_status segment_column(kad_ctx *ctx, const kad_store *store, int i,
                                 size_t first, size_t n, kad_h5 *file, bool out)
{
    KAD_SCOPE(scope, ctx);
    const kad_column *column = &store->column[i];
    const size_t begin = kept_before(column, first);
    const size_t count = kept_before(column, first + n) - begin;
    const size_t dims[3] = {store->n_chains, count, column->width};
    char path[KAD_STORE_NAME + 16];
    void *block;

    KAD_CALL(segment_open(ctx, store, i, column->n_levels, file, out));
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

/* --- a longer series ------------------------------------------------------------------ */

/* Column i as `group` has it, n values or rows of every chain. */
static kad_status read_series(kad_scope *in, const kad_store *store, int i, size_t n,
                              kad_h5 *results, const char *group, void **out)
{
    const kad_column *column = &store->column[i];
    size_t dims[2 + KAD_STORE_RANK] = {store->n_chains, n};
    char path[2 * KAD_STORE_NAME];
    for (int k = 0; k < column->rank; k++)
        dims[2 + k] = column->dims[k];
    snprintf(path, sizeof path, "%s/%s", group, column->name);
    KAD_CALL(kad_scope_take(in, store->n_chains * n,
                            column->width * type_bytes(column->type), out));
    return kad_h5_read(in->ctx, results, path, column->type, 2 + column->rank, dims,
                       *out);
}

/* Of the draws that were kept those that still are. */
static kad_status take_kept(kad_ctx *ctx, const kad_store *store, int i, int levels,
                            size_t n_draws, kad_h5 *results, const char *group)
{
    KAD_SCOPE(scope, ctx);
    const kad_column *column = &store->column[i];
    const size_t n_old = n_draws >> levels, n = n_draws / column->stride;
    const size_t step = column->stride >> levels;
    const size_t bytes = column->width * type_bytes(column->type);
    void *old;
    KAD_CALL(read_series(&scope, store, i, n_old, results, group, &old));
    for (size_t chain = 0; chain < store->n_chains; chain++)
        for (size_t k = 0; k < n; k++)
            memcpy((char *)column->data + (chain * column->n_stored + k) * bytes,
                   (const char *)old + (chain * n_old + (k + 1) * step - 1) * bytes,
                   bytes);
    return KAD_OK;
}

/* The bins that there were, of column i and those it weights, as parts of longer ones. */
static kad_status take_bins(kad_ctx *ctx, const kad_store *store, int i, int levels,
                            size_t n_draws, kad_h5 *results, const char *group)
{
    KAD_SCOPE(scope, ctx);
    const kad_column *columns = &store->column[i];
    const size_t n = n_draws >> levels;
    const int n_weighted = columns->n_weighted;
    void *old[KAD_STORE_COLUMNS];
    size_t width = 0;
    double *row;
    for (int k = 0; k <= n_weighted; k++) {
        KAD_CALL(read_series(&scope, store, i + k, n, results, group, &old[k]));
        width += columns[k].width;
    }
    KAD_CALL(kad_take(&scope, width, &row));
    for (size_t at = 0; at < store->n_chains * n; at++) {
        double *to = row;
        for (int k = 0; k <= n_weighted; k++) {
            const double *from = (const double *)old[k] + at * columns[k].width;
            memcpy(to, from, columns[k].width * sizeof *row);
            to += columns[k].width;
        }
        if (n_weighted > 0)
            add_weighted(columns, at / n, at % n, levels, row[0], row + 1);
        else
            add_mean(columns, at / n, at % n, levels, row);
    }
    return KAD_OK;
}

kad_status kad_store_take_over(kad_ctx *ctx, kad_store *store, size_t n_draws,
                               kad_h5 *results, const char *group, kad_h5 *end)
{
    for (int i = 0; i < store->n_columns; i += 1 + store->column[i].n_weighted) {
        const kad_column *column = &store->column[i];
        const int levels = levels_of(column, n_draws, column->n_kept);
        if (!column->mean) {
            KAD_CALL(take_kept(ctx, store, i, levels, n_draws, results, group));
            continue;
        }
        KAD_CALL(take_bins(ctx, store, i, levels, n_draws, results, group));
        for (int k = 0; k <= column->n_weighted; k++)
            KAD_CALL(segment_open(ctx, store, i + k, levels, end, false));
    }
    return KAD_OK;
}

/* --- the results ---------------------------------------------------------------------- */

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

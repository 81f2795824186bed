#include "train/data.h"

#include "base/memory.h"
#include "base/tile.h"
#include "io/h5.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* --- reading --------------------------------------------------------------------------- */

/* "[n, 2, 16, 16]" of what is expected, for messages. */
static void describe(const kad_model *model, int rank, const size_t *dims, char *text,
                     size_t size)
{
    size_t at = 0;
    if (dims == NULL) {
        at += (size_t)snprintf(text, size, "[n, %d", model->flow->n_comp);
        for (int i = 0; i < model->lattice->d && at < size; i++)
            at +=
                (size_t)snprintf(text + at, size - at, ", %d", model->lattice->shape[i]);
    } else {
        for (int i = 0; i < rank && at < size; i++)
            at += (size_t)snprintf(text + at, size - at, "%s%zu", i > 0 ? ", " : "[",
                                   dims[i]);
    }
    if (at < size) snprintf(text + at, size - at, "]");
}

/* Samples of a dataset of these dims, 0 if the shape does not fit. */
static size_t count(const kad_model *model, int rank, const size_t *dims)
{
    const int d = model->lattice->d, lead = rank - d;
    if (lead < 1 || lead > 3) return 0;
    for (int i = 0; i < d; i++)
        if (dims[lead + i] != (size_t)model->lattice->shape[i]) return 0;
    const bool components = dims[lead - 1] == (size_t)model->flow->n_comp && lead > 1;
    if (!components && (model->flow->n_comp > 1 || lead > 2)) return 0;
    size_t n = 1;
    for (int i = 0; i < (components ? lead - 1 : lead); i++)
        if (!kad_size_mul(n, dims[i], &n)) return 0;
    return n;
}

/* y <- from_boundary(y), tile by tile, in place. */
static kad_status from_boundary(kad_ctx *ctx, const char *key, const kad_action *action,
                                kad_data *samples)
{
    KAD_SCOPE(scope, ctx);
    double *x, *y;
    void *scratch;
    const kad_action_kern *kern = action->ops->kern[KAD_DOUBLE];
    const size_t lanes = KAD_W_DOUBLE, rows = samples->n_rows;
    if (kern->to_boundary == NULL) return KAD_OK;
    if (kern->from_boundary == NULL)
        return kad_fail(ctx, KAD_ECONFIG, "%s: the field of action %s has no inverse",
                        key, action->ops->name);
    KAD_CALL(kad_take(&scope, rows * lanes, &x));
    KAD_CALL(kad_take(&scope, rows * lanes, &y));
    KAD_CALL(kad_scope_take(&scope, action->scratch_bytes[KAD_DOUBLE], 1, &scratch));
    for (size_t at = 0; at < samples->n; at += lanes) {
        const size_t m = samples->n - at < lanes ? samples->n - at : lanes;
        double *block = samples->y + at * rows;
        kad_tile_load(KAD_DOUBLE, rows, m, block, x);
        kern->from_boundary(action, x, y, scratch);
        kad_tile_store(KAD_DOUBLE, rows, m, y, rows, block);
    }
    return KAD_OK;
}

/* Maps square what they are given, in single precision: 1.8e19 at most. `what`: where the
 * numbers come from. */
static kad_status check_range(kad_ctx *ctx, const char *path, const char *what,
                              const kad_data *s, const double *values)
{
    const double most = sqrt((double)FLT_MAX);
    for (size_t i = 0; i < s->n * s->n_rows; i++)
        if (!(fabs(values[i]) <= most))
            return kad_fail(ctx, KAD_EDATA,
                            "%s: %s: sample %zu: expected finite numbers up to %.2g, "
                            "found %g",
                            path, what, i / s->n_rows, most, values[i]);
    return KAD_OK;
}

kad_status kad_data_load(kad_ctx *ctx, const char *key, const char *path,
                         const char *dataset, const kad_model *model, kad_data *out)
{
    KAD_SCOPE(scope, ctx);
    KAD_LOCAL(kad_h5, file);
    double *raw;
    int rank = 0;
    size_t dims[KAD_H5_MAX_RANK], n_values;
    const size_t n_sites = (size_t)model->lattice->n_sites;
    const size_t n_comp = (size_t)model->flow->n_comp;
    kad_data data KAD_CLEARED(kad_data_clear) = {.n_rows = n_sites * n_comp};
    *out = (kad_data){0};
    const kad_status opened = kad_h5_open(ctx, path, false, 0, &file);
    if (opened != KAD_OK) return kad_fail(ctx, opened, "%s: %s", key, ctx->message);
    KAD_CALL(kad_h5_shape(ctx, file, dataset, &rank, dims));
    data.n = count(model, rank, dims);
    if (data.n == 0 || !kad_size_mul(data.n, data.n_rows, &n_values)) {
        char expected[96], found[96];
        describe(model, 0, NULL, expected, sizeof expected);
        describe(model, rank, dims, found, sizeof found);
        return kad_fail(ctx, KAD_EDATA, "%s: %s: expected samples %s, found %s", path,
                        dataset, expected, found);
    }
    KAD_CALL(kad_memory_require(ctx, n_values > SIZE_MAX / 16 ? SIZE_MAX : 16 * n_values,
                                "reading the samples"));
    KAD_CALL(kad_new(ctx, n_values, sizeof *data.y, &data.y));
    KAD_CALL(kad_take(&scope, n_values, &raw));
    KAD_CALL(kad_h5_read(ctx, file, dataset, KAD_H5_F64, rank, dims, raw));
    kad_by_site(data.n, n_sites, n_comp, raw, data.y);
    KAD_CALL(check_range(ctx, path, dataset, &data, raw));
    if (model->action != NULL) KAD_CALL(from_boundary(ctx, key, model->action, &data));
    KAD_CALL(check_range(ctx, path, "as flow variables", &data, data.y));
    *out = data;
    data = (kad_data){0};
    return KAD_OK;
}

void kad_data_clear(kad_data *samples)
{
    kad_free(samples->y);
    *samples = (kad_data){0};
}

/* --- what is held out ----------------------------------------------------------------- */

/* A hash of the block's number: one draw of a stream that belongs to no run. */
static bool is_held(size_t block, double holdout)
{
    const kad_rng rng = kad_rng_stream(0, KAD_RNG_TRAIN, 2);
    return kad_rng_uniform(rng, 0, block, 0) < holdout;
}

kad_status kad_data_split(kad_ctx *ctx, const char *path, size_t n, double holdout,
                          size_t block, kad_split *out)
{
    *out = (kad_split){.block = block};
    KAD_CALL(kad_new(ctx, n, sizeof *out->held, &out->held));
    for (size_t i = 0; i < n; i++)
        if (is_held(i / block, holdout)) out->held[out->n_held++] = i;
    out->trained = out->held + out->n_held;
    for (size_t i = 0; i < n; i++)
        if (!is_held(i / block, holdout)) out->trained[out->n_trained++] = i;
    if (out->n_trained == 0 || (holdout > 0 && out->n_held == 0))
        return kad_fail(
            ctx, KAD_EDATA,
            "%s: data.held_out %g of %zu samples, %zu together, leaves %zu to "
            "train on and %zu held out",
            path, holdout, n, block, out->n_trained, out->n_held);
    return KAD_OK;
}

void kad_split_clear(kad_split *split)
{
    kad_free(split->held);
    *split = (kad_split){0};
}

void kad_data_batch(const kad_split *split, uint64_t seed, uint64_t step, size_t batch,
                    size_t *index)
{
    const kad_rng rng = kad_rng_stream(seed, KAD_RNG_TRAIN, 1);
    for (size_t i = 0; i < batch; i++)
        index[i] = split->trained[(size_t)(kad_rng_uniform(rng, step, i, 0) *
                                           (double)split->n_trained)];
}

void kad_data_mean(const kad_split *split, size_t n, const size_t *number,
                   const double *values, double *mean, double *error)
{
    double sum = 0, square = 0;
    size_t n_blocks = 0;
    for (size_t i = 0; i < n; i++)
        sum += values[i];
    *mean = n > 0 ? sum / (double)n : NAN;
    for (size_t i = 0, end; i < n; i = end, n_blocks++) {
        double block = 0;
        for (end = i; end < n && number[end] / split->block == number[i] / split->block;
             end++)
            block += values[end] - *mean;
        square += block * block;
    }
    const double b = (double)n_blocks;
    *error = n_blocks > 1 ? sqrt(square * b / (b - 1)) / (double)n : NAN;
}

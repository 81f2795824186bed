#include "train/data.h"

#include "base/memory.h"
#include "base/tile.h"
#include "image/npy_read.h"
#include "io/digest.h"
#include "io/file.h"
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

/* An array of samples, and how their values lie in it. */
typedef struct array {
    const char *path, *dataset; /* of an HDF5 file; NULL: of a .npy file */
    kad_h5 *file;
    kad_npy npy;
    int rank;
    size_t dims[KAD_H5_MAX_RANK];
    size_t n;      /* samples; 0: the shape does not fit */
    bool trailing; /* components stand behind the axes */
} array;

/* Axes from `lead` on are the lattice's, and those before it count samples. */
static size_t count_before(const kad_model *model, const array *a, int lead, int samples)
{
    size_t n = 1;
    for (int i = 0; i < model->lattice->d; i++)
        if (a->dims[lead + i] != (size_t)model->lattice->shape[i]) return 0;
    for (int i = 0; i < samples; i++)
        if (!kad_size_mul(n, a->dims[i], &n)) return 0;
    return n;
}

/* One or two axes of samples, then, in this order of preference, the lattice's (of one
 * component), components and the lattice's, the lattice's and components. */
static void fit_shape(const kad_model *model, array *a)
{
    const int d = model->lattice->d, lead = a->rank - d;
    const size_t n_comp = (size_t)model->flow->n_comp;
    a->n = 0;
    if (lead == 1 && n_comp == 1) a->n = count_before(model, a, lead, lead);
    if (lead >= 2 && lead <= 3 && a->dims[lead - 1] == n_comp)
        a->n = count_before(model, a, lead, lead - 1);
    if (a->n == 0 && lead == 2 && n_comp == 1) a->n = count_before(model, a, lead, lead);
    if (a->n == 0 && lead >= 2 && lead <= 3 && a->dims[a->rank - 1] == n_comp) {
        a->n = count_before(model, a, lead - 1, lead - 1);
        a->trailing = true;
    }
}

static kad_status open_array(kad_ctx *ctx, const char *key, array *a)
{
    uint8_t head[KAD_NPY_MAGIC], tail[KAD_NPY_MAGIC];
    size_t n_bytes = 0;
    kad_status status = kad_file_ends(ctx, a->path, sizeof head, head, tail, &n_bytes);
    if (status == KAD_OK &&
        kad_npy_is(n_bytes < sizeof head ? n_bytes : sizeof head, head)) {
        a->dataset = NULL;
        status = kad_npy_head(ctx, a->path, &a->npy);
        a->rank = a->npy.rank;
        memcpy(a->dims, a->npy.dims, sizeof a->npy.dims);
    } else if (status == KAD_OK) {
        status = kad_h5_open(ctx, a->path, false, 0, &a->file);
    }
    if (status != KAD_OK) return kad_fail(ctx, status, "%s: %s", key, ctx->message);
    return a->file == NULL ? KAD_OK
                           : kad_h5_shape(ctx, a->file, a->dataset, &a->rank, a->dims);
}

static void close_array(array *a)
{
    kad_h5_close(a->file);
    a->file = NULL;
}

static kad_status read_array(kad_ctx *ctx, const array *a, size_t n_values, double *out)
{
    return a->file == NULL
               ? kad_npy_read(ctx, a->path, &a->npy, n_values, out)
               : kad_h5_read_numbers(ctx, a->file, a->dataset, a->rank, a->dims, out);
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

/* Samples one after the other, [site][component]. */
static kad_status read_samples(kad_ctx *ctx, const array *a, const kad_model *model,
                               kad_data *data)
{
    KAD_SCOPE(scope, ctx);
    double *raw;
    size_t n_values;
    if (!kad_size_mul(data->n, data->n_rows, &n_values)) n_values = SIZE_MAX;
    KAD_CALL(kad_memory_require(ctx, n_values > SIZE_MAX / 16 ? SIZE_MAX : 16 * n_values,
                                "reading the samples"));
    KAD_CALL(kad_new(ctx, n_values, sizeof *data->y, &data->y));
    if (a->trailing) return read_array(ctx, a, n_values, data->y);
    KAD_CALL(kad_take(&scope, n_values, &raw));
    KAD_CALL(read_array(ctx, a, n_values, raw));
    kad_by_site(data->n, (size_t)model->lattice->n_sites, (size_t)model->flow->n_comp,
                raw, data->y);
    return KAD_OK;
}

kad_status kad_data_load(kad_ctx *ctx, const char *key, const char *path,
                         const char *dataset, const kad_model *model, kad_data *out)
{
    array a KAD_CLEARED(close_array) = {.path = path, .dataset = dataset};
    kad_data data KAD_CLEARED(kad_data_clear) = {.n_rows = (size_t)model->flow->n_rows};
    *out = (kad_data){0};
    KAD_CALL(open_array(ctx, key, &a));
    const char *what = a.dataset != NULL ? a.dataset : "its array";
    fit_shape(model, &a);
    data.n = a.n;
    if (data.n == 0) {
        char expected[96], found[96];
        describe(model, 0, NULL, expected, sizeof expected);
        describe(model, a.rank, a.dims, found, sizeof found);
        return kad_fail(ctx, KAD_EDATA, "%s: %s: expected samples %s, found %s", path,
                        what, expected, found);
    }
    KAD_CALL(read_samples(ctx, &a, model, &data));
    KAD_CALL(check_range(ctx, path, what, &data, data.y));
    if (model->action != NULL) {
        KAD_CALL(from_boundary(ctx, key, model->action, &data));
        KAD_CALL(check_range(ctx, path, "as flow variables", &data, data.y));
    }
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
static bool is_taken(uint32_t stream, size_t block, double share)
{
    return kad_rng_uniform(kad_rng_stream(0, KAD_RNG_TRAIN, stream), 0, block, 0) < share;
}

enum { BATCHES = 1, HELD_OUT = 2, NOISE = 3, FIXED_NOISE = 4, VALIDATION = 5 };

typedef enum part { HELD, CHOOSING, TRAINED } part;

static part part_of(const kad_split *split, size_t sample)
{
    const size_t block = sample / split->block;
    if (is_taken(HELD_OUT, block, split->held_out)) return HELD;
    return is_taken(VALIDATION, block, split->validation) ? CHOOSING : TRAINED;
}

static size_t fill_part(const kad_split *split, size_t n, part wanted, size_t *out)
{
    size_t n_part = 0;
    for (size_t i = 0; i < n; i++)
        if (part_of(split, i) == wanted) out[n_part++] = i;
    return n_part;
}

kad_status kad_data_split(kad_ctx *ctx, const char *path, size_t n, double held_out,
                          double validation, size_t block, kad_split *out)
{
    *out = (kad_split){.block = block, .held_out = held_out, .validation = validation};
    KAD_CALL(kad_new(ctx, n, sizeof *out->held, &out->held));
    out->n_held = fill_part(out, n, HELD, out->held);
    out->choosing = out->held + out->n_held;
    out->n_choosing = fill_part(out, n, CHOOSING, out->choosing);
    out->trained = out->choosing + out->n_choosing;
    out->n_trained = fill_part(out, n, TRAINED, out->trained);
    if (validation > 0 && out->n_choosing == 0)
        return kad_fail(ctx, KAD_EDATA,
                        "%s: data.validation %g of %zu samples, %zu together, leaves "
                        "none to choose weights by",
                        path, validation, n, block);
    if (out->n_trained == 0 || (held_out > 0 && out->n_held == 0))
        return kad_fail(
            ctx, KAD_EDATA,
            "%s: data.held_out %g of %zu samples, %zu together, leaves %zu to "
            "train on and %zu held out",
            path, held_out, n, block, out->n_trained, out->n_held);
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
    const kad_rng rng = kad_rng_stream(seed, KAD_RNG_TRAIN, BATCHES);
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

/* --- values of a grid ------------------------------------------------------------------ */

kad_status kad_data_check_grid(kad_ctx *ctx, const char *path, double width,
                               const kad_data *s)
{
    const double off = 1e-4; /* of a step: single precision, and sums of steps */
    for (size_t i = 0; i < s->n * s->n_rows; i++) {
        const double steps = (s->y[i] - s->y[0]) / width;
        if (!(fabs(steps - nearbyint(steps)) <= off * (1 + 1e-3 * fabs(steps))))
            return kad_fail(ctx, KAD_EDATA,
                            "%s: data.dequantise: %g, but sample %zu holds %g, which is "
                            "no multiple of it away from the first number, %g",
                            path, width, i / s->n_rows, s->y[i], s->y[0]);
    }
    return KAD_OK;
}

double kad_data_round(double width, double origin, double y)
{
    return origin + width * nearbyint((y - origin) / width);
}

static void spread(kad_rng rng, double width, uint64_t step, uint64_t sample, size_t n,
                   double *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] += width * (kad_rng_uniform(rng, step, sample, (uint32_t)i) - 0.5);
}

void kad_data_spread(double width, uint64_t seed, uint64_t step, uint64_t sample,
                     size_t n, double *y)
{
    spread(kad_rng_stream(seed, KAD_RNG_TRAIN, NOISE), width, step, sample, n, y);
}

void kad_data_spread_fixed(double width, uint64_t sample, size_t n, double *y)
{
    spread(kad_rng_stream(0, KAD_RNG_TRAIN, FIXED_NOISE), width, 0, sample, n, y);
}

/* --- as the options say ---------------------------------------------------------------- */

kad_status kad_data_open(kad_ctx *ctx, const kad_data_options *o, const kad_model *model,
                         uint64_t *n_bytes, kad_data *samples, kad_split *split)
{
    char digest[KAD_DIGEST_CHARS];
    *samples = (kad_data){0};
    *split = (kad_split){0};
    KAD_CALL(kad_digest_file(ctx, o->path, n_bytes, digest));
    KAD_CALL(kad_digest_require(ctx, o->path, o->key_sha256, o->sha256, digest));
    KAD_CALL(kad_data_load(ctx, o->key, o->path, o->dataset, model, samples));
    if (o->dequantise > 0)
        KAD_CALL(kad_data_check_grid(ctx, o->path, o->dequantise, samples));
    samples->origin = samples->y[0];
    return kad_data_split(ctx, o->path, samples->n, o->holdout, o->validation,
                          (size_t)o->block, split);
}

kad_status kad_data_held_out(kad_ctx *ctx, const kad_data_options *o,
                             const kad_model *model, size_t n_max, kad_data *out,
                             size_t *n_all)
{
    kad_data all KAD_CLEARED(kad_data_clear) = {0};
    kad_split split KAD_CLEARED(kad_split_clear) = {0};
    uint64_t n_bytes;
    *out = (kad_data){0};
    KAD_CALL(kad_data_open(ctx, o, model, &n_bytes, &all, &split));
    const size_t *number = split.n_held > 0 ? split.held : split.trained;
    const size_t rows = all.n_rows;
    *n_all = split.n_held > 0 ? split.n_held : split.n_trained;
    const size_t n = n_max > 0 && n_max < *n_all ? n_max : *n_all, step = *n_all / n;
    /* numbers rise: what is moved lies in front of what is still to be */
    for (size_t i = 0; i < n; i++) {
        double *y = all.y + i * rows;
        memmove(y, all.y + number[i * step] * rows, rows * sizeof *y);
        if (o->dequantise > 0)
            kad_data_spread_fixed(o->dequantise, number[i * step], rows, y);
    }
    all.n = n;
    *out = all;
    all = (kad_data){0};
    return KAD_OK;
}

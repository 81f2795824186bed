/* Data: the map learns the density that given samples came from, by the mean of
 *   -ln q(x) = -ln p(z) - ln|det dz/dx|,   z inferred from x.
 * For n independent samples its expected value is the entropy of their density plus
 * KL(p, q): what is left above the entropy is what the map has not learnt. Samples that are
 * held out of the training tell it from what it has learnt by heart. */
#include "train/target.h"

#include "base/memory.h"
#include "base/ranks.h"
#include "base/signals.h"
#include "train/data.h"

#include <math.h>
#include <string.h>

#define F64 KAD_H5_F64
#define I64 KAD_H5_I64

enum { CHUNK = 512, CHUNK_LEAST = 16, CHUNK_VALUES = 1 << 20 };

typedef struct data_target {
    const char *path, *sha256;
    uint64_t seed, n_bytes;
    kad_data samples;
    kad_split split;
    double width;  /* of the noise; 0: none */
    size_t *index; /* of a batch */
    double *batch; /* its samples with their noise, [][n_rows] */
    size_t chunk;
    double *y, *lnq; /* [chunk][n_rows], [chunk] */
} data_target;

static const kad_history_column columns[] = {
    {"n_held_out", I64, "samples", "held-out samples evaluated", NULL},
    {"held_out", F64, "nats", "-ln q a site of samples held out of the training",
     "mean over the samples"},
    {"held_out_err", F64, "nats", "its standard error", "means of data.block samples"},
    {"trained_on", F64, "nats", "-ln q a site of as many samples of the training",
     "mean over the samples"},
    {"trained_on_err", F64, "nats", "its standard error", "means of data.block samples"},
    {"validation", F64, "nats", "-ln q a site of the samples that weights are chosen by",
     "mean over the samples"},
    {"validation_err", F64, "nats", "its standard error", "means of data.block samples"},
};
enum { N_COLUMNS = sizeof columns / sizeof columns[0], N_CHOOSING = 2 };

size_t kad_target_data_columns(const kad_data_options *o)
{
    if (o->validation > 0) return N_COLUMNS;
    return o->holdout > 0 ? N_COLUMNS - N_CHOOSING : 0;
}

static void row(const kad_evaluation *e, double *values)
{
    const kad_held_out *h = &e->held_out;
    const double all[N_COLUMNS] = {(double)h->n,     h->value,         h->error,
                                   h->trained,       h->trained_error, h->choosing,
                                   h->choosing_error};
    memcpy(values, all,
           (h->n_choosing > 0 ? N_COLUMNS : N_COLUMNS - N_CHOOSING) * sizeof *all);
}

/* The batch's samples, each with noise of the step's own. */
static void spread(const data_target *self, uint64_t step, size_t n)
{
    const size_t rows = self->samples.n_rows;
    for (size_t i = 0; i < n; i++) {
        double *y = self->batch + i * rows;
        memcpy(y, self->samples.y + self->index[i] * rows, rows * sizeof *y);
        kad_data_spread(self->width, self->seed, step, i, rows, y);
        self->index[i] = i;
    }
}

static void gradient(kad_ctx *ctx, kad_target *target, kad_loss_plan *plan,
                     const kad_target_step *step, const double *theta, double *gradient,
                     kad_loss_stats *stats)
{
    const data_target *self = target->self;
    const size_t n = (size_t)kad_loss_batch(plan);
    kad_data_batch(&self->split, self->seed, step->number, n, self->index);
    if (self->width > 0) spread(self, step->number, n);
    kad_loss_gradient_data(ctx, plan, theta,
                           self->width > 0 ? self->batch : self->samples.y, self->index,
                           gradient, stats);
}

/* -ln q a site of n samples, in double, into the values from `base` on. */
static kad_status densities(kad_ctx *ctx, kad_target *target, const kad_map *map,
                            const size_t *order, size_t base, size_t n)
{
    const data_target *self = target->self;
    const size_t rows = self->samples.n_rows;
    const double start = kad_stop_clock();
    for (size_t at = target->n_done - base; at < n; at += self->chunk) {
        const size_t m = n - at < self->chunk ? n - at : self->chunk;
        target->n_done = base + at;
        if (kad_stop_overdue(start))
            return kad_fail(ctx, KAD_EINTERRUPTED,
                            "evaluation: stopped at sample %zu of %zu (%s)", at, n,
                            kad_stop_reason());
        const kad_rank_items mine = kad_ranks_part(ctx, m, KAD_W_MAX);
        double *values = target->values + base + at;
        const size_t *sample = order + at + mine.first;
        for (size_t i = 0; i < mine.n; i++) {
            memcpy(self->y + i * rows, self->samples.y + sample[i] * rows,
                   rows * sizeof *self->y);
            if (self->width > 0)
                kad_data_spread_fixed(self->width, sample[i], rows, self->y + i * rows);
        }
        const kad_status status =
            kad_map_lnq(ctx, map, mine.n, KAD_DOUBLE, self->y, self->lnq, NULL);
        for (size_t i = 0; status == KAD_OK && i < mine.n; i++)
            values[mine.first + i] = -self->lnq[i] / target->scale;
        const kad_shared all = {values, m, KAD_W_MAX, sizeof *values};
        KAD_CALL(kad_ranks_join(ctx, status, 1, &all));
    }
    target->n_done = base + n;
    return KAD_OK;
}

/* -ln q a site of these samples: mean and error; the values from `base` on. */
static kad_status mean_of(kad_ctx *ctx, kad_target *target, const kad_map *map,
                          const size_t *order, size_t base, size_t n, double *mean,
                          double *error)
{
    const data_target *self = target->self;
    if (target->n_done < base + n) KAD_CALL(densities(ctx, target, map, order, base, n));
    kad_data_mean(&self->split, n, order, target->values + base, mean, error);
    return KAD_OK;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* n of the samples to choose by, all held-out samples the last time, else n of them; then as
 * many of the training's. */
static kad_status evaluate(kad_ctx *ctx, kad_target *target, const kad_map *map,
                           uint64_t first, size_t n, bool last, kad_evaluation *out)
{
    const data_target *self = target->self;
    const kad_split *split = &self->split;
    kad_held_out *h = &out->held_out;
    (void)first;
    const size_t n_choosing = least(n, split->n_choosing);
    const size_t n_held = last ? split->n_held : least(n, split->n_held);
    const size_t n_trained = least(n_held, split->n_trained);
    KAD_CALL(mean_of(ctx, target, map, split->choosing, 0, n_choosing, &h->choosing,
                     &h->choosing_error));
    KAD_CALL(
        mean_of(ctx, target, map, split->held, n_choosing, n_held, &h->value, &h->error));
    KAD_CALL(mean_of(ctx, target, map, split->trained, n_choosing + n_held, n_trained,
                     &h->trained, &h->trained_error));
    h->n = n_held;
    h->n_choosing = n_choosing;
    return KAD_OK;
}

static void describe(const kad_target *target, const kad_evaluation *e, kad_writer *w)
{
    const data_target *self = target->self;
    const kad_held_out *h = &e->held_out;
    kad_write_text(w, "data", self->path);
    kad_write_int(w, "data_bytes", (int64_t)self->n_bytes);
    kad_write_int(w, "data_samples", (int64_t)self->samples.n);
    if (self->sha256 != NULL) kad_write_text(w, "data_sha256", self->sha256);
    if (self->width > 0) kad_write_real(w, "data_origin", self->samples.origin);
    if (h->n_choosing > 0) {
        kad_write_int(w, "data_validation", (int64_t)self->split.n_choosing);
        kad_write_real(w, "validation", h->choosing);
        kad_write_real(w, "validation_err", h->choosing_error);
    }
    if (h->n == 0) return;
    kad_write_int(w, "data_held_out", (int64_t)self->split.n_held);
    kad_write_real(w, "held_out", h->value);
    kad_write_real(w, "held_out_err", h->error);
    if (self->width > 0) /* at least -ln P a value of the samples as they are */
        kad_write_real(w, "held_out_discrete",
                       h->value - target->model->flow->n_comp * log(self->width));
}

static void destroy(kad_target *target)
{
    data_target *self = target->self;
    kad_data_clear(&self->samples);
    kad_split_clear(&self->split);
    kad_free(self->index);
    kad_free(self->batch);
    kad_free(self->y);
    kad_free(self->lnq);
}

const kad_target_ops kad_target_data_ops = {
    .name = "data",
    .loss = {"nll", F64, "nats", "-ln q a site of the batch's samples",
             "mean over the batch"},
    .columns = columns,
    .n_columns = N_COLUMNS,
    .row = row,
    .gradient = gradient,
    .evaluate = evaluate,
    .describe = describe,
    .destroy = destroy,
};

/* What is evaluated, in its own precision and order. */
static kad_status make_evaluation(kad_ctx *ctx, kad_target *target)
{
    data_target *self = target->self;
    const size_t rows = self->samples.n_rows;
    self->chunk = CHUNK_VALUES / rows;
    if (self->chunk < CHUNK_LEAST) self->chunk = CHUNK_LEAST;
    if (self->chunk > CHUNK) self->chunk = CHUNK;
    self->chunk *= (size_t)kad_ranks_all(ctx);
    kad_free(target->values);
    target->values = NULL;
    target->n_values = 2 * self->split.n_held + self->split.n_choosing;
    KAD_CALL(kad_new(ctx, target->n_values, sizeof *target->values, &target->values));
    KAD_CALL(kad_new(ctx, self->chunk, rows * sizeof *self->y, &self->y));
    return kad_new(ctx, self->chunk, sizeof *self->lnq, &self->lnq);
}

static kad_status prepare_noise(kad_ctx *ctx, data_target *self,
                                const kad_data_options *d, size_t largest_batch)
{
    self->width = d->dequantise;
    if (!(self->width > 0)) return KAD_OK;
    return kad_new(ctx, largest_batch, self->samples.n_rows * sizeof *self->batch,
                   &self->batch);
}

kad_status kad_target_data(kad_ctx *ctx, const kad_model *model,
                           const kad_train_options *o, size_t largest_batch,
                           kad_target **out)
{
    KAD_LOCAL(kad_target, target);
    const kad_data_options *d = &o->data;
    *out = NULL;
    if (kad_family_is(&model->family))
        return kad_fail(ctx, KAD_ECONFIG,
                        "%s: samples are of one coupling, but family.along %s asks for "
                        "maps of a range",
                        d->key, model->family.axis[0].along);
    KAD_CALL(kad_target_create(ctx, &kad_target_data_ops, model, 0, sizeof(data_target),
                               &target));
    data_target *self = target->self;
    target->scale = (double)model->flow->n_active;
    self->path = d->path;
    self->sha256 = d->sha256;
    self->seed = o->model->seed;
    KAD_CALL(kad_data_open(ctx, d, model, &self->n_bytes, &self->samples, &self->split));
    KAD_CALL(kad_new(ctx, largest_batch, sizeof *self->index, &self->index));
    KAD_CALL(prepare_noise(ctx, self, d, largest_batch));
    if (self->split.n_held + self->split.n_choosing > 0)
        KAD_CALL(make_evaluation(ctx, target));
    *out = target;
    target = NULL;
    return KAD_OK;
}

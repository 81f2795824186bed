/* Mutual information of near pairs of latents by levels and separation: /bulk/mutual. */
#include "bulk/mutual.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "base/signals.h"
#include "bulk/mutual_pairs.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    N_SHIFTS = 2,  /* for the bias */
    SAMPLES = 8,   /* Kraskov's estimate from so many stretches of the chains */
    POINTS = 1000, /* each, at most */
    NEIGHBOURS = 4
};

typedef struct table {
    const kad_pairs *pairs;
    const kad_near *near;
    int n_bins;                 /* bins that hold pairs in range */
    int *bin;                   /* [n_bins] of kad_pairs */
    int *to;                    /* [class] place in bin; -1: none */
    int *best;                  /* [n_bins] class of the largest Gaussian estimate */
    double *n_in;               /* [n_bins] pairs */
    double *slope, *self_slope; /* kad_near_series */
    double *plain, *bias, *own; /* [n_bins]; own: of the best class */
    double *knn, *knn_err, *knn_null; /* [n_bins] of the best class */
    double *series;                   /* [n_bins][cell] */
} table;

/* Bins with pairs in range, in the order of kad_pairs. */
static kad_status choose_bins(kad_scope *in, table *t)
{
    KAD_SCOPE(scope, in->ctx);
    const kad_near *near = t->near;
    int *place;
    KAD_CALL(kad_take(&scope, (size_t)t->pairs->n_bins, &place));
    KAD_CALL(kad_take(in, (size_t)t->pairs->n_bins, &t->bin));
    KAD_CALL(kad_take(in, (size_t)near->n_classes, &t->to));
    for (int i = near->n_self; i < near->n_classes; i++)
        place[near->class_[i].bin] = 1;
    for (int b = 0; b < t->pairs->n_bins; b++) {
        if (place[b]) t->bin[t->n_bins] = b;
        place[b] = place[b] ? t->n_bins++ : -1;
    }
    for (int i = 0; i < near->n_classes; i++)
        t->to[i] = i < near->n_self ? -1 : place[near->class_[i].bin];
    return KAD_OK;
}

static kad_status table_new(kad_scope *in, table *t)
{
    KAD_CALL(choose_bins(in, t));
    const size_t n = (size_t)t->n_bins, cc = t->near->cc;
    double **each[] = {&t->n_in, &t->plain,   &t->bias,    &t->own,
                       &t->knn,  &t->knn_err, &t->knn_null};
    for (size_t i = 0; i < sizeof each / sizeof *each; i++)
        KAD_CALL(kad_take(in, n, each[i]));
    KAD_CALL(kad_take(in, n, &t->best));
    KAD_CALL(kad_take(in, (size_t)t->near->n_classes * cc, &t->slope));
    KAD_CALL(kad_take(in, n * (size_t)t->near->n_self * cc, &t->self_slope));
    KAD_CALL(kad_take(in, n * t->near->cells.n, &t->series));
    for (size_t b = 0; b < n; b++) {
        t->best[b] = -1;
        t->own[b] = -HUGE_VAL;
    }
    for (int i = t->near->n_self; i < t->near->n_classes; i++)
        t->n_in[t->to[i]] += t->near->class_[i].end - t->near->class_[i].first;
    return KAD_OK;
}

/* --- Gaussian ------------------------------------------------------------------------ */

/* Joint covariance [2c][2c] of class i with cross part `cross`. */
static void joint(const kad_near *near, int i, const double *cross, double *cov)
{
    const size_t c = near->c;
    for (size_t a = 0; a < c; a++)
        for (size_t b = 0; b < c; b++) {
            for (size_t s = 0; s < 2; s++) {
                const double *self =
                    near->total + (size_t)near->class_[i].self[s] * near->cc;
                cov[(s * c + a) * 2 * c + s * c + b] =
                    0.5 * (self[a * c + b] + self[b * c + a]);
            }
            cov[a * 2 * c + c + b] = cross[a * c + b];
            cov[(c + b) * 2 * c + a] = cross[a * c + b];
        }
}

/* The slope of class i's information goes to its pairs and to both variances. */
static void spread_slope(table *t, int i, const double *slope)
{
    const kad_near *near = t->near;
    const size_t c = near->c, bin = (size_t)t->to[i];
    const double weight = (near->class_[i].end - near->class_[i].first) / t->n_in[bin];
    for (size_t a = 0; a < c; a++)
        for (size_t b = 0; b < c; b++) {
            t->slope[(size_t)i * near->cc + a * c + b] =
                weight * (slope[a * 2 * c + c + b] + slope[(c + b) * 2 * c + a]);
            for (size_t s = 0; s < 2; s++)
                t->self_slope[(bin * (size_t)near->n_self +
                               (size_t)near->class_[i].self[s]) *
                                  near->cc +
                              a * c + b] +=
                    weight * slope[(s * c + a) * 2 * c + s * c + b];
        }
}

static kad_status plain_estimate(kad_ctx *ctx, table *t)
{
    const kad_near *near = t->near;
    double cov[4 * KAD_PAIR_COMPONENTS * KAD_PAIR_COMPONENTS],
        slope[4 * KAD_PAIR_COMPONENTS * KAD_PAIR_COMPONENTS];
    for (int i = near->n_self; i < near->n_classes; i++) {
        const int b = t->to[i];
        const double weight = (near->class_[i].end - near->class_[i].first) / t->n_in[b];
        double value;
        joint(near, i, near->total + (size_t)i * near->cc, cov);
        KAD_CALL(kad_mutual_gauss(ctx, near->c, near->c, cov, &value, slope));
        if (!isfinite(value)) continue; /* a latent without variance */
        spread_slope(t, i, slope);
        t->plain[b] += weight * value;
        if (value > t->own[b]) {
            t->own[b] = value;
            t->best[b] = i;
        }
    }
    return KAD_OK;
}

/* What the estimate gives where nothing is shared: the mean over shifts. */
static kad_status shuffled_bias(kad_ctx *ctx, table *t)
{
    KAD_SCOPE(scope, ctx);
    const kad_near *near = t->near;
    double cov[4 * KAD_PAIR_COMPONENTS * KAD_PAIR_COMPONENTS], *cross;
    uint8_t *wanted;
    KAD_CALL(kad_scope_take(&scope, (size_t)near->n_classes, 1, &wanted));
    KAD_CALL(kad_take(&scope, (size_t)near->n_classes * near->cc, &cross));
    for (int i = near->n_self; i < near->n_classes; i++)
        wanted[i] = 1;
    for (int shift = 1; shift <= N_SHIFTS; shift++) {
        KAD_CALL(kad_near_sums(ctx, near, shift, N_SHIFTS, wanted, cross));
        for (int i = near->n_self; i < near->n_classes; i++) {
            const int b = t->to[i];
            double value;
            joint(near, i, cross + (size_t)i * near->cc, cov);
            KAD_CALL(kad_mutual_gauss(ctx, near->c, near->c, cov, &value, NULL));
            if (isfinite(value))
                t->bias[b] += value * (near->class_[i].end - near->class_[i].first) /
                              (t->n_in[b] * N_SHIFTS);
        }
    }
    return KAD_OK;
}

/* Estimate less bias, as a series: its linear part has mean zero by construction. */
static kad_status make_series(kad_ctx *ctx, table *t)
{
    const size_t n_cells = t->near->cells.n;
    const kad_status status = kad_near_series(ctx, t->near, t->n_bins, t->to, t->slope,
                                              t->self_slope, t->series);
    for (int b = 0; b < t->n_bins; b++) {
        double *own = t->series + (size_t)b * n_cells, mean = 0;
        for (size_t c = 0; c < n_cells; c++)
            mean += own[c] / (double)n_cells;
        for (size_t c = 0; c < n_cells; c++)
            own[c] += t->plain[b] - t->bias[b] - mean;
    }
    return status;
}

/* --- Kraskov ------------------------------------------------------------------------- */

/* Points of one stretch: evenly spaced configurations, each with another pair of the
 * class. */
static size_t gather(const table *t, const kad_near_class *own, size_t sample, int shift,
                     double *x, double *y)
{
    const kad_bulk *bulk = t->near->bulk;
    const size_t c = t->near->c, n_in = (size_t)(own->end - own->first);
    const size_t lo = sample * bulk->n / SAMPLES, hi = (sample + 1) * bulk->n / SAMPLES;
    const size_t n = hi - lo < POINTS ? hi - lo : POINTS;
    for (size_t i = 0; i < n; i++) {
        const size_t config = lo + i * (hi - lo) / n;
        const int32_t *pair =
            t->near->pair + 2 * (own->first + (int32_t)(i * 7919 % n_in));
        const double *a = bulk->z + config * bulk->n_rows + (size_t)pair[0] * c;
        const double *b = bulk->z +
                          kad_near_shifted(bulk, config, shift, 1) * bulk->n_rows +
                          (size_t)pair[1] * c;
        for (size_t k = 0; k < c; k++) {
            x[i * c + k] = a[k];
            y[i * c + k] = b[k];
        }
    }
    return n;
}

/* Mean and error over the stretches; shift 1: the null. */
static kad_status kraskov_of(kad_ctx *ctx, const table *t, int class_, int shift,
                             double *x, double *y, double *mean, double *err)
{
    const size_t c = t->near->c;
    double sum = 0, square = 0;
    for (size_t s = 0; s < SAMPLES; s++) {
        double value;
        const size_t n = gather(t, &t->near->class_[class_], s, shift, x, y);
        KAD_CALL(kad_mutual_knn(ctx, n, c, x, c, y, NEIGHBOURS, &value));
        sum += value / SAMPLES;
        square += value * value / SAMPLES;
    }
    *mean = sum;
    *err = sqrt(fmax(0, square - sum * sum) / (SAMPLES - 1));
    return KAD_OK;
}

/* Both estimates of bin b. */
static kad_status kraskov_bin(kad_ctx *ctx, table *t, int b)
{
    KAD_SCOPE(scope, ctx);
    double *xy, err;
    t->own[b] = t->best[b] < 0 ? (double)NAN : t->own[b];
    t->knn[b] = t->knn_err[b] = t->knn_null[b] = NAN;
    if (t->best[b] < 0) return KAD_OK;
    KAD_CALL(kad_take(&scope, 2 * POINTS * t->near->c, &xy));
    double *y = xy + POINTS * t->near->c;
    KAD_CALL(kraskov_of(ctx, t, t->best[b], 0, xy, y, &t->knn[b], &t->knn_err[b]));
    return kraskov_of(ctx, t, t->best[b], 1, xy, y, &t->knn_null[b], &err);
}

/* Bins side by side; a context is no thread's but its own. */
typedef struct bins {
    table *t;
    kad_ctx *ctx;       /* [n_bins] */
    kad_status *status; /* [n_bins] */
} bins;

static bool do_bin(void *self, size_t b, int thread)
{
    const bins *all = self;
    (void)thread;
    all->ctx[b].n_threads = 1;
    if (!kad_stop_requested()) all->status[b] = kraskov_bin(&all->ctx[b], all->t, (int)b);
    return all->status[b] == KAD_OK;
}

static kad_status kraskov(kad_ctx *ctx, table *t)
{
    KAD_SCOPE(scope, ctx);
    bins all = {.t = t};
    const size_t n = (size_t)t->n_bins;
    KAD_CALL(kad_take(&scope, n, &all.ctx));
    KAD_CALL(kad_take(&scope, n, &all.status));
    kad_parallel_for(ctx->n_threads, n, do_bin, &all);
    for (size_t b = 0; b < n; b++)
        if (all.status[b] != KAD_OK)
            return kad_fail(ctx, all.status[b], "%s", all.ctx[b].message);
    return kad_stop_check(ctx, "bulk");
}

/* --- the group ----------------------------------------------------------------------- */

/* Of a bin of pairs, by the place of its bin in `pairs`. */
static void write_bins(kad_writer *w, const table *t)
{
    const size_t n = (size_t)t->n_bins;
    int64_t *level = kad_write_scratch(w, 2 * n, sizeof *level);
    double *r = kad_write_scratch(w, n, sizeof *r);
    for (size_t b = 0; b < n && r != NULL; b++) {
        const kad_pair_bin *bin = &t->pairs->bin[t->bin[b]];
        level[b] = bin->level_a;
        level[n + b] = bin->level_b;
        r[b] = bin->r;
    }
    if (r != NULL) {
        kad_write(w, "level_a", KAD_H5_I64, "bin", "1", "level of the finer latent", &n,
                  level);
        kad_write(w, "level_b", KAD_H5_I64, "bin", "1", "level of the coarser latent", &n,
                  level + n);
        kad_write(w, "r", KAD_H5_F64, "bin", "lattice steps", "separation", &n, r);
    }
    kad_free(level);
    kad_free(r);
}

static kad_status write_group(kad_ctx *ctx, kad_h5 *file, const table *t)
{
    const size_t n = (size_t)t->n_bins;
    const struct {
        const char *name, *units, *long_name;
        const double *data;
    } columns[] = {
        {"n_pairs", "pairs", "pairs of the bin", t->n_in},
        {"bias", "nats", "the same estimate of shifted configurations, subtracted",
         t->bias},
        {"strongest", "nats", "Gaussian estimate of the bin's strongest class of pairs",
         t->own},
        {"knn", "nats", "Kraskov's estimate of the same class", t->knn},
        {"knn_err", "nats", "error of knn, from stretches of the chains", t->knn_err},
        {"knn_null", "nats", "Kraskov's estimate of shifted configurations", t->knn_null},
    };
    kad_writer w = kad_write_anew(ctx, file, "/bulk/mutual");
    write_bins(&w, t);
    kad_bulk_write_series(
        &w, "gaussian", "nats",
        "Gaussian mutual information of a pair, mean over the bin, less "
        "the bias",
        "bin", 1, &n, &t->near->cells, t->series);
    for (size_t k = 0; k < sizeof columns / sizeof columns[0]; k++)
        kad_write(&w, columns[k].name, KAD_H5_F64, "bin", columns[k].units,
                  columns[k].long_name, &n, columns[k].data);
    kad_write_int(&w, "neighbours", NEIGHBOURS);
    return kad_write_end(&w);
}

kad_status kad_bulk_mutual(kad_ctx *ctx, const kad_bulk *bulk, kad_h5 *file)
{
    KAD_SCOPE(scope, ctx);
    kad_pairs *pairs;
    kad_near *near;
    table t = {0};
    KAD_CALL(kad_pairs_create(&scope, bulk, bulk->options.bins, &pairs));
    KAD_CALL(kad_near_create(&scope, bulk, pairs, bulk->options.mutual_range, &near));
    t.pairs = pairs;
    t.near = near;
    KAD_CALL(table_new(&scope, &t));
    KAD_CALL(plain_estimate(ctx, &t));
    KAD_CALL(shuffled_bias(ctx, &t));
    KAD_CALL(make_series(ctx, &t));
    KAD_CALL(kraskov(ctx, &t));
    return write_group(ctx, file, &t);
}

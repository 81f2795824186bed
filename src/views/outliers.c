/* How images of another source, or the oddest of those held out, stand out: bits by level. A
 * score is a number of bits; AUROC is the probability that an image of the other source has a
 * higher one than a held-out image (1/2: it tells nothing; ties count a half). */
#include "base/memory.h"
#include "base/signals.h"
#include "base/sort.h"
#include "views/source.h"
#include "views/store.h"
#include "views/views.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 256, SHEET = 16, LEVELS = KAD_IMAGE_LEVELS_MAX };
static const char key[] = "images.outliers";

/* An image by its bits. */
typedef struct rank {
    double bits;
    size_t image;
} rank;

/* Most bits first, none last; of equals the one that came first. */
static int odder(const void *a, const void *b)
{
    const rank *x = a, *y = b;
    if (isnan(x->bits) != isnan(y->bits)) return isnan(y->bits) ? -1 : 1;
    if (x->bits > y->bits || x->bits < y->bits) return x->bits > y->bits ? -1 : 1;
    return x->image < y->image ? -1 : 1;
}

/* Bits of n images: by level, and behind them of all. */
typedef struct scores {
    size_t n;
    double *bits; /* [n][n_levels + 1] */
    rank *odd;    /* [n] by falling bits of all */
} scores;

static kad_status score(kad_scope *in, const kad_views *v, const kad_images *im, size_t n,
                        scores *s)
{
    KAD_SCOPE(scope, in->ctx);
    const size_t H = (size_t)v->map->n_levels, C = (size_t)v->map->n_channels;
    double *bits;
    s->n = n;
    KAD_CALL(kad_take(in, n * (H + 1), &s->bits));
    KAD_CALL(kad_take(in, n, &s->odd));
    KAD_CALL(kad_take(&scope, CHUNK * H * C, &bits));
    for (size_t at = 0, here = 0; at < n; at += here) {
        here = n - at < CHUNK ? n - at : CHUNK;
        KAD_CALL(kad_stop_check(in->ctx, "bits of images"));
        KAD_CALL(v->map->ops->encode(in->ctx, v->plan, v->seed, at, here,
                                     kad_image_at(im, at), NULL, bits));
        for (size_t i = 0; i < here * H * C; i++) {
            double *row = s->bits + (at + i / (H * C)) * (H + 1);
            row[i / C % H] += bits[i];
            row[H] += bits[i];
        }
    }
    for (size_t i = 0; i < n; i++)
        s->odd[i] = (rank){s->bits[i * (H + 1) + H], i};
    qsort(s->odd, n, sizeof *s->odd, odder);
    return KAD_OK;
}

/* Of sorted numbers, how many are below b, or not above it. */
static size_t count_below(const double *a, size_t n, double b, bool or_equal)
{
    size_t low = 0;
    while (low < n) {
        const size_t middle = (low + n) / 2;
        if (a[middle] < b || (or_equal && a[middle] == b))
            low = middle + 1;
        else
            n = middle;
    }
    return low;
}

/* Mann and Whitney's, of column k. */
static kad_status auroc(kad_ctx *ctx, const scores *own, const scores *other,
                        size_t columns, size_t k, double *out)
{
    KAD_SCOPE(scope, ctx);
    double *a, sum = 0;
    KAD_CALL(kad_take(&scope, own->n, &a));
    for (size_t i = 0; i < own->n; i++)
        a[i] = own->bits[i * columns + k];
    kad_sort(own->n, a);
    for (size_t i = 0; i < other->n; i++) {
        const double b = other->bits[i * columns + k];
        sum +=
            (double)(count_below(a, own->n, b, false) + count_below(a, own->n, b, true)) /
            2;
    }
    *out = sum / ((double)own->n * (double)other->n);
    return KAD_OK;
}

static void moments(const scores *s, size_t columns, size_t k, double *mean, double *sd)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < s->n; i++) {
        sum += s->bits[i * columns + k];
        squares += s->bits[i * columns + k] * s->bits[i * columns + k];
    }
    *mean = sum / (double)s->n;
    *sd = sqrt(fmax(0, squares / (double)s->n - *mean * *mean));
}

static kad_status write_levels(kad_ctx *ctx, const kad_views *v, const scores *own,
                               const scores *other, kad_writer *w, double *total)
{
    const size_t columns = (size_t)v->map->n_levels + 1;
    char word[LEVELS + 1][16];
    const char *words[LEVELS + 1];
    double mean[2][LEVELS + 1], sd[2][LEVELS + 1], area[LEVELS + 1];
    for (size_t k = 0; k < columns; k++) {
        snprintf(word[k], sizeof word[k], k + 1 < columns ? "level %zu" : "all", k);
        words[k] = word[k];
        moments(own, columns, k, &mean[0][k], &sd[0][k]);
        moments(other, columns, k, &mean[1][k], &sd[1][k]);
        KAD_CALL(auroc(ctx, own, other, columns, k, &area[k]));
    }
    *total = area[columns - 1];
    kad_write_names(w, "score", "score", "whose bits are counted", columns, words);
    kad_write(w, "bits", KAD_H5_F64, "score", "bits", "of a held-out image, mean",
              &columns, mean[0]);
    kad_write(w, "bits_sd", KAD_H5_F64, "score", "bits", "their standard deviation",
              &columns, sd[0]);
    kad_write(w, "bits_other", KAD_H5_F64, "score", "bits",
              "of an image of the other source, mean", &columns, mean[1]);
    kad_write(w, "bits_other_sd", KAD_H5_F64, "score", "bits", "their standard deviation",
              &columns, sd[1]);
    kad_write(w, "auroc", KAD_H5_F64, "score", "1",
              "probability that an image of the other source has more bits", &columns,
              area);
    return w->status;
}

/* A row of the oddest held out, and one of the oddest of the other source. */
static void write_sheet(const kad_views *v, const scores *own, const kad_images *images,
                        const scores *other, kad_writer *w)
{
    const size_t size = kad_image_map_size(v->map);
    size_t n = own->n < other->n ? own->n : other->n;
    if (n > SHEET) n = SHEET;
    const size_t lead[2] = {2, n};
    uint8_t *x = kad_write_scratch(w, 2 * n, size);
    if (x == NULL) return;
    for (size_t i = 0; i < n; i++) {
        memcpy(x + i * size, kad_image_at(&v->set->held_out, own->odd[i].image), size);
        memcpy(x + (n + i) * size, kad_image_at(images, other->odd[i].image), size);
    }
    kad_view_write_images(w, "sheet", "source picture", 2, lead, v->map->n_channels,
                          v->map->height, v->map->width, x, "images of most bits");
    kad_free(x);
}

static kad_status compare(kad_ctx *ctx, const kad_views *v, const kad_view_source *s,
                          kad_writer *w, char line[KAD_VIEW_LINE])
{
    KAD_SCOPE(scope, ctx);
    scores own, other;
    double total;
    const size_t most = (size_t)v->options->outlier_images;
    KAD_CALL(kad_view_source_check(ctx, s, v->options->outliers, v->map->n_channels,
                                   v->map->height, v->map->width));
    KAD_CALL(score(&scope, v, &v->set->held_out,
                   kad_view_n_held_out(v, v->options->outlier_images), &own));
    KAD_CALL(
        score(&scope, v, s->images, s->images->n < most ? s->images->n : most, &other));
    kad_write_text(w, "source", v->options->outliers);
    kad_write_int(w, "n", (int64_t)own.n);
    kad_write_int(w, "n_other", (int64_t)other.n);
    KAD_CALL(write_levels(ctx, v, &own, &other, w, &total));
    write_sheet(v, &own, s->images, &other, w);
    snprintf(line, KAD_VIEW_LINE,
             "outliers: %zu images of %.80s against %zu held out, AUROC of bits %.4f",
             other.n, v->options->outliers, own.n, total);
    return w->status;
}

static kad_status run(kad_ctx *ctx, const kad_views *v, kad_writer *w,
                      char line[KAD_VIEW_LINE])
{
    kad_view_source source = {0};
    kad_status status =
        kad_view_source_open(ctx, v->data, key, v->options->outliers,
                             v->options->outlier_images, v->folder, &source);
    if (status == KAD_OK) status = compare(ctx, v, &source, w, line);
    kad_image_store_close(source.store);
    return status;
}

static bool asked(const kad_views *v)
{
    return v->options->outliers != NULL;
}

static kad_status check(kad_ctx *ctx, const kad_views *v)
{
    if (!asked(v)) return KAD_OK;
    return kad_view_source_measure(ctx, v->data, key, v->options->outliers,
                                   v->set != NULL ? &v->set->train : NULL);
}

const kad_image_view kad_view_outliers = {
    .name = "outliers",
    .summary = "images of another source by their bits",
    .asked = asked,
    .check = check,
    .run = run,
};

/* Arithmetic with latents: d = <z> of one group of images - <z> of another, and pictures of
 * z + a d. The groups are the third of the images with the highest and the third with the
 * lowest value of a label of the data, or of the mean level. How far pictures move: their
 * projection on the difference of the groups' mean pictures, in units of it; groups are apart
 * by 1. */
#include "base/memory.h"
#include "base/signals.h"
#include "base/sort.h"
#include "views/store.h"
#include "views/views.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 256, STEPS = 5 };

static const double steps[STEPS] = {-1, -0.5, 0, 0.5, 1};

typedef struct bench {
    const kad_views *v;
    size_t size, n;
    size_t count[2];          /* images of the groups */
    double *value, *sorted;   /* [n] */
    double *direction, *mean; /* [size] difference of latents, and of pictures */
} bench;

/* The label's number; -1: the mean level. */
static kad_status find_label(kad_ctx *ctx, const kad_views *v, int *label)
{
    const kad_images *im = &v->set->train;
    *label = -1;
    if (strcmp(v->options->attribute, "brightness") == 0) return KAD_OK;
    for (size_t i = 0; im->labels != NULL && i < im->n_labels; i++)
        if (strcmp(im->label_name[i], v->options->attribute) == 0) {
            *label = (int)i;
            return KAD_OK;
        }
    return kad_fail(ctx, KAD_ECONFIG,
                    "images.attribute: the data have no label \"%s\" (brightness: of any "
                    "images)",
                    v->options->attribute);
}

/* The images are taken from all over the set: files of a kind lie side by side. */
static size_t number_of(const bench *b, size_t i)
{
    return (size_t)((double)i * (double)b->v->set->train.n / (double)b->n);
}

static const uint8_t *image_of(const bench *b, size_t i)
{
    return kad_image_at(&b->v->set->train, number_of(b, i));
}

static double value_of(const bench *b, int label, size_t i)
{
    const kad_images *im = &b->v->set->train;
    double sum = 0;
    if (label >= 0) return im->labels[number_of(b, i) * im->n_labels + (size_t)label];
    for (size_t k = 0; k < b->size; k++)
        sum += image_of(b, i)[k];
    return sum / (double)b->size;
}

/* Up to the lower third, from the upper third on; what lies between is left out. */
static int group_of(const bench *b, size_t i)
{
    const double low = b->sorted[(b->n - 1) / 3],
                 high = b->sorted[b->n - 1 - (b->n - 1) / 3];
    return b->value[i] >= high && high > low ? 1 : b->value[i] <= low ? -1 : 0;
}

/* Both groups have images, or none has: where all have the same value. */
static void divide(bench *b, int label)
{
    for (size_t i = 0; i < b->n; i++)
        b->value[i] = b->sorted[i] = value_of(b, label, i);
    kad_sort(b->n, b->sorted);
    for (size_t i = 0; i < b->n; i++)
        if (group_of(b, i) != 0) b->count[group_of(b, i) > 0]++;
    if (b->count[0] == 0 || b->count[1] == 0) b->count[0] = b->count[1] = 0;
}

static kad_status find_direction(kad_ctx *ctx, bench *b)
{
    KAD_SCOPE(scope, ctx);
    double *z;
    uint8_t *x;
    KAD_CALL(kad_take(&scope, CHUNK * b->size, &z));
    KAD_CALL(kad_take(&scope, CHUNK * b->size, &x));
    for (size_t at = 0, here = 0; at < b->n; at += here) {
        here = b->n - at < CHUNK ? b->n - at : CHUNK;
        KAD_CALL(kad_stop_check(ctx, "arithmetic of latents"));
        for (size_t i = 0; i < here; i++)
            memcpy(x + i * b->size, image_of(b, at + i), b->size);
        KAD_CALL(
            b->v->map->ops->encode(ctx, b->v->plan, b->v->seed, at, here, x, z, NULL));
        for (size_t i = 0; i < here; i++) {
            const int group = group_of(b, at + i);
            if (group == 0) continue;
            const double share = group / (double)b->count[group > 0];
            for (size_t k = 0; k < b->size; k++) {
                b->direction[k] += share * z[i * b->size + k];
                b->mean[k] += share * x[i * b->size + k];
            }
        }
    }
    return KAD_OK;
}

static kad_status take(kad_scope *in, const kad_views *v, bench *b)
{
    const size_t most = (size_t)v->options->attribute_images;
    *b = (bench){.v = v,
                 .size = kad_image_map_size(v->map),
                 .n = v->set->train.n < most ? v->set->train.n : most};
    KAD_CALL(kad_take(in, b->n, &b->value));
    KAD_CALL(kad_take(in, b->n, &b->sorted));
    KAD_CALL(kad_take(in, b->size, &b->direction));
    return kad_take(in, b->size, &b->mean);
}

/* Held-out pictures along the direction. */
static kad_status walk(kad_ctx *ctx, const bench *b, kad_writer *w, double *reach)
{
    KAD_SCOPE(scope, ctx);
    const kad_views *v = b->v;
    const size_t n = kad_view_n_held_out(v, v->options->rows), all = n * STEPS;
    const size_t lead[2] = {n, STEPS}, columns = STEPS;
    double *z, *moved, *along, norm = 0;
    uint8_t *x;
    KAD_CALL(kad_take(&scope, n * b->size, &z));
    KAD_CALL(kad_take(&scope, all * b->size, &along));
    KAD_CALL(kad_take(&scope, all * b->size, &x));
    KAD_CALL(kad_take(&scope, columns, &moved));
    KAD_CALL(v->map->ops->encode(ctx, v->plan, v->seed, 0, n, v->set->held_out.pixels, z,
                                 NULL));
    for (size_t i = 0; i < all; i++)
        for (size_t k = 0; k < b->size; k++)
            along[i * b->size + k] =
                z[i / STEPS * b->size + k] + steps[i % STEPS] * b->direction[k];
    KAD_CALL(v->map->ops->decode(ctx, v->plan, all, along, NULL, x));
    for (size_t k = 0; k < b->size; k++)
        norm += b->mean[k] * b->mean[k];
    for (size_t i = 0; i < all; i++)
        for (size_t k = 0; k < b->size; k++)
            moved[i % STEPS] += ((double)x[i * b->size + k] -
                                 kad_image_at(&v->set->held_out, i / STEPS)[k]) *
                                b->mean[k] / norm / (double)n;
    *reach = moved[STEPS - 1];
    kad_write(w, "step", KAD_H5_F64, "step", "1", "a: pictures are those of z + a d",
              &columns, steps);
    kad_write(w, "moved", KAD_H5_F64, "step", "1",
              "how far pictures move along the difference of the groups", &columns,
              moved);
    kad_view_write_images(w, "sheet", "image step", 2, lead, v->map->n_channels,
                          v->map->height, v->map->width, x, "held-out images, moved");
    return w->status;
}

static kad_status run(kad_ctx *ctx, const kad_views *v, kad_writer *w,
                      char line[KAD_VIEW_LINE])
{
    KAD_SCOPE(scope, ctx);
    bench b;
    int label;
    double reach;
    KAD_CALL(find_label(ctx, v, &label));
    KAD_CALL(take(&scope, v, &b));
    divide(&b, label);
    kad_write_text(w, "attribute", v->options->attribute);
    kad_write_int(w, "n_groups", (int64_t)(b.count[0] + b.count[1]));
    if (b.count[0] == 0) {
        snprintf(line, KAD_VIEW_LINE,
                 "arithmetic: left out: %.80s is the same of all %zu images",
                 v->options->attribute, b.n);
        return w->status;
    }
    KAD_CALL(find_direction(ctx, &b));
    KAD_CALL(walk(ctx, &b, w, &reach));
    snprintf(line, KAD_VIEW_LINE,
             "arithmetic: pictures move by %.3g of the way between groups by %.80s",
             reach, v->options->attribute);
    return w->status;
}

static bool asked(const kad_views *v)
{
    return v->options->attribute_images > 1 && v->options->rows > 0;
}

static kad_status check(kad_ctx *ctx, const kad_views *v)
{
    int label;
    return asked(v) && v->set != NULL ? find_label(ctx, v, &label) : KAD_OK;
}

const kad_image_view kad_view_attribute = {
    .name = "attribute",
    .summary = "pictures along a direction between two groups",
    .asked = asked,
    .check = check,
    .run = run,
};

/* Sheets of pictures that are generated from combined latents, a row after the other:
 *   progressive  latents of levels h and up as those of a picture, the finer ones 0, h falling:
 *                what the coarse levels decide. Sites of levels h and up are those of the
 *                picture, exactly, with recipe pixels;
 *   walk         cos(t) z_A + sin(t) z_B, t from 0 to pi/2: normal latents stay normal (those of
 *                a Laplace prior are made normal for that, and Laplace again);
 *   mix          levels theta and up of one picture, those below of another (scale mixing);
 *   temperature  the same draws with latents above level 0 and of level 0 at temperatures. */
#include "base/memory.h"
#include "pixel/latent.h"
#include "views/store.h"
#include "views/views.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { WALK = 9 };
static const double temperatures[] = {0, 0.2, 0.5, 0.8, 1};
enum { N_TEMPERATURES = sizeof temperatures / sizeof temperatures[0] };

typedef struct sheet {
    const kad_views *v;
    size_t n, columns, size; /* rows, pictures in a row, levels of one */
    const double *a, *b;     /* [n][size] latents */
    double *z;               /* [n][columns][size] */
    uint8_t *x;
} sheet;

/* Latents of picture (row, column). */
typedef void combine(const sheet *s, size_t row, size_t column, double *z);

static int level_of(const sheet *s, size_t i)
{
    return s->v->map->level[i % ((size_t)s->v->map->height * (size_t)s->v->map->width)];
}

static void go_on(const sheet *s, size_t row, size_t column, double *z)
{
    const int h = s->v->map->n_levels - 1 - (int)column;
    for (size_t i = 0; i < s->size; i++)
        z[i] = level_of(s, i) >= h ? s->a[row * s->size + i] : 0;
}

/* The same place in another prior. */
static double relabel(kad_pixel_prior from, kad_pixel_prior to, double z)
{
    double t, rest;
    kad_pixel_distribution(from, z, &t, &rest);
    return kad_pixel_quantile(to, fmax(t, DBL_MIN), fmax(rest, DBL_MIN));
}

static void walk(const sheet *s, size_t row, size_t column, double *z)
{
    const bool laplace = s->v->map->laplace;
    const double t = acos(0) * (double)column / (WALK - 1);
    for (size_t i = 0; i < s->size; i++) {
        const double a = s->a[row * s->size + i], b = s->b[row * s->size + i];
        z[i] = laplace
                   ? relabel(KAD_PIXEL_NORMAL, KAD_PIXEL_LAPLACE,
                             cos(t) * relabel(KAD_PIXEL_LAPLACE, KAD_PIXEL_NORMAL, a) +
                                 sin(t) * relabel(KAD_PIXEL_LAPLACE, KAD_PIXEL_NORMAL, b))
                   : cos(t) * a + sin(t) * b;
    }
}

static void mix(const sheet *s, size_t row, size_t column, double *z)
{
    for (size_t i = 0; i < s->size; i++)
        z[i] = level_of(s, i) >= (int)column ? s->a[row * s->size + i]
                                             : s->b[row * s->size + i];
}

static void heat(const sheet *s, size_t row, size_t column, double *z)
{
    for (size_t i = 0; i < s->size; i++)
        z[i] = s->a[i] * (level_of(s, i) > 0 ? temperatures[row] : temperatures[column]);
}

static kad_status latents_of(kad_scope *in, const kad_views *v, size_t first, size_t n,
                             double **z)
{
    KAD_CALL(kad_take(in, n * kad_image_map_size(v->map), z));
    return v->map->ops->encode(in->ctx, v->plan, v->seed, first, n,
                               kad_image_at(&v->set->held_out, first), *z, NULL);
}

static kad_status prepare(kad_scope *in, const kad_views *v, size_t n, size_t columns,
                          sheet *s)
{
    *s = (sheet){.v = v, .n = n, .columns = columns, .size = kad_image_map_size(v->map)};
    KAD_CALL(kad_take(in, n * columns * s->size, &s->z));
    return kad_take(in, n * columns * s->size, &s->x);
}

/* Generate, and write the sheet with the bits per dimension of its columns. */
static kad_status finish(kad_ctx *ctx, sheet *s, combine *make, kad_writer *w)
{
    KAD_SCOPE(scope, ctx);
    const kad_image_map *map = s->v->map;
    const size_t all = s->n * s->columns, lead[2] = {s->n, s->columns};
    const size_t n_bits = (size_t)(map->n_levels * map->n_channels);
    double *bits, *bpd;
    KAD_CALL(kad_take(&scope, all * n_bits, &bits));
    KAD_CALL(kad_take(&scope, s->columns, &bpd));
    for (size_t i = 0; i < all; i++)
        make(s, i / s->columns, i % s->columns, s->z + i * s->size);
    KAD_CALL(map->ops->decode(ctx, s->v->plan, all, s->z, NULL, s->x));
    KAD_CALL(map->ops->encode(ctx, s->v->plan, s->v->seed, 0, all, s->x, NULL, bits));
    for (size_t i = 0; i < all * n_bits; i++)
        bpd[i / n_bits % s->columns] += bits[i] / (double)(s->n * s->size);
    kad_write(w, "bpd", KAD_H5_F64, "picture", "bits",
              "bits per dimension of the pictures of a column", &s->columns, bpd);
    kad_view_write_images(w, "sheet", "image picture", 2, lead, map->n_channels,
                          map->height, map->width, s->x, "pictures, row by row");
    return w->status;
}

/* How many rows: that many pictures or pairs are held out. */
static size_t rows_of(const kad_views *v, size_t pictures)
{
    const size_t most = v->set->held_out.n / pictures, n = (size_t)v->options->rows;
    return n < most ? n : most;
}

static bool asked(const kad_views *v)
{
    return v->options->rows > 0 && v->set->held_out.n > 1;
}

/* Sites of the coarse levels whose levels are not the picture's: none. */
static size_t count_differing(const sheet *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n * s->columns; i++)
        for (size_t k = 0; k < s->size; k++)
            n += level_of(s, k) >= s->v->map->n_levels - 1 - (int)(i % s->columns) &&
                 s->x[i * s->size + k] !=
                     kad_image_at(&s->v->set->held_out, i / s->columns)[k];
    return n;
}

static kad_status run_progressive(kad_ctx *ctx, const kad_views *v, kad_writer *w,
                                  char line[KAD_VIEW_LINE])
{
    KAD_SCOPE(scope, ctx);
    sheet s;
    double *a;
    KAD_CALL(prepare(&scope, v, rows_of(v, 1), (size_t)v->map->n_levels, &s));
    KAD_CALL(latents_of(&scope, v, 0, s.n, &a));
    s.a = a;
    KAD_CALL(finish(ctx, &s, go_on, w));
    kad_write_int(w, "n_coarse_differ", (int64_t)count_differing(&s));
    snprintf(line, KAD_VIEW_LINE, "progressive generation: %zu pictures, %zu levels", s.n,
             s.columns);
    return w->status;
}

static kad_status run_pairs(kad_ctx *ctx, const kad_views *v, size_t columns,
                            combine *make, kad_writer *w)
{
    KAD_SCOPE(scope, ctx);
    sheet s;
    double *a, *b;
    KAD_CALL(prepare(&scope, v, rows_of(v, 2), columns, &s));
    KAD_CALL(latents_of(&scope, v, 0, s.n, &a));
    KAD_CALL(latents_of(&scope, v, s.n, s.n, &b));
    s.a = a;
    s.b = b;
    return finish(ctx, &s, make, w);
}

static kad_status run_walk(kad_ctx *ctx, const kad_views *v, kad_writer *w,
                           char line[KAD_VIEW_LINE])
{
    snprintf(line, KAD_VIEW_LINE, "latent walks: %zu pairs of pictures", rows_of(v, 2));
    return run_pairs(ctx, v, WALK, walk, w);
}

static kad_status run_mix(kad_ctx *ctx, const kad_views *v, kad_writer *w,
                          char line[KAD_VIEW_LINE])
{
    snprintf(line, KAD_VIEW_LINE, "mixing of scales: %zu pairs of pictures",
             rows_of(v, 2));
    return run_pairs(ctx, v, (size_t)v->map->n_levels + 1, mix, w);
}

static kad_status run_temperature(kad_ctx *ctx, const kad_views *v, kad_writer *w,
                                  char line[KAD_VIEW_LINE])
{
    KAD_SCOPE(scope, ctx);
    sheet s;
    const size_t n = N_TEMPERATURES;
    double *a;
    uint8_t *x;
    KAD_CALL(prepare(&scope, v, n, n, &s));
    KAD_CALL(kad_take(&scope, s.size, &a));
    KAD_CALL(kad_take(&scope, s.size, &x));
    KAD_CALL(v->map->ops->draw(ctx, v->plan, v->seed, 0, 1, NULL, a, x));
    s.a = a;
    KAD_CALL(finish(ctx, &s, heat, w));
    kad_write(w, "temperature", KAD_H5_F64, "picture", "1",
              "of latents of level 0 in a column, of those above in a row", &n,
              temperatures);
    snprintf(line, KAD_VIEW_LINE, "mixed temperatures: %zu of either kind", n);
    return w->status;
}

const kad_image_view kad_view_progressive = {
    .name = "progressive",
    .summary = "pictures from coarse to fine",
    .asked = asked,
    .run = run_progressive,
};

const kad_image_view kad_view_walk = {
    .name = "walk",
    .summary = "from the latents of one picture to those of another",
    .asked = asked,
    .run = run_walk,
};

const kad_image_view kad_view_mix = {
    .name = "mix",
    .summary = "coarse levels of one picture, fine ones of another",
    .asked = asked,
    .run = run_mix,
};

const kad_image_view kad_view_temperature = {
    .name = "temperature",
    .summary = "draws at mixed temperatures",
    .asked = asked,
    .run = run_temperature,
};

/* Receptive fields: what a latent does to the picture. The response of the latent l to a unit
 * step towards 0 is E_z |x(z + e_l) - x(z)|_1, over pictures drawn from the map: a finite
 * step, for contexts see levels, so that derivatives are 0 almost everywhere. Levels outside
 * of a latent's generation cone do not depend on it and are not computed again. */
#include "base/memory.h"
#include "base/rng.h"
#include "base/signals.h"
#include "views/store.h"
#include "views/views.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    PER_LEVEL = 24,
    BATCH = 64,
    BINS = 18,
    LEVELS = KAD_IMAGE_LEVELS_MAX,
    STREAM = 0x5ec /* among those of Markov chains */
};

/* A latent that is changed. */
typedef struct source {
    int site, channel, level;
    const bool *cone;
    size_t n_cone;
    double sum, square; /* of |dx|, and times the square of the distance; over pictures */
} source;

typedef struct bench {
    const kad_views *v;
    size_t n, size, plane, n_sources;
    uint8_t *x, *after; /* [n][size], [BATCH][size] */
    double *z, *changed;
    const bool *only[BATCH];
    source *source;
    int centre[LEVELS]; /* the site of each level that is nearest to the middle */
    double *map;        /* [n_levels][plane] of that */
} bench;

static double distance2(const kad_image_map *map, int a, int b)
{
    const double y = a / map->width - b / map->width, x = a % map->width - b % map->width;
    return x * x + y * y;
}

/* At most PER_LEVEL sites of each level, at random, and that nearest to the middle. */
static kad_status choose(kad_scope *in, bench *b)
{
    const kad_image_map *map = b->v->map;
    const kad_rng rng = kad_rng_stream(b->v->seed, KAD_RNG_CHAIN, STREAM);
    const int middle = map->height / 2 * map->width + map->width / 2,
              plane = map->height * map->width;
    double left[LEVELS], wanted[LEVELS];
    bool *set;
    KAD_CALL(kad_take(in, b->plane, &set));
    for (int h = 0; h < map->n_levels; h++) {
        b->centre[h] = -1;
        left[h] = (double)map->n_sites[h];
        wanted[h] = fmin(left[h], PER_LEVEL);
    }
    for (int site = 0; site < plane; site++) {
        int *centre = &b->centre[map->level[site]];
        if (*centre < 0 || distance2(map, site, middle) < distance2(map, *centre, middle))
            *centre = site;
    }
    for (int site = 0; site < plane; site++) {
        const int h = map->level[site];
        const double u = kad_rng_uniform(rng, 0, (uint64_t)site, 0);
        const bool taken = u * left[h]-- < wanted[h];
        bool *cone;
        wanted[h] -= taken;
        if (!taken && site != b->centre[h]) continue;
        KAD_CALL(kad_take(in, b->plane, &cone));
        memset(set, 0, b->plane * sizeof *set);
        set[site] = true;
        const size_t n = map->ops->generation_cone(b->v->plan, set, cone);
        for (int c = 0; c < map->n_channels; c++)
            b->source[b->n_sources++] = (source){
                .site = site, .channel = c, .level = h, .cone = cone, .n_cone = n};
    }
    return KAD_OK;
}

static kad_status take(kad_scope *in, const kad_views *v, bench *b)
{
    const size_t most = (size_t)(LEVELS * (PER_LEVEL + 1) * v->map->n_channels);
    *b = (bench){.v = v,
                 .n = (size_t)v->options->receptive,
                 .size = kad_image_map_size(v->map),
                 .plane = (size_t)v->map->height * (size_t)v->map->width};
    KAD_CALL(kad_take(in, b->n * b->size, &b->x));
    KAD_CALL(kad_take(in, b->n * b->size, &b->z));
    KAD_CALL(kad_take(in, BATCH * b->size, &b->after));
    KAD_CALL(kad_take(in, BATCH * b->size, &b->changed));
    KAD_CALL(kad_take(in, most, &b->source));
    return kad_take(in, (size_t)v->map->n_levels * b->plane, &b->map);
}

static void measure(bench *b, source *s, const uint8_t *x, const uint8_t *after)
{
    const kad_image_map *map = b->v->map;
    double *picture =
        s->site == b->centre[s->level] ? b->map + (size_t)s->level * b->plane : NULL;
    for (size_t i = 0; i < b->size; i++) {
        const double d = fabs((double)after[i] - x[i]);
        if (d == 0) continue;
        s->sum += d;
        s->square += d * distance2(map, (int)(i % b->plane), s->site);
        if (picture != NULL)
            picture[i % b->plane] += d / (double)(b->n * (size_t)map->n_channels);
    }
}

/* Pairs of a picture and a latent, BATCH at a time. */
static kad_status respond(kad_ctx *ctx, bench *b)
{
    const size_t pairs = b->n * b->n_sources;
    for (size_t first = 0, n = 0; first < pairs; first += n) {
        n = pairs - first < BATCH ? pairs - first : BATCH;
        KAD_CALL(kad_stop_check(ctx, "receptive fields"));
        for (size_t i = 0; i < n; i++) {
            const source *s = &b->source[(first + i) / b->n];
            const size_t picture = (first + i) % b->n;
            memcpy(b->after + i * b->size, b->x + picture * b->size, b->size);
            memcpy(b->changed + i * b->size, b->z + picture * b->size,
                   b->size * sizeof *b->z);
            double *z = b->changed + i * b->size + (size_t)s->channel * b->plane +
                        (size_t)s->site;
            *z += *z > 0 ? -1 : 1;
            b->only[i] = s->cone;
        }
        KAD_CALL(
            b->v->map->ops->decode(ctx, b->v->plan, n, b->changed, b->only, b->after));
        for (size_t i = 0; i < n; i++)
            measure(b, &b->source[(first + i) / b->n],
                    b->x + (first + i) % b->n * b->size, b->after + i * b->size);
    }
    return KAD_OK;
}

/* A number of each level. */
typedef struct row {
    int64_t level, latents;
    double strength, strength_err, radius, cone;
} row;

static void sum_up(const bench *b, row *rows, double *histogram)
{
    double square[LEVELS] = {0}, squares[LEVELS] = {0};
    for (size_t i = 0; i < b->n_sources; i++) {
        const source *s = &b->source[i];
        const double mean = s->sum / (double)b->n;
        row *r = &rows[s->level];
        const int bin = mean > 0 ? (int)floor(log2(mean)) + 1 : 0;
        r->latents++;
        r->strength += mean;
        squares[s->level] += mean * mean;
        square[s->level] += s->square / (double)b->n;
        r->cone += (double)s->n_cone;
        histogram[s->level * BINS + (bin < 0 ? 0 : bin < BINS ? bin : BINS - 1)]++;
    }
    for (int h = 0; h < b->v->map->n_levels; h++) {
        row *r = &rows[h];
        const double n = (double)r->latents;
        r->level = h;
        r->radius = r->strength > 0 ? sqrt(square[h] / r->strength) : NAN;
        r->strength /= n;
        r->strength_err =
            n > 1 ? sqrt(fmax(0, squares[h] / n - r->strength * r->strength) / (n - 1))
                  : NAN;
        r->cone /= n;
        for (int k = 0; k < BINS; k++)
            histogram[h * BINS + k] /= n;
    }
}

static void write_pictures(const bench *b, kad_writer *w)
{
    const size_t n = (size_t)b->v->map->n_levels;
    const size_t dims[3] = {n, (size_t)b->v->map->height, (size_t)b->v->map->width};
    uint8_t *x = kad_write_scratch(w, n, b->plane);
    if (x == NULL) return;
    for (size_t h = 0; h < n; h++) {
        double most = 0;
        for (size_t i = 0; i < b->plane; i++)
            most = fmax(most, b->map[h * b->plane + i]);
        for (size_t i = 0; i < b->plane && most > 0; i++)
            x[h * b->plane + i] =
                (uint8_t)lrint(255 * sqrt(b->map[h * b->plane + i] / most));
    }
    kad_write(w, "map", KAD_H5_F64, "level row column", "levels",
              "response of the picture to a latent near the middle, mean of its channels",
              dims, b->map);
    kad_view_write_images(w, "sheet", "level", 1, &n, 1, b->v->map->height,
                          b->v->map->width, x, "its square root, as grey levels");
    kad_free(x);
}

static void write(const bench *b, const row *rows, const double *histogram, kad_writer *w)
{
    static const kad_write_column columns[] = {
        {"level", KAD_CELL_I64, offsetof(row, level), "1", "level, 0 the finest"},
        {"latents", KAD_CELL_I64, offsetof(row, latents), "1", "latents looked at"},
        {"strength", KAD_CELL_REAL, offsetof(row, strength), "levels",
         "E |x(z + e) - x(z)|_1, mean over latents"},
        {"strength_err", KAD_CELL_REAL, offsetof(row, strength_err), "levels",
         "its standard error, over latents"},
        {"radius", KAD_CELL_REAL, offsetof(row, radius), "sites",
         "root mean square distance of the response"},
        {"cone", KAD_CELL_REAL, offsetof(row, cone), "sites",
         "generation cone of a latent, mean: outside of it the response is 0"},
    };
    const size_t n = (size_t)b->v->map->n_levels, dims[2] = {n, BINS}, bins = BINS;
    double edge[BINS];
    for (int k = 0; k < BINS; k++)
        edge[k] = k == 0 ? 0 : ldexp(1, k - 1);
    kad_write_int(w, "n", (int64_t)b->n);
    kad_write_columns(w, "level", sizeof columns / sizeof columns[0], columns, n, rows,
                      sizeof *rows);
    kad_write(w, "bin", KAD_H5_F64, "bin", "levels", "strengths from here on", &bins,
              edge);
    kad_write(w, "histogram", KAD_H5_F64, "level bin", "1",
              "share of the level's latents", dims, histogram);
    write_pictures(b, w);
}

static kad_status run(kad_ctx *ctx, const kad_views *v, kad_writer *w,
                      char line[KAD_VIEW_LINE])
{
    KAD_SCOPE(scope, ctx);
    bench b;
    row rows[LEVELS] = {{0}};
    double histogram[LEVELS * BINS] = {0};
    KAD_CALL(take(&scope, v, &b));
    KAD_CALL(choose(&scope, &b));
    KAD_CALL(v->map->ops->draw(ctx, v->plan, v->seed, 0, b.n, NULL, b.z, b.x));
    KAD_CALL(respond(ctx, &b));
    sum_up(&b, rows, histogram);
    write(&b, rows, histogram, w);
    int at =
        snprintf(line, KAD_VIEW_LINE, "receptive fields: strength/radius, level 0 up:");
    for (int h = 0; h < v->map->n_levels && at < KAD_VIEW_LINE - 32; h++)
        at += isnan(rows[h].radius)
                  ? snprintf(line + at, KAD_VIEW_LINE - (size_t)at, " none")
                  : snprintf(line + at, KAD_VIEW_LINE - (size_t)at, " %.3g/%.3g",
                             rows[h].strength, rows[h].radius);
    return w->status;
}

static bool asked(const kad_views *v)
{
    return v->options->receptive > 0;
}

const kad_image_view kad_view_receptive = {
    .name = "receptive",
    .summary = "what a latent does to the picture",
    .asked = asked,
    .run = run,
};

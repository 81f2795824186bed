/* Latents of held-out images. Where the map is right they are independent and of the prior:
 * means 0, variances 1, fourth moments 3 (Laplace: 6), uncorrelated at any two places, levels and channels,
 * and without mutual information. Correlations of n images have a standard error of
 * 1/sqrt(n); |c| beyond three of them is 0.27 % of independent pairs (normal for large n).
 * Mutual information of near latents is Kraskov's (bulk/mutual.h), beside that of pairs of
 * different images, which have none. */
#include "base/memory.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "base/signals.h"
#include "bulk/mutual.h"
#include "views/store.h"
#include "views/views.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    CHUNK = 256,
    BLOCK = 64,
    LEVELS = KAD_IMAGE_LEVELS_MAX,
    NEIGHBOURS = 4,
    MOST_SITES = 1024, /* of a level, whose latents are correlated */
    PAIRS = 24,        /* of a kind and a level, about */
    STREAM = 0x1f0     /* among those of Markov chains */
};

/* Kinds of near pairs. */
enum { CHANNELS, SITES, COARSER, N_KINDS };
typedef struct bench {
    const kad_views *v;
    size_t n, size, plane, room; /* images; room: n rounded up to whole vectors */
    size_t n_rows;               /* latents that are looked at */
    size_t *latent;              /* [n_rows], rising */
    int *row;                    /* [size] of a latent, -1: none */
    const int *level;            /* [plane] of a site */
    float *columns;              /* [n_rows][room]: normalised latents, zeros behind */
    double *z;                   /* [n_rows][n] */
    double mean[LEVELS], variance[LEVELS], fourth[LEVELS];
    /* correlations of pairs of latents, by the pair's levels; of blocks of rows apart */
    size_t n_blocks;
    double (*beyond)[LEVELS][LEVELS], (*square)[LEVELS][LEVELS], (*count)[LEVELS][LEVELS];
} bench;

/* The site of a coarser level that is nearest to this one, or -1. */
static int coarser_than(const bench *b, int at)
{
    const int width = b->v->map->width;
    int best = -1, least = INT_MAX;
    for (int there = 0; there < (int)b->plane; there++) {
        const int dy = there / width - at / width, dx = there % width - at % width,
                  d = dy * dy + dx * dx;
        if (b->level[there] <= b->level[at] || d >= least) continue;
        best = there;
        least = d;
    }
    return best;
}

/* A pair of a kind, of a latent at this site; false: there is none. */
static bool pair_of(const bench *b, int kind, int at, size_t *one, size_t *other)
{
    const kad_image_map *map = b->v->map;
    const int h = b->level[at];
    int there = -1;
    *one = (size_t)at;
    if (kind == CHANNELS && map->n_channels > 1) there = at + (int)b->plane;
    if (kind == SITES && at % map->width + (2 << h) < map->width &&
        b->level[at + (2 << h)] == h)
        there = at + (2 << h);
    if (kind == COARSER) there = coarser_than(b, at);
    *other = (size_t)there;
    return there >= 0;
}

/* Of about PAIRS sites of each level, at random, pairs are taken. */
static bool has_pairs(const bench *b, int at)
{
    const kad_rng rng = kad_rng_stream(b->v->seed, KAD_RNG_CHAIN, STREAM);
    const double u = kad_rng_uniform(rng, 0, (uint64_t)at, 0);
    return u * (double)b->v->map->n_sites[b->level[at]] < PAIRS;
}

/* Sites whose latents are looked at: at most MOST_SITES of a level, at random, and what pairs are
 * taken of. */
static void choose_sites(const bench *b, bool *taken)
{
    const kad_image_map *map = b->v->map;
    const kad_rng rng = kad_rng_stream(b->v->seed, KAD_RNG_CHAIN, STREAM);
    double left[LEVELS], wanted[LEVELS];
    for (int h = 0; h < map->n_levels; h++) {
        left[h] = (double)map->n_sites[h];
        wanted[h] = fmin(left[h], MOST_SITES);
    }
    for (int at = 0; at < (int)b->plane; at++) {
        const int h = b->level[at];
        size_t one, other;
        if (kad_rng_uniform(rng, 1, (uint64_t)at, 0) * left[h]-- < wanted[h]) {
            taken[at] = true;
            wanted[h]--;
        }
        for (int kind = 0; has_pairs(b, at) && kind < N_KINDS; kind++)
            if (pair_of(b, kind, at, &one, &other))
                taken[one] = taken[other % b->plane] = true;
    }
}

static kad_status choose(kad_scope *in, bench *b)
{
    KAD_SCOPE(scope, in->ctx);
    bool *taken;
    KAD_CALL(kad_take(&scope, b->plane, &taken));
    KAD_CALL(kad_take(in, b->size, &b->latent));
    KAD_CALL(kad_take(in, b->size, &b->row));
    choose_sites(b, taken);
    for (size_t k = 0; k < b->size; k++) {
        b->row[k] = taken[k % b->plane] ? (int)b->n_rows : -1;
        if (taken[k % b->plane]) b->latent[b->n_rows++] = k;
    }
    return KAD_OK;
}

static int level_of(const bench *b, size_t row)
{
    return b->level[b->latent[row] % b->plane];
}

static kad_status take(kad_scope *in, const kad_views *v, bench *b)
{
    *b = (bench){.v = v,
                 .n = kad_view_n_held_out(v, v->options->latents),
                 .size = kad_image_map_size(v->map),
                 .plane = (size_t)v->map->height * (size_t)v->map->width};
    b->room = (b->n + 15) / 16 * 16;
    b->level = v->map->level;
    KAD_CALL(choose(in, b));
    b->n_blocks = (b->n_rows + BLOCK - 1) / BLOCK;
    KAD_CALL(kad_memory_require(in->ctx, b->n_rows * (b->room * 4 + b->n * 8),
                                "latents of so many images (images.latents)"));
    KAD_CALL(kad_take(in, b->n_rows * b->room, &b->columns));
    KAD_CALL(kad_take(in, b->n_rows * b->n, &b->z));
    KAD_CALL(kad_take(in, b->n_blocks, &b->beyond));
    KAD_CALL(kad_take(in, b->n_blocks, &b->square));
    return kad_take(in, b->n_blocks, &b->count);
}

static kad_status infer(kad_ctx *ctx, bench *b)
{
    KAD_SCOPE(scope, ctx);
    double *z;
    KAD_CALL(kad_take(&scope, CHUNK * b->size, &z));
    for (size_t at = 0, n = 0; at < b->n; at += n) {
        n = b->n - at < CHUNK ? b->n - at : CHUNK;
        KAD_CALL(kad_stop_check(ctx, "latents of images"));
        KAD_CALL(b->v->map->ops->encode(ctx, b->v->plan, b->v->seed, at, n,
                                        kad_image_at(&b->v->set->held_out, at), z, NULL));
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < b->n_rows; k++)
                b->z[k * b->n + at + i] = z[i * b->size + b->latent[k]];
    }
    return KAD_OK;
}

static void normalise(bench *b)
{
    double count[LEVELS] = {0};
    for (size_t k = 0; k < b->n_rows; k++) {
        const int h = level_of(b, k);
        const double *z = b->z + k * b->n;
        double mean = 0, square = 0, fourth = 0;
        for (size_t i = 0; i < b->n; i++)
            mean += z[i] / (double)b->n;
        for (size_t i = 0; i < b->n; i++) {
            const double d = (z[i] - mean) * (z[i] - mean);
            square += d / (double)b->n;
            fourth += d * d / (double)b->n;
        }
        const double scale = square > 0 ? 1 / sqrt(square * (double)b->n) : 0;
        for (size_t i = 0; i < b->n; i++)
            b->columns[k * b->room + i] = (float)((z[i] - mean) * scale);
        b->mean[h] += mean;
        b->variance[h] += square;
        b->fourth[h] += square > 0 ? fourth / (square * square) : 0;
        count[h]++;
    }
    for (int h = 0; h < b->v->map->n_levels; h++) {
        b->mean[h] /= count[h];
        b->variance[h] /= count[h];
        b->fourth[h] /= count[h];
    }
}

static float product(size_t n, const float *restrict x, const float *restrict y)
{
    float sum[16] = {0};
    for (size_t i = 0; i < n; i += 16)
        for (size_t k = 0; k < 16; k++)
            sum[k] += x[i + k] * y[i + k];
    float all = 0;
    for (size_t k = 0; k < 16; k++)
        all += sum[k];
    return all;
}

/* Latents of a block of rows with all before them. */
static bool correlate(void *self, size_t block, void *scratch)
{
    bench *b = self;
    const float limit = (float)(3 / sqrt((double)b->n));
    const size_t end = (block + 1) * BLOCK < b->n_rows ? (block + 1) * BLOCK : b->n_rows;
    (void)scratch;
    for (size_t j = 0; j < end; j++)
        for (size_t i = block * BLOCK > j + 1 ? block * BLOCK : j + 1; i < end; i++) {
            const float c =
                product(b->room, b->columns + i * b->room, b->columns + j * b->room);
            const int h = level_of(b, i), k = level_of(b, j);
            const int low = h < k ? h : k, high = h < k ? k : h;
            b->beyond[block][low][high] += fabsf(c) > limit;
            b->square[block][low][high] += (double)c * (double)c;
            b->count[block][low][high]++;
        }
    return true;
}

static void write_correlations(const bench *b, kad_writer *w, double *within)
{
    const size_t n = (size_t)b->v->map->n_levels, dims[2] = {n, n};
    double share[LEVELS * LEVELS], rms[LEVELS * LEVELS], all = 0, beyond = 0;
    double of_level[LEVELS];
    for (size_t h = 0; h < n; h++) {
        const double all_before = all, beyond_before = beyond;
        for (size_t k = h; k < n; k++) {
            double out = 0, square = 0, count = 0;
            for (size_t i = 0; i < b->n_blocks; i++) {
                out += b->beyond[i][h][k];
                square += b->square[i][h][k];
                count += b->count[i][h][k];
            }
            share[h * n + k] = share[k * n + h] = count > 0 ? out / count : NAN;
            rms[h * n + k] = rms[k * n + h] =
                count > 0 ? sqrt(square / count * (double)b->n) : NAN;
            beyond += out;
            all += count;
        }
        of_level[h] =
            all > all_before ? (beyond - beyond_before) / (all - all_before) : NAN;
    }
    *within = all > 0 ? 1 - beyond / all : NAN;
    kad_write_real(w, "n_pairs", all);
    kad_write_real(w, "within_3_sigma", *within);
    kad_write(
        w, "beyond_level", KAD_H5_F64, "level", "1",
        "share of correlations beyond 3 standard errors, by the finer latent's level", &n,
        of_level);
    kad_write(w, "beyond", KAD_H5_F64, "level level", "1",
              "share of correlations beyond 3 standard errors, by the levels of the pair",
              dims, share);
    kad_write(w, "rms", KAD_H5_F64, "level level", "1",
              "root mean square of correlations, in standard errors: 1 for independent",
              dims, rms);
}

/* --- mutual information ------------------------------------------------------------------ */

typedef struct information {
    double sum[N_KINDS][LEVELS], null[N_KINDS][LEVELS];
    int64_t count[N_KINDS][LEVELS];
} information;

static kad_status inform(kad_ctx *ctx, const bench *b, information *r)
{
    KAD_SCOPE(scope, ctx);
    double *shifted;
    KAD_CALL(kad_take(&scope, b->n, &shifted));
    for (int at = 0; at < (int)b->plane; at++) {
        const int h = b->level[at];
        if (!has_pairs(b, at)) continue;
        KAD_CALL(kad_stop_check(ctx, "information of latents"));
        for (int kind = 0; kind < N_KINDS; kind++) {
            size_t one, other;
            double value, null;
            if (!pair_of(b, kind, at, &one, &other)) continue;
            const double *x = b->z + (size_t)b->row[one] * b->n,
                         *y = b->z + (size_t)b->row[other] * b->n;
            for (size_t k = 0; k < b->n; k++)
                shifted[k] = y[(k + 1) % b->n];
            KAD_CALL(kad_mutual_knn(ctx, b->n, 1, x, 1, y, NEIGHBOURS, &value));
            KAD_CALL(kad_mutual_knn(ctx, b->n, 1, x, 1, shifted, NEIGHBOURS, &null));
            r->sum[kind][h] += value;
            r->null[kind][h] += null;
            r->count[kind][h]++;
        }
    }
    return KAD_OK;
}

static void write_information(const bench *b, const information *r, kad_writer *w)
{
    static const char *const name[N_KINDS] = {"mutual_channels", "mutual_neighbours",
                                              "mutual_coarser"};
    static const char *const what[N_KINDS] = {
        "mutual information of two channels of a site, mean over pairs",
        "the same of neighbours, 2^(h + 1) along",
        "the same of a site and the nearest of a coarser level"};
    const size_t n = (size_t)b->v->map->n_levels;
    double value[LEVELS], null[LEVELS];
    for (int k = 0; k < N_KINDS; k++) {
        char other[64];
        for (size_t h = 0; h < n; h++) {
            const double count = (double)r->count[k][h];
            value[h] = count > 0 ? r->sum[k][h] / count : NAN;
            null[h] = count > 0 ? r->null[k][h] / count : NAN;
        }
        snprintf(other, sizeof other, "%s_null", name[k]);
        kad_write(w, name[k], KAD_H5_F64, "level", "nats", what[k], &n, value);
        kad_write(w, other, KAD_H5_F64, "level", "nats",
                  "the same of latents of different images", &n, null);
    }
}

static void write_moments(const bench *b, kad_writer *w)
{
    const size_t n = (size_t)b->v->map->n_levels;
    int64_t level[LEVELS];
    for (size_t h = 0; h < n; h++)
        level[h] = (int64_t)h;
    kad_write_int(w, "n", (int64_t)b->n);
    kad_write_int(w, "n_latents", (int64_t)b->n_rows);
    kad_write(w, "level", KAD_H5_I64, "level", "1", "level, 0 the finest", &n, level);
    kad_write(w, "mean", KAD_H5_F64, "level", "1", "of latents: 0 of the prior", &n,
              b->mean);
    kad_write(w, "variance", KAD_H5_F64, "level", "1", "1 of the prior", &n, b->variance);
    kad_write(w, "kurtosis", KAD_H5_F64, "level", "1",
              b->v->map->laplace
                  ? "fourth moment over the square of the variance: 6 of the prior"
                  : "fourth moment over the square of the variance: 3 of the prior",
              &n, b->fourth);
}

static kad_status run(kad_ctx *ctx, const kad_views *v, kad_writer *w,
                      char line[KAD_VIEW_LINE])
{
    KAD_SCOPE(scope, ctx);
    bench b;
    information r = {0};
    double within;
    KAD_CALL(take(&scope, v, &b));
    KAD_CALL(infer(ctx, &b));
    normalise(&b);
    KAD_CALL(kad_for_tiles(ctx, "correlations of latents", b.n_blocks, 0, correlate, &b));
    KAD_CALL(inform(ctx, &b, &r));
    write_moments(&b, w);
    write_correlations(&b, w, &within);
    write_information(&b, &r, w);
    if (isnan(within))
        snprintf(line, KAD_VIEW_LINE, "latents: none that could be correlated");
    else
        snprintf(line, KAD_VIEW_LINE,
                 "latents: of %zu held-out images, %.2f %% of correlations within 3 "
                 "standard errors (independent: 99.73 %%)",
                 b.n, 100 * within);
    return w->status;
}

static bool asked(const kad_views *v)
{
    return v->options->latents > 0 && v->set->held_out.n >= KAD_VIEW_LATENTS_LEAST;
}

static void lacks(const kad_views *v, char line[KAD_VIEW_LINE])
{
    if (v->options->latents > 0)
        snprintf(line, KAD_VIEW_LINE,
                 "latents: no correlations of %zu images held out (at least %d)",
                 v->set->held_out.n, KAD_VIEW_LATENTS_LEAST);
}

const kad_image_view kad_view_independence = {
    .name = "independence",
    .summary = "are latents of held-out images independent, and of the prior",
    .asked = asked,
    .lacks = lacks,
    .run = run,
};

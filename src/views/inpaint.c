/* Holes in held-out pictures, filled in: by draws given the rest, by their mean, by a most
 * probable filling; and what latents that requires. Controls: the hole as the map makes it
 * blind to what lies behind it; as many latents as the inference cone has, but at random; all
 * latents. */
#include "base/grouped.h"
#include "base/memory.h"
#include "base/rng.h"
#include "base/signals.h"
#include "views/store.h"
#include "views/views.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SHEET = 16, RANDOM_SETS = 4, CHAINS = 4, LEAST_SIDE = 16, N_SIDES = 4 };
static const double most_power = 16;

/* Ways to fill a hole, and columns of the sheet behind the picture itself. */
typedef enum way { BLACK, ANCESTRAL, RANDOM, CONE, ALL, MEAN, MAP, N_WAYS } way;
static const char *const way_names[N_WAYS] = {"left black",
                                              "blind to the rest",
                                              "as many latents at random",
                                              "draw, latents of the cone",
                                              "draw, all latents",
                                              "mean of draws",
                                              "most probable"};

typedef struct bench {
    const kad_views *v;
    const kad_image_map *map;
    size_t n, size, plane, n_cone;
    bool *hole, *cone, *random;
    const uint8_t *given;
    uint8_t *x[N_WAYS];
    double *mean; /* of CHAINS independent chains an image */
    int64_t latents[N_WAYS];
    double mse[N_WAYS], mse_err[N_WAYS], psnr[N_WAYS], bpd[N_WAYS], seconds[N_WAYS];
    double accepted;
} bench;

static kad_status take(kad_scope *in, const kad_views *v, bench *b)
{
    *b = (bench){.v = v,
                 .map = v->map,
                 .n = kad_view_n_held_out(v, v->options->inpaint),
                 .size = kad_image_map_size(v->map),
                 .plane = (size_t)v->map->height * (size_t)v->map->width};
    b->given = v->set->held_out.pixels;
    KAD_CALL(kad_take(in, b->plane, &b->hole));
    KAD_CALL(kad_take(in, b->plane, &b->cone));
    KAD_CALL(kad_take(in, b->plane, &b->random));
    KAD_CALL(kad_take(in, b->n * b->size, &b->mean));
    for (int w = 0; w < N_WAYS; w++)
        KAD_CALL(kad_take(in, b->n * b->size, &b->x[w]));
    return KAD_OK;
}

static size_t set_hole(const kad_image_map *map, int side, bool *hole)
{
    const int h = side < map->height ? side : map->height,
              w = side < map->width ? side : map->width;
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            hole[((map->height - h) / 2 + y) * map->width + (map->width - w) / 2 + x] =
                true;
    return (size_t)h * (size_t)w;
}

static void blacken(const bench *b, uint8_t *x)
{
    memcpy(x, b->given, b->n * b->size);
    for (size_t i = 0; i < b->n * b->size; i++)
        if (b->hole[i % b->plane]) x[i] = 0;
}

/* A set of as many sites as the cone has. */
static void draw_set(const bench *b, uint32_t number)
{
    const kad_rng rng = kad_rng_stream(b->v->seed, KAD_RNG_CHAIN, 0x5e7);
    size_t left = b->n_cone;
    for (size_t i = 0; i < b->plane; i++) {
        const double u = kad_rng_uniform(rng, number, i, 0);
        b->random[i] = u * (double)(b->plane - i) < (double)left;
        left -= b->random[i];
    }
}

static kad_status fill(kad_ctx *ctx, bench *b, way w, const bool *free, int sweeps,
                       double power, size_t first, size_t n)
{
    const kad_image_inpainting what = {.hole = b->hole,
                                       .free = free,
                                       .sweeps = sweeps,
                                       .power = power,
                                       .seed = b->v->seed,
                                       .first = first};
    const double begun = kad_wall_seconds();
    double accepted;
    KAD_CALL(kad_stop_check(ctx, "inpainting"));
    KAD_CALL(b->map->ops->inpaint(ctx, b->v->plan, &what, n, b->x[w] + first * b->size,
                                  NULL, &accepted));
    b->seconds[w] += kad_wall_seconds() - begun;
    if (w == CONE) b->accepted = accepted;
    return KAD_OK;
}

static kad_status average(kad_ctx *ctx, bench *b)
{
    KAD_SCOPE(scope, ctx);
    const double begun = kad_wall_seconds();
    double *mean;
    KAD_CALL(kad_take(&scope, b->n * b->size, &mean));
    for (size_t chain = 0; chain < CHAINS; chain++) {
        const kad_image_inpainting what = {.hole = b->hole,
                                           .free = b->cone,
                                           .sweeps = b->v->options->sweeps,
                                           .power = 1,
                                           .seed = b->v->seed,
                                           .first = (chain + 1) * b->n};
        KAD_CALL(kad_stop_check(ctx, "inpainting"));
        blacken(b, b->x[MEAN]);
        KAD_CALL(
            b->map->ops->inpaint(ctx, b->v->plan, &what, b->n, b->x[MEAN], mean, NULL));
        for (size_t i = 0; i < b->n * b->size; i++)
            b->mean[i] += mean[i] / CHAINS;
    }
    for (size_t i = 0; i < b->n * b->size; i++)
        if (b->hole[i % b->plane]) b->x[MEAN][i] = (uint8_t)lrint(b->mean[i]);
    b->seconds[MEAN] = kad_wall_seconds() - begun;
    return KAD_OK;
}

static kad_status fill_all(kad_ctx *ctx, bench *b)
{
    const int S = b->v->options->sweeps;
    for (int w = 0; w < N_WAYS; w++)
        blacken(b, b->x[w]);
    KAD_CALL(fill(ctx, b, ANCESTRAL, NULL, 0, 1, 0, b->n));
    for (size_t i = 0, n = 0; i < b->n; i += n) {
        n = (b->n + RANDOM_SETS - 1) / RANDOM_SETS;
        if (n > b->n - i) n = b->n - i;
        draw_set(b, (uint32_t)i);
        KAD_CALL(fill(ctx, b, RANDOM, b->random, S, 1, i, n));
    }
    KAD_CALL(fill(ctx, b, CONE, b->cone, S, 1, 0, b->n));
    KAD_CALL(fill(ctx, b, ALL, NULL, S, 1, 0, b->n));
    KAD_CALL(fill(ctx, b, MAP, NULL, S, most_power, 0, b->n));
    return average(ctx, b);
}

/* In the hole, over all channels; its error over pictures. */
static void square_errors(bench *b, way w, size_t in_hole)
{
    kad_grouped_mean mean = {0};
    for (size_t i = 0; i < b->n; i++) {
        double one = 0;
        for (size_t k = 0; k < b->size; k++) {
            if (!b->hole[k % b->plane]) continue;
            const double d = (w == MEAN ? b->mean[i * b->size + k]
                                        : (double)b->x[w][i * b->size + k]) -
                             b->given[i * b->size + k];
            one += d * d;
        }
        kad_grouped_mean_add(&mean, kad_image_picture(&b->v->set->held_out, i),
                             one / (double)in_hole);
    }
    b->mse[w] = kad_grouped_mean_value(&mean);
    b->mse_err[w] = kad_grouped_mean_error(&mean);
    b->psnr[w] = 10 * log10(255.0 * 255.0 / b->mse[w]);
}

static kad_status judge(kad_ctx *ctx, bench *b, way w, size_t in_hole)
{
    KAD_SCOPE(scope, ctx);
    const size_t n_bits = b->n * (size_t)(b->v->map->n_levels * b->v->map->n_channels);
    double *bits, sum = 0;
    square_errors(b, w, in_hole * (size_t)b->v->map->n_channels);
    b->bpd[w] = NAN; /* the mean of pictures is none */
    if (w == MEAN) return KAD_OK;
    KAD_CALL(kad_take(&scope, n_bits, &bits));
    KAD_CALL(
        b->map->ops->encode(ctx, b->v->plan, b->v->seed, 0, b->n, b->x[w], NULL, bits));
    for (size_t i = 0; i < n_bits; i++)
        sum += bits[i];
    b->bpd[w] = sum / (double)(b->n * b->size);
    return KAD_OK;
}

/* Sites whose latents a hole touches in a picture of that side. */
static kad_status count_touched(kad_ctx *ctx, const bench *b, int side, bool parallel,
                                int64_t *touched)
{
    KAD_SCOPE(scope, ctx);
    KAD_LOCAL(kad_image_map, map);
    const size_t plane = (size_t)side * (size_t)side;
    bool *hole, *cone;
    double *theta;
    void *plan;
    KAD_CALL(b->map->ops->of_side(ctx, b->map, side, parallel, &map));
    KAD_CALL(kad_take(&scope, plane, &hole));
    KAD_CALL(kad_take(&scope, plane, &cone));
    KAD_CALL(kad_take(&scope, map->n_theta, &theta));
    for (int i = 0; i < map->n_parts; i++)
        map->ops->init(map, i, 0, theta + map->part[i].theta);
    KAD_CALL(map->ops->plan_create(ctx, map, theta, &plan));
    set_hole(map, b->v->options->hole, hole);
    *touched = (int64_t)map->ops->inference_cone(plan, hole, cone);
    map->ops->plan_destroy(plan);
    return KAD_OK;
}

/* With groups generated site by site as the map's are, and with none. */
static kad_status count_sides(kad_ctx *ctx, const bench *b, kad_writer *w)
{
    int64_t side[N_SIDES], touched[2][N_SIDES];
    const size_t n = N_SIDES;
    for (int i = 0; i < N_SIDES; i++) {
        side[i] = LEAST_SIDE << i;
        for (int k = 0; k < 2; k++) {
            KAD_CALL(kad_stop_check(ctx, "inpainting"));
            KAD_CALL(count_touched(ctx, b, LEAST_SIDE << i, k == 1, &touched[k][i]));
        }
    }
    kad_write(w, "side", KAD_H5_I64, "side", "sites", "side of a picture", &n, side);
    kad_write(w, "touched", KAD_H5_I64, "side", "sites",
              "sites whose latents a hole of this size touches", &n, touched[0]);
    kad_write(w, "touched_parallel", KAD_H5_I64, "side", "sites",
              "the same where no group is generated site by site", &n, touched[1]);
    return w->status;
}

/* [image][what is given, black, ...]: a row a picture. */
static void write_sheet(const bench *b, kad_writer *w)
{
    const kad_image_map *map = b->map;
    const size_t n = b->n < SHEET ? b->n : SHEET, columns = N_WAYS + 1;
    const size_t lead[2] = {n, columns};
    const char *names[N_WAYS + 1] = {"given"};
    uint8_t *x = kad_write_scratch(w, n * columns, b->size);
    if (x == NULL) return;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < columns; k++)
            memcpy(x + (i * columns + k) * b->size,
                   (k == 0 ? b->given : b->x[k - 1]) + i * b->size, b->size);
    for (size_t k = 1; k < columns; k++)
        names[k] = way_names[k - 1];
    kad_write_names(w, "picture", "picture", "how its hole is filled", columns, names);
    kad_view_write_images(w, "sheet", "image picture", 2, lead, map->n_channels,
                          map->height, map->width, x, "holes and fillings");
    kad_free(x);
}

static void write(const bench *b, size_t in_hole, kad_writer *w)
{
    const size_t n = N_WAYS;
    kad_write_int(w, "n", (int64_t)b->n);
    kad_write_int(w, "sites_in_hole", (int64_t)in_hole);
    kad_write_int(w, "sweeps", b->v->options->sweeps);
    kad_write_real(w, "acceptance", b->accepted);
    kad_write_int(w, "n_cone_differs",
                  memcmp(b->x[CONE], b->x[ALL], b->n * b->size) != 0);
    kad_write_names(w, "way", "way", "how the hole is filled", n, way_names);
    kad_write(w, "latents", KAD_H5_I64, "way", "sites", "sites whose latents may change",
              &n, b->latents);
    kad_write(w, "mse", KAD_H5_F64, "way", "levels^2", "mean square error in the hole",
              &n, b->mse);
    kad_write(w, "mse_err", KAD_H5_F64, "way", "levels^2",
              "its standard error, over pictures", &n, b->mse_err);
    kad_write(w, "psnr", KAD_H5_F64, "way", "dB", "peak signal to noise in the hole", &n,
              b->psnr);
    kad_write(w, "bpd", KAD_H5_F64, "way", "bits", "bits per dimension of the picture",
              &n, b->bpd);
    kad_write(w, "fill_seconds", KAD_H5_F64, "way", "s", "wall time for all images", &n,
              b->seconds);
}

static kad_status run(kad_ctx *ctx, const kad_views *v, kad_writer *w,
                      char line[KAD_VIEW_LINE])
{
    KAD_SCOPE(scope, ctx);
    bench b;
    KAD_CALL(take(&scope, v, &b));
    const size_t in_hole = set_hole(b.map, v->options->hole, b.hole);
    b.n_cone = b.map->ops->inference_cone(v->plan, b.hole, b.cone);
    const size_t latents[N_WAYS] = {0,       in_hole,  b.n_cone, b.n_cone,
                                    b.plane, b.n_cone, b.n_cone};
    KAD_CALL(fill_all(ctx, &b));
    for (int k = 0; k < N_WAYS; k++) {
        b.latents[k] = (int64_t)latents[k];
        KAD_CALL(judge(ctx, &b, (way)k, in_hole));
    }
    write(&b, in_hole, w);
    write_sheet(&b, w);
    KAD_CALL(count_sides(ctx, &b, w));
    snprintf(line, KAD_VIEW_LINE,
             "inpainting: %zu holes of %zu sites in %.2g s, %zu latents of %zu touched; "
             "MSE %.4g black, %.4g random latents, %.4g drawn, %.4g mean of draws",
             b.n, in_hole, b.seconds[CONE], b.n_cone, b.plane, b.mse[BLACK],
             b.mse[RANDOM], b.mse[CONE], b.mse[MEAN]);
    return w->status;
}

static bool asked(const kad_views *v)
{
    return v->options->inpaint > 0;
}

const kad_image_view kad_view_inpaint = {
    .name = "inpaint",
    .summary = "holes in pictures, filled in",
    .asked = asked,
    .run = run,
};

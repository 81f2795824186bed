#include "affine/recipe.h"

#include "affine/flow.h"
#include "affine/inpaint.h"
#include "affine/values.h"

#include "base/parallel.h"
#include "base/rng.h"
#include "base/signals.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    TIMED = 2, /* steps before a plan: they may take seconds */
    CHUNK = 64 /* images evaluated or drawn at once */
};

typedef struct recipe {
    kad_image_map base;
    kad_affine_map *map;
    kad_pixel_prior prior;
    kad_shape *shapes;
    char layers[KAD_AFFINE_LEVELS_MAX][24]; /* names of options */
    kad_affine_creates *create;
} recipe;

static const recipe *recipe_of(const kad_image_map *base)
{
    return (const recipe *)base;
}

static void destroy(kad_image_map *base)
{
    recipe *r = (recipe *)base;
    kad_affine_map_destroy(r->map);
    kad_free(r->base.part);
    kad_free(r->base.level);
    kad_free(r->shapes);
    kad_free(r);
}

/* --- gradients ------------------------------------------------------------------------------- */

typedef struct desk {
    const recipe *r;
    int n_threads;
    size_t n;
    kad_affine_batch_f32 *batch;
    float *x, *dx;         /* [n][size] */
    double *ln_det, *nats; /* [n][levels][C], [n] */
    bool *mark;            /* [size] */
    double *theta;         /* [n_theta], of a plan alone */
    /* of the step at work */
    const kad_images *images;
    uint64_t seed, step;
} desk;

static void desk_destroy(void *self)
{
    desk *d = self;
    if (!d) return;
    kad_affine_batch_destroy_f32(d->batch);
    kad_free(d->x);
    kad_free(d->dx);
    kad_free(d->ln_det);
    kad_free(d->nats);
    kad_free(d->mark);
    kad_free(d->theta);
    kad_free(d);
}
KAD_LOCAL_OF(desk, desk_destroy)

static kad_status desk_open(kad_ctx *ctx, const recipe *r, size_t n, bool backwards,
                            desk **out)
{
    KAD_LOCAL(desk, d);
    const size_t size = kad_affine_size(r->map);
    *out = NULL;
    KAD_CALL(kad_new(ctx, 1, sizeof *d, &d));
    d->r = r;
    d->n = n;
    d->n_threads = ctx->n_threads;
    KAD_CALL(kad_affine_batch_create_f32(ctx, r->map, n, backwards, &d->batch));
    KAD_CALL(kad_new(ctx, n * size, sizeof *d->x, &d->x));
    KAD_CALL(kad_new(ctx, n * size, sizeof *d->dx, &d->dx));
    KAD_CALL(kad_new(ctx, n * (size_t)(r->map->n_levels * r->map->n_channels),
                     sizeof *d->ln_det, &d->ln_det));
    KAD_CALL(kad_new(ctx, n, sizeof *d->nats, &d->nats));
    KAD_CALL(kad_new(ctx, size, sizeof *d->mark, &d->mark));
    *out = d;
    d = NULL;
    return KAD_OK;
}

static kad_status desk_create(kad_ctx *ctx, const kad_image_map *base, int batch,
                              void **out)
{
    desk *d;
    const kad_status status = desk_open(ctx, recipe_of(base), (size_t)batch, true, &d);
    *out = d;
    return status;
}

static double step_images(const kad_image_map *base, int batch)
{
    (void)base;
    return batch;
}

/* Image i of the step's batch. */
static bool draw_image(void *self, size_t i, int thread)
{
    desk *d = self;
    uint32_t word[4];
    (void)thread;
    kad_rng_u32x4(kad_rng_stream(d->seed, KAD_RNG_TRAIN, 0), d->step, i, 0, word);
    const uint64_t which = (uint64_t)word[0] << 32 | word[1];
    const double ln =
        kad_affine_logit(d->r->map, kad_rng_stream(d->seed, KAD_RNG_TRAIN, 1), d->step, i,
                         kad_image_at(d->images, (size_t)(which % d->images->n)),
                         d->x + i * kad_affine_size(d->r->map), NULL);
    d->nats[i] = -ln;
    return true;
}

/* -ln p of an image; dx its slope by the latents over n. */
static bool meet_prior(void *self, size_t i, int thread)
{
    desk *d = self;
    const size_t size = kad_affine_size(d->r->map),
                 dets = (size_t)(d->r->map->n_levels * d->r->map->n_channels);
    (void)thread;
    d->nats[i] += kad_affine_meet_prior(
        d->r->map, d->r->prior, d->x + i * size, d->ln_det + i * dets,
        1 / ((float)d->n * (float)size), d->dx + i * size);
    return true;
}

/* The gradient is that of nats a dimension, as theirs. */
static double gradient(const kad_image_map *base, int part, uint64_t seed, int64_t step,
                       const kad_images *images, const double *theta, void *self,
                       double *out)
{
    desk *d = self;
    const double size = (double)kad_affine_size(recipe_of(base)->map);
    (void)part;
    d->images = images;
    d->seed = seed;
    d->step = (uint64_t)step;
    kad_affine_load_f32(d->batch, theta);
    kad_parallel_for(d->n_threads, d->n, draw_image, d);
    kad_affine_infer_f32(d->batch, d->n, d->x, d->ln_det);
    kad_parallel_for(d->n_threads, d->n, meet_prior, d);
    const double nats = kad_tree_sum1(d->nats, d->n) / (double)d->n;
    kad_affine_adjoint_f32(d->batch, d->n, -1 / ((double)d->n * size), d->x, d->dx, out);
    return nats;
}

/* --- the trained map --------------------------------------------------------------------------- */

/* Bits of an image by level and channel [n_levels][C]: its values' logit (in dx) and latents (in
 * x), and what the stages stretch. */
static void bits_of(const desk *d, size_t i, double *bits)
{
    const kad_affine_map *map = d->r->map;
    const size_t size = kad_affine_size(map), C = (size_t)map->n_channels,
                 plane = size / C, dets = (size_t)map->n_levels * C;
    for (size_t k = 0; k < dets; k++)
        bits[k] = -d->ln_det[i * dets + k];
    for (size_t k = 0; k < size; k++)
        bits[(size_t)map->level[k] * C + k / plane] -=
            kad_pixel_prior_ln(d->r->prior, (double)d->x[i * size + k]) +
            (double)d->dx[i * size + k];
    for (size_t k = 0; k < dets; k++)
        bits[k] /= log(2);
}

/* Images at places of a stream, up to their latents. */
typedef struct inference {
    desk *d;
    const uint8_t *x; /* of the chunk */
    kad_rng rng;
    uint64_t first; /* number of its first image */
} inference;

static bool take_image(void *self, size_t i, int thread)
{
    const inference *e = self;
    const size_t at = i * kad_affine_size(e->d->r->map);
    (void)thread;
    kad_affine_logit(e->d->r->map, e->rng, 0, e->first + i, e->x + at, e->d->x + at,
                     e->d->dx + at);
    return true;
}

static void infer(inference *e, size_t n)
{
    kad_parallel_for(e->d->n_threads, n, take_image, e);
    kad_affine_infer_f32(e->d->batch, n, e->d->x, e->d->ln_det);
}

static kad_status plan_create(kad_ctx *ctx, const kad_image_map *base,
                              const double *theta, void **out)
{
    KAD_LOCAL(desk, d);
    *out = NULL;
    KAD_CALL(desk_open(ctx, recipe_of(base), CHUNK, false, &d));
    KAD_CALL(kad_new(ctx, base->n_theta, sizeof *d->theta, &d->theta));
    memcpy(d->theta, theta, base->n_theta * sizeof *d->theta);
    kad_affine_load_f32(d->batch, d->theta);
    *out = d;
    d = NULL;
    return KAD_OK;
}

static kad_status evaluate(kad_ctx *ctx, const kad_image_map *base, const double *theta,
                           const kad_images *images, size_t first, size_t n,
                           kad_image_score *score)
{
    KAD_LOCAL(desk, d);
    const kad_affine_map *map = recipe_of(base)->map;
    const int C = map->n_channels;
    const double begun = kad_stop_clock();
    double bits[KAD_IMAGE_LEVELS_MAX * KAD_IMAGE_CHANNELS_MAX];
    KAD_CALL(desk_open(ctx, recipe_of(base), CHUNK, false, &d));
    kad_affine_load_f32(d->batch, theta);
    for (size_t at = 0, k = 0; at < n; at += k) {
        k = n - at < CHUNK ? n - at : CHUNK;
        inference e = {d, kad_image_at(images, first + at),
                       kad_rng_stream(0, KAD_RNG_EVAL, 0), first + at};
        if (kad_stop_overdue(begun)) return kad_stop_fail(ctx, "likelihood of images");
        infer(&e, k);
        for (size_t i = 0; i < k; i++) {
            double sum = 0;
            bits_of(d, i, bits);
            for (int b = 0; b < map->n_levels * C; b++) {
                score->bits[b / C][b % C] += bits[b];
                sum += bits[b];
            }
            kad_grouped_mean_add(&score->mean, kad_image_picture(images, first + at + i),
                                 sum / (double)kad_affine_size(map));
        }
    }
    return KAD_OK;
}

static kad_status encode(kad_ctx *ctx, void *self, uint64_t seed, uint64_t first,
                         size_t n, const uint8_t *x, double *z, double *bits)
{
    desk *d = self;
    const size_t size = kad_affine_size(d->r->map),
                 n_bits = (size_t)(d->r->map->n_levels * d->r->map->n_channels);
    const double begun = kad_stop_clock();
    for (size_t at = 0, k = 0; at < n; at += k) {
        k = n - at < CHUNK ? n - at : CHUNK;
        inference e = {d, x + at * size, kad_rng_stream(seed, KAD_RNG_EVAL, 1),
                       first + at};
        if (kad_stop_overdue(begun)) return kad_stop_fail(ctx, "latents of images");
        infer(&e, k);
        for (size_t i = 0; z != NULL && i < k * size; i++)
            z[at * size + i] = (double)d->x[i];
        for (size_t i = 0; bits != NULL && i < k; i++)
            bits_of(d, i, bits + (at + i) * n_bits);
    }
    return KAD_OK;
}

typedef struct drawing {
    desk *d;
    uint64_t seed;
    size_t first;
    const double *temperature;
    double *z;
    uint8_t *x;
} drawing;

static bool draw_latents(void *self, size_t i, int thread)
{
    const drawing *w = self;
    const kad_affine_map *map = w->d->r->map;
    const size_t size = kad_affine_size(map);
    const kad_rng rng = kad_rng_stream(w->seed, KAD_RNG_DRAW, 0);
    (void)thread;
    for (size_t k = 0; k < size; k++) {
        const double t = kad_rng_uniform(rng, 0, w->first + i, (uint32_t)k);
        const double z = kad_pixel_quantile(w->d->r->prior, t, 1 - t);
        w->z[i * size + k] = w->temperature ? w->temperature[map->level[k]] * z : z;
        w->d->x[i * size + k] = (float)w->z[i * size + k];
    }
    return true;
}

static bool round_levels(void *self, size_t i, int thread)
{
    const drawing *w = self;
    const size_t size = kad_affine_size(w->d->r->map);
    (void)thread;
    for (size_t k = 0; k < size; k++)
        w->x[i * size + k] = kad_affine_level((double)w->d->x[i * size + k]);
    return true;
}

static kad_status draw(kad_ctx *ctx, void *self, uint64_t seed, uint64_t first, size_t n,
                       const double *temperature, double *z, uint8_t *x)
{
    desk *d = self;
    const size_t size = kad_affine_size(d->r->map);
    const double begun = kad_stop_clock();
    for (size_t at = 0, k = 0; at < n; at += k) {
        k = n - at < CHUNK ? n - at : CHUNK;
        drawing w = {d, seed, first + at, temperature, z + at * size, x + at * size};
        if (kad_stop_overdue(begun)) return kad_stop_fail(ctx, "drawing images");
        kad_parallel_for(d->n_threads, k, draw_latents, &w);
        kad_affine_generate_f32(d->batch, k, d->x);
        kad_parallel_for(d->n_threads, k, round_levels, &w);
    }
    return KAD_OK;
}

/* What lies outside of `only` comes out as it was: columns do not depend on one another. */
static kad_status decode(kad_ctx *ctx, void *self, size_t n, const double *z,
                         const bool *const *only, uint8_t *x)
{
    desk *d = self;
    const size_t size = kad_affine_size(d->r->map);
    const double begun = kad_stop_clock();
    (void)only;
    for (size_t at = 0, k = 0; at < n; at += k) {
        k = n - at < CHUNK ? n - at : CHUNK;
        drawing w = {.d = d, .x = x + at * size};
        if (kad_stop_overdue(begun)) return kad_stop_fail(ctx, "images of latents");
        for (size_t i = 0; i < k * size; i++)
            d->x[i] = (float)z[at * size + i];
        kad_affine_generate_f32(d->batch, k, d->x);
        kad_parallel_for(d->n_threads, k, round_levels, &w);
    }
    return KAD_OK;
}

/* Of sites, by a cone of values. */
static size_t cone_of(desk *d, void (*spread)(const kad_affine_map *, bool *),
                      const bool *set, bool *cone)
{
    const size_t size = kad_affine_size(d->r->map),
                 plane = size / (size_t)d->r->map->n_channels;
    size_t n = 0;
    for (size_t k = 0; k < size; k++)
        d->mark[k] = set[k % plane];
    spread(d->r->map, d->mark);
    for (size_t i = 0; i < plane; i++) {
        cone[i] = false;
        for (size_t k = i; k < size; k += plane)
            cone[i] = cone[i] || d->mark[k];
        n += cone[i];
    }
    return n;
}

static size_t generation_cone(void *self, const bool *set, bool *cone)
{
    return cone_of(self, kad_affine_generation_cone, set, cone);
}

static size_t inference_cone(void *self, const bool *set, bool *cone)
{
    return cone_of(self, kad_affine_inference_cone, set, cone);
}

static kad_status inpaint(kad_ctx *ctx, void *self, const kad_image_inpainting *what,
                          size_t n, uint8_t *x, double *mean, double *accepted)
{
    const desk *d = self;
    return kad_affine_inpaint(ctx, d->r->map, d->r->prior, d->theta, what, n, x, mean,
                              accepted);
}

/* --- the map ----------------------------------------------------------------------------------- */

static void init(const kad_image_map *base, int part, uint64_t seed, double *theta)
{
    (void)part;
    kad_affine_init(recipe_of(base)->map, seed, theta);
}

static bool option(const kad_image_map *base, int i, const char **name, int64_t *value)
{
    const recipe *r = recipe_of(base);
    const kad_affine_options *o = &r->map->options;
    const struct {
        const char *name;
        int64_t value;
    } all[] = {{"hidden", o->hidden},
               {"blocks", o->blocks},
               {"laplace", r->prior == KAD_PIXEL_LAPLACE}};
    const int n = sizeof all / sizeof all[0];
    if (i >= n + o->n_layers) return false;
    *name = i < n ? all[i].name : r->layers[i - n];
    *value = i < n ? all[i].value : o->layers[i - n];
    return true;
}

/* Nets do not matter to cones: two rows wide. */
static kad_status of_side(kad_ctx *ctx, const kad_image_map *base, int side,
                          bool parallel, kad_image_map **out)
{
    const recipe *r = recipe_of(base);
    kad_affine_options o = r->map->options;
    (void)parallel;
    o.hidden = 2;
    o.blocks = 1;
    return kad_affine_recipe_create(ctx, r->create, &o, r->prior, base->n_channels, side,
                                    side, out);
}

static const kad_image_map_ops ops = {.destroy = destroy,
                                      .init = init,
                                      .desk_create = desk_create,
                                      .desk_destroy = desk_destroy,
                                      .gradient = gradient,
                                      .step_images = step_images,
                                      .evaluate = evaluate,
                                      .plan_create = plan_create,
                                      .plan_destroy = desk_destroy,
                                      .encode = encode,
                                      .decode = decode,
                                      .draw = draw,
                                      .generation_cone = generation_cone,
                                      .inference_cone = inference_cone,
                                      .inpaint = inpaint,
                                      .of_side = of_side,
                                      .option = option};

/* Matrices of every net, for optimisers that take them as such. */
static int shapes_of(const kad_affine_map *map, kad_shape *shape)
{
    int n = 0;
    for (int i = 0; i < map->n_stages; i++) {
        const kad_affine_stage *s = &map->stage[i];
        const int R = s->n_rows, W = s->net.width;
        for (int l = 0; l < 2 * s->n_layers; l++)
            for (int b = 0; b < s->net.n_blocks; b++) {
                const size_t at =
                    s->theta + (size_t)l * s->net.n_theta + (size_t)b * s->net.block;
                const kad_shape all[] = {{W, R, at + s->net.v1},
                                         {W, W, at + s->net.v2},
                                         {R, W, at + s->net.v3}};
                for (int k = 0; k < 3; k++, n++)
                    if (shape) shape[n] = all[k];
            }
    }
    return n;
}

kad_status kad_affine_recipe_create(kad_ctx *ctx, kad_affine_creates *create,
                                    const kad_affine_options *options,
                                    kad_pixel_prior prior, int n_channels, int height,
                                    int width, kad_image_map **out)
{
    KAD_LOCAL(kad_image_map, base);
    recipe *r;
    *out = NULL;
    KAD_CALL(kad_new(ctx, 1, sizeof *r, &r));
    base = &r->base;
    base->ops = &ops;
    KAD_CALL(create(ctx, options, n_channels, height, width, &r->map));
    KAD_CALL(kad_new(ctx, 1, sizeof *base->part, &base->part));
    KAD_CALL(
        kad_new(ctx, (size_t)shapes_of(r->map, NULL), sizeof *r->shapes, &r->shapes));
    r->prior = prior;
    r->create = create;
    base->n_channels = n_channels;
    base->height = height;
    base->width = width;
    base->n_levels = r->map->n_levels;
    base->n_theta = r->map->n_theta;
    base->n_parts = 1;
    base->n_timed = TIMED;
    base->part[0] = (kad_image_part){.n_theta = base->n_theta,
                                     .n_shapes = shapes_of(r->map, r->shapes),
                                     .shapes = r->shapes,
                                     .n_sites = height * width,
                                     .cost = 1};
    base->laplace = prior == KAD_PIXEL_LAPLACE;
    KAD_CALL(kad_new(ctx, (size_t)height * (size_t)width, sizeof(int), &base->level));
    for (size_t i = 0; i < (size_t)height * (size_t)width; i++) {
        base->level[i] = r->map->level[i]; /* of all channels alike */
        base->n_sites[base->level[i]]++;
    }
    for (int i = 0; i < options->n_layers; i++)
        snprintf(r->layers[i], sizeof r->layers[i], "layers_%d", i);
    *out = base;
    base = NULL;
    return KAD_OK;
}

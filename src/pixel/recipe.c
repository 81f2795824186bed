#include "pixel/recipe.h"

#include "pixel/cone.h"
#include "pixel/inpaint.h"
#include "pixel/map.h"
#include "pixel/net.h"

#include "base/real.h"
#include "base/rng.h"

#include <string.h>

enum {
    N_SHAPES_MAX = 1 + 2 * KAD_PIXEL_BLOCKS_MAX + KAD_PIXEL_CHANNELS_MAX,
    TIMED = 24,  /* steps of every group */
    CHUNK = 256, /* images drawn at once */
    LINE = 64    /* bytes of the processor's cache */
};

typedef struct recipe {
    kad_image_map base;
    kad_pixel_map *map;
    kad_shape *shapes; /* [n_groups][N_SHAPES_MAX] */
} recipe;

static const kad_pixel_map *map_of(const kad_image_map *base)
{
    return ((const recipe *)base)->map;
}

const kad_pixel_map *kad_pixel_recipe_map(const kad_image_map *map)
{
    return map_of(map);
}

static void destroy(kad_image_map *base)
{
    recipe *r = (recipe *)base;
    kad_pixel_map_destroy(r->map);
    kad_free(r->base.part);
    kad_free(r->base.level);
    kad_free(r->shapes);
    kad_free(r);
}

/* --- gradients ----------------------------------------------------------------------------- */

typedef struct desk {
    kad_pixel_tile_f32 tile;
    const uint8_t **image;
    int *site;
    float *packed;
    void *memory;
} desk;

static int columns_of(int batch)
{
    return (batch + KAD_W_SINGLE - 1) / KAD_W_SINGLE * KAD_W_SINGLE;
}

static double step_images(const kad_image_map *base, int batch)
{
    return (double)columns_of(batch) / ((double)base->height * base->width);
}

static void desk_destroy(void *self)
{
    desk *d = self;
    if (!d) return;
    kad_free(d->memory);
    kad_free(d->image);
    kad_free(d->site);
    kad_free(d->packed);
    kad_free(d);
}
KAD_LOCAL_OF(desk, desk_destroy)

static kad_status desk_create(kad_ctx *ctx, const kad_image_map *base, int batch,
                              void **out)
{
    KAD_LOCAL(desk, d);
    const kad_pixel_map *map = map_of(base);
    const size_t columns = (size_t)columns_of(batch);
    const int n_panels = columns_of(batch) / KAD_W_SINGLE;
    size_t most = 0;
    KAD_CALL(kad_new(ctx, 1, sizeof *d, &d));
    KAD_CALL(kad_new(ctx, kad_pixel_tile_bytes_f32(map, n_panels, true), 1, &d->memory));
    char *at = d->memory;
    kad_pixel_tile_cut_f32(map, n_panels, true, &at, &d->tile);
    for (int i = 0; i < map->n_groups; i++)
        if (kad_pixel_packed_f32(map, &map->group[i], true) > most)
            most = kad_pixel_packed_f32(map, &map->group[i], true);
    KAD_CALL(kad_new(ctx, most, sizeof *d->packed, &d->packed));
    KAD_CALL(kad_new(ctx, columns, sizeof *d->image, &d->image));
    KAD_CALL(kad_new(ctx, columns, sizeof *d->site, &d->site));
    *out = d;
    d = NULL;
    return KAD_OK;
}

static void fetch_row(const uint8_t *first, const uint8_t *end)
{
    for (; first < end; first += LINE)
        __builtin_prefetch(first, 0, 2);
}

/* What a site sees is asked for before it is read: images lie far apart. */
static void fetch(const kad_pixel_map *map, const kad_pixel_group *g, int site,
                  const uint8_t *image)
{
    const kad_pixel_options *o = &map->options;
    const int far = g->causal && o->window > o->radius ? o->window : o->radius,
              reach = (far << g->level) * map->width, plane = map->height * map->width;
    const int first = g->site[site] > reach ? g->site[site] - reach : 0;
    const int end = g->site[site] + reach < plane ? g->site[site] + reach : plane;
    const int step = 1 << g->level;
    for (int c = 0; c < map->n_channels; c++, image += plane) {
        fetch_row(image + first, image + end);
        for (int y = g->site[0] / map->width % step; g->n_overview > 0 && y < map->height;
             y += step)
            fetch_row(image + y * map->width, image + (y + 1) * map->width);
    }
}

static void draw_columns(const kad_pixel_map *map, const kad_pixel_group *g, kad_rng rng,
                         int64_t step, const kad_images *images, desk *d)
{
    const int n = d->tile.n_panels * KAD_W_SINGLE;
    const size_t plane = (size_t)map->height * (size_t)map->width;
    for (int i = 0; i < n; i++) {
        uint32_t word[4];
        kad_rng_u32x4(rng, (uint64_t)step, (uint64_t)i, 0, word);
        const uint64_t which = (uint64_t)word[0] << 32 | word[1];
        d->image[i] = kad_image_at(images, (size_t)(which % images->n));
        d->site[i] = (int)(word[2] % (uint32_t)g->n_sites);
        fetch(map, g, d->site[i], d->image[i]);
    }
    kad_pixel_gather_f32(map, g, n, d->image, d->site, &d->tile);
    for (int i = 0; i < n; i++)
        for (int c = 0; c < map->n_channels; c++)
            d->tile.level[(i / KAD_W_SINGLE * map->n_channels + c) * KAD_W_SINGLE +
                          i % KAD_W_SINGLE] =
                d->image[i][(size_t)c * plane + (size_t)g->site[d->site[i]]];
}

static double gradient(const kad_image_map *base, int part, uint64_t seed, int64_t step,
                       const kad_images *images, const double *theta, void *self,
                       double *out)
{
    const kad_pixel_map *map = map_of(base);
    const kad_pixel_group *g = &map->group[part];
    desk *d = self;
    const int n = d->tile.n_panels * KAD_W_SINGLE;
    double channel[KAD_PIXEL_CHANNELS_MAX], loss = 0;
    draw_columns(map, g, kad_rng_stream(seed, KAD_RNG_TRAIN, (uint32_t)part), step,
                 images, d);
    kad_pixel_pack_f32(map, g, true, theta, d->packed);
    kad_pixel_gradient_f32(map, g, d->packed, n, 1.0 / n, &d->tile, channel, out);
    for (int c = 0; c < map->n_channels; c++)
        loss += channel[c] / n;
    return loss * g->n_sites;
}

/* --- the trained map ----------------------------------------------------------------------- */

static kad_status evaluate(kad_ctx *ctx, const kad_image_map *base, const double *theta,
                           const kad_images *images, size_t first, size_t n,
                           kad_image_score *score)
{
    return kad_pixel_evaluate(ctx, map_of(base), theta, images, first, n, score);
}

typedef struct plan {
    const kad_pixel_map *map;
    kad_pixel_plan *weights;
    kad_pixel_cones *cones;
} plan;

static void plan_destroy(void *self)
{
    plan *p = self;
    if (!p) return;
    kad_pixel_cones_destroy(p->cones);
    kad_pixel_plan_destroy(p->weights);
    kad_free(p);
}
KAD_LOCAL_OF(plan, plan_destroy)

static kad_status plan_create(kad_ctx *ctx, const kad_image_map *base,
                              const double *theta, void **out)
{
    KAD_LOCAL(plan, p);
    *out = NULL;
    KAD_CALL(kad_new(ctx, 1, sizeof *p, &p));
    p->map = map_of(base);
    KAD_CALL(kad_pixel_plan_create(ctx, p->map, theta, KAD_PIXEL_NORMAL, &p->weights));
    KAD_CALL(kad_pixel_cones_create(ctx, p->map, &p->cones));
    *out = p;
    p = NULL;
    return KAD_OK;
}

const kad_pixel_plan *kad_pixel_recipe_plan(const void *self)
{
    return ((const plan *)self)->weights;
}

static kad_status encode(kad_ctx *ctx, void *self, uint64_t seed, uint64_t first,
                         size_t n, const uint8_t *x, double *z, double *bits)
{
    KAD_SCOPE(scope, ctx);
    const plan *p = self;
    double *u;
    if (z == NULL)
        return bits != NULL ? kad_pixel_bits(ctx, p->weights, n, x, bits) : KAD_OK;
    KAD_CALL(kad_take(&scope, n * kad_pixel_size(p->map), &u));
    kad_pixel_places(p->map, seed, first, n, u);
    return kad_pixel_encode(ctx, p->weights, n, x, u, z, bits);
}

static kad_status decode(kad_ctx *ctx, void *self, size_t n, const double *z,
                         const bool *const *only, uint8_t *x)
{
    const plan *p = self;
    if (only != NULL) return kad_pixel_decode_only(ctx, p->weights, n, z, only, x);
    return kad_pixel_decode(ctx, p->weights, n, z, x, NULL);
}

static kad_status draw(kad_ctx *ctx, void *self, uint64_t seed, uint64_t first, size_t n,
                       const double *temperature, double *z, uint8_t *x)
{
    const plan *p = self;
    const size_t size = kad_pixel_size(p->map);
    for (size_t at = 0; at < n; at += CHUNK)
        KAD_CALL(kad_pixel_sample(ctx, p->weights, seed, first + at,
                                  n - at < CHUNK ? n - at : CHUNK, temperature,
                                  z + at * size, x + at * size));
    return KAD_OK;
}

static size_t generation_cone(void *self, const bool *set, bool *cone)
{
    return kad_pixel_generation_cone(((const plan *)self)->cones, set, cone);
}

static size_t inference_cone(void *self, const bool *set, bool *cone)
{
    return kad_pixel_inference_cone(((const plan *)self)->cones, set, cone);
}

static kad_status inpaint(kad_ctx *ctx, void *self, const kad_image_inpainting *what,
                          size_t n, uint8_t *x, double *mean, double *accepted)
{
    const plan *p = self;
    return kad_pixel_inpaint(ctx, p->weights, p->cones, what, n, x, mean, accepted);
}

/* --- the map ------------------------------------------------------------------------------- */

static void init(const kad_image_map *base, int part, uint64_t seed, double *theta)
{
    kad_pixel_net_init(map_of(base), &map_of(base)->group[part], seed, theta);
}

static bool option(const kad_image_map *base, int i, const char **name, int64_t *value)
{
    const kad_pixel_options *o = &map_of(base)->options;
    const struct {
        const char *name;
        int64_t value;
    } all[] = {{"hidden", o->hidden},         {"blocks", o->blocks},
               {"components", o->components}, {"radius", o->radius},
               {"causal", o->causal},         {"window", o->window},
               {"position", o->position},     {"tint", o->tint},
               {"overview", o->overview},     {"reach", o->reach},
               {"origin_y", o->origin[0]},    {"origin_x", o->origin[1]},
               {"bfloat", o->bfloat}};
    if (i >= (int)(sizeof all / sizeof all[0])) return false;
    *name = all[i].name;
    *value = all[i].value;
    return true;
}

/* From the corner: where the coarsest site of other sides is, their pictures would say. */
static kad_status of_side(kad_ctx *ctx, const kad_image_map *base, int side,
                          bool parallel, kad_image_map **out)
{
    kad_pixel_options o = map_of(base)->options;
    o.hidden = 8;
    o.origin[0] = o.origin[1] = 0;
    if (parallel) o.causal = 1;
    return kad_pixel_recipe_create(ctx, &o, base->n_channels, side, side, out);
}

static const kad_image_map_ops ops = {.destroy = destroy,
                                      .init = init,
                                      .desk_create = desk_create,
                                      .desk_destroy = desk_destroy,
                                      .gradient = gradient,
                                      .step_images = step_images,
                                      .evaluate = evaluate,
                                      .plan_create = plan_create,
                                      .plan_destroy = plan_destroy,
                                      .encode = encode,
                                      .decode = decode,
                                      .draw = draw,
                                      .generation_cone = generation_cone,
                                      .inference_cone = inference_cone,
                                      .inpaint = inpaint,
                                      .of_side = of_side,
                                      .option = option};

/* The matrices that take steps as such; heads channel by channel. */
static int shapes_of(const kad_pixel_map *map, const kad_pixel_group *g, kad_shape *shape)
{
    const int H = map->options.hidden, G = H / 2;
    int n = 0;
    shape[n++] = (kad_shape){H, g->n_features, g->layout.trunk};
    for (int r = 0; r < map->options.blocks; r++) {
        shape[n++] = (kad_shape){H, H, g->layout.block[r].inner};
        shape[n++] = (kad_shape){H, H, g->layout.block[r].outer};
    }
    for (int c = 0; c < map->n_channels; c++)
        shape[n++] = (kad_shape){G, H, g->layout.head + (size_t)(c * G * H)};
    return n;
}

kad_status kad_pixel_recipe_create(kad_ctx *ctx, const kad_pixel_options *options,
                                   int n_channels, int height, int width,
                                   kad_image_map **out)
{
    KAD_LOCAL(kad_image_map, base);
    recipe *r;
    *out = NULL;
    KAD_CALL(kad_new(ctx, 1, sizeof *r, &r));
    base = &r->base;
    base->ops = &ops;
    KAD_CALL(kad_pixel_map_create(ctx, options, n_channels, height, width, &r->map));
    const kad_pixel_map *map = r->map;
    KAD_CALL(kad_new(ctx, (size_t)map->n_groups, sizeof *base->part, &base->part));
    KAD_CALL(kad_new(ctx, (size_t)map->n_groups * N_SHAPES_MAX, sizeof *r->shapes,
                     &r->shapes));
    KAD_CALL(kad_new(ctx, (size_t)height * (size_t)width, sizeof(int), &base->level));
    base->n_channels = n_channels;
    base->height = height;
    base->width = width;
    base->n_levels = map->n_levels;
    base->n_theta = map->n_theta;
    base->n_parts = map->n_groups;
    base->n_timed = TIMED;
    base->bfloat = map->options.bfloat;
    for (int i = 0; i < map->n_groups; i++) {
        const kad_pixel_group *g = &map->group[i];
        kad_shape *shapes = r->shapes + (size_t)i * N_SHAPES_MAX;
        base->part[i] = (kad_image_part){
            g->theta, g->layout.n_theta, shapes_of(map, g, shapes),
            shapes,   g->n_sites,        g->n_features + 2.0 * map->options.hidden};
        base->n_sites[g->level] += g->n_sites;
        for (int k = 0; k < g->n_sites; k++)
            base->level[g->site[k]] = g->level;
    }
    *out = base;
    base = NULL;
    return KAD_OK;
}

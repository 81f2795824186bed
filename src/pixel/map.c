/* Every use of the map is one walk over the groups, in order, in chunks of columns: with
 * levels given (bits, encoding) a group's columns are all its sites of all images of a tile;
 * so they are in groups that are generated in parallel; in a causal group they are the images
 * at one site. */
#include "pixel/map.h"

#include "pixel/density.h"
#include "pixel/net.h"

#include "base/parallel.h"
#include "base/rng.h"

#include <math.h>
#include <string.h>

enum { COLUMNS = KAD_PIXEL_COLUMNS, PLACES = 1 << 20 };

struct kad_pixel_plan {
    const kad_pixel_map *map;
    kad_pixel_prior prior;
    size_t *begin; /* [n_groups]: weights of a group */
    float *packed;
};

kad_status kad_pixel_plan_create(kad_ctx *ctx, const kad_pixel_map *map,
                                 const double *theta, kad_pixel_prior prior,
                                 kad_pixel_plan **out)
{
    KAD_LOCAL(kad_pixel_plan, plan);
    size_t n = 0;
    *out = NULL;
    KAD_CALL(kad_new(ctx, 1, sizeof *plan, &plan));
    plan->map = map;
    plan->prior = prior;
    KAD_CALL(kad_new(ctx, (size_t)map->n_groups, sizeof *plan->begin, &plan->begin));
    for (int i = 0; i < map->n_groups; i++) {
        plan->begin[i] = n;
        n += kad_cut_bytes(kad_pixel_packed_f32(map, &map->group[i], false),
                           sizeof *plan->packed) /
             sizeof *plan->packed;
    }
    KAD_CALL(kad_new(ctx, n, sizeof *plan->packed, &plan->packed));
    for (int i = 0; i < map->n_groups; i++)
        kad_pixel_pack_f32(map, &map->group[i], false, theta + map->group[i].theta,
                           plan->packed + plan->begin[i]);
    *out = plan;
    plan = NULL;
    return KAD_OK;
}

void kad_pixel_plan_destroy(kad_pixel_plan *plan)
{
    if (!plan) return;
    kad_free(plan->begin);
    kad_free(plan->packed);
    kad_free(plan);
}

/* What a walk does; unused members are NULL. */
typedef struct walk {
    const kad_pixel_plan *plan;
    bool generates;
    size_t n, per_tile;
    const uint8_t *given; /* levels to be encoded, and places */
    const double *places;
    uint8_t *x; /* levels that are generated */
    double *z, *u, *bits;
} walk;

/* A thread's memory. */
typedef struct desk {
    kad_pixel_tile_f32 tile;
    kad_pixel_density density;
    double *rows, *shift, *level, *t, *rest, *u, *mass;
} desk;

static size_t desk_bytes(const kad_pixel_map *map)
{
    return kad_pixel_tile_bytes_f32(map, 1, false) +
           (size_t)(6 * map->options.components + 6) *
               kad_cut_bytes(COLUMNS, sizeof(double));
}

static double *cut_row(char **scratch, int n)
{
    return kad_cut(scratch, (size_t)n * COLUMNS, sizeof(double));
}

static desk lay_out(const kad_pixel_map *map, char *scratch)
{
    const int K = map->options.components;
    desk d;
    kad_pixel_tile_cut_f32(map, 1, false, &scratch, &d.tile);
    d.density.n = K;
    d.density.weight = cut_row(&scratch, K);
    d.density.mean = cut_row(&scratch, K);
    d.density.inverse = cut_row(&scratch, K);
    d.rows = cut_row(&scratch, 3 * K);
    d.shift = cut_row(&scratch, 1);
    d.level = cut_row(&scratch, 1);
    d.t = cut_row(&scratch, 1);
    d.rest = cut_row(&scratch, 1);
    d.u = cut_row(&scratch, 1);
    d.mass = cut_row(&scratch, 1);
    return d;
}

/* Columns of a chunk: images and sites of the group. */
typedef struct chunk {
    const kad_pixel_group *g;
    int n;
    size_t image[COLUMNS];
    int site[COLUMNS];
} chunk;

/* Where column i's level of channel c lies in x, z and u. */
static size_t place(const walk *w, const chunk *k, int i, int c)
{
    const kad_pixel_map *map = w->plan->map;
    const size_t plane = (size_t)map->height * (size_t)map->width;
    return k->image[i] * kad_pixel_size(map) + (size_t)c * plane +
           (size_t)k->g->site[k->site[i]];
}

static void encode_channel(const walk *w, const chunk *k, int c, desk *d)
{
    const kad_pixel_map *map = w->plan->map;
    if (w->bits) {
        kad_pixel_density_mass(&d->density, d->level, d->mass);
        for (int i = 0; i < k->n; i++)
            w->bits[(k->image[i] * (size_t)map->n_levels + (size_t)k->g->level) *
                        (size_t)map->n_channels +
                    (size_t)c] -= log2(d->mass[i]);
    }
    if (!w->z) return;
    for (int i = 0; i < COLUMNS; i++)
        d->u[i] = i < k->n && w->places ? w->places[place(w, k, i, c)] : 0.5;
    kad_pixel_density_infer(&d->density, d->level, d->u, d->t, d->rest);
    for (int i = 0; i < k->n; i++)
        w->z[place(w, k, i, c)] = kad_pixel_quantile(w->plan->prior, d->t[i], d->rest[i]);
}

static void decode_channel(const walk *w, const chunk *k, int c, desk *d)
{
    for (int i = 0; i < COLUMNS; i++) {
        const double z = i < k->n ? w->z[place(w, k, i, c)] : 0;
        kad_pixel_distribution(w->plan->prior, z, &d->t[i], &d->rest[i]);
    }
    kad_pixel_density_generate(&d->density, d->t, d->rest, d->level, d->u);
    for (int i = 0; i < k->n; i++) {
        const size_t at = place(w, k, i, c);
        w->x[at] = (uint8_t)d->level[i];
        if (w->u) w->u[at] = d->u[i];
    }
}

static void do_chunk(const walk *w, const chunk *k, desk *d)
{
    const kad_pixel_map *map = w->plan->map;
    const float *packed = w->plan->packed + w->plan->begin[k->g - map->group];
    const uint8_t *x = w->generates ? w->x : w->given;
    const uint8_t *image[COLUMNS];
    const int C = map->n_channels, K3 = 3 * map->options.components;
    for (int i = 0; i < k->n; i++)
        image[i] = x + k->image[i] * kad_pixel_size(map);
    kad_pixel_gather_f32(map, k->g, k->n, image, k->site, &d->tile);
    kad_pixel_trunk_f32(map, k->g, false, packed, &d->tile);
    for (int c = 0; c < C; c++) {
        kad_pixel_head_f32(map, k->g, c, false, packed, &d->tile);
        for (int i = 0; i < K3 * COLUMNS; i++)
            d->rows[i] = (double)d->tile.out[c * K3 * COLUMNS + i];
        for (int i = 0; i < COLUMNS; i++)
            d->shift[i] = (double)d->tile.skip[c * COLUMNS + i];
        kad_pixel_density_set(d->rows, d->shift, &d->density);
        for (int i = 0; i < COLUMNS; i++)
            d->level[i] = i < k->n && !w->generates ? x[place(w, k, i, c)] : 0;
        if (w->generates)
            decode_channel(w, k, c, d);
        else
            encode_channel(w, k, c, d);
        for (int i = 0; i < COLUMNS; i++)
            d->tile.level[c * COLUMNS + i] = (float)d->level[i];
        kad_pixel_see_f32(map, c, &d->tile);
    }
}

static bool walk_tile(void *self, size_t tile, void *scratch)
{
    const walk *w = self;
    const kad_pixel_map *map = w->plan->map;
    const size_t first = tile * w->per_tile,
                 end = first + w->per_tile < w->n ? first + w->per_tile : w->n;
    desk d = lay_out(map, scratch);
    for (int i = 0; i < map->n_groups; i++) {
        chunk k = {.g = &map->group[i]};
        for (int site = 0; site < k.g->n_sites; site++) {
            for (size_t b = first; b < end; b++) {
                k.image[k.n] = b;
                k.site[k.n++] = site;
                if (k.n < COLUMNS) continue;
                do_chunk(w, &k, &d);
                k.n = 0;
            }
            if (k.n > 0 && w->generates && k.g->causal) {
                do_chunk(w, &k, &d);
                k.n = 0;
            }
        }
        if (k.n > 0) do_chunk(w, &k, &d);
    }
    return true;
}

static kad_status run(kad_ctx *ctx, const char *what, walk *w)
{
    if (w->n == 0) return KAD_OK;
    const size_t n_threads = (size_t)ctx->n_threads;
    w->per_tile = (w->n + n_threads - 1) / n_threads;
    if (w->per_tile > COLUMNS) w->per_tile = COLUMNS;
    return kad_for_tiles(ctx, what, (w->n + w->per_tile - 1) / w->per_tile,
                         desk_bytes(w->plan->map), walk_tile, w);
}

static void clear(const kad_pixel_plan *plan, size_t n, double *bits)
{
    if (bits)
        memset(bits, 0,
               n * (size_t)(plan->map->n_levels * plan->map->n_channels) * sizeof *bits);
}

kad_status kad_pixel_bits(kad_ctx *ctx, const kad_pixel_plan *plan, size_t n,
                          const uint8_t *x, double *bits)
{
    walk w = {.plan = plan, .n = n, .given = x, .bits = bits};
    clear(plan, n, bits);
    return run(ctx, "likelihood of images", &w);
}

void kad_pixel_places(const kad_pixel_map *map, uint64_t seed, uint64_t first, size_t n,
                      double *u)
{
    const kad_rng rng = kad_rng_stream(seed, KAD_RNG_COMPLETE, 0);
    const size_t size = kad_pixel_size(map);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < size; k++) {
            uint32_t word[4];
            kad_rng_u32x4(rng, 0, first + i, (uint32_t)k, word);
            u[i * size + k] = (word[0] % PLACES + 0.5) / PLACES;
        }
}

kad_status kad_pixel_encode(kad_ctx *ctx, const kad_pixel_plan *plan, size_t n,
                            const uint8_t *x, const double *u, double *z, double *bits)
{
    walk w = {.plan = plan, .n = n, .given = x, .places = u, .z = z, .bits = bits};
    clear(plan, n, bits);
    return run(ctx, "encoding images", &w);
}

kad_status kad_pixel_decode(kad_ctx *ctx, const kad_pixel_plan *plan, size_t n,
                            const double *z, uint8_t *x, double *u)
{
    walk w = {.plan = plan, .generates = true, .n = n, .x = x, .u = u};
    w.z = (double *)z; /* read only, where levels are generated */
    return run(ctx, "decoding images", &w);
}

typedef struct drawing {
    const kad_pixel_plan *plan;
    uint64_t seed, first;
    const double *temperature;
    double *z;
} drawing;

static bool draw_image(void *self, size_t image, void *scratch)
{
    const drawing *d = self;
    const kad_pixel_map *map = d->plan->map;
    const size_t size = kad_pixel_size(map),
                 plane = (size_t)map->height * (size_t)map->width;
    const kad_rng rng = kad_rng_stream(d->seed, KAD_RNG_DRAW, 0);
    (void)scratch;
    for (int g = 0; g < map->n_groups; g++)
        for (int i = 0; i < map->group[g].n_sites; i++)
            for (int c = 0; c < map->n_channels; c++) {
                const double T = d->temperature ? d->temperature[map->group[g].level] : 1;
                const size_t at = (size_t)c * plane + (size_t)map->group[g].site[i];
                const double t = kad_rng_uniform(rng, 0, d->first + image, (uint32_t)at);
                d->z[image * size + at] =
                    T * kad_pixel_quantile(d->plan->prior, t, 1 - t);
            }
    return true;
}

kad_status kad_pixel_sample(kad_ctx *ctx, const kad_pixel_plan *plan, uint64_t seed,
                            uint64_t first, size_t n, const double *temperature,
                            double *z, uint8_t *x)
{
    drawing d = {plan, seed, first, temperature, z};
    KAD_CALL(kad_for_tiles(ctx, "drawing latents", n, 0, draw_image, &d));
    return kad_pixel_decode(ctx, plan, n, z, x, NULL);
}

/* Likelihood, encoding and decoding are one walk over the groups, in order, in chunks of
 * columns: with levels given (bits, encoding) a group's columns are all its sites of all
 * images of a tile; so they are in groups that are generated in parallel; in a causal group
 * they are the images at one site. */
#include "pixel/map.h"

#include "base/parallel.h"
#include "base/rng.h"
#include "pixel/visit.h"

#include <math.h>
#include <string.h>

enum { COLUMNS = KAD_PIXEL_COLUMNS, PLACES = 1 << 20 };

/* What a walk does; unused members are NULL. */
typedef struct walk {
    const kad_pixel_plan *plan;
    bool generates;
    size_t n, per_tile;
    const uint8_t *given; /* levels to be encoded, and places */
    const double *places;
    uint8_t *x; /* levels that are generated */
    double *z, *u, *bits;
    const bool *const *only; /* [n][height width]: sites that are generated */
} walk;

/* Where column i's level of channel c lies in z and u. */
static size_t place(const walk *w, const kad_pixel_columns *k, int i, int c)
{
    const kad_pixel_map *map = w->plan->map;
    return k->number[i] * kad_pixel_size(map) + kad_pixel_column_at(map, k, i, c);
}

static void encode_channel(void *self, const kad_pixel_columns *k, int c,
                           kad_pixel_desk *d)
{
    const walk *w = self;
    const kad_pixel_map *map = w->plan->map;
    kad_pixel_visit_mass(w->plan, k, c, d);
    for (int i = 0; i < k->n && w->bits; i++)
        w->bits[(k->number[i] * (size_t)map->n_levels + (size_t)k->group->level) *
                    (size_t)map->n_channels +
                (size_t)c] -= log2(d->mass[i]);
    if (!w->z) return;
    for (int i = 0; i < COLUMNS; i++)
        d->u[i] = i < k->n && w->places ? w->places[place(w, k, i, c)] : 0.5;
    kad_pixel_density_infer(&d->density, d->level, d->u, d->t, d->rest);
    for (int i = 0; i < k->n; i++)
        w->z[place(w, k, i, c)] = kad_pixel_quantile(w->plan->prior, d->t[i], d->rest[i]);
}

static void decode_channel(void *self, const kad_pixel_columns *k, int c,
                           kad_pixel_desk *d)
{
    const walk *w = self;
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

static void do_chunk(walk *w, kad_pixel_columns *k, kad_pixel_desk *d)
{
    if (k->n > 0)
        kad_pixel_visit(w->plan, k, d, w->generates ? decode_channel : encode_channel, w);
    k->n = 0;
}

static bool walk_tile(void *self, size_t tile, void *scratch)
{
    walk *w = self;
    const kad_pixel_map *map = w->plan->map;
    const uint8_t *x = w->generates ? w->x : w->given;
    const size_t first = tile * w->per_tile,
                 end = first + w->per_tile < w->n ? first + w->per_tile : w->n;
    char *at = scratch;
    kad_pixel_desk d = kad_pixel_desk_cut(map, &at);
    for (int i = 0; i < map->n_groups; i++) {
        kad_pixel_columns k = {.group = &map->group[i]};
        for (int site = 0; site < k.group->n_sites; site++) {
            for (size_t b = first; b < end; b++) {
                if (w->only && !w->only[b][k.group->site[site]]) continue;
                k.number[k.n] = b;
                k.image[k.n] = x + b * kad_pixel_size(map);
                k.index[k.n++] = site;
                if (k.n == COLUMNS) do_chunk(w, &k, &d);
            }
            if (w->generates && k.group->causal) do_chunk(w, &k, &d);
        }
        do_chunk(w, &k, &d);
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
                         kad_pixel_desk_bytes(w->plan->map), walk_tile, w);
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

kad_status kad_pixel_decode_only(kad_ctx *ctx, const kad_pixel_plan *plan, size_t n,
                                 const double *z, const bool *const *only, uint8_t *x)
{
    walk w = {.plan = plan, .generates = true, .n = n, .x = x, .only = only};
    w.z = (double *)z;
    return run(ctx, "decoding parts of images", &w);
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

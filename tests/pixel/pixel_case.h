/* Maps with random weights, and random images, for tests. */
#ifndef KAD_TESTS_PIXEL_CASE_H
#define KAD_TESTS_PIXEL_CASE_H

#include "base/rng.h"
#include "pixel/net.h"
#include "pixel/pixel.h"
#include "tests/support/claim.h"

typedef struct pixel_case {
    kad_ctx ctx;
    kad_pixel_map *map;
    double *theta;
} pixel_case;

/* Of a small map. */
static inline kad_pixel_options pixel_case_small(void)
{
    kad_pixel_options o = kad_pixel_defaults();
    o.hidden = 12;
    o.components = 3;
    o.causal = 4;
    return o;
}

static inline double pixel_uniform(uint64_t i, uint32_t what)
{
    return kad_rng_uniform(kad_rng_stream(11, KAD_RNG_TEST, what), 0, i, 0);
}

/* Weights of the start, each moved by up to `rough`, so that no two columns agree. */
static inline void pixel_case_open(pixel_case *s, const kad_pixel_options *options,
                                   int n_channels, int height, int width, double rough)
{
    kad_ctx_init(&s->ctx, 2);
    assert_ok(s,
              kad_pixel_map_create(&s->ctx, options, n_channels, height, width, &s->map));
    s->theta = kad_alloc(s->map->n_theta, sizeof *s->theta);
    for (int g = 0; g < s->map->n_groups; g++)
        kad_pixel_net_init(s->map, &s->map->group[g], 3,
                           s->theta + s->map->group[g].theta);
    for (size_t i = 0; i < s->map->n_theta; i++)
        s->theta[i] += rough * (2 * pixel_uniform(i, 0) - 1);
}

static inline void pixel_case_close(pixel_case *s)
{
    kad_free(s->theta);
    kad_pixel_map_destroy(s->map);
}

/* Half of the levels at the ends, which the density treats apart. */
static inline uint8_t *pixel_case_images(const pixel_case *s, size_t n, uint32_t what)
{
    const size_t size = n * kad_pixel_size(s->map);
    uint8_t *x = kad_alloc(size, 1);
    for (size_t i = 0; i < size; i++) {
        const double t = 2 * pixel_uniform(i, what);
        x[i] = t < 0.5 ? 0 : t < 1 ? 255 : (uint8_t)(256 * (t - 1));
    }
    return x;
}

#endif

#include "pixel/net.h"

#include <math.h>

typedef struct draws {
    kad_rng rng;
    uint64_t group, next;
} draws;

static void normals(draws *d, size_t n, double scale, double *to)
{
    double pair[2];
    for (size_t i = 0; i < n; i += 2) {
        kad_rng_normal2(d->rng, d->group, d->next++, 0, pair);
        to[i] = scale * pair[0];
        if (i + 1 < n) to[i + 1] = scale * pair[1];
    }
}

void kad_pixel_net_init(const kad_pixel_map *map, const kad_pixel_group *g, uint64_t seed,
                        double *theta)
{
    const int K = map->options.components, F = g->n_features;
    const size_t H = (size_t)map->options.hidden, G = H / 2, C = (size_t)map->n_channels;
    const kad_pixel_layout *l = &g->layout;
    draws d = {.rng = kad_rng_stream(seed, KAD_RNG_INIT, 0),
               .group = (uint64_t)(g - map->group)};
    const double narrow = 1 / sqrt((double)H);
    for (size_t i = 0; i < l->n_theta; i++)
        theta[i] = 0;
    normals(&d, H * (size_t)F, 1 / sqrt(F), theta + l->trunk);
    for (int r = 0; r < map->options.blocks; r++) {
        normals(&d, H * H, narrow, theta + l->block[r].inner);
        normals(&d, H * H, 0.3 * narrow, theta + l->block[r].outer);
    }
    normals(&d, C * G * H, narrow, theta + l->head);
    for (size_t c = 0; c < C; c++) {
        double *bias = theta + l->channel[c].out_bias;
        normals(&d, G * (size_t)kad_pixel_n_seen(map, (int)c), narrow,
                theta + l->channel[c].seen);
        normals(&d, (size_t)kad_pixel_n_out(map) * G, 0.2 / sqrt((double)G),
                theta + l->channel[c].out);
        for (int k = 0; k < K; k++) {
            bias[K + k] = (2 * k + 1.0) / K - 1;
            bias[2 * K + k] = -2;
        }
    }
}

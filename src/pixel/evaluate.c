/* Bits of images, a chunk at a time, so that memory does not grow with their number. */
#include "pixel/map.h"

enum { CHUNK = 1024 }; /* images */

kad_status kad_pixel_evaluate(kad_ctx *ctx, const kad_pixel_map *map, const double *theta,
                              const kad_images *images, size_t first, size_t n,
                              kad_image_score *score)
{
    KAD_SCOPE(scope, ctx);
    KAD_LOCAL(kad_pixel_plan, plan);
    const size_t per_image = (size_t)map->n_levels * (size_t)map->n_channels;
    const double size = (double)kad_pixel_size(map);
    double *bits;
    KAD_CALL(kad_take(&scope, CHUNK * per_image, &bits));
    KAD_CALL(kad_pixel_plan_create(ctx, map, theta, KAD_PIXEL_NORMAL, &plan));
    for (size_t i = 0, k = 0; i < n; i += k) {
        k = n - i < CHUNK ? n - i : CHUNK;
        KAD_CALL(kad_pixel_bits(ctx, plan, k, kad_image_at(images, first + i), bits));
        for (size_t j = 0; j < k; j++) {
            double total = 0;
            for (size_t b = 0; b < per_image; b++) {
                const double value = bits[j * per_image + b];
                score->bits[b / (size_t)map->n_channels][b % (size_t)map->n_channels] +=
                    value;
                total += value / size;
            }
            kad_grouped_mean_add(&score->mean, kad_image_picture(images, first + i + j),
                                 total);
        }
    }
    return KAD_OK;
}

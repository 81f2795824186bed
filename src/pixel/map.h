/* The map at work, with weights that stay: likelihood, encoding, decoding and sampling of
 * images. Nets run in single precision, masses and distribution functions in double.
 *
 * Images are x [n][C][height][width], latents z [n][C][height][width] alike: the latent of a
 * level belongs to its site and channel. Threads: those of the context take images; results
 * do not depend on their number, nor on how images are grouped into calls, to the bit. */
#ifndef KAD_PIXEL_MAP_H
#define KAD_PIXEL_MAP_H

#include "pixel/plan.h"
#include "train/image_map.h"

#include <stdint.h>

/* bits [n][n_levels][C]: -log2 P(x) by the level of the site and the channel; divided by
 * C height width their sum is bits per dimension. Of density of y = v + u, u uniform, it is
 * the same. Errors of all of these: KAD_ENOMEM; KAD_EINTERRUPTED. */
KAD_MUST_USE kad_status kad_pixel_bits(kad_ctx *ctx, const kad_pixel_plan *plan, size_t n,
                                       const uint8_t *x, double *bits);

/* Random places u [n][C][height][width] of y = v + u within a level, named by the seed,
 * first + the image's number, site and channel: (k + 1/2) / 2^20, so that decoding is exact. */
void kad_pixel_places(const kad_pixel_map *map, uint64_t seed, uint64_t first, size_t n,
                      double *u);

/* x to z; u as from kad_pixel_places, NULL: 1/2. bits as above, may be NULL. */
KAD_MUST_USE kad_status kad_pixel_encode(kad_ctx *ctx, const kad_pixel_plan *plan,
                                         size_t n, const uint8_t *x, const double *u,
                                         double *z, double *bits);

/* z to x, exact for every z that kad_pixel_encode gives; u [n][C][height][width], which may
 * be NULL: places within the levels. */
KAD_MUST_USE kad_status kad_pixel_decode(kad_ctx *ctx, const kad_pixel_plan *plan,
                                         size_t n, const double *z, uint8_t *x,
                                         double *u);

/* The same at the sites that only[image] [height width] names; levels of x at the others
 * stay, and are what those see. */
KAD_MUST_USE kad_status kad_pixel_decode_only(kad_ctx *ctx, const kad_pixel_plan *plan,
                                              size_t n, const double *z,
                                              const bool *const *only, uint8_t *x);

/* Draws: z from the prior, named by seed and first + its number, times the temperature
 * [n_levels] of its level (NULL: 1), then x. */
KAD_MUST_USE kad_status kad_pixel_sample(kad_ctx *ctx, const kad_pixel_plan *plan,
                                         uint64_t seed, uint64_t first, size_t n,
                                         const double *temperature, double *z,
                                         uint8_t *x);

/* Adds the bits of images first .. first + n - 1 under the map to the score. Errors: as kad_pixel_bits. */
KAD_MUST_USE kad_status kad_pixel_evaluate(kad_ctx *ctx, const kad_pixel_map *map,
                                           const double *theta, const kad_images *images,
                                           size_t first, size_t n,
                                           kad_image_score *score);

#endif

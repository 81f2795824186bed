/* The two ends of a map of couplings: levels as real numbers, latents against their prior.
 *
 * A level v = 0 .. 255 and a place u in [0, 1) within it become
 *   p = 0.05 + 0.9 (v + u)/256,  x = ln p/(1 - p),  ln dx/d(v + u) = ln 0.9/(256 p (1 - p)),
 * as RG-Flow's do (arXiv:2010.00029, after arXiv:1605.08803). */
#ifndef KAD_AFFINE_VALUES_H
#define KAD_AFFINE_VALUES_H

#include "affine/affine.h"
#include "base/rng.h"
#include "pixel/latent.h"

#include <stdint.h>

/* x [C][height][width] of levels v, at places by rng's stream of that step and number; returns
 * the sum of ln dx/d(v + u), and, where it is not NULL, its terms by value. */
double kad_affine_logit(const kad_affine_map *map, kad_rng rng, uint64_t step,
                        uint64_t number, const uint8_t *v, float *x, float *terms);
/* The level of x; beyond the ends the first or the last. */
uint8_t kad_affine_level(double x);
/* Levels have |x| below this. */
double kad_affine_end(void);

/* -ln p(z) of an image's latents less what its stages stretch, the sum of ln_det [levels][C];
 * dz = unit d(-ln p)/dz. */
double kad_affine_meet_prior(const kad_affine_map *map, kad_pixel_prior prior,
                             const float *z, const double *ln_det, float unit, float *dz);

#endif

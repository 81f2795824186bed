#include "affine/values.h"

#include <math.h>

enum { LEVELS = 256 };          /* of a value */
static const double KEEP = 0.9; /* of the unit interval, around 1/2 */

double kad_affine_logit(const kad_affine_map *map, kad_rng rng, uint64_t step,
                        uint64_t number, const uint8_t *v, float *x, float *terms)
{
    const size_t size = kad_affine_size(map);
    double sum = 0;
    for (size_t i = 0; i < size; i += 4) {
        uint32_t word[4];
        kad_rng_u32x4(rng, step, number, (uint32_t)(i / 4), word);
        for (size_t k = 0; k < 4 && i + k < size; k++) {
            /* 24 bits, from the middle of their interval */
            const double u = ((word[k] >> 8) + 0.5) * 0x1p-24;
            const float p = (float)((1 - KEEP) / 2 + KEEP * (v[i + k] + u) / LEVELS);
            const float a = logf(p), b = logf(1 - p);
            const float term = (float)log(KEEP / LEVELS) - a - b;
            x[i + k] = a - b;
            sum += (double)term;
            if (terms) terms[i + k] = term;
        }
    }
    return sum;
}

uint8_t kad_affine_level(double x)
{
    const double p = 1 / (1 + exp(-x)), v = (p - (1 - KEEP) / 2) / KEEP * LEVELS;
    return (uint8_t)fmin(LEVELS - 1, fmax(0, floor(v)));
}

double kad_affine_end(void)
{
    return log((1 + KEEP) / (1 - KEEP));
}

double kad_affine_meet_prior(const kad_affine_map *map, kad_pixel_prior prior,
                             const float *z, const double *ln_det, float unit, float *dz)
{
    const size_t n = kad_affine_size(map);
    const float root = sqrtf(2);
    double sum = -(double)n * kad_pixel_prior_ln(prior, 0);
    if (prior == KAD_PIXEL_LAPLACE) {
        for (size_t k = 0; k < n; k++) {
            sum += (double)(root * fabsf(z[k]));
            dz[k] = unit * (z[k] > 0 ? root : z[k] < 0 ? -root : 0);
        }
    } else {
        for (size_t k = 0; k < n; k++) {
            sum += 0.5 * (double)z[k] * (double)z[k];
            dz[k] = unit * z[k];
        }
    }
    for (int k = 0; k < map->n_levels * map->n_channels; k++)
        sum -= ln_det[k];
    return sum;
}

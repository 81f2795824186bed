/* Scalar random numbers: Random123's Philox, keys and conversions. */
#include "base/rng.h"

#include <Random123/philox.h>
#include <math.h>

kad_rng kad_rng_stream(uint64_t seed, kad_purpose purpose, uint32_t index)
{
    /* the key is itself a Philox output, so that neighbouring seeds share nothing */
    philox4x32_ctr_t c = {
        {(uint32_t)seed, (uint32_t)(seed >> 32), (uint32_t)purpose, index}};
    philox4x32_key_t k = {{0x6b61646bu, 0x616e6f66u}}; /* "kadkanof" */
    philox4x32_ctr_t r = philox4x32(c, k);
    return (kad_rng){{r.v[0], r.v[1]}};
}

void kad_rng_u32x4(kad_rng rng, uint64_t step, uint64_t sample, uint32_t site,
                   uint32_t out[4])
{
    uint32_t high =
        (uint32_t)(step >> 16 & 0xffff0000u) | (uint32_t)(sample >> 32 & 0xffffu);
    philox4x32_ctr_t c = {{(uint32_t)sample, site, (uint32_t)step, high}};
    philox4x32_key_t k = {{rng.key[0], rng.key[1]}};
    philox4x32_ctr_t r = philox4x32(c, k);
    for (int i = 0; i < 4; i++)
        out[i] = r.v[i];
}

/* (k + 1/2) / 2^52 from the upper 52 of 64 bits: exact, so neither 0 nor 1. */
static double uniform(uint32_t low, uint32_t high)
{
    uint64_t k = ((uint64_t)high << 32 | low) >> 12;
    return ((double)k + 0.5) * 0x1p-52;
}

double kad_rng_uniform(kad_rng rng, uint64_t step, uint64_t sample, uint32_t site)
{
    uint32_t w[4];
    kad_rng_u32x4(rng, step, sample, site, w);
    return uniform(w[0], w[1]);
}

void kad_rng_normal2(kad_rng rng, uint64_t step, uint64_t sample, uint32_t site,
                     double out[2])
{
    uint32_t w[4];
    kad_rng_u32x4(rng, step, sample, site, w);
    double radius = sqrt(-2 * log(uniform(w[0], w[1])));
    double angle = 2 * 3.14159265358979323846 * uniform(w[2], w[3]);
    out[0] = radius * cos(angle);
    out[1] = radius * sin(angle);
}

/* Counter-based random numbers: Philox 4x32-10 (Random123; Salmon et al., SC11).
 * A stream is keyed by (seed, purpose); a number is named by its counter (step, sample,
 * site), so nothing depends on the number of threads, the order of evaluation or
 * resumptions.
 *
 * Counter words: c0 = low 32 bits of sample, c1 = site * n_draws_per_site + draw (caller
 * packs it), c2 = low 32 bits of step, c3 = (high 16 bits of step) << 16 | high 16 bits
 * of sample. */
#ifndef KAD_BASE_RNG_H
#define KAD_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

typedef enum kad_purpose {
    KAD_RNG_INIT = 1,  /* initial parameters */
    KAD_RNG_TRAIN,     /* training batches */
    KAD_RNG_EVAL,      /* evaluation during training */
    KAD_RNG_DRAW,      /* direct draws and independent proposals */
    KAD_RNG_ACCEPT,    /* accept/reject */
    KAD_RNG_SYMMETRY,  /* random group elements and translations */
    KAD_RNG_COMPLETE,  /* exact conditional draws of decimated sites */
    KAD_RNG_SPINS,     /* spins given the dual field */
    KAD_RNG_CHAIN,     /* Markov chains (step = update, sample = chain) */
    KAD_RNG_BOOTSTRAP, /* resampling in the analysis */
    KAD_RNG_TEST,
    KAD_RNG_IMAGE /* generated images, random crops, what is held out */
} kad_purpose;

typedef struct kad_rng {
    uint32_t key[2];
} kad_rng;

/* Stream of a seed and a purpose; `index` separates several streams of one purpose. */
kad_rng kad_rng_stream(uint64_t seed, kad_purpose purpose, uint32_t index);

/* Four uniform 32-bit words at a counter. */
void kad_rng_u32x4(kad_rng rng, uint64_t step, uint64_t sample, uint32_t site,
                   uint32_t out[4]);

/* A word as an integer of 0 .. n - 1, n > 0: uneven by at most n/2^32 in relative terms. */
static inline int kad_rng_below(uint32_t word, int n)
{
    return (int)(((uint64_t)word * (uint64_t)n) >> 32);
}

/* One double uniform on (0, 1), 53 bits, never 0 or 1. */
double kad_rng_uniform(kad_rng rng, uint64_t step, uint64_t sample, uint32_t site);

/* Two independent standard normals (Box-Muller, double). */
void kad_rng_normal2(kad_rng rng, uint64_t step, uint64_t sample, uint32_t site,
                     double out[2]);

/* Standard normals for `n_lanes` consecutive samples first_sample, first_sample + 1, ...
 * and the four sub-indices 4*site_quad .. 4*site_quad+3: out[j * stride + lane], j =
 * 0..3. One Philox call a lane gives four numbers; vectorised over lanes. n_lanes is a
 * multiple of 16. Used to fill tiles: row r = 4*site_quad + j is row (site * n_comp +
 * component) of the tile. The f64 version uses the same counters; its numbers are not
 * those of f32. */
void kad_rng_normal_rows_f32(kad_rng rng, uint64_t step, uint64_t first_sample,
                             uint32_t site_quad, size_t n_lanes, size_t stride,
                             float *out);
void kad_rng_normal_rows_f64(kad_rng rng, uint64_t step, uint64_t first_sample,
                             uint32_t site_quad, size_t n_lanes, size_t stride,
                             double *out);
/* For Markov chains, n_lanes a multiple of 32, same layout. Normals in half the time, from
 * half the words: 40 bits for the radius (|x| <= 7.6) and 24 for the angle of a pair. */
void kad_rng_lean_normal_rows_f64(kad_rng rng, uint64_t step, uint64_t first_sample,
                                  uint32_t site_quad, size_t n_lanes, size_t stride,
                                  double *out);
/* The words of kad_rng_u32x4. */
void kad_rng_word_rows(kad_rng rng, uint64_t step, uint64_t first_sample,
                       uint32_t site_quad, size_t n_lanes, size_t stride, uint32_t *out);
/* Uniforms on (0, 1), never 0 or 1; same layout. */
void kad_rng_uniform_rows_f32(kad_rng rng, uint64_t step, uint64_t first_sample,
                              uint32_t site_quad, size_t n_lanes, size_t stride,
                              float *out);
void kad_rng_uniform_rows_f64(kad_rng rng, uint64_t step, uint64_t first_sample,
                              uint32_t site_quad, size_t n_lanes, size_t stride,
                              double *out);
/* The numbers kad_rng_uniform_rows_f64 gives the samples named, in any order; n_lanes is
 * a multiple of 8. */
void kad_rng_uniform_at_f64(kad_rng rng, uint64_t step, const uint64_t *sample,
                            uint32_t site_quad, size_t n_lanes, size_t stride,
                            double *out);

#endif

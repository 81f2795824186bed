/* Rows of random numbers for tiles: Philox 4x32-10 over lanes, word for word the same as
 * Random123's (base/rng.c), with Box-Muller on the vectors of base/vtrig.h.
 *
 * A Philox word lives in the low half of a 64-bit lane, so that one round of 8 (AVX-512)
 * counters is two widening multiplications, two shifts and four xors; the upper halves
 * hold rubbish that the multiplication ignores. Two such vectors, of the even and of the
 * odd samples, merge into one vector of 32-bit words in sample order. */
#include "base/real.h"
#include "base/rng.h"
#include "base/vtrig.h"

#include <stdbool.h>

#if !defined(__AVX__) && defined(__SSE2__)
#include <emmintrin.h>
#endif

typedef uint64_t vword __attribute__((vector_size(KAD_VBYTES), may_alias));
enum { WORDS = KAD_VBYTES / 8 };

#define M0 0xD2511F53u /* multipliers and Weyl increments of Philox 4x32 */
#define M1 0xCD9E8D57u
#define W0 0x9E3779B9u
#define W1 0xBB67AE85u

/* Low 32 bits times m, 64 bits wide. */
KAD_VINLINE vword mul32(vword a, uint32_t m)
{
#if defined(__AVX512F__)
    return (vword)_mm512_mul_epu32((__m512i)a, _mm512_set1_epi64((long long)m));
#elif defined(__AVX2__)
    return (vword)_mm256_mul_epu32((__m256i)a, _mm256_set1_epi64x((long long)m));
#elif defined(__SSE2__) && !defined(__AVX__)
    return (vword)_mm_mul_epu32((__m128i)a, _mm_set1_epi64x((long long)m));
#else
    return (a & 0xffffffffu) * (uint64_t)m;
#endif
}

/* The keys of the ten rounds, in every lane. */
typedef struct schedule {
    vword key[10][2];
} schedule;

KAD_VINLINE void make_schedule(kad_rng rng, schedule *s)
{
    for (uint32_t round = 0; round < 10; round++) {
        s->key[round][0] = (vword){0} + (uint64_t)(uint32_t)(rng.key[0] + round * W0);
        s->key[round][1] = (vword){0} + (uint64_t)(uint32_t)(rng.key[1] + round * W1);
    }
}

/* Ten rounds on n vectors of counters; the words are the low halves of c[0..3]. Vectors
 * advance together: alone, each would wait for its multiplications. */
KAD_VINLINE void philox_many(const int n, vword (*c)[4], const schedule *s)
{
    for (int round = 0; round < 10; round++)
        KAD_UNROLL(8)
    for (int i = 0; i < n; i++) {
        const vword p0 = mul32(c[i][0], M0), p1 = mul32(c[i][2], M1);
        c[i][0] = (p1 >> 32) ^ c[i][1] ^ s->key[round][0];
        c[i][1] = p1;
        c[i][2] = (p0 >> 32) ^ c[i][3] ^ s->key[round][1];
        c[i][3] = p0;
    }
}

KAD_VINLINE void philox(vword c[4], const schedule *s)
{
    philox_many(1, (vword(*)[4])c, s);
}

/* Samples first, first + stride, ..., stride 1 or 2. */
KAD_VINLINE vword samples_from(uint64_t first, uint64_t stride)
{
    static const uint64_t ramp[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    vword sample;
    __builtin_memcpy(&sample, ramp, sizeof sample);
    if (stride == 2) sample += sample;
    return sample + first;
}

/* Counters of samples (layout in base/rng.h). */
KAD_VINLINE void counters(vword c[4], uint64_t step, vword sample, uint32_t site)
{
    c[0] = sample;
    c[1] = (vword){0} + site;
    c[2] = (vword){0} + (step & 0xffffffffu);
    c[3] = ((sample >> 32) & 0xffffu) | ((step >> 16) & 0xffff0000u);
}

#if KAD_PREC == 32
/* The four words of KAD_V consecutive samples, in their order. */
KAD_VINLINE void words(const schedule *s, uint64_t step, uint64_t first, uint32_t site,
                       vint w[4])
{
    vword even[4], odd[4];
    counters(even, step, samples_from(first, 2), site);
    counters(odd, step, samples_from(first + 1, 2), site);
    philox(even, s);
    philox(odd, s);
    for (int j = 0; j < 4; j++)
        w[j] = (vint)((even[j] & 0xffffffffu) | (odd[j] << 32));
}

/* (k + 1/2) / 2^23 from the upper 23 bits: exact, never 0 or 1. */
KAD_VINLINE vreal uniform(vint w)
{
    vint k = (w >> 9) & 0x7fffff;
    return __builtin_convertvector(k, vreal) * 0x1p-23f + 0x1p-24f;
}

/* Box-Muller: radius from 31 bits of a (|x| <= 6.7), angle from all bits of b: the two
 * upper ones are the quadrant, the others the angle within it. */
KAD_VINLINE void normal_pair(vint a, vint b, vreal out[2])
{
    vreal u = __builtin_convertvector((a >> 1) & 0x7fffffff, vreal) * 0x1p-31f + 0x1p-32f;
    vreal radius = kad_vsqrt(kad_vmax(kad_vlog_normal(u) * -2.0f, kad_vset(0)));
    vreal angle = __builtin_convertvector(b << 2, vreal) * 0x1.921fb6p-32f; /* pi/2^33 */
    vreal s, c;
    kad_vsincos_quadrant(angle, (b >> 30) & 3, &s, &c);
    out[0] = radius * c;
    out[1] = radius * s;
}

KAD_VINLINE void four_uniforms(const schedule *s, uint64_t step, uint64_t first,
                               uint32_t site_quad, vreal out[4])
{
    vint w[4];
    words(s, step, first, site_quad, w);
    for (int j = 0; j < 4; j++)
        out[j] = uniform(w[j]);
}

KAD_VINLINE void four_normals(const schedule *s, uint64_t step, uint64_t first,
                              uint32_t site_quad, vreal out[4])
{
    vint w[4];
    words(s, step, first, site_quad, w);
    normal_pair(w[0], w[1], out);
    normal_pair(w[2], w[3], out + 2);
}
#else
/* The words of a vector of counters, two and two together. */
KAD_VINLINE void pair_words(const vword c[4], vword w[2])
{
    w[0] = c[1] << 32 | (c[0] & 0xffffffffu);
    w[1] = c[3] << 32 | (c[2] & 0xffffffffu);
}

/* Doubles need 64 bits each: the second two take a second counter, with the top bit of
 * the site set. Order: (word 1, word 0), (word 3, word 2) of the first, then the second.
 */
KAD_VINLINE void words_at(const schedule *s, uint64_t step, vword sample, uint32_t site,
                          vword w[4])
{
    for (uint32_t h = 0; h < 2; h++) {
        vword c[4];
        counters(c, step, sample, site | h << 31);
        philox(c, s);
        pair_words(c, w + 2 * h);
    }
}

/* (k + 1/2) / 2^52 from the upper 52 bits: exact, never 0 or 1. */
KAD_VINLINE vreal uniform(vword w)
{
    vreal one_two = (vreal)((w >> 12) | 0x3ff0000000000000u);
    return (one_two - 1.0) + 0x1p-53;
}

KAD_VINLINE void normal_pair(vword a, vword b, vreal out[2])
{
    vreal radius = kad_vsqrt(kad_vlog_normal(uniform(a)) * -2.0);
    /* 52 bits of the angle within its quadrant, from -pi/4 to pi/4 */
    vreal angle = (uniform(b << 2) - 0.5) * 1.5707963267948966192;
    vreal s, c;
    kad_vsincos_quadrant(angle, (vint)(b >> 62), &s, &c);
    out[0] = radius * c;
    out[1] = radius * s;
}
#endif

#if KAD_PREC == 32
void kad_rng_normal_rows_f32(kad_rng rng, uint64_t step, uint64_t first_sample,
                             uint32_t site_quad, size_t n_lanes, size_t stride,
                             float *out)
{
    schedule keys;
    make_schedule(rng, &keys);
    for (size_t lane = 0; lane < n_lanes; lane += KAD_V) {
        vreal x[4];
        four_normals(&keys, step, first_sample + lane, site_quad, x);
        for (size_t j = 0; j < 4; j++)
            *(vreal *)(out + j * stride + lane) = x[j];
    }
}

void kad_rng_uniform_rows_f32(kad_rng rng, uint64_t step, uint64_t first_sample,
                              uint32_t site_quad, size_t n_lanes, size_t stride,
                              float *out)
{
    schedule keys;
    make_schedule(rng, &keys);
    for (size_t lane = 0; lane < n_lanes; lane += KAD_V) {
        vreal x[4];
        four_uniforms(&keys, step, first_sample + lane, site_quad, x);
        for (size_t j = 0; j < 4; j++)
            *(vreal *)(out + j * stride + lane) = x[j];
    }
}

/* Even and odd samples of two vectors of words, all in step. */
void kad_rng_word_rows(kad_rng rng, uint64_t step, uint64_t first_sample,
                       uint32_t site_quad, size_t n_lanes, size_t stride, uint32_t *out)
{
    schedule keys;
    make_schedule(rng, &keys);
    for (size_t lane = 0; lane < n_lanes; lane += 2 * KAD_V) {
        vword c[4][4];
        KAD_UNROLL(4)
        for (size_t i = 0; i < 4; i++)
            counters(c[i], step,
                     samples_from(first_sample + lane + i / 2 * KAD_V + i % 2, 2),
                     site_quad);
        philox_many(4, c, &keys);
        KAD_UNROLL(2)
        for (size_t i = 0; i < 2; i++)
            KAD_UNROLL(4)
        for (size_t j = 0; j < 4; j++)
            *(vword *)(out + j * stride + lane + i * KAD_V) =
                (c[2 * i][j] & 0xffffffffu) | c[2 * i + 1][j] << 32;
    }
}
#else
/* Rows of uniforms, or of normals (a constant after inlining): two vectors of samples, both
 * counters, all in step. */
KAD_VINLINE void full_rows(const bool normal, kad_rng rng, uint64_t step,
                           uint64_t first_sample, uint32_t site_quad, size_t n_lanes,
                           size_t stride, double *out)
{
    schedule keys;
    make_schedule(rng, &keys);
    for (size_t lane = 0; lane < n_lanes; lane += 2 * KAD_V) {
        vword c[4][4];
        KAD_UNROLL(4)
        for (uint32_t i = 0; i < 4; i++)
            counters(c[i], step, samples_from(first_sample + lane + i / 2 * KAD_V, 1),
                     site_quad | (i % 2) << 31);
        philox_many(4, c, &keys);
        KAD_UNROLL(4)
        for (size_t i = 0; i < 4; i++) {
            double *row = out + i % 2 * 2 * stride + lane + i / 2 * KAD_V;
            vword w[2];
            vreal pair[2];
            pair_words(c[i], w);
            if (normal) {
                normal_pair(w[0], w[1], pair);
            } else {
                pair[0] = uniform(w[0]);
                pair[1] = uniform(w[1]);
            }
            *(vreal *)row = pair[0];
            *(vreal *)(row + stride) = pair[1];
        }
    }
}

void kad_rng_uniform_rows_f64(kad_rng rng, uint64_t step, uint64_t first_sample,
                              uint32_t site_quad, size_t n_lanes, size_t stride,
                              double *out)
{
    full_rows(false, rng, step, first_sample, site_quad, n_lanes, stride, out);
}

void kad_rng_normal_rows_f64(kad_rng rng, uint64_t step, uint64_t first_sample,
                             uint32_t site_quad, size_t n_lanes, size_t stride,
                             double *out)
{
    full_rows(true, rng, step, first_sample, site_quad, n_lanes, stride, out);
}

/* 1 / x and sqrt x to about an ulp, for normal x > 0, without the divider where there is
 * a faster way: Newton's and Goldschmidt's steps from 14 bits. */
KAD_VINLINE vreal reciprocal(vreal x)
{
#ifdef KAD_VAVX512
    vreal r = (vreal)_mm512_rcp14_pd((kad_vraw)x);
    r += r * (1 - x * r);
    return r + r * (1 - x * r);
#else
    return 1 / x;
#endif
}

KAD_VINLINE vreal square_root(vreal x)
{
#ifdef KAD_VAVX512
    const vreal inverse = (vreal)_mm512_rsqrt14_pd((kad_vraw)x);
    vreal root = x * inverse, half = inverse * 0.5;
    for (int k = 0; k < 2; k++) {
        const vreal e = 0.5 - root * half;
        root += root * e;
        half += half * e;
    }
    return root;
#else
    return kad_vsqrt(x);
#endif
}

enum { PAIRS = 8 }; /* words at a time, all in step */

/* Box-Muller from words: u = (k + 1/2) / 2^40 of the upper 40 bits, radius sqrt(-2 ln u),
 * |x| <= 7.6; one of 2^24 equidistant angles from the lower 24, over which every
 * trigonometric polynomial of lower degree has its mean. */
KAD_VINLINE void lean_pairs(const vword w[PAIRS], vreal x[PAIRS], vreal y[PAIRS])
{
    static const double series[7] = {0.14723048142005067855, 0.15321683130750284613,
                                     0.18183250242850828426, 0.22222204975531928517,
                                     0.28571428675765850833, 0.39999999999737869671,
                                     0.66666666666666811099};
    const vword one = (vword){0} + 0x3ff0000000000000u;
    const vint middle = (vint)kad_vset(0.70710678118654752440);
    vreal n[PAIRS], q[PAIRS], p[PAIRS];
    KAD_UNROLL(8)
    for (int i = 0; i < PAIRS; i++) { /* ln u as kad_vlog_normal has it */
        const vreal u = ((vreal)(((w[i] >> 12) & ~(uint64_t)0xfff) | one) - 1) + 0x1p-41;
        const vint e = ((vint)u - middle) >> KAD_VMANT_BITS;
        const vreal f = (vreal)((vint)u - (e << KAD_VMANT_BITS)) - 1;
        n[i] = (vreal)(e + (vint)kad_vset(KAD_VMAGIC)) - KAD_VMAGIC;
        q[i] = f * reciprocal(f + 2);
        p[i] = kad_vset(0);
    }
    KAD_UNROLL(7)
    for (int k = 0; k < 7; k++)
        KAD_UNROLL(8)
    for (int i = 0; i < PAIRS; i++)
        p[i] = p[i] * (q[i] * q[i]) + series[k];
    KAD_UNROLL(8)
    for (int i = 0; i < PAIRS; i++) {
        const vreal ln =
            n[i] * 0.69314718055994530942 + (q[i] * 2 + q[i] * (p[i] * (q[i] * q[i])));
        p[i] = square_root(ln * -2);
    }
    KAD_UNROLL(8)
    for (int i = 0; i < PAIRS; i++) {
        const vreal t = (vreal)((w[i] & 0x3fffff) << 30 | one); /* [1, 2) */
        vreal s, c;
        kad_vsincos_quadrant((t - (1.5 - 0x1p-23)) * 1.5707963267948966192,
                             (vint)(w[i] >> 22) & 3, &s, &c);
        x[i] = p[i] * c;
        y[i] = p[i] * s;
    }
}

void kad_rng_lean_normal_rows_f64(kad_rng rng, uint64_t step, uint64_t first_sample,
                                  uint32_t site_quad, size_t n_lanes, size_t stride,
                                  double *out)
{
    enum { VECTORS = PAIRS / 2 };
    schedule keys;
    make_schedule(rng, &keys);
    for (size_t lane = 0; lane < n_lanes; lane += VECTORS * KAD_V) {
        vword c[VECTORS][4], w[PAIRS];
        vreal x[PAIRS], y[PAIRS];
        KAD_UNROLL(4)
        for (size_t i = 0; i < VECTORS; i++)
            counters(c[i], step, samples_from(first_sample + lane + i * KAD_V, 1),
                     site_quad);
        philox_many(VECTORS, c, &keys);
        KAD_UNROLL(4)
        for (size_t i = 0; i < VECTORS; i++)
            pair_words(c[i], w + 2 * i);
        lean_pairs(w, x, y);
        KAD_UNROLL(8)
        for (size_t i = 0; i < PAIRS; i++) {
            double *row = out + i % 2 * 2 * stride + lane + i / 2 * KAD_V;
            *(vreal *)row = x[i];
            *(vreal *)(row + stride) = y[i];
        }
    }
}

void kad_rng_uniform_at_f64(kad_rng rng, uint64_t step, const uint64_t *sample,
                            uint32_t site_quad, size_t n_lanes, size_t stride,
                            double *out)
{
    schedule keys;
    make_schedule(rng, &keys);
    for (size_t lane = 0; lane < n_lanes; lane += KAD_V) {
        vword name, w[4];
        __builtin_memcpy(&name, sample + lane, sizeof name);
        words_at(&keys, step, name, site_quad, w);
        for (size_t j = 0; j < 4; j++)
            *(vreal *)(out + j * stride + lane) = uniform(w[j]);
    }
}
#endif

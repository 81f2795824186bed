/* SHA-256 by the SHA extensions of x86 processors, ten times as fast as portable C: Intel,
 * "Intel SHA Extensions" (2013). The state is kept in two vectors, ABEF and CDGH; sha256rnds2 does
 * two rounds, sha256msg1 and sha256msg2 four words of the message schedule. */
#include "io/sha256_impl.h"

#if defined __x86_64__ && defined __GNUC__

#include <cpuid.h>
#include <immintrin.h>
#include <stdatomic.h>
#include <stdbool.h>

typedef struct vectors {
    __m128i abef, cdgh;
} vectors;

#define WITH_SHA __attribute__((target("sha,sse4.1,ssse3")))

/* Rounds t to t + 3 with their words of the schedule. */
WITH_SHA static inline void rounds(vectors *s, __m128i w, int t)
{
    const __m128i sum = _mm_add_epi32(
        w, _mm_loadu_si128((const __m128i *)(const void *)&kad_sha256_k[t]));
    s->cdgh = _mm_sha256rnds2_epu32(s->cdgh, s->abef, sum);
    s->abef = _mm_sha256rnds2_epu32(s->abef, s->cdgh, _mm_shuffle_epi32(sum, 0x0e));
}

/* Words t to t + 3 from the sixteen before them, four a vector. */
WITH_SHA static inline __m128i schedule(__m128i w16, __m128i w12, __m128i w8, __m128i w4)
{
    const __m128i t7 = _mm_alignr_epi8(w4, w8, 4);
    return _mm_sha256msg2_epu32(_mm_add_epi32(_mm_sha256msg1_epu32(w16, w12), t7), w4);
}

WITH_SHA static inline void block(vectors *s, const unsigned char *data)
{
    const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    const __m128i *words = (const __m128i *)(const void *)data;
    __m128i w0 = _mm_shuffle_epi8(_mm_loadu_si128(words), big_endian);
    __m128i w1 = _mm_shuffle_epi8(_mm_loadu_si128(words + 1), big_endian);
    __m128i w2 = _mm_shuffle_epi8(_mm_loadu_si128(words + 2), big_endian);
    __m128i w3 = _mm_shuffle_epi8(_mm_loadu_si128(words + 3), big_endian);
    for (int t = 0;; t += 16) {
        rounds(s, w0, t);
        rounds(s, w1, t + 4);
        rounds(s, w2, t + 8);
        rounds(s, w3, t + 12);
        if (t == 48) return;
        w0 = schedule(w0, w1, w2, w3);
        w1 = schedule(w1, w2, w3, w0);
        w2 = schedule(w2, w3, w0, w1);
        w3 = schedule(w3, w0, w1, w2);
    }
}

WITH_SHA static void blocks(uint32_t hash[8], const unsigned char *data, size_t n)
{
    /* a to h of the standard, the first in the highest word of a vector */
    vectors s = {_mm_set_epi32((int)hash[0], (int)hash[1], (int)hash[4], (int)hash[5]),
                 _mm_set_epi32((int)hash[2], (int)hash[3], (int)hash[6], (int)hash[7])};
    for (; n > 0; n--, data += 64) {
        const vectors before = s;
        block(&s, data);
        s.abef = _mm_add_epi32(s.abef, before.abef);
        s.cdgh = _mm_add_epi32(s.cdgh, before.cdgh);
    }
    hash[0] = (uint32_t)_mm_extract_epi32(s.abef, 3);
    hash[1] = (uint32_t)_mm_extract_epi32(s.abef, 2);
    hash[4] = (uint32_t)_mm_extract_epi32(s.abef, 1);
    hash[5] = (uint32_t)_mm_extract_epi32(s.abef, 0);
    hash[2] = (uint32_t)_mm_extract_epi32(s.cdgh, 3);
    hash[3] = (uint32_t)_mm_extract_epi32(s.cdgh, 2);
    hash[6] = (uint32_t)_mm_extract_epi32(s.cdgh, 1);
    hash[7] = (uint32_t)_mm_extract_epi32(s.cdgh, 0);
}

static bool has_instructions(void)
{
    unsigned a, b, c, d;
    if (__get_cpuid_max(0, NULL) < 7) return false;
    __cpuid(1, a, b, c, d);
    if (!(c & bit_SSSE3) || !(c & bit_SSE4_1)) return false;
    __cpuid_count(7, 0, a, b, c, d); /* __get_cpuid_count is of gcc 7 */
    return (b & bit_SHA) != 0;
}

kad_sha256_blocks *kad_sha256_instructions(void)
{
    static _Atomic int known; /* 0: not asked yet, 1: no, 2: yes */
    int now = atomic_load(&known);
    if (now == 0) {
        now = has_instructions() ? 2 : 1;
        atomic_store(&known, now);
    }
    return now == 2 ? blocks : NULL;
}

#else

kad_sha256_blocks *kad_sha256_instructions(void)
{
    return NULL;
}

#endif

/* Vector evaluation of a radial table (radial_table.h), in either precision.
 * The 16 octaves v < 65536 are looked up by register permutes, the rest by a gather. */
#ifndef KAD_MODELS_RADIAL_KERN_H
#define KAD_MODELS_RADIAL_KERN_H

#include "base/real.h"
#include "models/radial_table.h"

#ifdef __AVX512F__
#include <immintrin.h>
#endif

#if KAD_PREC == 32
#define RADIAL_TERMS KAD_RADIAL_TERMS_F32
#define RADIAL_MANTISSA 23
#define RADIAL_BIAS 127
#define RADIAL_ONE 0x3f800000
#define RADIAL_MASK 0x007fffff
#define RADIAL_EXPONENT 0xff
#else
#define RADIAL_TERMS KAD_RADIAL_TERMS_F64
#define RADIAL_MANTISSA 52
#define RADIAL_BIAS 1023
#define RADIAL_ONE 0x3ff0000000000000
#define RADIAL_MASK 0x000fffffffffffff
#define RADIAL_EXPONENT 0x7ff
#endif

/* table[k] of each lane, any octave. */
static inline vreal radial_gather(const real *row, vint k)
{
    vreal r = {0};
    for (int l = 0; l < KAD_V; l++)
        r[l] = row[k[l]];
    return r;
}

/* table[k] of each lane, k < 16. */
static inline vreal radial_permute(const real *row, vint k)
{
#if defined(__AVX512F__) && KAD_PREC == 32
    return (vreal)_mm512_permutexvar_ps((__m512i)k, *(const __m512 *)row);
#elif defined(__AVX512F__)
    return (vreal)_mm512_permutex2var_pd(((const __m512d *)row)[0], (__m512i)k,
                                         ((const __m512d *)row)[1]);
#else
    return radial_gather(row, k);
#endif
}

static inline int radial_any_above(vint k, ireal limit)
{
#if defined(__AVX512F__) && KAD_PREC == 32
    return _mm512_cmpgt_epi32_mask((__m512i)k, _mm512_set1_epi32(limit)) != 0;
#elif defined(__AVX512F__)
    return _mm512_cmpgt_epi64_mask((__m512i)k, _mm512_set1_epi64(limit)) != 0;
#else
    const vint above = k > limit;
    ireal any = 0;
    for (int l = 0; l < KAD_V; l++)
        any |= above[l];
    return any != 0;
#endif
}

/* f = F(s) and df = dF/ds. */
static inline __attribute__((always_inline)) void
radial_eval(const kad_radial_table *table, vreal s, vreal *f_out, vreal *df_out)
{
    const real slope = (real)table->slope;
    const vreal v = s * slope + (real)1;
    const vint bits = (vint)v;
    vint k = ((bits >> RADIAL_MANTISSA) & RADIAL_EXPONENT) - RADIAL_BIAS;
    const vint beyond = k > KAD_RADIAL_OCTAVES;
    k = (k & ~beyond) | (beyond & KAD_RADIAL_OCTAVES);
    const vreal y = (vreal)((bits & RADIAL_MASK) | (ireal)RADIAL_ONE) * (real)2 - (real)3;
    vreal f, df = {0};
    if (__builtin_expect(!radial_any_above(k, 15), 1)) {
        f = radial_permute(KR(table->c)[RADIAL_TERMS - 1], k);
        KAD_UNROLL(20)
        for (int j = RADIAL_TERMS - 2; j >= 0; j--) {
            df = df * y + f;
            f = f * y + radial_permute(KR(table->c)[j], k);
        }
    } else {
        f = radial_gather(KR(table->c)[RADIAL_TERMS - 1], k);
        for (int j = RADIAL_TERMS - 2; j >= 0; j--) {
            df = df * y + f;
            f = f * y + radial_gather(KR(table->c)[j], k);
        }
    }
    const vint exponent = ((ireal)(RADIAL_BIAS + 1) - k) << RADIAL_MANTISSA; /* 2^(1-k) */
    *f_out = f;
    *df_out = df * (vreal)exponent * slope;
}

#endif

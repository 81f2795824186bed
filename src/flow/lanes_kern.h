/* Helpers on the lanes of a tile, shared by kernels: sums over lanes, log-determinants,
 * small vectors, and reciprocals without the divider.
 *
 * On AVX-512 kad_lanes_rcp and kad_lanes_rsqrt start from the 14-bit hardware estimate
 * and polish it by Newton steps (one in single, two in double), on AVX in single precision
 * from that of 12 bits by one step of third order: within 2 ulp, for positive normal arguments
 * away from overflow. Elsewhere they divide. */
#ifndef KAD_FLOW_LANES_KERN_H
#define KAD_FLOW_LANES_KERN_H

#include "base/vmath.h"

#include <stddef.h>

#define KAD_LANES_INLINE static inline __attribute__((always_inline, unused))

/* 1/x */
KAD_LANES_INLINE vreal kad_lanes_rcp(vreal x)
{
#ifdef KAD_VAVX512
#if KAD_PREC == 32
    const vreal y = (vreal)_mm512_rcp14_ps((__m512)x);
    return y + y * (RC(1.0) - x * y);
#else
    vreal y = (vreal)_mm512_rcp14_pd((__m512d)x);
    y = y + y * (RC(1.0) - x * y);
    return y + y * (RC(1.0) - x * y);
#endif
#else
    return kad_vrecip(x);
#endif
}

/* 1/sqrt(x) */
KAD_LANES_INLINE vreal kad_lanes_rsqrt(vreal x)
{
#ifdef KAD_VAVX512
#if KAD_PREC == 32
    const vreal y = (vreal)_mm512_rsqrt14_ps((__m512)x);
    return y + (RC(0.5) * y) * (RC(1.0) - (x * y) * y);
#else
    vreal y = (vreal)_mm512_rsqrt14_pd((__m512d)x);
    y = y + (RC(0.5) * y) * (RC(1.0) - (x * y) * y);
    return y + (RC(0.5) * y) * (RC(1.0) - (x * y) * y);
#endif
#elif KAD_PREC == 32 && defined(__AVX__)
    const vreal y = (vreal)_mm256_rsqrt_ps((__m256)x), open = RC(1.0) - (x * y) * y;
    return y + (y * open) * (RC(0.5) + RC(0.375) * open);
#else
    return RC(1.0) / kad_vsqrt(x);
#endif
}

/* log(1 + e) for 0 <= e <= 1: relative error 3.2e-7 in single (a minimax polynomial of our
 * own, no division), as kad_vlog1p_unit in double. */
KAD_LANES_INLINE vreal kad_lanes_log1p(vreal e)
{
#if KAD_PREC == 32
    vreal p = kad_vset(-0.00853921007f);
    p = p * e + 0.044089634f;
    p = p * e - 0.107681714f;
    p = p * e + 0.177452415f;
    p = p * e - 0.244954631f;
    p = p * e + 0.332754791f;
    p = p * e - 0.499974042f;
    p = p * e + 0.999999821f;
    return p * e;
#else
    return kad_vlog1p_unit(e);
#endif
}

/* Vector v of component c, in the row of a site of several. */
KAD_LANES_INLINE int kad_at(int c, int v)
{
    return c * KAD_NV + v;
}

/* a . b in R^n, n = 1, 2, 3. */
KAD_LANES_INLINE vreal kad_dot(const int n, const vreal *a, const vreal *b)
{
    vreal sum = a[0] * b[0];
    if (n > 1) sum += a[1] * b[1];
    if (n > 2) sum += a[2] * b[2];
    return sum;
}

/* e^{-|x|} and the logistic function 1/(1 + e^{-x}), never 0 * inf. */
KAD_LANES_INLINE vreal kad_lanes_sigmoid(vreal x, vreal *tail)
{
    *tail = kad_vexp_fast(-kad_vabs(x));
    const vreal small = kad_lanes_rcp(RC(1.0) + *tail);
    return kad_vselect(kad_vgt(x, kad_vset(RC(0.0))), small, *tail * small);
}

/* Sum over the lanes of a vector in memory, in a fixed tree. */
KAD_LANES_INLINE real kad_lanes_sum(const vreal *v)
{
    return kad_vsum(*v);
}

#ifdef KAD_VAVX512
/* One step of summing KAD_V vectors at once: a and b hold partial sums of `w` vectors
 * each, interleaved lane by lane; the result those of all 2 w. */
#if KAD_PREC == 32
#define KAD_LANES_FOLD(w, a, b)                                                          \
    (__builtin_shufflevector(                                                            \
         a, b, KAD_FOLD(w, 0, 16), KAD_FOLD(w, 1, 16), KAD_FOLD(w, 2, 16),               \
         KAD_FOLD(w, 3, 16), KAD_FOLD(w, 4, 16), KAD_FOLD(w, 5, 16), KAD_FOLD(w, 6, 16), \
         KAD_FOLD(w, 7, 16), KAD_FOLD(w, 8, 16), KAD_FOLD(w, 9, 16),                     \
         KAD_FOLD(w, 10, 16), KAD_FOLD(w, 11, 16), KAD_FOLD(w, 12, 16),                  \
         KAD_FOLD(w, 13, 16), KAD_FOLD(w, 14, 16), KAD_FOLD(w, 15, 16)) +                \
     __builtin_shufflevector(                                                            \
         a, b, KAD_FOLD(w, 0, 16) + w, KAD_FOLD(w, 1, 16) + w, KAD_FOLD(w, 2, 16) + w,   \
         KAD_FOLD(w, 3, 16) + w, KAD_FOLD(w, 4, 16) + w, KAD_FOLD(w, 5, 16) + w,         \
         KAD_FOLD(w, 6, 16) + w, KAD_FOLD(w, 7, 16) + w, KAD_FOLD(w, 8, 16) + w,         \
         KAD_FOLD(w, 9, 16) + w, KAD_FOLD(w, 10, 16) + w, KAD_FOLD(w, 11, 16) + w,       \
         KAD_FOLD(w, 12, 16) + w, KAD_FOLD(w, 13, 16) + w, KAD_FOLD(w, 14, 16) + w,      \
         KAD_FOLD(w, 15, 16) + w))
#else
#define KAD_LANES_FOLD(w, a, b)                                                         \
    (__builtin_shufflevector(a, b, KAD_FOLD(w, 0, 8), KAD_FOLD(w, 1, 8),                \
                             KAD_FOLD(w, 2, 8), KAD_FOLD(w, 3, 8), KAD_FOLD(w, 4, 8),   \
                             KAD_FOLD(w, 5, 8), KAD_FOLD(w, 6, 8), KAD_FOLD(w, 7, 8)) + \
     __builtin_shufflevector(a, b, KAD_FOLD(w, 0, 8) + w, KAD_FOLD(w, 1, 8) + w,        \
                             KAD_FOLD(w, 2, 8) + w, KAD_FOLD(w, 3, 8) + w,              \
                             KAD_FOLD(w, 4, 8) + w, KAD_FOLD(w, 5, 8) + w,              \
                             KAD_FOLD(w, 6, 8) + w, KAD_FOLD(w, 7, 8) + w))
#endif
/* Source lane of lane l: in b (numbered on from n) where l mod 2w >= w. */
#define KAD_FOLD(w, l, n) ((l) / (2 * (w)) * (2 * (w)) + (l) % (w) + (l) / (w) % 2 * (n))

/* The sums over lanes of KAD_V vectors, one a lane. */
KAD_LANES_INLINE vreal kad_lanes_sums(const vreal *v)
{
    vreal a[KAD_V / 2];
    for (int i = 0; i < KAD_V / 2; i++)
        a[i] = KAD_LANES_FOLD(1, v[2 * i], v[2 * i + 1]);
    for (int i = 0; i < KAD_V / 4; i++)
        a[i] = KAD_LANES_FOLD(2, a[2 * i], a[2 * i + 1]);
    for (int i = 0; i < KAD_V / 8; i++)
        a[i] = KAD_LANES_FOLD(4, a[2 * i], a[2 * i + 1]);
#if KAD_PREC == 32
    a[0] = KAD_LANES_FOLD(8, a[0], a[1]);
#endif
    return a[0];
}

#else
KAD_LANES_INLINE vreal kad_lanes_sums(const vreal *v)
{
    real sums[KAD_V] __attribute__((aligned(64)));
    for (int i = 0; i < KAD_V; i++)
        sums[i] = kad_lanes_sum(v + i);
    return *(const vreal *)sums;
}
#endif

/* out[i] += sum over lanes of acc[i], i < n; acc has room for n rounded up to KAD_V. */
KAD_LANES_INLINE void kad_lanes_reduce(size_t n, const vreal *acc, real *out)
{
    for (size_t i = 0; i < n; i += KAD_V) {
        real sums[KAD_V] __attribute__((aligned(64)));
        *(vreal *)sums = kad_lanes_sums(acc + i);
        for (size_t j = 0; j < KAD_V && i + j < n; j++)
            out[i + j] += sums[j];
    }
}

/* ld[lane] += sign * v[lane] for the lanes of one vector. */
KAD_LANES_INLINE void kad_lanes_ld(double *ld, const double sign, vreal v)
{
#ifdef KAD_VAVX512
    typedef double eight __attribute__((vector_size(64), may_alias, aligned(8)));
    eight *l = (eight *)ld;
#if KAD_PREC == 32
    const __m512 x = (__m512)v;
    l[0] += sign * (eight)_mm512_cvtps_pd(_mm512_castps512_ps256(x));
    l[1] += sign * (eight)_mm512_cvtps_pd(_mm512_extractf32x8_ps(x, 1));
#else
    l[0] += sign * (eight)v;
#endif
#else
    for (int l = 0; l < KAD_V; l++)
        ld[l] += sign * (double)v[l];
#endif
}

/* The same constant on all lanes of a tile; ld may be NULL. */
KAD_LANES_INLINE void kad_lanes_ld_all(double *ld, double value)
{
    if (!ld) return;
    for (int l = 0; l < KAD_W; l++)
        ld[l] += value;
}

#endif

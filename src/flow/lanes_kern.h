/* Helpers on the lanes of a tile, shared by kernels: sums over lanes, log-determinants,
 * and reciprocals without the divider.
 *
 * On AVX-512 kad_lanes_rcp and kad_lanes_rsqrt start from the 14-bit hardware estimate
 * and polish it by Newton steps (one in single, two in double): within 2 ulp, for
 * positive normal arguments away from overflow. Elsewhere they divide. */
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
    return RC(1.0) / x;
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
#else
    return RC(1.0) / kad_vsqrt(x);
#endif
}

/* Sum over the lanes of a vector in memory, in a fixed tree. */
KAD_LANES_INLINE real kad_lanes_sum(const vreal *v)
{
    typedef real half __attribute__((vector_size(32), may_alias));
    typedef real quarter __attribute__((vector_size(16), may_alias));
    const half *h = (const half *)v;
    union {
        half h;
        quarter q[2];
    } a;
    a.h = h[0] + h[1];
    const quarter b = a.q[0] + a.q[1];
#if KAD_PREC == 32
    return (b[0] + b[2]) + (b[1] + b[3]);
#else
    return b[0] + b[1];
#endif
}

/* out[i] += sum over lanes of acc[i]. */
KAD_LANES_INLINE void kad_lanes_reduce(size_t n, const vreal *acc, real *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] += kad_lanes_sum(acc + i);
}

/* ld[lane] += sign * v[lane] for the lanes of one vector. */
KAD_LANES_INLINE void kad_lanes_ld(double *ld, const double sign, vreal v)
{
    typedef double eight __attribute__((vector_size(64), may_alias, aligned(8)));
    eight *l = (eight *)ld;
#if KAD_PREC == 32
    typedef real half __attribute__((vector_size(32), may_alias));
    union {
        vreal v;
        half h[2];
    } a;
    a.v = v;
    l[0] += sign * __builtin_convertvector(a.h[0], eight);
    l[1] += sign * __builtin_convertvector(a.h[1], eight);
#else
    l[0] += sign * (eight)v;
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

/* Vector functions for kernels, on the vectors `vreal` of base/real.h, in the precision
 * KAD_PREC (32 or 64) of the including file. No tables, no branches, no calls: everything
 * inlines into the loops over lanes. The arithmetic is compiler vectors (AVX2 and NEON
 * from the same source); AVX-512 instructions are used where they save work.
 *
 * Estimates of reciprocals and roots are polished; whose bits they had differs from maker to maker
 * of processors, and so may last bits of what is made of them.
 *
 * Largest errors, measured by tests/base/test_vmath against long double (float / double):
 *   kad_vexp       2 ulp / 2 ulp, also of subnormal results; 0 and inf beyond
 *   kad_vexp_fast  relative 2e-7 + 7.5e-8 |x| / as kad_vexp: for activations
 *   kad_vexpm1     3 ulp / 3 ulp
 *   kad_vlog       2 ulp / 2 ulp; log(0) = -inf, log(x < 0) = NaN, subnormals too
 *   kad_vlog1p     4 ulp / 4 ulp for x > -1
 *   kad_vtanh      4 ulp / 4 ulp, exactly odd
 *   kad_vrecip     2 ulp / 1 ulp of normal results
 *   kad_vtanh_fast absolute 5e-7 / 1e-15
 *   kad_vsigmoid   4 ulp / 4 ulp where the result is normal
 *   kad_vsoftplus  4 ulp / 4 ulp where the result is normal
 *   kad_velu_lifted absolute 2.9e-7 / 5.8e-16 below s, exact above
 * NaN in gives NaN out; arguments of any size, infinities included, give the limit.
 *
 * Method: exp: x = n ln 2 + r, |r| <= ln(2)/2, polynomial of degree 6 / 11 (5 in
 * exp_fast), scale by 2^n; log: mantissa in [sqrt(1/2), sqrt(2)), polynomial / atanh
 * series; coefficients are minimax fits (Remez) of our own. */
#ifndef KAD_BASE_VMATH_H
#define KAD_BASE_VMATH_H

#include "base/real.h"

#include <stdint.h>

#ifdef KAD_PREC /* in kernels only */
#if defined(__AVX__)
#include <immintrin.h>
#else
#include <math.h>
#endif
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wpsabi"
#endif

#define KAD_VINLINE static inline __attribute__((always_inline, unused))

/* ---- masks, selection, bits ---------------------------------------------------------
 * A comparison gives a kad_vmask: one bit a lane with AVX-512, else all-ones lanes. */
#if defined(__AVX512F__)
#define KAD_VAVX512 1
#if KAD_PREC == 32
typedef __m512 kad_vraw;
typedef __mmask16 kad_vmask;
#define KAD_VOP(name) _mm512_##name##_ps
#define KAD_VCMP(a, b, op) _mm512_cmp_ps_mask((kad_vraw)(a), (kad_vraw)(b), op)
#else
typedef __m512d kad_vraw;
typedef __mmask8 kad_vmask;
#define KAD_VOP(name) _mm512_##name##_pd
#define KAD_VCMP(a, b, op) _mm512_cmp_pd_mask((kad_vraw)(a), (kad_vraw)(b), op)
#endif
#elif defined(__AVX__)
typedef vint kad_vmask;
#if KAD_PREC == 32
typedef __m256 kad_vraw;
#define KAD_VOP(name) _mm256_##name##_ps
#else
typedef __m256d kad_vraw;
#define KAD_VOP(name) _mm256_##name##_pd
#endif
#else
typedef vint kad_vmask;
#endif

/* All lanes c. */
KAD_VINLINE vreal kad_vset(real c)
{
    return c - (vreal){0};
}

/* a < b and a > b (false when unordered). */
KAD_VINLINE kad_vmask kad_vlt(vreal a, vreal b)
{
#ifdef KAD_VAVX512
    return KAD_VCMP(a, b, _CMP_LT_OQ);
#else
    return (vint)(a < b);
#endif
}

KAD_VINLINE kad_vmask kad_vgt(vreal a, vreal b)
{
    return kad_vlt(b, a);
}

/* Bit l is that of lane l, both ways. */
KAD_VINLINE uint32_t kad_vmask_bits(kad_vmask mask)
{
#ifdef KAD_VAVX512
    return mask;
#else
    uint32_t bits = 0;
    for (int l = 0; l < KAD_V; l++)
        bits |= (uint32_t)(mask[l] & 1) << l;
    return bits;
#endif
}

KAD_VINLINE kad_vmask kad_vmask_of_bits(uint32_t bits)
{
#ifdef KAD_VAVX512
    return (kad_vmask)bits;
#else
    kad_vmask mask;
    for (int l = 0; l < KAD_V; l++)
        mask[l] = -(ireal)(bits >> l & 1);
    return mask;
#endif
}

#if KAD_PREC == 64
/* (word + 1/2) / 2^32 of KAD_V words: uniforms for decisions. */
KAD_VINLINE vreal kad_vunit(const uint32_t *words)
{
    typedef uint32_t vhalf __attribute__((vector_size(KAD_VBYTES / 2), may_alias));
    return __builtin_convertvector(*(const vhalf *)words, vreal) * 0x1p-32 + 0x1p-33;
}
#endif

/* mask ? a : b. */
KAD_VINLINE vreal kad_vselect(kad_vmask mask, vreal a, vreal b)
{
#ifdef KAD_VAVX512
    return (vreal)KAD_VOP(mask_blend)(mask, (kad_vraw)b, (kad_vraw)a);
#elif defined(__AVX__)
    return (vreal)KAD_VOP(blendv)((kad_vraw)b, (kad_vraw)a, (kad_vraw)mask);
#else
#if defined(__SSE2__) && defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
    /* gcc 12 dies in gimple_expand_vec_cond_expr when it folds this into a comparison of
     * two doubles at -O1 or -O2 */
    __asm__("" : "+x"(mask));
#endif
    return (vreal)((mask & (vint)a) | (~mask & (vint)b));
#endif
}

/* a > b ? a : b and a < b ? a : b: the *second* argument when either is NaN. */
KAD_VINLINE vreal kad_vmax(vreal a, vreal b)
{
#ifdef KAD_VOP
    return (vreal)KAD_VOP(max)((kad_vraw)a, (kad_vraw)b);
#else
    return kad_vselect(kad_vgt(a, b), a, b);
#endif
}

KAD_VINLINE vreal kad_vmin(vreal a, vreal b)
{
#ifdef KAD_VOP
    return (vreal)KAD_VOP(min)((kad_vraw)a, (kad_vraw)b);
#else
    return kad_vselect(kad_vlt(a, b), a, b);
#endif
}

#if KAD_PREC == 32
#define KAD_VSIGN ((vint)kad_vset(-0.0f))
#define KAD_VMANT_BITS 23
#define KAD_VEXP_BIAS 127
#define KAD_VMAGIC 12582912.0f /* 1.5 * 2^23: adding it rounds to an integer */
#else
#define KAD_VSIGN ((vint)kad_vset(-0.0))
#define KAD_VMANT_BITS 52
#define KAD_VEXP_BIAS 1023
#define KAD_VMAGIC 6755399441055744.0 /* 1.5 * 2^52 */
#endif

KAD_VINLINE vreal kad_vabs(vreal x)
{
    return (vreal)((vint)x & ~KAD_VSIGN);
}

/* |x| with the sign of s. */
KAD_VINLINE vreal kad_vcopysign(vreal x, vreal s)
{
    return (vreal)(((vint)x & ~KAD_VSIGN) | ((vint)s & KAD_VSIGN));
}

/* Correctly rounded square root; NaN for x < 0. */
KAD_VINLINE vreal kad_vsqrt(vreal x)
{
#ifdef KAD_VOP
    return (vreal)KAD_VOP(sqrt)((kad_vraw)x);
#else
    for (int i = 0; i < KAD_V; i++)
#if KAD_PREC == 32
        x[i] = sqrtf(x[i]);
#else
        x[i] = sqrt(x[i]);
#endif
    return x;
#endif
}

/* Nearest integer to x for |x| < 2^22 (2^51), ties to even. */
KAD_VINLINE vreal kad_vround(vreal x)
{
#ifdef KAD_VAVX512
    return (vreal)KAD_VOP(roundscale)((kad_vraw)x, 0x08);
#elif defined(__AVX__)
    return (vreal)KAD_VOP(round)((kad_vraw)x, 0x08);
#else
    return (x + KAD_VMAGIC) - KAD_VMAGIC;
#endif
}

/* p * 2^n for integral n (any finite n with AVX-512, |n| <= 2 * bias - 2 elsewhere);
 * over- and underflow to the limits. */
KAD_VINLINE vreal kad_vldexp(vreal p, vreal n)
{
#ifdef KAD_VAVX512
    return (vreal)KAD_VOP(scalef)((kad_vraw)p, (kad_vraw)n);
#else
    /* two factors, so that the ends of the range are reached by rounding, not wrapping */
    vreal h = kad_vround(n * RC(0.5));
    vreal a = (vreal)(((vint)(h + KAD_VMAGIC) + KAD_VEXP_BIAS) << KAD_VMANT_BITS);
    vreal b = (vreal)(((vint)(n - h + KAD_VMAGIC) + KAD_VEXP_BIAS) << KAD_VMANT_BITS);
    return p * a * b;
#endif
}

/* ---- exponential --------------------------------------------------------------------*/

#define KAD_VLOG2E RC(1.4426950408889634074)
#if KAD_PREC == 32
#define KAD_VLN2_HI 0.693145751953125f /* 15 bits: n * hi is exact */
#define KAD_VLN2_LO 1.42860682030941723212e-6f
#define KAD_VEXP_LO (-104.0f) /* exp rounds to 0 */
#define KAD_VEXP_HI 89.0f     /* exp overflows */
#else
#define KAD_VLN2_HI 6.93147180369123816490e-01
#define KAD_VLN2_LO 1.90821492927058770002e-10
#define KAD_VEXP_LO (-746.0)
#define KAD_VEXP_HI 710.0
#endif

/* (e^r - 1 - r) / r^2 on |r| <= ln(2)/2. */
KAD_VINLINE vreal kad_vexp_tail(vreal r)
{
#if KAD_PREC == 32
    vreal p = kad_vset(0.0013819214506349667889f);
    p = p * r + 0.0083677607163333520402f;
    p = p * r + 0.041668211966581643634f;
    p = p * r + 0.16666530874051190226f;
    return p * r + 0.49999994752108370664f;
#else
    vreal p = kad_vset(2.4990318918768336181e-8);
    p = p * r + 2.7626111312507648193e-7;
    p = p * r + 2.7557599845053304697e-6;
    p = p * r + 0.000024801505457995343003;
    p = p * r + 0.00019841269516535096839;
    p = p * r + 0.0013888888930835165088;
    p = p * r + 0.0083333333334744165512;
    p = p * r + 0.0416666666665827525;
    p = p * r + 0.16666666666666477534;
    return p * r + 0.50000000000000038397;
#endif
}

/* Clamp to where exp is neither 0 nor inf (NaN stays), n and r of x = n ln 2 + r. */
KAD_VINLINE vreal kad_vexp_reduce(vreal x, vreal *n)
{
    x = kad_vmin(kad_vset(KAD_VEXP_HI), kad_vmax(kad_vset(KAD_VEXP_LO), x));
    *n = kad_vround(x * KAD_VLOG2E);
    vreal r = x - *n * KAD_VLN2_HI;
    return r - *n * KAD_VLN2_LO;
}

KAD_VINLINE vreal kad_vexp(vreal x)
{
    vreal n, r = kad_vexp_reduce(x, &n);
    return kad_vldexp((kad_vexp_tail(r) * r + 1) * r + 1, n);
}

/* exp(x) - 1 without cancellation. */
KAD_VINLINE vreal kad_vexpm1(vreal x)
{
    vreal n, r = kad_vexp_reduce(x, &n);
    /* 2^(n-1), so that it does not overflow before the sum does */
    vreal half = kad_vldexp(kad_vset(1), n - 1);
    vreal m = kad_vexp_tail(r) * r * r + r;
    return ((half - RC(0.5)) + half * m) * 2;
}

#if KAD_PREC == 32
/* 2^r on [0, 1], exact at its ends. */
KAD_VINLINE vreal kad_vexp2_unit(vreal r)
{
    vreal p = kad_vset(0.0018773072639637062781f);
    p = p * r + 0.0090058873975307556849f;
    p = p * r + 0.055795245928292777959f;
    p = p * r + 0.24017177968567715798f;
    p = p * r + 0.69314977972453560209f;
    return p * r + 1;
}

#if !defined(KAD_VAVX512) && defined(__FMA__)
/* t - floor(t), and 2^floor(t) to multiply by: 0 below the normal numbers, inf above. */
KAD_VINLINE vreal kad_vexp2_reduce(vreal t, vreal *scale)
{
    t = kad_vmin(kad_vset(128), kad_vmax(kad_vset(-127), t));
    const vreal n = (vreal)KAD_VOP(floor)((kad_vraw)t);
    *scale = (vreal)((vint)(n + (KAD_VMAGIC + KAD_VEXP_BIAS)) << KAD_VMANT_BITS);
    return t - n;
}
#endif
#endif

/* The cheapest exponential: the argument is scaled once, so the relative error grows with
 * |x| (irrelevant where exp(x) is added to something of order one). */
KAD_VINLINE vreal kad_vexp_fast(vreal x)
{
#if KAD_PREC == 32 && defined(KAD_VAVX512)
    vreal t = x * KAD_VLOG2E;
    vreal r = (vreal)_mm512_reduce_ps((kad_vraw)t, 0x01); /* t - floor(t); 0 at +-inf */
    return (vreal)_mm512_scalef_ps((kad_vraw)kad_vexp2_unit(r), (kad_vraw)t);
#elif KAD_PREC == 32 && defined(__FMA__)
    vreal scale, r = kad_vexp2_reduce(x * KAD_VLOG2E, &scale);
    return kad_vexp2_unit(r) * scale;
#else
    return kad_vexp(x);
#endif
}

/* ---- logarithm ----------------------------------------------------------------------*/

/* log(m) + e ln 2 for m in [sqrt(1/2), sqrt(2)] and integral e. */
KAD_VINLINE vreal kad_vlog_reduced(vreal m, vreal e)
{
    vreal f = m - 1;
#if KAD_PREC == 32
    vreal p = kad_vset(-0.079083052923596166627f);
    p = p * f + 0.12857356887356128739f;
    p = p * f - 0.13098718509603271127f;
    p = p * f + 0.14183853232624396332f;
    p = p * f - 0.16628179290306291325f;
    p = p * f + 0.2000220172282704004f;
    p = p * f - 0.25000690545565423707f;
    p = p * f + 0.33333318486562580727f;
    vreal f2 = f * f;
    vreal y = p * f * f2 + e * KAD_VLN2_LO;
    y = y - f2 * RC(0.5);
    return e * KAD_VLN2_HI + (f + y);
#else
    /* log(1+f) = f - [f^2/2 - s (f^2/2 + R(s^2))], s = f/(2+f) */
    vreal s = f / (f + 2), z = s * s;
    vreal p = kad_vset(0.14723048142005067855);
    p = p * z + 0.15321683130750284613;
    p = p * z + 0.18183250242850828426;
    p = p * z + 0.22222204975531928517;
    p = p * z + 0.28571428675765850833;
    p = p * z + 0.39999999999737869671;
    p = p * z + 0.66666666666666811099;
    vreal h = f * f * RC(0.5);
    vreal y = s * (h + p * z) + e * KAD_VLN2_LO;
    return e * KAD_VLN2_HI + (f - (h - y));
#endif
}

/* log of positive, finite, normal x: no special cases. */
KAD_VINLINE vreal kad_vlog_normal(vreal x)
{
    /* split at sqrt(1/2): exponent bits of x - sqrt(1/2) are exact in integers */
    vint root = (vint)kad_vset(RC(0.70710678118654752440));
    vint i = (vint)x - root;
    vint e = i >> KAD_VMANT_BITS;
    vreal m = (vreal)((vint)x - (e << KAD_VMANT_BITS));
    vreal n = (vreal)(e + (vint)kad_vset(KAD_VMAGIC)) - KAD_VMAGIC;
    return kad_vlog_reduced(m, n);
}

KAD_VINLINE vreal kad_vlog(vreal x)
{
#if KAD_PREC == 32
    const vreal tiny = kad_vset(1.17549435e-38f), huge = kad_vset(__builtin_inff());
    const real up = 8388608.0f, shift = 15.942385152878742f; /* 2^23, its log */
#else
    const vreal tiny = kad_vset(2.2250738585072014e-308),
                huge = kad_vset(__builtin_inf());
    const real up = 4503599627370496.0, shift = 36.043653389117154;
#endif
    kad_vmask small = kad_vlt(x, tiny);
    vreal y = kad_vlog_normal(kad_vselect(small, x * up, x));
    y = kad_vselect(small, y - shift, y);
    y = kad_vselect(kad_vlt(x, huge), y, x);               /* inf, NaN */
    y = kad_vselect(kad_vgt(x, kad_vset(0)), y, x - huge); /* 0 -> -inf, NaN stays */
    return kad_vselect(kad_vlt(x, kad_vset(0)), huge - huge, y);
}

/* log(1 + x): the rounding of 1 + x is put back to first order. */
KAD_VINLINE vreal kad_vlog1p(vreal x)
{
    vreal u = x + 1;
    vreal c = (x - (u - 1)) / u;
    vreal y = kad_vlog(u);
#if KAD_PREC == 32
    const vreal huge = kad_vset(__builtin_inff());
#else
    const vreal huge = kad_vset(__builtin_inf());
#endif
    kad_vmask inside = kad_vlt(kad_vabs(y), huge);
    return kad_vselect(inside, y + c, y);
}

/* ---- activations --------------------------------------------------------------------*/

/* tanh x = -m/(2 + m), m = expm1(-2|x|), with the sign of x: exactly odd. */
KAD_VINLINE vreal kad_vtanh(vreal x)
{
    vreal m = kad_vexpm1(kad_vabs(x) * -2);
    return kad_vcopysign(m / (m + 2), x);
}

/* 1 / x for normal x with a normal reciprocal, to 2 ulp; no other x is meant. */
KAD_VINLINE vreal kad_vrecip(vreal x)
{
#if KAD_PREC == 32 && defined(KAD_VAVX512)
    const vreal r = (vreal)_mm512_rcp14_ps((kad_vraw)x);
    return r * (2 - x * r);
#elif KAD_PREC == 32 && defined(__AVX__)
    const vreal r = (vreal)_mm256_rcp_ps((kad_vraw)x), open = 1 - x * r;
    return r + r * (open * open + open);
#else
    return 1 / x;
#endif
}

/* tanh x = 1 - 2/(1 + exp(2x)) to an absolute error of a few ulp of 1: for outputs of nets. */
KAD_VINLINE vreal kad_vtanh_fast(vreal x)
{
    const vreal most = kad_vset(KAD_PREC == 32 ? 20 : 40);
    return 1 - 2 * kad_vrecip(1 + kad_vexp_fast(2 * kad_vmin(most, x)));
}

/* 1 / (1 + exp(-x)). */
KAD_VINLINE vreal kad_vsigmoid(vreal x)
{
    return 1 / (kad_vexp(-x) + 1);
}

/* The exponential linear unit, lifted: y = s (elu(x) + 1) of a = s (x + 1), s = log2 e;
 * that is, (s/e) 2^a for a < s, else a. */
#define KAD_VLIFT KAD_VLOG2E
KAD_VINLINE vreal kad_velu_lifted(vreal a)
{
#if KAD_PREC == 32 && (defined(KAD_VAVX512) || defined(__FMA__))
#ifdef KAD_VAVX512
    const kad_vmask low = KAD_VCMP(a, kad_vset(KAD_VLIFT), _CMP_LT_OQ);
    vreal r = (vreal)_mm512_reduce_ps((kad_vraw)a, 0x01); /* as in kad_vexp_fast */
#else
    vreal scale, r = kad_vexp2_reduce(a, &scale);
#endif
    vreal p = kad_vset(0.00099635801247312532f);
    p = p * r + 0.0047797652734880092f;
    p = p * r + 0.029612648608830922f;
    p = p * r + 0.12746825288179406f;
    p = p * r + 0.36788082064645689f;
    p = p * r + 0.53073784542304303f;
#ifdef KAD_VAVX512
    return (vreal)_mm512_mask_scalef_ps((kad_vraw)a, low, (kad_vraw)p, (kad_vraw)a);
#else
    return kad_vselect(kad_vlt(a, kad_vset(KAD_VLIFT)), p * scale, a);
#endif
#else
    /* ln s - 1 */
    const vreal y = kad_vexp(a * RC(0.69314718055994530942) - RC(0.63348707941833567299));
    return kad_vselect(kad_vlt(a, kad_vset(KAD_VLIFT)), y, a);
#endif
}

/* s d elu/dx from y = s (elu(x) + 1). */
KAD_VINLINE vreal kad_velu_lifted_grad(vreal y)
{
    return kad_vmin(kad_vset(KAD_VLIFT), y);
}

/* log(1 + e) for 0 <= e <= 1, relative accuracy kept: 2 atanh(s), s = e/(2 + e). */
KAD_VINLINE vreal kad_vlog1p_unit(vreal e)
{
    vreal s = e / (e + 2), z = s * s;
#if KAD_PREC == 32
    vreal p = kad_vset(0.23893942f);
    p = p * z + 0.21542293f;
    p = p * z + 0.28605608f;
    p = p * z + 0.39999323957993639f;
    p = p * z + 0.66666669928533453f;
#else
    vreal p = kad_vset(0.16112839282255197825);
    p = p * z + 0.072136103612329013847;
    p = p * z + 0.10913956016562538729;
    p = p * z + 0.11724806031983084884;
    p = p * z + 0.13335974704456211942;
    p = p * z + 0.1538450203362733778;
    p = p * z + 0.1818182126592021749;
    p = p * z + 0.22222222171964529433;
    p = p * z + 0.28571428571866149549;
    p = p * z + 0.39999999999998408087;
    p = p * z + 0.66666666666666667779;
#endif
    return s * 2 + s * z * p;
}

/* log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|)). */
KAD_VINLINE vreal kad_vsoftplus(vreal x)
{
    return kad_vmax(kad_vset(0), x) + kad_vlog1p_unit(kad_vexp(-kad_vabs(x)));
}

/* ---- sums over lanes ------------------------------------------------------------------*/

/* Sum of the lanes, in a fixed tree. */
KAD_VINLINE real kad_vsum(vreal x)
{
#ifdef KAD_VAVX512
    return KAD_VOP(reduce_add)((kad_vraw)x);
#else
    real a[KAD_V];
    for (int i = 0; i < KAD_V; i++)
        a[i] = x[i];
    for (int n = KAD_V / 2; n > 0; n /= 2)
        for (int i = 0; i < n; i++)
            a[i] += a[i + n];
    return a[0];
#endif
}

/* Lane l of the result is the sum over the lanes of x[l], x [KAD_V]: half the shuffles
 * of as many kad_vsum, and another order of additions. */
KAD_VINLINE vreal kad_vsums(const vreal *x)
{
#ifdef KAD_VAVX512
    kad_vraw s[4]; /* each quarter of s[q]: that quarter's sums of a few x */
    for (int q = 0; q < 4; q++) {
#if KAD_PREC == 32
        const kad_vraw a = (kad_vraw)x[4 * q], b = (kad_vraw)x[4 * q + 1],
                       c = (kad_vraw)x[4 * q + 2], d = (kad_vraw)x[4 * q + 3];
        const kad_vraw ab = _mm512_unpacklo_ps(a, b) + _mm512_unpackhi_ps(a, b);
        const kad_vraw cd = _mm512_unpacklo_ps(c, d) + _mm512_unpackhi_ps(c, d);
        s[q] = _mm512_shuffle_ps(ab, cd, 0x44) + _mm512_shuffle_ps(ab, cd, 0xee);
#else
        const kad_vraw a = (kad_vraw)x[2 * q], b = (kad_vraw)x[2 * q + 1];
        s[q] = _mm512_unpacklo_pd(a, b) + _mm512_unpackhi_pd(a, b);
#endif
    }
#if KAD_PREC == 32
#define KAD_QUARTERS(a, b) \
    (_mm512_shuffle_f32x4(a, b, 0x88) + _mm512_shuffle_f32x4(a, b, 0xdd))
#else
#define KAD_QUARTERS(a, b) \
    (_mm512_shuffle_f64x2(a, b, 0x88) + _mm512_shuffle_f64x2(a, b, 0xdd))
#endif
    const kad_vraw low = KAD_QUARTERS(s[0], s[1]), high = KAD_QUARTERS(s[2], s[3]);
    return (vreal)KAD_QUARTERS(low, high);
#undef KAD_QUARTERS
#else
    vreal sums;
    for (int l = 0; l < KAD_V; l++)
        sums[l] = kad_vsum(x[l]);
    return sums;
#endif
}

#endif /* KAD_PREC */

#endif

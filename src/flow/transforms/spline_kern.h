/* A rational-quadratic spline g that rises from 0 to B over [0, B] in K bins, for transforms that
 * move one number (Durkan et al., arXiv:1906.04032). Bin k: from (x, y) on, width w, height h,
 * slope sigma = h/w, derivatives d at its left end and d' at its right one;
 * xi = (r - x)/w, q = sigma + (d + d' - 2 sigma) xi (1 - xi):
 *   g  = y + h [sigma xi^2 + d xi (1 - xi)]/q
 *   g' = sigma^2 [d' xi^2 + 2 sigma xi (1 - xi) + d (1 - xi)^2]/q^2
 * Inverse, D = g - y, e = d + d' - 2 sigma: the root xi in [0, 1] of
 *   a xi^2 + b xi - sigma D = 0,  a = h (sigma - d) + D e,  b = h d - D e,
 * by 2 sigma D/(b + root) or (root - b)/(2 a), whichever subtracts nothing.
 *
 * Widths and heights are B (M + (1 - K M) softmax) of K - 1 logits and a zero; derivatives at
 * the K + 1 knots are e^logit. All zero is the identity. */
#ifndef KAD_FLOW_TRANSFORMS_SPLINE_KERN_H
#define KAD_FLOW_TRANSFORMS_SPLINE_KERN_H

#include "flow/transforms/transform_kern.h"

enum {
    SPLINE_K = 4,
    SPLINE_WIDTHS = 0, /* the logits, in this order */
    SPLINE_HEIGHTS = SPLINE_K - 1,
    SPLINE_SLOPES = 2 * SPLINE_K - 2,
    SPLINE_N = 3 * SPLINE_K - 1
};
#define SPLINE_M RC(0.02)
#define SPLINE_TINY RC(1e-30)

typedef struct spline {
    vreal p[2][SPLINE_K];      /* softmax of widths, heights */
    vreal size[2][SPLINE_K];   /* widths, heights */
    vreal slope[SPLINE_K + 1]; /* of knots */
    vreal at[2], of[2], d[2];  /* of the bin: its left end, width and height, slopes */
    vreal n_bin;               /* its number */
    vreal xi, sigma, q, N, P;  /* N, P: in the brackets of g, g' */
    vreal g, dg;               /* g, g' */
    vreal iw, turn, along;     /* 1/w, d ln q/dxi, d ln g'/dr */
} spline;

KAD_LANES_INLINE vreal spline_zero(void)
{
    return kad_vset(RC(0.0));
}

/* One of widths and heights from its K - 1 logits. */
KAD_LANES_INLINE void spline_sizes(const vreal *logit, real B, vreal *p, vreal *size)
{
    vreal top = spline_zero(), sum = spline_zero();
    for (int k = 0; k < SPLINE_K - 1; k++)
        top = kad_vmax(top, logit[k]);
    for (int k = 0; k < SPLINE_K; k++) {
        const vreal rho = k < SPLINE_K - 1 ? logit[k] : spline_zero();
        p[k] = kad_vexp_fast(rho - top);
        sum += p[k];
    }
    const vreal scale = kad_lanes_rcp(sum);
    for (int k = 0; k < SPLINE_K; k++) {
        p[k] *= scale;
        size[k] = B * (SPLINE_M + (RC(1.0) - (real)SPLINE_K * SPLINE_M) * p[k]);
    }
}

/* Of n_slopes logits of slopes; the knots after those have slope 1. */
KAD_LANES_INLINE void spline_prepare(const vreal *logit, int n_slopes, real B, spline *q)
{
    spline_sizes(logit + SPLINE_WIDTHS, B, q->p[0], q->size[0]);
    spline_sizes(logit + SPLINE_HEIGHTS, B, q->p[1], q->size[1]);
    for (int k = 0; k <= SPLINE_K; k++)
        q->slope[k] =
            k < n_slopes ? kad_vexp_fast(logit[SPLINE_SLOPES + k]) : kad_vset(RC(1.0));
}

/* The bin in which x >= 0 lies among widths (which = 0) or heights (1). */
KAD_LANES_INLINE void spline_find(spline *q, int which, vreal x)
{
    vreal end[2] = {spline_zero(), spline_zero()};
    q->n_bin = spline_zero();
    for (int k = 0; k < SPLINE_K; k++) {
        const kad_vmask in = kad_vgt(x, end[which]);
        for (int i = 0; i < 2; i++) {
            q->at[i] = k ? kad_vselect(in, end[i], q->at[i]) : end[i];
            q->of[i] = k ? kad_vselect(in, q->size[i][k], q->of[i]) : q->size[i][0];
            q->d[i] = k ? kad_vselect(in, q->slope[k + i], q->d[i]) : q->slope[i];
            end[i] += q->size[i][k];
        }
        if (k) q->n_bin = kad_vselect(in, kad_vset((real)k), q->n_bin);
    }
    q->sigma = q->of[1] * kad_lanes_rcp(q->of[0]);
}

/* xi of r, and of a value of g, in the bin that was found; 1 beyond its end. */
KAD_LANES_INLINE void spline_enter(spline *q, vreal r)
{
    q->xi = kad_vmin((r - q->at[0]) * kad_lanes_rcp(q->of[0]), kad_vset(RC(1.0)));
}

KAD_LANES_INLINE void spline_solve(spline *q, vreal g)
{
    const vreal D = kad_vmin(g - q->at[1], q->of[1]);
    const vreal e = q->d[0] + q->d[1] - RC(2.0) * q->sigma;
    const vreal a = q->of[1] * (q->sigma - q->d[0]) + D * e,
                b = q->of[1] * q->d[0] - D * e;
    const vreal c = RC(2.0) * q->sigma * D;
    const vreal square = kad_vmax(b * b + RC(2.0) * a * c, kad_vset(SPLINE_TINY));
    const vreal root = square * kad_lanes_rsqrt(square);
    const kad_vmask positive = kad_vgt(b, spline_zero());
    const vreal num = kad_vselect(positive, c, root - b);
    const vreal den = kad_vselect(positive, b + root, RC(2.0) * a);
    q->xi = kad_vmin(num * kad_lanes_rcp(den), kad_vset(RC(1.0)));
}

/* g and its derivatives from xi. */
KAD_LANES_INLINE void spline_point(spline *q)
{
    const vreal one = kad_vset(RC(1.0)), xi = q->xi, rest = one - xi, t = xi * rest;
    const vreal e = q->d[0] + q->d[1] - RC(2.0) * q->sigma;
    q->q = q->sigma + e * t;
    const vreal iq = kad_lanes_rcp(q->q), steep = q->sigma * iq;
    q->N = q->sigma * xi * xi + q->d[0] * t;
    q->P = q->d[1] * xi * xi + RC(2.0) * q->sigma * t + q->d[0] * rest * rest;
    q->g = q->at[1] + q->of[1] * q->N * iq;
    q->dg = steep * steep * q->P;
    q->iw = kad_lanes_rcp(q->of[0]);
    q->turn = e * (one - RC(2.0) * xi) * iq;
    const vreal dP =
        RC(2.0) * (q->d[1] * xi + q->sigma * (one - RC(2.0) * xi) - q->d[0] * rest);
    q->along = (dP * kad_lanes_rcp(q->P) - RC(2.0) * q->turn) * q->iw;
}

/* Cotangents of K - 1 logits, from those of the bin: of its left end and of its size. */
KAD_LANES_INLINE void spline_sizes_vjp(const spline *q, int which, real B, vreal at,
                                       vreal of, vreal *out)
{
    vreal gp[SPLINE_K], mean = spline_zero();
    for (int k = 0; k < SPLINE_K; k++) {
        const vreal here = kad_vset((real)k);
        const kad_vmask before = kad_vgt(q->n_bin, here + RC(0.5)),
                        beyond = kad_vlt(q->n_bin, here - RC(0.5));
        const vreal size =
            kad_vselect(before, at, kad_vselect(beyond, spline_zero(), of));
        gp[k] = B * (RC(1.0) - (real)SPLINE_K * SPLINE_M) * size;
        mean += q->p[which][k] * gp[k];
    }
    for (int k = 0; k < SPLINE_K - 1; k++)
        out[k] = q->p[which][k] * (gp[k] - mean);
}

/* Cotangents of the logits, with those of n_slopes slopes, from gg of g and gln of ln g', r
 * being fixed. */
KAD_LANES_INLINE void spline_vjp(const spline *q, int n_slopes, real B, vreal gg,
                                 vreal gln, vreal *out)
{
    const vreal one = kad_vset(RC(1.0)), zero = spline_zero();
    const vreal xi = q->xi, rest = one - xi, t = xi * rest, turn = one - RC(2.0) * xi;
    const vreal e = q->d[0] + q->d[1] - RC(2.0) * q->sigma, iq = kad_lanes_rcp(q->q);
    const vreal gP = gln * kad_lanes_rcp(q->P), gN = gg * q->of[1] * iq;
    const vreal gq = -(RC(2.0) * gln + gN * q->N) * iq;
    const vreal gt = RC(2.0) * gP * q->sigma + gN * q->d[0] + gq * e;
    const vreal gsigma = RC(2.0) * gln * kad_lanes_rcp(q->sigma) + RC(2.0) * gP * t +
                         gN * xi * xi + gq * (one - RC(2.0) * t);
    const vreal gxi = RC(2.0) * gP * (q->d[1] * xi - q->d[0] * rest) +
                      RC(2.0) * gN * q->sigma * xi + gt * turn;
    const vreal gd[2] = {gP * rest * rest + gN * t + gq * t, gP * xi * xi + gq * t};
    const vreal iw = kad_lanes_rcp(q->of[0]);
    spline_sizes_vjp(q, 0, B, -gxi * iw, -(gxi * xi + gsigma * q->sigma) * iw,
                     out + SPLINE_WIDTHS);
    spline_sizes_vjp(q, 1, B, gg, gg * q->N * iq + gsigma * iw, out + SPLINE_HEIGHTS);
    for (int k = 0; k < n_slopes; k++) {
        const vreal here = q->n_bin - kad_vset((real)k);
        const kad_vmask left = kad_vlt(kad_vabs(here), kad_vset(RC(0.5))),
                        right = kad_vlt(kad_vabs(here + RC(1.0)), kad_vset(RC(0.5)));
        out[SPLINE_SLOPES + k] = q->slope[k] * (kad_vselect(left, gd[0], zero) +
                                                kad_vselect(right, gd[1], zero));
    }
}

#endif

/* Quartic-tail transform of one real (n = 1): the tails of exp(-lambda y^4).
 *
 *   w = z + eps,  a = 2 lambda e^{4s} sigmoid(rho),  u = a w^2
 *   y = t + e^s (1 + u)^{-1/4} w
 *   dy/dz = e^s (1 + u)^{-5/4} (1 + u/2),   ld = its logarithm
 *
 * Inverse without cancellation: Y = (y - t) e^{-s}, k = (a Y^2 + sqrt(a^2 Y^4 + 4))/2,
 * w = Y sqrt(k). Outputs: odd t, eps; even s, rho. */
#ifndef KAD_FLOW_TRANSFORM_Q4T_H
#define KAD_FLOW_TRANSFORM_Q4T_H

#include "flow/transform_kern.h"

typedef struct q4t {
    vreal up;      /* e^s */
    vreal a, dsig; /* a and 1 - sigmoid(rho) */
    vreal w, u, f; /* f = y - t */
    vreal i1, i2;  /* 1/(1 + u), 1/(1 + u/2) */
    vreal root;    /* (1 + u)^{-1/4} */
} q4t;

KAD_LANES_INLINE void q4t_prepare(const kad_outs *o, real lambda, q4t *q)
{
    const vreal sigma = kad_lanes_rcp(RC(1.0) + kad_vexp(-o->even[1]));
    q->up = kad_vexp(o->even[0]);
    const vreal up2 = q->up * q->up;
    q->a = (RC(2.0) * lambda) * (up2 * up2) * sigma;
    q->dsig = RC(1.0) - sigma;
}

/* What w fixes; returns ld. */
KAD_LANES_INLINE vreal q4t_point(const kad_outs *o, q4t *q)
{
    const vreal d1 = RC(1.0) + q->u, d2 = RC(1.0) + RC(0.5) * q->u;
    const vreal half = kad_lanes_rsqrt(d1);
    q->i1 = kad_lanes_rcp(d1);
    q->i2 = kad_lanes_rcp(d2);
    q->root = half * kad_lanes_rsqrt(half);
    return o->even[0] + kad_vlog(q->i1 * q->root * d2);
}

KAD_LANES_INLINE vreal q4t_generate(const kad_outs *o, real lambda, const vreal *z,
                                    vreal *y, q4t *q)
{
    q4t_prepare(o, lambda, q);
    q->w = z[0] + o->odd[1][0];
    q->u = q->a * q->w * q->w;
    const vreal ld = q4t_point(o, q);
    q->f = q->up * q->root * q->w;
    y[0] = o->odd[0][0] + q->f;
    return ld;
}

KAD_LANES_INLINE vreal q4t_infer(const kad_outs *o, real lambda, const vreal *y, vreal *z,
                                 q4t *q)
{
    q4t_prepare(o, lambda, q);
    q->f = y[0] - o->odd[0][0];
    const vreal scaled = q->f * kad_lanes_rcp(q->up);
    const vreal b = q->a * scaled * scaled;
    const vreal square = b * b + RC(4.0);
    const vreal k = RC(0.5) * (b + square * kad_lanes_rsqrt(square));
    q->w = scaled * (k * kad_lanes_rsqrt(k));
    q->u = q->a * q->w * q->w;
    z[0] = q->w - o->odd[1][0];
    return q4t_point(o, q);
}

/* d ld/du. */
KAD_LANES_INLINE vreal q4t_ldu(const q4t *q)
{
    return RC(0.5) * q->i2 - RC(1.25) * q->i1;
}

KAD_LANES_INLINE void q4t_vjp(const q4t *q, const vreal *gy, real gl, vreal *gz,
                              kad_outs *go)
{
    const vreal gu = gl * q4t_ldu(q) - RC(0.25) * gy[0] * q->f * q->i1;
    const vreal gw = gy[0] * q->up * q->root + RC(2.0) * gu * q->a * q->w;
    go->odd[0][0] = gy[0];
    go->odd[1][0] = gw;
    go->even[0] = gy[0] * q->f + gl + RC(4.0) * q->u * gu;
    go->even[1] = gu * q->u * q->dsig;
    gz[0] = gw;
}

KAD_LANES_INLINE void q4t_solve(const q4t *q, const vreal *gz, real gl, vreal *gy)
{
    const vreal slope = q->up * q->root * q->i1 * (RC(1.0) + RC(0.5) * q->u);
    const vreal b = gz[0] - gl * q4t_ldu(q) * RC(2.0) * q->a * q->w;
    gy[0] = b * kad_lanes_rcp(slope);
}

#endif

/* Quartic-tail transform of one real (n = 1): the tails of exp(-lambda y^4).
 *
 *   w = z + eps,  a = 2 lambda e^{4s} sigmoid(rho),  u = a w^2
 *   y = t + e^s (1 + u)^{-1/4} w
 *   dy/dz = e^s (1 + u)^{-5/4} (1 + u/2),   ld = its logarithm
 *
 * Inverse without cancellation: Y = (y - t) e^{-s}, k = (a Y^2 + sqrt(a^2 Y^4 + 4))/2,
 * w = Y sqrt(k). Outputs: odd t, eps; even s, rho. */
#include "flow/transforms/transform_kern.h"

typedef struct q4t {
    vreal up, down; /* e^s, e^-s */
    vreal a, dsig;  /* a and 1 - sigmoid(rho) */
    vreal w, u, f;  /* f = y - t */
    vreal i1, d2;   /* 1/(1 + u), 1 + u/2 */
    vreal root;     /* (1 + u)^{-1/4} */
} q4t;

KAD_LANES_INLINE void q4t_prepare(const int n, const kad_outs *o, int v, real lambda,
                                  const int need, q4t *q)
{
    vreal tail;
    const vreal sigma = kad_lanes_sigmoid(kad_even(o, 1)[v], &tail);
    (void)n;
    q->up = kad_vexp(kad_even(o, 0)[v]);
    if (need) q->down = kad_lanes_rcp(q->up);
    const vreal up2 = q->up * q->up;
    q->a = (RC(2.0) * lambda) * (up2 * up2) * sigma;
    q->dsig = RC(1.0) - sigma;
}

/* What u fixes. */
KAD_LANES_INLINE void q4t_point(q4t *q)
{
    q->u = q->a * q->w * q->w;
    q->d2 = RC(1.0) + RC(0.5) * q->u;
    const vreal half = kad_lanes_rsqrt(RC(1.0) + q->u);
    q->i1 = half * half;
    q->root = half * kad_lanes_rsqrt(half);
}

KAD_LANES_INLINE void q4t_up(const int n, const kad_outs *o, int v, q4t *q, vreal *target)
{
    (void)n;
    q->w = target[v] + kad_odd(o, 1)[v];
    q4t_point(q);
    q->f = q->up * q->root * q->w;
    target[v] = kad_odd(o, 0)[v] + q->f;
}

KAD_LANES_INLINE void q4t_down(const int n, const kad_outs *o, int v, q4t *q,
                               vreal *target)
{
    (void)n;
    q->f = target[v] - kad_odd(o, 0)[v];
    const vreal scaled = q->f * q->down;
    const vreal b = q->a * scaled * scaled;
    const vreal square = b * b + RC(4.0);
    const vreal k = RC(0.5) * (b + square * kad_lanes_rsqrt(square));
    q->w = scaled * (k * kad_lanes_rsqrt(k));
    q4t_point(q);
    target[v] = q->w - kad_odd(o, 1)[v];
}

KAD_LANES_INLINE vreal q4t_ld(const int n, const kad_outs *o, int v, const q4t *q)
{
    (void)n;
    return kad_even(o, 0)[v] + kad_vlog_normal(q->i1 * q->root * q->d2);
}

/* d ld/du. */
KAD_LANES_INLINE vreal q4t_ldu(const q4t *q)
{
    return RC(0.5) * kad_lanes_rcp(q->d2) - RC(1.25) * q->i1;
}

KAD_LANES_INLINE void q4t_solve(const int n, const q4t *q, int v, real gl, vreal *g)
{
    (void)n;
    const vreal slope = q->up * q->root * q->i1 * q->d2;
    const vreal b = g[v] - (RC(2.0) * gl) * q4t_ldu(q) * q->a * q->w;
    g[v] = b * kad_lanes_rcp(slope);
}

KAD_LANES_INLINE void q4t_vjp(const int n, const q4t *q, int v, real gl, vreal *g,
                              const kad_outs *go)
{
    (void)n;
    const vreal gy = g[0];
    const vreal gu = gl * q4t_ldu(q) - RC(0.25) * gy * q->f * q->i1;
    g[0] = gy * q->up * q->root + RC(2.0) * gu * q->a * q->w;
    kad_odd(go, 0)[v] = gy;
    kad_odd(go, 1)[v] = g[0];
    kad_even(go, 0)[v] = gy * q->f + gl + RC(4.0) * q->u * gu;
    kad_even(go, 1)[v] = gu * q->u * q->dsig;
}

KAD_TRANSFORM_ROW(q4t)
KAD_TRANSFORM_RUN(q4t, 1)

extern const kad_transform_kern kad_q4t_kern_f32, kad_q4t_kern_f64;

const kad_transform_kern KR(kad_q4t_kern) = {
    .run = {KAD_TRANSFORM_KERN(q4t, 1)},
};

#if KAD_PREC == 64 /* the table, once */
const kad_transform_ops kad_transform_q4t = {
    .name = "q4t",
    .summary = "quartic tails, as of exp(-lambda y^4), of one component",
    .reference = "Dinh, Sohl-Dickstein, Bengio, arXiv:1605.08803 (couplings)",
    .max_comp = 1,
    .n_odd = {2},
    .n_even = {2},
    .kern = {&kad_q4t_kern_f32, &kad_q4t_kern_f64},
};
#endif

/* Linear-fractional-amplitude transform of a vector in R^n, n = 1, 2, 3.
 *
 *   a = softplus(rho1), c = e^{rho2}, k = e^{rho3} - 1, nn = v/sqrt(1 + |v|^2)
 *   w = z + eps,  u = a |w|^2,  h = (1 + c u)/(1 + u),  f = e^s sqrt(h) w
 *   y = t + (1 + k nn nn^T) f
 *   ld = n s + ln Q - 2 ln(1 + u) + (n - 2)/2 ln h + ln(1 + k |nn|^2),
 *   Q = 1 + 2 c u + c u^2
 *
 * Inverse without cancellation: g = y - t, Y = e^{-s} [g - k nn (nn.g)/(1 + k |nn|^2)],
 * q = |Y|^2, D = 1 - a q, R = sqrt(D^2 + 4 c a q), p = |w|^2 = 2 q/(D + R) if D > 0, else
 * (R - D)/(2 c a); w = Y/sqrt(h(a p)).
 *
 * Adjoint: dy/dw = (1 + k nn nn^T) e^s [sqrt(h) + 2 a sqrt(h)' w w^T], dh/du = (c - 1)/
 * (1 + u)^2; both factors are symmetric and inverted by Sherman-Morrison.
 * Outputs: odd t, eps, v; even s, rho1, rho2, rho3. Identity at c = 1, k = 0. */
#ifndef KAD_FLOW_TRANSFORM_LFA_H
#define KAD_FLOW_TRANSFORM_LFA_H

#include "flow/transform_kern.h"

typedef struct lfa {
    vreal up, down;       /* e^s, e^-s */
    vreal a, sigma, c, k; /* sigma = da/drho1 */
    vreal nn[3], norm;    /* norm = 1/sqrt(1 + |v|^2) */
    vreal m, im;          /* |nn|^2, 1/(1 + k m) */
    vreal w[3], f[3];
    vreal u, i1, ic, iq; /* 1/(1 + u), 1/(1 + c u), 1/Q */
    vreal root, iroot;   /* sqrt(h), 1/sqrt(h) */
} lfa;

KAD_LANES_INLINE void lfa_prepare(const int n, const kad_outs *o, lfa *q)
{
    const vreal zero = {0};
    const vreal rho1 = o->even[1];
    const vreal tail = kad_vexp(-kad_vabs(rho1));
    const vreal inverse = kad_lanes_rcp(RC(1.0) + tail);
    q->a = kad_vmax(rho1, zero) + kad_vlog1p_unit(tail);
    q->sigma = inverse * kad_vselect(kad_vgt(rho1, zero), kad_vset(RC(1.0)), tail);
    q->c = kad_vexp(o->even[2]);
    q->k = kad_vexpm1(o->even[3]);
    q->up = kad_vexp(o->even[0]);
    q->down = kad_lanes_rcp(q->up);
    q->norm = kad_lanes_rsqrt(RC(1.0) + kad_dot(n, o->odd[2], o->odd[2]));
    for (int i = 0; i < n; i++)
        q->nn[i] = q->norm * o->odd[2][i];
    q->m = kad_dot(n, q->nn, q->nn);
    q->im = kad_lanes_rcp(RC(1.0) + q->k * q->m);
}

/* What u fixes. */
KAD_LANES_INLINE void lfa_radius(lfa *q)
{
    const vreal d1 = RC(1.0) + q->u, dc = RC(1.0) + q->c * q->u;
    q->i1 = kad_lanes_rcp(d1);
    q->ic = kad_lanes_rcp(dc);
    q->iq = kad_lanes_rcp(dc + q->c * q->u * d1);
    const vreal h = dc * q->i1;
    q->iroot = kad_lanes_rsqrt(h);
    q->root = h * q->iroot;
}

KAD_LANES_INLINE vreal lfa_ld(const int n, const kad_outs *o, const lfa *q)
{
    const vreal d1 = RC(1.0) + q->u;
    const vreal big = RC(1.0) + q->c * q->u + q->c * q->u * d1;
    vreal det = big * q->i1 * q->i1 * (RC(1.0) + q->k * q->m);
    if (n == 1) det *= q->iroot;
    if (n == 3) det *= q->root;
    return (real)n * o->even[0] + kad_vlog(det);
}

KAD_LANES_INLINE vreal lfa_generate(const int n, const kad_outs *o, const vreal *z,
                                    vreal *y, lfa *q)
{
    lfa_prepare(n, o, q);
    for (int i = 0; i < n; i++)
        q->w[i] = z[i] + o->odd[1][i];
    q->u = q->a * kad_dot(n, q->w, q->w);
    lfa_radius(q);
    for (int i = 0; i < n; i++)
        q->f[i] = q->up * q->root * q->w[i];
    const vreal along = q->k * kad_dot(n, q->nn, q->f);
    for (int i = 0; i < n; i++)
        y[i] = o->odd[0][i] + q->f[i] + along * q->nn[i];
    return lfa_ld(n, o, q);
}

/* |w|^2 from q = |Y|^2. */
KAD_LANES_INLINE vreal lfa_radius2(const lfa *s, vreal q)
{
    const vreal zero = {0};
    const vreal aq = s->a * q, d = RC(1.0) - aq;
    const vreal square = d * d + RC(4.0) * s->c * aq;
    const vreal r = square * kad_lanes_rsqrt(square);
    const kad_vmask inside = kad_vgt(d, zero);
    const vreal num = kad_vselect(inside, RC(2.0) * q, r - d);
    const vreal den = kad_vselect(inside, d + r, RC(2.0) * s->c * s->a);
    return num * kad_lanes_rcp(den);
}

KAD_LANES_INLINE vreal lfa_infer(const int n, const kad_outs *o, const vreal *y, vreal *z,
                                 lfa *q)
{
    vreal g[3], flat[3];
    lfa_prepare(n, o, q);
    for (int i = 0; i < n; i++)
        g[i] = y[i] - o->odd[0][i];
    const vreal along = q->k * q->im * kad_dot(n, q->nn, g);
    for (int i = 0; i < n; i++) {
        q->f[i] = g[i] - along * q->nn[i];
        flat[i] = q->down * q->f[i];
    }
    q->u = q->a * lfa_radius2(q, kad_dot(n, flat, flat));
    lfa_radius(q);
    for (int i = 0; i < n; i++) {
        q->w[i] = flat[i] * q->iroot;
        z[i] = q->w[i] - o->odd[1][i];
    }
    return lfa_ld(n, o, q);
}

/* d ld/du. */
KAD_LANES_INLINE vreal lfa_ldu(const int n, const lfa *q)
{
    vreal ldu = RC(2.0) * (q->c * (RC(1.0) + q->u) * q->iq - q->i1);
    if (n != 2) ldu += RC(0.5) * (real)(n - 2) * (q->c * q->ic - q->i1);
    return ldu;
}

KAD_LANES_INLINE void lfa_vjp(const int n, const lfa *q, const vreal *gy, real gl,
                              vreal *gz, kad_outs *go)
{
    vreal gf[3], gn[3];
    const vreal ny = kad_dot(n, q->nn, gy), nf = kad_dot(n, q->nn, q->f);
    for (int i = 0; i < n; i++)
        gf[i] = gy[i] + q->k * ny * q->nn[i];
    const vreal wf = kad_dot(n, q->w, gf), stretch = q->up * q->root;
    /* df/dh = f/(2 h): the cotangent of h is gf.w e^s/(2 sqrt(h)) */
    const vreal gh = RC(0.5) * wf * q->up * q->iroot;
    const vreal gu = gh * (q->c - RC(1.0)) * q->i1 * q->i1 + gl * lfa_ldu(n, q);
    for (int i = 0; i < n; i++) {
        go->odd[0][i] = gy[i];
        gz[i] = stretch * gf[i] + RC(2.0) * q->a * gu * q->w[i];
        go->odd[1][i] = gz[i];
        gn[i] = q->k * (ny * q->f[i] + nf * gy[i] + (RC(2.0) * gl) * q->im * q->nn[i]);
    }
    const vreal radial = kad_dot(n, q->nn, gn);
    for (int i = 0; i < n; i++)
        go->odd[2][i] = q->norm * (gn[i] - q->nn[i] * radial);
    vreal ldc = (RC(2.0) + q->u) * q->iq;
    if (n != 2) ldc += RC(0.5) * (real)(n - 2) * q->ic;
    go->even[0] = stretch * wf + (real)n * gl;
    go->even[1] = gu * kad_dot(n, q->w, q->w) * q->sigma;
    go->even[2] = (gh * q->i1 + gl * ldc) * q->u * q->c;
    go->even[3] = (ny * nf + gl * q->m * q->im) * (RC(1.0) + q->k);
}

KAD_LANES_INLINE void lfa_solve(const int n, const lfa *q, const vreal *gz, real gl,
                                vreal *gy)
{
    vreal b[3];
    const vreal pull = RC(2.0) * gl * lfa_ldu(n, q) * q->a;
    for (int i = 0; i < n; i++)
        b[i] = gz[i] - pull * q->w[i];
    const vreal radial = kad_dot(n, q->w, b) * q->a * (q->c - RC(1.0)) * q->iq;
    const vreal shrink = q->down * q->iroot;
    for (int i = 0; i < n; i++)
        gy[i] = shrink * (b[i] - radial * q->w[i]);
    const vreal along = q->k * q->im * kad_dot(n, q->nn, gy);
    for (int i = 0; i < n; i++)
        gy[i] -= along * q->nn[i];
}

#endif

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
 * Outputs: odd t, eps, v; even s, rho1, rho2, rho3. Identity at c = 1, k = 0. For n = 1
 * the axis would be one more factor e^s: there are no v, rho3. */
#include "flow/transforms/transform_kern.h"

typedef struct lfa {
    vreal up, down;       /* e^s, e^-s */
    vreal a, sigma, c, k; /* sigma = da/drho1 */
    vreal nn[3], norm;    /* norm = 1/sqrt(1 + |v|^2) */
    vreal m, im;          /* |nn|^2, 1/(1 + k m) */
    vreal w[3], f[3];
    vreal u, i1, ic;   /* 1/(1 + u), 1/(1 + c u) */
    vreal big;         /* Q */
    vreal root, iroot; /* sqrt(h), 1/sqrt(h) */
} lfa;

/* The axis of 1 + k nn nn^T. */
KAD_LANES_INLINE void lfa_axis(const int n, const kad_outs *o, int v, const int need,
                               lfa *q)
{
    vreal axis[3];
    q->k = kad_vexp_fast(kad_even(o, 3)[v]) - RC(1.0);
    for (int i = 0; i < n; i++)
        axis[i] = kad_odd(o, 2)[kad_at(i, v)];
    q->norm = kad_lanes_rsqrt(RC(1.0) + kad_dot(n, axis, axis));
    for (int i = 0; i < n; i++)
        q->nn[i] = q->norm * axis[i];
    q->m = kad_dot(n, q->nn, q->nn);
    if (need) q->im = kad_lanes_rcp(RC(1.0) + q->k * q->m);
}

/* x += factor nn nn^T x */
KAD_LANES_INLINE void lfa_along(const int n, const lfa *q, vreal factor, vreal *x)
{
    const vreal along = factor * kad_dot(n, q->nn, x);
    for (int i = 0; i < n; i++)
        x[i] += along * q->nn[i];
}

/* exp is the fast one where the same value enters y and ld, so that its error is that of
 * a parameter. */
KAD_LANES_INLINE void lfa_prepare(const int n, const kad_outs *o, int v, real lambda,
                                  const int need, lfa *q)
{
    vreal tail;
    const vreal rho1 = kad_even(o, 1)[v];
    (void)lambda;
    if (need & KAD_FOR_ADJOINT)
        q->sigma = kad_lanes_sigmoid(rho1, &tail);
    else
        tail = kad_vexp_fast(-kad_vabs(rho1));
    q->a = kad_vmax(rho1, kad_vset(RC(0.0))) + kad_lanes_log1p(tail);
    q->c = kad_vexp_fast(kad_even(o, 2)[v]);
    q->up = kad_vexp(kad_even(o, 0)[v]);
    if (need) q->down = kad_lanes_rcp(q->up);
    if (n > 1) lfa_axis(n, o, v, need, q);
}

/* What u fixes; one reciprocal square root gives both denominators and sqrt(h). */
KAD_LANES_INLINE void lfa_radius(lfa *q)
{
    const vreal d1 = RC(1.0) + q->u, dc = RC(1.0) + q->c * q->u;
    const vreal both = kad_lanes_rsqrt(d1 * dc), inverse = both * both;
    q->i1 = dc * inverse;
    q->ic = d1 * inverse;
    q->root = dc * both;
    q->iroot = d1 * both;
    q->big = dc + q->c * q->u * d1;
}

KAD_LANES_INLINE void lfa_up(const int n, const kad_outs *o, int v, lfa *q, vreal *target)
{
    for (int i = 0; i < n; i++)
        q->w[i] = target[kad_at(i, v)] + kad_odd(o, 1)[kad_at(i, v)];
    q->u = q->a * kad_dot(n, q->w, q->w);
    lfa_radius(q);
    vreal f[3];
    for (int i = 0; i < n; i++)
        f[i] = q->up * q->root * q->w[i];
    for (int i = 0; i < n && n > 1; i++) /* of the axis alone */
        q->f[i] = f[i];
    if (n > 1) lfa_along(n, q, q->k, f);
    for (int i = 0; i < n; i++)
        target[kad_at(i, v)] = kad_odd(o, 0)[kad_at(i, v)] + f[i];
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

KAD_LANES_INLINE void lfa_down(const int n, const kad_outs *o, int v, lfa *q,
                               vreal *target)
{
    vreal flat[3];
    for (int i = 0; i < n; i++)
        q->f[i] = target[kad_at(i, v)] - kad_odd(o, 0)[kad_at(i, v)];
    if (n > 1) lfa_along(n, q, -q->k * q->im, q->f);
    for (int i = 0; i < n; i++)
        flat[i] = q->down * q->f[i];
    q->u = q->a * lfa_radius2(q, kad_dot(n, flat, flat));
    lfa_radius(q);
    for (int i = 0; i < n; i++) {
        q->w[i] = flat[i] * q->iroot;
        target[kad_at(i, v)] = q->w[i] - kad_odd(o, 1)[kad_at(i, v)];
    }
}

KAD_LANES_INLINE vreal lfa_ld(const int n, const kad_outs *o, int v, const lfa *q)
{
    vreal det = q->big * (q->i1 * q->i1);
    if (n > 1) det *= RC(1.0) + q->k * q->m;
    if (n == 1) det *= q->iroot;
    if (n == 3) det *= q->root;
    return (real)n * kad_even(o, 0)[v] + kad_vlog_normal(det);
}

/* d ld/du; iq = 1/Q. */
KAD_LANES_INLINE vreal lfa_ldu(const int n, const lfa *q, vreal iq)
{
    vreal ldu = RC(2.0) * (q->c * (RC(1.0) + q->u) * iq - q->i1);
    if (n != 2) ldu += RC(0.5) * (real)(n - 2) * (q->c * q->ic - q->i1);
    return ldu;
}

KAD_LANES_INLINE void lfa_solve(const int n, const lfa *q, int v, real gl, vreal *g)
{
    vreal b[3];
    const vreal iq = kad_lanes_rcp(q->big);
    const vreal pull = (RC(2.0) * gl) * lfa_ldu(n, q, iq) * q->a;
    for (int i = 0; i < n; i++)
        b[i] = g[kad_at(i, v)] - pull * q->w[i];
    const vreal radial = kad_dot(n, q->w, b) * q->a * (q->c - RC(1.0)) * iq;
    const vreal shrink = q->down * q->iroot;
    for (int i = 0; i < n; i++)
        b[i] = shrink * (b[i] - radial * q->w[i]);
    if (n > 1) lfa_along(n, q, -q->k * q->im, b);
    for (int i = 0; i < n; i++)
        g[kad_at(i, v)] = b[i];
}

/* The axis' part of lfa_vjp: its cotangents, from those g of y; gf of f. */
KAD_LANES_INLINE void lfa_axis_vjp(const int n, const lfa *q, int v, real gl,
                                   const vreal *g, vreal *gf, const kad_outs *go)
{
    vreal gn[3];
    const vreal ny = kad_dot(n, q->nn, g), nf = kad_dot(n, q->nn, q->f);
    for (int i = 0; i < n; i++) {
        gf[i] = g[i] + q->k * ny * q->nn[i];
        gn[i] = q->k * (ny * q->f[i] + nf * g[i] + (RC(2.0) * gl) * q->im * q->nn[i]);
    }
    const vreal radial = kad_dot(n, q->nn, gn);
    for (int i = 0; i < n; i++)
        kad_odd(go, 2)[kad_at(i, v)] = q->norm * (gn[i] - q->nn[i] * radial);
    kad_even(go, 3)[v] = (ny * nf + gl * q->m * q->im) * (RC(1.0) + q->k);
}

KAD_LANES_INLINE void lfa_vjp(const int n, const lfa *q, int v, real gl, vreal *g,
                              const kad_outs *go)
{
    vreal gf[3];
    const vreal iq = kad_lanes_rcp(q->big);
    for (int i = 0; i < n; i++)
        gf[i] = g[i];
    if (n > 1) lfa_axis_vjp(n, q, v, gl, g, gf, go);
    const vreal wf = kad_dot(n, q->w, gf), stretch = q->up * q->root;
    /* df/dh = f/(2 h): the cotangent of h is gf.w e^s/(2 sqrt(h)) */
    const vreal gh = RC(0.5) * wf * q->up * q->iroot;
    const vreal gu = gh * (q->c - RC(1.0)) * q->i1 * q->i1 + gl * lfa_ldu(n, q, iq);
    for (int i = 0; i < n; i++) {
        kad_odd(go, 0)[kad_at(i, v)] = g[i];
        g[i] = stretch * gf[i] + RC(2.0) * q->a * gu * q->w[i];
        kad_odd(go, 1)[kad_at(i, v)] = g[i];
    }
    vreal ldc = (RC(2.0) + q->u) * iq;
    if (n != 2) ldc += RC(0.5) * (real)(n - 2) * q->ic;
    kad_even(go, 0)[v] = stretch * wf + (real)n * gl;
    kad_even(go, 1)[v] = gu * kad_dot(n, q->w, q->w) * q->sigma;
    kad_even(go, 2)[v] = (gh * q->i1 + gl * ldc) * q->u * q->c;
}

KAD_TRANSFORM_ROW(lfa)
KAD_TRANSFORM_RUN(lfa, 1)
KAD_TRANSFORM_RUN(lfa, 2)
KAD_TRANSFORM_RUN(lfa, 3)

extern const kad_transform_kern kad_lfa_kern_f32, kad_lfa_kern_f64;

const kad_transform_kern KR(kad_lfa_kern) = {
    .run = {KAD_TRANSFORM_KERN(lfa, 1), KAD_TRANSFORM_KERN(lfa, 2),
            KAD_TRANSFORM_KERN(lfa, 3)},
};

#if KAD_PREC == 64 /* the table, once */
const kad_transform_ops kad_transform_lfa = {
    .name = "lfa",
    .summary = "linear-fractional amplitude: a radial map between two linear ones, along "
               "an axis of its own",
    .reference = "Koehler, Klein, Noe, arXiv:1910.00753 (equivariant flows)",
    .max_comp = 3,
    .n_odd = {2, 3, 3},
    .n_even = {3, 4, 4},
    .even_start = (const double[]){0, -1, 0, 0.2}, /* rho1, rho3 */
    .odd_start = (const double[]){0, 0, 0.25},     /* the axis */
    .kern = {&kad_lfa_kern_f32, &kad_lfa_kern_f64},
};
#endif

/* Rational-quadratic spline of the radius of a vector in R^n, n = 1, 2, 3.
 *
 *   w = z + eps,  r = |w|,  y = t + e^s g(r) w/r
 *   ld = n s + ln g' + (n - 1) ln(g/r)
 *
 * g is the spline of spline_kern.h over [0, B] and r beyond; its slope at B is 1. Outputs: odd t,
 * eps; even s, K - 1 of widths, K - 1 of heights, K of derivatives, all zero at the identity. g
 * is once differentiable; so is the map, w = 0 included. */
#include "flow/transforms/spline_kern.h"

enum { RQS_K = SPLINE_K, RQS_SPLINE = 1, RQS_N = SPLINE_N - 1 };
#define RQS_B RC(4.0)
#define RQS_TINY RC(1e-30) /* of |w|^2, so that w = 0 has a direction */

typedef struct rqs {
    spline g;         /* where it is not beyond B */
    kad_vmask in;     /* inside */
    vreal up, down;   /* e^s, e^-s */
    vreal axis[3], r; /* w/|w|, |w| */
    vreal of_r, dg;   /* g, g' */
    vreal along;      /* d/dr [ln g' + (n - 1) ln(g/r)] */
} rqs;

KAD_LANES_INLINE void rqs_prepare(const int n, const kad_outs *o, int v, real lambda,
                                  const int need, rqs *q)
{
    vreal logit[RQS_N];
    (void)n;
    (void)lambda;
    q->up = kad_vexp(kad_even(o, 0)[v]);
    if (need) q->down = kad_lanes_rcp(q->up);
    for (int k = 0; k < RQS_N; k++)
        logit[k] = kad_even(o, RQS_SPLINE + k)[v];
    spline_prepare(logit, RQS_K, RQS_B, &q->g);
}

/* The bin of x; beyond them all number K. */
KAD_LANES_INLINE void rqs_find(rqs *q, int which, vreal x)
{
    spline_find(&q->g, which, x);
    q->in = kad_vgt(x, kad_vset(RQS_B));
    q->g.n_bin = kad_vselect(q->in, kad_vset((real)RQS_K), q->g.n_bin);
    q->in = kad_vlt(q->g.n_bin, kad_vset((real)RQS_K - RC(0.5)));
}

/* g and its derivatives, from xi and r. */
KAD_LANES_INLINE void rqs_point(const int n, rqs *q)
{
    const vreal one = kad_vset(RC(1.0)), xi = q->g.xi, rest = one - xi;
    spline *g = &q->g;
    spline_point(g);
    vreal along = g->along;
    q->of_r = kad_vselect(q->in, g->g, q->r);
    q->dg = kad_vselect(q->in, g->dg, one);
    if (n > 1) { /* in the first bin g/r = (sigma/q)(sigma xi + d (1 - xi)) */
        const vreal line = g->sigma * xi + g->d[0] * rest;
        const vreal first =
            ((g->sigma - g->d[0]) * kad_lanes_rcp(line) - g->turn) * g->iw;
        const vreal later = g->dg * kad_lanes_rcp(g->g) - kad_lanes_rcp(q->r);
        along += (real)(n - 1) *
                 kad_vselect(kad_vlt(g->n_bin, kad_vset(RC(0.5))), first, later);
    }
    q->along = kad_vselect(q->in, along, spline_zero());
}

/* x = axis |x|; |x| */
KAD_LANES_INLINE vreal rqs_polar(const int n, const vreal *x, vreal *axis)
{
    const vreal square = kad_vmax(kad_dot(n, x, x), kad_vset(RQS_TINY));
    const vreal inverse = kad_lanes_rsqrt(square);
    for (int i = 0; i < n; i++)
        axis[i] = x[i] * inverse;
    return square * inverse;
}

KAD_LANES_INLINE void rqs_up(const int n, const kad_outs *o, int v, rqs *q, vreal *target)
{
    vreal w[3];
    for (int i = 0; i < n; i++)
        w[i] = target[kad_at(i, v)] + kad_odd(o, 1)[kad_at(i, v)];
    q->r = rqs_polar(n, w, q->axis);
    rqs_find(q, 0, q->r);
    spline_enter(&q->g, q->r);
    rqs_point(n, q);
    for (int i = 0; i < n; i++)
        target[kad_at(i, v)] = kad_odd(o, 0)[kad_at(i, v)] + q->up * q->of_r * q->axis[i];
}

KAD_LANES_INLINE void rqs_down(const int n, const kad_outs *o, int v, rqs *q,
                               vreal *target)
{
    vreal f[3];
    for (int i = 0; i < n; i++)
        f[i] = q->down * (target[kad_at(i, v)] - kad_odd(o, 0)[kad_at(i, v)]);
    const vreal g = rqs_polar(n, f, q->axis);
    rqs_find(q, 1, g);
    spline_solve(&q->g, g);
    q->r = kad_vselect(q->in, q->g.at[0] + q->g.of[0] * q->g.xi, g);
    rqs_point(n, q);
    for (int i = 0; i < n; i++)
        target[kad_at(i, v)] = q->r * q->axis[i] - kad_odd(o, 1)[kad_at(i, v)];
}

KAD_LANES_INLINE vreal rqs_ld(const int n, const kad_outs *o, int v, const rqs *q)
{
    vreal det = q->dg;
    const vreal stretch = q->of_r * kad_lanes_rcp(q->r);
    for (int i = 1; i < n; i++)
        det *= stretch;
    return (real)n * kad_even(o, 0)[v] + kad_vlog_normal(det);
}

/* dy/dz = e^s [g/r + (g' - g/r) axis axis^T] */
KAD_LANES_INLINE void rqs_solve(const int n, const rqs *q, int v, real gl, vreal *g)
{
    vreal b[3];
    const vreal across = q->down * q->r * kad_lanes_rcp(q->of_r),
                along = q->down * kad_lanes_rcp(q->dg);
    for (int i = 0; i < n; i++)
        b[i] = g[kad_at(i, v)] - gl * q->along * q->axis[i];
    const vreal radial = (along - across) * kad_dot(n, q->axis, b);
    for (int i = 0; i < n; i++)
        g[kad_at(i, v)] = across * b[i] + radial * q->axis[i];
}

KAD_LANES_INLINE void rqs_vjp(const int n, const rqs *q, int v, real gl, vreal *g,
                              const kad_outs *go)
{
    const vreal zero = spline_zero();
    vreal logit[RQS_N];
    const vreal gy = kad_dot(n, q->axis, g),
                stretch = q->up * q->of_r * kad_lanes_rcp(q->r);
    const vreal back = q->up * q->dg * gy + gl * q->along; /* of r */
    for (int i = 0; i < n; i++) {
        kad_odd(go, 0)[kad_at(i, v)] = g[i];
        g[i] = stretch * (g[i] - gy * q->axis[i]) + back * q->axis[i];
        kad_odd(go, 1)[kad_at(i, v)] = g[i];
    }
    kad_even(go, 0)[v] = q->up * q->of_r * gy + (real)n * gl;
    vreal gg = q->up * gy;
    if (n > 1) gg += (real)(n - 1) * gl * kad_lanes_rcp(q->of_r);
    spline_vjp(&q->g, RQS_K, RQS_B, kad_vselect(q->in, gg, zero),
               kad_vselect(q->in, kad_vset(gl), zero), logit);
    for (int k = 0; k < RQS_N; k++)
        kad_even(go, RQS_SPLINE + k)[v] = logit[k];
}

KAD_TRANSFORM_ROW(rqs)
KAD_TRANSFORM_RUN(rqs, 1)
KAD_TRANSFORM_RUN(rqs, 2)
KAD_TRANSFORM_RUN(rqs, 3)

extern const kad_transform_kern kad_rqs_kern_f32, kad_rqs_kern_f64;

const kad_transform_kern KR(kad_rqs_kern) = {
    .run = {KAD_TRANSFORM_KERN(rqs, 1), KAD_TRANSFORM_KERN(rqs, 2),
            KAD_TRANSFORM_KERN(rqs, 3)},
};

#if KAD_PREC == 64 /* the table, once */
const kad_transform_ops kad_transform_rqs = {
    .name = "rqs",
    .summary =
        "rational-quadratic spline of the radius, four bins: densities with shoulders",
    .reference = "Durkan, Bekasov, Murray, Papamakarios, arXiv:1906.04032",
    .max_comp = 3,
    .n_odd = {2, 2, 2},
    .n_even = {1 + RQS_N, 1 + RQS_N, 1 + RQS_N},
    .kern = {&kad_rqs_kern_f32, &kad_rqs_kern_f64},
};
#endif

/* Rational-quadratic spline of the radius of a vector in R^n, n = 1, 2, 3.
 *
 *   w = z + eps,  r = |w|,  y = t + e^s g(r) w/r
 *   ld = n s + ln g' + (n - 1) ln(g/r)
 *
 * g rises from 0 to B over [0, B] in K bins and is r beyond. Bin k: from (x, y) on, width w,
 * height h, slope sigma = h/w, derivatives d at its left end and d' at its right one;
 * xi = (r - x)/w, q = sigma + (d + d' - 2 sigma) xi (1 - xi):
 *   g  = y + h [sigma xi^2 + d xi (1 - xi)]/q
 *   g' = sigma^2 [d' xi^2 + 2 sigma xi (1 - xi) + d (1 - xi)^2]/q^2
 * Inverse, D = g - y, e = d + d' - 2 sigma: the root xi in [0, 1] of
 *   a xi^2 + b xi - sigma D = 0,  a = h (sigma - d) + D e,  b = h d - D e,
 * by 2 sigma D/(b + root) or (root - b)/(2 a), whichever subtracts nothing.
 *
 * Widths and heights are B (M + (1 - K M) softmax) of K - 1 outputs and a zero; derivatives
 * e^output, the last knot's 1. Outputs: odd t, eps; even s, K - 1 of widths, K - 1 of heights,
 * K of derivatives, all zero at the identity. g is once differentiable; so is the map, w = 0
 * included. */
#include "flow/transforms/transform_kern.h"

enum { RQS_K = 4, RQS_WIDTHS = 1, RQS_HEIGHTS = RQS_K, RQS_SLOPES = 2 * RQS_K - 1 };
#define RQS_B RC(4.0)
#define RQS_M RC(0.02)
#define RQS_TINY RC(1e-30) /* of |w|^2, so that w = 0 has a direction */

typedef struct rqs {
    vreal up, down;           /* e^s, e^-s */
    vreal p[2][RQS_K];        /* softmax of widths, heights */
    vreal size[2][RQS_K];     /* widths, heights */
    vreal slope[RQS_K + 1];   /* of knots */
    vreal at[2], of[2], d[2]; /* of the bin: its left end, width and height, slopes */
    vreal n_bin;              /* its number; K beyond */
    vreal axis[3], r;         /* w/|w|, |w| */
    vreal xi, sigma, q, N, P; /* N, P: in the brackets of g, g' */
    vreal g, dg;              /* g, g' */
    vreal along;              /* d/dr [ln g' + (n - 1) ln(g/r)] */
} rqs;

KAD_LANES_INLINE vreal rqs_zero(void)
{
    return kad_vset(RC(0.0));
}

/* One of widths and heights from the K - 1 outputs at `first`. */
KAD_LANES_INLINE void rqs_sizes(const kad_outs *o, int v, int first, vreal *p,
                                vreal *size)
{
    vreal top = rqs_zero(), sum = rqs_zero();
    for (int k = 0; k < RQS_K - 1; k++)
        top = kad_vmax(top, kad_even(o, first + k)[v]);
    for (int k = 0; k < RQS_K; k++) {
        const vreal rho = k < RQS_K - 1 ? kad_even(o, first + k)[v] : rqs_zero();
        p[k] = kad_vexp_fast(rho - top);
        sum += p[k];
    }
    const vreal scale = kad_lanes_rcp(sum);
    for (int k = 0; k < RQS_K; k++) {
        p[k] *= scale;
        size[k] = RQS_B * (RQS_M + (RC(1.0) - (real)RQS_K * RQS_M) * p[k]);
    }
}

KAD_LANES_INLINE void rqs_prepare(const int n, const kad_outs *o, int v, real lambda,
                                  const int need, rqs *q)
{
    (void)n;
    (void)lambda;
    q->up = kad_vexp(kad_even(o, 0)[v]);
    if (need) q->down = kad_lanes_rcp(q->up);
    rqs_sizes(o, v, RQS_WIDTHS, q->p[0], q->size[0]);
    rqs_sizes(o, v, RQS_HEIGHTS, q->p[1], q->size[1]);
    for (int k = 0; k < RQS_K; k++)
        q->slope[k] = kad_vexp_fast(kad_even(o, RQS_SLOPES + k)[v]);
    q->slope[RQS_K] = kad_vset(RC(1.0));
}

/* The bin in which x lies among widths (which = 0) or heights (1). */
KAD_LANES_INLINE void rqs_find(rqs *q, int which, vreal x)
{
    vreal end[2] = {rqs_zero(), rqs_zero()};
    q->n_bin = rqs_zero();
    for (int k = 0; k < RQS_K; k++) {
        const kad_vmask in = kad_vgt(x, end[which]);
        for (int i = 0; i < 2; i++) {
            q->at[i] = k ? kad_vselect(in, end[i], q->at[i]) : end[i];
            q->of[i] = k ? kad_vselect(in, q->size[i][k], q->of[i]) : q->size[i][0];
            q->d[i] = k ? kad_vselect(in, q->slope[k + i], q->d[i]) : q->slope[i];
            end[i] += q->size[i][k];
        }
        if (k) q->n_bin = kad_vselect(in, kad_vset((real)k), q->n_bin);
    }
    q->n_bin = kad_vselect(kad_vgt(x, kad_vset(RQS_B)), kad_vset((real)RQS_K), q->n_bin);
    q->sigma = q->of[1] * kad_lanes_rcp(q->of[0]);
}

KAD_LANES_INLINE kad_vmask rqs_inside(const rqs *q)
{
    return kad_vlt(q->n_bin, kad_vset((real)RQS_K - RC(0.5)));
}

/* g and its derivatives, from xi and r. */
KAD_LANES_INLINE void rqs_point(const int n, rqs *q)
{
    const vreal one = kad_vset(RC(1.0)), xi = q->xi, rest = one - xi, t = xi * rest;
    const vreal e = q->d[0] + q->d[1] - RC(2.0) * q->sigma;
    q->q = q->sigma + e * t;
    const vreal iq = kad_lanes_rcp(q->q), steep = q->sigma * iq;
    q->N = q->sigma * xi * xi + q->d[0] * t;
    q->P = q->d[1] * xi * xi + RC(2.0) * q->sigma * t + q->d[0] * rest * rest;
    const kad_vmask inside = rqs_inside(q);
    const vreal g = q->at[1] + q->of[1] * q->N * iq, dg = steep * steep * q->P;
    const vreal iw = kad_lanes_rcp(q->of[0]), bend = e * (one - RC(2.0) * xi) * iq;
    const vreal dP =
        RC(2.0) * (q->d[1] * xi + q->sigma * (one - RC(2.0) * xi) - q->d[0] * rest);
    vreal along = (dP * kad_lanes_rcp(q->P) - RC(2.0) * bend) * iw;
    q->g = kad_vselect(inside, g, q->r);
    q->dg = kad_vselect(inside, dg, one);
    if (n > 1) { /* in the first bin g/r = (sigma/q)(sigma xi + d (1 - xi)) */
        const vreal line = q->sigma * xi + q->d[0] * rest;
        const vreal first = ((q->sigma - q->d[0]) * kad_lanes_rcp(line) - bend) * iw;
        const vreal later = dg * kad_lanes_rcp(g) - kad_lanes_rcp(q->r);
        along += (real)(n - 1) *
                 kad_vselect(kad_vlt(q->n_bin, kad_vset(RC(0.5))), first, later);
    }
    q->along = kad_vselect(inside, along, rqs_zero());
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
    q->xi = kad_vmin((q->r - q->at[0]) * kad_lanes_rcp(q->of[0]), kad_vset(RC(1.0)));
    rqs_point(n, q);
    for (int i = 0; i < n; i++)
        target[kad_at(i, v)] = kad_odd(o, 0)[kad_at(i, v)] + q->up * q->g * q->axis[i];
}

KAD_LANES_INLINE void rqs_down(const int n, const kad_outs *o, int v, rqs *q,
                               vreal *target)
{
    vreal f[3];
    for (int i = 0; i < n; i++)
        f[i] = q->down * (target[kad_at(i, v)] - kad_odd(o, 0)[kad_at(i, v)]);
    const vreal g = rqs_polar(n, f, q->axis);
    rqs_find(q, 1, g);
    const vreal D = kad_vmin(g - q->at[1], q->of[1]);
    const vreal e = q->d[0] + q->d[1] - RC(2.0) * q->sigma;
    const vreal a = q->of[1] * (q->sigma - q->d[0]) + D * e,
                b = q->of[1] * q->d[0] - D * e;
    const vreal c = RC(2.0) * q->sigma * D;
    const vreal square = kad_vmax(b * b + RC(2.0) * a * c, kad_vset(RQS_TINY));
    const vreal root = square * kad_lanes_rsqrt(square);
    const kad_vmask positive = kad_vgt(b, rqs_zero());
    const vreal num = kad_vselect(positive, c, root - b);
    const vreal den = kad_vselect(positive, b + root, RC(2.0) * a);
    q->xi = kad_vmin(num * kad_lanes_rcp(den), kad_vset(RC(1.0)));
    q->r = kad_vselect(rqs_inside(q), q->at[0] + q->of[0] * q->xi, g);
    rqs_point(n, q);
    for (int i = 0; i < n; i++)
        target[kad_at(i, v)] = q->r * q->axis[i] - kad_odd(o, 1)[kad_at(i, v)];
}

KAD_LANES_INLINE vreal rqs_ld(const int n, const kad_outs *o, int v, const rqs *q)
{
    vreal det = q->dg;
    const vreal stretch = q->g * kad_lanes_rcp(q->r);
    for (int i = 1; i < n; i++)
        det *= stretch;
    return (real)n * kad_even(o, 0)[v] + kad_vlog_normal(det);
}

/* dy/dz = e^s [g/r + (g' - g/r) axis axis^T] */
KAD_LANES_INLINE void rqs_solve(const int n, const rqs *q, int v, real gl, vreal *g)
{
    vreal b[3];
    const vreal across = q->down * q->r * kad_lanes_rcp(q->g),
                along = q->down * kad_lanes_rcp(q->dg);
    for (int i = 0; i < n; i++)
        b[i] = g[kad_at(i, v)] - gl * q->along * q->axis[i];
    const vreal radial = (along - across) * kad_dot(n, q->axis, b);
    for (int i = 0; i < n; i++)
        g[kad_at(i, v)] = across * b[i] + radial * q->axis[i];
}

/* Cotangents of the K - 1 outputs at `first`, from those of the bin: of its left end and
 * of its size. */
KAD_LANES_INLINE void rqs_sizes_vjp(const rqs *q, int which, int first, vreal at,
                                    vreal of, int v, const kad_outs *go)
{
    vreal gp[RQS_K], mean = rqs_zero();
    for (int k = 0; k < RQS_K; k++) {
        const vreal here = kad_vset((real)k);
        const kad_vmask before = kad_vgt(q->n_bin, here + RC(0.5)),
                        beyond = kad_vlt(q->n_bin, here - RC(0.5));
        const vreal size = kad_vselect(before, at, kad_vselect(beyond, rqs_zero(), of));
        gp[k] = RQS_B * (RC(1.0) - (real)RQS_K * RQS_M) * size;
        mean += q->p[which][k] * gp[k];
    }
    for (int k = 0; k < RQS_K - 1; k++)
        kad_even(go, first + k)[v] = q->p[which][k] * (gp[k] - mean);
}

KAD_LANES_INLINE void rqs_vjp(const int n, const rqs *q, int v, real gl, vreal *g,
                              const kad_outs *go)
{
    const vreal one = kad_vset(RC(1.0)), zero = rqs_zero();
    const kad_vmask inside = rqs_inside(q);
    const vreal gy = kad_dot(n, q->axis, g), stretch = q->up * q->g * kad_lanes_rcp(q->r);
    const vreal back = q->up * q->dg * gy + gl * q->along; /* of r */
    for (int i = 0; i < n; i++) {
        kad_odd(go, 0)[kad_at(i, v)] = g[i];
        g[i] = stretch * (g[i] - gy * q->axis[i]) + back * q->axis[i];
        kad_odd(go, 1)[kad_at(i, v)] = g[i];
    }
    kad_even(go, 0)[v] = q->up * q->g * gy + (real)n * gl;

    /* g and ln g' back to xi, sigma and the bin */
    const vreal xi = q->xi, rest = one - xi, t = xi * rest, turn = one - RC(2.0) * xi;
    const vreal e = q->d[0] + q->d[1] - RC(2.0) * q->sigma, iq = kad_lanes_rcp(q->q);
    vreal gg = q->up * gy;
    if (n > 1) gg += (real)(n - 1) * gl * kad_lanes_rcp(q->g);
    gg = kad_vselect(inside, gg, zero);
    const vreal gln = kad_vselect(inside, kad_vset(gl), zero);
    const vreal gP = gln * kad_lanes_rcp(q->P), gN = gg * q->of[1] * iq;
    const vreal gq = -(RC(2.0) * gln + gN * q->N) * iq;
    const vreal gt = RC(2.0) * gP * q->sigma + gN * q->d[0] + gq * e;
    const vreal gsigma = RC(2.0) * gln * kad_lanes_rcp(q->sigma) + RC(2.0) * gP * t +
                         gN * xi * xi + gq * (one - RC(2.0) * t);
    const vreal gxi = RC(2.0) * gP * (q->d[1] * xi - q->d[0] * rest) +
                      RC(2.0) * gN * q->sigma * xi + gt * turn;
    const vreal gd[2] = {gP * rest * rest + gN * t + gq * t, gP * xi * xi + gq * t};
    const vreal iw = kad_lanes_rcp(q->of[0]);
    rqs_sizes_vjp(q, 0, RQS_WIDTHS, -gxi * iw, -(gxi * xi + gsigma * q->sigma) * iw, v,
                  go);
    rqs_sizes_vjp(q, 1, RQS_HEIGHTS, gg, gg * q->N * iq + gsigma * iw, v, go);
    for (int k = 0; k < RQS_K; k++) {
        const vreal here = q->n_bin - kad_vset((real)k);
        const kad_vmask left = kad_vlt(kad_vabs(here), kad_vset(RC(0.5))),
                        right = kad_vlt(kad_vabs(here + RC(1.0)), kad_vset(RC(0.5)));
        kad_even(go, RQS_SLOPES + k)[v] = q->slope[k] * (kad_vselect(left, gd[0], zero) +
                                                         kad_vselect(right, gd[1], zero));
    }
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
    .n_even = {3 * RQS_K - 1, 3 * RQS_K - 1, 3 * RQS_K - 1},
    .kern = {&kad_rqs_kern_f32, &kad_rqs_kern_f64},
};
#endif

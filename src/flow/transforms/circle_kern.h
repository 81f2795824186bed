/* Maps of the circle for transforms of two components: the target's length stays, its direction
 * s goes through maps f one after the other. Of each a state keeps where it leads from and to,
 * the slope m = df/dtheta > 0 and bend = d ln m / dtheta, so that with G the cotangent of an
 * angle and gl that of ld = sum ln m
 *   down the chain    G_in = m G_out + gl bend;   parameters  G_out df/dp + gl d ln m / dp.
 *
 *   axis      s' = A s/|A s|, A = 1 + k nn nn^T, nn = v/sqrt(1 + |v|^2),
 *             k = exp(rho/sqrt(1 + rho^2/16)) - 1, from -0.98 to 54
 *             m = (1 + k |nn|^2)/|A s|^2;  inverse A^-1 = 1 - k nn nn^T/(1 + k |nn|^2)
 *   moebius   s' = (s + w)/(1 + w^* s) as complex numbers, w = 0.99 x/sqrt(1 + |x|^2),
 *             theta' = 2 arg(s + w) - theta, m = (1 - |w|^2)/|s + w|^2;  inverse w -> -w
 *   quantile  of the density P(phi)/2 pi, P = (1 - eps) e^{kappa cos phi}/I_0(kappa) + eps,
 *             phi the angle from u, kappa = |u|:  phi = F^-1(phi_in),
 *             F = phi + (1 - eps) 2 sum_j rho_j sin(j phi)/j, rho_j = I_j/I_0 by the downward
 *             recurrence r_j = kappa/(2j + kappa r_{j+1});  m = 1/P
 *
 * F is concave on [0, pi]: Newton steps from its left end are monotone, those that would leave
 * the bracket halve it. kappa is at most MOST: CIRCLE_TERMS terms are exact to rounding. */
#ifndef KAD_FLOW_TRANSFORMS_CIRCLE_KERN_H
#define KAD_FLOW_TRANSFORMS_CIRCLE_KERN_H

#include "base/vtrig.h"
#include "flow/transforms/transform_kern.h"

#define CIRCLE_MOST RC(12.0)  /* of kappa */
#define CIRCLE_LEAST RC(1e-4) /* of eps: slopes of the quantile are at most its inverse */
#if KAD_PREC == 32
enum { CIRCLE_TERMS = 22, CIRCLE_STEPS = 24 };
#define CIRCLE_ENOUGH RC(2e-7)
#else
enum { CIRCLE_TERMS = 36, CIRCLE_STEPS = 40 };
#define CIRCLE_ENOUGH RC(4e-16)
#endif

typedef struct circle_point {
    vreal s[2], t[2]; /* directions before and after */
    vreal m, bend;
} circle_point;

/* x = length s. One pair of normals in 2^24 is zero in single precision: it gets a direction and
 * a length that a square does not lose, so that the direction it is mapped to can be read. */
KAD_LANES_INLINE void circle_unit(const vreal *x, vreal *s, vreal *length)
{
    const vreal square = x[0] * x[0] + x[1] * x[1];
    const kad_vmask none = kad_vlt(square, kad_vset(RC(1e-32)));
    const vreal r2 = kad_vmax(square, kad_vset(RC(1e-30)));
    const vreal inverse = kad_lanes_rsqrt(r2);
    const vreal a = x[0] * inverse, b = x[1] * inverse;
    s[0] = kad_vselect(none, kad_vset(RC(1.0)), a);
    s[1] = kad_vselect(none, kad_vset(RC(0.0)), b);
    *length = r2 * inverse;
}

/* x . (a turned by +90 degrees) */
KAD_LANES_INLINE vreal circle_cross(const vreal *a, const vreal *x)
{
    return a[0] * x[1] - a[1] * x[0];
}

/* Angle in (-pi, pi] of a unit vector: a polynomial to 1e-5, then one step on the sine. */
KAD_LANES_INLINE vreal circle_angle(vreal c, vreal s)
{
    const vreal a = kad_vabs(s), b = kad_vabs(c);
    const vreal x = kad_vmin(a, b) / kad_vmax(a, b), z = x * x;
    vreal p = kad_vset(RC(-0.01172120));
    p = p * z + RC(0.05265332);
    p = p * z - RC(0.11643287);
    p = p * z + RC(0.19354346);
    p = p * z - RC(0.33262347);
    p = (p * z + RC(0.99997726)) * x;
    p = kad_vselect(kad_vgt(a, b), RC(1.57079632679489661923) - p, p);
    p = kad_vselect(kad_vlt(c, kad_vset(RC(0.0))), RC(3.14159265358979323846) - p, p);
    p = kad_vcopysign(p, s);
    vreal sine, cosine;
    kad_vsincos(p, &sine, &cosine);
    const vreal d = s * cosine - c * sine, d2 = d * d;
    return p + d + d * d2 * (RC(0.16666666666666666667) + RC(0.075) * d2);
}

/* --- axis -------------------------------------------------------------------------------- */

typedef struct circle_axis {
    circle_point at;
    vreal nn[2], norm, k, q, whole; /* q = |nn|^2, whole = 1 + k q */
    vreal bend;                     /* dk/drho */
    vreal a[2], ia;                 /* A s, 1/|A s| */
} circle_axis;

KAD_LANES_INLINE void circle_axis_prepare(const vreal *v, vreal rho, circle_axis *f)
{
    f->norm = kad_lanes_rsqrt(RC(1.0) + v[0] * v[0] + v[1] * v[1]);
    f->nn[0] = f->norm * v[0];
    f->nn[1] = f->norm * v[1];
    const vreal within = kad_lanes_rsqrt(RC(1.0) + rho * rho * (RC(1.0) / RC(16.0)));
    f->k = kad_vexp(rho * within) - RC(1.0);
    f->bend = (f->k + RC(1.0)) * (within * within * within);
    f->q = f->nn[0] * f->nn[0] + f->nn[1] * f->nn[1];
    f->whole = RC(1.0) + f->k * f->q;
}

/* at.s is set: the rest. */
KAD_LANES_INLINE void circle_axis_point(circle_axis *f)
{
    const vreal *s = f->at.s;
    const vreal ns = f->nn[0] * s[0] + f->nn[1] * s[1];
    for (int i = 0; i < 2; i++)
        f->a[i] = s[i] + f->k * ns * f->nn[i];
    const vreal inverse2 = kad_lanes_rcp(f->a[0] * f->a[0] + f->a[1] * f->a[1]);
    f->ia = kad_lanes_rsqrt(f->a[0] * f->a[0] + f->a[1] * f->a[1]);
    f->at.t[0] = f->a[0] * f->ia;
    f->at.t[1] = f->a[1] * f->ia;
    f->at.m = f->whole * inverse2;
    f->at.bend = RC(-2.0) * f->k * (RC(2.0) + f->k * f->q) * ns * circle_cross(s, f->nn) *
                 inverse2;
}

KAD_LANES_INLINE void circle_axis_up(circle_axis *f, const vreal *s)
{
    f->at.s[0] = s[0];
    f->at.s[1] = s[1];
    circle_axis_point(f);
}

KAD_LANES_INLINE void circle_axis_down(circle_axis *f, const vreal *t)
{
    vreal x[2], unused;
    const vreal along =
        f->k * (f->nn[0] * t[0] + f->nn[1] * t[1]) * kad_lanes_rcp(f->whole);
    for (int i = 0; i < 2; i++)
        x[i] = t[i] - along * f->nn[i];
    circle_unit(x, f->at.s, &unused);
    circle_axis_point(f);
}

/* Cotangents of v and rho. */
KAD_LANES_INLINE void circle_axis_vjp(const circle_axis *f, vreal G, real gl, vreal *gv,
                                      vreal *grho)
{
    const vreal *s = f->at.s, *t = f->at.t;
    const vreal ns = f->nn[0] * s[0] + f->nn[1] * s[1];
    const vreal na = (f->nn[0] * t[0] + f->nn[1] * t[1]) * f->ia; /* nn.A s / |A s|^2 */
    const vreal turn = circle_cross(t, f->nn) * f->ia * G;
    const vreal iw = kad_lanes_rcp(f->whole);
    const vreal perp[2] = {-t[1], t[0]};
    vreal g[2];
    const vreal gk = turn * ns + gl * (f->q * iw - RC(2.0) * na * ns);
    for (int i = 0; i < 2; i++)
        g[i] = f->k * (G * f->ia * perp[i] * ns + turn * s[i] +
                       (RC(2.0) * gl) * (f->nn[i] * iw - ns * t[i] * f->ia - na * s[i]));
    const vreal along = f->nn[0] * g[0] + f->nn[1] * g[1];
    for (int i = 0; i < 2; i++)
        gv[i] = f->norm * (g[i] - f->nn[i] * along);
    *grho = gk * f->bend;
}

/* --- Moebius ----------------------------------------------------------------------------- */

typedef struct circle_moebius {
    circle_point at;
    vreal unit[2], w[2], norm, rest; /* w = 0.99 unit, rest = 1 - |w|^2 */
    vreal sum[2], is2;               /* s + w, 1/|s + w|^2 */
} circle_moebius;

KAD_LANES_INLINE void circle_moebius_prepare(const kad_outs *o, int v, const vreal *x,
                                             circle_moebius *f)
{
    (void)o;
    (void)v;
    f->norm = kad_lanes_rsqrt(RC(1.0) + x[0] * x[0] + x[1] * x[1]);
    f->unit[0] = f->norm * x[0];
    f->unit[1] = f->norm * x[1];
    for (int i = 0; i < 2; i++)
        f->w[i] = RC(0.99) * f->unit[i];
    f->rest = RC(1.0) - f->w[0] * f->w[0] - f->w[1] * f->w[1];
}

/* t = (s + sign w)/(1 + sign w^* s), a unit vector again. */
KAD_LANES_INLINE void circle_moebius_apply(const circle_moebius *f, real sign,
                                           const vreal *s, vreal *t)
{
    vreal unused;
    const vreal a = s[0] + sign * f->w[0], b = s[1] + sign * f->w[1];
    const vreal c = RC(1.0) + sign * (f->w[0] * s[0] + f->w[1] * s[1]);
    const vreal d = sign * (f->w[0] * s[1] - f->w[1] * s[0]);
    const vreal x[2] = {a * c + b * d, b * c - a * d};
    circle_unit(x, t, &unused);
}

KAD_LANES_INLINE void circle_moebius_point(circle_moebius *f)
{
    const vreal *s = f->at.s;
    f->sum[0] = s[0] + f->w[0];
    f->sum[1] = s[1] + f->w[1];
    f->is2 = kad_lanes_rcp(f->sum[0] * f->sum[0] + f->sum[1] * f->sum[1]);
    f->at.m = f->rest * f->is2;
    f->at.bend = RC(-2.0) * circle_cross(s, f->w) * f->is2;
}

KAD_LANES_INLINE void circle_moebius_up(circle_moebius *f, const vreal *s)
{
    f->at.s[0] = s[0];
    f->at.s[1] = s[1];
    circle_moebius_apply(f, RC(1.0), s, f->at.t);
    circle_moebius_point(f);
}

KAD_LANES_INLINE void circle_moebius_down(circle_moebius *f, const vreal *t)
{
    f->at.t[0] = t[0];
    f->at.t[1] = t[1];
    circle_moebius_apply(f, RC(-1.0), t, f->at.s);
    circle_moebius_point(f);
}

/* Cotangent of x. */
KAD_LANES_INLINE void circle_moebius_vjp(const circle_moebius *f, vreal G, real gl,
                                         const kad_outs *go, int v, vreal *gx)
{
    (void)go;
    (void)v;
    const vreal perp[2] = {-f->sum[1], f->sum[0]};
    vreal g[2];
    for (int i = 0; i < 2; i++)
        g[i] = RC(2.0) * f->is2 * (G * perp[i] - gl * f->sum[i]) -
               RC(2.0) * gl * f->w[i] * kad_lanes_rcp(f->rest);
    const vreal along = f->unit[0] * g[0] + f->unit[1] * g[1];
    for (int i = 0; i < 2; i++)
        gx[i] = RC(0.99) * f->norm * (g[i] - f->unit[i] * along);
}

/* --- quantile ---------------------------------------------------------------------------- */

typedef struct circle_quantile {
    circle_point at;
    vreal th[2], kappa, norm,
        u2;                 /* u/|u|; of u: kappa = |u| norm, norm = 1/sqrt(1 + ..) */
    vreal eps, rest, share; /* rest = 1 - eps; share: the logistic function of eps */
    vreal rho[CIRCLE_TERMS + 2], twice; /* twice = 2 sum rho */
    vreal c, s, D, p, P;                /* at phi */
} circle_quantile;

/* The share is the fourth even output. */
KAD_LANES_INLINE void circle_quantile_prepare(const kad_outs *o, int v, const vreal *u,
                                              circle_quantile *f)
{
    const vreal zero = {0}, tiny = kad_vset(RC(1e-12));
    vreal tail, length;
    const vreal u2 = u[0] * u[0] + u[1] * u[1];
    const kad_vmask none = kad_vlt(u2, tiny * tiny);
    circle_unit(u, f->th, &length);
    f->th[0] = kad_vselect(none, kad_vset(RC(1.0)), f->th[0]);
    f->th[1] = kad_vselect(none, zero, f->th[1]);
    length = kad_vselect(none, tiny, length);
    f->u2 = length * length;
    f->norm = kad_lanes_rsqrt(RC(1.0) + f->u2 * (1 / (CIRCLE_MOST * CIRCLE_MOST)));
    f->kappa = length * f->norm;
    f->share = kad_lanes_sigmoid(kad_even(o, 3)[v], &tail);
    f->eps = CIRCLE_LEAST + (RC(1.0) - CIRCLE_LEAST) * f->share;
    f->rest = (RC(1.0) - CIRCLE_LEAST) * (RC(1.0) - f->share);
    vreal r = zero;
    for (int j = CIRCLE_TERMS + 1; j >= 1; j--) {
        r = f->kappa * kad_lanes_rcp(RC(2.0) * (real)j + f->kappa * r);
        f->rho[j] = r;
    }
    f->rho[0] = kad_vset(RC(1.0));
    f->twice = zero;
    for (int j = 1; j <= CIRCLE_TERMS + 1; j++) {
        const vreal next = f->rho[j - 1] * f->rho[j];
        f->rho[j] = kad_vselect(kad_vlt(next, kad_vset(RC(1e-20))), zero, next);
        f->twice += RC(2.0) * f->rho[j];
    }
}

/* D, p and P at the angle of (c, s). */
KAD_LANES_INLINE void circle_quantile_at(circle_quantile *f, vreal c, vreal s)
{
    vreal b1 = {0}, b2 = {0};
    for (int j = CIRCLE_TERMS; j >= 1; j--) {
        const vreal b = (RC(2.0) / (real)j) * f->rho[j] + RC(2.0) * c * b1 - b2;
        b2 = b1;
        b1 = b;
    }
    f->c = c;
    f->s = s;
    f->D = b1 * s;
    f->p = kad_vexp(f->kappa * (c - RC(1.0))) * (RC(1.0) + f->twice);
    f->P = f->rest * f->p + f->eps;
}

KAD_LANES_INLINE void circle_quantile_slopes(circle_quantile *f)
{
    f->at.m = kad_lanes_rcp(f->P);
    f->at.bend = f->rest * f->kappa * f->s * f->p * (f->at.m * f->at.m);
}

KAD_LANES_INLINE void circle_turn(const vreal *a, vreal c, vreal s, vreal *out)
{
    out[0] = a[0] * c - a[1] * s;
    out[1] = a[1] * c + a[0] * s;
}

/* phi in [0, pi] with F(phi) = in; how many steps that took. A lane is done where it moves no
 * more, or has passed the root: from the left only rounding does, and would go on to. A lane's
 * result is its own. */
KAD_LANES_INLINE int circle_quantile_solve(circle_quantile *f, vreal in)
{
    const vreal zero = {0};
    vreal lo = zero, hi = kad_vset(RC(3.14159265358979323846)), sine, cosine;
    vreal open = kad_vset(RC(1.0)); /* 0: done */
    vreal phi = in * kad_lanes_rcp(f->rest * (RC(1.0) + f->twice) + f->eps);
    int step = 0;
    while (step < CIRCLE_STEPS && kad_vsum(open) > 0) {
        kad_vsincos(phi, &sine, &cosine);
        circle_quantile_at(f, cosine, sine);
        const vreal over = phi + f->rest * f->D - in;
        const kad_vmask above = kad_vgt(over, zero);
        lo = kad_vselect(above, lo, phi);
        hi = kad_vselect(above, phi, hi);
        vreal next = phi - over * kad_lanes_rcp(f->P);
        next = kad_vselect(kad_vlt(next, lo), RC(0.5) * (lo + hi), next);
        next = kad_vselect(kad_vgt(next, hi), RC(0.5) * (lo + hi), next);
        next = kad_vselect(kad_vgt(open, kad_vset(RC(0.5))), next, phi);
        open = kad_vselect(above, zero, open);
        open = kad_vselect(
            kad_vgt(kad_vabs(next - phi), CIRCLE_ENOUGH * (phi + RC(1e-3))), open, zero);
        phi = next;
        step++;
    }
    kad_vsincos(phi, &sine, &cosine);
    circle_quantile_at(f, cosine, sine);
    return step;
}

KAD_LANES_INLINE void circle_quantile_up(circle_quantile *f, const vreal *s)
{
    f->at.s[0] = s[0];
    f->at.s[1] = s[1];
    const vreal c = f->th[0] * s[0] + f->th[1] * s[1], sine = circle_cross(f->th, s);
    (void)circle_quantile_solve(f, circle_angle(c, kad_vabs(sine)));
    const vreal sign = kad_vcopysign(kad_vset(RC(1.0)), sine);
    f->s *= sign;
    f->D *= sign;
    circle_turn(f->th, f->c, f->s, f->at.t);
    circle_quantile_slopes(f);
}

KAD_LANES_INLINE void circle_quantile_down(circle_quantile *f, const vreal *t)
{
    vreal c, s;
    f->at.t[0] = t[0];
    f->at.t[1] = t[1];
    circle_quantile_at(f, f->th[0] * t[0] + f->th[1] * t[1], circle_cross(f->th, t));
    kad_vsincos(f->rest * f->D, &s, &c);
    circle_turn(t, c, s, f->at.s);
    circle_quantile_slopes(f);
}

/* Cotangents of u and of the share's argument. With in fixed, dphi/dkappa = -F_kappa/P,
 * dphi/deps = D/P, and phi turns with u by 1 - 1/P. */
KAD_LANES_INLINE void circle_quantile_vjp(const circle_quantile *f, vreal G, real gl,
                                          const kad_outs *go, int v, vreal *gu)
{
    vreal b1 = {0}, b2 = {0};
    const vreal m = f->at.m;
    for (int j = CIRCLE_TERMS; j >= 1; j--) {
        const vreal slope =
            RC(0.5) * (f->rho[j - 1] + f->rho[j + 1]) - f->rho[j] * f->rho[1];
        const vreal b = (RC(2.0) / (real)j) * slope + RC(2.0) * f->c * b1 - b2;
        b2 = b1;
        b1 = b;
    }
    const vreal dkappa = -f->rest * b1 * f->s * m, deps = f->D * m;
    const vreal slope = -f->rest * f->kappa * f->s * f->p; /* dP/dphi */
    const vreal over =
        f->rest * (kad_vexpm1(f->kappa * (f->c - RC(1.0))) * (RC(1.0) + f->twice) +
                   f->twice); /* P - 1 */
    const vreal gkappa =
        G * dkappa - gl * m * (f->rest * (f->c - f->rho[1]) * f->p + slope * dkappa);
    const vreal geps = G * deps - gl * m * (RC(1.0) - f->p + slope * deps);
    const vreal gturn = (G * over + gl * slope * m) * m;
    const vreal inverse = kad_lanes_rsqrt(f->u2);
    /* d kappa/d|u| = norm^3 */
    const vreal along = gkappa * f->norm * f->norm * f->norm, across = gturn * inverse;
    gu[0] = along * f->th[0] - across * f->th[1];
    gu[1] = along * f->th[1] + across * f->th[0];
    kad_even(go, 3)[v] =
        geps * (RC(1.0) - CIRCLE_LEAST) * f->share * (RC(1.0) - f->share);
}

/* --- a chain of three of them -------------------------------------------------------------- */

/* Cotangents of a target's two components to those of its angle (times its length) and its
 * length, at the direction s; and back. */
KAD_LANES_INLINE void circle_split(const vreal *s, const vreal *g, vreal *along,
                                   vreal *across)
{
    *along = s[0] * g[0] + s[1] * g[1];
    *across = circle_cross(s, g);
}

KAD_LANES_INLINE void circle_join(const vreal *s, vreal along, vreal across, vreal *g)
{
    g[0] = along * s[0] - across * s[1];
    g[1] = along * s[1] + across * s[0];
}

/* The transform NAME (transform_kern.h): an axis, the middle map of e^{s0} v0, an axis.
 * Outputs: odd v0, v1 and v2 of the axes; even s0, rho1 and rho2, and the middle map's own. */
#define CIRCLE_CHAIN(name, middle_map)                                                \
    typedef struct name {                                                             \
        circle_axis first, last;                                                      \
        circle_##middle_map middle;                                                   \
        vreal length, scale, v0[2];                                                   \
    } name;                                                                           \
                                                                                      \
    KAD_LANES_INLINE void name##_prepare(const int n, const kad_outs *o, int v,       \
                                         real lambda, const int need, name *q)        \
    {                                                                                 \
        vreal v1[2], v2[2], x[2];                                                     \
        (void)n;                                                                      \
        (void)lambda;                                                                 \
        (void)need;                                                                   \
        q->scale = kad_vexp(kad_even(o, 0)[v]);                                       \
        for (int i = 0; i < 2; i++) {                                                 \
            q->v0[i] = kad_odd(o, 0)[kad_at(i, v)];                                   \
            x[i] = q->scale * q->v0[i];                                               \
            v1[i] = kad_odd(o, 1)[kad_at(i, v)];                                      \
            v2[i] = kad_odd(o, 2)[kad_at(i, v)];                                      \
        }                                                                             \
        circle_axis_prepare(v1, kad_even(o, 1)[v], &q->first);                        \
        circle_##middle_map##_prepare(o, v, x, &q->middle);                           \
        circle_axis_prepare(v2, kad_even(o, 2)[v], &q->last);                         \
    }                                                                                 \
                                                                                      \
    KAD_LANES_INLINE void name##_up(const int n, const kad_outs *o, int v, name *q,   \
                                    vreal *target)                                    \
    {                                                                                 \
        vreal s[2] = {target[kad_at(0, v)], target[kad_at(1, v)]};                    \
        (void)n;                                                                      \
        (void)o;                                                                      \
        circle_unit(s, s, &q->length);                                                \
        circle_axis_up(&q->first, s);                                                 \
        circle_##middle_map##_up(&q->middle, q->first.at.t);                          \
        circle_axis_up(&q->last, q->middle.at.t);                                     \
        for (int i = 0; i < 2; i++)                                                   \
            target[kad_at(i, v)] = q->length * q->last.at.t[i];                       \
    }                                                                                 \
                                                                                      \
    KAD_LANES_INLINE void name##_down(const int n, const kad_outs *o, int v, name *q, \
                                      vreal *target)                                  \
    {                                                                                 \
        vreal t[2] = {target[kad_at(0, v)], target[kad_at(1, v)]};                    \
        (void)n;                                                                      \
        (void)o;                                                                      \
        circle_unit(t, t, &q->length);                                                \
        circle_axis_down(&q->last, t);                                                \
        circle_##middle_map##_down(&q->middle, q->last.at.s);                         \
        circle_axis_down(&q->first, q->middle.at.s);                                  \
        for (int i = 0; i < 2; i++)                                                   \
            target[kad_at(i, v)] = q->length * q->first.at.s[i];                      \
    }                                                                                 \
                                                                                      \
    KAD_LANES_INLINE vreal name##_ld(const int n, const kad_outs *o, int v,           \
                                     const name *q)                                   \
    {                                                                                 \
        (void)n;                                                                      \
        (void)o;                                                                      \
        (void)v;                                                                      \
        return kad_vlog_normal(q->first.at.m * q->last.at.m) +                        \
               kad_vlog_normal(q->middle.at.m);                                       \
    }                                                                                 \
                                                                                      \
    KAD_LANES_INLINE void name##_solve(const int n, const name *q, int v, real gl,    \
                                       vreal *g)                                      \
    {                                                                                 \
        vreal along, G, out[2] = {g[kad_at(0, v)], g[kad_at(1, v)]};                  \
        (void)n;                                                                      \
        circle_split(q->first.at.s, out, &along, &G);                                 \
        G *= q->length;                                                               \
        G = (G - gl * q->first.at.bend) * kad_lanes_rcp(q->first.at.m);               \
        G = (G - gl * q->middle.at.bend) * kad_lanes_rcp(q->middle.at.m);             \
        G = (G - gl * q->last.at.bend) * kad_lanes_rcp(q->last.at.m);                 \
        circle_join(q->last.at.t, along, kad_lanes_rcp(q->length) * G, out);          \
        g[kad_at(0, v)] = out[0];                                                     \
        g[kad_at(1, v)] = out[1];                                                     \
    }                                                                                 \
                                                                                      \
    KAD_LANES_INLINE void name##_vjp(const int n, const name *q, int v, real gl,      \
                                     vreal *g, const kad_outs *go)                    \
    {                                                                                 \
        vreal along, G, gv[2];                                                        \
        (void)n;                                                                      \
        circle_split(q->last.at.t, g, &along, &G);                                    \
        G *= q->length;                                                               \
        circle_axis_vjp(&q->last, G, gl, gv, &kad_even(go, 2)[v]);                    \
        for (int i = 0; i < 2; i++)                                                   \
            kad_odd(go, 2)[kad_at(i, v)] = gv[i];                                     \
        G = G * q->last.at.m + gl * q->last.at.bend;                                  \
        circle_##middle_map##_vjp(&q->middle, G, gl, go, v, gv);                      \
        for (int i = 0; i < 2; i++)                                                   \
            kad_odd(go, 0)[kad_at(i, v)] = q->scale * gv[i];                          \
        kad_even(go, 0)[v] = q->scale * (gv[0] * q->v0[0] + gv[1] * q->v0[1]);        \
        G = G * q->middle.at.m + gl * q->middle.at.bend;                              \
        circle_axis_vjp(&q->first, G, gl, gv, &kad_even(go, 1)[v]);                   \
        for (int i = 0; i < 2; i++)                                                   \
            kad_odd(go, 1)[kad_at(i, v)] = gv[i];                                     \
        G = G * q->first.at.m + gl * q->first.at.bend;                                \
        circle_join(q->first.at.s, along, kad_lanes_rcp(q->length) * G, g);           \
    }

#endif

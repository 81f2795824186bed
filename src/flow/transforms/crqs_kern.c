/* A rational-quadratic spline of the angle between two axes: densities of angles with
 * shoulders or several humps (n = 2).
 *
 *   s' = axis(v2, rho2) of spline(e^{s0} v0) of axis(v1, rho1) of s = z/|z|,
 *   y = |z| s'   (circle_kern.h)
 *
 *   spline: angles phi from the direction of u, the phase, which turns with the sources;
 *           phi' = sign(phi) g(|phi|), g that of spline_kern.h over [0, pi], whose slopes at 0
 *           and pi are free: phi and -phi alike, so that reflections are kept, and f' is
 *           continuous all around. Its logits are h times outputs, h = |u|/sqrt(1 + |u|^2):
 *           where there is no direction the map is the identity.
 *           f' = g'(|phi|)
 *
 * Outputs: odd v0, v1, v2; even s0, rho1, rho2, then K - 1 of widths, K - 1 of heights, K + 1 of
 * slopes. f' has kinks at the knots. */
#include "flow/transforms/circle_kern.h"
#include "flow/transforms/spline_kern.h"

enum { CRQS_SPLINE = 3, CRQS_SLOPES = SPLINE_K + 1 };
#define CRQS_PI RC(3.14159265358979323846)
#define CRQS_NEAR RC(1e-12) /* of |u|^2: phases of shorter ones have no cotangent */

typedef struct circle_spline {
    circle_point at;
    spline g;
    vreal out[SPLINE_N];             /* logits are h times these */
    vreal th[2], norm, h, u2, known; /* u/|u|; h = |u| norm; known: 0 or 1 */
    vreal sign;                      /* of phi */
} circle_spline;

KAD_LANES_INLINE void circle_spline_prepare(const kad_outs *o, int v, const vreal *u,
                                            circle_spline *f)
{
    vreal logit[SPLINE_N], length;
    const vreal u2 = u[0] * u[0] + u[1] * u[1], one = kad_vset(RC(1.0)), zero = {0};
    const kad_vmask none = kad_vlt(u2, kad_vset(CRQS_NEAR));
    circle_unit(u, f->th, &length);
    f->th[0] = kad_vselect(none, one, f->th[0]);
    f->th[1] = kad_vselect(none, zero, f->th[1]);
    f->known = kad_vselect(none, zero, one);
    f->u2 = kad_vmax(u2, kad_vset(CRQS_NEAR));
    f->norm = kad_lanes_rsqrt(RC(1.0) + u2);
    f->h = kad_vselect(none, zero, length * f->norm);
    for (int k = 0; k < SPLINE_N; k++) {
        f->out[k] = kad_even(o, CRQS_SPLINE + k)[v];
        logit[k] = f->h * f->out[k];
    }
    spline_prepare(logit, CRQS_SLOPES, CRQS_PI, &f->g);
}

/* |phi| of a direction, and its sign. */
KAD_LANES_INLINE vreal circle_spline_angle(circle_spline *f, const vreal *s)
{
    const vreal sine = circle_cross(f->th, s);
    f->sign = kad_vcopysign(kad_vset(RC(1.0)), sine);
    return circle_angle(f->th[0] * s[0] + f->th[1] * s[1], kad_vabs(sine));
}

/* The direction at sign phi. */
KAD_LANES_INLINE void circle_spline_place(const circle_spline *f, vreal phi, vreal *s)
{
    vreal sine, cosine;
    kad_vsincos(phi, &sine, &cosine);
    circle_turn(f->th, cosine, f->sign * sine, s);
}

KAD_LANES_INLINE void circle_spline_point(circle_spline *f)
{
    spline_point(&f->g);
    f->at.m = f->g.dg;
    f->at.bend = f->sign * f->g.along;
}

KAD_LANES_INLINE void circle_spline_up(circle_spline *f, const vreal *s)
{
    const vreal phi = circle_spline_angle(f, s);
    f->at.s[0] = s[0];
    f->at.s[1] = s[1];
    spline_find(&f->g, 0, phi);
    spline_enter(&f->g, phi);
    circle_spline_point(f);
    circle_spline_place(f, f->g.g, f->at.t);
}

KAD_LANES_INLINE void circle_spline_down(circle_spline *f, const vreal *t)
{
    const vreal phi = circle_spline_angle(f, t);
    f->at.t[0] = t[0];
    f->at.t[1] = t[1];
    spline_find(&f->g, 1, phi);
    spline_solve(&f->g, phi);
    circle_spline_point(f);
    circle_spline_place(f, f->g.at[0] + f->g.of[0] * f->g.xi, f->at.s);
}

/* Cotangents of u and of the outputs: with the direction before it fixed, the one behind it
 * turns with u by 1 - m, and ln m changes by -bend. */
KAD_LANES_INLINE void circle_spline_vjp(const circle_spline *f, vreal G, real gl,
                                        const kad_outs *go, int v, vreal *gu)
{
    vreal logit[SPLINE_N], gh = spline_zero();
    spline_vjp(&f->g, CRQS_SLOPES, CRQS_PI, f->sign * G, kad_vset(gl), logit);
    for (int k = 0; k < SPLINE_N; k++) {
        gh += logit[k] * f->out[k];
        kad_even(go, CRQS_SPLINE + k)[v] = f->h * logit[k];
    }
    const vreal turn = G * (RC(1.0) - f->at.m) - gl * f->at.bend;
    const vreal across = f->known * turn * kad_lanes_rsqrt(f->u2);
    const vreal along = f->known * gh * f->norm * f->norm * f->norm; /* dh/d|u| */
    gu[0] = along * f->th[0] - across * f->th[1];
    gu[1] = along * f->th[1] + across * f->th[0];
}

CIRCLE_CHAIN(crqs, spline)
KAD_TRANSFORM_ROW(crqs)
KAD_TRANSFORM_RUN(crqs, 2)

extern const kad_transform_kern kad_crqs_kern_f32, kad_crqs_kern_f64;

const kad_transform_kern KR(kad_crqs_kern) = {.run = {{0}, KAD_TRANSFORM_KERN(crqs, 2)}};

#if KAD_PREC == 64 /* the table, once */
const kad_transform_ops kad_transform_crqs = {
    .name = "crqs",
    .summary =
        "rational-quadratic spline of the angle, eight bins around, between two axes "
        "(two components; lengths stay)",
    .reference = "arXiv:2002.02428",
    .min_comp = 2,
    .max_comp = 2,
    .directions = true,
    .n_odd = {0, 3, 0},
    .n_even = {0, CRQS_SPLINE + SPLINE_N, 0},
    .even_start = (const double[CRQS_SPLINE + SPLINE_N]){0, 0.2, -0.2}, /* rho1, rho2 */
    .odd_start = (const double[]){0.25, 0.25, 0.25},
    .kern = {&kad_crqs_kern_f32, &kad_crqs_kern_f64},
};
#endif

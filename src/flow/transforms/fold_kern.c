/* Angles pulled to the p directions of a clock, cos(p theta) = 1 or -1 (n = 2): a map M of the
 * circle of u = s^p that keeps u = 1 and u = -1,
 *
 *   theta' = theta + (arg M(u) - arg u)/p,   M = axis(x2, rho2) of quantile(x0, share) of
 *                                                axis(x1, rho1), vectors x e_1,
 *   y = |z| s'   (circle_kern.h)
 *
 * M moves no angle by more than pi, so that theta' has the slope of M and commutes with rotations
 * by 2 pi/p and the reflection of theta. p is the stage's number (kad_target_rows.quartic).
 * Outputs: even x0, rho1, rho2, share, x1, x2. It is not a choice of the config: it breaks
 * rotations whatever the net. */
#include "flow/transforms/circle_kern.h"

typedef struct fold {
    circle_axis first, last;
    circle_quantile middle;
    int p;
    vreal length, s[2], t[2]; /* directions before and after */
} fold;

KAD_LANES_INLINE void fold_prepare(const int n, const kad_outs *o, int v, real p,
                                   const int need, fold *f)
{
    const vreal x0[2] = {kad_even(o, 0)[v]}, x1[2] = {kad_even(o, 4)[v]},
                x2[2] = {kad_even(o, 5)[v]};
    (void)n;
    (void)need;
    f->p = p < 1 ? 1 : (int)p;
    circle_axis_prepare(x1, kad_even(o, 1)[v], &f->first);
    circle_quantile_prepare(o, v, x0, &f->middle);
    circle_axis_prepare(x2, kad_even(o, 2)[v], &f->last);
}

/* s^p */
KAD_LANES_INLINE void fold_power(int p, const vreal *s, vreal *u)
{
    u[0] = s[0];
    u[1] = s[1];
    for (int i = 1; i < p; i++) {
        const vreal next = u[0] * s[0] - u[1] * s[1];
        u[1] = u[0] * s[1] + u[1] * s[0];
        u[0] = next;
    }
}

/* out = s turned by sign times the angle from a to b over p. */
KAD_LANES_INLINE void fold_turn(const fold *f, real sign, const vreal *a, const vreal *b,
                                const vreal *s, vreal *out)
{
    vreal sine, cosine;
    const vreal angle = circle_angle(a[0] * b[0] + a[1] * b[1], circle_cross(a, b));
    kad_vsincos(sign * angle / (real)f->p, &sine, &cosine);
    circle_turn(s, cosine, sine, out);
}

KAD_LANES_INLINE void fold_up(const int n, const kad_outs *o, int v, fold *f,
                              vreal *target)
{
    vreal u[2], x[2] = {target[kad_at(0, v)], target[kad_at(1, v)]};
    (void)n;
    (void)o;
    circle_unit(x, f->s, &f->length);
    fold_power(f->p, f->s, u);
    circle_axis_up(&f->first, u);
    circle_quantile_up(&f->middle, f->first.at.t);
    circle_axis_up(&f->last, f->middle.at.t);
    fold_turn(f, RC(1.0), u, f->last.at.t, f->s, f->t);
    for (int i = 0; i < 2; i++)
        target[kad_at(i, v)] = f->length * f->t[i];
}

KAD_LANES_INLINE void fold_down(const int n, const kad_outs *o, int v, fold *f,
                                vreal *target)
{
    vreal u[2], x[2] = {target[kad_at(0, v)], target[kad_at(1, v)]};
    (void)n;
    (void)o;
    circle_unit(x, f->t, &f->length);
    fold_power(f->p, f->t, u);
    circle_axis_down(&f->last, u);
    circle_quantile_down(&f->middle, f->last.at.s);
    circle_axis_down(&f->first, f->middle.at.s);
    fold_turn(f, RC(-1.0), f->first.at.s, u, f->t, f->s);
    for (int i = 0; i < 2; i++)
        target[kad_at(i, v)] = f->length * f->s[i];
}

KAD_LANES_INLINE vreal fold_ld(const int n, const kad_outs *o, int v, const fold *f)
{
    (void)n;
    (void)o;
    (void)v;
    return kad_vlog_normal(f->first.at.m * f->last.at.m) +
           kad_vlog_normal(f->middle.at.m);
}

/* With phi = p theta: cotangents of phi are those of theta over p. */
KAD_LANES_INLINE void fold_solve(const int n, const fold *f, int v, real gl, vreal *g)
{
    vreal along, G, in[2] = {g[kad_at(0, v)], g[kad_at(1, v)]}, out[2];
    const real p = (real)f->p;
    (void)n;
    circle_split(f->s, in, &along, &G);
    G = G * f->length * (RC(1.0) / p);
    G = (G - gl * f->first.at.bend) * kad_lanes_rcp(f->first.at.m);
    G = (G - gl * f->middle.at.bend) * kad_lanes_rcp(f->middle.at.m);
    G = (G - gl * f->last.at.bend) * kad_lanes_rcp(f->last.at.m);
    circle_join(f->t, along, kad_lanes_rcp(f->length) * (p * G), out);
    g[kad_at(0, v)] = out[0];
    g[kad_at(1, v)] = out[1];
}

KAD_LANES_INLINE void fold_vjp(const int n, const fold *f, int v, real gl, vreal *g,
                               const kad_outs *go)
{
    vreal along, G, gx[2];
    const real p = (real)f->p;
    (void)n;
    circle_split(f->t, g, &along, &G);
    G = G * f->length * (RC(1.0) / p);
    circle_axis_vjp(&f->last, G, gl, gx, &kad_even(go, 2)[v]);
    kad_even(go, 5)[v] = gx[0];
    G = G * f->last.at.m + gl * f->last.at.bend;
    circle_quantile_vjp(&f->middle, G, gl, go, v, gx);
    kad_even(go, 0)[v] = gx[0];
    G = G * f->middle.at.m + gl * f->middle.at.bend;
    circle_axis_vjp(&f->first, G, gl, gx, &kad_even(go, 1)[v]);
    kad_even(go, 4)[v] = gx[0];
    G = G * f->first.at.m + gl * f->first.at.bend;
    circle_join(f->s, along, kad_lanes_rcp(f->length) * (p * G), g);
}

KAD_TRANSFORM_ROW(fold)
KAD_TRANSFORM_RUN(fold, 2)

extern const kad_transform_kern kad_fold_kern_f32, kad_fold_kern_f64;

const kad_transform_kern KR(kad_fold_kern) = {.run = {{0}, KAD_TRANSFORM_KERN(fold, 2)}};

#if KAD_PREC == 64 /* the table, once */
const kad_transform_ops kad_transform_fold = {
    .name = "fold",
    .summary =
        "angles pulled to the directions of a clock (two components; lengths stay)",
    .reference = "arXiv:2002.02428",
    .min_comp = 2,
    .max_comp = 2,
    .directions = true,
    .n_even = {0, 6, 0},
    .even_start =
        (const double[]){0.1, 0.2, -0.2, -2, 0.25, 0.25}, /* x0, rho, share, x */
    .kern = {&kad_fold_kern_f32, &kad_fold_kern_f64},
};
#endif

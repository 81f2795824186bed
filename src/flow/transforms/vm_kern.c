/* Quantile of von Mises' law between two axes: makes angles from free ones (n = 2).
 *
 *   s' = axis(v2, rho2) of quantile(e^{s0} v0, share) of axis(v1, rho1) of s = z/|z|,
 *   y = |z| s'   (circle_kern.h)
 *
 * Outputs: odd v0, v1, v2; even s0, rho1, rho2, share. Density about v0, the share
 * sigmoid(share) of it uniform. */
#include "flow/transforms/circle_kern.h"

typedef struct vm {
    circle_axis first, last;
    circle_quantile middle;
    vreal length, scale, v0[2];
} vm;

KAD_LANES_INLINE void vm_prepare(const int n, const kad_outs *o, int v, real lambda,
                                 const int need, vm *q)
{
    vreal v1[2], v2[2], u[2];
    (void)n;
    (void)lambda;
    (void)need;
    q->scale = kad_vexp(kad_even(o, 0)[v]);
    for (int i = 0; i < 2; i++) {
        q->v0[i] = kad_odd(o, 0)[kad_at(i, v)];
        u[i] = q->scale * q->v0[i];
        v1[i] = kad_odd(o, 1)[kad_at(i, v)];
        v2[i] = kad_odd(o, 2)[kad_at(i, v)];
    }
    circle_axis_prepare(v1, kad_even(o, 1)[v], &q->first);
    circle_quantile_prepare(u, kad_even(o, 3)[v], &q->middle);
    circle_axis_prepare(v2, kad_even(o, 2)[v], &q->last);
}

KAD_LANES_INLINE void vm_up(const int n, const kad_outs *o, int v, vm *q, vreal *target)
{
    vreal s[2] = {target[kad_at(0, v)], target[kad_at(1, v)]};
    (void)n;
    (void)o;
    circle_unit(s, s, &q->length);
    circle_axis_up(&q->first, s);
    circle_quantile_up(&q->middle, q->first.at.t);
    circle_axis_up(&q->last, q->middle.at.t);
    for (int i = 0; i < 2; i++)
        target[kad_at(i, v)] = q->length * q->last.at.t[i];
}

KAD_LANES_INLINE void vm_down(const int n, const kad_outs *o, int v, vm *q, vreal *target)
{
    vreal t[2] = {target[kad_at(0, v)], target[kad_at(1, v)]};
    (void)n;
    (void)o;
    circle_unit(t, t, &q->length);
    q->last.at.t[0] = t[0];
    q->last.at.t[1] = t[1];
    circle_axis_down(&q->last, t);
    circle_quantile_down(&q->middle, q->last.at.s);
    circle_axis_down(&q->first, q->middle.at.s);
    for (int i = 0; i < 2; i++)
        target[kad_at(i, v)] = q->length * q->first.at.s[i];
}

KAD_LANES_INLINE vreal vm_ld(const int n, const kad_outs *o, int v, const vm *q)
{
    (void)n;
    (void)o;
    (void)v;
    return kad_vlog_normal(q->first.at.m * q->last.at.m) +
           kad_vlog_normal(q->middle.at.m);
}

KAD_LANES_INLINE void vm_solve(const int n, const vm *q, int v, real gl, vreal *g)
{
    vreal along, G, out[2] = {g[kad_at(0, v)], g[kad_at(1, v)]};
    (void)n;
    circle_split(q->first.at.s, out, &along, &G);
    G *= q->length;
    G = (G - gl * q->first.at.bend) * kad_lanes_rcp(q->first.at.m);
    G = (G - gl * q->middle.at.bend) * kad_lanes_rcp(q->middle.at.m);
    G = (G - gl * q->last.at.bend) * kad_lanes_rcp(q->last.at.m);
    circle_join(q->last.at.t, along, G * kad_lanes_rcp(q->length), out);
    g[kad_at(0, v)] = out[0];
    g[kad_at(1, v)] = out[1];
}

KAD_LANES_INLINE void vm_vjp(const int n, const vm *q, int v, real gl, vreal *g,
                             const kad_outs *go)
{
    vreal along, G, gv[2];
    (void)n;
    circle_split(q->last.at.t, g, &along, &G);
    G *= q->length;
    circle_axis_vjp(&q->last, G, gl, gv, &kad_even(go, 2)[v]);
    for (int i = 0; i < 2; i++)
        kad_odd(go, 2)[kad_at(i, v)] = gv[i];
    G = G * q->last.at.m + gl * q->last.at.bend;
    circle_quantile_vjp(&q->middle, G, gl, gv, &kad_even(go, 3)[v]);
    for (int i = 0; i < 2; i++)
        kad_odd(go, 0)[kad_at(i, v)] = q->scale * gv[i];
    kad_even(go, 0)[v] = q->scale * (gv[0] * q->v0[0] + gv[1] * q->v0[1]);
    G = G * q->middle.at.m + gl * q->middle.at.bend;
    circle_axis_vjp(&q->first, G, gl, gv, &kad_even(go, 1)[v]);
    for (int i = 0; i < 2; i++)
        kad_odd(go, 1)[kad_at(i, v)] = gv[i];
    G = G * q->first.at.m + gl * q->first.at.bend;
    circle_join(q->first.at.s, along, G * kad_lanes_rcp(q->length), g);
}

KAD_TRANSFORM_ROW(vm)
KAD_TRANSFORM_RUN(vm, 2)

extern const kad_transform_kern kad_vm_kern_f32, kad_vm_kern_f64;

const kad_transform_kern KR(kad_vm_kern) = {.run = {{0}, KAD_TRANSFORM_KERN(vm, 2)}};

#if KAD_PREC == 64 /* the table, once */
const kad_transform_ops kad_transform_vm = {
    .name = "vm",
    .summary =
        "angles from free ones: the quantile of von Mises' law, with a share of the "
        "uniform one, between two axes (two components; lengths stay)",
    .reference =
        "10.1007/978-1-4899-5283-9 (von Mises' law); arXiv:2002.02428 (flows on tori)",
    .min_comp = 2,
    .max_comp = 2,
    .directions = true,
    .n_odd = {0, 3, 0},
    .n_even = {0, 4, 0},
    .even_start = (const double[]){0, 0.2, -0.2, -2}, /* rho1, rho2, share */
    .odd_start = (const double[]){0, 0.25, 0.25},
    .kern = {&kad_vm_kern_f32, &kad_vm_kern_f64},
};
#endif

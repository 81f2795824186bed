/* Affine transform: y = t + e^s z, ld = n s. Outputs: odd t; even s. */
#ifndef KAD_FLOW_TRANSFORMS_AFFINE_KERN_H
#define KAD_FLOW_TRANSFORMS_AFFINE_KERN_H

#include "flow/transforms/transform_kern.h"

typedef struct affine {
    vreal f[3]; /* e^s z */
    vreal up, down;
} affine;

KAD_LANES_INLINE void affine_prepare(const int n, const kad_outs *o, int v, real lambda,
                                     const int need, affine *a)
{
    (void)n;
    (void)lambda;
    a->up = kad_vexp(o->even[0][v]);
    if (need) a->down = kad_lanes_rcp(a->up);
}

KAD_LANES_INLINE void affine_up(const int n, const kad_outs *o, int v, affine *a,
                                vreal *target)
{
    for (int i = 0; i < n; i++) {
        a->f[i] = a->up * target[kad_at(i, v)];
        target[kad_at(i, v)] = o->odd[0][kad_at(i, v)] + a->f[i];
    }
}

KAD_LANES_INLINE void affine_down(const int n, const kad_outs *o, int v, affine *a,
                                  vreal *target)
{
    for (int i = 0; i < n; i++) {
        a->f[i] = target[kad_at(i, v)] - o->odd[0][kad_at(i, v)];
        target[kad_at(i, v)] = a->down * a->f[i];
    }
}

KAD_LANES_INLINE vreal affine_ld(const int n, const kad_outs *o, int v, const affine *a)
{
    (void)a;
    return (real)n * o->even[0][v];
}

KAD_LANES_INLINE void affine_solve(const int n, const affine *a, int v, real gl, vreal *g)
{
    (void)gl;
    for (int i = 0; i < n; i++)
        g[kad_at(i, v)] *= a->down;
}

KAD_LANES_INLINE void affine_vjp(const int n, const affine *a, int v, real gl, vreal *g,
                                 const kad_outs *go)
{
    go->even[0][v] = kad_dot(n, g, a->f) + (real)n * gl;
    for (int i = 0; i < n; i++) {
        go->odd[0][kad_at(i, v)] = g[i];
        g[i] *= a->up;
    }
}

#endif

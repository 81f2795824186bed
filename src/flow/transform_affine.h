/* Affine transform: y = t + e^s z, ld = n s. Outputs: odd t; even s. */
#ifndef KAD_FLOW_TRANSFORM_AFFINE_H
#define KAD_FLOW_TRANSFORM_AFFINE_H

#include "flow/transform_kern.h"

typedef struct affine {
    vreal f[3]; /* e^s z */
    vreal up, down;
} affine;

KAD_LANES_INLINE vreal affine_generate(const int n, const kad_outs *o, const vreal *z,
                                       vreal *y, affine *a)
{
    a->up = kad_vexp(o->even[0]);
    a->down = kad_vexp(-o->even[0]);
    for (int i = 0; i < n; i++) {
        a->f[i] = a->up * z[i];
        y[i] = o->odd[0][i] + a->f[i];
    }
    return (real)n * o->even[0];
}

KAD_LANES_INLINE vreal affine_infer(const int n, const kad_outs *o, const vreal *y,
                                    vreal *z, affine *a)
{
    a->up = kad_vexp(o->even[0]);
    a->down = kad_vexp(-o->even[0]);
    for (int i = 0; i < n; i++) {
        a->f[i] = y[i] - o->odd[0][i];
        z[i] = a->down * a->f[i];
    }
    return (real)n * o->even[0];
}

KAD_LANES_INLINE void affine_vjp(const int n, const affine *a, const vreal *gy, real gl,
                                 vreal *gz, kad_outs *go)
{
    go->even[0] = kad_dot(n, gy, a->f) + (real)n * gl;
    for (int i = 0; i < n; i++) {
        go->odd[0][i] = gy[i];
        gz[i] = a->up * gy[i];
    }
}

KAD_LANES_INLINE void affine_solve(const int n, const affine *a, const vreal *gz, real gl,
                                   vreal *gy)
{
    (void)gl;
    for (int i = 0; i < n; i++)
        gy[i] = a->down * gz[i];
}

#endif

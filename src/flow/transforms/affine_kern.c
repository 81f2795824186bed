/* Affine transform: y = t + e^s z, ld = n s. Outputs: odd t; even s. */
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
    a->up = kad_vexp(kad_even(o, 0)[v]);
    if (need) a->down = kad_lanes_rcp(a->up);
}

KAD_LANES_INLINE void affine_up(const int n, const kad_outs *o, int v, affine *a,
                                vreal *target)
{
    for (int i = 0; i < n; i++) {
        a->f[i] = a->up * target[kad_at(i, v)];
        target[kad_at(i, v)] = kad_odd(o, 0)[kad_at(i, v)] + a->f[i];
    }
}

KAD_LANES_INLINE void affine_down(const int n, const kad_outs *o, int v, affine *a,
                                  vreal *target)
{
    for (int i = 0; i < n; i++) {
        a->f[i] = target[kad_at(i, v)] - kad_odd(o, 0)[kad_at(i, v)];
        target[kad_at(i, v)] = a->down * a->f[i];
    }
}

KAD_LANES_INLINE vreal affine_ld(const int n, const kad_outs *o, int v, const affine *a)
{
    (void)a;
    return (real)n * kad_even(o, 0)[v];
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
    kad_even(go, 0)[v] = kad_dot(n, g, a->f) + (real)n * gl;
    for (int i = 0; i < n; i++) {
        kad_odd(go, 0)[kad_at(i, v)] = g[i];
        g[i] *= a->up;
    }
}

KAD_TRANSFORM_ROW(affine)
KAD_TRANSFORM_RUN(affine, 1)
KAD_TRANSFORM_RUN(affine, 2)
KAD_TRANSFORM_RUN(affine, 3)

extern const kad_transform_kern kad_affine_kern_f32, kad_affine_kern_f64;

const kad_transform_kern KR(kad_affine_kern) = {
    .run = {KAD_TRANSFORM_KERN(affine, 1), KAD_TRANSFORM_KERN(affine, 2),
            KAD_TRANSFORM_KERN(affine, 3)},
};

#if KAD_PREC == 64 /* the table, once */
const kad_transform_ops kad_transform_affine = {
    .name = "affine",
    .summary = "y = t + e^s z",
    .reference = "Dinh, Sohl-Dickstein, Bengio, arXiv:1605.08803",
    .max_comp = 3,
    .n_odd = {1, 1, 1},
    .n_even = {1, 1, 1},
    .kern = {&kad_affine_kern_f32, &kad_affine_kern_f64},
};
#endif

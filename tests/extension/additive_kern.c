/* A transform: y = z + t, ld = 0. Outputs: odd t. */
#include "flow/transforms/transform_kern.h"

typedef struct additive {
    int unused;
} additive;

KAD_LANES_INLINE void additive_prepare(const int n, const kad_outs *o, int v,
                                       real quartic, const int need, additive *a)
{
    (void)n, (void)o, (void)v, (void)quartic, (void)need, (void)a;
}

KAD_LANES_INLINE void additive_up(const int n, const kad_outs *o, int v, additive *a,
                                  vreal *target)
{
    (void)a;
    for (int i = 0; i < n; i++)
        target[kad_at(i, v)] += kad_odd(o, 0)[kad_at(i, v)];
}

KAD_LANES_INLINE void additive_down(const int n, const kad_outs *o, int v, additive *a,
                                    vreal *target)
{
    (void)a;
    for (int i = 0; i < n; i++)
        target[kad_at(i, v)] -= kad_odd(o, 0)[kad_at(i, v)];
}

KAD_LANES_INLINE vreal additive_ld(const int n, const kad_outs *o, int v,
                                   const additive *a)
{
    (void)n, (void)o, (void)v, (void)a;
    return (vreal){0};
}

KAD_LANES_INLINE void additive_solve(const int n, const additive *a, int v, real gl,
                                     vreal *g)
{
    (void)n, (void)a, (void)v, (void)gl, (void)g;
}

KAD_LANES_INLINE void additive_vjp(const int n, const additive *a, int v, real gl,
                                   vreal *g, const kad_outs *go)
{
    (void)a, (void)gl;
    for (int i = 0; i < n; i++)
        kad_odd(go, 0)[kad_at(i, v)] = g[i];
}

KAD_TRANSFORM_ROW(additive)
KAD_TRANSFORM_RUN(additive, 1)
KAD_TRANSFORM_RUN(additive, 2)
KAD_TRANSFORM_RUN(additive, 3)

extern const kad_transform_kern additive_kern_f32, additive_kern_f64;
const kad_transform_kern KR(additive_kern) = {
    .run = {KAD_TRANSFORM_KERN(additive, 1), KAD_TRANSFORM_KERN(additive, 2),
            KAD_TRANSFORM_KERN(additive, 3)},
};

#if KAD_PREC == 64 /* the table, once */
extern const kad_transform_ops kad_transform_additive;
const kad_transform_ops kad_transform_additive = {
    .name = "additive",
    .summary = "y = z + t",
    .reference = "Dinh, Krueger, Bengio, arXiv:1410.8516",
    .max_comp = 3,
    .n_odd = {1, 1, 1},
    .n_even = {0, 0, 0},
    .kern = {&additive_kern_f32, &additive_kern_f64},
};
#endif

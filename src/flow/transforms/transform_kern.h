/* What makes a transform's kernels of its formulas.
 *
 * A transform NAME is a state per vector of lanes (index v) and functions, called in this
 * order for all v of a row one after the other, so that their long chains overlap; n is a
 * compile-time constant:
 *   NAME_prepare  what the parameters fix, as far as `need` (KAD_FOR_*, a constant) asks
 *   NAME_up       target z -> y, in place;  or  NAME_down  y -> z
 *   NAME_ld       ln|det dy/dz|
 *   NAME_solve    cotangent gz -> gy with (dy/dz)^T gy = gz - gl dld/dz, in place
 *   NAME_vjp      cotangents of the parameters, (dy/dp)^T gy + gl dld/dp, to `go`; returns
 *                 gz = (dy/dz)^T gy + gl dld/dz in place of gy [n]
 * KAD_TRANSFORM_ROW(NAME) makes a function of them that runs any operation on a target,
 * KAD_TRANSFORM_RUN(NAME, n) its instances for n, KAD_TRANSFORM_KERN(NAME, n) their row of
 * the table; KAD_TRANSFORM_EACH a function of targets from one of a target t. A transform
 * whose formulas do not come apart so may write NAME_row itself. */
#ifndef KAD_FLOW_TRANSFORMS_TRANSFORM_KERN_H
#define KAD_FLOW_TRANSFORMS_TRANSFORM_KERN_H

#include "flow/lanes_kern.h"
#include "flow/transforms/transform.h"

#include <stdbool.h>

/* What the state must hold beyond the map up: the map down, the adjoints. */
enum { KAD_FOR_DOWN = 1, KAD_FOR_ADJOINT = 2 };

/* Parameters, or their cotangents. */
typedef struct kad_outs {
    vreal *odd_rows, *even_rows;
    size_t odd_step, even_step; /* vectors */
} kad_outs;

KAD_LANES_INLINE kad_outs kad_outs_of(const void *odd, const void *even,
                                      const kad_target_rows *t)
{
    return (kad_outs){(vreal *)odd, (vreal *)even, t->odd_step / sizeof(vreal),
                      t->even_step / sizeof(vreal)};
}

/* Rows of parameter j. */
KAD_LANES_INLINE vreal *kad_odd(const kad_outs *o, int j)
{
    return o->odd_rows + (size_t)j * o->odd_step;
}

KAD_LANES_INLINE vreal *kad_even(const kad_outs *o, int j)
{
    return o->even_rows + (size_t)j * o->even_step;
}

/* One target through a transform, vector by vector, phase by phase. The inverse's adjoint
 * first solves for gy and then takes the parameters' cotangents of -gy, -gl. */
#define KAD_TRANSFORM_ROW(name)                                                        \
    KAD_LANES_INLINE void name##_row(const int n, const kad_operation op,              \
                                     const kad_target_rows *t)                         \
    {                                                                                  \
        const bool up = op == KAD_GENERATE || op == KAD_INFER_ADJOINT;                 \
        const bool adjoint = op == KAD_GENERATE_ADJOINT || op == KAD_INFER_ADJOINT;    \
        const real sign = op == KAD_INFER_ADJOINT ? RC(-1.0) : RC(1.0);                \
        const real quartic = (real)t->quartic, gl = (real)t->gl;                       \
        const real gl_out = sign > 0 ? gl : -gl;                                       \
        const int need =                                                               \
            (op == KAD_GENERATE ? 0 : KAD_FOR_DOWN) | (adjoint ? KAD_FOR_ADJOINT : 0); \
        const kad_outs o = kad_outs_of(t->odd, t->even, t),                            \
                       go = kad_outs_of(t->godd, t->geven, t);                         \
        vreal *x = t->x, *g = t->g, *ld = t->ld;                                       \
        name state[KAD_NV];                                                            \
        for (int v = 0; v < KAD_NV; v++)                                               \
            name##_prepare(n, &o, v, quartic, need, &state[v]);                        \
        for (int v = 0; v < KAD_NV; v++)                                               \
            if (up)                                                                    \
                name##_up(n, &o, v, &state[v], x);                                     \
            else                                                                       \
                name##_down(n, &o, v, &state[v], x);                                   \
        for (int v = 0; v < KAD_NV && ld; v++)                                         \
            ld[v] += name##_ld(n, &o, v, &state[v]);                                   \
        if (op == KAD_INFER_ADJOINT)                                                   \
            for (int v = 0; v < KAD_NV; v++)                                           \
                name##_solve(n, &state[v], v, gl, g);                                  \
        for (int v = 0; v < KAD_NV && adjoint; v++) {                                  \
            vreal at[KAD_TRANSFORM_MAX_COMP];                                          \
            for (int c = 0; c < n; c++)                                                \
                at[c] = sign * g[kad_at(c, v)];                                        \
            name##_vjp(n, &state[v], v, gl_out, at, &go);                              \
            for (int c = 0; c < n && op == KAD_GENERATE_ADJOINT; c++)                  \
                g[kad_at(c, v)] = at[c];                                               \
        }                                                                              \
    }

#define KAD_TRANSFORM_EACH(function, call)                        \
    static void function(const kad_target_rows *t, int n_targets) \
    {                                                             \
        for (int i = 0; i < n_targets; i++, t++)                  \
            call;                                                 \
    }
#define KAD_TRANSFORM_RUN(name, n)                                            \
    KAD_TRANSFORM_EACH(name##_##n##_generate, name##_row(n, KAD_GENERATE, t)) \
    KAD_TRANSFORM_EACH(name##_##n##_infer, name##_row(n, KAD_INFER, t))       \
    KAD_TRANSFORM_EACH(name##_##n##_generate_adjoint,                         \
                       name##_row(n, KAD_GENERATE_ADJOINT, t))                \
    KAD_TRANSFORM_EACH(name##_##n##_infer_adjoint, name##_row(n, KAD_INFER_ADJOINT, t))
#define KAD_TRANSFORM_KERN(name, n)                                               \
    {                                                                             \
        name##_##n##_generate, name##_##n##_infer, name##_##n##_generate_adjoint, \
            name##_##n##_infer_adjoint                                            \
    }

#endif

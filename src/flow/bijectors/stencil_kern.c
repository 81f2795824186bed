/* Kernels of the stencil coupling (stencil.h): one application at a time for the whole row
 * of lanes. The net runs on the untouched sources in every operation; the target is
 * transformed in place. Each (transform, n) is its own instance of `run`. */
#include "flow/bijectors/stencil.h"

#include "flow/nets/equivariant_kern.h"
#include "flow/transforms/affine_kern.h"
#include "flow/transforms/lfa_kern.h"
#include "flow/transforms/q4t_kern.h"

#include <stdbool.h>
#include <string.h>

typedef enum operation { GENERATE, INFER, GENERATE_ADJOINT, INFER_ADJOINT } operation;

/* Arguments of an operation. */
typedef struct call {
    const kad_stage *stage;
    const void *packed;
    real *x, *g;
    real gl;
    real *dtheta;
    double *ld;
    void *scratch;
} call;

size_t KR(kad_stencil_scratch)(const kad_stage *stage)
{
    net_space s;
    return net_carve(stage, NULL, &s);
}

/* Where the outputs, or their cotangents, of an application lie. */
static kad_outs view_outputs(const kad_stencil *e, real *const *vectors,
                             real *const *even)
{
    kad_outs o = {0};
    for (int j = 0; j < KAD_STENCIL_MAX_ODD; j++)
        o.odd[j] = (vreal *)vectors[e->n_hidden + j];
    for (int j = 0; j < e->n_even; j++)
        o.even[j] = (vreal *)even[j];
    return o;
}

/* One target row through a transform, vector by vector, phase by phase. The inverse's
 * adjoint first solves for gy and then takes the outputs' cotangents of -gy, -gl. */
#define ROW_TRANSFORM(name)                                                              \
    KAD_LANES_INLINE void name##_row(const int n, const operation op, const kad_outs *o, \
                                     const kad_outs *go, real lambda, real gl,           \
                                     vreal *target, vreal *g, double *ld)                \
    {                                                                                    \
        const bool up = op == GENERATE || op == INFER_ADJOINT;                           \
        const real sign = op == INFER_ADJOINT ? RC(-1.0) : RC(1.0);                      \
        const real gl_out = sign > 0 ? gl : -gl;                                         \
        const int need = (op == GENERATE ? 0 : KAD_FOR_DOWN) |                           \
                         (op == GENERATE || op == INFER ? 0 : KAD_FOR_ADJOINT);          \
        name state[KAD_NV];                                                              \
        for (int v = 0; v < KAD_NV; v++)                                                 \
            name##_prepare(n, o, v, lambda, need, &state[v]);                            \
        for (int v = 0; v < KAD_NV; v++)                                                 \
            if (up)                                                                      \
                name##_up(n, o, v, &state[v], target);                                   \
            else                                                                         \
                name##_down(n, o, v, &state[v], target);                                 \
        for (int v = 0; v < KAD_NV && ld; v++)                                           \
            kad_lanes_ld(ld + v * KAD_V, up ? 1.0 : -1.0,                                \
                         name##_ld(n, o, v, &state[v]));                                 \
        if (op == INFER_ADJOINT)                                                         \
            for (int v = 0; v < KAD_NV; v++)                                             \
                name##_solve(n, &state[v], v, gl, g);                                    \
        for (int v = 0; v < KAD_NV && (op == GENERATE_ADJOINT || op == INFER_ADJOINT);   \
             v++) {                                                                      \
            vreal at[3];                                                                 \
            for (int c = 0; c < n; c++)                                                  \
                at[c] = sign * g[kad_at(c, v)];                                          \
            name##_vjp(n, &state[v], v, gl_out, at, go);                                 \
            for (int c = 0; c < n && op == GENERATE_ADJOINT; c++)                        \
                g[kad_at(c, v)] = at[c];                                                 \
        }                                                                                \
    }

ROW_TRANSFORM(affine)
ROW_TRANSFORM(q4t)
ROW_TRANSFORM(lfa)

KAD_LANES_INLINE void run(const int kind, const int n, const operation op, const call *a)
{
    const kad_stencil *e = a->stage->self;
    const net_weights w = net_view(e, a->packed);
    const bool adjoint = op == GENERATE_ADJOINT || op == INFER_ADJOINT;
    const size_t vector = (size_t)n * KAD_W;
    const real lambda = (real)e->lambda;
    net_space s;
    net_carve(a->stage, a->scratch, &s);
    const kad_outs o = view_outputs(e, s.hid, s.even),
                   go = view_outputs(e, s.ghid, s.geven);
    for (int j = 0; j < KAD_STENCIL_MAX_ODD; j++)
        memset(o.odd[j], 0, vector * sizeof(real));
    if (adjoint && a->dtheta) memset(s.acc, 0, a->stage->n_theta * sizeof *s.acc);
    for (int i = 0; i < e->n_apps; i++) {
        const int *site = e->sites + (size_t)i * ((size_t)e->n_sources + 1);
        for (int f = 0; f < e->n_sources; f++) {
            s.src[f] = a->x + (size_t)site[f] * vector;
            if (adjoint) s.gsrc[f] = a->g + (size_t)site[f] * vector;
        }
        net_forward(n, e, &w, &s);
        const size_t row = (size_t)site[e->n_sources] * vector;
        vreal *target = (vreal *)(a->x + row);
        vreal *g = adjoint ? (vreal *)(a->g + row) : NULL;
        if (kind == KAD_TRANSFORM_AFFINE)
            affine_row(n, op, &o, &go, lambda, a->gl, target, g, a->ld);
        else if (kind == KAD_TRANSFORM_Q4T)
            q4t_row(n, op, &o, &go, lambda, a->gl, target, g, a->ld);
        else
            lfa_row(n, op, &o, &go, lambda, a->gl, target, g, a->ld);
        if (adjoint) net_adjoint(n, e, &w, &s, a->dtheta != NULL);
    }
    if (adjoint && a->dtheta) kad_lanes_reduce(a->stage->n_theta, s.acc, a->dtheta);
}

/* One function per transform, number of components and operation. */
#define RUN(name, kind, n)                         \
    static void name##_generate(const call *a)     \
    {                                              \
        run(kind, n, GENERATE, a);                 \
    }                                              \
    static void name##_infer(const call *a)        \
    {                                              \
        run(kind, n, INFER, a);                    \
    }                                              \
    static void name##_generate_adj(const call *a) \
    {                                              \
        run(kind, n, GENERATE_ADJOINT, a);         \
    }                                              \
    static void name##_infer_adj(const call *a)    \
    {                                              \
        run(kind, n, INFER_ADJOINT, a);            \
    }
#define ROW(name)                                                            \
    {                                                                        \
        name##_generate, name##_infer, name##_generate_adj, name##_infer_adj \
    }

RUN(affine1, KAD_TRANSFORM_AFFINE, 1)
RUN(affine2, KAD_TRANSFORM_AFFINE, 2)
RUN(affine3, KAD_TRANSFORM_AFFINE, 3)
RUN(q4t1, KAD_TRANSFORM_Q4T, 1)
RUN(lfa1, KAD_TRANSFORM_LFA, 1)
RUN(lfa2, KAD_TRANSFORM_LFA, 2)
RUN(lfa3, KAD_TRANSFORM_LFA, 3)

typedef void (*run_fn)(const call *);
static const run_fn table[3][3][4] = {
    [KAD_TRANSFORM_AFFINE] = {ROW(affine1), ROW(affine2), ROW(affine3)},
    [KAD_TRANSFORM_Q4T] = {ROW(q4t1)},
    [KAD_TRANSFORM_LFA] = {ROW(lfa1), ROW(lfa2), ROW(lfa3)},
};

static void dispatch(operation op, const call *a)
{
    const kad_stencil *e = a->stage->self;
    table[e->kind][a->stage->n_comp - 1][op](a);
}

static void pack(const kad_stage *stage, const double *theta, void *packed)
{
    net_pack(stage->self, theta, packed);
}

static void generate(const kad_stage *stage, const void *packed, void *x, double *ld,
                     void *scratch)
{
    const call a = {stage, packed, x, NULL, 0, NULL, ld, scratch};
    dispatch(GENERATE, &a);
}

static void infer(const kad_stage *stage, const void *packed, void *x, double *ld,
                  void *scratch)
{
    const call a = {stage, packed, x, NULL, 0, NULL, ld, scratch};
    dispatch(INFER, &a);
}

static void generate_adjoint(const kad_stage *stage, const void *packed, void *x, void *g,
                             double gl, void *dtheta, double *ld, void *scratch)
{
    const call a = {stage, packed, x, g, (real)gl, dtheta, ld, scratch};
    dispatch(GENERATE_ADJOINT, &a);
}

static void infer_adjoint(const kad_stage *stage, const void *packed, void *x, void *g,
                          double gl, void *dtheta, double *ld, void *scratch)
{
    const call a = {stage, packed, x, g, (real)gl, dtheta, ld, scratch};
    dispatch(INFER_ADJOINT, &a);
}

const kad_bijector_kern KR(kad_stencil_kern) = {
    .pack = pack,
    .generate = generate,
    .infer = infer,
    .generate_adjoint = generate_adjoint,
    .infer_adjoint = infer_adjoint,
};

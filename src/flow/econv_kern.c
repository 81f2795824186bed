/* Kernels of the stencil coupling (econv.h): one application at a time for the whole row
 * of lanes. The net runs on the untouched sources in every operation; the target is
 * transformed in place. Each (transform, n) is its own instance of `run`. */
#include "flow/econv.h"

#include "flow/econv_net_kern.h"
#include "flow/transform_affine.h"
#include "flow/transform_lfa.h"
#include "flow/transform_q4t.h"

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

size_t KR(kad_econv_scratch)(const kad_stage *stage)
{
    net_space s;
    return net_carve(stage, NULL, &s);
}

/* Outputs of vector v, from the net's rows; absent odd ones are 0. */
KAD_LANES_INLINE void load_outputs(const int kind, const int n, const kad_econv *e,
                                   const net_space *s, int v, kad_outs *o)
{
    const int n_odd = kind == KAD_TRANSFORM_LFA ? 3 : kind == KAD_TRANSFORM_Q4T ? 2 : 1;
    const int n_even = kind == KAD_TRANSFORM_LFA ? 4 : kind == KAD_TRANSFORM_Q4T ? 2 : 1;
    for (int j = 0; j < n_odd; j++)
        for (int c = 0; c < n; c++)
            o->odd[j][c] = e->n_odd
                               ? ((const vreal *)s->hid[e->n_hidden + j])[c * KAD_NV + v]
                               : (vreal){0};
    for (int j = 0; j < n_even; j++)
        o->even[j] = ((const vreal *)s->even[j])[v];
}

KAD_LANES_INLINE void store_cotangents(const int kind, const int n, const kad_econv *e,
                                       const net_space *s, int v, const real sign,
                                       const kad_outs *o)
{
    const int n_odd = kind == KAD_TRANSFORM_LFA ? 3 : kind == KAD_TRANSFORM_Q4T ? 2 : 1;
    const int n_even = kind == KAD_TRANSFORM_LFA ? 4 : kind == KAD_TRANSFORM_Q4T ? 2 : 1;
    for (int j = 0; j < n_odd && e->n_odd; j++)
        for (int c = 0; c < n; c++)
            ((vreal *)s->ghid[e->n_hidden + j])[c * KAD_NV + v] = sign * o->odd[j][c];
    for (int j = 0; j < n_even; j++)
        ((vreal *)s->geven[j])[v] = sign * o->even[j];
}

/* One vector of one target. */
KAD_LANES_INLINE void transform(const int kind, const int n, const operation op,
                                const kad_econv *e, const net_space *s, int v,
                                vreal *target, vreal *cotangent, real gl, double *ld)
{
    const bool up = op == GENERATE || op == INFER_ADJOINT;
    const real lambda = (real)e->lambda;
    affine at_affine;
    q4t at_q4t;
    lfa at_lfa;
    kad_outs o, go;
    vreal in[3], out[3], g[3], back[3];
    load_outputs(kind, n, e, s, v, &o);
    for (int c = 0; c < n; c++)
        in[c] = target[c * KAD_NV + v];
    vreal det;
    if (kind == KAD_TRANSFORM_AFFINE)
        det = up ? affine_generate(n, &o, in, out, &at_affine)
                 : affine_infer(n, &o, in, out, &at_affine);
    else if (kind == KAD_TRANSFORM_Q4T)
        det = up ? q4t_generate(&o, lambda, in, out, &at_q4t)
                 : q4t_infer(&o, lambda, in, out, &at_q4t);
    else
        det = up ? lfa_generate(n, &o, in, out, &at_lfa)
                 : lfa_infer(n, &o, in, out, &at_lfa);
    for (int c = 0; c < n; c++)
        target[c * KAD_NV + v] = out[c];
    if (ld) kad_lanes_ld(ld + v * KAD_V, up ? 1.0 : -1.0, det);
    if (op == GENERATE || op == INFER) return;

    for (int c = 0; c < n; c++)
        g[c] = cotangent[c * KAD_NV + v];
    if (op == INFER_ADJOINT) { /* first gy, then minus the cotangents it gives */
        if (kind == KAD_TRANSFORM_AFFINE)
            affine_solve(n, &at_affine, g, gl, back);
        else if (kind == KAD_TRANSFORM_Q4T)
            q4t_solve(&at_q4t, g, gl, back);
        else
            lfa_solve(n, &at_lfa, g, gl, back);
        for (int c = 0; c < n; c++)
            g[c] = cotangent[c * KAD_NV + v] = back[c];
    }
    if (kind == KAD_TRANSFORM_AFFINE)
        affine_vjp(n, &at_affine, g, gl, back, &go);
    else if (kind == KAD_TRANSFORM_Q4T)
        q4t_vjp(&at_q4t, g, gl, back, &go);
    else
        lfa_vjp(n, &at_lfa, g, gl, back, &go);
    if (op == GENERATE_ADJOINT)
        for (int c = 0; c < n; c++)
            cotangent[c * KAD_NV + v] = back[c];
    store_cotangents(kind, n, e, s, v, op == GENERATE_ADJOINT ? RC(1.0) : RC(-1.0), &go);
}

KAD_LANES_INLINE void run(const int kind, const int n, const operation op, const call *a)
{
    const kad_econv *e = a->stage->self;
    const net_weights w = net_view(e, a->packed);
    const bool adjoint = op == GENERATE_ADJOINT || op == INFER_ADJOINT;
    const size_t vector = (size_t)n * KAD_W;
    net_space s;
    net_carve(a->stage, a->scratch, &s);
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
        vreal *cotangent = adjoint ? (vreal *)(a->g + row) : NULL;
        for (int v = 0; v < KAD_NV; v++)
            transform(kind, n, op, e, &s, v, target, cotangent, a->gl, a->ld);
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
    const kad_econv *e = a->stage->self;
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

const kad_bijector_kern KR(kad_econv_kern) = {
    .pack = pack,
    .generate = generate,
    .infer = infer,
    .generate_adjoint = generate_adjoint,
    .infer_adjoint = infer_adjoint,
};

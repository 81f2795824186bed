/* Kernels of the stencil coupling (stencil.h): one part at a time for the whole row
 * of lanes. The net runs on the untouched sources in every operation; the target is
 * transformed in place. Every number of components is its own instance of `run`. */
#include "flow/bijectors/stencil.h"

#include "flow/nets/equivariant_kern.h"

#include <stdbool.h>
#include <string.h>

/* Arguments of an operation. */
typedef struct call {
    const kad_stage *stage;
    const void *packed;
    real *x, *g;
    double gl;
    real *dtheta;
    double *ld;
    void *scratch;
} call;

size_t KR(kad_stencil_scratch)(const kad_stage *stage)
{
    net_space s;
    return net_carve(stage, NULL, &s);
}

/* Rows of a target and of its parameters, which lie one after the other. */
static kad_target_rows target_of(const call *a, const net_weights *w, const net_space *s)
{
    const kad_stencil *e = a->stage->self;
    const bool any_odd = e->transform->n_odd[a->stage->n_comp - 1] > 0;
    const bool any_even = e->n_even > 0;
    return (kad_target_rows){
        .odd = any_odd ? s->hid[e->n_hidden] : NULL,
        .even = any_even ? s->even[0] : NULL,
        .godd = any_odd ? s->ghid[e->n_hidden] : NULL,
        .geven = any_even ? s->geven[0] : NULL,
        .odd_step = (size_t)a->stage->n_comp * KAD_ROW_BYTES,
        .even_step = KAD_ROW_BYTES,
        .own = w->own,
        .gown = s->acc + e->own,
        .quartic = e->quartic,
        .gl = a->gl,
    };
}

KAD_LANES_INLINE void run(const int n, const kad_operation op, const call *a)
{
    const kad_stencil *e = a->stage->self;
    const net_weights w = net_view(e, a->packed);
    const bool adjoint = op == KAD_GENERATE_ADJOINT || op == KAD_INFER_ADJOINT;
    const double sign = op == KAD_GENERATE || op == KAD_INFER_ADJOINT ? 1 : -1;
    const size_t vector = (size_t)n * KAD_W, n_theta = a->stage->n_theta;
    /* the transform's own gradients, the last, are summed up in any case */
    const size_t unused = a->dtheta ? 0 : n_theta - (size_t)e->transform->n_own;
    const kad_transform_fn transform = e->transform->kern[KAD_PREC == 64]->run[n - 1][op];
    net_space s;
    net_carve(a->stage, a->scratch, &s);
    kad_target_rows target = target_of(a, &w, &s);
    for (int j = 0; j < e->transform->n_odd[n - 1]; j++)
        memset(s.hid[e->n_hidden + j], 0, vector * sizeof(real));
    if (adjoint) memset(s.acc + unused, 0, (n_theta - unused) * sizeof *s.acc);
    const int *away = e->away ? e->away : e->sites;
    for (int i = 0; i < e->n_parts; i++, away += e->n_sources + 1) {
        const int *site = e->sites + (size_t)i * ((size_t)e->n_sources + 1);
        vreal ld[KAD_NV] = {0};
        for (int f = 0; f < e->n_sources; f++) {
            s.src[f] = a->x + (size_t)site[f] * vector;
            if (adjoint) s.gsrc[f] = a->g + (size_t)away[f] * vector;
        }
        net_forward(n, e, &w, &s);
        const size_t row = (size_t)site[e->n_sources] * vector;
        target.x = a->x + row;
        target.g = adjoint ? a->g + row : NULL;
        target.ld = a->ld ? ld : NULL;
        transform(&target, 1);
        for (int v = 0; v < KAD_NV && a->ld; v++)
            kad_lanes_ld(a->ld + v * KAD_V, sign, ld[v]);
        if (adjoint) net_adjoint(n, e, &w, &s, a->dtheta != NULL);
    }
    if (adjoint && a->dtheta) kad_lanes_reduce(n_theta, s.acc, a->dtheta);
}

/* One function per number of components and operation. */
#define RUN(n)                                  \
    static void generate_##n(const call *a)     \
    {                                           \
        run(n, KAD_GENERATE, a);                \
    }                                           \
    static void infer_##n(const call *a)        \
    {                                           \
        run(n, KAD_INFER, a);                   \
    }                                           \
    static void generate_adj_##n(const call *a) \
    {                                           \
        run(n, KAD_GENERATE_ADJOINT, a);        \
    }                                           \
    static void infer_adj_##n(const call *a)    \
    {                                           \
        run(n, KAD_INFER_ADJOINT, a);           \
    }
RUN(1)
RUN(2)
RUN(3)

static void dispatch(kad_operation op, const call *a)
{
    static void (*const table[][KAD_N_OPERATIONS])(const call *) = {
        {generate_1, infer_1, generate_adj_1, infer_adj_1},
        {generate_2, infer_2, generate_adj_2, infer_adj_2},
        {generate_3, infer_3, generate_adj_3, infer_adj_3},
    };
    table[a->stage->n_comp - 1][op](a);
}

static void pack(const kad_stage *stage, const double *theta, void *packed)
{
    net_pack(stage->self, theta, packed);
}

static void generate(const kad_stage *stage, const void *packed, void *x, double *ld,
                     void *scratch)
{
    const call a = {stage, packed, x, NULL, 0, NULL, ld, scratch};
    dispatch(KAD_GENERATE, &a);
}

static void infer(const kad_stage *stage, const void *packed, void *x, double *ld,
                  void *scratch)
{
    const call a = {stage, packed, x, NULL, 0, NULL, ld, scratch};
    dispatch(KAD_INFER, &a);
}

static void generate_adjoint(const kad_stage *stage, const void *packed, void *x, void *g,
                             double gl, void *dtheta, double *ld, void *scratch)
{
    const call a = {stage, packed, x, g, gl, dtheta, ld, scratch};
    dispatch(KAD_GENERATE_ADJOINT, &a);
}

static void infer_adjoint(const kad_stage *stage, const void *packed, void *x, void *g,
                          double gl, void *dtheta, double *ld, void *scratch)
{
    const call a = {stage, packed, x, g, gl, dtheta, ld, scratch};
    dispatch(KAD_INFER_ADJOINT, &a);
}

const kad_bijector_kern KR(kad_stencil_kern) = {
    .pack = pack,
    .generate = generate,
    .infer = infer,
    .generate_adjoint = generate_adjoint,
    .infer_adjoint = infer_adjoint,
};

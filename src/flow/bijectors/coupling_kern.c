/* Kernels of the coupling of rows (coupling.h). A few parts at a time for the whole row of
 * lanes: gather sources, run the net, transform the targets in place. In the
 * adjoints the net is run again on the untouched sources, and weight gradients collect in
 * vector accumulators that are reduced over the lanes once a net. */
#include "flow/bijectors/coupling.h"

#include "base/vmath.h"
#include "flow/nets/mlp_kern.h"

#include <string.h>

typedef struct workspace {
    panel panel[PANELS]; /* one layout, panels.stride apart */
    dense_panels panels; /* those in use */
    real *ld;            /* [1] log-determinants of a few parts */
    vreal *own;          /* [n_tgt n_own] gradients of what the transform learns and */
    vreal *acc;          /* [n_theta of a net + KAD_V] of the weights, lanes apart */
    kad_target_rows *target; /* [PANELS][n_tgt] */
} workspace;

static char *carve_panel(const kad_coupling *c, char *at, panel *w)
{
    int n_features = c->net[0].n_features;
    if (c->net[1].n_features > n_features) n_features = c->net[1].n_features;
#define TAKE(field, rows)                   \
    do {                                    \
        w->field = (void *)at;              \
        at += (size_t)(rows)*KAD_ROW_BYTES; \
    } while (0)
    TAKE(in, c->n_src);
    TAKE(feat, n_features);
    TAKE(t, c->n_odd);
    TAKE(a, c->n_even);
    TAKE(dt, c->n_odd);
    TAKE(da, c->n_even);
    TAKE(u, c->max_width);
    TAKE(v, c->max_width);
    TAKE(din, c->n_src);
#undef TAKE
    return at;
}

static size_t carve(const kad_stage *stage, char *base, workspace *ws)
{
    const kad_coupling *c = stage->self;
    workspace w;
    char *at = base;
    for (int p = 0; p < PANELS; p++)
        at = carve_panel(c, at, &w.panel[p]);
    w.panels = (dense_panels){1, true, (size_t)(at - base) / PANELS / sizeof(real)};
    w.ld = (void *)at;
    at += KAD_ROW_BYTES;
    w.own = (void *)at;
    at += (stage->n_theta - c->own) * sizeof(vreal);
    w.acc = (void *)at;
    at += ((c->net[0].n_theta > c->net[1].n_theta ? c->net[0] : c->net[1]).n_theta +
           KAD_V) *
          sizeof(vreal);
    w.target = (void *)at;
    at += (size_t)(PANELS * c->n_tgt) * sizeof(kad_target_rows);
    if (ws) *ws = w;
    return (size_t)(at - base);
}

size_t KR(kad_coupling_scratch)(const kad_stage *stage);
size_t KR(kad_coupling_scratch)(const kad_stage *stage)
{
    static char none[1];
    return carve(stage, none, NULL);
}

static void gather(const kad_coupling *c, const int *rows, const real *x, real *in)
{
    for (int i = 0; i < c->n_src; i++) {
        const vreal *from = (const vreal *)(x + (size_t)rows[i] * KAD_W);
        for (int v = 0; v < KAD_NV; v++)
            ((vreal *)(in + (size_t)i * KAD_W))[v] = from[v];
    }
}

static const int *rows_of(const kad_coupling *c, int k)
{
    return c->rows + (size_t)k * (size_t)(c->n_src + c->n_tgt);
}

static const int *away_of(const kad_coupling *c, int k)
{
    return (c->away ? c->away : c->rows) + (size_t)k * (size_t)(c->n_src + c->n_tgt);
}

/* The parts from k on, one a panel, with their sources. */
static void open_panels(const kad_coupling *c, int k, const real *x, workspace *ws)
{
    ws->panels.n = c->n_parts - k < PANELS ? c->n_parts - k : PANELS;
    ws->panels.first = k == 0;
    for (int p = 0; p < ws->panels.n; p++)
        gather(c, rows_of(c, k + p), x, ws->panel[p].in);
}

static void flush(workspace *ws, double *ld, double sign)
{
    for (int l = 0; l < KAD_W; l++) {
        ld[l] += sign * (double)ws->ld[l];
        ws->ld[l] = 0;
    }
}

enum { FLUSH = 8 };

/* Where the parameters of every target lie in the panels; theta: packed. */
static void lay_out_targets(const kad_coupling *c, const real *theta, double gl,
                            const workspace *ws)
{
    for (int p = 0; p < PANELS && p < c->n_parts; p++)
        for (int j = 0; j < c->n_tgt; j++) {
            const panel *w = &ws->panel[p];
            const size_t at = (size_t)j * KAD_W;
            const size_t own = (size_t)(j * c->transform->n_own);
            ws->target[p * c->n_tgt + j] = (kad_target_rows){
                .odd = w->t + at,
                .even = w->a + at,
                .godd = w->dt + at,
                .geven = w->da + at,
                .odd_step = (size_t)c->n_tgt * KAD_ROW_BYTES,
                .even_step = (size_t)c->n_tgt * KAD_ROW_BYTES,
                .own = theta + c->own + own,
                .gown = ws->own + own,
                .ld = ws->ld,
                .quartic = c->quartic,
                .gl = gl,
            };
        }
}

/* The targets of the panels, of parts from k on, through a function of the transform. */
static void transform_targets(const kad_coupling *c, kad_transform_fn function, int k,
                              real *x, real *g, const workspace *ws)
{
    for (int p = 0; p < ws->panels.n; p++)
        for (int j = 0; j < c->n_tgt; j++) {
            kad_target_rows *target = &ws->target[p * c->n_tgt + j];
            const size_t row = (size_t)rows_of(c, k + p)[c->n_src + j] * KAD_W;
            target->x = x + row;
            target->g = g ? g + row : NULL;
        }
    function(ws->target, ws->panels.n * c->n_tgt);
}

static const kad_transform_kern *transform_of(const kad_coupling *c)
{
    return c->transform->kern[KAD_PREC == 64];
}

static void map(const kad_stage *stage, const void *packed, void *x, double *ld,
                void *scratch, const kad_operation op)
{
    const kad_coupling *c = stage->self;
    const double sign = op == KAD_GENERATE ? 1 : -1;
    const real *theta = packed;
    workspace ws;
    carve(stage, scratch, &ws);
    memset(ws.ld, 0, KAD_ROW_BYTES);
    lay_out_targets(c, theta, 0, &ws);
    for (int k = 0; k < c->n_parts; k += PANELS) {
        open_panels(c, k, x, &ws);
        for (int m = 0; m < c->n_nets; m++)
            mlp_forward(&c->net[m], theta + c->net[m].theta, &ws.panel[0], ws.panels);
        transform_targets(c, transform_of(c)->run[0][op], k, x, NULL, &ws);
        if (k % FLUSH == FLUSH - PANELS) flush(&ws, ld, sign);
    }
    flush(&ws, ld, sign);
}

static void generate(const kad_stage *stage, const void *packed, void *x, double *ld,
                     void *scratch)
{
    map(stage, packed, x, ld, scratch, KAD_GENERATE);
}

static void infer(const kad_stage *stage, const void *packed, void *x, double *ld,
                  void *scratch)
{
    map(stage, packed, x, ld, scratch, KAD_INFER);
}

/* dtheta, the net's, += the lane sums of acc, which move to its front. */
static void reduce(const kad_mlp *net, vreal *acc, real *dtheta)
{
    for (size_t i = 0; i < net->n_theta; i += KAD_V)
        acc[i / KAD_V] = kad_vsums(acc + i);
    mlp_gradient(net, (const real *)acc, dtheta);
}

/* Everything one walk over the parts needs. */
typedef struct adjoint_call {
    const kad_coupling *c;
    const real *theta, *back; /* the adjoint's weights, at the same offsets */
    real *x, *g;
    double sign;  /* of the log-determinant */
    real *dtheta; /* NULL: no weight gradients */
    double *ld;   /* NULL: not wanted */
} adjoint_call;

/* Everything is walked through with one net and one function of the transform. With
 * separate nets the parts are walked once for each, so that the gradient sums of only one
 * net compete for the first-level cache; `even`: the log-determinant is of this walk. */
static void walk(const adjoint_call *call, workspace *ws, kad_transform_fn function,
                 const int m, const bool even)
{
    const kad_coupling *c = call->c;
    const kad_mlp *net = &c->net[m];
    double *ld = even ? call->ld : NULL;
    for (int k = 0; k < c->n_parts; k += PANELS) {
        open_panels(c, k, call->x, ws);
        mlp_forward(net, call->theta + net->theta, &ws->panel[0], ws->panels);
        transform_targets(c, function, k, call->x, call->g, ws);
        mlp_adjoint(net, call->back + net->theta, &ws->panel[0], ws->panels,
                    call->dtheta ? ws->acc : NULL);
        for (int p = 0; p < ws->panels.n; p++)
            for (int i = 0; i < c->n_src; i++)
                add_rows(1, ws->panel[p].din + (size_t)i * KAD_W,
                         call->g + (size_t)away_of(c, k + p)[i] * KAD_W);
        if (ld && k % FLUSH == FLUSH - PANELS) flush(ws, ld, call->sign);
    }
    if (ld) flush(ws, ld, call->sign);
    if (call->dtheta) reduce(net, ws->acc, call->dtheta + net->theta);
}

static void adjoint(const kad_stage *stage, const void *packed, void *x, void *g,
                    double gl, void *dtheta, double *ld, void *scratch,
                    const kad_operation op)
{
    const kad_coupling *c = stage->self;
    workspace ws;
    carve(stage, scratch, &ws);
    memset(ws.ld, 0, KAD_ROW_BYTES);
    memset(ws.own, 0, (stage->n_theta - c->own) * sizeof(vreal));
    lay_out_targets(c, packed, gl, &ws);
    const adjoint_call call = {
        .c = c,
        .theta = packed,
        .back = (const real *)packed + stage->n_theta,
        .x = x,
        .g = g,
        .sign = op == KAD_INFER_ADJOINT ? 1 : -1,
        .dtheta = dtheta,
        .ld = ld,
    };
    const kad_transform_kern *f = transform_of(c);
    if (c->n_nets == 1) {
        walk(&call, &ws, f->run[0][op], 0, true);
    } else if (op == KAD_GENERATE_ADJOINT) {
        walk(&call, &ws, f->odd_alone[op], 0, false);
        walk(&call, &ws, f->even_alone[op], 1, true);
    } else {
        walk(&call, &ws, f->even_alone[op], 1, true);
        walk(&call, &ws, f->odd_alone[op], 0, false);
    }
    for (size_t j = c->own; dtheta && j < stage->n_theta; j++)
        call.dtheta[j] += kad_vsum(ws.own[j - c->own]);
}

static void generate_adjoint(const kad_stage *stage, const void *packed, void *x, void *g,
                             double gl, void *dtheta, double *ld, void *scratch)
{
    adjoint(stage, packed, x, g, gl, dtheta, ld, scratch, KAD_GENERATE_ADJOINT);
}

static void infer_adjoint(const kad_stage *stage, const void *packed, void *x, void *g,
                          double gl, void *dtheta, double *ld, void *scratch)
{
    adjoint(stage, packed, x, g, gl, dtheta, ld, scratch, KAD_INFER_ADJOINT);
}

/* theta in the kernel's units, then the adjoint's weights. */
static void pack(const kad_stage *stage, const double *theta, void *packed)
{
    const kad_coupling *c = stage->self;
    real *p = packed;
    memset(p, 0, 2 * stage->n_theta * sizeof *p);
    for (int m = 0; m < c->n_nets; m++)
        mlp_pack(&c->net[m], theta + c->net[m].theta, p + c->net[m].theta,
                 p + stage->n_theta + c->net[m].theta);
    for (size_t j = c->own; j < stage->n_theta; j++)
        p[j] = (real)theta[j];
}

const kad_bijector_kern KR(kad_coupling_kern) = {
    .pack = pack,
    .generate = generate,
    .infer = infer,
    .generate_adjoint = generate_adjoint,
    .infer_adjoint = infer_adjoint,
};

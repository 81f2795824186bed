/* Kernels of the affine MLP coupling (coupling.h). A few applications at a time for the
 * whole row of lanes: gather sources, run the net, transform the targets in place. In the
 * adjoints the net is run again on the untouched sources, and weight gradients collect in
 * vector accumulators that are reduced over the lanes once a net. */
#include "flow/bijectors/coupling.h"

#include "base/vmath.h"
#include "flow/nets/mlp_kern.h"

#include <string.h>

typedef struct workspace {
    panel panel[PANELS]; /* one layout, panels.stride apart */
    dense_panels panels; /* those in use */
    real *ld;            /* [1] log-determinants of a few applications */
    vreal *dc;           /* [n_tgt] gradients of c and */
    vreal *acc;          /* [n_theta of a net + KAD_V] of the weights, lanes apart */
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
    TAKE(t, c->n_tgt);
    TAKE(a, c->n_tgt);
    TAKE(dt, c->n_tgt);
    TAKE(da, c->n_tgt);
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
    w.dc = (void *)at;
    at += (size_t)c->n_tgt * sizeof(vreal);
    w.acc = (void *)at;
    at += ((c->net[0].n_theta > c->net[1].n_theta ? c->net[0] : c->net[1]).n_theta +
           KAD_V) *
          sizeof(vreal);
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

/* The applications from k on, one a panel, with their sources. */
static void open_panels(const kad_coupling *c, int k, const real *x, workspace *ws)
{
    ws->panels.n = c->n_apps - k < PANELS ? c->n_apps - k : PANELS;
    ws->panels.first = k == 0;
    for (int p = 0; p < ws->panels.n; p++)
        gather(c, rows_of(c, k + p), x, ws->panel[p].in);
}

/* a = tanh(a) */
static void bound_scales(const kad_coupling *c, const panel *w)
{
    for (int v = 0; v < c->n_tgt * KAD_NV; v++)
        ((vreal *)w->a)[v] = kad_vtanh_fast(((const vreal *)w->a)[v]);
}

static void flush(workspace *ws, double *ld, double sign)
{
    for (int l = 0; l < KAD_W; l++) {
        ld[l] += sign * (double)ws->ld[l];
        ws->ld[l] = 0;
    }
}

enum { FLUSH = 8 };

/* y = z e^s + t (sign = 1) or back (-1) of one application; sum += s. */
static void transform_targets(const kad_coupling *c, const real *scale, const int *rows,
                              real *x, const panel *w, vreal *sum, const int sign)
{
    bound_scales(c, w);
    for (int j = 0; j < c->n_tgt; j++) {
        vreal *y = (vreal *)(x + (size_t)rows[c->n_src + j] * KAD_W);
        const vreal *t = (const vreal *)(w->t + (size_t)j * KAD_W);
        const vreal *a = (const vreal *)(w->a + (size_t)j * KAD_W);
        for (int v = 0; v < KAD_NV; v++) {
            const vreal s = scale[j] * a[v];
            sum[v] += s;
            y[v] = sign > 0 ? y[v] * kad_vexp_fast(s) + t[v]
                            : (y[v] - t[v]) * kad_vexp_fast(-s);
        }
    }
}

static void transform(const kad_stage *stage, const void *packed, void *x_, double *ld,
                      void *scratch, const int sign)
{
    const kad_coupling *c = stage->self;
    const real *theta = packed;
    real *x = x_;
    workspace ws;
    carve(stage, scratch, &ws);
    memset(ws.ld, 0, KAD_ROW_BYTES);
    for (int k = 0; k < c->n_apps; k += PANELS) {
        open_panels(c, k, x, &ws);
        for (int m = 0; m < c->n_nets; m++)
            mlp_forward(&c->net[m], theta + c->net[m].theta, &ws.panel[0], ws.panels);
        for (int p = 0; p < ws.panels.n; p++)
            transform_targets(c, theta + c->c, rows_of(c, k + p), x, &ws.panel[p],
                              (vreal *)ws.ld, sign);
        if (k % FLUSH == FLUSH - PANELS) flush(&ws, ld, sign);
    }
    flush(&ws, ld, sign);
}

static void generate(const kad_stage *stage, const void *packed, void *x, double *ld,
                     void *scratch)
{
    transform(stage, packed, x, ld, scratch, 1);
}

static void infer(const kad_stage *stage, const void *packed, void *x, double *ld,
                  void *scratch)
{
    transform(stage, packed, x, ld, scratch, -1);
}

/* The adjoints take y = z e^s + t apart into its two steps. dir = 1 rebuilds z from y,
 * dir = -1 y from z; the cotangents of the heads go to dt and da.
 *   shift  y = w + t:    dir 1: w = y - t, dt = gy;   dir -1: y = w + t, dt = -gy
 *   scale  w = z e^s:    dir 1: z = w e^-s, gz = gy e^s, ds = gy w + gl
 *                        dir -1: w = z e^s, gy = gz e^-s, ds = -gy w - gl */
static void shift_adjoint(const kad_coupling *c, const int *rows, real *x, const real *g,
                          const panel *w, const int dir)
{
    for (int j = 0; j < c->n_tgt; j++) {
        vreal *xj = (vreal *)(x + (size_t)rows[c->n_src + j] * KAD_W);
        const vreal *gj = (const vreal *)(g + (size_t)rows[c->n_src + j] * KAD_W);
        const vreal *t = (const vreal *)(w->t + (size_t)j * KAD_W);
        vreal *dt = (vreal *)(w->dt + (size_t)j * KAD_W);
        for (int v = 0; v < KAD_NV; v++) {
            xj[v] = dir > 0 ? xj[v] - t[v] : xj[v] + t[v];
            dt[v] = dir > 0 ? gj[v] : -gj[v];
        }
    }
}

static void scale_adjoint(const kad_coupling *c, const real *scale, const int *rows,
                          real *x, real *g, real gl, const panel *w, vreal *sum,
                          vreal *dc, const int dir)
{
    for (int j = 0; j < c->n_tgt; j++) {
        vreal *xj = (vreal *)(x + (size_t)rows[c->n_src + j] * KAD_W);
        vreal *gj = (vreal *)(g + (size_t)rows[c->n_src + j] * KAD_W);
        const vreal *a = (const vreal *)(w->a + (size_t)j * KAD_W);
        vreal *da = (vreal *)(w->da + (size_t)j * KAD_W);
        vreal c_sum = {0};
        for (int v = 0; v < KAD_NV; v++) {
            const vreal s = scale[j] * a[v];
            const vreal ex = kad_vexp_fast(dir > 0 ? -s : s);
            const vreal eg = kad_vexp_fast(dir > 0 ? s : -s);
            const vreal moved = xj[v] * ex;
            vreal ds;
            sum[v] += s;
            if (dir > 0) {
                ds = gj[v] * xj[v] + gl;
                gj[v] *= eg;
            } else {
                gj[v] *= eg;
                ds = -gj[v] * moved - gl;
            }
            xj[v] = moved;
            da[v] = ds * scale[j] * ((real)1 - a[v] * a[v]);
            c_sum += ds * a[v];
        }
        dc[j] += c_sum;
    }
}

/* dtheta, the net's, += the lane sums of acc, which move to its front. */
static void reduce(const kad_mlp *net, vreal *acc, real *dtheta)
{
    for (size_t i = 0; i < net->n_theta; i += KAD_V)
        acc[i / KAD_V] = kad_vsums(acc + i);
    mlp_gradient(net, (const real *)acc, dtheta);
}

/* Everything one walk over the applications needs. */
typedef struct adjoint_call {
    const kad_coupling *c;
    const real *theta, *back; /* the adjoint's weights, at the same offsets */
    real *x, *g;
    real gl;
    real *dtheta; /* NULL: no weight gradients */
    double *ld;   /* NULL: not wanted */
} adjoint_call;

/* Steps of one walk: the shift's net, the scale's net, or one net with both heads. */
enum { SHIFT = 1, SCALE = 2 };

/* The steps of the transform of one application: x, g, and the heads' cotangents. */
static void step_adjoint(const adjoint_call *call, const int *rows, const panel *w,
                         const workspace *ws, const int steps, const int dir)
{
    const kad_coupling *c = call->c;
    if (steps & SCALE) bound_scales(c, w);
    if (dir > 0 && (steps & SHIFT)) shift_adjoint(c, rows, call->x, call->g, w, dir);
    if (steps & SCALE)
        scale_adjoint(c, call->theta + c->c, rows, call->x, call->g, call->gl, w,
                      (vreal *)ws->ld, ws->dc, dir);
    if (dir < 0 && (steps & SHIFT)) shift_adjoint(c, rows, call->x, call->g, w, dir);
}

/* With separate nets the applications are walked once for each, so that the gradient
 * sums of only one net compete for the first-level cache. */
static void walk(const adjoint_call *call, workspace *ws, const int steps, const int m,
                 const int dir)
{
    const kad_coupling *c = call->c;
    const kad_mlp *net = &c->net[m];
    for (int k = 0; k < c->n_apps; k += PANELS) {
        open_panels(c, k, call->x, ws);
        mlp_forward(net, call->theta + net->theta, &ws->panel[0], ws->panels);
        for (int p = 0; p < ws->panels.n; p++)
            step_adjoint(call, rows_of(c, k + p), &ws->panel[p], ws, steps, dir);
        mlp_adjoint(net, call->back + net->theta, &ws->panel[0], ws->panels,
                    call->dtheta ? ws->acc : NULL);
        for (int p = 0; p < ws->panels.n; p++)
            for (int i = 0; i < c->n_src; i++)
                add_rows(1, ws->panel[p].din + (size_t)i * KAD_W,
                         call->g + (size_t)rows_of(c, k + p)[i] * KAD_W);
        if ((steps & SCALE) && k % FLUSH == FLUSH - PANELS && call->ld)
            flush(ws, call->ld, -dir);
    }
    if ((steps & SCALE) && call->ld) flush(ws, call->ld, -dir);
    if (call->dtheta) reduce(net, ws->acc, call->dtheta + net->theta);
}

static void adjoint(const kad_stage *stage, const void *packed, void *x, void *g,
                    double gl, void *dtheta, double *ld, void *scratch, const int dir)
{
    const kad_coupling *c = stage->self;
    workspace ws;
    carve(stage, scratch, &ws);
    memset(ws.ld, 0, KAD_ROW_BYTES);
    memset(ws.dc, 0, (size_t)c->n_tgt * sizeof(vreal));
    const adjoint_call call = {
        .c = c,
        .theta = packed,
        .back = (const real *)packed + stage->n_theta,
        .x = x,
        .g = g,
        .gl = (real)gl,
        .dtheta = dtheta,
        .ld = ld,
    };
    if (c->n_nets == 1) {
        walk(&call, &ws, SHIFT | SCALE, 0, dir);
    } else if (dir > 0) {
        walk(&call, &ws, SHIFT, 0, dir);
        walk(&call, &ws, SCALE, 1, dir);
    } else {
        walk(&call, &ws, SCALE, 1, dir);
        walk(&call, &ws, SHIFT, 0, dir);
    }
    for (int j = 0; dtheta && j < c->n_tgt; j++)
        call.dtheta[c->c + (size_t)j] += kad_vsum(ws.dc[j]);
}

static void generate_adjoint(const kad_stage *stage, const void *packed, void *x, void *g,
                             double gl, void *dtheta, double *ld, void *scratch)
{
    adjoint(stage, packed, x, g, gl, dtheta, ld, scratch, 1);
}

static void infer_adjoint(const kad_stage *stage, const void *packed, void *x, void *g,
                          double gl, void *dtheta, double *ld, void *scratch)
{
    adjoint(stage, packed, x, g, gl, dtheta, ld, scratch, -1);
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
    for (size_t j = c->c; j < c->c + (size_t)c->n_tgt; j++)
        p[j] = (real)theta[j];
}

const kad_bijector_kern KR(kad_coupling_kern) = {
    .pack = pack,
    .generate = generate,
    .infer = infer,
    .generate_adjoint = generate_adjoint,
    .infer_adjoint = infer_adjoint,
};

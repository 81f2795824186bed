/* Kernels of the affine MLP coupling (coupling.h). One application at a time for the
 * whole row of lanes: gather sources, run the net, transform the targets in place. In the
 * adjoints the net is run again on the untouched sources, and weight gradients collect in
 * vector accumulators that are reduced over the lanes once a call. */
#include "flow/coupling.h"

#include "base/vmath.h"
#include "flow/dense_kern.h"

#include <string.h>

/* The adjoints work on a few applications at a time. */
enum { PANELS = 4 };

/* Scratch of one application; all blocks are rows of KAD_W lanes. */
typedef struct panel {
    real *in;      /* [n_src] gathered sources */
    real *feat[2]; /* activations of each net, layer after layer */
    real *t, *a;   /* head outputs [n_tgt]; a becomes tanh(a) */
    real *dt, *da; /* cotangents of the heads */
    real *u, *v;   /* [max_width] cotangents between layers */
    real *din;     /* [n_src] */
} panel;

typedef struct workspace {
    panel panel[PANELS]; /* one layout, panels.stride apart */
    dense_panels panels; /* those in use */
    real *ld;            /* [1] log-determinants of a few applications */
    vreal *acc;          /* [n_theta + KAD_V] weight gradients, lanes apart */
} workspace;

static char *carve_panel(const kad_coupling *c, char *at, panel *w)
{
#define TAKE(field, rows)                   \
    do {                                    \
        w->field = (void *)at;              \
        at += (size_t)(rows)*KAD_ROW_BYTES; \
    } while (0)
    TAKE(in, c->n_src);
    TAKE(feat[0], c->net[0].n_features);
    TAKE(feat[1], c->n_nets > 1 ? c->net[1].n_features : 0);
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
    w.acc = (void *)at;
    at += (stage->n_theta + KAD_V) * sizeof(vreal);
    if (ws) *ws = w;
    return (size_t)(at - base);
}

size_t KR(kad_coupling_scratch)(const kad_stage *stage);
size_t KR(kad_coupling_scratch)(const kad_stage *stage)
{
    static char none[1];
    return carve(stage, none, NULL);
}

static void activate(kad_activation kind, int n, real *h)
{
    vreal *p = (vreal *)h;
    const int n_v = n * KAD_NV;
    switch (kind) {
    case KAD_ELU:
        for (int v = 0; v < n_v; v++)
            p[v] = kad_velu(p[v]);
        break;
    case KAD_TANH:
        for (int v = 0; v < n_v; v++)
            p[v] = kad_vtanh(p[v]);
        break;
    case KAD_RELU:
        for (int v = 0; v < n_v; v++)
            p[v] = kad_vmax(p[v], (vreal){0});
        break;
    case KAD_SILU:
        for (int v = 0; v < n_v; v++)
            p[v] = p[v] * kad_vsigmoid(p[v]);
        break;
    }
}

/* d *= act'(pre-activation), from the activation h; for silu `pre` holds the
 * pre-activations. */
static void activate_adjoint(kad_activation kind, int n, const real *h, const real *pre,
                             real *d)
{
    const vreal *p = (const vreal *)h;
    const vreal *q = (const vreal *)pre;
    vreal *g = (vreal *)d;
    const int n_v = n * KAD_NV;
    const vreal zero = {0};
    switch (kind) {
    case KAD_ELU: /* h > 0: 1; else exp(x) = h + 1 */
        for (int v = 0; v < n_v; v++)
            g[v] *= kad_vmin(p[v], zero) + (real)1;
        break;
    case KAD_TANH:
        for (int v = 0; v < n_v; v++)
            g[v] *= (real)1 - p[v] * p[v];
        break;
    case KAD_RELU:
        for (int v = 0; v < n_v; v++)
            g[v] = kad_vselect(kad_vgt(p[v], zero), g[v], zero);
        break;
    case KAD_SILU:
        for (int v = 0; v < n_v; v++) {
            const vreal s = kad_vsigmoid(q[v]);
            g[v] *= s * ((real)1 + q[v] * ((real)1 - s));
        }
        break;
    }
}

static void layer(const kad_dense *l, const real *theta, const real *x, real *y)
{
    dense_forward(l->n_out, l->n_in, theta + l->w, (size_t)l->n_in, 1,
                  l->b == SIZE_MAX ? NULL : theta + l->b, x, y);
}

/* A hidden layer with its activation; elu, the common case, before the outputs leave
 * the registers. */
static void hidden_layer(kad_activation kind, const kad_dense *l, const real *theta,
                         const real *x, real *y)
{
    if (kind == KAD_ELU) {
        dense_forward_elu(l->n_out, l->n_in, theta + l->w, (size_t)l->n_in, 1,
                          l->b == SIZE_MAX ? NULL : theta + l->b, x, y);
        return;
    }
    const size_t n = (size_t)l->n_out * KAD_W;
    layer(l, theta, x, y);
    if (kind == KAD_SILU) { /* keeps the pre-activations in front */
        memcpy(y + n, y, n * sizeof(real));
        y += n;
    }
    activate(kind, l->n_out, y);
}

/* Features: per hidden layer its activations, for silu preceded by the pre-activations,
 * and last, where a head squares, the squared features. */
static void mlp_forward(const kad_mlp *net, const real *theta, const real *in, real *feat,
                        real *t, real *a)
{
    const real *x = in;
    real *f = feat;
    for (int k = 0; k < net->n_hidden; k++) {
        const kad_dense *l = &net->hidden[k];
        const size_t n = (size_t)l->n_out * KAD_W;
        hidden_layer(net->activation, l, theta, x, f);
        if (net->activation == KAD_SILU) f += n;
        x = f;
        f += n;
    }
    if (net->head_t.n_out) layer(&net->head_t, theta, x, t);
    if (!net->head_a.n_out) return;
    if (net->square) {
        const int n_v = net->head_a.n_in * KAD_NV;
        for (int v = 0; v < n_v; v++)
            ((vreal *)f)[v] = ((const vreal *)x)[v] * ((const vreal *)x)[v];
        x = f;
    }
    layer(&net->head_a, theta, x, a);
}

static void outer(const kad_dense *l, dense_panels panels, const real *d, const real *x,
                  vreal *acc)
{
    dense_outer(l->n_out, l->n_in, panels, d, x, acc + l->w,
                l->b == SIZE_MAX ? NULL : acc + l->b);
}

/* out = W^T d, times elu'(.) where h, the activations it belongs to, is given. */
static void transposed(const kad_dense *l, const real *theta, dense_panels panels,
                       const real *d, const real *h, real *out)
{
    for (int p = 0; p < panels.n; p++) {
        const size_t at = (size_t)p * panels.stride;
        if (h)
            dense_adjoint_elu(l->n_in, l->n_out, theta + l->w, 1, (size_t)l->n_in, d + at,
                              h + at, out + at);
        else
            dense_forward(l->n_in, l->n_out, theta + l->w, 1, (size_t)l->n_in, NULL,
                          d + at, out + at);
    }
}

/* out += x */
static void add_rows(int n, const real *x, real *out)
{
    for (int v = 0; v < n * KAD_NV; v++)
        ((vreal *)out)[v] += ((const vreal *)x)[v];
}

/* Cotangent of the last features x from those of the heads, in `out`; with h, of their
 * pre-activations. Pointers are into the first panel; out may be x where only one head
 * exists. */
static void heads_adjoint(const kad_mlp *net, const real *theta, dense_panels panels,
                          const real *x, const real *sq, const real *h, const panel *w,
                          vreal *acc, real *out)
{
    const bool both = net->head_a.n_out && net->head_t.n_out;
    if (net->head_a.n_out) {
        if (acc) outer(&net->head_a, panels, w->da, net->square ? sq : x, acc);
        transposed(&net->head_a, theta, panels, w->da, h, out);
        for (int p = 0; net->square && p < panels.n; p++) {
            const size_t at = (size_t)p * panels.stride;
            for (int v = 0; v < net->head_a.n_in * KAD_NV; v++)
                ((vreal *)(w->u + at))[v] *= (real)2 * ((const vreal *)(x + at))[v];
        }
    }
    if (net->head_t.n_out) {
        if (acc) outer(&net->head_t, panels, w->dt, x, acc);
        transposed(&net->head_t, theta, panels, w->dt, h, both ? w->v : out);
        for (int p = 0; both && p < panels.n; p++) {
            const size_t at = (size_t)p * panels.stride;
            add_rows(net->head_t.n_in, w->v + at, out + at);
        }
    }
}

/* din (overwritten) = cotangent of the input of net m, panel by panel. With elu the
 * cotangents of the pre-activations take the place of the activations, which nobody
 * needs any more: the first-level cache holds little else. */
static void mlp_adjoint(const kad_mlp *net, const real *theta, const workspace *ws, int m,
                        vreal *acc)
{
    const panel *w = &ws->panel[0];
    const dense_panels panels = ws->panels;
    real *h[KAD_MLP_MAX_LAYERS + 1], *pre[KAD_MLP_MAX_LAYERS + 1];
    real *f = w->feat[m];
    const bool elu = net->activation == KAD_ELU;
    h[0] = w->in;
    pre[0] = NULL;
    for (int k = 0; k < net->n_hidden; k++) {
        const size_t n = (size_t)net->hidden[k].n_out * KAD_W;
        pre[k + 1] = f;
        if (net->activation == KAD_SILU) f += n;
        h[k + 1] = f;
        f += n;
    }
    const int last = net->n_hidden;
    const bool at_once = elu && last > 0 && !(net->head_a.n_out && net->head_t.n_out);
    real *d = at_once ? h[last] : w->u;
    heads_adjoint(net, theta, panels, h[last], f, at_once ? h[last] : NULL, w, acc, d);
    for (int k = last; k > 0; k--) {
        const kad_dense *l = &net->hidden[k - 1];
        const bool in_place = elu && k > 1;
        real *next = k == 1 ? w->din : in_place ? h[k - 1] : d == w->u ? w->v : w->u;
        for (int p = 0; !(elu && (k < last || at_once)) && p < panels.n; p++) {
            const size_t at = (size_t)p * panels.stride;
            activate_adjoint(net->activation, l->n_out, h[k] + at, pre[k] + at, d + at);
        }
        if (acc) outer(l, panels, d, h[k - 1], acc);
        transposed(l, theta, panels, d, in_place ? h[k - 1] : NULL, next);
        d = next;
    }
    for (int p = 0; last == 0 && p < panels.n; p++)
        memcpy(ws->panel[p].din, ws->panel[p].u,
               (size_t)net->head_a.n_in * KAD_ROW_BYTES);
}

static void gather(const kad_coupling *c, const int *rows, const real *x, real *in)
{
    for (int i = 0; i < c->n_src; i++) {
        const vreal *from = (const vreal *)(x + (size_t)rows[i] * KAD_W);
        for (int v = 0; v < KAD_NV; v++)
            ((vreal *)(in + (size_t)i * KAD_W))[v] = from[v];
    }
}

/* Nets of one application: t and a = tanh(a). */
static void run_nets(const kad_coupling *c, const real *theta, const int *rows,
                     const real *x, const panel *w)
{
    gather(c, rows, x, w->in);
    for (int k = 0; k < c->n_nets; k++)
        mlp_forward(&c->net[k], theta, w->in, w->feat[k], w->t, w->a);
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

static void transform(const kad_stage *stage, const void *packed, void *x_, double *ld,
                      void *scratch, const int sign)
{
    const kad_coupling *c = stage->self;
    const real *theta = packed, *scale = theta + c->c;
    real *x = x_;
    workspace ws;
    carve(stage, scratch, &ws);
    memset(ws.ld, 0, KAD_ROW_BYTES);
    vreal *sum = (vreal *)ws.ld;
    for (int k = 0; k < c->n_apps; k++) {
        const int *rows = c->rows + (size_t)k * (size_t)(c->n_src + c->n_tgt);
        run_nets(c, theta, rows, x, &ws.panel[0]);
        for (int j = 0; j < c->n_tgt; j++) {
            vreal *y = (vreal *)(x + (size_t)rows[c->n_src + j] * KAD_W);
            const vreal *t = (const vreal *)(ws.panel[0].t + (size_t)j * KAD_W);
            const vreal *a = (const vreal *)(ws.panel[0].a + (size_t)j * KAD_W);
            for (int v = 0; v < KAD_NV; v++) {
                const vreal s = scale[j] * a[v];
                sum[v] += s;
                y[v] = sign > 0 ? y[v] * kad_vexp_fast(s) + t[v]
                                : (y[v] - t[v]) * kad_vexp_fast(-s);
            }
        }
        if (k % FLUSH == FLUSH - 1) flush(&ws, ld, sign);
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

static void reduce_layer(const kad_dense *l, const real *sums, real *dtheta)
{
    dense_outer_sums(l->n_out, l->n_in, sums + l->w, dtheta + l->w);
    for (int o = 0; l->b != SIZE_MAX && o < l->n_out; o++)
        dtheta[l->b + (size_t)o] += sums[l->b + (size_t)o];
}

/* dtheta += the lane sums of the n gradients, which move to the front of acc. */
static void reduce(const kad_coupling *c, size_t n, vreal *acc, real *dtheta)
{
    real *sums = (real *)acc;
    for (size_t i = 0; i < n; i += KAD_V)
        acc[i / KAD_V] = kad_vsums(acc + i);
    for (int m = 0; m < c->n_nets; m++) {
        const kad_mlp *net = &c->net[m];
        for (int k = 0; k < net->n_hidden; k++)
            reduce_layer(&net->hidden[k], sums, dtheta);
        if (net->head_t.n_out) reduce_layer(&net->head_t, sums, dtheta);
        if (net->head_a.n_out) reduce_layer(&net->head_a, sums, dtheta);
    }
    for (int j = 0; j < c->n_tgt; j++)
        dtheta[c->c + (size_t)j] += sums[c->c + (size_t)j];
}

/* Everything one walk over the applications needs. */
typedef struct adjoint_call {
    const kad_coupling *c;
    const real *theta;
    real *x, *g;
    real gl;
    vreal *acc; /* NULL: no weight gradients */
    double *ld; /* NULL: not wanted */
} adjoint_call;

static const int *rows_of(const kad_coupling *c, int k)
{
    return c->rows + (size_t)k * (size_t)(c->n_src + c->n_tgt);
}

/* Steps of one walk: the shift's net, the scale's net, or one net with both heads. */
enum { SHIFT = 1, SCALE = 2 };

/* Net m of one application, and the steps of its transform: x, g, and the heads' cotangents. */
static void step_adjoint(const adjoint_call *call, const int *rows, const panel *w,
                         vreal *sum, vreal *dc, const int steps, const int m,
                         const int dir)
{
    const kad_coupling *c = call->c;
    gather(c, rows, call->x, w->in);
    mlp_forward(&c->net[m], call->theta, w->in, w->feat[m], w->t, w->a);
    if (steps & SCALE)
        for (int v = 0; v < c->n_tgt * KAD_NV; v++)
            ((vreal *)w->a)[v] = kad_vtanh_fast(((const vreal *)w->a)[v]);
    if (dir > 0 && (steps & SHIFT)) shift_adjoint(c, rows, call->x, call->g, w, dir);
    if (steps & SCALE)
        scale_adjoint(c, call->theta + c->c, rows, call->x, call->g, call->gl, w, sum, dc,
                      dir);
    if (dir < 0 && (steps & SHIFT)) shift_adjoint(c, rows, call->x, call->g, w, dir);
}

/* With separate nets the applications are walked once for each, so that the gradient
 * sums of only one net compete for the first-level cache. */
static void walk(const adjoint_call *call, workspace *ws, const int steps, const int m,
                 const int dir)
{
    const kad_coupling *c = call->c;
    for (int k = 0; k < c->n_apps; k += PANELS) {
        const int n = c->n_apps - k < PANELS ? c->n_apps - k : PANELS;
        ws->panels.n = n;
        ws->panels.first = k == 0;
        for (int p = 0; p < n; p++)
            step_adjoint(call, rows_of(c, k + p), &ws->panel[p], (vreal *)ws->ld,
                         ws->acc + c->c, steps, m, dir);
        mlp_adjoint(&c->net[m], call->theta, ws, m, call->acc);
        for (int p = 0; p < n; p++)
            for (int i = 0; i < c->n_src; i++)
                add_rows(1, ws->panel[p].din + (size_t)i * KAD_W,
                         call->g + (size_t)rows_of(c, k + p)[i] * KAD_W);
        if ((steps & SCALE) && k % FLUSH == FLUSH - PANELS && call->ld)
            flush(ws, call->ld, -dir);
    }
    if ((steps & SCALE) && call->ld) flush(ws, call->ld, -dir);
}

static void adjoint(const kad_stage *stage, const void *packed, void *x, void *g,
                    double gl, void *dtheta, double *ld, void *scratch, const int dir)
{
    const kad_coupling *c = stage->self;
    workspace ws;
    carve(stage, scratch, &ws);
    memset(ws.ld, 0, KAD_ROW_BYTES);
    /* the nets begin their own */
    memset(ws.acc + c->c, 0, (size_t)c->n_tgt * sizeof(vreal));
    const adjoint_call call = {
        .c = c,
        .theta = packed,
        .x = x,
        .g = g,
        .gl = (real)gl,
        .acc = dtheta ? ws.acc : NULL,
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
    if (dtheta) reduce(c, stage->n_theta, ws.acc, dtheta);
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

static void pack(const kad_stage *stage, const double *theta, void *packed)
{
    for (size_t i = 0; i < stage->n_theta; i++)
        ((real *)packed)[i] = (real)theta[i];
}

const kad_bijector_kern KR(kad_coupling_kern) = {
    .pack = pack,
    .generate = generate,
    .infer = infer,
    .generate_adjoint = generate_adjoint,
    .infer_adjoint = infer_adjoint,
};

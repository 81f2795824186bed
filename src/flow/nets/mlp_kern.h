/* The multilayer perceptrons of couplings (mlp.h): forward, adjoint and weight
 * gradients of one net on a few row blocks at a time.
 *
 * Nets with elu keep their hidden layers lifted (vmath.h): activations as s (h + 1) and
 * pre-activations as s (a + 1), s = log2 e. In single precision with AVX-512 the
 * activation is then a fifth cheaper; the price is two bits of small weights'
 * gradients, for h near 0 is held as a number near s. Such nets need biases.
 * Every layer then maps X = p (x + q) to Y = u (y + v) of y = b + W x by
 *   Y = u (b + v - q W 1) + (u / p) W X,
 * and packed weights are those of this map. A cotangent G of Y and the sums
 *   D = sum G X^T,  d = sum G   give   dW = (u / p) D - u q d 1^T,  db = u d. */
#ifndef KAD_FLOW_NETS_MLP_KERN_H
#define KAD_FLOW_NETS_MLP_KERN_H

#include "base/vmath.h"
#include "flow/nets/dense_kern.h"
#include "flow/nets/mlp.h"

#include <string.h>

/* Nets run on a few parts at a time. */
enum { PANELS = 4 };

/* Scratch of one part; all blocks are rows of KAD_W lanes. */
typedef struct panel {
    real *in;      /* [n_src] gathered sources */
    real *feat;    /* activations of a net, layer after layer */
    real *t, *a;   /* odd and even outputs */
    real *dt, *da; /* cotangents of the heads */
    real *u, *v;   /* [max_width] cotangents between layers */
    real *din;     /* [n_src] */
} panel;

/* Values are held as scale * (value + shift). */
typedef struct mlp_units {
    double scale, shift;
} mlp_units;

static const mlp_units plain_units = {1, 0}, lifted_units = {(double)KAD_VLIFT, 1};

/* Those of the hidden layers; nets without biases are tanh's (mlp.h). */
static mlp_units hidden_units(const kad_mlp *net)
{
    return net->activation == KAD_ELU ? lifted_units : plain_units;
}

/* Those of what layer k reads; k = n_hidden: the heads. */
static mlp_units input_units(const kad_mlp *net, int k)
{
    return k > 0 ? hidden_units(net) : plain_units;
}

/* Forward weights at their place in theta, and at `back` those of the adjoint: divided
 * once more by the inputs' scale, for the derivative of the lifted activation lacks it. */
static void pack_layer(const kad_dense *l, mlp_units in, mlp_units out,
                       const double *theta, real *packed, real *back)
{
    const double forward = out.scale / in.scale, adjoint = forward / in.scale;
    for (size_t o = 0; o < (size_t)l->n_out; o++) {
        const size_t row = l->w + o * (size_t)l->n_in;
        double sum = 0;
        for (size_t i = row; i < row + (size_t)l->n_in; i++) {
            packed[i] = (real)(forward * theta[i]);
            back[i] = (real)(adjoint * theta[i]);
            sum += theta[i];
        }
        if (l->b != SIZE_MAX)
            packed[l->b + o] =
                (real)(out.scale * (theta[l->b + o] + out.shift - in.shift * sum));
    }
}

static void mlp_pack(const kad_mlp *net, const double *theta, real *packed, real *back)
{
    for (int k = 0; k < net->n_hidden; k++)
        pack_layer(&net->hidden[k], input_units(net, k), hidden_units(net), theta, packed,
                   back);
    pack_layer(&net->head_t, input_units(net, net->n_hidden), plain_units, theta, packed,
               back);
    pack_layer(&net->head_a, input_units(net, net->n_hidden), plain_units, theta, packed,
               back);
}

/* dtheta += the layer's gradient from its sums over lanes. */
static void layer_gradient(const kad_dense *l, mlp_units in, mlp_units out,
                           const real *sums, real *dtheta)
{
    const real weight = (real)(out.scale / in.scale), less = (real)(out.scale * in.shift);
    const real *d = l->b == SIZE_MAX ? NULL : sums + l->b;
    dense_outer_sums(l->n_out, l->n_in, sums + l->w, d, weight, less, dtheta + l->w);
    for (int o = 0; d && o < l->n_out; o++)
        dtheta[l->b + (size_t)o] += (real)out.scale * d[o];
}

static void mlp_gradient(const kad_mlp *net, const real *sums, real *dtheta)
{
    for (int k = 0; k < net->n_hidden; k++)
        layer_gradient(&net->hidden[k], input_units(net, k), hidden_units(net), sums,
                       dtheta);
    layer_gradient(&net->head_t, input_units(net, net->n_hidden), plain_units, sums,
                   dtheta);
    layer_gradient(&net->head_a, input_units(net, net->n_hidden), plain_units, sums,
                   dtheta);
}

static void activate(kad_activation kind, int n, real *h)
{
    vreal *p = (vreal *)h;
    const int n_v = n * KAD_NV;
    switch (kind) {
    case KAD_ELU: /* hidden_layer has it */
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
    case KAD_ELU: /* but for the scale, which the adjoint's weights hold */
        for (int v = 0; v < n_v; v++)
            g[v] *= kad_velu_lifted_grad(p[v]);
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

/* y = b + W x, panel by panel. */
static void layer(const kad_dense *l, const real *theta, dense_panels panels,
                  const real *x, real *y)
{
    const real *b = l->b == SIZE_MAX ? NULL : theta + l->b;
    for (int p = 0; p < panels.n; p++, x += panels.stride, y += panels.stride)
        dense_forward(l->n_out, l->n_in, theta + l->w, (size_t)l->n_in, 1, b, x, y);
}

/* A hidden layer with its activation; elu, the common case, before the outputs leave
 * the registers. */
static void hidden_layer(kad_activation kind, const kad_dense *l, const real *theta,
                         dense_panels panels, const real *x, real *y)
{
    if (kind == KAD_ELU) {
        for (int p = 0; p < panels.n; p++, x += panels.stride, y += panels.stride)
            dense_forward_elu(l->n_out, l->n_in, theta + l->w, (size_t)l->n_in, 1,
                              theta + l->b, x, y);
        return;
    }
    layer(l, theta, panels, x, y);
    for (int p = 0; p < panels.n; p++, y += panels.stride) {
        real *h = y;
        if (kind == KAD_SILU) /* keeps the pre-activations in front */
            h = memcpy(y + (size_t)l->n_out * KAD_W, y, (size_t)l->n_out * KAD_ROW_BYTES);
        activate(kind, l->n_out, h);
    }
}

/* The net on the panels' sources: heads t and a. Features: per hidden layer its
 * activations, for silu preceded by the pre-activations, and last, where a head squares,
 * the squared features. Layer by layer: the next panel fills the gaps that the end of a
 * panel leaves. */
static void mlp_forward(const kad_mlp *net, const real *theta, const panel *w,
                        dense_panels panels)
{
    const real *x = w->in;
    real *f = w->feat;
    for (int k = 0; k < net->n_hidden; k++) {
        const kad_dense *l = &net->hidden[k];
        const size_t n = (size_t)l->n_out * KAD_W;
        hidden_layer(net->activation, l, theta, panels, x, f);
        if (net->activation == KAD_SILU) f += n;
        x = f;
        f += n;
    }
    if (net->head_t.n_out) layer(&net->head_t, theta, panels, x, w->t);
    if (!net->head_a.n_out) return;
    if (net->square) {
        const int n_v = net->head_a.n_in * KAD_NV;
        for (int p = 0; p < panels.n; p++) {
            const size_t at = (size_t)p * panels.stride;
            for (int v = 0; v < n_v; v++)
                ((vreal *)(f + at))[v] =
                    ((const vreal *)(x + at))[v] * ((const vreal *)(x + at))[v];
        }
        x = f;
    }
    layer(&net->head_a, theta, panels, x, w->a);
}

static void outer(const kad_dense *l, dense_panels panels, const real *d, const real *x,
                  vreal *acc)
{
    dense_outer(l->n_out, l->n_in, panels, d, x, acc + l->w,
                l->b == SIZE_MAX ? NULL : acc + l->b);
}

/* out = W^T d with the adjoint's weights, times elu'(.) where h, the activations it
 * belongs to, is given. */
static void transposed(const kad_dense *l, const real *back, dense_panels panels,
                       const real *d, const real *h, real *out)
{
    for (int p = 0; p < panels.n; p++) {
        const size_t at = (size_t)p * panels.stride;
        if (h)
            dense_adjoint_elu(l->n_in, l->n_out, back + l->w, 1, (size_t)l->n_in, d + at,
                              h + at, out + at);
        else
            dense_forward(l->n_in, l->n_out, back + l->w, 1, (size_t)l->n_in, NULL,
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
static void heads_adjoint(const kad_mlp *net, const real *back, dense_panels panels,
                          const real *x, const real *sq, const real *h, const panel *w,
                          vreal *acc, real *out)
{
    const bool both = net->head_a.n_out && net->head_t.n_out;
    if (net->head_a.n_out) {
        if (acc) outer(&net->head_a, panels, w->da, net->square ? sq : x, acc);
        transposed(&net->head_a, back, panels, w->da, h, out);
        for (int p = 0; net->square && p < panels.n; p++) {
            const size_t at = (size_t)p * panels.stride;
            for (int v = 0; v < net->head_a.n_in * KAD_NV; v++)
                ((vreal *)(out + at))[v] *= (real)2 * ((const vreal *)(x + at))[v];
        }
    }
    if (net->head_t.n_out) {
        if (acc) outer(&net->head_t, panels, w->dt, x, acc);
        transposed(&net->head_t, back, panels, w->dt, h, both ? w->v : out);
        for (int p = 0; both && p < panels.n; p++) {
            const size_t at = (size_t)p * panels.stride;
            add_rows(net->head_t.n_in, w->v + at, out + at);
        }
    }
}

/* din (overwritten) = cotangent of the input, panel by panel. With elu the
 * cotangents of the pre-activations take the place of the activations, which nobody
 * needs any more: the first-level cache holds little else. */
static void mlp_adjoint(const kad_mlp *net, const real *back, const panel *w,
                        dense_panels panels, vreal *acc)
{
    real *h[KAD_MLP_MAX_LAYERS + 1], *pre[KAD_MLP_MAX_LAYERS + 1];
    real *f = w->feat;
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
    real *d = last == 0 ? w->din : at_once ? h[last] : w->u;
    heads_adjoint(net, back, panels, h[last], f, at_once ? h[last] : NULL, w, acc, d);
    for (int k = last; k > 0; k--) {
        const kad_dense *l = &net->hidden[k - 1];
        const bool in_place = elu && k > 1;
        real *next = k == 1 ? w->din : in_place ? h[k - 1] : d == w->u ? w->v : w->u;
        for (int p = 0; !(elu && (k < last || at_once)) && p < panels.n; p++) {
            const size_t at = (size_t)p * panels.stride;
            activate_adjoint(net->activation, l->n_out, h[k] + at, pre[k] + at, d + at);
        }
        if (acc) outer(l, panels, d, h[k - 1], acc);
        transposed(l, back, panels, d, in_place ? h[k - 1] : NULL, next);
        d = next;
    }
}

#endif

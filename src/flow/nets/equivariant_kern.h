/* The pointwise net of the stencil coupling (stencil.h) on one part, and its
 * adjoint.
 *
 * Rows of a site are read where they are, all components at once: n_vec = n KAD_NV
 * vectors, component after component. Odd outputs are stacked below the hidden vectors,
 * so that [W1; Wl] is one product:
 *   rows 0 .. H-1        v, then o
 *   rows H .. H+n_odd-1  the odd outputs */
#ifndef KAD_FLOW_NETS_EQUIVARIANT_KERN_H
#define KAD_FLOW_NETS_EQUIVARIANT_KERN_H

#include "flow/bijectors/stencil.h"
#include "flow/nets/heads_kern.h"
#include "flow/nets/rows_kern.h"

#include <stdint.h>

/* Scratch of one call. Pointers p_* are the rows of the block next to them. */
typedef struct net_space {
    const real **src; /* [F] source rows of the current part */
    real **gsrc;      /* [F] their cotangents; of the axis: read by nobody */
    real **axis;      /* [2] the axis and its cotangent */
    real **unit,
        **gunit; /* [F] directions of the sources and cotangents, where these are read */
    real **inverse;         /* [F] inverse lengths */
    real **hid, **ghid;     /* [H + odd outputs][n KAD_W] and cotangents */
    real **norm, **e, **ge; /* [H][KAD_W]: 1/sqrt(1 + |v|^2), its square, cotangent */
    real **even, **geven;   /* [n_even][KAD_W] even outputs and cotangents */
    vreal *acc;             /* [n_theta + KAD_V] weight gradients, lanes apart */
} net_space;

/* Packed parameters: forward weights are [input][output], backward ones [output][input].
 */
typedef struct net_weights {
    const real *in, *in_t;     /* [W1; Wl]: [F][H + n_odd] and [H + n_odd][F] */
    const real *odd, *odd_t;   /* Wo: [H][n_odd] and [n_odd][H] */
    const real *even, *even_t; /* We: [H][n_even] and [n_even][H] */
    const real *b;             /* [n_even] */
    const real *own;           /* the transform's */
} net_weights;

static net_weights net_view(const kad_stencil *e, const void *packed)
{
    const size_t n_in = (size_t)(e->n_hidden + e->n_odd) * (size_t)e->n_inputs;
    const size_t n_odd = (size_t)e->n_odd * (size_t)e->n_hidden;
    const size_t n_even = (size_t)e->n_even * (size_t)e->n_hidden;
    net_weights w;
    w.in = packed;
    w.in_t = w.in + n_in;
    w.odd = w.in_t + n_in;
    w.odd_t = w.odd + n_odd;
    w.even = w.odd_t + n_odd;
    w.even_t = w.even + n_even;
    w.b = w.even_t + n_even;
    w.own = w.b + e->n_even;
    return w;
}

static void copy_both(const double *w, size_t rows, size_t cols, real *transpose,
                      real *straight)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < cols; c++)
            transpose[c * rows + r] = straight[r * cols + c] = (real)w[r * cols + c];
}

static void net_pack(const kad_stencil *e, const double *theta, void *packed)
{
    const net_weights w = net_view(e, packed);
    const size_t f = (size_t)e->n_inputs, h = (size_t)e->n_hidden;
    const size_t odd = (size_t)e->n_odd, even = (size_t)e->n_even;
    /* w1 and wl are neighbours in theta */
    copy_both(theta + e->w1, h + odd, f, (real *)(uintptr_t)w.in,
              (real *)(uintptr_t)w.in_t);
    copy_both(theta + e->wo, odd, h, (real *)(uintptr_t)w.odd,
              (real *)(uintptr_t)w.odd_t);
    copy_both(theta + e->we, even, h, (real *)(uintptr_t)w.even,
              (real *)(uintptr_t)w.even_t);
    for (size_t i = 0; i < even; i++)
        ((real *)(uintptr_t)w.b)[i] = (real)theta[e->b + i];
    for (size_t i = 0; i < (size_t)e->transform->n_own; i++)
        ((real *)(uintptr_t)w.own)[i] = (real)theta[e->own + i];
}

/* n rows of n_reals, with their pointers. */
static real **take_rows(char *base, size_t *at, int n, size_t n_reals)
{
    real **rows = (real **)(void *)(base + *at);
    const size_t pointers = ((size_t)n * sizeof(real *) + 63) / 64 * 64;
    real *block = (real *)(void *)(base + *at + pointers);
    const size_t bytes = (size_t)n * n_reals * sizeof(real);
    *at += pointers + bytes;
    if (base)
        for (int i = 0; i < n; i++)
            rows[i] = block + (size_t)i * n_reals;
    return rows;
}

/* Cut the scratch; returns its size. With base NULL only the size. */
static size_t net_carve(const kad_stage *stage, char *base, net_space *s)
{
    const kad_stencil *e = stage->self;
    const size_t vector = (size_t)stage->n_comp * KAD_W;
    const int n_hid = e->n_hidden + e->transform->n_odd[stage->n_comp - 1];
    size_t at = 0;
    s->src = (const real **)take_rows(base, &at, e->n_inputs, 0);
    s->gsrc = take_rows(base, &at, e->n_inputs, 0);
    s->axis = take_rows(base, &at, e->frame.axis ? 2 : 0, vector);
    const int n_unit = e->transform->directions ? e->n_inputs : 0;
    s->unit = take_rows(base, &at, n_unit, vector);
    s->gunit = take_rows(base, &at, n_unit, vector);
    s->inverse = take_rows(base, &at, n_unit, KAD_W);
    s->hid = take_rows(base, &at, n_hid, vector);
    s->ghid = take_rows(base, &at, n_hid, vector);
    s->norm = take_rows(base, &at, e->n_hidden, KAD_W);
    s->e = take_rows(base, &at, e->n_hidden, KAD_W);
    s->ge = take_rows(base, &at, e->n_hidden, KAD_W);
    s->even = take_rows(base, &at, e->n_even, KAD_W);
    s->geven = take_rows(base, &at, e->n_even, KAD_W);
    s->acc = (vreal *)(void *)(base + at);
    return at + (stage->n_theta + KAD_V) * sizeof(vreal);
}

/* v -> o = v/sqrt(1 + |v|^2), norm, e. Loads before stores: the rows might alias. */
KAD_LANES_INLINE void net_squash(const int n, int n_hidden, const net_space *s)
{
    for (int h = 0; h < n_hidden; h++) {
        vreal *o = (vreal *)s->hid[h];
        vreal *norm = (vreal *)s->norm[h], *e = (vreal *)s->e[h];
        for (int v = 0; v < KAD_NV; v++) {
            vreal x[3];
            for (int c = 0; c < n; c++)
                x[c] = o[v + c * KAD_NV];
            const vreal shrink = kad_lanes_rsqrt(RC(1.0) + kad_dot(n, x, x));
            for (int c = 0; c < n; c++)
                o[v + c * KAD_NV] = shrink * x[c];
            norm[v] = shrink;
            e[v] = shrink * shrink;
        }
    }
}

/* Cotangents of o (in ghid) and e (in ge) to that of v: norm (go - o (o.go + 2 e ge)). */
KAD_LANES_INLINE void net_squash_adjoint(const int n, int n_hidden, const net_space *s)
{
    for (int h = 0; h < n_hidden; h++) {
        const vreal *o = (const vreal *)s->hid[h], *ge = (const vreal *)s->ge[h];
        const vreal *norm = (const vreal *)s->norm[h], *e = (const vreal *)s->e[h];
        vreal *g = (vreal *)s->ghid[h];
        for (int v = 0; v < KAD_NV; v++) {
            vreal x[3], y[3];
            for (int c = 0; c < n; c++) {
                x[c] = o[v + c * KAD_NV];
                y[c] = g[v + c * KAD_NV];
            }
            const vreal along = RC(2.0) * e[v] * ge[v] + kad_dot(n, x, y);
            const vreal shrink = norm[v];
            for (int c = 0; c < n; c++)
                g[v + c * KAD_NV] = shrink * (y[c] - x[c] * along);
        }
    }
}

/* The axis behind the sources: e_1 on all lanes. */
KAD_LANES_INLINE void net_axis(const int n, const kad_stencil *e, const net_space *s)
{
    if (!e->frame.axis) return;
    vreal *axis = (vreal *)s->axis[0];
    for (int i = 0; i < n * KAD_NV; i++)
        axis[i] = kad_vset(i < KAD_NV ? RC(1.0) : RC(0.0));
    for (int i = 0; i < n * KAD_NV; i++)
        ((vreal *)s->axis[1])[i] = kad_vset(RC(0.0));
    s->src[e->n_inputs - 1] = s->axis[0];
    s->gsrc[e->n_inputs - 1] = s->axis[1];
}

/* Sources of which directions are read, the axis among them: all inputs but the powers and
 * what is turned, which stand between the sites and the axis. Number i of them. */
static inline int net_read_of(const kad_stencil *e, int i)
{
    return i < e->n_sources ? i : e->n_inputs - 1;
}

/* Inputs of the sources' powers, and of the turned sources behind them. */
static inline int net_turned(const kad_stencil *e)
{
    return e->n_sources * (e->frame.clock > 0 ? 2 : 1);
}

/* s^{*k}, with k = p - 1, of a unit vector. */
KAD_LANES_INLINE void net_power(int k, const vreal *s, vreal *out)
{
    vreal x = kad_vset(RC(1.0)), y = kad_vset(RC(0.0));
    for (int i = 0; i < k; i++) {
        const vreal next = x * s[0] + y * s[1];
        y = y * s[0] - x * s[1];
        x = next;
    }
    out[0] = x;
    out[1] = y;
}

/* Directions of the sources s->src, and their powers. */
KAD_LANES_INLINE void net_directions(const int n, const kad_stencil *e,
                                     const net_space *s)
{
    for (int i = 0; i < e->n_sources + (e->frame.axis ? 1 : 0); i++) {
        const int f = net_read_of(e, i);
        const vreal *x = (const vreal *)s->src[f];
        vreal *unit = (vreal *)s->unit[f], *inverse = (vreal *)s->inverse[f];
        for (int v = 0; v < KAD_NV; v++) {
            vreal y[3], power[2];
            for (int c = 0; c < n; c++)
                y[c] = x[kad_at(c, v)];
            inverse[v] = kad_lanes_rsqrt(kad_vmax(kad_dot(n, y, y), kad_vset(RC(1e-30))));
            for (int c = 0; c < n; c++)
                unit[kad_at(c, v)] = y[c] = inverse[v] * y[c];
            if (n != 2 || i >= e->n_sources) continue;
            if (e->frame.turned) {
                vreal *turned = (vreal *)s->unit[net_turned(e) + i] + v;
                turned[0] = -y[1];
                turned[KAD_NV] = y[0];
            }
            if (e->frame.clock == 0) continue;
            net_power(e->frame.clock - 1, y, power);
            ((vreal *)s->unit[e->n_sources + i])[v] = power[0];
            ((vreal *)s->unit[e->n_sources + i])[v + KAD_NV] = power[1];
        }
    }
}

/* Their cotangents to those of the sources: (1 - s s^T) g / |x|. A power turns by -(p - 1)
 * times the angle. */
KAD_LANES_INLINE void net_directions_adjoint(const int n, const kad_stencil *e,
                                             const net_space *s)
{
    for (int f = 0; f < e->n_sources; f++) {
        const vreal *unit = (const vreal *)s->unit[f], *g = (const vreal *)s->gunit[f];
        const vreal *inverse = (const vreal *)s->inverse[f];
        vreal *out = (vreal *)s->gsrc[f];
        for (int v = 0; v < KAD_NV; v++) {
            vreal y[3], z[3];
            for (int c = 0; c < n; c++) {
                y[c] = unit[kad_at(c, v)];
                z[c] = g[kad_at(c, v)];
            }
            if (n == 2 && e->frame.clock > 0) {
                const vreal *u = (const vreal *)s->unit[e->n_sources + f],
                            *gu = (const vreal *)s->gunit[e->n_sources + f];
                const vreal turn = (RC(1.0) - (real)e->frame.clock) *
                                   (u[v] * gu[v + KAD_NV] - u[v + KAD_NV] * gu[v]);
                z[0] -= turn * y[1];
                z[1] += turn * y[0];
            }
            if (n == 2 && e->frame.turned) {
                const vreal *gt = (const vreal *)s->gunit[net_turned(e) + f] + v;
                z[0] += gt[KAD_NV];
                z[1] -= gt[0];
            }
            const vreal along = kad_dot(n, y, z);
            for (int c = 0; c < n; c++)
                out[kad_at(c, v)] += inverse[v] * (z[c] - along * y[c]);
        }
    }
}

/* What the net reads: the sources or their directions. */
KAD_LANES_INLINE const real *const *net_read(const kad_stencil *e, const net_space *s)
{
    return (const real *const *)(e->transform->directions ? (const real **)s->unit
                                                          : s->src);
}

/* The rows of heads_kern.h. */
static inline heads net_heads(const kad_stencil *e, const net_weights *w,
                              const net_space *s)
{
    return (heads){.n_hidden = e->n_hidden,
                   .wo = w->odd,
                   .we = w->even,
                   .b = w->b,
                   .hid = s->hid,
                   .norm = s->norm,
                   .even = s->even,
                   .ghid = s->ghid,
                   .geven = s->geven,
                   .acc_wo = s->acc + e->wo,
                   .acc_we = s->acc + e->we};
}

/* Hidden vectors and outputs in one pass, if there is an instance for them. */
KAD_LANES_INLINE bool net_heads_forward(const int n, const kad_stencil *e,
                                        const net_weights *w, const net_space *s)
{
    const heads rows = net_heads(e, w, s);
#define INSTANCE(nc, no, ne)                            \
    if (n == nc && e->n_odd == no && e->n_even == ne) { \
        heads_forward(nc, no, ne, &rows);               \
        return true;                                    \
    }
    HEADS_INSTANCES(INSTANCE)
#undef INSTANCE
    return false;
}

KAD_LANES_INLINE bool net_heads_adjoint(const int n, const kad_stencil *e,
                                        const net_weights *w, const net_space *s,
                                        bool weights)
{
    const heads rows = net_heads(e, w, s);
#define INSTANCE(nc, no, ne)                            \
    if (n == nc && e->n_odd == no && e->n_even == ne) { \
        if (weights)                                    \
            heads_adjoint(nc, no, ne, true, &rows);     \
        else                                            \
            heads_adjoint(nc, no, ne, false, &rows);    \
        return true;                                    \
    }
    HEADS_INSTANCES(INSTANCE)
#undef INSTANCE
    return false;
}

/* Outputs of the net for the sources s->src: odd in hid[H..], even in even. */
KAD_LANES_INLINE void net_forward(const int n, const kad_stencil *e, const net_weights *w,
                                  const net_space *s)
{
    const int n_hidden = e->n_hidden, n_vec = n * KAD_NV;
    const real *const *hid = (const real *const *)s->hid;
    if (e->n_inputs > 0) {
        net_axis(n, e, s);
        if (e->transform->directions) net_directions(n, e, s);
        rows_product(n_vec, n_hidden + e->n_odd, e->n_inputs, w->in, net_read(e, s),
                     s->hid);
        if (net_heads_forward(n, e, w, s)) return;
    }
    for (int i = 0; i < e->n_even; i++)
        for (int v = 0; v < KAD_NV; v++)
            ((vreal *)s->even[i])[v] = kad_vset(w->b[i]);
    if (e->n_inputs == 0) return;
    net_squash(n, n_hidden, s);
    rows_product_add(n_vec, e->n_odd, n_hidden, w->odd, hid, s->hid + n_hidden);
    rows_product_add(KAD_NV, e->n_even, n_hidden, w->even, (const real *const *)s->e,
                     s->even);
}

/* Gradients of the weights, into acc (ordered like theta). */
static void net_weight_gradient(const kad_stencil *e, int n_vec, bool heads_too,
                                const net_space *s)
{
    const real *const *hid = (const real *const *)s->hid;
    const real *const *ghid = (const real *const *)s->ghid;
    const real *const *geven = (const real *const *)s->geven;
    for (int i = 0; i < e->n_even; i++) {
        const vreal *g = (const vreal *)s->geven[i];
        vreal sum = g[0];
        for (int v = 1; v < KAD_NV; v++)
            sum += g[v];
        s->acc[e->b + (size_t)i] += sum;
    }
    if (e->n_inputs == 0) return;
    rows_outer(n_vec, e->n_hidden + e->n_odd, e->n_inputs, ghid, net_read(e, s),
               s->acc + e->w1);
    if (!heads_too) return;
    rows_outer(n_vec, e->n_odd, e->n_hidden, ghid + e->n_hidden, hid, s->acc + e->wo);
    rows_outer(KAD_NV, e->n_even, e->n_hidden, geven, (const real *const *)s->e,
               s->acc + e->we);
}

/* From the cotangents of the outputs (ghid[H..], geven): adds to the sources' cotangents
 * s->gsrc and, if `weights`, to acc. */
KAD_LANES_INLINE void net_adjoint(const int n, const kad_stencil *e, const net_weights *w,
                                  const net_space *s, bool weights)
{
    const int n_hidden = e->n_hidden, n_vec = n * KAD_NV;
    const real *const *ghid = (const real *const *)s->ghid;
    const bool done = e->n_inputs > 0 && net_heads_adjoint(n, e, w, s, weights);
    if (e->n_inputs > 0 && !done) {
        rows_product(n_vec, n_hidden, e->n_odd, w->odd_t, ghid + n_hidden, s->ghid);
        rows_product(KAD_NV, n_hidden, e->n_even, w->even_t,
                     (const real *const *)s->geven, s->ge);
        net_squash_adjoint(n, n_hidden, s);
    }
    if (weights) net_weight_gradient(e, n_vec, !done, s);
    if (e->n_inputs > 0 && e->transform->directions) {
        rows_product(n_vec, e->n_inputs, n_hidden + e->n_odd, w->in_t, ghid, s->gunit);
        net_directions_adjoint(n, e, s);
    } else if (e->n_inputs > 0) {
        rows_product_add(n_vec, e->n_inputs, n_hidden + e->n_odd, w->in_t, ghid, s->gsrc);
    }
}

#endif

#include "affine/resnet.h"

#include "base/parallel.h"
#include "base/vmath.h"
#include "wide/wide.h"

#include <math.h>
#include <string.h>

typedef KR(kad_affine_desk) desk_of_net;
typedef KR(kad_wide_output) output;

/* --- memory ------------------------------------------------------------------------------ */

/* Cuts off scratch, or, where that is NULL, only counts. */
typedef struct cutter {
    char *at;
    size_t bytes;
} cutter;

static real *cut_rows(cutter *c, int rows)
{
    const size_t n = (size_t)rows * KAD_W;
    c->bytes += kad_cut_bytes(n, sizeof(real));
    return c->at ? kad_cut(&c->at, n, sizeof(real)) : NULL;
}

static void cut_desk(int R, int W, int n_blocks, bool keep, cutter *c, desk_of_net *d)
{
    *d = (desk_of_net){0};
    for (int b = 0; b <= n_blocks; b++)
        d->u[b] = b == 0 || keep ? cut_rows(c, R) : d->u[0];
    for (int b = 0; b < n_blocks; b++) {
        const bool own = b == 0 || keep;
        d->s0[b] = own ? cut_rows(c, R) : d->s0[0];
        d->s1[b] = own ? cut_rows(c, W) : d->s1[0];
        d->s2[b] = own ? cut_rows(c, W) : d->s2[0];
        if (!keep) continue;
        d->d0[b] = cut_rows(c, R);
        d->a1[b] = cut_rows(c, W);
        d->d1[b] = cut_rows(c, W);
        d->a2[b] = cut_rows(c, W);
        d->d2[b] = cut_rows(c, W);
    }
    d->t = cut_rows(c, R);
    if (!keep) return;
    d->du = cut_rows(c, R);
    d->dr = cut_rows(c, R);
    d->dw = cut_rows(c, W);
    d->turned = cut_rows(c, kad_wide_padded(R > W ? R : W));
}

size_t KR(kad_affine_desk_bytes)(int n_rows, int width, int n_blocks, bool keep)
{
    cutter c = {NULL, 0};
    desk_of_net d;
    cut_desk(n_rows, width, n_blocks, keep, &c, &d);
    return c.bytes;
}

void KR(kad_affine_desk_cut)(int n_rows, int width, int n_blocks, bool keep,
                             char **scratch, desk_of_net *d)
{
    cutter c = {*scratch, 0};
    cut_desk(n_rows, width, n_blocks, keep, &c, d);
    *scratch += c.bytes;
}

/* --- weights ------------------------------------------------------------------------------- */

/* Where the packed weights of a block are; before the first the factors of the rows. */
typedef struct packing {
    size_t w1, b1, w2, b2, w3, b3, k0, k1, k2, back1, back2, back3;
    size_t first, block, n;
} packing;

static size_t rounded(size_t n)
{
    return (n + KAD_WIDE_PAD - 1) / KAD_WIDE_PAD * KAD_WIDE_PAD;
}

static packing packing_of(const kad_affine_net *net, bool backwards)
{
    const size_t R = (size_t)net->n_rows, W = (size_t)net->width;
    packing p = {0};
    size_t at = 0;
#define PLACE(member, size) p.member = at, at += rounded(size)
    PLACE(w1, W * R);
    PLACE(b1, W);
    PLACE(w2, W * W);
    PLACE(b2, W);
    PLACE(w3, R * W);
    PLACE(b3, R);
    PLACE(k0, R);
    PLACE(k1, W);
    PLACE(k2, W);
    if (backwards) {
        PLACE(back1, W * R);
        PLACE(back2, W * W);
        PLACE(back3, R * W);
    }
#undef PLACE
    p.block = at;
    p.first = rounded(R);
    p.n = p.first + at * (size_t)net->n_blocks;
    return p;
}

size_t KR(kad_affine_packed)(const kad_affine_net *net, bool backwards)
{
    return packing_of(net, backwards).n;
}

/* w = unit g v/|v|, row by row. */
static void normed(int n_out, int n_in, double unit, const double *v, const double *g,
                   double *w)
{
    for (int o = 0; o < n_out; o++, v += n_in, w += n_in) {
        double norm2 = 0;
        for (int i = 0; i < n_in; i++)
            norm2 += v[i] * v[i];
        const double factor = unit * g[o] / sqrt(norm2);
        for (int i = 0; i < n_in; i++)
            w[i] = factor * v[i];
    }
}

static void pack_matrix(int n_out, int n_in, const double *w, real *packed, real *back)
{
    KR(kad_wide_pack)(n_out, n_in, w, (size_t)n_in, 1, 0, n_in, packed);
    if (back) KR(kad_wide_pack)(n_in, n_out, w, 1, (size_t)n_in, 0, n_out, back);
}

static void copy(int n, double unit, const double *from, real *to)
{
    for (int i = 0; i < n; i++)
        to[i] = (real)(unit * from[i]);
}

void KR(kad_affine_pack)(const kad_affine_net *net, bool backwards, const double *theta,
                         double *work, real *packed)
{
    const int R = net->n_rows, W = net->width;
    const packing p = packing_of(net, backwards);
    double unit = 1; /* u = unit u' */
    copy(R, pow(0.5, 0.5 * net->n_blocks), theta + net->scale, packed);
    packed += p.first;
    for (int b = 0; b < net->n_blocks; b++, theta += net->block, packed += p.block) {
        normed(W, R, unit, theta + net->v1, theta + net->g1, work);
        pack_matrix(W, R, work, packed + p.w1, backwards ? packed + p.back1 : NULL);
        normed(W, W, 1, theta + net->v2, theta + net->g2, work);
        pack_matrix(W, W, work, packed + p.w2, backwards ? packed + p.back2 : NULL);
        normed(R, W, 1 / unit, theta + net->v3, theta + net->g3, work);
        pack_matrix(R, W, work, packed + p.w3, backwards ? packed + p.back3 : NULL);
        copy(W, 1, theta + net->b1, packed + p.b1);
        copy(W, 1, theta + net->b2, packed + p.b2);
        copy(R, 1 / unit, theta + net->b3, packed + p.b3);
        copy(R, unit, theta + net->k0, packed + p.k0);
        copy(W, 1, theta + net->k1, packed + p.k1);
        copy(W, 1, theta + net->k2, packed + p.k2);
        unit *= sqrt(0.5);
    }
}

/* --- forwards -------------------------------------------------------------------------------- */

/* s = x sigmoid(k x) of rows, d = ds/dx where it is not NULL. */
static void swish(int n_rows, const real *x, const real *k, real *s, real *d)
{
    for (int r = 0; r < n_rows; r++) {
        const vreal slope = kad_vset(k[r]);
        for (int v = 0; v < KAD_NV; v++) {
            const int at = r * KAD_W + v * KAD_V;
            const vreal a = *(const vreal *)(x + at);
            const vreal g = kad_vsigmoid(slope * a);
            const vreal y = a * g;
            *(vreal *)(s + at) = y;
            if (d) *(vreal *)(d + at) = g + slope * y * (1 - g);
        }
    }
}

const real *KR(kad_affine_net_up)(const kad_affine_net *net, const real *packed,
                                  bool keep, desk_of_net *d)
{
    const int R = net->n_rows, W = net->width, B = net->n_blocks;
    const packing p = packing_of(net, keep);
    const real *w = packed + p.first;
    swish(R, d->u[0], w + p.k0, d->s0[0], d->d0[0]);
    for (int b = 0; b < B; b++, w += p.block) {
        const bool last = b == B - 1;
        const output first = {.y = d->a1[b],
                              .s = d->s1[b],
                              .d = d->d1[b],
                              .y_rows = W,
                              .s_rows = W,
                              .d_rows = W,
                              .slope = w + p.k1};
        const output second = {.y = d->a2[b],
                               .s = d->s2[b],
                               .d = d->d2[b],
                               .y_rows = W,
                               .s_rows = W,
                               .d_rows = W,
                               .slope = w + p.k2};
        KR(kad_wide_apply)
        (KAD_WIDE_SWISH, W, R, w + p.w1, w + p.b1, 1, d->s0[b], R, &first);
        KR(kad_wide_apply)
        (KAD_WIDE_SWISH, W, W, w + p.w2, w + p.b2, 1, d->s1[b], W, &second);
        /* the next block's swish comes with the sum */
        const output third = {.y = d->u[b + 1],
                              .s = last ? NULL : d->s0[b + 1],
                              .d = last ? NULL : d->d0[b + 1],
                              .y_rows = R,
                              .s_rows = R,
                              .d_rows = R,
                              .old = d->u[b],
                              .slope = last ? NULL : w + p.block + p.k0};
        KR(kad_wide_apply)
        (last ? KAD_WIDE_SUM : KAD_WIDE_RESIDUE, R, W, w + p.w3, w + p.b3, 1, d->s2[b], W,
         &third);
    }
    return d->u[B];
}

/* --- backwards ------------------------------------------------------------------------------- */

enum { LANES = KAD_WIDE_PAD > KAD_V ? KAD_WIDE_PAD : KAD_V }; /* of a number's sums */

/* Sums of a block: matrices with padded rows, then numbers of rows with KAD_V lanes apart. */
typedef struct summing {
    size_t w1, w2, w3, b1, b2, b3, k0, k1, k2;
    size_t first, block, n;
} summing;

static summing summing_of(const kad_affine_net *net)
{
    const size_t R = (size_t)net->n_rows, W = (size_t)net->width, V = LANES;
    summing s = {0};
    size_t at = 0;
#define PLACE(member, size) s.member = at, at += (size)
    PLACE(w1, W * rounded(R));
    PLACE(w2, W * rounded(W));
    PLACE(w3, R * rounded(W));
    PLACE(b1, W * V);
    PLACE(b2, W * V);
    PLACE(b3, R * V);
    PLACE(k0, R * V);
    PLACE(k1, W * V);
    PLACE(k2, W * V);
#undef PLACE
    s.first = R * V;
    s.block = at;
    s.n = s.first + at * (size_t)net->n_blocks;
    return s;
}

size_t KR(kad_affine_sums)(const kad_affine_net *net)
{
    return summing_of(net).n;
}

void KR(kad_affine_scale_sum)(int row, const real *x, const real *y, real *sums)
{
    vreal *sum = (vreal *)(sums + row * LANES);
    for (int v = 0; v < KAD_NV; v++)
        *sum += ((const vreal *)x)[v] * ((const vreal *)y)[v];
}

static void add_rows(int n_rows, const real *x, real *sums)
{
    for (int r = 0; r < n_rows; r++) {
        vreal *sum = (vreal *)(sums + r * LANES);
        for (int v = 0; v < KAD_NV; v++)
            *sum += ((const vreal *)(x + r * KAD_W))[v];
    }
}

/* From ds: da = ds d in its place; that of the slopes, ds/dk = a^2 g (1 - g) = s (a - s),
 * and that of the biases, are added to sums. */
static void swish_down(int n_rows, real *ds, const real *a, const real *s, const real *d,
                       real *slopes, real *biases)
{
    for (int r = 0; r < n_rows; r++) {
        vreal slope = *(vreal *)(slopes + r * LANES), bias = {0};
        for (int v = 0; v < KAD_NV; v++) {
            const int at = r * KAD_W + v * KAD_V;
            const vreal up = *(vreal *)(ds + at), y = *(const vreal *)(s + at);
            const vreal da = up * *(const vreal *)(d + at);
            slope += up * y * (*(const vreal *)(a + at) - y);
            bias += da;
            *(vreal *)(ds + at) = da;
        }
        *(vreal *)(slopes + r * LANES) = slope;
        if (biases) *(vreal *)(biases + r * LANES) += bias;
    }
}

/* dW += dy x^T over the panel. */
static void matrix_sum(int n_out, int n_in, const real *dy, const real *x, real *turned,
                       real *sums)
{
    const size_t stride = (size_t)kad_wide_padded(n_in);
    KR(kad_wide_turn)(n_in, 1, x, n_in, turned);
    KR(kad_wide_product)
    (n_out, KAD_W, n_in, dy, KAD_W, 1, turned, stride, true, sums, stride);
}

static void back(int n_out, int n_in, const real *packed, const real *dy, real *dx)
{
    const output out = {.y = dx, .y_rows = n_in};
    KR(kad_wide_apply)(KAD_WIDE_PLAIN, n_in, n_out, packed, NULL, 1, dy, n_out, &out);
}

void KR(kad_affine_net_down)(const kad_affine_net *net, const real *packed,
                             desk_of_net *d, real *sums)
{
    const int R = net->n_rows, W = net->width;
    const packing p = packing_of(net, true);
    const summing m = summing_of(net);
    for (int b = net->n_blocks - 1; b >= 0; b--) {
        const real *w = packed + p.first + (size_t)b * p.block;
        real *to = sums + m.first + (size_t)b * m.block;
        matrix_sum(R, W, d->du, d->s2[b], d->turned, to + m.w3);
        add_rows(R, d->du, to + m.b3);
        back(R, W, w + p.back3, d->du, d->dw);
        swish_down(W, d->dw, d->a2[b], d->s2[b], d->d2[b], to + m.k2, to + m.b2);
        matrix_sum(W, W, d->dw, d->s1[b], d->turned, to + m.w2);
        /* a2 has done its duty */
        back(W, W, w + p.back2, d->dw, d->a2[b]);
        swish_down(W, d->a2[b], d->a1[b], d->s1[b], d->d1[b], to + m.k1, to + m.b1);
        matrix_sum(W, R, d->a2[b], d->s0[b], d->turned, to + m.w1);
        back(W, R, w + p.back1, d->a2[b], d->dr);
        swish_down(R, d->dr, d->u[b], d->s0[b], d->d0[b], to + m.k0, NULL);
        for (int i = 0; i < R * KAD_W; i += KAD_V)
            *(vreal *)(d->du + i) += *(vreal *)(d->dr + i);
    }
}

/* --- gradients by theta ----------------------------------------------------------------------- */

/* w = unit g v/|v|: dg = unit dw.v/|v|, dv = unit g/|v| (dw - v (dw.v)/|v|^2). */
static void unpack_matrix(int n_out, int n_in, double unit, const double *v,
                          const double *g, const real *sums, double *dv, double *dg)
{
    const size_t stride = (size_t)kad_wide_padded(n_in);
    for (int o = 0; o < n_out; o++, v += n_in, dv += n_in, sums += stride) {
        double norm2 = 0, dot = 0;
        for (int i = 0; i < n_in; i++) {
            norm2 += v[i] * v[i];
            dot += v[i] * (double)sums[i];
        }
        const double norm = sqrt(norm2), factor = unit * g[o] / norm;
        dg[o] = unit * dot / norm;
        for (int i = 0; i < n_in; i++)
            dv[i] = factor * ((double)sums[i] - v[i] * dot / norm2);
    }
}

static void unpack_numbers(int n, double unit, const real *sums, double *to)
{
    for (int i = 0; i < n; i++)
        to[i] = unit * (double)kad_vsum(*(const vreal *)(sums + i * LANES));
}

void KR(kad_affine_unpack)(const kad_affine_net *net, const double *theta,
                           const real *sums, double *gradient)
{
    const int R = net->n_rows, W = net->width;
    const summing m = summing_of(net);
    double unit = 1;
    unpack_numbers(R, pow(0.5, 0.5 * net->n_blocks), sums, gradient + net->scale);
    sums += m.first;
    for (int b = 0; b < net->n_blocks;
         b++, theta += net->block, gradient += net->block, sums += m.block) {
        unpack_matrix(W, R, unit, theta + net->v1, theta + net->g1, sums + m.w1,
                      gradient + net->v1, gradient + net->g1);
        unpack_matrix(W, W, 1, theta + net->v2, theta + net->g2, sums + m.w2,
                      gradient + net->v2, gradient + net->g2);
        unpack_matrix(R, W, 1 / unit, theta + net->v3, theta + net->g3, sums + m.w3,
                      gradient + net->v3, gradient + net->g3);
        unpack_numbers(W, 1, sums + m.b1, gradient + net->b1);
        unpack_numbers(W, 1, sums + m.b2, gradient + net->b2);
        unpack_numbers(R, 1 / unit, sums + m.b3, gradient + net->b3);
        unpack_numbers(R, unit, sums + m.k0, gradient + net->k0);
        unpack_numbers(W, 1, sums + m.k1, gradient + net->k1);
        unpack_numbers(W, 1, sums + m.k2, gradient + net->k2);
        unit *= sqrt(0.5);
    }
}

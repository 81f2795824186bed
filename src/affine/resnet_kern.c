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

/* Columns of W1 that passes before this one read. */
static size_t seen_before(const kad_affine_net *net, int pass)
{
    return pass ? (size_t)net->pass[0].n_seen : 0;
}

static size_t moved_before(const kad_affine_net *net, int pass)
{
    return pass ? (size_t)net->pass[0].n_moved : 0;
}

/* Where packed weights are: the factors of the rows, blocks, and, where gradients are asked
 * for, the transposes of each block's matrices behind all blocks. */
typedef struct packing {
    size_t w1, b1, w2, b2, w3, b3, k0, k1, k2, block;
    size_t back1, back2, back3, back_block;
    size_t first, first_back, n;
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
    p.block = at;
    at = 0;
    PLACE(back1, W * R);
    PLACE(back2, W * W);
    PLACE(back3, R * W);
    p.back_block = at;
#undef PLACE
    p.first = rounded(R);
    p.first_back = p.first + p.block * (size_t)net->n_blocks;
    p.n = p.first_back + (backwards ? p.back_block * (size_t)net->n_blocks : 0);
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

/* The first block's W1 and the last one's W3, pass by pass: of what is seen, or moved. */
static void pack_first(const kad_affine_net *net, const double *w, real *packed,
                       real *back)
{
    const int W = net->width;
    for (int k = 0; k < 2; k++) {
        const size_t at = seen_before(net, k) * (size_t)W, R = (size_t)net->n_rows;
        const int n = net->pass[k].n_seen;
        const double *from = w + net->pass[k].seen;
        KR(kad_wide_pack)(W, n, from, R, 1, 0, n, packed + at);
        if (back) KR(kad_wide_pack)(n, W, from, 1, R, 0, W, back + at);
    }
}

static void pack_last(const kad_affine_net *net, const double *w, real *packed,
                      real *back)
{
    const size_t W = (size_t)net->width;
    for (int k = 0; k < 2; k++)
        pack_matrix(net->pass[k].n_moved, net->width, w + (size_t)net->pass[k].moved * W,
                    packed + moved_before(net, k) * W,
                    back ? back + moved_before(net, k) * W : NULL);
}

void KR(kad_affine_pack)(const kad_affine_net *net, bool backwards, const double *theta,
                         double *work, real *packed)
{
    const int R = net->n_rows, W = net->width;
    const packing p = packing_of(net, backwards);
    double unit = 1; /* u = unit u' */
    copy(R, pow(0.5, 0.5 * net->n_blocks), theta + net->scale, packed);
    real *back = backwards ? packed + p.first_back : NULL;
    packed += p.first;
    for (int b = 0; b < net->n_blocks; b++, theta += net->block, packed += p.block) {
        normed(W, R, unit, theta + net->v1, theta + net->g1, work);
        if (b == 0)
            pack_first(net, work, packed + p.w1, back ? back + p.back1 : NULL);
        else
            pack_matrix(W, R, work, packed + p.w1, back ? back + p.back1 : NULL);
        normed(W, W, 1, theta + net->v2, theta + net->g2, work);
        pack_matrix(W, W, work, packed + p.w2, back ? back + p.back2 : NULL);
        normed(R, W, 1 / unit, theta + net->v3, theta + net->g3, work);
        if (b == net->n_blocks - 1)
            pack_last(net, work, packed + p.w3, back ? back + p.back3 : NULL);
        else
            pack_matrix(R, W, work, packed + p.w3, back ? back + p.back3 : NULL);
        copy(W, 1, theta + net->b1, packed + p.b1);
        copy(W, 1, theta + net->b2, packed + p.b2);
        copy(R, 1 / unit, theta + net->b3, packed + p.b3);
        copy(R, unit, theta + net->k0, packed + p.k0);
        copy(W, 1, theta + net->k1, packed + p.k1);
        copy(W, 1, theta + net->k2, packed + p.k2);
        if (back) back += p.back_block;
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

const real *KR(kad_affine_net_up)(const kad_affine_net *net, int pass, const real *packed,
                                  desk_of_net *d)
{
    const int R = net->n_rows, W = net->width, B = net->n_blocks;
    const int seen = net->pass[pass].seen, n_seen = net->pass[pass].n_seen,
              moved = net->pass[pass].moved, n_moved = net->pass[pass].n_moved;
    const packing p = packing_of(net, false);
    const real *w = packed + p.first;
    const ptrdiff_t first_row = (ptrdiff_t)seen * KAD_W;
    swish(n_seen, d->u[0] + first_row, w + p.k0 + seen, d->s0[0] + first_row,
          d->d0[0] ? d->d0[0] + first_row : NULL);
    for (int b = 0; b < B; b++, w += p.block) {
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
        (KAD_WIDE_SWISH, W, b ? R : n_seen,
         w + p.w1 + (b ? 0 : seen_before(net, pass) * (size_t)W), w + p.b1, 1,
         d->s0[b] + (b ? 0 : first_row), R, &first);
        KR(kad_wide_apply)
        (KAD_WIDE_SWISH, W, W, w + p.w2, w + p.b2, 1, d->s1[b], W, &second);
        if (b == B - 1) break;
        /* the next block's swish comes with the sum */
        const output third = {.y = d->u[b + 1],
                              .s = d->s0[b + 1],
                              .d = d->d0[b + 1],
                              .y_rows = R,
                              .s_rows = R,
                              .d_rows = R,
                              .old = d->u[b],
                              .slope = w + p.block + p.k0};
        KR(kad_wide_apply)
        (KAD_WIDE_RESIDUE, R, W, w + p.w3, w + p.b3, 1, d->s2[b], W, &third);
    }
    const output last = {.y = d->u[B] + (ptrdiff_t)moved * KAD_W,
                         .y_rows = R,
                         .old = d->u[B - 1] + (ptrdiff_t)moved * KAD_W};
    KR(kad_wide_apply)
    (KAD_WIDE_SUM, n_moved, W, w + p.w3 + moved_before(net, pass) * (size_t)W,
     w + p.b3 + moved, 1, d->s2[B - 1], W, &last);
    return d->u[B];
}

/* --- backwards ------------------------------------------------------------------------------- */

enum { LANES = KAD_WIDE_PAD > KAD_V ? KAD_WIDE_PAD : KAD_V }; /* of a number's sums */

/* Sums of a block: matrices with padded rows, of the first W1 those of the passes apart, then numbers of rows with KAD_V lanes apart. */
typedef struct summing {
    size_t w1, w2, w3, b1, b2, b3, k0, k1, k2;
    size_t first, block, n;
} summing;

static size_t first_stride(const kad_affine_net *net)
{
    const size_t passes = rounded((size_t)net->pass[0].n_seen) +
                          rounded((size_t)net->pass[1].n_seen),
                 all = rounded((size_t)net->n_rows);
    return passes > all ? passes : all;
}

static summing summing_of(const kad_affine_net *net)
{
    const size_t R = (size_t)net->n_rows, W = (size_t)net->width, V = LANES;
    summing s = {0};
    size_t at = 0;
#define PLACE(member, size) s.member = at, at += (size)
    PLACE(w1, W * first_stride(net));
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

/* A place in sums, which may be NULL. */
static real *within(real *sums, size_t at)
{
    return sums ? sums + at : NULL;
}

void KR(kad_affine_scale_sum)(int row, const real *x, const real *y, real *sums)
{
    if (!sums) return;
    vreal *sum = (vreal *)(sums + row * LANES);
    for (int v = 0; v < KAD_NV; v++)
        *sum += ((const vreal *)x)[v] * ((const vreal *)y)[v];
}

static void add_rows(int n_rows, const real *x, real *sums)
{
    for (int r = 0; sums && r < n_rows; r++) {
        vreal *sum = (vreal *)(sums + r * LANES);
        for (int v = 0; v < KAD_NV; v++)
            *sum += ((const vreal *)(x + r * KAD_W))[v];
    }
}

/* From ds: da = ds d in its place. With slopes, their gradient, ds/dk = a^2 g (1 - g) =
 * s (a - s), is added to sums, and that of the biases. */
static void swish_down(int n_rows, real *ds, const real *a, const real *s, const real *d,
                       real *slopes, real *biases)
{
    for (int i = 0; !slopes && i < n_rows * KAD_W; i += KAD_V)
        *(vreal *)(ds + i) *= *(const vreal *)(d + i);
    for (int r = 0; slopes && r < n_rows; r++) {
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
    if (!sums) return;
    KR(kad_wide_turn)(n_in, 1, x, n_in, turned);
    KR(kad_wide_product)
    (n_out, KAD_W, n_in, dy, KAD_W, 1, turned, stride, true, sums, stride);
}

static void back(int n_out, int n_in, const real *packed, const real *dy, real *dx)
{
    const output out = {.y = dx, .y_rows = n_in};
    KR(kad_wide_apply)(KAD_WIDE_PLAIN, n_in, n_out, packed, NULL, 1, dy, n_out, &out);
}

/* Back through W3, to d->dw: of the last block only rows that move have a gradient. */
static void third_down(const kad_affine_net *net, int pass, int b, const real *back3,
                       desk_of_net *d, real *w3, real *b3)
{
    const int W = net->width;
    const bool last = b == net->n_blocks - 1;
    const int row = last ? net->pass[pass].moved : 0,
              n = last ? net->pass[pass].n_moved : net->n_rows;
    real *du = d->du + (ptrdiff_t)row * KAD_W;
    if (last) back3 += moved_before(net, pass) * (size_t)W;
    matrix_sum(n, W, du, d->s2[b], d->turned,
               within(w3, (size_t)row * (size_t)kad_wide_padded(W)));
    add_rows(n, du, within(b3, (size_t)row * LANES));
    back(n, W, back3, du, d->dw);
}

/* Back through W1, from `da`: of the first block only rows that are seen go on. */
static void first_down(const kad_affine_net *net, int pass, int b, const real *back1,
                       const real *da, desk_of_net *d, real *w1, real *k0)
{
    const int W = net->width;
    const int row = b == 0 ? net->pass[pass].seen : 0,
              n = b == 0 ? net->pass[pass].n_seen : net->n_rows;
    const ptrdiff_t at = (ptrdiff_t)row * KAD_W;
    if (b == 0) {
        back1 += seen_before(net, pass) * (size_t)W;
        w1 = within(w1, rounded(seen_before(net, pass)) * (size_t)W);
    }
    matrix_sum(W, n, da, d->s0[b] + at, d->turned, w1);
    back(W, n, back1, da, d->dr + at);
    swish_down(n, d->dr + at, d->u[b] + at, d->s0[b] + at, d->d0[b] + at,
               within(k0, (size_t)row * LANES), NULL);
    for (int i = 0; i < n * KAD_W; i += KAD_V)
        *(vreal *)(d->du + at + i) += *(vreal *)(d->dr + at + i);
}

void KR(kad_affine_net_down)(const kad_affine_net *net, int pass, const real *packed,
                             desk_of_net *d, real *sums)
{
    const int W = net->width;
    const packing p = packing_of(net, true);
    const summing m = summing_of(net);
    for (int b = net->n_blocks - 1; b >= 0; b--) {
        const real *w = packed + p.first_back + (size_t)b * p.back_block;
        real *da = d->a2[b]; /* which has done its duty by then */
        real *to = within(sums, m.first + (size_t)b * m.block);
        third_down(net, pass, b, w + p.back3, d, within(to, m.w3), within(to, m.b3));
        swish_down(W, d->dw, d->a2[b], d->s2[b], d->d2[b], within(to, m.k2),
                   within(to, m.b2));
        matrix_sum(W, W, d->dw, d->s1[b], d->turned, within(to, m.w2));
        back(W, W, w + p.back2, d->dw, da);
        swish_down(W, da, d->a1[b], d->s1[b], d->d1[b], within(to, m.k1),
                   within(to, m.b1));
        first_down(net, pass, b, w + p.back1, da, d, within(to, m.w1), within(to, m.k0));
    }
}

/* --- gradients by theta ----------------------------------------------------------------------- */

/* w = unit g v/|v|: dg = unit dw.v/|v|, dv = unit g/|v| (dw - v (dw.v)/|v|^2), where dw stood. */
static void norm_down(int n_out, int n_in, double unit, const double *v, const double *g,
                      double *dv, double *dg)
{
    for (int o = 0; o < n_out; o++, v += n_in, dv += n_in) {
        double norm2 = 0, dot = 0;
        for (int i = 0; i < n_in; i++) {
            norm2 += v[i] * v[i];
            dot += v[i] * dv[i];
        }
        const double norm = sqrt(norm2), factor = unit * g[o] / norm;
        dg[o] = unit * dot / norm;
        for (int i = 0; i < n_in; i++)
            dv[i] = factor * (dv[i] - v[i] * dot / norm2);
    }
}

/* to [n_out][n_in], n_all of a row, from padded rows of sums. */
static void widen(int n_out, int n_in, const real *sums, double *to, int n_all)
{
    const size_t stride = (size_t)kad_wide_padded(n_in);
    for (int o = 0; o < n_out; o++, to += n_all, sums += stride)
        for (int i = 0; i < n_in; i++)
            to[i] = (double)sums[i];
}

/* The first block's W1 is by passes; what none sees has no gradient. */
static void widen_first(const kad_affine_net *net, const real *sums, double *to)
{
    const size_t W = (size_t)net->width;
    for (size_t i = 0; i < W * (size_t)net->n_rows; i++)
        to[i] = 0;
    for (int k = 0; k < 2; k++)
        widen(net->width, net->pass[k].n_seen, sums + rounded(seen_before(net, k)) * W,
              to + net->pass[k].seen, net->n_rows);
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
        if (b == 0)
            widen_first(net, sums + m.w1, gradient + net->v1);
        else
            widen(W, R, sums + m.w1, gradient + net->v1, R);
        widen(W, W, sums + m.w2, gradient + net->v2, W);
        widen(R, W, sums + m.w3, gradient + net->v3, W);
        norm_down(W, R, unit, theta + net->v1, theta + net->g1, gradient + net->v1,
                  gradient + net->g1);
        norm_down(W, W, 1, theta + net->v2, theta + net->g2, gradient + net->v2,
                  gradient + net->g2);
        norm_down(R, W, 1 / unit, theta + net->v3, theta + net->g3, gradient + net->v3,
                  gradient + net->g3);
        unpack_numbers(W, 1, sums + m.b1, gradient + net->b1);
        unpack_numbers(W, 1, sums + m.b2, gradient + net->b2);
        unpack_numbers(R, 1 / unit, sums + m.b3, gradient + net->b3);
        unpack_numbers(R, unit, sums + m.k0, gradient + net->k0);
        unpack_numbers(W, 1, sums + m.k1, gradient + net->k1);
        unpack_numbers(W, 1, sums + m.k2, gradient + net->k2);
        unit *= sqrt(0.5);
    }
}

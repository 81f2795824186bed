/* Nets backwards. */
#include "pixel/density_kern.h"
#include "pixel/net_kern.h"

#include <string.h>

typedef KR(kad_pixel_tile) tile;
typedef KR(kad_wide_output) output;

typedef struct backward {
    const kad_pixel_map *map;
    const kad_pixel_group *g;
    const real *packed;
    net_packed p;
    tile *t;
    double *gradient;
} backward;

/* to [n_out][n_in] <- the padded sums. */
static void keep_sums(const backward *b, int n_out, int n_in, double *to)
{
    const size_t stride = (size_t)kad_wide_padded(n_in);
    for (size_t o = 0; o < (size_t)n_out; o++)
        for (size_t i = 0; i < (size_t)n_in; i++)
            *to++ = (double)b->t->sums[o * stride + i];
}

/* Gradient of a matrix, from its output's dy and its turned input. */
static void matrix(const backward *b, int n_out, int n_in, const real *dy, int dy_rows,
                   const real *xt, size_t xt_stride, size_t to)
{
    KR(kad_wide_outer)
    (n_out, n_in, b->t->n_panels, dy, dy_rows, xt, xt_stride, b->t->sums);
    keep_sums(b, n_out, n_in, b->gradient + to);
}

/* Of a trunk, block or head. */
static void net_matrix(const backward *b, int n_out, int n_in, const real *dy,
                       int dy_rows, const real *xt, size_t xt_stride, size_t to)
{
#if KAD_PREC == 32
    if (net_rounds(b->map)) {
        kad_bfloat_outer(n_out, n_in, b->t->n_panels, dy, dy_rows, xt, xt_stride,
                         b->t->sums, b->t->rounded);
        keep_sums(b, n_out, n_in, b->gradient + to);
        return;
    }
#endif
    matrix(b, n_out, n_in, dy, dy_rows, xt, xt_stride, to);
}

static void bias(const backward *b, int n, const real *dy, int dy_rows, size_t to)
{
    KR(kad_wide_sums)(n, b->t->n_panels, dy, dy_rows, b->t->sums);
    for (int i = 0; i < n; i++)
        b->gradient[to + (size_t)i] = (double)b->t->sums[i];
}

/* Sum over columns of a row of x times a row of y. */
static double dot(const backward *b, const real *x, int x_rows, const real *y, int y_rows)
{
    vreal sum = {0};
    for (int p = 0; p < b->t->n_panels; p++)
        for (int v = 0; v < KAD_NV; v++)
            sum += ((const vreal *)(x + (size_t)(p * x_rows) * KAD_W))[v] *
                   ((const vreal *)(y + (size_t)(p * y_rows) * KAD_W))[v];
    return (double)kad_vsum(sum);
}

/* Of the multiples of the tint, from those of the means; rows at vector l of panel p. */
static void gain_back(const backward *b, int c, int p, int l, real *rows)
{
    const int K = b->map->options.components;
    const vreal tint =
        *(const vreal *)(KR(kad_pixel_tint_row)(b->map, b->g, c, p, b->t) + l);
    for (int k = 0; k < K; k++)
        *(vreal *)(rows + (3 * K + k) * KAD_W) =
            tint * *(const vreal *)(rows + (K + k) * KAD_W);
}

/* out and skip become the gradients of scale times -ln P by them; loss is its sum. */
static double density(const backward *b, int c, int n, double scale)
{
    const kad_pixel_map *map = b->map;
    const int C = map->n_channels, K = map->options.components, N = kad_pixel_n_out(map);
    double loss = 0;
    real ln[KAD_V] __attribute__((aligned(64)));
    for (int i = 0; i < b->t->n_panels * KAD_W; i += KAD_V) {
        const int p = i / KAD_W, l = i % KAD_W;
        real *rows = b->t->out + (size_t)((p * C + c) * N) * KAD_W + l;
        vreal *skip = (vreal *)(b->t->skip + (size_t)(p * C + c) * KAD_W + l);
        const vreal level = *(vreal *)(b->t->level + (size_t)(p * C + c) * KAD_W + l);
        vreal up = kad_vset((real)-scale);
        for (int j = 0; j < KAD_V; j++)
            if (i + j >= n) up[j] = 0;
        *(vreal *)ln = density_ln(K, true, rows, *skip, level, up, skip);
        if (map->options.tint) gain_back(b, c, p, l, rows);
        for (int j = 0; j < KAD_V && i + j < n; j++)
            loss -= (double)ln[j];
    }
    return loss;
}

static void channel_back(const backward *b, int c)
{
    const kad_pixel_map *map = b->map;
    const kad_pixel_layout *l = &b->g->layout;
    tile *t = b->t;
    const int C = map->n_channels, N = kad_pixel_n_out(map), H = map->options.hidden,
              G = H / 2, S = kad_pixel_seen_rows(map), n_seen = kad_pixel_n_seen(map, c),
              n = t->n_panels;
    const real *dout = t->out + (size_t)(N * c) * KAD_W;
    const real *dskip = t->skip + (size_t)c * KAD_W;
    const real *e = t->e + (size_t)(c * G) * KAD_W;
    const real *seen = t->s[map->options.blocks] + (size_t)H * KAD_W;
    real *dq = t->dq + (size_t)(c * G) * KAD_W;
    KR(kad_wide_turn)(G, n, e, C * G, t->turned);
    matrix(b, N, G, dout, N * C, t->turned, (size_t)kad_wide_padded(G),
           l->channel[c].out);
    bias(b, N, dout, N * C, l->channel[c].out_bias);
    const output to = {
        .y = dq, .d = t->de + (size_t)(c * G) * KAD_W, .y_rows = C * G, .d_rows = C * G};
    KR(kad_wide_apply)
    (KAD_WIDE_ADJOINT, G, N, b->packed + b->p.channel[c].out_back, NULL, n, dout, N * C,
     &to);
    bias(b, G, dq, C * G, l->channel[c].head_bias);
    for (int o = 0; o < G; o++)
        for (int j = 0; j < n_seen; j++)
            b->gradient[l->channel[c].seen + (size_t)(o * n_seen + j)] =
                dot(b, dq + o * KAD_W, C * G, seen + j * KAD_W, S);
    for (int j = 0; j < n_seen; j++)
        b->gradient[l->channel[c].seen_skip + (size_t)j] =
            dot(b, dskip, C, seen + j * KAD_W, S);
}

static void block_back(const backward *b, int r)
{
    const kad_pixel_layout *l = &b->g->layout;
    tile *t = b->t;
    const int H = b->map->options.hidden, S = kad_pixel_seen_rows(b->map),
              n = t->n_panels;
    const size_t stride = (size_t)kad_wide_padded(H);
    KR(kad_wide_turn)(H, n, t->u[r], H, t->turned);
    net_matrix(b, H, H, t->dh, H, t->turned, stride, l->block[r].outer);
    bias(b, H, t->dh, H, l->block[r].outer_bias);
    const output inner = {.y = t->dt, .d = t->du[r], .y_rows = H, .d_rows = H};
    net_apply(b->map, KAD_WIDE_ADJOINT, H, H, b->packed + b->p.block[r].outer_back, NULL,
              t, t->dh, H, &inner);
    KR(kad_wide_turn)(H, n, t->s[r], S, t->turned);
    net_matrix(b, H, H, t->dt, H, t->turned, stride, l->block[r].inner);
    bias(b, H, t->dt, H, l->block[r].inner_bias);
    const output h = {.y = t->dh, .d = t->d[r], .y_rows = H, .d_rows = H};
    net_apply(b->map, KAD_WIDE_ADJOINT_ADD, H, H, b->packed + b->p.block[r].inner_back,
              NULL, t, t->dt, H, &h);
}

void KR(kad_pixel_gradient)(const kad_pixel_map *map, const kad_pixel_group *g,
                            const real *packed, int n, double scale, tile *t,
                            double *loss, double *gradient)
{
    const int C = map->n_channels, H = map->options.hidden, G = H / 2, F = g->n_features,
              S = kad_pixel_seen_rows(map), R = map->options.blocks;
    const backward b = {.map = map,
                        .g = g,
                        .packed = packed,
                        .p = KR(kad_pixel_packed_layout)(map, g, true),
                        .t = t,
                        .gradient = gradient};
    const size_t stride = (size_t)kad_wide_padded(F);
    KR(kad_pixel_trunk)(map, g, true, packed, t);
    for (int c = 0; c < C; c++) {
        KR(kad_pixel_head)(map, g, c, true, packed, t);
        KR(kad_pixel_see)(map, g, c, t);
        loss[c] = density(&b, c, n, scale);
    }
    for (int c = 0; c < C; c++)
        channel_back(&b, c);
    KR(kad_wide_turn)(H, t->n_panels, t->s[R], S, t->turned);
    net_matrix(&b, C * G, H, t->dq, C * G, t->turned, (size_t)kad_wide_padded(H),
               g->layout.head);
    const output to = {.y = t->dh, .d = t->d[R], .y_rows = H, .d_rows = H};
    net_apply(map, KAD_WIDE_ADJOINT, H, C * G, packed + b.p.heads_back, NULL, t, t->dq,
              C * G, &to);
    for (int r = R - 1; r >= 0; r--)
        block_back(&b, r);
    net_matrix(&b, H, F, t->dh, H, t->xt, stride, g->layout.trunk);
    matrix(&b, C, F, t->skip, C, t->xt, stride, g->layout.skip);
}

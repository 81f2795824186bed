/* Nets forwards: contexts, packed weights, trunk and heads. */
#include "pixel/net_kern.h"

#include "base/vmath.h"

#include <string.h>

typedef KR(kad_pixel_tile) tile;
typedef KR(kad_wide_output) output;

/* --- tiles ----------------------------------------------------------------------------- */

static int most_features(const kad_pixel_map *map)
{
    int most = 1;
    for (int i = 0; i < map->n_groups; i++)
        if (map->group[i].n_features > most) most = map->group[i].n_features;
    return most;
}

typedef struct cutter {
    char *at; /* NULL: count only */
    size_t bytes;
    int n_panels;
} cutter;

static real *cut(cutter *c, size_t n)
{
    real *x = c->at ? (real *)(void *)(c->at + c->bytes) : NULL;
    c->bytes += kad_cut_bytes(n, sizeof(real));
    return x;
}

static real *cut_rows(cutter *c, int rows)
{
    return cut(c, (size_t)rows * (size_t)c->n_panels * KAD_W);
}

/* Numbers of the largest factors that are rounded, those of outer products too. */
static size_t rounded_size(const kad_pixel_map *map, int F, bool backwards)
{
    const int H = map->options.hidden, S = kad_pixel_seen_rows(map),
              G = H / 2 * map->n_channels, in = F > S ? F : S, out = G > H ? G : H;
    if (!net_rounds(map)) return 0;
    const size_t apply = kad_bfloat_apply_bytes(in > out ? in : out),
                 outer = backwards ? kad_bfloat_outer_bytes(out, in) : 0;
    return (apply > outer ? apply : outer) / sizeof(real);
}

static void cut_tile(const kad_pixel_map *map, bool backwards, cutter *c, tile *t)
{
    const int C = map->n_channels, N = kad_pixel_n_out(map), H = map->options.hidden;
    const int F = most_features(map), S = kad_pixel_seen_rows(map),
              R = map->options.blocks;
    *t = (tile){.n_panels = c->n_panels};
    t->xt = cut_rows(c, kad_wide_padded(F));
    t->x = cut_rows(c, F);
    t->level = cut_rows(c, C);
    t->skip = cut_rows(c, C);
    t->out = cut_rows(c, N * C);
    t->h = cut_rows(c, H);
    t->e = cut_rows(c, H / 2 * C);
    t->rounded = cut(c, rounded_size(map, F, backwards));
    /* forwards alone the blocks share their memory */
    for (int r = 0; r <= R; r++)
        t->s[r] = r == 0 || backwards ? cut_rows(c, S) : t->s[0];
    for (int r = 0; r < R; r++)
        t->u[r] = r == 0 || backwards ? cut_rows(c, H) : t->u[0];
    if (!backwards) return;
    for (int r = 0; r <= R; r++)
        t->d[r] = cut_rows(c, H);
    for (int r = 0; r < R; r++)
        t->du[r] = cut_rows(c, H);
    t->de = cut_rows(c, H / 2 * C);
    t->dq = cut_rows(c, H / 2 * C);
    t->dh = cut_rows(c, H);
    t->dt = cut_rows(c, H);
    t->turned = cut_rows(c, kad_wide_padded(S));
    const int widest = kad_wide_padded(F > S ? F : S), heads = H / 2 * C;
    const int most = H > heads ? H : heads, rows = most > N ? most : N;
    t->sums = cut(c, (size_t)widest * (size_t)kad_wide_padded(rows));
}

size_t KR(kad_pixel_tile_bytes)(const kad_pixel_map *map, int n_panels, bool backwards)
{
    cutter c = {.n_panels = n_panels};
    tile t;
    cut_tile(map, backwards, &c, &t);
    return c.bytes;
}

void KR(kad_pixel_tile_cut)(const kad_pixel_map *map, int n_panels, bool backwards,
                            char **scratch, tile *t)
{
    cutter c = {.at = *scratch, .n_panels = n_panels};
    cut_tile(map, backwards, &c, t);
    *scratch += c.bytes;
}

/* --- weights ---------------------------------------------------------------------------- */

/* Reals that a matrix takes of the packed weights. */
static size_t matrix_size(const kad_pixel_map *map, size_t n_out, size_t n_in)
{
    return net_rounds(map) ? kad_bfloat_packed((int)n_out, (int)n_in) / 2 : n_out * n_in;
}

net_packed KR(kad_pixel_packed_layout)(const kad_pixel_map *map, const kad_pixel_group *g,
                                       bool backwards)
{
    const size_t C = (size_t)map->n_channels, N = (size_t)kad_pixel_n_out(map),
                 H = (size_t)map->options.hidden, G = H / 2, F = (size_t)g->n_features;
    net_packed p = {0};
    size_t at = 0;
#define PLACE(member, size) p.member = at, at += (size_t)(size)
    PLACE(trunk, matrix_size(map, H, F));
    PLACE(skip, C * F);
    for (int r = 0; r < map->options.blocks; r++) {
        PLACE(block[r].inner, matrix_size(map, H, H));
        PLACE(block[r].inner_bias, H);
        PLACE(block[r].outer, matrix_size(map, H, H));
        PLACE(block[r].outer_bias, H);
    }
    for (size_t c = 0; c < C; c++) {
        const size_t n_seen = (size_t)kad_pixel_n_seen(map, (int)c);
        PLACE(channel[c].head, matrix_size(map, G, H + n_seen));
        PLACE(channel[c].head_bias, G);
        PLACE(channel[c].out, N * G);
        PLACE(channel[c].out_bias, N);
        PLACE(channel[c].seen_skip, n_seen);
    }
    if (backwards) {
        PLACE(heads_back, matrix_size(map, H, C * G));
        for (size_t c = 0; c < C; c++)
            PLACE(channel[c].out_back, N * G);
        for (int r = 0; r < map->options.blocks; r++) {
            PLACE(block[r].inner_back, matrix_size(map, H, H));
            PLACE(block[r].outer_back, matrix_size(map, H, H));
        }
    }
#undef PLACE
    p.n = at;
    return p;
}

size_t KR(kad_pixel_packed)(const kad_pixel_map *map, const kad_pixel_group *g,
                            bool backwards)
{
    return KR(kad_pixel_packed_layout)(map, g, backwards).n;
}

/* kad_wide_pack; `rounds`: to bfloat16. */
static void pack_part(bool rounds, int n_out, int n_in, const double *w, size_t so,
                      size_t si, int first, int n_total, real *packed)
{
#if KAD_PREC == 32
    if (rounds) {
        kad_bfloat_pack(n_out, n_in, w, so, si, first, n_total, (kad_bfloat *)packed);
        return;
    }
#endif
    (void)rounds;
    KR(kad_wide_pack)(n_out, n_in, w, so, si, first, n_total, packed);
}

/* W [n_out][n_in]. */
static void pack_matrix(bool rounds, int n_out, int n_in, const double *w, real *packed)
{
    pack_part(rounds, n_out, n_in, w, (size_t)n_in, 1, 0, n_in, packed);
}

static void pack_transpose(bool rounds, int n_out, int n_in, const double *w,
                           real *packed)
{
    pack_part(rounds, n_in, n_out, w, 1, (size_t)n_in, 0, n_out, packed);
}

static void copy(size_t n, const double *from, real *to)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (real)from[i];
}

void KR(kad_pixel_pack)(const kad_pixel_map *map, const kad_pixel_group *g,
                        bool backwards, const double *theta, real *packed)
{
    const int C = map->n_channels, N = kad_pixel_n_out(map), H = map->options.hidden,
              G = H / 2, F = g->n_features;
    const net_packed p = KR(kad_pixel_packed_layout)(map, g, backwards);
    const kad_pixel_layout *l = &g->layout;
    const bool rounds = net_rounds(map);                 /* trunk, blocks, heads */
    if (rounds) memset(packed, 0, p.n * sizeof *packed); /* what pads blocks */
    pack_matrix(rounds, H, F, theta + l->trunk, packed + p.trunk);
    pack_matrix(false, C, F, theta + l->skip, packed + p.skip);
    for (int r = 0; r < map->options.blocks; r++) {
        pack_matrix(rounds, H, H, theta + l->block[r].inner, packed + p.block[r].inner);
        pack_matrix(rounds, H, H, theta + l->block[r].outer, packed + p.block[r].outer);
        copy((size_t)H, theta + l->block[r].inner_bias, packed + p.block[r].inner_bias);
        copy((size_t)H, theta + l->block[r].outer_bias, packed + p.block[r].outer_bias);
        if (!backwards) continue;
        pack_transpose(rounds, H, H, theta + l->block[r].inner,
                       packed + p.block[r].inner_back);
        pack_transpose(rounds, H, H, theta + l->block[r].outer,
                       packed + p.block[r].outer_back);
    }
    if (backwards)
        pack_transpose(rounds, C * G, H, theta + l->head, packed + p.heads_back);
    for (int c = 0; c < C; c++) {
        real *head = packed + p.channel[c].head;
        const int n_seen = kad_pixel_n_seen(map, c);
        pack_part(rounds, G, H, theta + l->head + (size_t)(c * G * H), (size_t)H, 1, 0,
                  H + n_seen, head);
        pack_part(rounds, G, n_seen, theta + l->channel[c].seen, (size_t)n_seen, 1, H,
                  H + n_seen, head);
        copy((size_t)G, theta + l->channel[c].head_bias, packed + p.channel[c].head_bias);
        pack_matrix(false, N, G, theta + l->channel[c].out, packed + p.channel[c].out);
        copy((size_t)N, theta + l->channel[c].out_bias, packed + p.channel[c].out_bias);
        copy((size_t)n_seen, theta + l->channel[c].seen_skip,
             packed + p.channel[c].seen_skip);
        if (backwards)
            pack_transpose(false, N, G, theta + l->channel[c].out,
                           packed + p.channel[c].out_back);
    }
}

/* --- contexts ---------------------------------------------------------------------------- */

/* What is read of one image, at the i-th site of a group. */
typedef struct view {
    const kad_pixel_map *map;
    const kad_pixel_group *g;
    const uint8_t *x;
    size_t plane;
    real unit;
    int i;
} view;

/* Sum of the levels of a site. C is a constant, here and below. */
KAD_VINLINE int light(const int C, const view *v, int site)
{
    int sum = 0;
    for (int c = 0; c < C; c++)
        sum += v->x[(size_t)c * v->plane + (size_t)site];
    return sum;
}

KAD_VINLINE real *put_window(const int C, const view *v, int told, real *to)
{
    const int *known = v->g->known + v->i * v->g->n_known;
    for (int k = 0; k < v->g->n_known; k++, to += told) {
        unsigned any = 0;
        if (known[k] < 0) {
            for (int c = 0; c < told; c++)
                to[c] = 0;
            continue;
        }
        for (int c = 0; c < C; c++) {
            const unsigned level = v->x[(size_t)c * v->plane + (size_t)known[k]];
            to[c] = (real)(int)level * v->unit - 1;
            any |= level;
        }
        to[C] = any ? -1 : 1;
    }
    return to;
}

static real *put_address(const view *v, real *to)
{
    const kad_pixel_group *g = v->g;
    const int step = 1 << (g->level + (g->part != 0));
    const int down = g->site[v->i] / v->map->width / step,
              along = g->site[v->i] % v->map->width / step;
    for (int b = 0; b < g->bits_y; b++)
        *to++ = down >> b & 1 ? 1 : -1;
    for (int b = 0; b < g->bits_x; b++)
        *to++ = along >> b & 1 ? 1 : -1;
    return to;
}

/* Zeros of what comes later. They are many: light is half as large as in the window, so that it
 * does not take a step of the optimiser for itself. */
KAD_VINLINE real *put_overview(const int C, const view *v, real *to)
{
    const int n_known = v->g->n_before + v->i;
    const real half = RC(0.5), full = half * v->unit / (real)C;
    for (int k = 0; k < v->g->n_overview; k++, to += 2) {
        const int sum = k < n_known ? light(C, v, v->map->order[k]) : 0;
        to[0] = k >= n_known ? 0 : sum > 0 ? 1 : -1;
        to[1] = k >= n_known ? 0 : (real)sum * full - half;
    }
    return to;
}

/* q_c, and the light of the window's sites beside it; first is where put_window began. */
KAD_VINLINE real *put_tint(const int C, const view *v, real *first, real *to)
{
    const real most = 2;
    const int told = C + 2, *known = v->g->known + v->i * v->g->n_known;
    real all = RC(1e-6), q[KAD_PIXEL_CHANNELS_MAX] = {0}, bright = RC(0.01);
    for (int k = 0; k < v->g->n_known; k++) {
        if (known[k] < 0) continue;
        const real near = (real)v->g->near[k] * (real)light(C, v, known[k]);
        for (int c = 0; c < C; c++)
            q[c] += near * (first[k * told + c] + 1);
        all += near;
    }
    for (int c = 0; c < C; c++) {
        *to++ = q[c] / all;
        bright += q[c] / all;
    }
    for (int k = 0; k < v->g->n_known; k++) {
        if (known[k] < 0) continue;
        const real beside = (real)light(C, v, known[k]) * v->unit / bright;
        first[k * told + C + 1] = beside < most ? beside : most;
    }
    return to;
}

KAD_VINLINE void put_column(const int C, const view *v, real *to, const real *end)
{
    const bool tint = v->map->options.tint;
    real *const first = to;
    to = put_address(v, put_window(C, v, C + (tint ? 2 : 1), to));
    *to++ = 1;
    to = put_overview(C, v, to);
    if (tint) to = put_tint(C, v, first, to);
    while (to < end)
        *to++ = 0;
}

static void gather_column(const view *v, real *to, const real *end)
{
    switch (v->map->n_channels) {
    case 1:
        put_column(1, v, to, end);
        break;
    case 3:
        put_column(3, v, to, end);
        break;
    default:
        put_column(v->map->n_channels, v, to, end);
        break;
    }
}

void KR(kad_pixel_gather)(const kad_pixel_map *map, const kad_pixel_group *g, int n,
                          const uint8_t *const *image, const int *site, tile *t)
{
    const size_t stride = (size_t)kad_wide_padded(g->n_features);
    view v = {.map = map,
              .g = g,
              .plane = (size_t)map->height * (size_t)map->width,
              .unit = net_unit(map)};
    for (int i = 0; i < n; i++) {
        real *const first = t->xt + (size_t)i * stride;
        v.x = image[i];
        v.i = site[i];
        gather_column(&v, first, first + stride);
    }
    const size_t columns = (size_t)t->n_panels * KAD_W;
    memset(t->xt + (size_t)n * stride, 0, (columns - (size_t)n) * stride * sizeof *t->xt);
}

/* --- nets -------------------------------------------------------------------------------- */

void KR(kad_pixel_trunk)(const kad_pixel_map *map, const kad_pixel_group *g,
                         bool backwards, const real *packed, tile *t)
{
    const int H = map->options.hidden, S = kad_pixel_seen_rows(map), F = g->n_features,
              C = map->n_channels, R = map->options.blocks, n = t->n_panels;
    const net_packed p = KR(kad_pixel_packed_layout)(map, g, backwards);
    KR(kad_wide_unturn)(F, n, t->xt, t->x, F);
    const output first = {
        .y = t->h, .s = t->s[0], .d = t->d[0], .y_rows = H, .s_rows = S, .d_rows = H};
    net_apply(map, KAD_WIDE_SWISH, H, F, packed + p.trunk, NULL, t, t->x, F, &first);
    const output skip = {.y = t->skip, .y_rows = C};
    KR(kad_wide_apply)(KAD_WIDE_PLAIN, C, F, packed + p.skip, NULL, n, t->x, F, &skip);
    for (int r = 0; r < R; r++) {
        const output inner = {.s = t->u[r], .d = t->du[r], .s_rows = H, .d_rows = H};
        const output outer = {.y = t->h,
                              .s = t->s[r + 1],
                              .d = t->d[r + 1],
                              .y_rows = H,
                              .s_rows = S,
                              .d_rows = H};
        net_apply(map, KAD_WIDE_SWISH, H, H, packed + p.block[r].inner,
                  packed + p.block[r].inner_bias, t, t->s[r], S, &inner);
        net_apply(map, KAD_WIDE_RESIDUE, H, H, packed + p.block[r].outer,
                  packed + p.block[r].outer_bias, t, t->u[r], H, &outer);
    }
}

/* t_c of a panel. */
static void scale_tint(const kad_pixel_map *map, const kad_pixel_group *g, int c,
                       int panel, const tile *t, real *to)
{
    const real least = RC(1e-3), most = 2, unit = net_unit(map);
    const int C = map->n_channels;
    const real *q = KR(kad_pixel_tint_row)(map, g, 0, panel, t);
    const real *level = t->level + (size_t)(panel * C) * KAD_W;
    for (int l = 0; l < KAD_W; l++) {
        real product = 0, square = 0;
        for (int i = 0; i < c; i++) {
            const real p = q[i * KAD_W + l] + least; /* grey where nothing is lit */
            product += level[i * KAD_W + l] * unit * p;
            square += p * p;
        }
        const real scaled = (q[c * KAD_W + l] + least) * product / square;
        to[l] = scaled < most ? scaled : most;
    }
}

void KR(kad_pixel_see)(const kad_pixel_map *map, const kad_pixel_group *g, int channel,
                       tile *t)
{
    const int S = kad_pixel_seen_rows(map), C = map->n_channels;
    real *s = t->s[map->options.blocks];
    const real unit = net_unit(map);
    if (channel == C - 1) return;
    for (int p = 0; p < t->n_panels; p++) {
        const real *level = t->level + (size_t)(p * C + channel) * KAD_W;
        real *a =
            s + (size_t)(p * S + map->options.hidden + kad_pixel_n_seen(map, channel)) *
                    KAD_W;
        for (int l = 0; l < KAD_W; l++) {
            a[l] = level[l] * unit - 1;
            a[KAD_W + l] = level[l] < RC(0.5) ? 1 : -1;
        }
        if (map->options.tint) scale_tint(map, g, channel + 1, p, t, a + 2 * KAD_W);
    }
}

/* mu_k += o_k t_c */
static void add_gain(const kad_pixel_map *map, const kad_pixel_group *g, int c, tile *t)
{
    const int K = map->options.components;
    for (int p = 0; p < t->n_panels; p++) {
        const real *tint = KR(kad_pixel_tint_row)(map, g, c, p, t);
        real *mu = t->out + (size_t)((p * map->n_channels + c) * 4 * K + K) * KAD_W;
        for (int k = 0; k < K; k++)
            for (int l = 0; l < KAD_W; l++)
                mu[k * KAD_W + l] += tint[l] * mu[(2 * K + k) * KAD_W + l];
    }
}

void KR(kad_pixel_head)(const kad_pixel_map *map, const kad_pixel_group *g, int c,
                        bool backwards, const real *packed, tile *t)
{
    const int C = map->n_channels, N = kad_pixel_n_out(map), H = map->options.hidden,
              G = H / 2, S = kad_pixel_seen_rows(map), n_seen = kad_pixel_n_seen(map, c),
              n = t->n_panels;
    const net_packed p = KR(kad_pixel_packed_layout)(map, g, backwards);
    const real *f = t->s[map->options.blocks];
    const size_t row = (size_t)(c * G) * KAD_W;
    const output e = {.s = t->e + row,
                      .d = backwards ? t->de + row : NULL,
                      .s_rows = C * G,
                      .d_rows = C * G};
    const output out = {.y = t->out + (size_t)(N * c) * KAD_W, .y_rows = N * C};
    net_apply(map, KAD_WIDE_SWISH, G, H + n_seen, packed + p.channel[c].head,
              packed + p.channel[c].head_bias, t, f, S, &e);
    KR(kad_wide_apply)
    (KAD_WIDE_PLAIN, N, G, packed + p.channel[c].out, packed + p.channel[c].out_bias, n,
     t->e + row, C * G, &out);
    if (map->options.tint) add_gain(map, g, c, t);
    if (c == 0) return;
    const output skip = {.y = t->skip + (size_t)c * KAD_W, .y_rows = C};
    KR(kad_wide_apply)
    (KAD_WIDE_ADD, 1, n_seen, packed + p.channel[c].seen_skip, NULL, n,
     f + (size_t)H * KAD_W, S, &skip);
}

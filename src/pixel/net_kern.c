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
    const int C = map->n_channels, K = map->options.components, H = map->options.hidden;
    const int F = most_features(map), S = kad_pixel_seen_rows(map),
              R = map->options.blocks;
    *t = (tile){.n_panels = c->n_panels};
    t->xt = cut_rows(c, kad_wide_padded(F));
    t->x = cut_rows(c, F);
    t->level = cut_rows(c, C);
    t->skip = cut_rows(c, C);
    t->out = cut_rows(c, 3 * K * C);
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
    const int most = H > heads ? H : heads, rows = most > 3 * K ? most : 3 * K;
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
    const size_t C = (size_t)map->n_channels, K = (size_t)map->options.components,
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
        PLACE(channel[c].head, matrix_size(map, G, H + 2 * c));
        PLACE(channel[c].head_bias, G);
        PLACE(channel[c].out, 3 * K * G);
        PLACE(channel[c].out_bias, 3 * K);
        PLACE(channel[c].seen_skip, 2 * c);
    }
    if (backwards) {
        PLACE(heads_back, matrix_size(map, H, C * G));
        for (size_t c = 0; c < C; c++)
            PLACE(channel[c].out_back, 3 * K * G);
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

/* kad_wide_pack of a trunk, block or head. */
static void pack_part(const kad_pixel_map *map, int n_out, int n_in, const double *w,
                      size_t so, size_t si, int first, int n_total, real *packed)
{
#if KAD_PREC == 32
    if (net_rounds(map)) {
        kad_bfloat_pack(n_out, n_in, w, so, si, first, n_total, (kad_bfloat *)packed);
        return;
    }
#endif
    (void)map;
    KR(kad_wide_pack)(n_out, n_in, w, so, si, first, n_total, packed);
}

static void pack_whole(const kad_pixel_map *map, int n_out, int n_in, const double *w,
                       real *packed)
{
    pack_part(map, n_out, n_in, w, (size_t)n_in, 1, 0, n_in, packed);
}

static void pack_turned(const kad_pixel_map *map, int n_out, int n_in, const double *w,
                        real *packed)
{
    pack_part(map, n_in, n_out, w, 1, (size_t)n_in, 0, n_out, packed);
}

/* W [n_out][n_in], or its transpose. */
static void pack_matrix(int n_out, int n_in, const double *w, real *packed)
{
    KR(kad_wide_pack)(n_out, n_in, w, (size_t)n_in, 1, 0, n_in, packed);
}

static void pack_transpose(int n_out, int n_in, const double *w, real *packed)
{
    KR(kad_wide_pack)(n_in, n_out, w, 1, (size_t)n_in, 0, n_out, packed);
}

static void copy(size_t n, const double *from, real *to)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (real)from[i];
}

void KR(kad_pixel_pack)(const kad_pixel_map *map, const kad_pixel_group *g,
                        bool backwards, const double *theta, real *packed)
{
    const int C = map->n_channels, K = map->options.components, H = map->options.hidden,
              G = H / 2, F = g->n_features;
    const net_packed p = KR(kad_pixel_packed_layout)(map, g, backwards);
    const kad_pixel_layout *l = &g->layout;
    if (net_rounds(map)) memset(packed, 0, p.n * sizeof *packed); /* what pads blocks */
    pack_whole(map, H, F, theta + l->trunk, packed + p.trunk);
    pack_matrix(C, F, theta + l->skip, packed + p.skip);
    for (int r = 0; r < map->options.blocks; r++) {
        pack_whole(map, H, H, theta + l->block[r].inner, packed + p.block[r].inner);
        pack_whole(map, H, H, theta + l->block[r].outer, packed + p.block[r].outer);
        copy((size_t)H, theta + l->block[r].inner_bias, packed + p.block[r].inner_bias);
        copy((size_t)H, theta + l->block[r].outer_bias, packed + p.block[r].outer_bias);
        if (!backwards) continue;
        pack_turned(map, H, H, theta + l->block[r].inner, packed + p.block[r].inner_back);
        pack_turned(map, H, H, theta + l->block[r].outer, packed + p.block[r].outer_back);
    }
    if (backwards) pack_turned(map, C * G, H, theta + l->head, packed + p.heads_back);
    for (int c = 0; c < C; c++) {
        real *head = packed + p.channel[c].head;
        const size_t n_seen = (size_t)(2 * c);
        pack_part(map, G, H, theta + l->head + (size_t)(c * G * H), (size_t)H, 1, 0,
                  H + 2 * c, head);
        pack_part(map, G, 2 * c, theta + l->channel[c].seen, n_seen, 1, H, H + 2 * c,
                  head);
        copy((size_t)G, theta + l->channel[c].head_bias, packed + p.channel[c].head_bias);
        pack_matrix(3 * K, G, theta + l->channel[c].out, packed + p.channel[c].out);
        copy((size_t)(3 * K), theta + l->channel[c].out_bias,
             packed + p.channel[c].out_bias);
        copy(n_seen, theta + l->channel[c].seen_skip, packed + p.channel[c].seen_skip);
        if (backwards)
            pack_transpose(3 * K, G, theta + l->channel[c].out,
                           packed + p.channel[c].out_back);
    }
}

/* --- contexts ---------------------------------------------------------------------------- */

/* What a column sees of n known sites: levels and flag of each. C is a constant. */
KAD_VINLINE void gather_known(const int C, int n, const int *known, const uint8_t *x,
                              size_t plane, real unit, real *to)
{
    for (int k = 0; k < n; k++, to += C + 1) {
        unsigned any = 0;
        if (known[k] < 0) {
            for (int c = 0; c <= C; c++)
                to[c] = 0;
            continue;
        }
        for (int c = 0; c < C; c++) {
            const unsigned v = x[(size_t)c * plane + (size_t)known[k]];
            to[c] = (real)(int)v * unit - 1;
            any |= v;
        }
        to[C] = any ? -1 : 1;
    }
}

static void gather_column(int C, int n, const int *known, const uint8_t *x, size_t plane,
                          real unit, real *to)
{
    switch (C) {
    case 1:
        gather_known(1, n, known, x, plane, unit, to);
        break;
    case 3:
        gather_known(3, n, known, x, plane, unit, to);
        break;
    default:
        gather_known(C, n, known, x, plane, unit, to);
        break;
    }
}

void KR(kad_pixel_gather)(const kad_pixel_map *map, const kad_pixel_group *g, int n,
                          const uint8_t *const *image, const int *site, tile *t)
{
    const size_t plane = (size_t)map->height * (size_t)map->width,
                 stride = (size_t)kad_wide_padded(g->n_features);
    const int C = map->n_channels;
    const real unit = net_unit(map);
    const int step = 1 << (g->level + (g->part != 0));
    for (int i = 0; i < n; i++) {
        const uint8_t *x = image[i];
        const int *known = g->known + site[i] * g->n_known;
        real *to = t->xt + (size_t)i * stride;
        gather_column(C, g->n_known, known, x, plane, unit, to);
        to += g->n_known * (C + 1);
        const int down = g->site[site[i]] / map->width / step,
                  along = g->site[site[i]] % map->width / step;
        for (int b = 0; b < g->bits_y; b++)
            *to++ = down >> b & 1 ? 1 : -1;
        for (int b = 0; b < g->bits_x; b++)
            *to++ = along >> b & 1 ? 1 : -1;
        *to++ = 1;
        while (to < t->xt + (size_t)(i + 1) * stride)
            *to++ = 0;
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

void KR(kad_pixel_see)(const kad_pixel_map *map, int channel, tile *t)
{
    const int S = kad_pixel_seen_rows(map), C = map->n_channels;
    real *s = t->s[map->options.blocks];
    const real unit = net_unit(map);
    if (channel == C - 1) return;
    for (int p = 0; p < t->n_panels; p++) {
        const real *level = t->level + (size_t)(p * C + channel) * KAD_W;
        real *a = s + (size_t)(p * S + map->options.hidden + 2 * channel) * KAD_W;
        for (int l = 0; l < KAD_W; l++) {
            a[l] = level[l] * unit - 1;
            a[KAD_W + l] = level[l] < RC(0.5) ? 1 : -1;
        }
    }
}

void KR(kad_pixel_head)(const kad_pixel_map *map, const kad_pixel_group *g, int c,
                        bool backwards, const real *packed, tile *t)
{
    const int C = map->n_channels, K = map->options.components, H = map->options.hidden,
              G = H / 2, S = kad_pixel_seen_rows(map), n = t->n_panels;
    const net_packed p = KR(kad_pixel_packed_layout)(map, g, backwards);
    const real *f = t->s[map->options.blocks];
    const size_t row = (size_t)(c * G) * KAD_W;
    const output e = {.s = t->e + row,
                      .d = backwards ? t->de + row : NULL,
                      .s_rows = C * G,
                      .d_rows = C * G};
    const output out = {.y = t->out + (size_t)(3 * K * c) * KAD_W, .y_rows = 3 * K * C};
    net_apply(map, KAD_WIDE_SWISH, G, H + 2 * c, packed + p.channel[c].head,
              packed + p.channel[c].head_bias, t, f, S, &e);
    KR(kad_wide_apply)
    (KAD_WIDE_PLAIN, 3 * K, G, packed + p.channel[c].out, packed + p.channel[c].out_bias,
     n, t->e + row, C * G, &out);
    if (c == 0) return;
    const output skip = {.y = t->skip + (size_t)c * KAD_W, .y_rows = C};
    KR(kad_wide_apply)
    (KAD_WIDE_ADD, 1, 2 * c, packed + p.channel[c].seen_skip, NULL, n,
     f + (size_t)H * KAD_W, S, &skip);
}

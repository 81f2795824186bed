/* What the two halves of a net's kernels share: where its packed weights lie. */
#ifndef KAD_PIXEL_NET_KERN_H
#define KAD_PIXEL_NET_KERN_H

#include "pixel/net.h"

#include "base/parallel.h"
#include "base/real.h"
#include "wide/bfloat.h"
#include "wide/wide.h"

typedef struct net_packed {
    size_t trunk, skip; /* skip [C][F] */
    struct {
        size_t inner, inner_bias, outer, outer_bias, inner_back, outer_back;
    } block[KAD_PIXEL_BLOCKS_MAX];
    struct {
        size_t head, head_bias, out, out_bias, seen_skip, out_back;
    } channel[KAD_PIXEL_CHANNELS_MAX];
    size_t heads_back;
    size_t n;
} net_packed;

/* Trunk, blocks and heads are rounded; in double precision nothing is. */
static inline bool net_rounds(const kad_pixel_map *map)
{
    return KAD_PREC == 32 && map->options.bfloat;
}

/* Of a level that a net sees. */
static inline real net_unit(const kad_pixel_map *map)
{
    return map->options.bfloat ? RC(1.0) / RC(128.0) : RC(1.0) / RC(127.5);
}

/* kad_wide_apply of a trunk, block or head. */
static inline void net_apply(const kad_pixel_map *map, kad_wide_finish finish, int n_out,
                             int n_in, const real *packed, const real *bias,
                             const KR(kad_pixel_tile) * t, const real *x, int x_rows,
                             const KR(kad_wide_output) * out)
{
#if KAD_PREC == 32
    if (net_rounds(map)) {
        kad_bfloat_apply(finish, n_out, n_in, (const kad_bfloat *)packed, bias,
                         t->n_panels, x, x_rows, out, t->rounded);
        return;
    }
#endif
    (void)map;
    KR(kad_wide_apply)(finish, n_out, n_in, packed, bias, t->n_panels, x, x_rows, out);
}

/* The forward part is the same with and without what gradients need. */
net_packed KR(kad_pixel_packed_layout)(const kad_pixel_map *map,
                                       const kad_pixel_group *group, bool backwards);

/* The row of t_c in a panel: of channel 0 the context's, of others what was seen last. */
static inline const real *KR(kad_pixel_tint_row)(const kad_pixel_map *map,
                                                 const kad_pixel_group *g, int c,
                                                 int panel, const KR(kad_pixel_tile) * t)
{
    const int F = g->n_features, S = kad_pixel_seen_rows(map);
    if (c == 0) return t->x + (size_t)(panel * F + F - map->n_channels) * KAD_W;
    return t->s[map->options.blocks] +
           (size_t)(panel * S + map->options.hidden + kad_pixel_n_seen(map, c) - 1) *
               KAD_W;
}

#endif

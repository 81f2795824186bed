/* What the two halves of a net's kernels share: where its packed weights lie. */
#ifndef KAD_PIXEL_NET_KERN_H
#define KAD_PIXEL_NET_KERN_H

#include "pixel/net.h"

#include "base/parallel.h"
#include "base/real.h"
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

/* The forward part is the same with and without what gradients need. */
net_packed KR(kad_pixel_packed_layout)(const kad_pixel_map *map,
                                       const kad_pixel_group *group, bool backwards);

#endif

/* The groups of a map: their sites, and what each site sees. */
#ifndef KAD_PIXEL_ORDER_H
#define KAD_PIXEL_ORDER_H

#include "pixel/pixel.h"

/* Fills the map's groups (all but the layout of their weights) from its options and
 * extents. The memory is the map's (kad_pixel_map_destroy). Errors: KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_pixel_order(kad_ctx *ctx, kad_pixel_map *map);

/* The picture at level h, of stride s = 2^h: coarse [C][height / s][width / s] of
 * x [C][height][width]; sites that later groups generate are left out. */
void kad_pixel_coarse(const kad_pixel_map *map, int level, const unsigned char *x,
                      unsigned char *coarse);

#endif

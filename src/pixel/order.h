/* Pictures at the levels of a map's order (kad_pixel_order, pixel.h). */
#ifndef KAD_PIXEL_ORDER_H
#define KAD_PIXEL_ORDER_H

#include "pixel/pixel.h"

/* The picture at level h, of stride s = 2^h: coarse [C][height / s][width / s] of
 * x [C][height][width]; sites that later groups generate are left out. */
void kad_pixel_coarse(const kad_pixel_map *map, int level, const unsigned char *x,
                      unsigned char *coarse);

#endif

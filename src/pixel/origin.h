/* Where a map's lattices are to lie. */
#ifndef KAD_PIXEL_ORIGIN_H
#define KAD_PIXEL_ORIGIN_H

#include "base/context.h"
#include "image/images.h"

/* The site that all lattices hold, origin = {y, x}: where the coarse lattices have most in
 * common. With the sum V of an image's levels v_i over a lattice of stride s of n sites,
 *
 *     C_s = (var V - sum_i var v_i) / n (n - 1)
 *
 * is the mean covariance of two of its sites, over images (at most 1024, evenly spaced), summed
 * over channels; the origin has the largest sum of C_s over s = 2, 4, ... of more than one
 * site, and is the first of those alike. A brightness, a colour or a direction of the whole
 * image then shows in its coarse lattices. Errors: KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_pixel_origin(kad_ctx *ctx, const kad_images *images,
                                         int origin[2]);

#endif

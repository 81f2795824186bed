/* Missing levels, drawn given the others (train/image_map.h). Site after site of the hole, in the
 * order of generation, new levels v' of all channels are proposed from P(v | what the site sees)
 * and accepted with
 *     min(1, prod over the sites c that see it of P(x_c | v') / P(x_c | v)),
 * which leaves P(hole | the rest) as it is: Gibbs-Metropolis. In terms of latents a move
 * changes that of the site, and those of the sites that see it, whose levels stay; no others
 * (inference cone, cone.h). Where not all are free, a move after which the latent of another
 * would give another level is not made either.
 *
 * At power b the target is P^b: the ratio above to the power b, times (P(v') / P(v))^(b - 1).
 * Powers that rise over the sweeps lead to a most probable filling. */
#ifndef KAD_PIXEL_INPAINT_H
#define KAD_PIXEL_INPAINT_H

#include "pixel/cone.h"
#include "pixel/plan.h"
#include "train/image_map.h"

/* As kad_image_map_ops.inpaint. Errors: KAD_ENOMEM, KAD_EINTERRUPTED. */
KAD_MUST_USE kad_status kad_pixel_inpaint(kad_ctx *ctx, const kad_pixel_plan *plan,
                                          const kad_pixel_cones *cones,
                                          const kad_image_inpainting *what, size_t n,
                                          uint8_t *x, double *mean, double *accepted);

#endif

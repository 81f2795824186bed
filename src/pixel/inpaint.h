/* Missing levels, drawn given the others. Site after site of the hole, in the order of
 * generation, new levels v' of all channels are proposed from P(v | what the site sees) and
 * accepted with
 *     min(1, prod over the sites c that see it of P(x_c | v') / P(x_c | v)),
 * which leaves P(hole | the rest) as it is: Gibbs-Metropolis. In terms of latents a move
 * changes that of the site, and those of the sites that see it, whose levels stay; no others
 * (inference cone, cone.h).
 *
 * The first sweep accepts everything: the hole as the map would have made it, blind to what
 * lies behind. At power b the target is P^b: the ratio above to the power b, times
 * (P(v') / P(v))^(b - 1). Powers that rise over the sweeps lead to a most probable filling. */
#ifndef KAD_PIXEL_INPAINT_H
#define KAD_PIXEL_INPAINT_H

#include "pixel/cone.h"
#include "pixel/plan.h"

#include <stdint.h>

typedef struct kad_pixel_inpainting {
    const bool *hole; /* [height width]: levels that are missing */
    /* [height width]: sites whose latents may change; a move that would change another is
     * not made, nor one after which the latent of another would give another level. NULL:
     * all may */
    const bool *free;
    int sweeps;           /* after the first */
    double power;         /* of the last one, from 1 at the first on, geometrically */
    uint64_t seed, first; /* name the random numbers, with the image's number */
} kad_pixel_inpainting;

/* Images x [n][C][height][width]; what they hold in the hole is what they start from. mean
 * (may be NULL), the same shape: over the second half of the sweeps. accepted (may be NULL):
 * share of the moves after the first sweep. Bytes do not depend on threads. Errors:
 * KAD_ENOMEM; KAD_EINTERRUPTED, x is then half done. */
KAD_MUST_USE kad_status kad_pixel_inpaint(kad_ctx *ctx, const kad_pixel_plan *plan,
                                          const kad_pixel_cones *cones,
                                          const kad_pixel_inpainting *what, size_t n,
                                          uint8_t *x, double *mean, double *accepted);

#endif

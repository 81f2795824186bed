/* Missing levels, drawn given the others (train/image_map.h), under a map of couplings.
 *
 * The density of the real numbers x that an image becomes (values.h) is p(z(x)) |dz/dx|, and its
 * slope is known (kad_affine_adjoint). Those of the hole move by Hamiltonian Monte Carlo, all at
 * once, between the ends of the levels, where a trajectory is reflected; the others stay, at
 * places within their levels that are drawn once. A sweep is one trajectory. The length of its
 * steps, of each image its own, is settled in the first half of the sweeps and left alone in the
 * second, where the chain leaves P(hole | the rest) as it is; at a power it is settled throughout.
 * Latents that change are those of the hole's inference cone; with latents that are not free only
 * sites move whose own cone is.
 * The first sweep draws the latents of the cone anew and keeps what they put into the hole
 * (RG-Flow, arXiv:2010.00029, does that and ends by a search for the most probable).
 * Trajectories: Neal, arXiv:1206.1901; reflections, his section 5.1. */
#ifndef KAD_AFFINE_INPAINT_H
#define KAD_AFFINE_INPAINT_H

#include "affine/affine.h"
#include "pixel/latent.h"
#include "train/image_map.h"

/* As kad_image_map_ops.inpaint; theta [map->n_theta]. Errors: KAD_ENOMEM, KAD_EINTERRUPTED. */
KAD_MUST_USE kad_status kad_affine_inpaint(kad_ctx *ctx, const kad_affine_map *map,
                                           kad_pixel_prior prior, const double *theta,
                                           const kad_image_inpainting *what, size_t n,
                                           uint8_t *x, double *mean, double *accepted);

#endif

/* Maps of couplings as maps of images that image_trainer.h trains: all weights are one part.
 *
 * Levels become real numbers by the logit of values.h, so that -ln P = -ln p(z) - ln|dz/dx| -
 * sum ln dx/d(v + u) is the density of v + u in units of a level: bits per dimension with the 256
 * and the logit's Jacobian. It is averaged over u, drawn anew in every step of the training, and
 * once for each image that is evaluated: an upper bound of the bits of the levels themselves
 * (Theis, van den Oord, Bethge, arXiv:1511.01844).
 * Latents are at the place of a value, of the level after which it is left alone; bits by level
 * are those of its latents, of the logit there, and of ln|dz/dx| of its stages. */
#ifndef KAD_AFFINE_RECIPE_H
#define KAD_AFFINE_RECIPE_H

#include "affine/affine.h"
#include "pixel/latent.h"
#include "train/image_map.h"

typedef kad_status kad_affine_creates(kad_ctx *ctx, const kad_affine_options *options,
                                      int n_channels, int height, int width,
                                      kad_affine_map **out);

/* create: kad_affine_mera or kad_affine_scales. Errors: as of those. */
KAD_MUST_USE kad_status kad_affine_recipe_create(kad_ctx *ctx, kad_affine_creates *create,
                                                 const kad_affine_options *options,
                                                 kad_pixel_prior prior, int n_channels,
                                                 int height, int width,
                                                 kad_image_map **out);

#endif

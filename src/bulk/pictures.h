/* What the pictures of the report are made of: some configurations at every level, their
 * latents, and latent walks. The files hold numbers; analysis/ paints them. */
#ifndef KAD_BULK_PICTURES_H
#define KAD_BULK_PICTURES_H

#include "bulk/coarse.h"

/* Configurations shown, evenly spaced over the chain of the first. */
enum { KAD_PICTURES = 3, KAD_WALK_STEPS = 7 };

/* /bulk/pictures: level_H [configuration][component][sites of the coarse lattice...],
 * H = 0 the boundary; latents [configuration][component][sites of the boundary
 * lattice...] (the latent of a site at its site), level [sites]. f32. */
KAD_MUST_USE kad_status kad_pictures_write(kad_ctx *ctx, const kad_coarse *coarse,
                                           kad_h5 *file);

/* Latent walks, /bulk/walks: one latent of each level takes the values `value` [step],
 * -3 .. 3 standard deviations of the prior, the others keep those of one configuration;
 * boundary [level][step][component][sites...] f32, site [level] the latent's site. */
KAD_MUST_USE kad_status kad_bulk_walks(kad_ctx *ctx, const kad_bulk *bulk, kad_h5 *file);

#endif

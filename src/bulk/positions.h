/* Where latents are, and which shifts of the lattice carry them along. */
#ifndef KAD_BULK_POSITIONS_H
#define KAD_BULK_POSITIONS_H

#include "bulk/bulk.h"

/* bulk->position. The latents of level h in a block of 2^(h+1) sites an axis make that
 * block together: the position of each is the block's middle (that of the coarsest latent
 * the middle of the lattice). Where coarse sites are kept as they are and the others
 * generated given them (conditional hierarchy without wavelets in front) it is the site
 * itself. Errors: KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_bulk_positions(kad_scope *in, kad_bulk *bulk);

/* bulk->period, by inferring shifts of the first configuration. Without translation
 * invariance of the action all are 0. Errors: KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_bulk_find_periods(kad_ctx *ctx, kad_bulk *bulk);

#endif

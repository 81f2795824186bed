/* The Gaussian field u = B z of a Fourier base (stages before the levels, all linear),
 * and the conditional density of its fine sites given the sublattice of stride 2^h,
 *     ln p(u_fine | u_coarse) = ln p(u) - ln p_h(u_coarse),
 *     p_h = normal of covariance C_h(r) = (B B^T)(r), r on the sublattice,
 * diagonal in the coarse lattice's Fourier modes. Without a base there is nothing here to
 * do. Unknown (NaN-free: simply not added) for another prior than the normal one, and for
 * coarse lattices with an extent of 1 beside longer ones. */
#ifndef KAD_BULK_COARSE_BASE_H
#define KAD_BULK_COARSE_BASE_H

#include "bulk/coarse.h"

typedef struct kad_coarse_base kad_coarse_base;

KAD_MUST_USE kad_status kad_coarse_base_create(kad_ctx *ctx, const kad_coarse *coarse,
                                               kad_coarse_base **out);
void kad_coarse_base_destroy(kad_coarse_base *base);
/* Is S_h known at this level? True without a base. */
bool kad_coarse_base_known(const kad_coarse_base *base, int level);
/* Doubles of scratch. */
size_t kad_coarse_base_scratch(const kad_coarse_base *base);
/* lnp[h][lane] (overwritten, h >= 1, n lanes) of a tile of u; the tile becomes z. */
void kad_coarse_base_densities(const kad_coarse_base *base, double *u, size_t n,
                               double lnp[][KAD_W_DOUBLE], double *work, void *scratch);

#endif

/* One-point densities, fourth cumulants and two-point functions of the coarse fields of
 * every level (bulk/coarse.h), each field in units of the root mean square s of its
 * components. */
#ifndef KAD_BULK_DENSITIES_H
#define KAD_BULK_DENSITIES_H

#include "bulk/coarse.h"

/* Bins of the density of a component over -4 s .. 4 s, and of the modulus over 0 .. 4 s
 * sqrt(n). */
enum { KAD_DENSITY_BINS = 64 };

/* /bulk/densities: series density [level][bin] (per unit of phi/s), modulus [level][bin]
 * (more than one component), kurtosis [level] = n/(n + 2) <|phi|^4>/<|phi|^2>^2 (1: a
 * Gaussian, n/(n + 2): fixed modulus), correlator [level][r] = G(r)/G(0) along the axes,
 * r in steps of the coarse lattice. */
KAD_MUST_USE kad_status kad_densities_write(kad_ctx *ctx, const kad_coarse *coarse,
                                            kad_h5 *file);

/* The analysis `fields`: everything made of the coarse fields (densities, couplings,
 * pictures). */
KAD_MUST_USE kad_status kad_bulk_fields(kad_ctx *ctx, const kad_bulk *bulk, kad_h5 *file);

#endif

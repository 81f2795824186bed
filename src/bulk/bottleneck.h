/* The bottleneck test of a tree without disentanglers (bottleneck.c). */
#ifndef KAD_BULK_BOTTLENECK_H
#define KAD_BULK_BOTTLENECK_H

#include "bulk/bulk.h"

/* The lowest level with a stage that reaches from one half of the lattice (along its
 * first axis) to the other; 0: there is no bottleneck. Errors: KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_bottleneck_level(kad_ctx *ctx, const kad_flow *flow,
                                             int *level);

/* Gaussian information between the halves of a field with correlation function C
 * [n_sites] (components alike and independent: theirs add), and its slope dI/dC
 * [n_sites]. Errors: KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_bottleneck_boundary(kad_ctx *ctx, const kad_lattice *lattice,
                                                const double *C, double *out,
                                                double *slope);

/* The analysis /bulk/bottleneck: series boundary (Gaussian I(A:B) of the flow variables)
 * and cut (Gaussian I(a:b)), cut_knn, cut_knn_err; attributes level, n_a, n_b. Nothing is
 * written where the map has no bottleneck, sites are integrated out, more than 16
 * variables meet at the cut, or the lattice has more than 1024 sites. */
KAD_MUST_USE kad_status kad_bulk_bottleneck(kad_ctx *ctx, const kad_bulk *bulk,
                                            kad_h5 *file);

#endif

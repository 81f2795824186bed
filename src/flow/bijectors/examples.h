/* Small index lists for the example instances of bijectors (conformance suite). */
#ifndef KAD_FLOW_BIJECTORS_EXAMPLES_H
#define KAD_FLOW_BIJECTORS_EXAMPLES_H

#include "base/context.h"
#include "flow/blocks.h"

/* Disjoint hypercubes of extent^d sites tiling as much of the lattice as fits, corners
 * first, bit m of an entry (extent 2) the side along axis m. extent 0: pairs along the
 * last axis. */
KAD_MUST_USE kad_status kad_example_blocks(kad_ctx *ctx, const kad_lattice *lattice,
                                           int extent, kad_index_list *out);

/* Parts [n_lists][n_sources + 1], target last: targets are sites of odd number, sources
 * those of even number near the target, in a fixed scramble (some may coincide on tiny
 * lattices). At most max_parts. */
KAD_MUST_USE kad_status kad_example_parts(kad_ctx *ctx, const kad_lattice *lattice,
                                          int n_sources, int max_parts,
                                          kad_index_list *out);

#endif

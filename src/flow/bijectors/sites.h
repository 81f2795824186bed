/* Index lists of stages, copied and checked at creation. */
#ifndef KAD_FLOW_BIJECTORS_SITES_H
#define KAD_FLOW_BIJECTORS_SITES_H

#include "base/context.h"
#include "flow/stage.h"
#include "lattice/lattice.h"

#include <stdbool.h>

/* *out = copy of sites[n] (free with kad_free). Errors: KAD_EUSAGE, naming the value, for
 * a site outside the lattice, or one named twice when `distinct`; KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_sites_copy(kad_ctx *ctx, const kad_lattice *lattice, size_t n,
                                       const int *sites, bool distinct, int **out);

/* Start a stage: zeroed, with its operations, name (that of the bijector) and sizes. */
void kad_stage_begin(kad_stage *stage, const kad_bijector_ops *ops,
                     const kad_lattice *lattice, int n_comp);

#endif

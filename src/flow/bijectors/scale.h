/* Learned scale, with an optional shift, on a list of sites (all sites of a level, say).
 *
 *   y = e^s z + b,   ld = sum over the sites and components of s
 *
 * One s (and b) for all, or one per component. A shift breaks y -> -y; a scale per
 * component breaks O(n) rotations. */
#ifndef KAD_FLOW_BIJECTORS_SCALE_H
#define KAD_FLOW_BIJECTORS_SCALE_H

#include "flow/stage.h"

#include <stdbool.h>

/* sites [n_sites], distinct, copied. Tensors "s" and, with shift, "b": [n_comp] if
 * per_component, else [1]; all start at 0. Errors: KAD_EUSAGE, KAD_ENOMEM; on failure
 * *out owns nothing. */
KAD_MUST_USE kad_status kad_scale_create(kad_ctx *ctx, const kad_lattice *lattice,
                                         int n_comp, int n_sites, const int *sites,
                                         bool per_component, bool shift, kad_stage *out);

extern const kad_bijector_ops kad_scale_ops;
extern const kad_bijector_kern kad_scale_kern_f32, kad_scale_kern_f64;

/* Shared with the kernels. */
typedef struct kad_scale {
    int n_sites;
    int *sites;
    bool per_component, shift;
} kad_scale;

#endif

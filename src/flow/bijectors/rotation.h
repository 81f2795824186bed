/* Learned linear map within blocks, in LU form.
 *
 *   y = W z,   W = P L (U + diag(sign e^s)),   ld = (blocks x copies) sum s
 *
 * P a fixed permutation ((P v)_i = v_{perm[i]}), L unit lower and U strictly upper
 * triangular, sign fixed: +-1. Either over the m sites of every block, each component
 * alike (copies = n_comp; commutes with O(n)), or a 1x1 convolution: over the components
 * of every listed site (m = n_comp, one copy).
 *
 * Source: Kingma, Dhariwal, arXiv:1807.03039, section 3.2. */
#ifndef KAD_FLOW_BIJECTORS_ROTATION_H
#define KAD_FLOW_BIJECTORS_ROTATION_H

#include "flow/stage.h"

#include <stdbool.h>

enum { KAD_ROTATION_MAX = 64 };

/* Over sites: sites [n_blocks][m], distinct. Over components: m = n_comp, sites
 * [n_blocks]. perm [m] and sign [m] may be NULL (identity, +1); all are copied. Tensors
 * "lower", "upper" [m][m] (of which the strict triangles count) and "s" [m]; start at 0:
 * W = P diag(sign). Errors: KAD_EUSAGE (m outside 1..KAD_ROTATION_MAX, sites, perm not a
 * permutation, sign not +-1), KAD_ENOMEM; on failure *out owns nothing. */
KAD_MUST_USE kad_status kad_rotation_create(kad_ctx *ctx, const kad_lattice *lattice,
                                            int n_comp, bool over_components,
                                            int n_blocks, int m, const int *sites,
                                            const int *perm, const int *sign,
                                            kad_stage *out);

extern const kad_bijector_ops kad_rotation_ops;
extern const kad_bijector_kern kad_rotation_kern_f32, kad_rotation_kern_f64;

/* Shared with the kernels. Packed: doubles first, for the chain rule of the factors. */
typedef struct kad_rotation {
    int n_blocks, m;
    bool over_components;
    int *sites, *perm, *sign;
    size_t lower, upper, s; /* offsets in theta */
} kad_rotation;

#endif

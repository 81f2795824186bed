/* Orthonormal Haar rotation on disjoint blocks of 2^k sites: no parameters, ld = 0.
 *
 *   y_b = 2^{-k/2} sum_c (-1)^{popcount(b & c)} z_c,   b, c = 0 .. 2^k - 1
 *
 * the tensor product of k two-point rotations (c, d) -> (c + d, c - d)/sqrt(2). Entry 0
 * of z is the coarse value (the block's sum over 2^{k/2}), the others are details: bit m
 * of an entry is the side, in y, or the detail flag, in z, along the m-th axis of the
 * block. Its own inverse and transpose. Components are rotated alike.
 *
 * Source: the average and wave functions of A. Haar, Math. Ann. 69, 331 (1910). */
#ifndef KAD_FLOW_BIJECTORS_HAAR_H
#define KAD_FLOW_BIJECTORS_HAAR_H

#include "flow/stage.h"

enum { KAD_HAAR_MAX_BLOCK = 16 };

/* sites [n_blocks][block_size], all distinct, copied; block_size 2, 4, 8 or 16. Errors:
 * KAD_EUSAGE, KAD_ENOMEM; on failure *out owns nothing. */
KAD_MUST_USE kad_status kad_haar_create(kad_ctx *ctx, const kad_lattice *lattice,
                                        int n_comp, int n_blocks, int block_size,
                                        const int *sites, kad_stage *out);

extern const kad_bijector_ops kad_haar_ops;
extern const kad_bijector_kern kad_haar_kern_f32, kad_haar_kern_f64;

/* Shared with the kernels. */
typedef struct kad_haar {
    int n_blocks, block_size;
    int *sites;
} kad_haar;

#endif

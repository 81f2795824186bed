/* Batches of images through a map of couplings (affine.h). A batch is made once; loading
 * weights, and then going up, down or back, allocates nothing. Panels of columns are dealt to
 * threads; sums over columns are made of a fixed number of parts in a fixed tree, so that
 * results do not depend on the number of threads, to the bit.
 *
 * Values of images are x [n][C][height][width]. */
#ifndef KAD_AFFINE_FLOW_H
#define KAD_AFFINE_FLOW_H

#include "affine/affine.h"
#include "base/context.h"
#include "base/real.h"

#define KAD_AFFINE_FLOW_DECLARE(real, suffix)                                                  \
    typedef struct kad_affine_batch##suffix kad_affine_batch##suffix;                          \
    /* For at most n images, on the threads of ctx. The map must outlive it.                \
     * Errors: KAD_ENOMEM. */  \
    KAD_MUST_USE kad_status kad_affine_batch_create##suffix(                                   \
        kad_ctx *ctx, const kad_affine_map *map, size_t n, bool backwards,                     \
        kad_affine_batch##suffix **out);                                                       \
    void kad_affine_batch_destroy##suffix(kad_affine_batch##suffix *batch);                    \
    /* Bytes of what grows with the number of images, and of a thread's activations. */        \
    size_t kad_affine_batch_bytes##suffix(const kad_affine_batch##suffix *batch);              \
    /* theta [n_theta]; what it is must stay where it is until after the gradient. */          \
    void kad_affine_load##suffix(kad_affine_batch##suffix *batch, const double *theta);        \
    /* x becomes z; ln_det [n][n_levels][C] is ln|dz/dx| by the stage's level and the       \
     * channel of what moves. */  \
    void kad_affine_infer##suffix(kad_affine_batch##suffix *batch, size_t n, real *x,          \
                                  double *ln_det);                                             \
    /* z becomes x. */                                                                         \
    void kad_affine_generate##suffix(kad_affine_batch##suffix *batch, size_t n,                \
                                     real *x);                                                 \
    /* From z and dx = dL/dz, and dL/d ln_det, alike for all: x becomes the images again, dx \
     * dL/dx, and gradient [n_theta] that by theta, overwritten, unless it is NULL. */ \
    void kad_affine_adjoint##suffix(kad_affine_batch##suffix *batch, size_t n,                 \
                                    double by_ln_det, real *x, real *dx,                       \
                                    double *gradient);

KAD_AFFINE_FLOW_DECLARE(float, _f32)
KAD_AFFINE_FLOW_DECLARE(double, _f64)
KAD_LOCAL_OF(kad_affine_batch_f32, kad_affine_batch_destroy_f32)

#endif

/* One layer of a stage on a panel of columns, x [n_rows][KAD_W] in place. s and t are its nets'
 * packed weights. */
#ifndef KAD_AFFINE_COUPLE_H
#define KAD_AFFINE_COUPLE_H

#include "affine/resnet.h"

#define KAD_AFFINE_COUPLE_DECLARE(real, suffix)                                               \
    /* Images to latents; the s of the rows that move are added to ln_det [C][KAD_W]. */      \
    void kad_affine_layer_infer##suffix(const kad_affine_stage *stage, const real *s,         \
                                        const real *t, kad_affine_desk##suffix *desk,         \
                                        real *x, double *ln_det);                             \
    /* The inverse. */                                                                        \
    void kad_affine_layer_generate##suffix(const kad_affine_stage *stage, const real *s,      \
                                           const real *t, kad_affine_desk##suffix *desk,      \
                                           real *x);                                          \
    /* Of a loss L: from the layer's output x and dx = dL/dx, and dL/d ln_det of each       \
     * column [KAD_W], to its input and the gradient there; that of the nets is added to    \
     * sums, of s, then of t, unless they are NULL. Rows that are not owned get what this   \
     * layer adds. */ \
    void kad_affine_layer_adjoint##suffix(const kad_affine_stage *stage, const real *s,       \
                                          const real *t, const real *by_ln_det,               \
                                          kad_affine_desk##suffix *desk, real *x,             \
                                          real *dx, real *sums);

KAD_AFFINE_COUPLE_DECLARE(float, _f32)
KAD_AFFINE_COUPLE_DECLARE(double, _f64)

#endif

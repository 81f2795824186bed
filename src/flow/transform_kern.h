/* Shared by the transforms of the stencil coupling (transform_*.h): the outputs of the
 * net for one vector of lanes, and small vectors in R^n.
 *
 * A transform NAME is a state and four functions, n a compile-time constant:
 *   NAME_generate  z -> y, returns ld = ln|det dy/dz|
 *   NAME_infer     y -> z, returns the same ld
 *   NAME_vjp       after either: gz = (dy/dz)^T gy + gl dld/dz, and the cotangents of the
 *                  outputs, (dy/dp)^T gy + gl dld/dp
 *   NAME_solve     after either: gy with (dy/dz)^T gy = gz - gl dld/dz */
#ifndef KAD_FLOW_TRANSFORM_KERN_H
#define KAD_FLOW_TRANSFORM_KERN_H

#include "flow/econv.h"
#include "flow/lanes_kern.h"

typedef struct kad_outs {
    vreal odd[KAD_ECONV_MAX_ODD][3]; /* [output][component] */
    vreal even[KAD_ECONV_MAX_EVEN];
} kad_outs;

KAD_LANES_INLINE vreal kad_dot(const int n, const vreal *a, const vreal *b)
{
    vreal sum = a[0] * b[0];
    if (n > 1) sum += a[1] * b[1];
    if (n > 2) sum += a[2] * b[2];
    return sum;
}

#endif

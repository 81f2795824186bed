/* Shared by the transforms of the stencil coupling (*_kern.h): the net's outputs,
 * and small vectors in R^n.
 *
 * A transform NAME is a state per vector of lanes (index v) and functions, called in this
 * order for all v of a row one after the other, so that their long chains overlap; n is a
 * compile-time constant:
 *   NAME_prepare  what the outputs fix, as far as `need` (KAD_FOR_*, a constant) asks
 *   NAME_up       target z -> y, in place;  or  NAME_down  y -> z
 *   NAME_ld       ln|det dy/dz|
 *   NAME_solve    cotangent gz -> gy with (dy/dz)^T gy = gz - gl dld/dz, in place
 *   NAME_vjp      cotangents of the outputs, (dy/dp)^T gy + gl dld/dp, to `go`; returns
 *                 gz = (dy/dz)^T gy + gl dld/dz in place of gy [n]
 *
 * This folder holds what the parameters of a stencil coupling do to its target:
 * affine_kern, q4t_kern, lfa_kern. */
#ifndef KAD_FLOW_TRANSFORMS_TRANSFORM_KERN_H
#define KAD_FLOW_TRANSFORMS_TRANSFORM_KERN_H

#include "flow/bijectors/stencil.h"
#include "flow/lanes_kern.h"

/* What the state must hold beyond the map up: the map down, the adjoints. */
enum { KAD_FOR_DOWN = 1, KAD_FOR_ADJOINT = 2 };

/* Rows of the outputs, or of their cotangents: odd [n][KAD_NV], even [KAD_NV]. */
typedef struct kad_outs {
    vreal *odd[KAD_STENCIL_MAX_ODD];
    vreal *even[KAD_STENCIL_MAX_EVEN];
} kad_outs;

/* Component c of a row of n components. */
KAD_LANES_INLINE int kad_at(int c, int v)
{
    return c * KAD_NV + v;
}

KAD_LANES_INLINE vreal kad_dot(const int n, const vreal *a, const vreal *b)
{
    vreal sum = a[0] * b[0];
    if (n > 1) sum += a[1] * b[1];
    if (n > 2) sum += a[2] * b[2];
    return sum;
}

#endif

/* A stencil coupling and every transform by their formulas, one sample, plainly. */
#ifndef KAD_TESTS_NAIVE_STENCIL_H
#define KAD_TESTS_NAIVE_STENCIL_H

#include "flow/bijectors/stencil.h"

/* The target y [n] of a part from its latent z [n] and sources X [n_sources][n]; returns
 * ln |det dy/dz|. */
double naive_stencil(const kad_stencil *e, const double *theta, int n, const double *X,
                     const double *z, double *y);

#endif

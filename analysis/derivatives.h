/* Derivatives of a function that is known at some points with independent errors: of the
 * polynomial of degree 6 through the nearest 9 of them (of 7 or 8 points: of degree 4 or 5), by
 * least squares with weights 1/err^2. Errors are those of y and, where polynomials of one and two
 * degrees less differ from it by more than noise would, the larger of the differences. For ln Z of
 * a finite lattice at 25 points over a critical region they do not. What is narrower than the
 * distance of the points nothing here can see. */
#ifndef KAD_ANALYSIS_DERIVATIVES_H
#define KAD_ANALYSIS_DERIVATIVES_H

#include "base/jackknife.h"

/* y'(x_i) and y''(x_i) from x, y, err [n]; x differ. Points whose y or err is not finite, or
 * err not positive, are left out. NaN where fewer than KAD_DERIVATIVES_LEAST are left, or x_i is
 * none of them. */
enum { KAD_DERIVATIVES_LEAST = 7 };
void kad_derivatives_at(size_t n, const double *x, const double *y, const double *err,
                        size_t i, kad_estimate *first, kad_estimate *second);

#endif

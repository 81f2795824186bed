/* Generalised linear least squares: y = X c with covariance C of the data,
 *   c = (X^T C^{-1} X)^{-1} X^T C^{-1} y,   chi^2 = (y - X c)^T C^{-1} (y - X c).
 * Prepared once, solved for the data and for each of their replicas. */
#ifndef KAD_ANALYSIS_LINEAR_H
#define KAD_ANALYSIS_LINEAR_H

#include "base/memory.h"

#include <stdbool.h>

typedef struct kad_linear {
    size_t n, m;     /* data, coefficients */
    const double *L; /* [n][n] Cholesky factor of C: borrowed */
    double *x;       /* [m][n] L^{-1} X, column by column */
    double *normal;  /* [m][m] Cholesky factor of X^T C^{-1} X */
    double *y;       /* [n] work */
} kad_linear;

/* Room for n data and at most m coefficients. L: from kad_cholesky of C. */
KAD_MUST_USE kad_status kad_linear_take(kad_scope *in, size_t n, size_t m,
                                        const double *L, kad_linear *out);
/* With x [m][n] filled by the caller with X (column k at x + k n), which is destroyed. False
 * where the data do not fix the coefficients. */
bool kad_linear_prepare(kad_linear *fit, size_t m);
/* Coefficients c [m] of data y [n]; returns chi^2. */
double kad_linear_solve(const kad_linear *fit, const double *y, double *c);

#endif

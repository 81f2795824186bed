/* Small dense matrices in double, row-major; row i of one begins at i * stride. Products
 * with the rows of tiles: matrix_kern.h; eigenvalues: GSL. */
#ifndef KAD_BASE_MATRIX_H
#define KAD_BASE_MATRIX_H

#include <stdbool.h>
#include <stddef.h>

/* A = L L^T: the lower triangle of A becomes L; what is above is neither read nor written.
 * False where a pivot (square of a diagonal element) is not above `least`: 0, or what
 * rounding leaves of zero. */
bool kad_cholesky(size_t n, size_t stride, double *a, double least);
/* ln det A */
double kad_cholesky_log_det(size_t n, size_t stride, const double *L);
/* x <- L^-1 x, x <- L^-T x: one after the other A^-1 x. */
void kad_cholesky_forward(size_t n, size_t stride, const double *L, double *x);
void kad_cholesky_backward(size_t n, size_t stride, const double *L, double *x);
/* out += weight A^-1; work [n][n]. */
void kad_cholesky_add_inverse(size_t n, size_t stride, const double *L, double weight,
                              double *work, size_t out_stride, double *out);

/* ln|det A| of any square matrix [n][n], by elimination with pivots; A is destroyed. */
double kad_log_abs_det(size_t n, double *a);

#endif

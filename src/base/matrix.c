#include "base/matrix.h"

#include <math.h>

bool kad_cholesky(size_t n, size_t stride, double *a, double least)
{
    for (size_t i = 0; i < n; i++) {
        double *row = a + i * stride;
        for (size_t j = 0; j <= i; j++) {
            const double *other = a + j * stride;
            double sum = row[j];
            for (size_t k = 0; k < j; k++)
                sum -= row[k] * other[k];
            if (i == j && !(sum > least)) return false;
            row[j] = i == j ? sqrt(sum) : sum / other[j];
        }
    }
    return true;
}

double kad_cholesky_log_det(size_t n, size_t stride, const double *L)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += 2.0 * log(L[i * stride + i]);
    return sum;
}

void kad_cholesky_forward(size_t n, size_t stride, const double *L, double *x)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++)
            x[i] -= L[i * stride + k] * x[k];
        x[i] /= L[i * stride + i];
    }
}

void kad_cholesky_backward(size_t n, size_t stride, const double *L, double *x)
{
    for (size_t i = n; i-- > 0;) {
        for (size_t k = i + 1; k < n; k++)
            x[i] -= L[k * stride + i] * x[k];
        x[i] /= L[i * stride + i];
    }
}

/* work: the transposed inverse of L, row j its column j. */
void kad_cholesky_add_inverse(size_t n, size_t stride, const double *L, double weight,
                              double *work, size_t out_stride, double *out)
{
    for (size_t j = 0; j < n; j++) {
        double *column = work + j * n;
        column[j] = 1.0 / L[j * stride + j];
        for (size_t i = j + 1; i < n; i++) {
            double sum = 0.0;
            for (size_t k = j; k < i; k++)
                sum -= L[i * stride + k] * column[k];
            column[i] = sum / L[i * stride + i];
        }
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) {
            double sum = 0.0;
            for (size_t k = i; k < n; k++)
                sum += work[i * n + k] * work[j * n + k];
            out[i * out_stride + j] += weight * sum;
            if (i != j) out[j * out_stride + i] += weight * sum;
        }
}

double kad_log_abs_det(size_t n, double *a)
{
    double sum = 0.0;
    for (size_t k = 0; k < n; k++) {
        size_t pivot = k;
        for (size_t i = k + 1; i < n; i++)
            if (fabs(a[i * n + k]) > fabs(a[pivot * n + k])) pivot = i;
        for (size_t j = 0; j < n && pivot != k; j++) {
            const double swap = a[k * n + j];
            a[k * n + j] = a[pivot * n + j];
            a[pivot * n + j] = swap;
        }
        sum += log(fabs(a[k * n + k]));
        for (size_t i = k + 1; i < n; i++) {
            const double f = a[i * n + k] / a[k * n + k];
            for (size_t j = k; j < n; j++)
                a[i * n + j] -= f * a[k * n + j];
        }
    }
    return sum;
}

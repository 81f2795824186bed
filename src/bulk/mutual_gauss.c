#include "base/memory.h"
#include "bulk/mutual.h"

#include <math.h>

/* Lower Cholesky factor L [n][n] of the block of cov that starts at (first, first); ln
 * det of the block, NaN where it is not positive definite. */
static double factor(size_t n, size_t first, size_t stride, const double *cov, double *L)
{
    double ln_det = 0;
    for (size_t i = 0; i < n; i++) {
        double *row = L + i * n;
        for (size_t j = 0; j <= i; j++) {
            const double *other = L + j * n;
            double sum = cov[(first + i) * stride + first + j];
            for (size_t k = 0; k < j; k++)
                sum -= row[k] * other[k];
            row[j] = i == j ? sqrt(sum) : sum / other[j];
        }
        if (!(row[i] > 0)) return NAN;
        ln_det += 2 * log(row[i]);
    }
    return ln_det;
}

/* slope += weight * (L L^T)^-1 in the block's place; T [n][n] holds the transposed inverse
 * of L meanwhile: row j, its column j. */
static void add_inverse(size_t n, size_t first, size_t stride, double weight,
                        const double *L, double *T, double *slope)
{
    for (size_t j = 0; j < n; j++) {
        T[j * n + j] = 1 / L[j * n + j];
        for (size_t i = j + 1; i < n; i++) {
            double sum = 0;
            for (size_t k = j; k < i; k++)
                sum -= L[i * n + k] * T[j * n + k];
            T[j * n + i] = sum / L[i * n + i];
        }
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) {
            double sum = 0;
            for (size_t k = i; k < n; k++)
                sum += T[i * n + k] * T[j * n + k];
            slope[(first + i) * stride + first + j] += weight * sum;
            if (i != j) slope[(first + j) * stride + first + i] += weight * sum;
        }
}

kad_status kad_mutual_gauss(kad_ctx *ctx, size_t n_a, size_t n_b, const double *cov,
                            double *out, double *slope)
{
    const size_t n = n_a + n_b;
    const size_t block[3] = {n_a, n_b, n}, first[3] = {0, n_a, 0};
    const double weight[3] = {0.5, 0.5, -0.5};
    double *L = NULL;
    const kad_status status = kad_new(ctx, 2 * n * n, sizeof *L, &L);
    if (status != KAD_OK) return status;
    *out = 0;
    for (size_t i = 0; slope != NULL && i < n * n; i++)
        slope[i] = 0;
    for (int b = 0; b < 3 && isfinite(*out); b++) {
        *out += weight[b] * factor(block[b], first[b], n, cov, L);
        if (slope != NULL && isfinite(*out))
            add_inverse(block[b], first[b], n, weight[b], L, L + n * n, slope);
    }
    kad_free(L);
    return KAD_OK;
}

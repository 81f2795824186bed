#include "base/matrix.h"
#include "base/memory.h"
#include "bulk/mutual.h"

#include <math.h>
#include <string.h>

/* The factor L [n][n] of the block of cov that starts at (first, first); ln det of the
 * block, NaN where it is not positive definite. */
static double factor(size_t n, size_t first, size_t stride, const double *cov, double *L)
{
    for (size_t i = 0; i < n; i++)
        memcpy(L + i * n, cov + (first + i) * stride + first, n * sizeof *L);
    return kad_cholesky(n, n, L, 0.0) ? kad_cholesky_log_det(n, n, L) : NAN;
}

kad_status kad_mutual_gauss(kad_ctx *ctx, size_t n_a, size_t n_b, const double *cov,
                            double *out, double *slope)
{
    KAD_SCOPE(scope, ctx);
    const size_t n = n_a + n_b;
    const size_t block[3] = {n_a, n_b, n}, first[3] = {0, n_a, 0};
    const double weight[3] = {0.5, 0.5, -0.5};
    double *L;
    KAD_CALL(kad_take(&scope, 2 * n * n, &L));
    *out = 0;
    for (size_t i = 0; slope != NULL && i < n * n; i++)
        slope[i] = 0;
    for (int b = 0; b < 3 && isfinite(*out); b++) {
        *out += weight[b] * factor(block[b], first[b], n, cov, L);
        if (slope != NULL && isfinite(*out))
            kad_cholesky_add_inverse(block[b], block[b], L, weight[b], L + n * n, n,
                                     slope + first[b] * (n + 1));
    }
    return KAD_OK;
}

/* Small dense matrices. */
#include "base/matrix.h"
#include "tests/support/analysis_util.h"

enum { N = 7, STRIDE = 9 };

/* A random matrix of large condition, B; A = B B^T + 1/8 into rows of STRIDE. */
static void positive(uint64_t replica, double *b, double *a)
{
    for (size_t i = 0; i < N * N; i++)
        b[i] = test_normal(31, replica, i);
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++) {
            a[i * STRIDE + j] = i == j ? 0.125 : 0.0;
            for (size_t k = 0; k < N; k++)
                a[i * STRIDE + j] += b[i * N + k] * b[j * N + k];
        }
}

/* Rounding of n = 7 terms and pivots of 1/8 at least: 1e-12 is a thousand of it. */
static void cholesky_solves(void **state)
{
    (void)state;
    for (uint64_t replica = 0; replica < 20; replica++) {
        double b[N * N], a[N * STRIDE], L[N * STRIDE], inverse[N * STRIDE] = {0};
        double work[N * N], x[N], packed[N * N];
        positive(replica, b, a);
        memcpy(L, a, sizeof L);
        for (size_t i = 0; i < N; i++)
            for (size_t j = i + 1; j < N; j++)
                L[i * STRIDE + j] = NAN; /* is not read */
        assert_true(kad_cholesky(N, STRIDE, L, 0.0));
        kad_cholesky_add_inverse(N, STRIDE, L, -2.0, work, STRIDE, inverse);
        for (size_t c = 0; c < N; c++) {
            for (size_t i = 0; i < N; i++)
                x[i] = i == c ? 1.0 : 0.0;
            kad_cholesky_forward(N, STRIDE, L, x);
            kad_cholesky_backward(N, STRIDE, L, x);
            for (size_t i = 0; i < N; i++) {
                double unit = 0.0;
                for (size_t k = 0; k < N; k++)
                    unit += a[i * STRIDE + k] * x[k];
                assert_true(fabs(unit - (i == c ? 1.0 : 0.0)) < 1e-12);
                assert_true(fabs(inverse[i * STRIDE + c] + 2.0 * x[i]) < 1e-12);
            }
        }
        for (size_t i = 0; i < N; i++)
            memcpy(packed + i * N, a + i * STRIDE, N * sizeof *a);
        assert_true(fabs(kad_cholesky_log_det(N, STRIDE, L) -
                         kad_log_abs_det(N, packed)) < 1e-12);
    }
}

static void cholesky_refuses(void **state)
{
    (void)state;
    double indefinite[4] = {1.0, 0.0, 2.0, 1.0}, singular[4] = {1.0, 0.0, 1.0, 1.0};
    double nan[1] = {NAN};
    assert_false(kad_cholesky(2, 2, indefinite, 0.0));
    assert_false(kad_cholesky(2, 2, singular, 0.0));
    assert_false(kad_cholesky(1, 1, nan, 0.0));
    double small[4] = {1.0, 0.0, 1.0, 1.0 + 1e-10};
    assert_false(kad_cholesky(2, 2, small, 1e-9));
}

/* det of a permutation times a triangle; of a product of two, the product. */
static void determinants(void **state)
{
    (void)state;
    double a[9] = {0.0, 0.0, 2.0, 3.0, 7.0, 1.0, 0.0, 5.0, 4.0};
    double b[N * N], s[N * STRIDE], square[N * N];
    assert_true(fabs(kad_log_abs_det(3, a) - log(30.0)) < 1e-14);
    positive(99, b, s);
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++)
            square[i * N + j] = s[i * STRIDE + j] - (i == j ? 0.125 : 0.0);
    const double one = kad_log_abs_det(N, b);
    assert_true(fabs(kad_log_abs_det(N, square) - 2.0 * one) < 1e-10);
    double zero[4] = {1.0, 2.0, 2.0, 4.0};
    assert_true(kad_log_abs_det(2, zero) == -INFINITY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("matrix: Cholesky's factor solves, inverts, and has the determinant",
              cholesky_solves),
        CLAIM("matrix: Cholesky refuses what is not positive", cholesky_refuses),
        CLAIM("matrix: ln|det| of permuted triangles and of products", determinants),
    };
    return cmocka_run_group_tests_name("matrix", tests, NULL, NULL);
}

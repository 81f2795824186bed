/* Derivatives of values with errors. */
#include "analysis/derivatives.h"
#include "base/rng.h"
#include "tests/support/claim.h"

enum { N = 25 };

/* x unevenly spaced. */
static double at(size_t i)
{
    const double u = (double)i / (N - 1);
    return 0.4 + 0.1 * u + 0.02 * u * u;
}

static double polynomial(double x, int derivative)
{
    static const double c[7] = {1, -3, 20, 100, -500, 3000, 20000};
    double sum = 0;
    for (int k = derivative; k < 7; k++)
        sum += c[k] *
               (derivative == 0   ? 1
                : derivative == 1 ? k
                                  : k * (k - 1)) *
               pow(x - 0.45, k - derivative);
    return sum;
}

static void exact_for_polynomials(void **state)
{
    (void)state;
    double x[N], y[N], err[N];
    for (size_t i = 0; i < N; i++) {
        x[i] = at(i);
        y[i] = polynomial(x[i], 0);
        err[i] = 1e-3 * (1 + (double)(i % 3));
    }
    for (size_t i = 0; i < N; i++) {
        kad_estimate first, second;
        kad_derivatives_at(N, x, y, err, i, &first, &second);
        assert_close(first.value, polynomial(x[i], 1), 1e-6);
        assert_close(second.value, polynomial(x[i], 2), 1e-3);
        assert_true(first.err > 0 && second.err > 0);
    }
}

static double normal(kad_rng rng, uint64_t replica, size_t i)
{
    double pair[2];
    kad_rng_normal2(rng, replica, i, 0, pair);
    return pair[0];
}

/* Over 4000 replicas the pulls of both have variance 1: a variance is known to sqrt(2/4000)
 * = 0.022, four of that. Two thirds of the points have twice and three times the error. */
static void errors_cover(void **state)
{
    (void)state;
    enum { REPLICAS = 4000 };
    const kad_rng rng = kad_rng_stream(7, KAD_RNG_TEST, 0);
    double x[N], y[N], err[N], sum1 = 0, sum2 = 0;
    const size_t i = 9;
    for (size_t k = 0; k < N; k++) {
        x[k] = at(k);
        err[k] = 1e-3 * (1 + (double)(k % 3));
    }
    for (uint64_t r = 0; r < REPLICAS; r++) {
        kad_estimate first, second;
        for (size_t k = 0; k < N; k++)
            y[k] = polynomial(x[k], 0) + err[k] * normal(rng, r, k);
        kad_derivatives_at(N, x, y, err, i, &first, &second);
        const double a = (first.value - polynomial(x[i], 1)) / first.err,
                     b = (second.value - polynomial(x[i], 2)) / second.err;
        sum1 += a * a / REPLICAS;
        sum2 += b * b / REPLICAS;
    }
    assert_close(sum1, 1, 0.09);
    assert_close(sum2, 1, 0.09);
}

static void few_and_missing_points(void **state)
{
    (void)state;
    double x[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, y[9] = {1, 4, NAN, 16, 25, 36, 49, 64, 81},
           err[9] = {1, 1, 1, 1, 0, 1, 1, 1, 1};
    kad_estimate first, second;
    kad_derivatives_at(9, x, y, err, 0, &first, &second); /* through all but 3 and 5 */
    assert_close(first.value, 2, 1e-11);
    assert_close(second.value, 2, 1e-11);
    kad_derivatives_at(9, x, y, err, 2, &first, &second);
    assert_true(isnan(first.value) && isnan(second.err));
    kad_derivatives_at(8, x, y, err, 0, &first, &second);
    assert_true(isnan(first.value) && isnan(first.err));
}

/* ln Z of the Ising ring of 16 sites, at inverse temperatures of T evenly spaced from 1.5 to 4:
 *   (2 cosh b)^16 + (2 sinh b)^16.
 * Few points over so wide a range cannot tell its curvature: the error says so. */
static double ring(double b)
{
    return 16 * log(2 * cosh(b)) + log1p(pow(tanh(b), 16));
}

static double slope_of_ring(double b, double h)
{
    return (8 * (ring(b + h) - ring(b - h)) - (ring(b + 2 * h) - ring(b - 2 * h))) /
           (12 * h);
}

static double bend_of_ring(double b, double h)
{
    return (16 * (ring(b + h) + ring(b - h)) - ring(b + 2 * h) - ring(b - 2 * h) -
            30 * ring(b)) /
           (12 * h * h);
}

/* Mean squares of the pulls, over all points, are at most 1 (four of their own errors:
 * sqrt(2/(replicas x points)), were the points independent; they are taken as two); and
 * without noise the true values lie within the errors. */
static void what_is_left_out_is_in_the_errors(void **state)
{
    (void)state;
    enum { REPLICAS = 400, MOST = 25 };
    static const size_t sizes[] = {7, 8, 9, 10, 13, 25};
    static const double noise[] = {3e-3, 1e-3, 1e-4, 1e-5};
    const kad_rng rng = kad_rng_stream(8, KAD_RNG_TEST, 0);
    for (size_t c = 0; c < 6 * 4; c++) {
        const size_t n = sizes[c / 4];
        double x[MOST], y[MOST], err[MOST], sum[2] = {0, 0};
        for (size_t k = 0; k < n; k++) {
            x[k] = 1 / (1.5 + 2.5 * (double)k / (double)(n - 1));
            err[k] = noise[c % 4];
        }
        for (uint64_t r = 0; r < REPLICAS; r++) {
            for (size_t k = 0; k < n; k++)
                y[k] = ring(x[k]) + err[k] * normal(rng, r, k);
            for (size_t k = 0; k < n; k++) {
                kad_estimate first, second;
                kad_derivatives_at(n, x, y, err, k, &first, &second);
                const double a = (first.value - slope_of_ring(x[k], 1e-3)) / first.err,
                             b = (second.value - bend_of_ring(x[k], 1e-3)) / second.err;
                sum[0] += a * a / (double)n / REPLICAS;
                sum[1] += b * b / (double)n / REPLICAS;
            }
        }
        if (sum[0] > 1.2 || sum[1] > 1.2)
            fail_msg("%zu points, noise %g: %.2f %.2f", n, err[0], sum[0], sum[1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("exact for polynomials of degree 6", exact_for_polynomials),
        CLAIM("the pulls of both derivatives have variance 1", errors_cover),
        CLAIM("few points, and points without a value", few_and_missing_points),
        CLAIM("what the polynomial leaves out is in the errors",
              what_is_left_out_is_in_the_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Coverage of the Gamma method's error bars over thousands of series with fresh seeds:
 * AR(1) series and the states of an independent sampler with long runs of rejections. */
#include "analysis/gamma.h"
#include "analysis_util.h"

#include <time.h>

enum { REPLICAS = 5000, N = 10000 };

static uint64_t fresh;

/* Keeps each value for a geometric number of draws: tau_int = 1/p - 1/2. */
static void rejection_series(uint64_t replica, double p, size_t n, double *a)
{
    const kad_rng rng = kad_rng_stream(fresh, KAD_RNG_TEST, 50);
    double current = test_normal(51, replica ^ fresh, 0);
    for (size_t i = 0; i < n; i++) {
        if (kad_rng_uniform(rng, replica, i, 0) < p)
            current = test_normal(52, replica ^ fresh, i);
        a[i] = current;
    }
}

/* 5000 replicas know 0.683 to 0.0066 and 0.954 to 0.003; five of those, and the method's
 * own undercoverage, which is of order tau/N. */
static void check(double tau, bool rejections)
{
    static double a[N];
    kad_ctx ctx;
    int one = 0, two = 0;
    double mean_tau = 0.0;
    kad_ctx_init(&ctx, 1);
    for (uint64_t r = 0; r < REPLICAS; r++) {
        kad_gamma g;
        if (rejections)
            rejection_series(r, 1.0 / (tau + 0.5), N, a);
        else
            test_ar1(53, r ^ fresh, tau, 0.0, N, a);
        assert_int_equal(kad_gamma_analyse(&ctx, 1, N, a, 1.5, &g), KAD_OK);
        assert_int_equal(g.flag, KAD_GAMMA_OK);
        one += fabs(g.mean) < g.err;
        two += fabs(g.mean) < 2.0 * g.err;
        mean_tau += g.tau_int / REPLICAS;
        kad_gamma_clear(&g);
    }
    print_message("# tau %.1f: coverage %.4f %.4f, mean tau %.3f\n", tau,
                  (double)one / REPLICAS, (double)two / REPLICAS, mean_tau);
    assert_true(fabs((double)one / REPLICAS - 0.683) < 5 * 0.0066 + 0.01);
    assert_true(fabs((double)two / REPLICAS - 0.954) < 5 * 0.003 + 0.01);
    assert_true(fabs(mean_tau / tau - 1.0) < 0.08);
}

static void ar1(void **state)
{
    (void)state;
    check(1.0, false);
    check(5.0, false);
    check(20.0, false);
}

static void rejections(void **state)
{
    (void)state;
    check(2.0, true);
    check(20.0, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("gamma: coverage over 5000 AR(1) series", ar1),
        CLAIM("gamma: coverage over 5000 series with runs of rejections", rejections),
    };
    fresh = (uint64_t)time(NULL) << 16;
    printf("# seed %llu\n", (unsigned long long)fresh);
    return cmocka_run_group_tests_name("gamma_long", tests, NULL, NULL);
}

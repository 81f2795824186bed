/* Multistate reweighting at length: coverage of its errors, and its speed. */
#include "analysis/mbar.h"
#include "base/rng.h"
#include "tests/support/claim.h"

#include <time.h>

/* Wells S_k = x^2/2 - b_k x: ln Z_k/Z_0 = (b_k^2 - b_0^2)/2, <x> = b_k. */
static double offset_of(size_t k, size_t K)
{
    return 3.0 * (double)k / (double)(K - 1);
}

static double normal(uint64_t seed, uint64_t n)
{
    double z[2];
    kad_rng_normal2(kad_rng_stream(seed, KAD_RNG_EVAL, 0), 0, n, 0, z);
    return z[0];
}

static void make(kad_scope *in, uint64_t seed, size_t K, size_t n, double r,
                 kad_mbar_state *state)
{
    for (size_t k = 0; k < K; k++) {
        double *x, *c, at = normal(seed, k * (n + 1));
        assert_int_equal(kad_take(in, n, &x), KAD_OK);
        assert_int_equal(kad_take(in, 1, &c), KAD_OK);
        *c = -offset_of(k, K);
        for (size_t i = 0; i < n; i++) {
            x[i] = offset_of(k, K) + at;
            at = r * at + sqrt(1 - r * r) * normal(seed, k * (n + 1) + i + 1);
        }
        state[k] = (kad_mbar_state){.c = c,
                                    .n = n,
                                    .g = (1 + r) / (1 - r),
                                    .memory = (1 + r) / (1 - r),
                                    .statistic = {x}};
    }
}

/* 2000 repeats of five chains: how often the truth is within one and two errors is what
 * Student's t of 39 degrees says, to 2 %: two errors of one share of 2000, and of many. */
static void coverage(void **state)
{
    enum { REPEATS = 2000, K = 5, DRAWS = 1500, PULLS = K + 1 };
    static const double within[2] = {0.6764, 0.9475};
    (void)state;
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    double found[2] = {0}, square = 0;
    for (uint64_t repeat = 0; repeat < REPEATS; repeat++) {
        KAD_SCOPE(scope, &ctx);
        kad_mbar_state chain[K];
        kad_mbar m;
        kad_mbar_curve at;
        double pull[PULLS];
        const double *x[K], *const *const columns[1] = {x}, theta = -1.1;
        make(&scope, repeat, K, DRAWS, 0.5, chain);
        for (size_t k = 0; k < K; k++)
            x[k] = chain[k].statistic[0];
        assert_int_equal(kad_mbar_solve(&scope, K, 1, chain, &m), KAD_OK);
        assert_int_equal(kad_mbar_at(&scope, &m, 1, &theta, 1, columns, &at), KAD_OK);
        for (size_t k = 1; k < K; k++)
            pull[k - 1] = (m.f[k] + offset_of(k, K) * offset_of(k, K) / 2) / m.f_err[k];
        const kad_estimate ln_z = kad_mbar_estimate(&at, 0, 0),
                           mean = kad_mbar_estimate(&at, 0, 1);
        pull[K - 1] = (ln_z.value - theta * theta / 2) / ln_z.err;
        pull[K] = (mean.value + theta) / mean.err;
        for (size_t i = 0; i < PULLS; i++) {
            for (int s = 0; s < 2; s++)
                found[s] += (fabs(pull[i]) < 1 + s) / (double)(REPEATS * PULLS);
            square += pull[i] * pull[i] / (REPEATS * PULLS);
        }
    }
    print_message("# within one error %.4f (%.4f), two %.4f (%.4f), variance %.3f\n",
                  found[0], within[0], found[1], within[1], square);
    for (int s = 0; s < 2; s++)
        assert_true(fabs(found[s] - within[s]) < 0.02);
}

/* A million draws at 24 points, 50 values of six columns: ten seconds of one core. */
static void speed(void **state)
{
    enum { K = 24, DRAWS = 41667, VALUES = 50, COLUMNS = 6 };
    (void)state;
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    KAD_SCOPE(scope, &ctx);
    kad_mbar_state chain[K];
    kad_mbar m;
    kad_mbar_curve at;
    const double *x[K], *const *columns[COLUMNS];
    double theta[VALUES];
    make(&scope, 1, K, DRAWS, 0, chain);
    for (size_t k = 0; k < K; k++)
        x[k] = chain[k].statistic[0];
    for (size_t o = 0; o < COLUMNS; o++)
        columns[o] = x;
    for (size_t i = 0; i < VALUES; i++)
        theta[i] = -3.0 * (double)i / (VALUES - 1);
    const clock_t start = clock();
    assert_int_equal(kad_mbar_solve(&scope, K, 1, chain, &m), KAD_OK);
    const double solved = (double)(clock() - start) / CLOCKS_PER_SEC;
    assert_int_equal(kad_mbar_at(&scope, &m, VALUES, theta, COLUMNS, columns, &at),
                     KAD_OK);
    const double all = (double)(clock() - start) / CLOCKS_PER_SEC;
    print_message("# %d iterations %.1f s, %d values %.1f s\n", m.n_iterations, solved,
                  VALUES, all - solved);
    assert_true(all < 10);
    for (size_t i = 0; i < VALUES; i++) {
        const kad_estimate mean = kad_mbar_estimate(&at, i, 1);
        assert_true(fabs(mean.value + theta[i]) < 5 * mean.err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("mbar: errors cover what they say", coverage),
        CLAIM("mbar: a million draws in ten seconds", speed),
    };
    return cmocka_run_group_tests_name("mbar", tests, NULL, NULL);
}

/* The Gamma method on series of known autocorrelation. */
#include "analysis/gamma.h"
#include "analysis/runs.h"
#include "analysis_util.h"

static kad_gamma analyse(size_t n_chains, size_t n, const double *a)
{
    kad_ctx ctx;
    kad_gamma out;
    kad_ctx_init(&ctx, 1);
    assert_int_equal(kad_gamma_analyse(&ctx, n_chains, n, a, 1.5, &out), KAD_OK);
    return out;
}

/* Shares of `replicas` AR(1) series whose error bar covers the truth at 1 and 2 sigma,
 * and the mean tau_int. */
static void coverage(double tau, size_t n_chains, size_t n, int replicas, double *one,
                     double *two, double *mean_tau, double *tau_pull2)
{
    double *a = kad_alloc(n_chains * n, sizeof *a);
    assert_non_null(a);
    *one = *two = *mean_tau = *tau_pull2 = 0.0;
    for (int r = 0; r < replicas; r++) {
        for (size_t c = 0; c < n_chains; c++)
            test_ar1(1, (uint64_t)r * n_chains + c, tau, 3.0, n, a + c * n);
        kad_gamma g = analyse(n_chains, n, a);
        assert_int_equal(g.flag, KAD_GAMMA_OK);
        const double pull = (g.mean - 3.0) / g.err;
        *one += fabs(pull) < 1.0 ? 1.0 / replicas : 0.0;
        *two += fabs(pull) < 2.0 ? 1.0 / replicas : 0.0;
        *mean_tau += g.tau_int / replicas;
        const double tp = (g.tau_int - tau) / g.tau_int_err;
        *tau_pull2 += tp * tp / replicas;
        kad_gamma_clear(&g);
    }
    kad_free(a);
}

/* 300 replicas know a coverage of 0.68 to 0.027 and one of 0.95 to 0.012; five of those
 * and 0.02 for the method's own undercoverage at N/tau = 500. tau_int: biased low by the
 * window, at most 10 %. */
static void ar1_coverage(void **state)
{
    (void)state;
    static const double taus[] = {0.5, 4.0};
    for (int i = 0; i < 2; i++) {
        double one, two, tau, pull2;
        coverage(taus[i], 1, 2000, 300, &one, &two, &tau, &pull2);
        print_message("# tau %.1f: coverage %.3f %.3f, mean tau %.3f, pull^2 %.2f\n",
                      taus[i], one, two, tau, pull2);
        assert_true(fabs(one - 0.683) < 5 * 0.027 + 0.02);
        assert_true(fabs(two - 0.954) < 5 * 0.012 + 0.02);
        assert_true(fabs(tau - taus[i]) < 0.1 * taus[i]);
    }
}

static void chains_share_a_mean(void **state)
{
    (void)state;
    double one, two, tau, pull2;
    coverage(3.0, 4, 500, 300, &one, &two, &tau, &pull2);
    assert_true(fabs(one - 0.683) < 5 * 0.027 + 0.02);
    assert_true(fabs(two - 0.954) < 5 * 0.012 + 0.02);
    assert_true(fabs(tau - 3.0) < 0.3);
}

/* Independent draws: tau_int is 1/2 to a few per cent and the naive error stands. */
static void white_noise(void **state)
{
    (void)state;
    enum { N = 20000 };
    double *a = kad_alloc(N, sizeof *a);
    test_ar1(2, 0, 0.5, -1.0, N, a);
    kad_gamma g = analyse(1, N, a);
    assert_true(fabs(g.tau_int - 0.5) < 5 * g.tau_int_err + 1e-3);
    assert_true(fabs(g.err / g.err_naive - 1.0) < 0.06);
    assert_true(fabs(g.rho[0] - 1.0) < 1e-12 && g.rho_err[0] == 0.0);
    /* rho(1) = 0 within five of its errors, which are about 1/sqrt(N) */
    assert_true(fabs(g.rho[1]) < 5 * g.rho_err[1]);
    assert_true(fabs(g.rho_err[1] * sqrt(N) - 1.0) < 0.2);
    assert_true(fabs(g.rhat - 1.0) < 1e-3);
    kad_gamma_clear(&g);
    kad_free(a);
}

/* The state of a sampler that accepts with probability p keeps each value for a geometric
 * number of draws: tau = 1/2 + (1 - p)/p. Both estimates find it. */
static void rejections(void **state)
{
    (void)state;
    enum { N = 100000 };
    const double p = 0.2, tau = 0.5 + (1.0 - p) / p;
    const kad_rng rng = kad_rng_stream(5, KAD_RNG_TEST, 9);
    double *a = kad_alloc(N, sizeof *a), *accepted = kad_alloc(N, sizeof *accepted);
    double current = 0.0;
    for (size_t i = 0; i < N; i++) {
        accepted[i] = kad_rng_uniform(rng, 0, i, 0) < p ? 1.0 : 0.0;
        if (accepted[i] != 0.0 || i == 0) current = test_normal(3, 1, i);
        a[i] = current;
    }
    kad_gamma g = analyse(1, N, a);
    const kad_runs runs = kad_runs_analyse(1, N, accepted);
    print_message("# tau %.3f: Gamma %.3f(%.3f), runs %.3f\n", tau, g.tau_int,
                  g.tau_int_err, runs.tau);
    assert_true(fabs(g.tau_int - tau) < 5 * g.tau_int_err);
    assert_true(fabs(runs.tau - tau) < 0.05 * tau);
    kad_gamma_clear(&g);
    kad_free(a);
    kad_free(accepted);
}

static void runs_counted(void **state)
{
    (void)state;
    /* two chains: runs 2, 1 | 3; sum l(l+1)/2 = 3 + 1 + 6 over 12 draws */
    const double accepted[12] = {1, 0, 0, 1, 0, 1, 1, 1, 1, 0, 0, 0};
    const kad_runs runs = kad_runs_analyse(2, 6, accepted);
    assert_int_equal(runs.n_accepted, 6);
    assert_int_equal(runs.longest, 3);
    assert_true(fabs(runs.tau - (0.5 + 10.0 / 12.0)) < 1e-15);
}

static void constant_series(void **state)
{
    (void)state;
    double a[1000];
    for (int i = 0; i < 1000; i++)
        a[i] = 0.1;
    kad_gamma g = analyse(2, 500, a);
    assert_int_equal(g.flag, KAD_GAMMA_CONSTANT);
    assert_true(isnan(g.err) && isnan(g.tau_int));
    assert_true(fabs(g.mean - 0.1) < 1e-15);
    kad_gamma_clear(&g);
}

static void short_series(void **state)
{
    (void)state;
    double a[600];
    test_ar1(4, 0, 40.0, 0.0, 600, a);
    kad_gamma g = analyse(1, 600, a);
    assert_true(g.flag == KAD_GAMMA_SHORT || g.flag == KAD_GAMMA_OPEN);
    assert_true(isnan(g.err) && g.tau_int > 5.0);
    kad_gamma_clear(&g);
    /* a drift: correlated over the whole series */
    for (int i = 0; i < 600; i++)
        a[i] = i;
    g = analyse(1, 600, a);
    assert_true(g.flag != KAD_GAMMA_OK && isnan(g.err) && g.rhat > 1.5);
    kad_gamma_clear(&g);
}

static void bad_series(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_gamma g;
    double a[4] = {1.0, NAN, 2.0, 3.0};
    kad_ctx_init(&ctx, 1);
    assert_int_equal(kad_gamma_analyse(&ctx, 1, 4, a, 1.5, &g), KAD_EDATA);
    assert_int_equal(kad_gamma_analyse(&ctx, 1, 1, a, 1.5, &g), KAD_EDATA);
    assert_int_equal(kad_gamma_analyse(&ctx, 0, 4, a, 1.5, &g), KAD_EDATA);
}

/* The window's estimate against Wolff's formulas evaluated the slow way. */
static void equals_the_formulas(void **state)
{
    (void)state;
    enum { N = 400 };
    double a[N], gamma[N / 2 + 1], mean = 0.0;
    test_ar1(6, 2, 2.0, 1.0, N, a);
    for (int i = 0; i < N; i++)
        mean += a[i] / N;
    for (int t = 0; t <= N / 2; t++) {
        gamma[t] = 0.0;
        for (int i = 0; i + t < N; i++)
            gamma[t] += (a[i] - mean) * (a[i + t] - mean) / (N - t);
    }
    kad_gamma g = analyse(1, N, a);
    double C = gamma[0], corrected, tau = 0.5;
    const int W = (int)g.window;
    for (int t = 1; t <= W; t++)
        C += 2.0 * gamma[t];
    corrected = C + (2.0 * W + 1.0) * C / N;
    for (int t = 1; t <= W; t++)
        tau += (gamma[t] + C / N) / (gamma[0] + C / N);
    assert_true(fabs(g.mean - mean) < 1e-13);
    assert_true(fabs(g.err - sqrt(corrected / N)) < 1e-12);
    assert_true(fabs(g.tau_int - tau) < 1e-12);
    assert_true(fabs(g.tau_int_err - 2.0 * tau * sqrt((W + 0.5 - tau) / N)) < 1e-12);
    kad_gamma_clear(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("gamma: error bars cover the mean of AR(1) series", ar1_coverage),
        CLAIM("gamma: several chains share one mean", chains_share_a_mean),
        CLAIM("gamma: independent draws have tau_int = 1/2", white_noise),
        CLAIM("gamma: runs of rejections give the known tau_int", rejections),
        CLAIM("runs: lengths are counted within chains", runs_counted),
        CLAIM("gamma: a constant series gets no error bar", constant_series),
        CLAIM("gamma: a short or drifting series gets no error bar", short_series),
        CLAIM("gamma: bad input is refused", bad_series),
        CLAIM("gamma: equals Wolff's formulas evaluated directly", equals_the_formulas),
    };
    return cmocka_run_group_tests_name("gamma", tests, NULL, NULL);
}

/* The Gamma method on series of known autocorrelation. */
#include "analysis/gamma.h"
#include "analysis/runs.h"
#include "tests/support/analysis_util.h"

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
}

static void short_series(void **state)
{
    (void)state;
    double a[600];
    test_ar1(4, 0, 40.0, 0.0, 600, a);
    kad_gamma g = analyse(1, 600, a);
    assert_true(g.flag == KAD_GAMMA_SHORT || g.flag == KAD_GAMMA_OPEN);
    assert_true(isnan(g.err) && g.tau_int > 5.0);
    /* a drift: correlated over the whole series */
    for (int i = 0; i < 600; i++)
        a[i] = i;
    g = analyse(1, 600, a);
    assert_true(g.flag != KAD_GAMMA_OK && isnan(g.err) && g.rhat > 1.5);
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

/* The estimate of two chains from the series of their neighbours' means, written out. */
static void equals_the_formulas(void **state)
{
    (void)state;
    enum { R = 2, N = 200, ALL = R * N };
    double a[ALL], g[N], mean = 0.0, gamma0 = 0.0;
    for (int c = 0; c < R; c++)
        test_ar1(6, 2 + (uint64_t)c, 2.0, 1.0, N, a + c * N);
    for (int i = 0; i < ALL; i++)
        mean += a[i] / ALL;
    for (int i = 0; i < ALL; i++)
        gamma0 += (a[i] - mean) * (a[i] - mean) / ALL;
    for (int t = 0; t < N - 1; t++) {
        g[t] = 0.0;
        for (int c = 0; c < R; c++)
            for (int i = c * N; i + t + 1 < (c + 1) * N; i++)
                g[t] += (0.5 * (a[i] + a[i + 1]) - mean) *
                        (0.5 * (a[i + t] + a[i + t + 1]) - mean) / (R * (N - 1 - t));
    }
    kad_gamma out = analyse(R, N, a);
    const int W = (int)out.window;
    /* variance of a mean of one chain's draws times their number: the second pass adds the
     * first one's, over all draws, to every autocovariance */
    double C = 0.0, of_mean = 0.0;
    for (int pass = 0; pass < 2; pass++) {
        const double bias = of_mean / ALL;
        C = g[0] + bias;
        of_mean = C + (gamma0 + bias) / (2.0 * N);
        for (int t = 1; t <= W; t++) {
            const double term = (t == W ? 1.0 : 2.0) * (g[t] + bias);
            C += term;
            of_mean += (1.0 - (double)t / N) * term;
        }
        gamma0 += pass * bias;
    }
    const double tau = C / (2.0 * gamma0);
    assert_true(fabs(out.mean - mean) < 1e-13);
    assert_true(fabs(out.err - sqrt(of_mean / ALL)) < 1e-12);
    assert_true(fabs(out.tau_int - tau) < 1e-12);
    assert_true(fabs(out.n_eff - ALL / (2.0 * tau)) < 1e-9);
    assert_true(fabs(out.tau_int_err - 2.0 * tau * sqrt((W + 0.5 - tau) / ALL)) < 1e-12);
}

/* Errors, times and R-hat are those of the deviations: an offset of 1e8, where a double
 * has eight digits behind the point, changes them by some 1e-8. */
static void offsets_change_nothing(void **state)
{
    (void)state;
    enum { R = 4, N = 500 };
    double a[R * N];
    for (size_t c = 0; c < R; c++)
        test_ar1(10, c, 2.0, 0.0, N, a + c * N);
    kad_gamma plain = analyse(R, N, a);
    for (size_t i = 0; i < R * N; i++)
        a[i] += 1e8;
    kad_gamma shifted = analyse(R, N, a);
    assert_true(fabs(shifted.err / plain.err - 1.0) < 1e-6);
    assert_true(fabs(shifted.tau_int / plain.tau_int - 1.0) < 1e-6);
    assert_true(fabs(shifted.rhat - plain.rhat) < 1e-6);
    assert_true(fabs(shifted.q_value - plain.q_value) < 1e-6);
}

/* --- alternating series: rho(1) < 0, tau_int < 1/2 ----------------------------------- */

/* Coverage of the mean of AR(1) series a_{i+1} = rho a_i + noise with rho < 0, over one
 * chain, several, and many that are so short that their ends are felt. 400 replicas know
 * 0.683 to 0.023 and 0.954 to 0.0105; tau_int, known to 20 % in a series at most, to
 * 1 %. */
static void alternating_series(void **state)
{
    (void)state;
    static const struct {
        double rho;
        size_t n_chains, n;
    } cases[] = {{-0.9, 1, 4800},
                 {-0.9, 64, 75},
                 {-0.6, 1, 1000},
                 {-0.6, 10, 100},
                 {-0.45, 2, 320}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const double rho = cases[i].rho, exact = (1.0 + rho) / (2.0 * (1.0 - rho));
        double one, two, tau, pull2;
        coverage(exact, cases[i].n_chains, cases[i].n, 400, &one, &two, &tau, &pull2);
        print_message("# rho %.2f, %zu x %zu: coverage %.3f %.3f, tau/exact %.3f, pull^2 "
                      "%.2f\n",
                      rho, cases[i].n_chains, cases[i].n, one, two, tau / exact, pull2);
        assert_true(fabs(one - 0.683) < 5 * 0.023);
        assert_true(fabs(two - 0.954) < 5 * 0.0105);
        assert_true(fabs(tau / exact - 1.0) < 0.05 + 3 * 0.01);
        assert_true(pull2 > 0.6 && pull2 < 1.6);
    }
}

/* Half of the variance alternates with -0.9, half decays with 0.9: rho(1) = 0 looks like
 * independent draws, and tau_int is 4.76. */
static void alternation_hides_nothing(void **state)
{
    (void)state;
    enum { N = 10000, REPLICAS = 40 };
    static double a[N], b[N];
    const double exact = 0.5 * (9.5 + 0.25 / 9.5);
    double tau = 0.0;
    for (uint64_t r = 0; r < REPLICAS; r++) {
        test_ar1(7, r, 9.5, 0.0, N, a);
        test_ar1(8, r, 0.25 / 9.5, 0.0, N, b);
        for (size_t i = 0; i < N; i++)
            a[i] += b[i];
        kad_gamma g = analyse(1, N, a);
        assert_int_equal(g.flag, KAD_GAMMA_OK);
        /* the slow mode decays as exp(-t/9.49), whatever alternates beside it */
        assert_true(g.tail.tau_exp > 3.0 && g.tail.tau_exp < 30.0);
        tau += g.tau_int / REPLICAS;
    }
    print_message("# tau %.2f, exact %.2f\n", tau, exact);
    /* known to 14 % in a series, 2.2 % in forty */
    assert_true(fabs(tau / exact - 1.0) < 0.05 + 3 * 0.022);
}

/* A mode of period two: the mean of an even number of draws is exact, and nothing can be
 * said of its error. Never 0. */
static void periodic_mode(void **state)
{
    (void)state;
    enum { R = 4, N = 500 };
    double a[R * N];
    for (size_t i = 0; i < R * N; i++)
        a[i] = 0.3 + (i % 2 == 0 ? 1.0 : -1.0) * (1.0 + (double)(i / N) / 7.0);
    kad_gamma g = analyse(R, N, a);
    assert_int_equal(g.flag, KAD_GAMMA_NEGATIVE);
    assert_string_equal(kad_gamma_flag_name(g.flag), "negative");
    assert_true(isnan(g.err) && isnan(g.tau_int) && isnan(g.n_eff) && isnan(g.q_value));
    assert_true(fabs(g.mean - 0.3) < 1e-12 && fabs(g.rho[1] + 1.0) < 1e-12);
    kad_gamma_add_tail(&g, 5.0);
    assert_true(isnan(g.err) && isnan(kad_gamma_bound(&g, 5.0)));
}

/* Too few draws for an error, however small tau_int is. */
static void few_draws(void **state)
{
    (void)state;
    double a[20];
    test_ar1(9, 0, 0.05, 0.0, 20, a);
    kad_gamma g = analyse(1, 20, a);
    assert_int_equal(g.flag, KAD_GAMMA_SHORT);
    assert_true(isnan(g.err));
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
        CLAIM("gamma: equals its formulas evaluated directly", equals_the_formulas),
        CLAIM("gamma: an offset changes neither errors nor R-hat",
              offsets_change_nothing),
        CLAIM("gamma: error bars cover the mean of alternating series",
              alternating_series),
        CLAIM("gamma: an alternating mode hides no slow one", alternation_hides_nothing),
        CLAIM("gamma: a periodic mode gets no error bar, never 0", periodic_mode),
        CLAIM("gamma: twenty draws get no error bar, however they alternate", few_draws),
    };
    return cmocka_run_group_tests_name("gamma", tests, NULL, NULL);
}

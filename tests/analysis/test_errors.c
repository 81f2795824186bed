/* Error bars beyond the automatic window: slow modes, replicas, other methods. */
#include "analysis/derived.h"
#include "analysis/functions.h"
#include "analysis/gamma.h"
#include "base/jackknife.h"
#include "tests/support/analysis_util.h"

static kad_gamma analyse(size_t n_chains, size_t n, const double *a)
{
    kad_ctx ctx;
    kad_gamma out;
    kad_ctx_init(&ctx, 1);
    assert_int_equal(kad_gamma_analyse(&ctx, n_chains, n, a, 1.5, &out), KAD_OK);
    return out;
}

/* White noise with 4 % of its variance in a mode of tau 40: the window closes on the
 * noise and of tau_int = 1/2 + 39.5/26 = 2.02 about half comes out. 250 replicas know a
 * coverage of 0.683 to 0.03: five of those on either side. */
static void slow_modes_are_covered(void **state)
{
    (void)state;
    enum { N = 20000, REPLICAS = 250 };
    static double a[N], slow[N];
    double without = 0.0, with = 0.0, tau = 0.0;
    for (uint64_t r = 0; r < REPLICAS; r++) {
        test_ar1(60, r, 40.0, 0.0, N, slow);
        test_ar1(61, r, 0.5, 0.0, N, a);
        for (size_t i = 0; i < N; i++)
            a[i] += 0.2 * slow[i];
        kad_gamma g = analyse(1, N, a);
        without += fabs(g.mean) < g.err ? 1.0 / REPLICAS : 0.0;
        const double bound = kad_gamma_bound(&g, g.tail.tau_exp);
        assert_true(bound >= g.err);
        kad_gamma_add_tail(&g, g.tail.tau_exp);
        assert_true(g.err <= bound * (1.0 + 1e-12));
        with += fabs(g.mean) < g.err ? 1.0 / REPLICAS : 0.0;
        tau += g.tau_int / REPLICAS;
        const double once = g.err;
        kad_gamma_add_tail(&g, g.tail.tau_exp);
        assert_true(g.err == once);
    }
    print_message("# coverage %.3f without, %.3f with the tail, mean tau %.2f\n", without,
                  with, tau);
    assert_true(without < 0.60);
    assert_true(fabs(with - 0.683) < 5 * 0.03);
    assert_true(fabs(tau - 2.02) < 0.4);
}

/* A single decay needs no tail: it must not widen the errors of an ordinary chain. */
static void ordinary_chains_keep_their_errors(void **state)
{
    (void)state;
    enum { N = 5000, REPLICAS = 200 };
    static double a[N];
    double widened = 0.0, tau_exp = 0.0;
    for (uint64_t r = 0; r < REPLICAS; r++) {
        test_ar1(62, r, 5.0, 0.0, N, a);
        kad_gamma g = analyse(1, N, a);
        const double before = g.err;
        kad_gamma_add_tail(&g, g.tail.tau_exp);
        widened += (g.err / before - 1.0) / REPLICAS;
        tau_exp += g.tail.tau_exp / REPLICAS;
    }
    /* tau_exp = 1/ln((2 tau + 1)/(2 tau - 1)) = 4.98, known to about half in a series */
    print_message("# widened by %.4f, tau_exp %.2f\n", widened, tau_exp);
    assert_true(widened < 0.01);
    assert_true(tau_exp > 3.5 && tau_exp < 7.5);
}

/* Q of equal chains is uniform: 300 know its mean to 0.289/sqrt(300) = 0.017. */
static void replicas_of_one_distribution(void **state)
{
    (void)state;
    enum { CHAINS = 5, N = 800, REPLICAS = 300 };
    static double a[CHAINS * N];
    double mean = 0.0, low = 0.0;
    for (uint64_t r = 0; r < REPLICAS; r++) {
        for (size_t c = 0; c < CHAINS; c++)
            test_ar1(63, r * CHAINS + c, 2.0, 1.0, N, a + c * N);
        kad_gamma g = analyse(CHAINS, N, a);
        mean += g.q_value / REPLICAS;
        low += g.q_value < 0.05 ? 1.0 / REPLICAS : 0.0;
    }
    print_message("# mean Q %.3f, below 0.05: %.3f\n", mean, low);
    assert_true(fabs(mean - 0.5) < 5 * 0.017 + 0.02);
    assert_true(low < 0.05 + 5 * 0.0126 + 0.01);
}

/* The chains' scatter about their common mean has R - 1 degrees of freedom:
 * Q = erfc(sqrt(chi^2/2)) of two chains, exp(-chi^2/2) of three. */
static void degrees_of_freedom(void **state)
{
    (void)state;
    enum { N = 1000 };
    static double a[3 * N];
    for (size_t n_chains = 2; n_chains <= 3; n_chains++) {
        double chi2 = 0.0;
        for (size_t c = 0; c < n_chains; c++)
            test_ar1(68, c, 2.0, 1.0, N, a + c * N);
        kad_gamma g = analyse(n_chains, N, a);
        for (size_t c = 0; c < n_chains; c++) {
            double mean = 0.0;
            for (size_t i = 0; i < N; i++)
                mean += a[c * N + i] / N;
            chi2 += pow((mean - g.mean) / g.err, 2) / (double)n_chains;
        }
        const double q = n_chains == 2 ? erfc(sqrt(0.5 * chi2)) : exp(-0.5 * chi2);
        print_message("# %zu chains: chi^2 %.3f, Q %.4f\n", n_chains, chi2, g.q_value);
        assert_true(chi2 > 0.01 && fabs(g.q_value - q) < 1e-9);
    }
}

static void replicas_that_differ(void **state)
{
    (void)state;
    enum { CHAINS = 4, N = 4000 };
    static double a[CHAINS * N];
    for (size_t c = 0; c < CHAINS; c++)
        test_ar1(64, c, 2.0, c == 0 ? 0.5 : 0.0, N, a + c * N);
    kad_gamma g = analyse(CHAINS, N, a);
    assert_true(g.q_value < 1e-6);
    g = analyse(1, N, a);
    assert_true(isnan(g.q_value));
}

/* Means of consecutive bins of `size` draws; returns how many there are. */
static size_t bin(size_t n, const double *a, size_t size, double *bins)
{
    for (size_t i = 0; i < n / size; i++) {
        bins[i] = 0.0;
        for (size_t j = 0; j < size; j++)
            bins[i] += a[i * size + j] / (double)size;
    }
    return n / size;
}

/* Standard error from bins of `size` draws. */
static double binned_error(size_t n, const double *a, size_t size, double *bins)
{
    const size_t n_bins = bin(n, a, size, bins);
    double mean = 0.0, var = 0.0;
    for (size_t i = 0; i < n_bins; i++)
        mean += bins[i] / (double)n_bins;
    for (size_t i = 0; i < n_bins; i++)
        var += (bins[i] - mean) * (bins[i] - mean);
    return sqrt(var / (double)(n_bins * (n_bins - 1)));
}

/* Jackknife error of the Binder cumulant from binned squares and fourth powers. */
static double jackknife_error(size_t n_bins, const double *m2, const double *m4)
{
    const kad_lattice_facts facts = {.n_components = 1.0};
    double sum[2] = {0.0, 0.0};
    for (size_t i = 0; i < n_bins; i++) {
        sum[0] += m2[i];
        sum[1] += m4[i];
    }
    const double n = (double)n_bins, full[2] = {sum[0] / n, sum[1] / n};
    kad_jackknife jack = kad_jackknife_start(kad_function_binder(2, full, &facts));
    for (size_t i = 0; i < n_bins; i++) {
        const double left[2] = {(sum[0] - m2[i]) / (n - 1.0),
                                (sum[1] - m4[i]) / (n - 1.0)};
        kad_jackknife_add(&jack, kad_function_binder(2, left, &facts));
    }
    return kad_jackknife_error(&jack);
}

/* 200 bins know an error to 5 %, Gamma's own is known to 4 %: a mean of 40 replicas to
 * 1 %; bins of 40 tau miss 1/80 of the variance. */
static void agrees_with_bins_and_jackknife(void **state)
{
    (void)state;
    enum { N = 40000, SIZE = 200, BINS = N / SIZE, REPLICAS = 40 };
    static double m[N], m2[N], m4[N], bin2[BINS], bin4[BINS];
    const kad_lattice_facts facts = {.n_components = 1.0};
    double by_bins = 0.0, by_jackknife = 0.0;
    for (uint64_t r = 0; r < REPLICAS; r++) {
        kad_ctx ctx;
        kad_gamma g, binder;
        kad_ctx_init(&ctx, 1);
        test_ar1(65, r, 5.0, 0.3, N, m);
        for (size_t i = 0; i < N; i++) {
            m2[i] = m[i] * m[i];
            m4[i] = m2[i] * m2[i];
        }
        g = analyse(1, N, m);
        by_bins += g.err / binned_error(N, m, SIZE, bin2) / REPLICAS;
        (void)bin(N, m2, SIZE, bin2);
        (void)bin(N, m4, SIZE, bin4);
        const kad_input inputs[2] = {{m2, 1, 0}, {m4, 1, 0}};
        assert_int_equal(kad_derived_chain(&ctx, 1, N, 2, inputs, kad_function_binder,
                                           &facts, &binder),
                         KAD_OK);
        by_jackknife += binder.err / jackknife_error(BINS, bin2, bin4) / REPLICAS;
    }
    print_message("# Gamma/bins %.3f, Gamma/jackknife %.3f\n", by_bins, by_jackknife);
    assert_true(fabs(by_bins - 1.0) < 5 * 0.01 + 0.0125);
    assert_true(fabs(by_jackknife - 1.0) < 5 * 0.01 + 0.0125);
}

/* The states of an independent sampler that accepts one proposal in five: tau 4.5. 300
 * replicas know 0.683 to 0.027 and 0.954 to 0.012. */
static void rejection_runs_are_covered(void **state)
{
    (void)state;
    enum { N = 5000, REPLICAS = 300 };
    static double a[N];
    const kad_rng rng = kad_rng_stream(9, KAD_RNG_TEST, 66);
    double one = 0.0, two = 0.0;
    for (uint64_t r = 0; r < REPLICAS; r++) {
        double now = test_normal(67, r, N);
        for (size_t i = 0; i < N; i++) {
            if (kad_rng_uniform(rng, r, i, 0) < 0.2) now = test_normal(67, r, i);
            a[i] = now;
        }
        kad_gamma g = analyse(1, N, a);
        kad_gamma_add_tail(&g, g.tail.tau_exp);
        one += fabs(g.mean) < g.err ? 1.0 / REPLICAS : 0.0;
        two += fabs(g.mean) < 2.0 * g.err ? 1.0 / REPLICAS : 0.0;
    }
    print_message("# coverage %.3f %.3f\n", one, two);
    assert_true(fabs(one - 0.683) < 5 * 0.027 + 0.01);
    assert_true(fabs(two - 0.954) < 5 * 0.012 + 0.01);
}

/* Binder of n components: Gaussian order parameters give 0, fixed lengths 2/(n + 2). */
static void binder_of_components(void **state)
{
    (void)state;
    for (int n = 1; n <= 3; n++) {
        const kad_lattice_facts facts = {.n_components = n};
        const double gauss[2] = {n, n * (n + 2.0)}, fixed[2] = {1.0, 1.0};
        assert_true(fabs(kad_function_binder(2, gauss, &facts)) < 1e-15);
        assert_true(fabs(kad_function_binder(2, fixed, &facts) - 2.0 / (n + 2.0)) <
                    1e-15);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("errors: a slow mode of small amplitude is covered with the tail",
              slow_modes_are_covered),
        CLAIM("errors: the tail leaves ordinary chains alone",
              ordinary_chains_keep_their_errors),
        CLAIM("errors: Q of equal replicas is uniform", replicas_of_one_distribution),
        CLAIM("errors: Q counts the chains less one", degrees_of_freedom),
        CLAIM("errors: a replica that differs is found", replicas_that_differ),
        CLAIM("errors: Gamma, bins and jackknife agree", agrees_with_bins_and_jackknife),
        CLAIM("errors: runs of rejections are covered", rejection_runs_are_covered),
        CLAIM("functions: the Binder cumulant of n components", binder_of_components),
    };
    return cmocka_run_group_tests_name("errors", tests, NULL, NULL);
}

/* Coverage of error bars over thousands of chains with fresh seeds: how often the interval
 * of one and of two errors holds the truth. AR(1) chains, an independent sampler that keeps
 * its state for long, with and without a link between the weight and what is measured,
 * several chains, functions of means, reweighted means. */
#include "analysis/derived.h"
#include "analysis/gamma.h"
#include "analysis/importance.h"
#include "analysis_util.h"
#include "fresh.h"

enum { REPLICAS = 5000, N = 10000 };

static uint64_t fresh;

/* A chain: n values for replica r. */
typedef void (*chain)(uint64_t r, double tau, size_t n, double *a);

static double uniform(uint32_t index, uint64_t replica, uint64_t i)
{
    return kad_rng_uniform(kad_rng_stream(fresh, KAD_RNG_TEST, index), i, replica, 0);
}

static double normal(uint32_t index, uint64_t replica, uint64_t i)
{
    double pair[2];
    kad_rng_normal2(kad_rng_stream(fresh, KAD_RNG_TEST, index), i, replica, 0, pair);
    return pair[0];
}

static void ar1(uint64_t r, double tau, size_t n, double *a)
{
    const double rho = (2.0 * tau - 1.0) / (2.0 * tau + 1.0);
    double x = normal(53, r, n);
    for (size_t i = 0; i < n; i++) {
        a[i] = x;
        x = rho * x + sqrt(1.0 - rho * rho) * normal(53, r, i);
    }
}

/* Every proposal has the same chance: runs of geometric length, tau_int = 1/p - 1/2. */
static void equal_rejections(uint64_t r, double tau, size_t n, double *a)
{
    const double p = 1.0 / (tau + 0.5);
    double now = normal(51, r, n);
    for (size_t i = 0; i < n; i++) {
        if (uniform(50, r, i) < p) now = normal(51, r, i);
        a[i] = now;
    }
}

/* Metropolised independent sampling of N(0, 1) with proposals N(0, width^2): large weights
 * sit near 0, where the chain stays longest. Geometrically ergodic, w <= width. */
static const double WIDTH = 5.0;
static void heavy_rejections(uint64_t r, double tau, size_t n, double *a)
{
    (void)tau;
    double now = normal(54, r, n); /* from the target */
    for (size_t i = 0; i < n; i++) {
        const double x = WIDTH * normal(54, r, i);
        const double log_ratio =
            0.5 * (1.0 - 1.0 / (WIDTH * WIDTH)) * (now * now - x * x);
        if (log(uniform(55, r, i)) < log_ratio) now = x;
        a[i] = now;
    }
}

static void heavy_squares(uint64_t r, double tau, size_t n, double *a)
{
    heavy_rejections(r, tau, n, a);
    for (size_t i = 0; i < n; i++)
        a[i] = a[i] * a[i] - 1.0;
}

typedef struct shares {
    double one, two, tau;
} shares;

static shares cover(chain make, double tau, size_t n_chains, size_t n)
{
    static double a[N];
    shares s = {0};
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    assert_true(n_chains * n <= N);
    for (uint64_t r = 0; r < REPLICAS; r++) {
        kad_gamma g;
        for (size_t c = 0; c < n_chains; c++)
            make(r * n_chains + c, tau, n, a + c * n);
        assert_int_equal(kad_gamma_analyse(&ctx, n_chains, n, a, 1.5, &g), KAD_OK);
        assert_int_equal(g.flag, KAD_GAMMA_OK);
        kad_gamma_add_tail(&g, g.tail.tau_exp);
        s.one += fabs(g.mean) < g.err ? 1.0 / REPLICAS : 0.0;
        s.two += fabs(g.mean) < 2.0 * g.err ? 1.0 / REPLICAS : 0.0;
        s.tau += g.tau_int / REPLICAS;
        kad_gamma_clear(&g);
    }
    return s;
}

/* 5000 replicas know 0.683 to 0.0066 and 0.954 to 0.003; five of those, and the method's
 * own bias: an error known to a relative sigma_e misses by about sigma_e^2/2 to sigma_e^2,
 * with sigma_e^2 = (W + 1)/N of some 0.01 at N = 500 tau. */
static void check(const char *name, shares s, double tau)
{
    print_message("# %s: coverage %.4f %.4f, mean tau %.3f\n", name, s.one, s.two, s.tau);
    assert_true(fabs(s.one - 0.683) < 5 * 0.0066 + 0.01);
    assert_true(fabs(s.two - 0.954) < 5 * 0.003 + 0.01);
    if (tau > 0) assert_true(fabs(s.tau / tau - 1.0) < 0.08);
}

static void ar1_is_covered(void **state)
{
    (void)state;
    check("AR(1), tau 1", cover(ar1, 1.0, 1, N), 1.0);
    check("AR(1), tau 5", cover(ar1, 5.0, 1, N), 5.0);
    check("AR(1), tau 20", cover(ar1, 20.0, 1, N), 20.0);
}

static void many_chains_are_covered(void **state)
{
    (void)state;
    check("16 AR(1) chains, tau 1", cover(ar1, 1.0, 16, 600), 1.0);
    check("4 AR(1) chains, tau 5", cover(ar1, 5.0, 4, 2500), 5.0);
}

static void rejections_are_covered(void **state)
{
    (void)state;
    check("runs, tau 2", cover(equal_rejections, 2.0, 1, N), 2.0);
    check("runs, tau 20", cover(equal_rejections, 20.0, 1, N), 20.0);
    check("independent sampler, x", cover(heavy_rejections, 0, 1, N), 0);
    check("independent sampler, x^2", cover(heavy_squares, 0, 1, N), 0);
}

/* <a b>/(<a><b>) of two correlated chains with means 2 and 3: 1 + cov/6. */
static double ratio(size_t n, const double *mean, const void *self)
{
    (void)n;
    (void)self;
    return mean[2] / (mean[0] * mean[1]);
}

static void functions_are_covered(void **state)
{
    (void)state;
    static double a[3 * N];
    static double x[N], y[N];
    shares s = {0};
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    for (uint64_t r = 0; r < REPLICAS; r++) {
        kad_gamma g;
        kad_input inputs[3];
        ar1(2 * r, 4.0, N, x);
        ar1(2 * r + 1, 4.0, N, y);
        for (size_t i = 0; i < N; i++) {
            a[3 * i] = 2.0 + x[i];
            a[3 * i + 1] = 3.0 + 0.6 * x[i] + 0.8 * y[i];
            a[3 * i + 2] = a[3 * i] * a[3 * i + 1];
        }
        for (size_t k = 0; k < 3; k++)
            inputs[k] = (kad_input){.data = a, .stride = 3, .offset = k};
        assert_int_equal(kad_derived_chain(&ctx, 1, N, 3, inputs, ratio, NULL, &g),
                         KAD_OK);
        const double pull = (g.mean - 1.1) / g.err;
        s.one += fabs(pull) < 1.0 ? 1.0 / REPLICAS : 0.0;
        s.two += fabs(pull) < 2.0 ? 1.0 / REPLICAS : 0.0;
        kad_gamma_clear(&g);
    }
    check("a ratio of means", s, 0);
}

/* Draws of N(0, 1) reweighted to N(0.5, 1): ln w = x/2 - 1/8, ESS e^{-1/4}; means of x and
 * x^2, and ln Z = 0. */
static void reweighting_is_covered(void **state)
{
    (void)state;
    static double log_w[N], a[2 * N];
    const double exact[3] = {0.5, 1.25, 0.0};
    shares s[3] = {{0}};
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    for (uint64_t r = 0; r < REPLICAS; r++) {
        double mean[3], err[3];
        kad_importance importance;
        for (size_t i = 0; i < N / 10; i++) {
            const double x = normal(56, r, i);
            log_w[i] = 0.5 * x - 0.125;
            a[2 * i] = x;
            a[2 * i + 1] = x * x;
        }
        assert_int_equal(kad_reweight(&ctx, N / 10, log_w, 2, a, mean, err, NULL),
                         KAD_OK);
        assert_int_equal(kad_importance_analyse(&ctx, N / 10, log_w, &importance),
                         KAD_OK);
        mean[2] = importance.log_z.value;
        err[2] = importance.log_z.err;
        for (int k = 0; k < 3; k++) {
            const double pull = fabs(mean[k] - exact[k]) / err[k];
            s[k].one += pull < 1.0 ? 1.0 / REPLICAS : 0.0;
            s[k].two += pull < 2.0 ? 1.0 / REPLICAS : 0.0;
        }
    }
    check("reweighted x", s[0], 0);
    check("reweighted x^2", s[1], 0);
    check("ln Z", s[2], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("gamma: coverage over 5000 AR(1) chains", ar1_is_covered),
        CLAIM("gamma: coverage with several chains", many_chains_are_covered),
        CLAIM("gamma: coverage over 5000 chains with runs of rejections",
              rejections_are_covered),
        CLAIM("derived: coverage of a ratio of means", functions_are_covered),
        CLAIM("weights: coverage of reweighted means and ln Z", reweighting_is_covered),
    };
    fresh = fresh_seed("long_gamma", "");
    return cmocka_run_group_tests_name("gamma_long", tests, NULL, NULL);
}

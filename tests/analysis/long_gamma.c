/* Coverage of error bars over ten thousand series each, with fresh seeds: how often the
 * interval of one and of two errors holds the truth, and the mean of tau_int. AR(1) series
 * of either sign from N = 500 max(1/2, tau_int, tau_exp) on, one chain and several; an
 * independent sampler that keeps its state for long, with and without a link between the
 * weight and what is measured; chains of `hmc` on a free field; functions of means;
 * reweighted means. The lines are the table of doc/comparison.md. */
#include "analysis/derived.h"
#include "analysis/gamma.h"
#include "base/weights.h"
#include "tests/support/fresh.h"
#include "tests/support/hmc_case.h"

enum { REPLICAS = 10000, N = 10000 };

static uint64_t fresh;

/* A chain: n values for replica r, of parameter p. */
typedef void (*chain)(uint64_t r, double p, size_t n, double *a);

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

/* Of rho(1) = p. */
static void ar1(uint64_t r, double p, size_t n, double *a)
{
    double x = normal(53, r, n);
    for (size_t i = 0; i < n; i++) {
        a[i] = x;
        x = p * x + sqrt(1.0 - p * p) * normal(53, r, i);
    }
}

/* Half of the variance with rho(1) = p, half with -p. */
static void two_signs(uint64_t r, double p, size_t n, double *a)
{
    double x = normal(57, r, n), y = normal(58, r, n);
    for (size_t i = 0; i < n; i++) {
        a[i] = x + y;
        x = p * x + sqrt(1.0 - p * p) * normal(57, r, i);
        y = -p * y + sqrt(1.0 - p * p) * normal(58, r, i);
    }
}

/* Every proposal has the chance p: runs of geometric length, tau_int = 1/p - 1/2. */
static void equal_rejections(uint64_t r, double p, size_t n, double *a)
{
    double now = normal(51, r, n);
    for (size_t i = 0; i < n; i++) {
        if (uniform(50, r, i) < p) now = normal(51, r, i);
        a[i] = now;
    }
}

/* Metropolised independent sampling of N(0, 1) with proposals N(0, width^2): large weights
 * sit near 0, where the chain stays longest. Geometrically ergodic, w <= width. */
static const double WIDTH = 5.0;
static void heavy_rejections(uint64_t r, double p, size_t n, double *a)
{
    (void)p;
    double now = normal(54, r, n); /* from the target */
    for (size_t i = 0; i < n; i++) {
        const double x = WIDTH * normal(54, r, i);
        const double log_ratio =
            0.5 * (1.0 - 1.0 / (WIDTH * WIDTH)) * (now * now - x * x);
        if (log(uniform(55, r, i)) < log_ratio) now = x;
        a[i] = now;
    }
}

static void heavy_squares(uint64_t r, double p, size_t n, double *a)
{
    heavy_rejections(r, p, n, a);
    for (size_t i = 0; i < n; i++)
        a[i] = a[i] * a[i] - 1.0;
}

/* Sums over replicas. */
typedef struct shares {
    size_t n;
    double one, two;     /* covered by one and two errors */
    double tau;          /* tau_int */
    double mean2, gamma; /* mean^2, (standard deviation of the series)^2 */
} shares;

static void count(shares *s, double d, double err)
{
    assert_true(err > 0.0);
    s->n++;
    s->one += fabs(d) < err;
    s->two += fabs(d) < 2.0 * err;
}

/* One series whose true mean is `exact`. */
static void add(shares *s, size_t n_chains, size_t n, const double *a, double exact)
{
    kad_ctx ctx;
    kad_gamma g;
    kad_ctx_init(&ctx, 1);
    assert_int_equal(kad_gamma_analyse(&ctx, n_chains, n, a, 1.5, &g), KAD_OK);
    assert_int_equal(g.flag, KAD_GAMMA_OK);
    kad_gamma_add_tail(&g, g.tail.tau_exp);
    count(s, g.mean - exact, g.err);
    s->tau += g.tau_int;
    s->mean2 += (g.mean - exact) * (g.mean - exact);
    s->gamma += g.err_naive * g.err_naive;
}

static shares cover(chain make, double p, size_t n_chains, size_t n)
{
    static double a[N];
    shares s = {0};
    assert_true(n_chains * n <= N);
    for (uint64_t r = 0; r < REPLICAS; r++) {
        for (size_t c = 0; c < n_chains; c++)
            make(r * n_chains + c, p, n, a + c * n);
        add(&s, n_chains, n, a, 0.0);
    }
    return s;
}

/* A row of the table. 10000 replicas know 0.683 to 0.005 and 0.954 to 0.002: both hold to
 * 0.03. tau_int to 5 %: against its exact value, or, where there is none (0), against the
 * scatter of the means, which 10000 know to 1.4 %. NaN: not looked at. */
static void check(const char *name, size_t n_all, shares s, double tau)
{
    const double n = (double)s.n, one = s.one / n, two = s.two / n;
    const double by_scatter = 0.5 * s.mean2 / s.gamma;
    const double found = s.tau / n, expected = tau > 0.0 ? tau : by_scatter;
    print_message("| %s | %zu | %.1f %% | %.1f %% |", name, n_all, 100.0 * one,
                  100.0 * two);
    if (isnan(tau))
        print_message(" | |\n");
    else
        print_message(" %.4f | %.4f |\n", found, expected);
    assert_true(fabs(one - 0.683) < 0.03);
    assert_true(fabs(two - 0.954) < 0.03);
    if (isnan(tau)) return;
    assert_true(fabs(found / expected - 1.0) < 0.05 + (tau > 0.0 ? 0.0 : 3 * 0.014));
}

/* From N = 500 max(1/2, tau_int, tau_exp) on. */
static void ar1_is_covered(void **state)
{
    (void)state;
    static const double rhos[] = {-0.9, -0.6, -0.45, -0.2, 0.0, 0.5, 0.9, 0.95};
    for (size_t i = 0; i < sizeof rhos / sizeof *rhos; i++) {
        const double rho = rhos[i], tau = (1.0 + rho) / (2.0 * (1.0 - rho));
        const double tau_exp = rho != 0.0 ? -1.0 / log(fabs(rho)) : 0.0;
        const double least = ceil(500.0 * fmax(0.5, fmax(tau, tau_exp)));
        const size_t n = least < N ? (size_t)least : N;
        char name[64];
        snprintf(name, sizeof name, "AR(1), rho(1) = %g", rho);
        check(name, n, cover(ar1, rho, 1, n), tau);
    }
    check("rho(t) = (0.9^t + (-0.9)^t)/2", 4750, cover(two_signs, 0.9, 1, 4750),
          0.5 * (9.5 + 0.25 / 9.5));
}

static void many_chains_are_covered(void **state)
{
    (void)state;
    static const struct {
        double rho;
        size_t n_chains, n;
    } cases[] = {{-0.9, 16, 300}, {-0.9, 64, 75}, {-0.6, 16, 64},
                 {0.5, 16, 64},   {0.9, 16, 300}, {0.9, 24, 200}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const double rho = cases[i].rho;
        char name[64];
        snprintf(name, sizeof name, "%zu AR(1) chains, rho(1) = %g", cases[i].n_chains,
                 rho);
        check(name, cases[i].n_chains * cases[i].n,
              cover(ar1, rho, cases[i].n_chains, cases[i].n),
              (1.0 + rho) / (2.0 * (1.0 - rho)));
    }
}

static void rejections_are_covered(void **state)
{
    (void)state;
    check("one proposal in 2.5 accepted", 1250, cover(equal_rejections, 0.4, 1, 1250),
          2.0);
    check("one proposal in 20.5 accepted", N, cover(equal_rejections, 1.0 / 20.5, 1, N),
          20.0);
    check("independent sampler, x", N, cover(heavy_rejections, 0, 1, N), 0.0);
    check("independent sampler, x^2", N, cover(heavy_squares, 0, 1, N), 0.0);
}

/* --- chains of hmc ---------------------------------------------------------------------- */

/* Free field 2 x 2, S = sum over momenta of omega^2 |phi_k|^2/2 with omega^2 = 2 (m2 +
 * khat^2), khat^2 = 0, 4, 4, 8: series of n draws of m and of the mean of phi^2. */
enum { SITES = 4, HMC_CHAINS = 64 };

static void hmc_series(const char *options_text, double m2, size_t n, shares *of_m,
                       shares *of_phi2)
{
    static const int shape[] = {2, 2};
    static const double khat2[SITES] = {0, 4, 4, 8};
    fixture f;
    kad_schema schema = {0};
    rig r;
    char yaml[128];
    double phi2 = 0, *a = kad_alloc(2 * n, sizeof *a);
    snprintf(yaml, sizeof yaml, "action: {name: phi4, form: albergo, m2: %g, lambda: 0}",
             m2);
    for (int k = 0; k < SITES; k++)
        phi2 += 0.5 / (m2 + khat2[k]) / SITES;
    fixture_make(&f, yaml, 2, shape, false);
    kad_run_options o;
    kad_config *config = options(&f.ctx, &schema, options_text, &o);
    const kad_sampler_setup setup = {.options = o.entries[0].own,
                                     .start = o.entries[0].start,
                                     .action = f.action,
                                     .prec = KAD_DOUBLE,
                                     .seed = fresh,
                                     .n_chains = HMC_CHAINS,
                                     .n_burn_in = 200,
                                     .n_tune = 100,
                                     .n_draws = REPLICAS / HMC_CHAINS * (int64_t)n,
                                     .n_batch_max = n};
    if (rig_make(&r, &f.ctx, "hmc", &setup) != KAD_OK) fail_msg("%s", f.ctx.message);
    rig_advance(&r, &f.ctx, 200);
    for (int batch = 0; batch < REPLICAS / HMC_CHAINS; batch++) {
        rig_advance(&r, &f.ctx, n);
        for (size_t c = 0; c < HMC_CHAINS; c++) {
            for (size_t i = 0; i < n; i++) {
                const double *x = r.draws.x + (c * n + i) * SITES;
                a[i] = (x[0] + x[1] + x[2] + x[3]) / SITES;
                a[n + i] = power_of(&r, c * n + i, 1);
            }
            add(of_m, 1, n, a, 0.0);
            add(of_phi2, 1, n, a + n, phi2);
        }
    }
    rig_clear(&r);
    kad_run_options_clear(&o);
    kad_config_destroy(config);
    fixture_clear(&f);
    kad_free(a);
}

/* Trajectories of random length, pi/2 to 3 pi/2 of the slowest mode's phase in the mean,
 * almost all accepted; and of one long step, a sixth and a third of them rejected. */
static void hmc_is_covered(void **state)
{
    (void)state;
    static const double phases[] = {0.5, 0.7, 0.9, 1.1, 1.3, 1.5}, steps[] = {2.1, 2.45};
    char yaml[160], name[96];
    for (size_t i = 0; i < sizeof phases / sizeof *phases; i++) {
        shares m = {0}, phi2 = {0};
        snprintf(yaml, sizeof yaml,
                 "sample: [{name: hmc, step_size: 0.1, trajectory: %.6f}]",
                 phases[i] * M_PI / 2.0);
        hmc_series(yaml, 2.0, 2000, &m, &phi2);
        snprintf(name, sizeof name, "hmc, omega t = %.1f pi, m", phases[i]);
        check(name, 2000, m, 0.0);
        snprintf(name, sizeof name, "hmc, omega t = %.1f pi, phi^2", phases[i]);
        check(name, 2000, phi2, 0.0);
    }
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        shares m = {0}, phi2 = {0};
        snprintf(yaml, sizeof yaml,
                 "sample: [{name: hmc, start: cold, n_leapfrog: 1, step_size: %.6f}]",
                 steps[i] / sqrt(2.0 * 500.0));
        hmc_series(yaml, 500.0, 5000, &m, &phi2);
        snprintf(name, sizeof name, "hmc, one step of omega eps = %.2f, m", steps[i]);
        check(name, 5000, m, 0.0);
        snprintf(name, sizeof name, "hmc, one step of omega eps = %.2f, phi^2", steps[i]);
        check(name, 5000, phi2, 0.0);
    }
}

/* --- functions and weights -------------------------------------------------------------- */

/* <a b>/(<a><b>) of two correlated chains with means 2 and 3: 1 + cov/6. */
static double ratio(size_t n, const double *m, const void *self)
{
    (void)n;
    (void)self;
    return m[2] / (m[0] * m[1]);
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
        ar1(2 * r, 7.0 / 9.0, N, x); /* tau_int = 4 */
        ar1(2 * r + 1, 7.0 / 9.0, N, y);
        for (size_t i = 0; i < N; i++) {
            a[3 * i] = 2.0 + x[i];
            a[3 * i + 1] = 3.0 + 0.6 * x[i] + 0.8 * y[i];
            a[3 * i + 2] = a[3 * i] * a[3 * i + 1];
        }
        for (size_t k = 0; k < 3; k++)
            inputs[k] = (kad_input){.data = a, .stride = 3, .offset = k};
        assert_int_equal(kad_derived_chain(&ctx, 1, N, 3, inputs, ratio, NULL, &g),
                         KAD_OK);
        count(&s, g.mean - 1.1, g.err);
    }
    check("a ratio of means", N, s, NAN);
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
        double value[3], err[3];
        kad_weights importance;
        for (size_t i = 0; i < N / 10; i++) {
            const double x = normal(56, r, i);
            log_w[i] = 0.5 * x - 0.125;
            a[2 * i] = x;
            a[2 * i + 1] = x * x;
        }
        assert_int_equal(kad_reweight(&ctx, N / 10, log_w, 2, a, value, err, NULL, NULL),
                         KAD_OK);
        assert_int_equal(kad_weights_analyse(&ctx, N / 10, log_w, &importance), KAD_OK);
        value[2] = importance.log_z.value;
        err[2] = importance.log_z.err;
        for (int k = 0; k < 3; k++)
            count(&s[k], value[k] - exact[k], err[k]);
    }
    for (int k = 0; k < 3; k++) {
        static const char *const names[] = {"reweighted x", "reweighted x^2", "ln Z"};
        check(names[k], N / 10, s[k], NAN);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("gamma: coverage of AR(1) series of either sign", ar1_is_covered),
        CLAIM("gamma: coverage with several chains", many_chains_are_covered),
        CLAIM("gamma: coverage with runs of rejections", rejections_are_covered),
        CLAIM("gamma: coverage of chains of hmc, alternating ones too", hmc_is_covered),
        CLAIM("derived: coverage of a ratio of means", functions_are_covered),
        CLAIM("weights: coverage of reweighted means and ln Z", reweighting_is_covered),
    };
    fresh = fresh_seed("long_gamma", "");
    printf("| series | draws | 1 sigma | 2 sigma | tau_int | expected |\n");
    return cmocka_run_group_tests_name("gamma_long", tests, NULL, NULL);
}

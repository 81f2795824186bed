/* Importance weights, jackknife, functions of means. */
#include "analysis/derived.h"
#include "analysis/functions.h"
#include "analysis/importance.h"
#include "analysis/jackknife.h"
#include "tests/support/analysis_util.h"

static kad_importance analyse(size_t n, const double *log_w)
{
    kad_ctx ctx;
    kad_importance out;
    kad_ctx_init(&ctx, 1);
    assert_int_equal(kad_importance_analyse(&ctx, n, log_w, &out), KAD_OK);
    return out;
}

static void log_normal(uint32_t index, uint64_t replica, double m, double s, size_t n,
                       double *log_w)
{
    for (size_t i = 0; i < n; i++)
        log_w[i] = m + s * test_normal(index, replica, i);
}

/* ln w ~ N(m, s^2): ln Z = m + s^2/2, ESS = exp(-s^2), bounds m and m + s^2, acceptance
 * erfc(s/2). Eight pulls of 5.5: false alarm below 1e-6. */
static void log_normal_weights(void **state)
{
    (void)state;
    enum { N = 100000 };
    double *log_w = kad_alloc(N, sizeof *log_w);
    static const double sigmas[] = {0.3, 0.8};
    for (int i = 0; i < 2; i++) {
        const double s = sigmas[i], m = -40.0;
        log_normal(10, (uint64_t)i, m, s, N, log_w);
        const kad_importance w = analyse(N, log_w);
        const kad_estimate found[] = {w.log_z, w.ess, w.lower, w.upper, w.acceptance};
        const double truth[] = {m + s * s / 2, exp(-s * s), m, m + s * s, erfc(s / 2)};
        for (int k = 0; k < 5; k++) {
            assert_true(fabs(found[k].value - truth[k]) < 5.5 * found[k].err);
            assert_true(found[k].err > 0.0 && found[k].err < 0.02);
        }
        assert_true(fabs(w.log_z.err / w.log_z_err_importance - 1.0) < 0.05);
        assert_true(w.lower.value < w.log_z.value && w.log_z.value < w.upper.value);
        assert_true(w.n_zero == 0 && w.largest_share < 0.01);
    }
    kad_free(log_w);
}

/* 300 replicas of 400 draws know a spread to 4 %: within 25 %, ln Z's jackknife error
 * matches its scatter and its pulls are unbiased. */
static void errors_match_the_scatter(void **state)
{
    (void)state;
    enum { N = 400, REPLICAS = 300 };
    double log_w[N], sum = 0.0, square = 0.0, err2 = 0.0;
    const double s = 0.7;
    for (int r = 0; r < REPLICAS; r++) {
        log_normal(11, (uint64_t)r, 0.0, s, N, log_w);
        const kad_importance w = analyse(N, log_w);
        const double d = w.log_z.value - s * s / 2;
        sum += d;
        square += d * d;
        err2 += w.log_z.err * w.log_z.err;
    }
    assert_true(fabs(sqrt(square / err2) - 1.0) < 0.25);
    assert_true(fabs(sum) < 5.0 * sqrt(square));
}

/* Everything against sums written out with one draw left out. */
static void equals_the_plain_jackknife(void **state)
{
    (void)state;
    enum { N = 40 };
    double log_w[N], z[N], ess[N], upper[N], accept[N];
    log_normal(12, 0, 5.0, 1.0, N, log_w);
    for (int out = 0; out < N; out++) {
        double w1 = 0, w2 = 0, wl = 0, pairs = 0;
        for (int i = 0; i < N; i++) {
            if (i == out) continue;
            const double w = exp(log_w[i]);
            w1 += w;
            w2 += w * w;
            wl += w * log_w[i];
            for (int j = 0; j < N; j++)
                if (j != out && j != i) pairs += fmin(w, exp(log_w[j]));
        }
        z[out] = log(w1 / (N - 1));
        ess[out] = w1 * w1 / w2 / (N - 1);
        upper[out] = wl / w1;
        accept[out] = pairs / ((N - 2) * w1);
    }
    const kad_importance w = analyse(N, log_w);
    const double *left_out[] = {z, ess, upper, accept};
    const double err[] = {w.log_z.err, w.ess.err, w.upper.err, w.acceptance.err};
    for (int k = 0; k < 4; k++) {
        double mean = 0, var = 0;
        for (int i = 0; i < N; i++)
            mean += left_out[k][i] / N;
        for (int i = 0; i < N; i++)
            var += (left_out[k][i] - mean) * (left_out[k][i] - mean) * (N - 1) / N;
        assert_true(fabs(err[k] / sqrt(var) - 1.0) < 1e-9);
    }
}

/* The logarithm of a mean of n weights is low by var(w)/(2 n Z^2), here 0.054 of 16
 * draws, more than a third of its error; the jackknife takes that out, to second order.
 * 4000 replicas know the bias to 0.005. */
static void ln_z_is_unbiased(void **state)
{
    (void)state;
    enum { N = 16, REPLICAS = 4000 };
    double log_w[N], plain = 0.0, bias = 0.0;
    for (uint64_t r = 0; r < REPLICAS; r++) {
        double sum = 0.0, of_left_out = 0.0;
        log_normal(17, r, 3.0, 1.0, N, log_w);
        for (int i = 0; i < N; i++)
            sum += exp(log_w[i]);
        for (int i = 0; i < N; i++)
            of_left_out += log((sum - exp(log_w[i])) / (N - 1)) / N;
        const kad_importance w = analyse(N, log_w);
        const double all = log(sum / N);
        assert_true(fabs(w.log_z.value - (N * all - (N - 1) * of_left_out)) < 1e-11);
        plain += (all - 3.5) / REPLICAS;
        bias += (w.log_z.value - 3.5) / REPLICAS;
    }
    print_message("# bias of ln Z %.4f, of the plain logarithm %.4f\n", bias, plain);
    assert_true(plain < -0.03 && fabs(bias) < 0.5 * fabs(plain));
}

static void zero_weights(void **state)
{
    (void)state;
    double log_w[6] = {0.0, -INFINITY, 0.0, 0.0, -INFINITY, 0.0};
    const kad_importance w = analyse(6, log_w);
    assert_int_equal(w.n_zero, 2);
    assert_true(fabs(w.ess.value - 4.0 / 6.0) < 1e-15);
    assert_true(isinf(w.lower.value) && w.largest_share == 0.25);
    assert_true(fabs(w.acceptance.value - 12.0 / 20.0) < 1e-15);
    kad_ctx ctx;
    kad_importance out;
    kad_ctx_init(&ctx, 1);
    log_w[0] = NAN;
    assert_int_equal(kad_importance_analyse(&ctx, 6, log_w, &out), KAD_EDATA);
    for (int i = 0; i < 6; i++)
        log_w[i] = -INFINITY;
    assert_int_equal(kad_importance_analyse(&ctx, 6, log_w, &out), KAD_EDATA);
}

/* q = N(0, 1), p = N(0, v): <x^2>_p = v, <x^4>_p = 3 v^2; their covariance against the
 * scatter of replicas. */
static void reweighted_moments(void **state)
{
    (void)state;
    enum { N = 2000, REPLICAS = 300 };
    const double v = 0.7;
    static double log_w[N], a[2 * N];
    double square[2] = {0, 0}, err2[2] = {0, 0}, sum[2] = {0, 0}, cross = 0, cov12 = 0;
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    for (int r = 0; r < REPLICAS; r++) {
        double mean[2], err[2], cov[4];
        for (size_t i = 0; i < N; i++) {
            const double x = test_normal(13, (uint64_t)r, i);
            log_w[i] = -0.5 * x * x * (1.0 / v - 1.0) + 7.0;
            a[2 * i] = x * x;
            a[2 * i + 1] = x * x * x * x;
        }
        assert_int_equal(kad_reweight(&ctx, N, log_w, 2, a, mean, err, NULL, cov),
                         KAD_OK);
        assert_true(fabs(err[0] * err[0] / cov[0] - 1.0) < 1e-12 && cov[1] == cov[2]);
        const double d[2] = {mean[0] - v, mean[1] - 3.0 * v * v};
        for (int k = 0; k < 2; k++) {
            sum[k] += d[k];
            square[k] += d[k] * d[k];
            err2[k] += err[k] * err[k];
        }
        cross += d[0] * d[1];
        cov12 += cov[1];
    }
    for (int k = 0; k < 2; k++) {
        assert_true(fabs(sqrt(square[k] / err2[k]) - 1.0) < 0.25);
        assert_true(fabs(sum[k]) < 5.0 * sqrt(square[k]));
    }
    assert_true(fabs(cross / cov12 - 1.0) < 0.5);
}

static void jackknife_of_a_mean(void **state)
{
    (void)state;
    enum { N = 50 };
    double a[N], bins[10], mean = 0.0, var = 0.0;
    for (size_t i = 0; i < N; i++) {
        a[i] = test_normal(14, 0, i);
        mean += a[i] / N;
    }
    for (size_t i = 0; i < N; i++)
        var += (a[i] - mean) * (a[i] - mean) / (N - 1) / N;
    kad_jackknife jack = kad_jackknife_start(mean);
    for (size_t i = 0; i < N; i++)
        kad_jackknife_add(&jack, (N * mean - a[i]) / (N - 1));
    assert_true(fabs(kad_jackknife_error(&jack) - sqrt(var)) < 1e-14);
    assert_true(fabs(kad_jackknife_corrected(&jack) - mean) < 1e-14);
    assert_int_equal(kad_bin(N, a, 7, bins), 7);
    assert_true(fabs(bins[6] * 7 -
                     (a[42] + a[43] + a[44] + a[45] + a[46] + a[47] + a[48])) < 1e-14);
}

/* A product of means of two correlated AR(1) series; the Gamma method's error and the
 * weighted one against the scatter. */
static double product(size_t n, const double *mean, const void *self)
{
    (void)n;
    (void)self;
    return mean[0] * mean[1];
}

static void derived_errors(void **state)
{
    (void)state;
    enum { N = 1000, REPLICAS = 200 };
    static double a[2 * N], log_w[N];
    double square[2] = {0, 0}, err2[2] = {0, 0};
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    for (int r = 0; r < REPLICAS; r++) {
        static double x[N], y[N];
        test_ar1(15, (uint64_t)r, 2.0, 2.0, N, x);
        test_ar1(16, (uint64_t)r, 2.0, 3.0, N, y);
        for (size_t i = 0; i < N; i++) {
            a[2 * i] = x[i];
            a[2 * i + 1] = y[i] + x[i];
            log_w[i] = 0.0;
        }
        const kad_input inputs[2] = {{a, 2, 0}, {a, 2, 1}};
        kad_gamma g;
        double value, err, dof;
        assert_int_equal(kad_derived_chain(&ctx, 1, N, 2, inputs, product, NULL, &g),
                         KAD_OK);
        assert_int_equal(kad_derived_weighted(&ctx, N, log_w, 2, inputs, product, NULL,
                                              &value, &err, &dof),
                         KAD_OK);
        assert_true(fabs(value / g.mean - 1.0) < 1e-12);
        square[0] += (g.mean - 10.0) * (g.mean - 10.0);
        err2[0] += g.err * g.err;
        /* with equal weights the weighted error is the naive one */
        err2[1] += err * err;
        square[1] += g.err_naive * g.err_naive;
        kad_gamma_clear(&g);
    }
    assert_true(fabs(sqrt(square[0] / err2[0]) - 1.0) < 0.3);
    assert_true(fabs(sqrt(square[1] / err2[1]) - 1.0) < 0.02);
}

/* A free field's slice correlator on a ring, C(r) = cosh(m (L/2 - r)): the effective mass
 * is m everywhere; G(k) and xi follow by a direct sum. */
static void functions_of_correlators(void **state)
{
    (void)state;
    for (int L = 7; L <= 8; L++) {
        double C[5], full[8], g0 = 0, g1 = 0;
        const size_t n = (size_t)L / 2 + 1;
        for (int r = 0; r < L; r++)
            full[r] = cosh(0.6 * (L / 2.0 - r));
        for (size_t r = 0; r < n; r++)
            C[r] = full[r];
        for (int r = 0; r < L; r++) {
            g0 += full[r];
            g1 += full[r] * cos(2 * M_PI * r / L);
        }
        kad_lattice_facts facts = {.n_sites = 64.0, .extent = L, .n_components = 1};
        assert_true(fabs(kad_function_gk(n, C, &facts) - g0) < 1e-12);
        facts.index = 1;
        assert_true(fabs(kad_function_gk(n, C, &facts) - g1) < 1e-12);
        assert_true(fabs(kad_function_xi(n, C, &facts) -
                         sqrt(g0 / g1 - 1) / (2 * sin(M_PI / L))) < 1e-12);
        for (size_t r = 1; r < n; r++) {
            facts.index = r;
            assert_true(fabs(kad_function_m_eff(n, C, &facts) - 0.6) < 1e-12);
        }
        assert_true(fabs(kad_function_mass(n, C, &facts) - 0.6) < 1e-12);
        const double m[2] = {0.5, 0.75};
        assert_true(kad_function_chi(1, m, &facts) == 32.0);
        assert_true(fabs(kad_function_binder(2, m, &facts)) < 1e-15);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("importance: log-normal weights have their known ln Z, ESS and bounds",
              log_normal_weights),
        CLAIM("importance: the error of ln Z matches its scatter",
              errors_match_the_scatter),
        CLAIM("importance: left-out sums equal the plain jackknife",
              equals_the_plain_jackknife),
        CLAIM("importance: ln Z is the jackknife's, without the bias of the logarithm",
              ln_z_is_unbiased),
        CLAIM("importance: weights of zero count, bad ones are refused", zero_weights),
        CLAIM("importance: reweighted moments and covariance", reweighted_moments),
        CLAIM("jackknife: of a mean is the standard error", jackknife_of_a_mean),
        CLAIM("derived: errors of a product match the scatter", derived_errors),
        CLAIM("functions: masses, G(k) and xi of a known correlator",
              functions_of_correlators),
    };
    return cmocka_run_group_tests_name("importance", tests, NULL, NULL);
}

/* Importance weights of known distribution; the jackknife. */
#include "base/weights.h"
#include "tests/support/analysis_util.h"

static kad_weights analyse(size_t n, const double *log_w)
{
    kad_ctx ctx;
    kad_weights out;
    kad_ctx_init(&ctx, 1);
    assert_int_equal(kad_weights_analyse(&ctx, n, log_w, &out), KAD_OK);
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
        const kad_weights w = analyse(N, log_w);
        const kad_estimate found[] = {w.log_z, w.ess, w.lower, w.upper, w.acceptance};
        const double truth[] = {m + s * s / 2, exp(-s * s), m, m + s * s, erfc(s / 2)};
        for (int k = 0; k < 5; k++) {
            assert_true(fabs(found[k].value - truth[k]) < 5.5 * found[k].err);
            assert_true(found[k].err > 0.0 && found[k].err < 0.02);
        }
        assert_true(fabs(w.log_z.err / w.log_z_err_importance - 1.0) < 0.05);
        assert_true(w.lower.value < w.log_z.value && w.log_z.value < w.upper.value);
        assert_true(w.n_zero == 0 && w.largest < 0.01);
    }
    kad_free(log_w);
}

/* The jackknife errors against the scatter of 200 replicas: 200 replicas know a standard
 * deviation to 5 %, four of those. */
static void errors_match_the_scatter(void **state)
{
    (void)state;
    enum { N = 2000, REPLICAS = 200 };
    enum { QUANTITIES = 5 };
    double log_w[N], sum[QUANTITIES] = {0}, square[QUANTITIES] = {0},
                     claimed[QUANTITIES] = {0};
    for (uint64_t r = 0; r < REPLICAS; r++) {
        log_normal(11, r, 0.0, 0.4, N, log_w);
        const kad_weights w = analyse(N, log_w);
        const double value[QUANTITIES] = {w.log_z.value, w.ess.value, w.acceptance.value,
                                          w.lower.value, w.gap.value};
        const double error[QUANTITIES] = {w.log_z.err, w.ess.err, w.acceptance.err,
                                          w.lower.err, w.gap.err};
        for (int i = 0; i < QUANTITIES; i++) {
            sum[i] += value[i];
            square[i] += value[i] * value[i];
            claimed[i] += error[i] / REPLICAS;
        }
    }
    for (int i = 0; i < QUANTITIES; i++) {
        const double mean = sum[i] / REPLICAS;
        const double scatter = sqrt(square[i] / REPLICAS - mean * mean);
        if (!(fabs(claimed[i] / scatter - 1.0) < 0.2))
            fail_msg("quantity %d: claimed %g, scatter %g", i, claimed[i], scatter);
    }
}

/* Everything against sums written out with one draw left out. */
static void equals_the_plain_jackknife(void **state)
{
    (void)state;
    enum { N = 40 };
    double log_w[N], z[N], ess[N], upper[N], accept[N], gap[N];
    log_normal(12, 0, 5.0, 1.0, N, log_w);
    for (int out = 0; out < N; out++) {
        double w1 = 0, w2 = 0, wl = 0, pairs = 0, l = 0;
        for (int i = 0; i < N; i++) {
            if (i == out) continue;
            const double w = exp(log_w[i]);
            w1 += w;
            w2 += w * w;
            wl += w * log_w[i];
            l += log_w[i];
            for (int j = 0; j < N; j++)
                if (j != out && j != i) pairs += fmin(w, exp(log_w[j]));
        }
        z[out] = log(w1 / (N - 1));
        ess[out] = w1 * w1 / w2 / (N - 1);
        upper[out] = wl / w1;
        accept[out] = pairs / ((N - 2) * w1);
        gap[out] = z[out] - l / (N - 1);
    }
    const kad_weights w = analyse(N, log_w);
    const double *left_out[] = {z, ess, upper, accept, gap};
    const double err[] = {w.log_z.err, w.ess.err, w.upper.err, w.acceptance.err,
                          w.gap.err};
    for (int k = 0; k < 5; k++) {
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
        const kad_weights w = analyse(N, log_w);
        const double all = log(sum / N);
        assert_true(fabs(w.log_z.value - (N * all - (N - 1) * of_left_out)) < 1e-11);
        plain += (all - 3.5) / REPLICAS;
        bias += (w.log_z.value - 3.5) / REPLICAS;
    }
    print_message("# bias of ln Z %.4f, of the plain logarithm %.4f\n", bias, plain);
    assert_true(plain < -0.03 && fabs(bias) < 0.5 * fabs(plain));
}

/* Training stops at a weight of zero, analysis does not; neither takes what is no weight. */
static void zero_and_bad_weights(void **state)
{
    (void)state;
    double log_w[8] = {0.0, 0.0, NAN, INFINITY, -INFINITY, 0.0, 0.0, 0.0};
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    const kad_weights w = analyse(8, log_w);
    assert_int_equal(w.n_bad, 2);
    assert_int_equal(w.n, 6);
    assert_int_equal(w.n_zero, 1);
    assert_true(fabs(w.ess.value - 5.0 / 6.0) < 1e-15);
    assert_true(fabs(w.log_mean - log(5.0 / 6.0)) < 1e-15);
    assert_true(fabs(w.acceptance.value - 20.0 / 25.0) < 1e-15 && w.largest == 0.2);
    assert_true(w.lower.value == 0.0); /* of those above zero */
    assert_int_equal(kad_weights_check(&ctx, 8, log_w), KAD_EDATA);
    assert_int_equal(kad_weights_check(&ctx, 2, log_w), KAD_OK);
    assert_int_equal(kad_weights_check(&ctx, 1, log_w), KAD_EDATA);
    assert_true(isnan(analyse(2, log_w).acceptance.value));
    for (int i = 0; i < 8; i++)
        log_w[i] = -INFINITY;
    assert_true(isnan(analyse(8, log_w).log_z.value));
    assert_int_equal(kad_weights_check(&ctx, 8, log_w), KAD_EDATA);
}

static void equal_weights_are_perfect(void **state)
{
    (void)state;
    double log_w[16];
    for (int i = 0; i < 16; i++)
        log_w[i] = -1234.5;
    const kad_weights w = analyse(16, log_w);
    assert_true(fabs(w.ess.value - 1.0) < 1e-15);
    assert_true(fabs(w.acceptance.value - 1.0) < 1e-15);
    assert_true(fabs(w.log_z.value + 1234.5) < 1e-12 && w.log_z_err_importance < 1e-7);
    assert_true(fabs(w.largest - 1.0 / 16.0) < 1e-15 && !(w.ess.err > 1e-12));
}

static void one_weight_is_everything(void **state)
{
    (void)state;
    double log_w[5] = {0.0, -2000.0, -2000.0, -2000.0, -2000.0};
    const kad_weights w = analyse(5, log_w);
    assert_true(fabs(w.ess.value - 0.2) < 1e-15);
    assert_true(w.acceptance.value == 0.0 && fabs(w.largest - 1.0) < 1e-15);
    assert_true(fabs(kad_effective_draws(5, log_w) - 1.0) < 1e-15);
}

/* Sums that overflow, and weights of zero. */
static void sums_of_exponentials(void **state)
{
    (void)state;
    const double rows[6] = {800.0, 800.0, NAN, 800.0, -INFINITY, NAN};
    assert_true(fabs(kad_log_add(800.0, 800.0) - 800.0 - M_LN2) < 1e-12);
    assert_true(fabs(kad_log_add(0.0, -1.0) - log(1.0 + exp(-1.0))) < 1e-15);
    assert_true(kad_log_add(-INFINITY, 3.0) == 3.0);
    assert_true(kad_log_add(-INFINITY, -INFINITY) == -INFINITY);
    assert_true(isnan(kad_log_add(NAN, 3.0)) && isnan(kad_log_add(-INFINITY, NAN)));
    assert_true(fabs(kad_log_share(800.0 + log(3.0), 800.0) - 0.75) < 1e-12);
    assert_true(kad_log_share(-900.0, 900.0) == 0.0 && kad_log_share(5.0, 5.0) == 0.5);
    assert_true(fabs(kad_log_mean(2, rows) - 800.0) < 1e-12);
    assert_true(isnan(kad_log_mean(1, &rows[4])));
    /* two rows of two, with a stride of three: three weights and a zero */
    assert_true(fabs(kad_effective_rows(2, 3, 2, rows) - 3.0) < 1e-15);
    assert_true(kad_effective_draws(1, &rows[4]) == 0.0);
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
    double a[N], mean = 0.0, var = 0.0;
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
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM(
            "weights: log-normal ones have their known ln Z, ESS, bounds and acceptance",
            log_normal_weights),
        CLAIM("weights: errors match the scatter of replicas", errors_match_the_scatter),
        CLAIM("weights: left-out sums equal the plain jackknife",
              equals_the_plain_jackknife),
        CLAIM("weights: ln Z is the jackknife's, without the bias of the logarithm",
              ln_z_is_unbiased),
        CLAIM("weights: those of zero count, bad ones are left out and counted",
              zero_and_bad_weights),
        CLAIM("weights: equal ones are perfect", equal_weights_are_perfect),
        CLAIM("weights: a single dominating one gives 1/n", one_weight_is_everything),
        CLAIM("weights: sums of exponentials do not overflow", sums_of_exponentials),
        CLAIM("weights: reweighted moments and covariance", reweighted_moments),
        CLAIM("jackknife: of a mean is the standard error", jackknife_of_a_mean),
    };
    return cmocka_run_group_tests_name("weights", tests, NULL, NULL);
}

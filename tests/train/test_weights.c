/* Importance weights of known distribution. */
#include "base/memory.h"
#include "base/rng.h"
#include "train/weights.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static kad_weights analyse(size_t n, const double *ln_w)
{
    kad_ctx ctx;
    kad_weights out;
    kad_ctx_init(&ctx, 1);
    assert_int_equal(kad_weights_analyse(&ctx, n, ln_w, &out), KAD_OK);
    return out;
}

static void normals(size_t n, uint64_t step, double mean, double sigma, double *out)
{
    const kad_rng rng = kad_rng_stream(11, KAD_RNG_TEST, 3);
    for (size_t i = 0; i < n; i++) {
        double pair[2];
        kad_rng_normal2(rng, step, i, 0, pair);
        out[i] = mean + sigma * pair[0];
    }
}

/* ln w ~ N(m, s^2): ln Z = m + s^2/2, ESS = exp(-s^2), acceptance erfc(s/2),
 * free energy -m. z within 5.5 (four one-in-3e7 checks a sigma). */
static void log_normal_weights(void **state)
{
    (void)state;
    enum { N = 200000 };
    double *ln_w = kad_alloc(N, sizeof *ln_w);
    const double sigmas[] = {0.1, 0.5, 1.0};
    for (int i = 0; i < 3; i++) {
        const double s = sigmas[i], m = 3.0;
        normals(N, (uint64_t)i, m, s, ln_w);
        const kad_weights w = analyse(N, ln_w);
        assert_int_equal(w.n, N);
        assert_true(fabs(w.log_z - (m + 0.5 * s * s)) < 5.5 * w.log_z_err);
        assert_true(fabs(w.ess - exp(-s * s)) < 5.5 * w.ess_err);
        assert_true(fabs(w.acceptance - erfc(0.5 * s)) < 5.5 * w.acceptance_err);
        assert_true(fabs(w.free_energy + m) < 5.5 * w.free_energy_err);
        assert_true(fabs(w.free_energy_err - s / sqrt((double)N)) < 0.02 * s / 447.0);
        /* errors are errors, not just large */
        assert_true(w.ess_err < 0.02 && w.acceptance_err < 0.005 && w.log_z_err < 0.005);
    }
    kad_free(ln_w);
}

/* The jackknife errors against the scatter of 200 replicas: 200 replicas know a standard
 * deviation to 5 %, four of those. */
static void errors_match_the_scatter(void **state)
{
    (void)state;
    enum { N = 2000, REPLICAS = 200 };
    double ln_w[N], sum[4] = {0}, square[4] = {0}, claimed[4] = {0};
    for (uint64_t r = 0; r < REPLICAS; r++) {
        normals(N, 100 + r, 0.0, 0.4, ln_w);
        const kad_weights w = analyse(N, ln_w);
        const double value[4] = {w.log_z, w.ess, w.acceptance, w.free_energy};
        const double error[4] = {w.log_z_err, w.ess_err, w.acceptance_err,
                                 w.free_energy_err};
        for (int i = 0; i < 4; i++) {
            sum[i] += value[i];
            square[i] += value[i] * value[i];
            claimed[i] += error[i] / REPLICAS;
        }
    }
    for (int i = 0; i < 4; i++) {
        const double mean = sum[i] / REPLICAS;
        const double scatter = sqrt(square[i] / REPLICAS - mean * mean);
        if (!(fabs(claimed[i] / scatter - 1.0) < 0.2))
            fail_msg("quantity %d: claimed %g, scatter %g", i, claimed[i], scatter);
    }
}

/* Acceptance by the double loop over pairs, ESS and jackknife by recomputation. */
static void equals_the_plain_sums(void **state)
{
    (void)state;
    enum { N = 60 };
    double ln_w[N], part[N - 1], pairs = 0.0, s1 = 0.0, s2 = 0.0;
    normals(N, 50, -700.0, 1.5, ln_w);
    const kad_weights w = analyse(N, ln_w);
    for (int i = 0; i < N; i++) {
        const double wi = exp(ln_w[i] + 700.0);
        s1 += wi;
        s2 += wi * wi;
        for (int j = 0; j < N; j++)
            if (i != j) pairs += fmin(wi, exp(ln_w[j] + 700.0));
    }
    assert_true(fabs(w.ess - s1 * s1 / (N * s2)) < 1e-12);
    assert_true(fabs(w.acceptance - pairs / ((N - 1) * s1)) < 1e-12);
    double mean = 0.0, square = 0.0;
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N - 1; j++)
            part[j] = ln_w[j < i ? j : j + 1];
        const double a = analyse(N - 1, part).acceptance;
        mean += a / N;
        square += a * a / N;
    }
    const double expected = sqrt((N - 1.0) * (square - mean * mean));
    assert_true(fabs(w.acceptance_err / expected - 1.0) < 1e-6);
}

static void equal_weights_are_perfect(void **state)
{
    (void)state;
    double ln_w[16];
    for (int i = 0; i < 16; i++)
        ln_w[i] = -1234.5;
    const kad_weights w = analyse(16, ln_w);
    assert_true(fabs(w.ess - 1.0) < 1e-15 && fabs(w.acceptance - 1.0) < 1e-15);
    assert_true(fabs(w.log_z + 1234.5) < 1e-12 && w.log_z_err < 1e-7);
    assert_true(w.ess_err < 1e-12 && fabs(w.largest - 1.0 / 16.0) < 1e-15);
}

static void bad_weights_are_counted(void **state)
{
    (void)state;
    double ln_w[8] = {0.0, 0.0, NAN, INFINITY, -INFINITY, 0.0, 0.0, 0.0};
    const kad_weights w = analyse(8, ln_w);
    assert_int_equal(w.n_bad, 2);
    assert_int_equal(w.n, 6); /* weight zero is a weight */
    assert_true(fabs(w.ess - 5.0 / 6.0) < 1e-15);
    assert_true(fabs(w.log_z - log(5.0 / 6.0)) < 1e-15);
    assert_true(w.free_energy == 0.0);
    const kad_weights none = analyse(2, ln_w);
    assert_true(isnan(none.ess) && isnan(none.log_z) && isnan(none.acceptance));
    for (int i = 0; i < 8; i++)
        ln_w[i] = -INFINITY;
    assert_true(isnan(analyse(8, ln_w).log_z));
}

static void one_weight_is_everything(void **state)
{
    (void)state;
    double ln_w[5] = {0.0, -2000.0, -2000.0, -2000.0, -2000.0};
    const kad_weights w = analyse(5, ln_w);
    assert_true(fabs(w.ess - 0.2) < 1e-15);
    assert_true(w.acceptance == 0.0 && fabs(w.largest - 1.0) < 1e-15);
}

#define CLAIM(text, function)            \
    {                                    \
        text, function, NULL, NULL, NULL \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("weights: log-normal ones have the known ln Z, ESS and acceptance",
              log_normal_weights),
        CLAIM("weights: errors match the scatter of replicas", errors_match_the_scatter),
        CLAIM("weights: sorted sums equal the plain ones", equals_the_plain_sums),
        CLAIM("weights: equal ones are perfect", equal_weights_are_perfect),
        CLAIM("weights: bad ones are left out and counted", bad_weights_are_counted),
        CLAIM("weights: a single dominating one gives 1/n", one_weight_is_everything),
    };
    return cmocka_run_group_tests_name("weights", tests, NULL, NULL);
}

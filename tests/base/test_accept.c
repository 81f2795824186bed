/* The accept/reject rule: detailed balance, state by state, and the mutants it must
 * catch. */
#include "base/accept.h"
#include "tests/support/analysis_util.h"

/* Probability that the rule takes a proposal, u uniform: the rule is monotone in u, its
 * threshold found by bisection. */
static double probability(kad_accept_rule rule, double log_w_new, double log_w_old)
{
    double lo = 0.0, hi = 1.0;
    if (rule(log_w_new, log_w_old, 1.0 - 1e-16)) return 1.0;
    if (!rule(log_w_new, log_w_old, 1e-300)) return 0.0;
    for (int i = 0; i < 200; i++) {
        const double mid = 0.5 * (lo + hi);
        if (rule(log_w_new, log_w_old, mid))
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

enum { STATES = 6 };
static const double p_raw[STATES] = {0.30, 0.05, 0.25, 0.10, 0.20, 0.10};
static const double q_raw[STATES] = {0.10, 0.30, 0.05, 0.25, 0.10, 0.20};

/* max |pi P - pi| of the sampler on six states, P built from every branch. log_q_share:
 * what share of ln q enters the weight (1 is right). */
static double violation(kad_accept_rule rule, double log_q_share)
{
    double log_w[STATES], after[STATES] = {0}, worst = 0.0;
    for (int i = 0; i < STATES; i++)
        log_w[i] = log(p_raw[i]) - log_q_share * log(q_raw[i]);
    for (int i = 0; i < STATES; i++) {
        double stay = 1.0;
        for (int j = 0; j < STATES; j++) {
            if (j == i) continue;
            const double move = q_raw[j] * probability(rule, log_w[j], log_w[i]);
            after[j] += p_raw[i] * move;
            stay -= move;
        }
        after[i] += p_raw[i] * stay;
    }
    for (int i = 0; i < STATES; i++)
        worst = fmax(worst, fabs(after[i] - p_raw[i]));
    return worst;
}

static bool always(double log_w_new, double log_w_old, double u)
{
    (void)log_w_new;
    (void)log_w_old;
    (void)u;
    return true;
}

static bool reversed(double log_w_new, double log_w_old, double u)
{
    return log(u) < log_w_old - log_w_new;
}

static bool half(double log_w_new, double log_w_old, double u)
{
    return log(u) < 0.5 * (log_w_new - log_w_old);
}

static bool greedy(double log_w_new, double log_w_old, double u)
{
    (void)u;
    return log_w_new > log_w_old;
}

static void leaves_the_target_invariant(void **state)
{
    (void)state;
    assert_true(violation(kad_accept_independent, 1.0) < 1e-13);
}

static void mutants_are_caught(void **state)
{
    (void)state;
    assert_true(violation(kad_accept_independent, 0.0) > 1e-3);  /* ln q dropped */
    assert_true(violation(kad_accept_independent, 0.95) > 1e-3); /* 5 % off */
    assert_true(violation(kad_accept_independent, -1.0) > 1e-3); /* wrong sign */
    assert_true(violation(always, 1.0) > 1e-3);
    assert_true(violation(reversed, 1.0) > 1e-3);
    assert_true(violation(half, 1.0) > 1e-3);
    assert_true(violation(greedy, 1.0) > 1e-3);
}

/* Exact start: x0 ~ N(0, 1), then k kernels with proposals N(0, 1.3^2): <x^2>, <x^4> over
 * n independent replicas against 1 and 3. Returns the larger |z|. error: a planted error
 * in ln q, q -> q^(1 - error). */
static double exact_start(int k, double error)
{
    enum { REPLICAS = 1000000 };
    const double sigma = 1.3;
    const kad_rng rng = kad_rng_stream(77, KAD_RNG_TEST, 4);
    double sum2 = 0.0, sum4 = 0.0;
    for (uint64_t r = 0; r < REPLICAS; r++) {
        double n[4], log_w[2], u[2];
        uint8_t accepted[2];
        ptrdiff_t at;
        kad_rng_normal2(rng, 0, r, 0, n);
        kad_rng_normal2(rng, 1, r, 0, n + 2);
        const double y[2] = {sigma * n[1], sigma * n[2]};
        double x = n[0], state = -0.5 * x * x * (1.0 - (1.0 - error) / (sigma * sigma));
        for (int i = 0; i < k; i++) {
            log_w[i] = -0.5 * y[i] * y[i] * (1.0 - (1.0 - error) / (sigma * sigma));
            u[i] = kad_rng_uniform(rng, 2, r, (uint32_t)i);
        }
        kad_accept_walk(kad_accept_independent, (size_t)k, log_w, u, &state, accepted,
                        &at);
        if (at >= 0) x = y[at];
        sum2 += x * x - 1.0;
        sum4 += x * x * x * x - 3.0;
    }
    return fmax(fabs(sum2) / sqrt(2.0 * REPLICAS), fabs(sum4) / sqrt(96.0 * REPLICAS));
}

/* Two moments of two cases: z < 5.2 has a false-alarm probability below 1e-6. */
static void exact_start_stays_exact(void **state)
{
    (void)state;
    assert_true(exact_start(1, 0.0) < 5.2);
    assert_true(exact_start(2, 0.0) < 5.2);
    assert_true(exact_start(2, 0.05) > 7.0);
}

static void walks_as_told(void **state)
{
    (void)state;
    const double log_w[5] = {-INFINITY, 1.0, -INFINITY, -50.0, 2.0};
    const double u[5] = {0.5, 0.5, 1e-300, 0.5, 0.999};
    const uint8_t expected[5] = {0, 1, 0, 0, 1};
    uint8_t accepted[5];
    double log_w_state = -INFINITY;
    ptrdiff_t at;
    kad_accept_walk(kad_accept_independent, 5, log_w, u, &log_w_state, accepted, &at);
    assert_memory_equal(accepted, expected, 5);
    assert_int_equal(at, 4);
    assert_true(log_w_state == 2.0);
    kad_accept_walk(kad_accept_independent, 1, log_w, u, &log_w_state, accepted, &at);
    assert_int_equal(at, -1);
    assert_true(log_w_state == 2.0);
    assert_false(kad_accept_independent(NAN, 0.0, 0.5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("accept: pi P = pi to 1e-13 on six states", leaves_the_target_invariant),
        CLAIM("accept: planted mutants break pi P = pi", mutants_are_caught),
        CLAIM("accept: an exact start stays exact, a 5 % error in ln q does not",
              exact_start_stays_exact),
        CLAIM("accept: the walk tracks the state, weights of zero are never taken",
              walks_as_told),
    };
    return cmocka_run_group_tests_name("accept", tests, NULL, NULL);
}

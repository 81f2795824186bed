/* Learning rates, plateaus, annealing, clipping and the moving average of the weights. */
#include "tests/support/claim.h"
#include "train/clip.h"
#include "train/schedule.h"

static void check(double got, double expected, double tolerance)
{
    if (!(fabs(got - expected) <= tolerance))
        fail_msg("%.17g, expected %.17g", got, expected);
}

static void warm_up_is_linear(void **state)
{
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        const kad_schedule s = {(kad_schedule_kind)kind, 0.5, 0.01, 9, 100};
        for (int t = 0; t < 9; t++)
            check(kad_schedule_rate(&s, t, 0), 0.05 * (t + 1), 1e-15);
        check(kad_schedule_rate(&s, 9, 0), 0.5, 1e-15);
    }
}

static void shapes_after_the_warm_up(void **state)
{
    (void)state;
    kad_schedule s = {KAD_SCHEDULE_COSINE, 1.0, 0.2, 10, 111};
    check(kad_schedule_rate(&s, 60, 0), 0.6, 1e-15); /* half way */
    check(kad_schedule_rate(&s, 35, 0), 0.6 + 0.4 * sqrt(0.5), 1e-15);
    check(kad_schedule_rate(&s, 110, 0), 0.2, 1e-15);
    s.kind = KAD_SCHEDULE_EXPONENTIAL;
    check(kad_schedule_rate(&s, 60, 0), sqrt(0.2), 1e-15);
    check(kad_schedule_rate(&s, 110, 0), 0.2, 1e-15);
    s.kind = KAD_SCHEDULE_CONSTANT;
    check(kad_schedule_rate(&s, 110, 0), 1.0, 0.0);
    s.kind = KAD_SCHEDULE_PLATEAU;
    check(kad_schedule_rate(&s, 60, 2), 0.25, 0.0);
    check(kad_schedule_rate(&s, 60, 7), 0.2, 0.0); /* the floor */
}

static void no_steps_after_the_warm_up(void **state)
{
    (void)state;
    const kad_schedule s = {KAD_SCHEDULE_COSINE, 1.0, 0.0, 3, 4};
    assert_true(isfinite(kad_schedule_rate(&s, 3, 0)));
    assert_true(isfinite(kad_schedule_rate(&s, 9, 0)));
}

static void annealing_ends_exactly(void **state)
{
    (void)state;
    const double final = 1.0 / 3.0;
    check(kad_anneal_value(0.1, final, 0, 7), 0.1, 0.0);
    check(kad_anneal_value(0.0, 1.0, 2, 8), 0.25, 1e-15);
    assert_true(kad_anneal_value(0.1, final, 7, 7) == final);
    assert_true(kad_anneal_value(0.1, final, 1, 0) == final);
}

/* Losses 100 - t fall: no plateau; then a constant with alternating noise of 0.1 lasts.
 */
static void plateaus_are_found(void **state)
{
    (void)state;
    kad_plateau p;
    kad_plateau_reset(&p);
    assert_true(isnan(kad_plateau_mean(&p)));
    for (int t = 0; t < 200; t++) {
        kad_plateau_add(&p, 20.0, 100.0 - t, 0.1);
        assert_int_equal(p.since, 0);
    }
    for (int t = 0; t < 600; t++)
        kad_plateau_add(&p, 20.0, -100.0 + (t % 2 == 0 ? 0.1 : -0.1), 0.1);
    assert_true(p.since > 300);
    /* alternating noise averages out to 0.1 a/(2 - a), a = 1/20 */
    check(kad_plateau_mean(&p), -100.0, 0.003);
    /* independent errors of 0.1: sqrt(a/(2 - a)) of it */
    check(kad_plateau_error(&p, 20.0), 0.1 * sqrt(0.05 / 1.95), 1e-9);
}

static void clipping_holds_the_norm(void **state)
{
    (void)state;
    kad_clip clip;
    double g[3] = {3.0, 4.0, 0.0};
    kad_clip_init(&clip, 3.0, 0.0);
    check(kad_norm(3, g), 5.0, 0.0);
    check(kad_clip_apply(&clip, 5.0, 3, g), 1.0, 0.0); /* the first sets the scale */
    check(clip.running, 5.0, 0.0);
    g[0] = 300.0;
    g[1] = 400.0;
    const double scale = kad_clip_apply(&clip, 500.0, 3, g);
    check(scale, 15.0 / 500.0, 1e-15);
    check(kad_norm(3, g), 15.0, 1e-13);
    check(clip.running, 0.99 * 5.0 + 0.01 * 15.0, 1e-13); /* a spike hardly moves it */
    assert_int_equal(clip.n_clipped, 1);
    kad_clip_init(&clip, 0.0, 1.0);
    g[0] = 6.0;
    g[1] = 8.0;
    kad_clip_apply(&clip, 10.0, 3, g);
    check(kad_norm(3, g), 1.0, 1e-15);
    kad_clip_init(&clip, 0.0, 0.0);
    check(kad_clip_apply(&clip, 1e9, 3, g), 1.0, 0.0);
}

static void norms_of_bad_gradients_are_not_finite(void **state)
{
    (void)state;
    double g[11] = {0};
    g[10] = NAN;
    assert_true(!(kad_norm(11, g) < INFINITY));
    g[10] = INFINITY;
    assert_true(!(kad_norm(11, g) < INFINITY));
    g[10] = 1e-3;
    check(kad_norm(11, g), 1e-3, 1e-18);
}

/* A constant comes back at once; a ramp lags by d/(1 - d) in the long run; the first
 * values carry the weights of the definition. */
static void average_is_unbiased(void **state)
{
    (void)state;
    kad_average a;
    double theta = 2.5, average = 0.0;
    kad_average_init(&a, 0.9);
    for (int t = 0; t < 5; t++) {
        kad_average_add(&a, 1, &theta, &average);
        check(average, 2.5, 1e-15);
    }
    kad_average_init(&a, 0.9);
    average = 0.0;
    double sum = 0.0, weights = 0.0;
    for (int t = 0; t < 300; t++) {
        theta = t;
        kad_average_add(&a, 1, &theta, &average);
        sum = 0.9 * sum + 0.1 * theta;
        weights = 0.9 * weights + 0.1;
        check(average, sum / weights, 1e-11);
    }
    check(average, 299.0 - 0.9 / 0.1, 1e-9);
    kad_average_init(&a, 0.0);
    theta = 7.0;
    kad_average_add(&a, 1, &theta, &average);
    check(average, 7.0, 0.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("schedule: the warm-up is linear and ends at the rate", warm_up_is_linear),
        CLAIM("schedule: cosine, exponential, constant and plateau have their shapes",
              shapes_after_the_warm_up),
        CLAIM("schedule: stays finite with nothing after the warm-up",
              no_steps_after_the_warm_up),
        CLAIM("anneal: linear, and exactly the final value at the end",
              annealing_ends_exactly),
        CLAIM("plateau: found after a fall, with the average's error",
              plateaus_are_found),
        CLAIM("clip: holds the norm at the factor and at the limit",
              clipping_holds_the_norm),
        CLAIM("clip: NaN and infinity show in the norm",
              norms_of_bad_gradients_are_not_finite),
        CLAIM("average: the bias of the start is corrected", average_is_unbiased),
    };
    return cmocka_run_group_tests_name("schedule", tests, NULL, NULL);
}

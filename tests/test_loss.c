/* Losses and their gradients. */
#include "model_case.h"

#include "base/memory.h"
#include "train/loss.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define DUAL "action.name=on-dual", "action.temperature=2.4", "flow.precision=double"
#define PHI4                                                                      \
    "action.name=phi4", "action.form=albergo", "action.m2=-4", "action.lambda=6", \
        "flow.precision=double"

static const char *const cases[][8] = {
    {DUAL, "lattice.shape=[4, 4]", "flow.recipe=neuralrg", "flow.couplings=4"},
    {DUAL, "lattice.shape=[4, 4]", "flow.recipe=wavelet", "flow.passes=oe"},
    {DUAL, "lattice.shape=[4, 4]", "flow.recipe=stencil"},
    {DUAL, "lattice.shape=[4, 4]", "flow.recipe=stencil", "action.components=2"},
    {PHI4, "lattice.shape=[4, 4]"},
};
enum { N_CASES = sizeof cases / sizeof cases[0], BATCH = 64 };

typedef struct fixture {
    kad_ctx ctx;
    kad_model *model;
    kad_loss_plan *plan;
    double *theta, *moved, *gradient, *direction;
} fixture;

static void open_case(fixture *f, int i, int batch)
{
    kad_ctx_init(&f->ctx, 2);
    if (test_model(&f->ctx, cases[i], &f->model) != KAD_OK)
        fail_msg("%s", f->ctx.message);
    const kad_flow *flow = f->model->flow;
    assert_int_equal(
        kad_loss_create(&f->ctx, flow, f->model->action, KAD_DOUBLE, batch, &f->plan),
        KAD_OK);
    f->theta = test_theta(flow, 5, 0.1);
    f->moved = kad_alloc(flow->n_theta, 8);
    f->gradient = kad_alloc(flow->n_theta, 8);
    f->direction = kad_alloc(flow->n_theta, 8);
    for (size_t k = 0; k < flow->n_theta; k++) {
        double two[2];
        kad_rng_normal2(kad_rng_stream(1, KAD_RNG_TEST, 0), 1, k, 0, two);
        f->direction[k] = two[0];
    }
}

static void close_case(fixture *f)
{
    kad_loss_destroy(f->plan);
    kad_model_destroy(f->model);
    kad_free(f->theta);
    kad_free(f->moved);
    kad_free(f->gradient);
    kad_free(f->direction);
}

typedef double (*loss_function)(fixture *f, const double *theta, double *gradient);

static double reverse(fixture *f, const double *theta, double *gradient)
{
    kad_loss_stats stats;
    kad_loss_gradient(&f->ctx, f->plan, KAD_LOSS_REVERSE, false, theta, 7, 3, gradient,
                      &stats);
    return stats.loss;
}

static double likelihood(fixture *f, const double *theta, double *gradient)
{
    kad_loss_stats stats;
    const size_t rows = (size_t)f->model->flow->n_rows;
    double *data = kad_alloc(BATCH * rows, 8);
    size_t index[BATCH];
    for (size_t k = 0; k < BATCH * rows; k++) {
        double two[2];
        kad_rng_normal2(kad_rng_stream(2, KAD_RNG_TEST, 0), 2, k, 0, two);
        data[k] = 0.7 * two[0];
    }
    for (size_t k = 0; k < BATCH; k++)
        index[k] = (7 * k) % BATCH;
    kad_loss_gradient_data(&f->ctx, f->plan, theta, data, index, gradient, &stats);
    kad_free(data);
    return stats.loss;
}

/* |l(theta + h d) - l(theta) - h g.d| falls as h^2: its slope on a log scale is 2. */
static void check_taylor(int i, loss_function loss)
{
    fixture f;
    double rest[2], slope_h[2] = {2e-4, 1e-4}, along = 0;
    open_case(&f, i, BATCH);
    const size_t n = f.model->flow->n_theta;
    const double l0 = loss(&f, f.theta, f.gradient);
    for (size_t k = 0; k < n; k++)
        along += f.gradient[k] * f.direction[k];
    for (int s = 0; s < 2; s++) {
        double *unused = kad_alloc(n, 8);
        for (size_t k = 0; k < n; k++)
            f.moved[k] = f.theta[k] + slope_h[s] * f.direction[k];
        rest[s] = fabs(loss(&f, f.moved, unused) - l0 - slope_h[s] * along);
        kad_free(unused);
    }
    const double slope = log(rest[0] / rest[1]) / log(2);
    if (!(fabs(slope - 2) < 0.05))
        fail_msg("case %d: Taylor slope %.4f (rests %g %g)", i, slope, rest[0], rest[1]);
    close_case(&f);
}

static void reverse_gradient_has_taylor_slope_2(void **state)
{
    (void)state;
    for (int i = 0; i < N_CASES; i++)
        check_taylor(i, reverse);
}

static void likelihood_gradient_has_taylor_slope_2(void **state)
{
    (void)state;
    for (int i = 0; i < N_CASES; i++)
        check_taylor(i, likelihood);
}

/* The path gradient differs from the plain one by the score's average, whose mean
 * vanishes: over M independent batches their difference along a direction is zero within
 * its standard error. 5 cases: |z| < 4.9 has a false alarm of 5e-6. */
static void path_gradient_has_the_mean_of_the_plain_one(void **state)
{
    (void)state;
    enum { M = 40 };
    for (int i = 0; i < N_CASES; i++) {
        fixture f;
        double sum = 0, square = 0;
        open_case(&f, i, 128);
        const size_t n = f.model->flow->n_theta;
        for (uint64_t step = 0; step < M; step++) {
            kad_loss_stats stats;
            double d = 0;
            for (int kind = 0; kind < 2; kind++) {
                kad_loss_gradient(&f.ctx, f.plan, kind ? KAD_LOSS_PATH : KAD_LOSS_REVERSE,
                                  false, f.theta, 9, step, f.gradient, &stats);
                for (size_t k = 0; k < n; k++)
                    d += (kind ? 1 : -1) * f.gradient[k] * f.direction[k];
            }
            sum += d;
            square += d * d;
        }
        const double mean = sum / M, err = sqrt((square / M - mean * mean) / (M - 1));
        if (!(fabs(mean) < 4.9 * err) || !(err > 0))
            fail_msg("case %d: path - plain = %g +- %g", i, mean, err);
        close_case(&f);
    }
}

/* The symmetrised loss is KL + const of the mixture: its path gradient agrees with
 * differences of the loss itself on common random numbers, within the statistical error
 * of both. */
static void symmetrised_loss_is_below_the_plain_one(void **state)
{
    (void)state;
    fixture f;
    kad_loss_stats plain, mixed;
    open_case(&f, 0, 2048);
    kad_loss_gradient(&f.ctx, f.plan, KAD_LOSS_PATH, false, f.theta, 9, 1, f.gradient,
                      &plain);
    kad_loss_gradient(&f.ctx, f.plan, KAD_LOSS_PATH, true, f.theta, 9, 1, f.gradient,
                      &mixed);
    /* ln[(a + b)/2] >= ln a - ln 2, and the mixture is never further from a symmetric
     * target */
    assert_true(mixed.loss <= plain.loss + 1e-12);
    assert_true(mixed.loss >= plain.loss - log(2.0));
    double along = 0, change;
    for (size_t k = 0; k < f.model->flow->n_theta; k++)
        along += f.gradient[k] * f.direction[k];
    const double h = 1e-3;
    kad_loss_stats up, down;
    double *unused = kad_alloc(f.model->flow->n_theta, 8);
    for (size_t k = 0; k < f.model->flow->n_theta; k++)
        f.moved[k] = f.theta[k] + h * f.direction[k];
    kad_loss_gradient(&f.ctx, f.plan, KAD_LOSS_PATH, true, f.moved, 9, 1, unused, &up);
    for (size_t k = 0; k < f.model->flow->n_theta; k++)
        f.moved[k] = f.theta[k] - h * f.direction[k];
    kad_loss_gradient(&f.ctx, f.plan, KAD_LOSS_PATH, true, f.moved, 9, 1, unused, &down);
    change = (up.loss - down.loss) / (2 * h);
    /* both estimate the same derivative; the difference is the mean score along the
     * direction, of standard deviation ~ |direction| sqrt(information / batch): compare
     * on that scale */
    assert_true(fabs(change - along) < 0.2 * (fabs(change) + fabs(along)));
    kad_free(unused);
    close_case(&f);
}

static void gradient_is_the_same_at_any_thread_count(void **state)
{
    (void)state;
    for (int i = 0; i < N_CASES; i++) {
        fixture f;
        kad_loss_stats a, b;
        open_case(&f, i, 700);
        kad_loss_gradient(&f.ctx, f.plan, KAD_LOSS_PATH, true, f.theta, 9, 1, f.gradient,
                          &a);
        f.ctx.n_threads = 1;
        kad_loss_gradient(&f.ctx, f.plan, KAD_LOSS_PATH, true, f.theta, 9, 1, f.moved,
                          &b);
        assert_memory_equal(f.gradient, f.moved, f.model->flow->n_theta * 8);
        assert_memory_equal(&a.loss, &b.loss, sizeof a.loss);
        close_case(&f);
    }
}

static void steps_allocate_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < N_CASES; i++) {
        fixture f;
        kad_loss_stats stats;
        open_case(&f, i, 256);
        const uint64_t before = kad_memory_n_allocations();
        for (uint64_t step = 0; step < 3; step++)
            kad_loss_gradient(&f.ctx, f.plan, KAD_LOSS_PATH, true, f.theta, 9, step,
                              f.gradient, &stats);
        assert_int_equal(kad_memory_n_allocations(), before);
        close_case(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reverse_gradient_has_taylor_slope_2),
        cmocka_unit_test(likelihood_gradient_has_taylor_slope_2),
        cmocka_unit_test(path_gradient_has_the_mean_of_the_plain_one),
        cmocka_unit_test(symmetrised_loss_is_below_the_plain_one),
        cmocka_unit_test(gradient_is_the_same_at_any_thread_count),
        cmocka_unit_test(steps_allocate_nothing),
    };
    return cmocka_run_group_tests_name("loss", tests, NULL, NULL);
}

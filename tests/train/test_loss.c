/* Losses and their gradients. */
#include "tests/support/claim.h"
#include "tests/support/model_case.h"

#include "base/memory.h"
#include "train/loss.h"

#define DUAL "action.name=on-dual", "action.temperature=2.4", "flow.precision=double"
#define PHI4                                                                      \
    "action.name=phi4", "action.form=albergo", "action.m2=-4", "action.lambda=6", \
        "flow.precision=double"

static const char *const cases[][10] = {
    {DUAL, "lattice.shape=[4, 4]", "flow.recipe=neuralrg", "flow.couplings=4"},
    {DUAL, "lattice.shape=[4, 4]", "flow.recipe=wavelet", "flow.passes=oe"},
    {DUAL, "lattice.shape=[4, 4]", "flow.recipe=stencil"},
    {DUAL, "lattice.shape=[4, 4]", "flow.recipe=stencil", "action.components=2"},
    {PHI4, "lattice.shape=[4, 4]"},
    {PHI4, "lattice.shape=[4, 4]", "flow.hierarchy=ode", "flow.features=2"},
    {DUAL, "lattice.shape=[16, 16]", "flow.recipe=stencil", "flow.refinements_finest=2",
     "flow.refinements=1"}, /* in shares */
};
enum { N_CASES = sizeof cases / sizeof cases[0], BATCH = 64 };

typedef struct fixture {
    kad_ctx ctx;
    kad_model *model;
    kad_loss_plan *plan;
    kad_mixture *mixture; /* two images and the sign */
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
    assert_int_equal(kad_mixture_create(&f->ctx, f->model->lattice, flow->active, 2, true,
                                        &f->mixture),
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
    kad_mixture_destroy(f->mixture);
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
    kad_loss_gradient(&f->ctx, f->plan, f->model->action, KAD_LOSS_REVERSE, NULL, theta,
                      7, 3, gradient, &stats);
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
 * its standard error. 6 cases: |z| < 4.9 has a false alarm of 6e-6. */
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
                kad_loss_gradient(&f.ctx, f.plan, f.model->action,
                                  kind ? KAD_LOSS_PATH : KAD_LOSS_REVERSE, NULL, f.theta,
                                  9, step, f.gradient, &stats);
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
    kad_loss_gradient(&f.ctx, f.plan, f.model->action, KAD_LOSS_PATH, NULL, f.theta, 9, 1,
                      f.gradient, &plain);
    kad_loss_gradient(&f.ctx, f.plan, f.model->action, KAD_LOSS_PATH, f.mixture, f.theta,
                      9, 1, f.gradient, &mixed);
    /* ln[(a + b + ...)/4] >= ln a - ln 4, and the mixture is never further from a symmetric
     * target */
    assert_true(mixed.loss <= plain.loss + 1e-12);
    assert_true(mixed.loss >= plain.loss - log(4.0));
    double along = 0, change;
    for (size_t k = 0; k < f.model->flow->n_theta; k++)
        along += f.gradient[k] * f.direction[k];
    const double h = 1e-3;
    kad_loss_stats up, down;
    double *unused = kad_alloc(f.model->flow->n_theta, 8);
    for (size_t k = 0; k < f.model->flow->n_theta; k++)
        f.moved[k] = f.theta[k] + h * f.direction[k];
    kad_loss_gradient(&f.ctx, f.plan, f.model->action, KAD_LOSS_PATH, f.mixture, f.moved,
                      9, 1, unused, &up);
    for (size_t k = 0; k < f.model->flow->n_theta; k++)
        f.moved[k] = f.theta[k] - h * f.direction[k];
    kad_loss_gradient(&f.ctx, f.plan, f.model->action, KAD_LOSS_PATH, f.mixture, f.moved,
                      9, 1, unused, &down);
    change = (up.loss - down.loss) / (2 * h);
    /* both estimate the same derivative; the difference is the mean score along the
     * direction, of standard deviation ~ |direction| sqrt(information / batch): compare
     * on that scale */
    assert_true(fabs(change - along) < 0.2 * (fabs(change) + fabs(along)));
    kad_free(unused);
    close_case(&f);
}

/* Samples with a field above (sign 1) or not above (-1) 0.3 at the first site are spoilt:
 * not finite in loss, gradient and, as far as it goes, field. 0: none. */
typedef struct spoilt {
    kad_action action;
    kad_action_ops ops;
    kad_action_kern kern;
    const kad_action *real;
    double sign;
} spoilt;

static bool is_spoilt(double sign, double x)
{
    return sign != 0 && (x > 0.3) == (sign > 0);
}

static void spoilt_gradient(const kad_action *action, const void *y, void *g, double *S,
                            void *scratch)
{
    const spoilt *self = action->self;
    double *row = g, *field = (double *)(uintptr_t)y; /* a diverging map's own doing */
    self->real->ops->kern[KAD_DOUBLE]->gradient(self->real, y, g, S, scratch);
    for (int l = 0; l < KAD_W_DOUBLE; l++)
        if (is_spoilt(self->sign, field[l])) {
            S[l] = INFINITY;
            row[l] = NAN;
            field[l] = INFINITY;
        }
}

static void spoil(spoilt *s, const kad_action *real, double sign)
{
    s->action = *real;
    s->ops = *real->ops;
    s->kern = *real->ops->kern[KAD_DOUBLE];
    s->real = real;
    s->sign = sign;
    s->kern.gradient = spoilt_gradient;
    s->ops.kern[KAD_DOUBLE] = &s->kern;
    s->action.ops = &s->ops;
    s->action.self = s;
}

/* What a batch's statistics and gradient were made of: sums over its finite samples. */
typedef struct sums {
    double n, loss, square;
} sums;

static sums sums_of(const fixture *f, const kad_loss_stats *stats, double *gradient)
{
    const double n = kad_loss_batch(f->plan) - stats->n_nonfinite;
    for (size_t k = 0; k < f->model->flow->n_theta; k++)
        gradient[k] *= n;
    return (sums){n, n * stats->loss,
                  stats->variance * (n - 1) + n * stats->loss * stats->loss};
}

/* part[0] = part[1] + part[2], the gradient within 1e-11 of its largest element. */
static void expect_sum(int i, const fixture *f, const sums part[3], double *gradient[3])
{
    double largest = 0, off = 0;
    if (!(part[1].n > 4 && part[2].n > 4)) fail_msg("case %d: %g finite", i, part[1].n);
    assert_true(part[0].n == part[1].n + part[2].n);
    assert_true(fabs(part[0].loss - part[1].loss - part[2].loss) <
                1e-12 * (part[0].n + part[0].square));
    assert_true(fabs(part[0].square - part[1].square - part[2].square) <
                1e-12 * part[0].square);
    for (size_t k = 0; k < f->model->flow->n_theta; k++) {
        largest = fmax(largest, fabs(gradient[0][k]));
        off = fmax(off, fabs(gradient[0][k] - gradient[1][k] - gradient[2][k]));
        assert_true(isfinite(gradient[1][k]) && isfinite(gradient[2][k]));
    }
    if (!(off < 1e-11 * largest)) fail_msg("case %d: %g of %g", i, off, largest);
}

static void penalise(const fixture *f, kad_loss_plan *plan)
{
    if (f->model->flow->solver != NULL) kad_loss_penalise(plan, 0.3, 0.2);
}

/* Sums over the finite samples of one half and of the other are those over all. */
static void only_finite_samples_count(void **state)
{
    (void)state;
    for (int i = 0; i < N_CASES; i++)
        for (int kind = 0; kind < 3; kind++) {
            fixture f;
            sums part[3];
            double *gradient[3];
            spoilt s;
            open_case(&f, i, BATCH);
            for (int k = 0; k < 3; k++) {
                kad_loss_plan *plan;
                kad_loss_stats stats;
                spoil(&s, f.model->action, k == 2 ? -1 : k);
                assert_int_equal(kad_loss_create(&f.ctx, f.model->flow, &s.action,
                                                 KAD_DOUBLE, BATCH, &plan),
                                 KAD_OK);
                gradient[k] = kad_alloc(f.model->flow->n_theta, 8);
                penalise(&f, plan);
                kad_loss_gradient(
                    &f.ctx, plan, &s.action, kind ? KAD_LOSS_PATH : KAD_LOSS_REVERSE,
                    kind == 2 ? f.mixture : NULL, f.theta, 7, 3, gradient[k], &stats);
                part[k] = sums_of(&f, &stats, gradient[k]);
                kad_loss_destroy(plan);
            }
            expect_sum(i, &f, part, gradient);
            for (int k = 0; k < 3; k++)
                kad_free(gradient[k]);
            close_case(&f);
        }
}

/* Stored samples of 1e300: their ln q overflows. */
static void only_finite_data_count(void **state)
{
    (void)state;
    for (int i = 0; i < N_CASES; i++) {
        fixture f;
        sums part[3];
        double *gradient[3];
        size_t index[BATCH];
        open_case(&f, i, BATCH);
        const size_t rows = (size_t)f.model->flow->n_rows;
        double *data = kad_alloc(BATCH * rows, 8);
        penalise(&f, f.plan);
        for (int k = 0; k < 3; k++) {
            kad_loss_stats stats;
            gradient[k] = kad_alloc(f.model->flow->n_theta, 8);
            for (size_t b = 0; b < BATCH * rows; b++)
                data[b] = k > 0 && (b / rows % 3 == 0) == (k == 1) ? 1e300
                                                                   : sin(1.3 * (double)b);
            for (size_t b = 0; b < BATCH; b++)
                index[b] = b;
            kad_loss_gradient_data(&f.ctx, f.plan, f.theta, data, index, gradient[k],
                                   &stats);
            part[k] = sums_of(&f, &stats, gradient[k]);
        }
        expect_sum(i, &f, part, gradient);
        for (int k = 0; k < 3; k++)
            kad_free(gradient[k]);
        kad_free(data);
        close_case(&f);
    }
}

/* Where no sample is finite there is no gradient, which a training step must see. */
static void no_finite_sample_is_no_gradient(void **state)
{
    (void)state;
    fixture f;
    kad_loss_stats stats;
    size_t index[BATCH] = {0};
    open_case(&f, 0, BATCH);
    const size_t rows = (size_t)f.model->flow->n_rows;
    double *data = kad_alloc(rows, 8);
    for (size_t r = 0; r < rows; r++)
        data[r] = 1e300;
    kad_loss_gradient_data(&f.ctx, f.plan, f.theta, data, index, f.gradient, &stats);
    assert_int_equal(stats.n_nonfinite, BATCH);
    assert_true(isnan(stats.loss) && isnan(stats.variance) && isnan(f.gradient[0]));
    kad_free(data);
    close_case(&f);
}

/* The mean and the variance of -ln q over stored samples, from ln q of each. */
static void loss_has_the_samples_mean_and_variance(void **state)
{
    (void)state;
    fixture f;
    kad_map *map;
    kad_loss_stats stats;
    double lnq[BATCH], mean = 0, variance = 0;
    size_t index[BATCH];
    open_case(&f, 0, BATCH);
    const size_t rows = (size_t)f.model->flow->n_rows;
    double *data = kad_alloc(BATCH * rows, 8);
    for (size_t b = 0; b < BATCH * rows; b++)
        data[b] = sin(1.3 * (double)b) * (1 + 0.1 * (double)(b / rows));
    for (size_t b = 0; b < BATCH; b++)
        index[b] = b;
    kad_loss_gradient_data(&f.ctx, f.plan, f.theta, data, index, f.gradient, &stats);
    assert_int_equal(kad_map_create(&f.ctx, f.model->flow, f.theta, NULL, &map), KAD_OK);
    assert_int_equal(kad_map_lnq(&f.ctx, map, BATCH, KAD_DOUBLE, data, lnq, NULL),
                     KAD_OK);
    for (int b = 0; b < BATCH; b++)
        mean -= lnq[b] / BATCH;
    for (int b = 0; b < BATCH; b++)
        variance += (lnq[b] + mean) * (lnq[b] + mean) / (BATCH - 1);
    assert_true(fabs(stats.loss - mean) < 1e-12 * fabs(mean));
    assert_true(fabs(stats.variance - variance) < 1e-12 * mean * mean + 1e-12 * variance);
    kad_map_destroy(map);
    kad_free(data);
    close_case(&f);
}

static void gradient_is_the_same_at_any_thread_count(void **state)
{
    (void)state;
    for (int i = 0; i < N_CASES; i++) {
        fixture f;
        kad_loss_stats a, b;
        open_case(&f, i, 700);
        kad_loss_gradient(&f.ctx, f.plan, f.model->action, KAD_LOSS_PATH, f.mixture,
                          f.theta, 9, 1, f.gradient, &a);
        f.ctx.n_threads = 1;
        kad_loss_gradient(&f.ctx, f.plan, f.model->action, KAD_LOSS_PATH, f.mixture,
                          f.theta, 9, 1, f.moved, &b);
        assert_memory_equal(f.gradient, f.moved, f.model->flow->n_theta * 8);
        assert_memory_equal(&a.loss, &b.loss, sizeof a.loss);
        close_case(&f);
    }
}

/* Sixteen tiles, dealt to one to sixteen threads; few cores do as well as many. */
static void gradient_is_the_same_with_up_to_sixteen_threads(void **state)
{
    (void)state;
    enum { THREADS = 16, SAMPLES = THREADS * KAD_W_DOUBLE };
    fixture f;
    open_case(&f, 0, SAMPLES);
    const size_t bytes = f.model->flow->n_theta * sizeof *f.gradient;
    assert_int_equal(kad_loss_tiles(f.plan), THREADS);
    assert_int_equal(kad_loss_groups(f.plan), THREADS);
    for (int n = 1; n <= THREADS; n++) {
        kad_loss_plan *plan;
        kad_loss_stats stats;
        f.ctx.n_threads = n;
        assert_int_equal(kad_loss_create(&f.ctx, f.model->flow, f.model->action,
                                         KAD_DOUBLE, SAMPLES, &plan),
                         KAD_OK);
        kad_loss_gradient(&f.ctx, plan, f.model->action, KAD_LOSS_PATH, f.mixture,
                          f.theta, 9, 1, f.moved, &stats);
        if (n == 1) memcpy(f.gradient, f.moved, bytes);
        assert_memory_equal(f.gradient, f.moved, bytes);
        kad_loss_destroy(plan);
    }
    close_case(&f);
}

/* A tile in shares, with threads that only help: batches of one, two and three tiles. */
static void gradient_is_the_same_with_threads_that_help(void **state)
{
    (void)state;
    static const int threads[] = {1, 2, 3, 4, 8, 16};
    for (int tiles = 1; tiles <= 3; tiles++) {
        fixture f;
        open_case(&f, N_CASES - 1, tiles * KAD_W_DOUBLE);
        const size_t bytes = f.model->flow->n_theta * sizeof *f.gradient;
        assert_int_equal(kad_loss_tiles(f.plan), tiles);
        assert_int_equal(kad_loss_shares(f.plan), tiles == 3 ? 2 : 4);
        for (size_t i = 0; i < sizeof threads / sizeof threads[0]; i++) {
            kad_loss_plan *plan;
            kad_loss_stats stats;
            f.ctx.n_threads = threads[i];
            assert_int_equal(kad_loss_create(&f.ctx, f.model->flow, f.model->action,
                                             KAD_DOUBLE, tiles * KAD_W_DOUBLE, &plan),
                             KAD_OK);
            kad_loss_gradient(&f.ctx, plan, f.model->action, KAD_LOSS_PATH, f.mixture,
                              f.theta, 9, 1, f.moved, &stats);
            if (i == 0) memcpy(f.gradient, f.moved, bytes);
            assert_memory_equal(f.gradient, f.moved, bytes);
            kad_loss_destroy(plan);
        }
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
            kad_loss_gradient(&f.ctx, f.plan, f.model->action, KAD_LOSS_PATH, f.mixture,
                              f.theta, 9, step, f.gradient, &stats);
        assert_int_equal(kad_memory_n_allocations(), before);
        close_case(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reverse_gradient_has_taylor_slope_2),
        cmocka_unit_test(likelihood_gradient_has_taylor_slope_2),
        CLAIM_OF_NUMBERS("path_gradient_has_the_mean_of_the_plain_one",
                         path_gradient_has_the_mean_of_the_plain_one),
        cmocka_unit_test(symmetrised_loss_is_below_the_plain_one),
        cmocka_unit_test(only_finite_samples_count),
        cmocka_unit_test(only_finite_data_count),
        cmocka_unit_test(no_finite_sample_is_no_gradient),
        cmocka_unit_test(loss_has_the_samples_mean_and_variance),
        cmocka_unit_test(gradient_is_the_same_at_any_thread_count),
        cmocka_unit_test(gradient_is_the_same_with_up_to_sixteen_threads),
        cmocka_unit_test(gradient_is_the_same_with_threads_that_help),
        cmocka_unit_test(steps_allocate_nothing),
    };
    return cmocka_run_group_tests_name("loss", tests, NULL, NULL);
}

/* Claims about maps for a range of a coupling: the single map as a special case, gradients,
 * resumption, files, and the map at one coupling. */
#include "base/memory.h"
#include "base/signals.h"
#include "run/options.h"
#include "tests/support/claim.h"
#include "tests/support/model_case.h"
#include "tests/support/scratch.h"
#include "tests/support/train_case.h"
#include "train/family.h"
#include "train/params.h"
#include "train/target.h"

#define T_C "2.269185314213022"

/* T_k(cos t) = cos k t, at the nodes and elsewhere. */
static void test_chebyshev(void **state)
{
    (void)state;
    const kad_family f = {
        .n = 1, .axis = {{"beta", 0.3, 0.7}}, .order = 6, .scale = KAD_FAMILY_LINEAR};
    for (int i = 0; i <= 20; i++) {
        const double t = acos(-1.0) * i / 20;
        const kad_family_point value = {{0.5 + 0.2 * cos(t), 0}}, tau = {{cos(t), 0}};
        assert_true(fabs(kad_family_tau(&f, value).at[0] - cos(t)) < 1e-14);
        assert_true(fabs(kad_family_value(&f, tau).at[0] - value.at[0]) < 1e-15);
        for (int k = 0; k < f.order; k++) {
            double all[6] = {0}, theta;
            all[k] = 1;
            kad_family_contract(&f, 1, all, value, &theta);
            assert_true(fabs(theta - cos(k * t)) < 1e-13);
        }
    }
}

static void test_inverse(void **state)
{
    (void)state;
    const kad_family f = {
        .n = 1, .axis = {{"temperature", 1.5, 4}}, .scale = KAD_FAMILY_INVERSE};
    for (int i = 0; i <= 20; i++) {
        const kad_family_point tau = {{i / 10.0 - 1, 0}},
                               value = kad_family_value(&f, tau);
        const double want = 1 / 1.5 + (tau.at[0] + 1) / 2 * (0.25 - 1 / 1.5);
        assert_true(fabs(1 / value.at[0] - want) < 1e-15);
        assert_true(fabs(kad_family_tau(&f, value).at[0] - tau.at[0]) < 1e-14);
    }
}

/* T_j(cos t) T_k(cos u) = cos jt cos ku, by j + k, then by k. */
static void test_two_couplings(void **state)
{
    (void)state;
    const kad_family f = {
        .n = 2, .axis = {{"kappa", 0.2, 0.6}, {"lambda", 1, 2}}, .order = 3};
    static const int degree[6][2] = {{0, 0}, {1, 0}, {0, 1}, {2, 0}, {1, 1}, {0, 2}};
    assert_int_equal(kad_family_terms(&f), 6);
    for (int i = 0; i <= 40; i++) {
        const double t = 0.3 * i, u = 0.7 * i + 1;
        const kad_family_point value = {{0.4 + 0.2 * cos(t), 1.5 + 0.5 * cos(u)}};
        for (int k = 0; k < 6; k++) {
            double all[6] = {0}, theta, one = 1;
            all[k] = 1;
            kad_family_contract(&f, 1, all, value, &theta);
            const double want = cos(degree[k][0] * t) * cos(degree[k][1] * u);
            assert_true(fabs(theta - want) < 1e-13);
            all[k] = 0;
            kad_family_add(&f, 1, kad_family_tau(&f, value), 2, &one, all);
            assert_true(fabs(all[k] - 2 * want) < 1e-13);
        }
    }
}

/* Order 1, one stratum, an empty range: bit for bit the training of the one map. */
static void test_one_map_is_a_family(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_ctx_init(&ctx, 2);
    train_case_result result[2];
    const char *more[2][8] = {{"train.steps=20", NULL},
                              {"train.steps=20", "family.along=temperature",
                               "family.range=[" T_C ", " T_C "]", "family.order=1",
                               "family.strata=1", NULL}};
    for (int i = 0; i < 2; i++) {
        kad_config *config = train_case_config(&ctx, train_case_ising, more[i]);
        train_case_run(&ctx, NULL, config, &result[i]);
        kad_config_destroy(config);
    }
    train_case_same(&result[0], &result[1]);
    train_case_clear(&result[0]);
    train_case_clear(&result[1]);
}

static const char *const family[] = {"train.steps=12",
                                     "family.along=temperature",
                                     "family.range=[2, 2.6]",
                                     "family.order=3",
                                     "family.strata=2",
                                     "train.batch=128",
                                     NULL};

static kad_model *make_model(kad_ctx *ctx, kad_config *config)
{
    kad_model *model;
    if (test_model_of(ctx, config, &model) != KAD_OK) fail_msg("%s", ctx->message);
    return model;
}

/* Every dL/dtheta_k against differences of the loss, in double and by the plain estimator,
 * whose loss is a function of theta at fixed draws. */
static void gradient_case(const char *const *more, size_t terms)
{
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    kad_config *config = train_case_config(&ctx, train_case_ising, more);
    kad_model *model = make_model(&ctx, config);
    kad_run_options options;
    kad_target *target;
    kad_loss_plan *plan;
    kad_loss_stats stats;
    assert_int_equal(kad_run_options_read(&ctx, config, &options), KAD_OK);
    assert_int_equal(kad_target_action(&ctx, model, &options.train, false, 10, &target),
                     KAD_OK);
    assert_int_equal(
        kad_loss_create(&ctx, model->flow, model->action, KAD_DOUBLE, 32, &plan), KAD_OK);
    const size_t n = model->flow->n_theta, all = kad_model_n_parameters(model);
    assert_int_equal(all, terms * n);
    double *theta = kad_alloc(all, sizeof *theta), *g = kad_alloc(all, sizeof *g),
           *other = kad_alloc(all, sizeof *other);
    kad_flow_init(model->flow, 5, theta);
    for (size_t i = 0; i < all; i++)
        theta[i] += 0.02 * sin(12.9898 * (double)i);
    const kad_target_step step = {.number = 7};
    target->ops->gradient(&ctx, target, plan, &step, theta, g, &stats);
    for (size_t i = 3; i < all; i += all / 40) {
        const double h = 1e-5, at = theta[i];
        double loss[2];
        for (int side = 0; side < 2; side++) {
            theta[i] = at + (side == 0 ? h : -h);
            target->ops->gradient(&ctx, target, plan, &step, theta, other, &stats);
            loss[side] = stats.loss;
        }
        theta[i] = at;
        const double difference = (loss[0] - loss[1]) / (2 * h);
        /* rounding 1e-16 |L|/h, curvature h^2 */
        assert_true(fabs(difference - g[i]) < 1e-7 + 1e-5 * fabs(g[i]));
    }
    kad_free(theta);
    kad_free(g);
    kad_free(other);
    kad_loss_destroy(plan);
    kad_target_destroy(target);
    kad_model_destroy(model);
    kad_run_options_clear(&options);
    kad_config_destroy(config);
}

static void test_gradient(void **state)
{
    (void)state;
    static const char *const one[] = {"flow.precision=double",
                                      "train.gradient=plain",
                                      "family.along=temperature",
                                      "family.range=[2, 2.6]",
                                      "family.order=3",
                                      "family.strata=2",
                                      NULL};
    static const char *const two[] = {"flow.precision=double",
                                      "train.gradient=plain",
                                      "action.name=phi4",
                                      "action.temperature=null",
                                      "action.form=hopping",
                                      "action.kappa=0.25",
                                      "action.lambda=1",
                                      "family.along=[kappa, action.lambda]",
                                      "family.range=[[0.2, 0.3], [0.5, 1.5]]",
                                      "family.order=2",
                                      "family.strata=3",
                                      NULL};
    gradient_case(one, 3);
    gradient_case(two, 3);
}

static kad_run *open_run(kad_ctx *ctx, const scratch *folder, const char *name)
{
    kad_run *run;
    if (kad_run_open(ctx, scratch_file(folder, name), KAD_RUN_WRITE, &run) != KAD_OK)
        fail_msg("%s", ctx->message);
    return run;
}

static double *read_family(kad_ctx *ctx, const kad_run *run, const kad_model *model)
{
    kad_h5 *file;
    double *theta = kad_alloc(kad_model_n_parameters(model), sizeof *theta);
    assert_int_equal(kad_results_open(ctx, run, &file), KAD_OK);
    assert_int_equal(
        kad_params_read_family(ctx, file, model->flow, &model->family, theta), KAD_OK);
    kad_h5_close(file);
    return theta;
}

/* Stopped after every step, over a chain of lattices, or on other threads: the same bits
 * of all coefficients. */
static void test_pieces(void **state)
{
    (void)state;
    kad_ctx ctx[2];
    scratch folder;
    train_case_result result[2] = {{0}};
    const char *more[12] = {"lattice.shape=[8, 8]", "train.ladder=true",
                            "train.ladder_fractions=[0.5, 0.5]", "train.eval_every=5"};
    memcpy(more + 4, family, sizeof family);
    scratch_make(&folder);
    kad_ctx_init(&ctx[0], 1);
    kad_ctx_init(&ctx[1], 2);
    kad_run *run[2] = {open_run(&ctx[0], &folder, "a"), open_run(&ctx[1], &folder, "b")};
    kad_config *config = train_case_config(&ctx[0], train_case_ising + 1, more);
    train_case_run(&ctx[0], run[0], config, &result[0]);
    int pieces = 0;
    for (kad_status status = KAD_EINTERRUPTED; status == KAD_EINTERRUPTED; pieces++) {
        assert_true(pieces < 100);
        kad_signals_deadline(1e-9);
        status = train_case_try(&ctx[1], run[1], config, &result[1]);
        kad_stop_clear();
        kad_signals_deadline(0);
        if (status != KAD_OK && status != KAD_EINTERRUPTED)
            fail_msg("%s", ctx[1].message);
    }
    assert_true(pieces > 12);
    train_case_same(&result[0], &result[1]);
    double *a = read_family(&ctx[0], run[0], result[0].model);
    double *b = read_family(&ctx[1], run[1], result[1].model);
    assert_memory_equal(a, b, kad_model_n_parameters(result[0].model) * sizeof *a);
    kad_free(a);
    kad_free(b);
    for (int i = 0; i < 2; i++) {
        kad_run_close(run[i]);
        train_case_clear(&result[i]);
    }
    kad_config_destroy(config);
    scratch_remove(&folder);
}

/* The map of one coupling, read from a family's file, is the contracted one; outside the
 * range there is none. */
static void test_one_coupling(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    scratch folder;
    train_case_result result;
    kad_h5 *file;
    scratch_make(&folder);
    kad_run *run = open_run(&ctx, &folder, "a");
    kad_config *config = train_case_config(&ctx, train_case_ising, family);
    train_case_run(&ctx, run, config, &result);
    const size_t n = result.model->flow->n_theta;
    double *all = read_family(&ctx, run, result.model);
    double *theta = kad_alloc(n, sizeof *theta), *want = kad_alloc(n, sizeof *want);
    double spread = 0;
    for (size_t i = n; i < 3 * n; i++)
        spread = fmax(spread, fabs(all[i]));
    assert_true(spread > 1e-4); /* the coefficients have learnt */
    static const char *const couplings[] = {"2", "2.35", "2.6"};
    assert_int_equal(kad_results_open(&ctx, run, &file), KAD_OK);
    for (int i = 0; i < 3; i++) {
        char text[64];
        const char *more[] = {text, NULL};
        snprintf(text, sizeof text, "action.temperature=%s", couplings[i]);
        kad_config *one = train_case_config(&ctx, train_case_ising, more);
        kad_model *model = make_model(&ctx, one);
        assert_int_equal(kad_params_read(&ctx, file, model->flow, model->action, theta),
                         KAD_OK);
        const kad_family_point at = {{strtod(couplings[i], NULL), 0}};
        kad_family_contract(&result.model->family, n, all, at, want);
        for (size_t k = 0; k < n; k++)
            assert_true(fabs(theta[k] - want[k]) <= 1e-13 * (1 + fabs(want[k])));
        kad_model_destroy(model);
        kad_config_destroy(one);
    }
    const char *outside[] = {"action.temperature=2.61", NULL};
    kad_config *one = train_case_config(&ctx, train_case_ising, outside);
    kad_model *model = make_model(&ctx, one);
    assert_int_equal(kad_params_read(&ctx, file, model->flow, model->action, theta),
                     KAD_ECONFIG);
    assert_non_null(strstr(ctx.message, "trained from 2 to 2.6"));
    kad_model_destroy(model);
    kad_config_destroy(one);
    kad_h5_close(file);
    kad_free(all);
    kad_free(theta);
    kad_free(want);
    train_case_clear(&result);
    kad_config_destroy(config);
    kad_run_close(run);
    scratch_remove(&folder);
}

static void test_refusals(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    static const char *const cases[][5] = {
        {"family.along=temperature", NULL},
        {"family.along=temperature", "family.range=[2]", NULL},
        {"family.along=temperature", "family.range=[3, 2]", NULL},
        {"family.along=temperature", "family.range=[2, 2]", NULL},
        {"family.along=temperature", "family.range=[-1, 2]", NULL},
        {"family.along=colour", "family.range=[1, 2]", NULL},
        {"family.along=[temperature, colour]", "family.range=[[1, 2], [1, 2]]", NULL},
        {"family.along=[temperature, temperature]", "family.range=[[1, 2], [1, 2]]",
         NULL},
        {"family.along=[temperature, epsilon]", "family.range=[1, 2]", NULL},
        {"family.along=[temperature, epsilon]", "family.range=[[1, 2], [0.1, 0.2]]",
         "family.values=[1, 0.1, 2]", NULL},
        {"family.along=[temperature, epsilon]", "family.range=[[1, 2], [0.1, 0.2]]",
         "family.sample_at=[[1, 0.3]]", NULL},
        {"family.along=[a, b, c]", "family.range=[[1, 2], [1, 2]]", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kad_model *model;
        kad_config *config = train_case_config(&ctx, train_case_ising, cases[i]);
        assert_int_equal(test_model_of(&ctx, config, &model), KAD_ECONFIG);
        assert_null(model);
        kad_config_destroy(config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chebyshev),     cmocka_unit_test(test_inverse),
        cmocka_unit_test(test_two_couplings), cmocka_unit_test(test_one_map_is_a_family),
        cmocka_unit_test(test_gradient),      cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_one_coupling),  cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

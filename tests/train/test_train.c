/* Training end to end on small lattices: determinism, interruption, chain, transfer,
 * annealing, likelihood, results. */
#include "base/memory.h"
#include "base/signals.h"
#include "run/options.h"
#include "tests/support/claim.h"
#include "tests/support/model_case.h"
#include "tests/support/train_case.h"
#include "train/options.h"
#include "train/params.h"
#include "train/trainer_state.h"

#include <signal.h>
#include <unistd.h>

/* A fresh folder for a run. */
static kad_run *open_run(kad_ctx *ctx, char *path)
{
    kad_run *run = NULL;
    strcpy(path, "test_train_XXXXXX");
    assert_non_null(mkdtemp(path));
    if (kad_run_open(ctx, path, KAD_RUN_WRITE, &run) != KAD_OK)
        fail_msg("%s", ctx->message);
    return run;
}

static void remove_run(kad_run *run, const char *path)
{
    char command[128];
    kad_run_close(run);
    snprintf(command, sizeof command, "rm -rf '%s'", path);
    assert_int_equal(system(command), 0);
}

/* One dataset of two runs, bit for bit. */
static void same_dataset(kad_ctx *ctx, const kad_run *a, const kad_run *b,
                         const char *path)
{
    kad_h5 *file[2];
    double *data[2];
    size_t n = 1;
    for (int i = 0; i < 2; i++) {
        int rank = 0;
        size_t dims[KAD_H5_MAX_RANK];
        assert_int_equal(kad_results_open(ctx, i == 0 ? a : b, &file[i]), KAD_OK);
        assert_int_equal(kad_h5_shape(ctx, file[i], path, &rank, dims), KAD_OK);
        n = 1;
        for (int k = 0; k < rank; k++)
            n *= dims[k];
        data[i] = kad_alloc(n, sizeof(double));
        assert_int_equal(kad_h5_read(ctx, file[i], path, KAD_H5_F64, rank, dims, data[i]),
                         KAD_OK);
        kad_h5_close(file[i]);
    }
    assert_memory_equal(data[0], data[1], n * sizeof(double));
    kad_free(data[0]);
    kad_free(data[1]);
}

static void same_results(kad_ctx *ctx, const kad_run *a, const kad_run *b)
{
    static const char *const paths[] = {
        "/training/free_energy",    "/training/loss",
        "/training/loss_err",       "/training/rate",
        "/training/grad_norm",      "/training/eval/inverse_error",
        "/training/eval/ess",       "/training/eval/log_z",
        "/training/eval/log_det",   "/training/eval/kl_gap",
        "/training/eval/acceptance"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        same_dataset(ctx, a, b, paths[i]);
}

static void threads_give_the_same_bits(void **state)
{
    (void)state;
    kad_ctx ctx[2];
    train_case_result result[2];
    const char *more[] = {"train.steps=12", "train.batch=256",
                          "train.symmetrise_last=0.25", NULL};
    for (int i = 0; i < 2; i++) {
        kad_ctx_init(&ctx[i], i + 1);
        kad_config *config = train_case_config(&ctx[i], train_case_ising, more);
        train_case_run(&ctx[i], NULL, config, &result[i]);
        kad_config_destroy(config);
    }
    train_case_same(&result[0], &result[1]);
    assert_memory_equal(&result[0].evaluation, &result[1].evaluation,
                        sizeof(kad_evaluation));
    for (int i = 0; i < 2; i++)
        train_case_clear(&result[i]);
}

/* Interrupted after every step (a deadline already over), over a chain with annealing,
 * plateau rates and a late larger batch: the result of the uninterrupted run. */
static void pieces_equal_the_whole(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    char path[2][32];
    kad_run *run[2] = {open_run(&ctx, path[0]), open_run(&ctx, path[1])};
    train_case_result result[2];
    const char *more[] = {
        "lattice.shape=[8, 8]",      "train.steps=30",
        "train.ladder=true",         "train.ladder_fractions=[0.5, 0.5]",
        "train.anneal_key=beta",     "train.anneal_start=0.35",
        "train.anneal_fraction=0.5", "train.batch_final=128",
        "train.eval_every=4",        "train.schedule=plateau",
        "train.symmetrise_last=0.2", NULL};
    kad_config *config = train_case_config(&ctx, train_case_ising + 1, more);
    train_case_run(&ctx, run[0], config, &result[0]);
    int pieces = 0;
    for (kad_status status = KAD_EINTERRUPTED; status == KAD_EINTERRUPTED; pieces++) {
        assert_true(pieces < 100);
        kad_signals_deadline(1e-9);
        status = train_case_try(&ctx, run[1], config, &result[1]);
        if (status != KAD_OK && status != KAD_EINTERRUPTED) fail_msg("%s", ctx.message);
        kad_stop_clear();
        kad_signals_deadline(0.0);
    }
    assert_true(pieces >= 31); /* more where an evaluation takes longer than a second */
    train_case_same(&result[0], &result[1]);
    same_results(&ctx, run[0], run[1]);
    assert_int_equal(result[0].steps, 30);
    for (int i = 0; i < 2; i++) {
        train_case_clear(&result[i]);
        remove_run(run[i], path[i]);
    }
    kad_config_destroy(config);
}

static void finished_is_not_repeated(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    char path[32];
    kad_run *run = open_run(&ctx, path);
    train_case_result first, second, third;
    const char *more[] = {"train.steps=8", NULL}, *other[] = {"train.steps=9", NULL};
    const char *same[] = {"train.steps=8", "train.checkpoint_seconds=7", NULL};
    kad_config *config = train_case_config(&ctx, train_case_ising, more);
    kad_config *changed = train_case_config(&ctx, train_case_ising, other);
    kad_config *harmless = train_case_config(&ctx, train_case_ising, same);
    train_case_run(&ctx, run, config, &first);
    train_case_run(&ctx, run, config, &second);
    assert_false(first.finished_before);
    assert_true(second.finished_before);
    train_case_same(&first, &second);
    train_case_run(&ctx, run, harmless, &third);
    train_case_same(&first, &third);
    train_case_result none;
    assert_int_equal(train_case_try(&ctx, run, changed, &none), KAD_ECONFIG);
    assert_non_null(strstr(ctx.message, "trained with train.steps 8"));
    assert_non_null(strstr(ctx.message, "says 9"));
    train_case_clear(&first);
    train_case_clear(&second);
    train_case_clear(&third);
    kad_config_destroy(config);
    kad_config_destroy(changed);
    kad_config_destroy(harmless);
    remove_run(run, path);
}

/* As many allocations for 5 steps as for 25: none in the loop. */
static void steps_allocate_nothing(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_ctx_init(&ctx, 2);
    uint64_t count[2];
    const char *more[2][3] = {{"train.steps=5", "train.eval_every=100", NULL},
                              {"train.steps=25", "train.eval_every=100", NULL}};
    for (int i = 0; i < 2; i++) {
        train_case_result result;
        kad_config *config = train_case_config(&ctx, train_case_ising, more[i]);
        count[i] = kad_memory_n_allocations();
        train_case_run(&ctx, NULL, config, &result);
        count[i] = kad_memory_n_allocations() - count[i];
        train_case_clear(&result);
        kad_config_destroy(config);
    }
    assert_true(count[0] == count[1]);
}

/* ln Z of the 4 x 4 critical Ising model is known exactly: the estimate agrees and the
 * gap falls. */
static void free_energy_falls_to_the_exact_bound(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_ctx_init(&ctx, 2);
    train_case_result start, end;
    const char *none[] = {"train.steps=0", NULL}, *more[] = {"train.steps=200", NULL};
    kad_config *config[2] = {train_case_config(&ctx, train_case_ising, none),
                             train_case_config(&ctx, train_case_ising, more)};
    train_case_run(&ctx, NULL, config[0], &start);
    train_case_run(&ctx, NULL, config[1], &end);
    const kad_evaluation *e = &end.evaluation;
    print_message("# 4 x 4: gap %.3f before, %.3f(%.3f) after, ESS %.3f, ln Z off by "
                  "%.4f(%.4f)\n",
                  start.evaluation.kl_gap, e->kl_gap, e->kl_gap_err, e->weights.ess.value,
                  e->weights.log_mean - e->log_z_exact, e->weights.log_z_err_importance);
    assert_true(e->kl_gap < 0.5 * start.evaluation.kl_gap);
    assert_true(e->kl_gap > -5.5 * e->kl_gap_err);
    assert_true(fabs(e->weights.log_mean - e->log_z_exact) <
                5.5 * e->weights.log_z_err_importance);
    assert_true(e->weights.ess.value > 0.5);
    /* single precision, fields of order one to ten, some tens of stages */
    assert_true(e->inverse_error < 1e-3 && e->lnq_error < 1e-2);
    train_case_clear(&start);
    train_case_clear(&end);
    kad_config_destroy(config[0]);
    kad_config_destroy(config[1]);
}

/* The same of a continuous flow, whose steps follow from its tolerance: no evaluation lies
 * below the exact bound, and ln q is known to the tolerance. */
static void continuous_flows_keep_the_bound(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_ctx_init(&ctx, 2);
    train_case_result end;
    const char *more[] = {"train.steps=250",       "train.rate=1.6e-2",
                          "flow.hierarchy=ode",    "flow.features=4",
                          "train.eval_final=4096", NULL};
    kad_config *config = train_case_config(&ctx, train_case_ising, more);
    train_case_run(&ctx, NULL, config, &end);
    const kad_evaluation *e = &end.evaluation;
    print_message(
        "# 4 x 4: gap %.4f(%.4f), ESS %.3f, ln Z off by %.4f(%.4f); %.0f steps, "
        "ln q off by %.1e\n",
        e->kl_gap, e->kl_gap_err, e->weights.ess.value,
        e->weights.log_mean - e->log_z_exact, e->weights.log_z_err_importance,
        e->solver_steps, e->solver_error);
    assert_true(e->kl_gap > -4 * e->kl_gap_err);
    assert_true(fabs(e->weights.log_mean - e->log_z_exact) <
                4.5 * e->weights.log_z_err_importance);
    assert_true(e->weights.ess.value > 0.5);
    assert_true(e->solver_steps >= 3 && e->solver_error < 2e-4);
    train_case_clear(&end);
    kad_config_destroy(config);
}

/* Penalties make paths shorter and more even: less of the integral that they punish by a
 * quarter and more, and less of the other one. */
static void penalties_shorten_paths(void **state)
{
    (void)state;
    static const char *const penalty[] = {"train.kinetic=0", "train.kinetic=0.1",
                                          "train.jacobian=0.03"};
    double kinetic[3], jacobian[3];
    for (int i = 0; i < 3; i++) {
        kad_ctx ctx;
        kad_ctx_init(&ctx, 2);
        train_case_result end;
        const char *more[] = {"train.steps=120",    "train.rate=1.6e-2",
                              "flow.hierarchy=ode", "flow.features=4",
                              penalty[i],           NULL};
        kad_config *config = train_case_config(&ctx, train_case_ising, more);
        train_case_run(&ctx, NULL, config, &end);
        kinetic[i] = end.evaluation.kinetic;
        jacobian[i] = end.evaluation.jacobian;
        print_message("# %s: |v|^2 %.3f, |dv/dphi|^2 %.3f\n", penalty[i], kinetic[i],
                      jacobian[i]);
        train_case_clear(&end);
        kad_config_destroy(config);
    }
    assert_true(kinetic[1] < 0.75 * kinetic[0] && kinetic[1] > 0);
    assert_true(jacobian[2] < 0.65 * jacobian[0] && jacobian[2] > 0);
    assert_true(jacobian[1] < jacobian[0] && kinetic[2] < kinetic[0]);
}

/* One step is too few for a map that was trained with as many as it needs: the evaluation
 * says by how much ln q is off (infinite where latents are not found). */
static void too_few_steps_are_found_out(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_ctx_init(&ctx, 2);
    train_case_result end;
    kad_model *model = NULL;
    kad_evaluator *evaluator = NULL;
    kad_evaluation e;
    const char *more[] = {"train.steps=60", "train.rate=1.6e-2", "flow.hierarchy=ode",
                          "flow.features=4", NULL},
               *one[] = {"flow.hierarchy=ode", "flow.features=4", "flow.steps=1", NULL};
    kad_config *config[] = {train_case_config(&ctx, train_case_ising, more),
                            train_case_config(&ctx, train_case_ising, one)};
    train_case_run(&ctx, NULL, config[0], &end);
    assert_int_equal(test_model_of(&ctx, config[1], &model), KAD_OK);
    assert_int_equal(kad_evaluator_create(&ctx, model, &evaluator), KAD_OK);
    assert_int_equal(kad_evaluate(&ctx, evaluator, end.theta, 0, NULL, 0, 256, false, &e),
                     KAD_OK);
    print_message("# one step: ln q off by %.2f, at most %.2f\n", e.solver_error,
                  e.solver_largest);
    assert_true(end.evaluation.solver_error < 2e-4);
    assert_true(e.solver_steps == 1 && e.solver_error > 0.1);
    assert_true(e.solver_largest >= e.solver_error);
    train_case_clear(&end);
    kad_evaluator_destroy(evaluator);
    kad_model_destroy(model);
    kad_config_destroy(config[0]);
    kad_config_destroy(config[1]);
}

/* exp(-S) normalised by the flow itself (zero steps, theta of a run): ln det by level
 * adds up to the whole. */
static void levels_add_up(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    const char *more[] = {NULL};
    kad_config *config = train_case_config(&ctx, train_case_ising, more);
    kad_model *model = NULL;
    kad_evaluator *evaluator = NULL;
    kad_evaluation e;
    kad_map *map = NULL;
    assert_int_equal(test_model_of(&ctx, config, &model), KAD_OK);
    double *theta = test_theta(model->flow, 5, 0.1);
    assert_int_equal(kad_evaluator_create(&ctx, model, &evaluator), KAD_OK);
    assert_int_equal(kad_evaluate(&ctx, evaluator, theta, 0, NULL, 0, 64, false, &e),
                     KAD_OK);
    double sum = e.log_det[KAD_EVAL_NO_LEVEL], whole = 0.0;
    for (int k = 0; k < model->flow->n_levels; k++)
        sum += e.log_det[k];
    /* the tile: draws 0 .. 31 of the evaluation stream in double */
    const size_t rows = (size_t)model->flow->n_rows;
    double *z = kad_alloc(rows, KAD_ROW_BYTES), *y = kad_alloc(rows, KAD_ROW_BYTES);
    double *by_sample = kad_alloc(rows, KAD_ROW_BYTES), ld[KAD_W_DOUBLE];
    kad_flow_prior_draw(model->flow, KAD_DOUBLE,
                        kad_rng_stream(model->seed, KAD_RNG_EVAL, 0), 0, 0, z);
    for (size_t r = 0; r < rows; r++)
        for (size_t l = 0; l < KAD_W_DOUBLE; l++)
            by_sample[l * rows + r] = z[r * KAD_W_DOUBLE + l];
    assert_int_equal(kad_map_create(&ctx, model->flow, theta, NULL, &map), KAD_OK);
    assert_int_equal(
        kad_map_generate(&ctx, map, KAD_W_DOUBLE, KAD_DOUBLE, by_sample, y, ld), KAD_OK);
    for (int l = 0; l < KAD_W_DOUBLE; l++)
        whole += ld[l] / KAD_W_DOUBLE;
    assert_true(fabs(sum - whole) < 1e-10 * (1.0 + fabs(whole)));
    kad_free(z);
    kad_free(y);
    kad_free(by_sample);
    kad_free(theta);
    kad_map_destroy(map);
    kad_evaluator_destroy(evaluator);
    kad_model_destroy(model);
    kad_config_destroy(config);
}

/* train.from with zero steps: the same lattice gives the same map back; half the lattice
 * fills the shared levels. */
static void starts_from_another_run(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    char path[32], from[64];
    kad_run *run = open_run(&ctx, path);
    train_case_result small, copy, big, fresh, none;
    const char *more[] = {"train.steps=20", "train.ema=0", NULL};
    snprintf(from, sizeof from, "train.from=%s", path);
    const char *again[] = {"train.steps=0", from, NULL};
    const char *larger[] = {"lattice.shape=[8, 8]", "train.steps=0", from, NULL};
    const char *scratch[] = {"lattice.shape=[8, 8]", "train.steps=0", NULL};
    const char *odd[] = {"lattice.shape=[6, 6]", "train.steps=0", from, NULL};
    kad_config *config[] = {train_case_config(&ctx, train_case_ising, more),
                            train_case_config(&ctx, train_case_ising, again),
                            train_case_config(&ctx, train_case_ising + 1, larger),
                            train_case_config(&ctx, train_case_ising + 1, scratch),
                            train_case_config(&ctx, train_case_ising + 1, odd)};
    train_case_run(&ctx, run, config[0], &small);
    train_case_run(&ctx, NULL, config[1], &copy);
    train_case_same(&small, &copy);
    train_case_run(&ctx, NULL, config[2], &big);
    train_case_run(&ctx, NULL, config[3], &fresh);
    const size_t n = big.model->flow->n_theta;
    size_t moved = 0;
    for (size_t i = 0; i < n; i++)
        moved += big.theta[i] != fresh.theta[i];
    assert_true(moved > small.model->flow->n_theta / 2);
    assert_int_equal(train_case_try(&ctx, NULL, config[4], &none), KAD_ECONFIG);
    assert_non_null(strstr(ctx.message, "train.from"));
    train_case_clear(&small);
    train_case_clear(&copy);
    train_case_clear(&big);
    train_case_clear(&fresh);
    for (int i = 0; i < 5; i++)
        kad_config_destroy(config[i]);
    remove_run(run, path);
}

static void chain_has_the_right_stages(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    const struct {
        const char *shape;
        int n, first;
        int64_t steps[3];
    } cases[] = {{"lattice.shape=[16, 16]", 3, 4, {25, 25, 50}},
                 {"lattice.shape=[8, 8]", 2, 4, {33, 67, 0}},
                 {"lattice.shape=[12, 12]", 2, 6, {33, 67, 0}},
                 {"lattice.shape=[14, 14]", 2, 7, {33, 67, 0}},
                 {"lattice.shape=[6, 6]", 1, 6, {100, 0, 0}},
                 {"lattice.shape=[32, 8]", 2, 16, {33, 67, 0}}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *more[] = {cases[i].shape, "train.steps=100", "train.ladder=true",
                              NULL};
        kad_trainer t = {.ctx = &ctx};
        kad_config *config = train_case_config(&ctx, train_case_ising + 1, more);
        kad_run_options options;
        assert_int_equal(kad_run_options_read(&ctx, config, &options), KAD_OK);
        t.options = options.train;
        assert_int_equal(kad_trainer_plan(&t), KAD_OK);
        assert_int_equal(t.n_stages, cases[i].n);
        assert_int_equal(t.stages[0].shape[0], cases[i].first);
        for (int k = 0; k < t.n_stages; k++)
            assert_int_equal(t.stages[k].steps, cases[i].steps[k]);
        kad_run_options_clear(&options);
        kad_config_destroy(config);
    }
}

static void bad_combinations_are_refused(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    const char *const cases[][3] = {
        {"train.loss=likelihood", NULL, "train.data"},
        {"train.anneal_key=beta", NULL, "train.anneal_start"},
        {"train.anneal_key=nonsense", "train.anneal_start=1", "nonsense"},
        {"train.schedule=exponential", "train.rate_final=0", "train.rate_final"},
        {"train.ladder=true", "train.ladder_fractions=[0, 1]", "train.ladder_fractions"},
        {"train.from=/nonexistent/run", NULL, "/nonexistent/run"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *more[] = {cases[i][0], cases[i][1], NULL};
        kad_config *config = train_case_config(&ctx, train_case_ising, more);
        train_case_result result;
        const kad_status status = train_case_try(&ctx, NULL, config, &result);
        if (status == KAD_OK || strstr(ctx.message, cases[i][2]) == NULL)
            fail_msg("case %zu: status %d, message \"%s\"", i, (int)status, ctx.message);
        assert_null(result.model);
        kad_config_destroy(config);
    }
}

/* A rate of nothing: the smoothed loss cannot fall, the stage ends before its steps. */
static void stops_early_on_a_plateau(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    train_case_result result;
    const char *more[] = {"train.steps=1000",      "train.rate=0",
                          "train.rate_final=0",    "train.patience=25",
                          "train.eval_every=2000", NULL};
    kad_config *config = train_case_config(&ctx, train_case_ising, more);
    train_case_run(&ctx, NULL, config, &result);
    assert_true(result.steps > 25 && result.steps < 600);
    assert_int_equal(result.evaluation.weights.n + result.evaluation.weights.n_bad, 512);
    train_case_clear(&result);
    kad_config_destroy(config);
}

/* Steps of a thousand: parameters run away, every gradient is infinite or NaN. */
static void gradients_that_are_not_finite_stop_it(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    train_case_result result;
    const char *more[] = {"train.steps=200",         "train.rate=1000",
                          "train.warmup=0",          "train.max_nonfinite=7",
                          "train.schedule=constant", NULL};
    kad_config *config = train_case_config(&ctx, train_case_ising, more);
    assert_int_equal(train_case_try(&ctx, NULL, config, &result), KAD_EINTERNAL);
    assert_non_null(strstr(ctx.message, "train.max_nonfinite 7"));
    assert_null(result.model);
    kad_config_destroy(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("train: 1 and 2 threads give the same bits", threads_give_the_same_bits),
        CLAIM("train: a run stopped after every step equals the whole, to the bit",
              pieces_equal_the_whole),
        CLAIM("train: a finished run is not repeated, another configuration is refused",
              finished_is_not_repeated),
        CLAIM("train: steps allocate nothing", steps_allocate_nothing),
        CLAIM_OF_NUMBERS(
            "train: the free energy falls to the exact bound and ln Z agrees",
            free_energy_falls_to_the_exact_bound),
        CLAIM("train: a continuous flow keeps the exact bound, its error its tolerance",
              continuous_flows_keep_the_bound),
        CLAIM_OF_NUMBERS("train: penalties make the paths of a continuous flow shorter",
                         penalties_shorten_paths),
        CLAIM_OF_NUMBERS("train: too few steps of a solver are found out",
                         too_few_steps_are_found_out),
        CLAIM("evaluate: log-determinants of the levels add up", levels_add_up),
        CLAIM("train: starts from another run, the same lattice or half of it",
              starts_from_another_run),
        CLAIM("train: the chain halves while it can", chain_has_the_right_stages),
        CLAIM("train: stops early on a plateau", stops_early_on_a_plateau),
        CLAIM("train: gradients that are not finite stop it with a message",
              gradients_that_are_not_finite_stop_it),
        CLAIM("train: bad combinations of keys are refused, naming the key",
              bad_combinations_are_refused),
    };
    return cmocka_run_group_tests_name("train", tests, NULL, NULL);
}

/* Training end to end on small lattices: determinism, interruption, chain, transfer,
 * annealing, likelihood, results. */
#include "base/memory.h"
#include "base/signals.h"
#include "model_case.h"
#include "train/options.h"
#include "train/params.h"
#include "train/samples.h"
#include "train/trainer.h"
#include "train/trainer_state.h"

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { MAX_OVERRIDES = 40 };

/* The critical Ising dual on 4 x 4, small nets, everything switched on that has state. */
static const char *const ising[] = {
    "lattice.shape=[4, 4]", "action.name=on-dual",
    "action.components=1",  "action.temperature=2.269185314213022",
    "train.batch=64",       "train.rate=5e-3",
    "train.warmup=20",      "train.eval_samples=256",
    "train.eval_final=512", NULL};

/* A configuration from two lists of overrides. */
static kad_config *config_of(kad_ctx *ctx, const char *const *base,
                             const char *const *more)
{
    const char *all[MAX_OVERRIDES + 1];
    kad_config *config = NULL;
    int n = 0;
    for (int i = 0; base[i] != NULL; i++)
        all[n++] = base[i];
    for (int i = 0; more != NULL && more[i] != NULL; i++)
        all[n++] = more[i];
    all[n] = NULL;
    if (test_config(ctx, all, &config) != KAD_OK) fail_msg("%s", ctx->message);
    return config;
}

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

static void train(kad_ctx *ctx, const kad_run *run, const kad_config *config,
                  kad_train_result *out)
{
    if (kad_train(ctx, run, config, NULL, out) != KAD_OK) fail_msg("%s", ctx->message);
}

static void same_theta(const kad_train_result *a, const kad_train_result *b)
{
    assert_int_equal(a->model->flow->n_theta, b->model->flow->n_theta);
    assert_memory_equal(a->theta, b->theta, a->model->flow->n_theta * sizeof(double));
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
    kad_train_result result[2];
    const char *more[] = {"train.steps=12", "train.batch=256",
                          "train.symmetrise_last=0.25", NULL};
    for (int i = 0; i < 2; i++) {
        kad_ctx_init(&ctx[i], i + 1);
        kad_config *config = config_of(&ctx[i], ising, more);
        train(&ctx[i], NULL, config, &result[i]);
        kad_config_destroy(config);
    }
    same_theta(&result[0], &result[1]);
    assert_memory_equal(&result[0].evaluation, &result[1].evaluation,
                        sizeof(kad_evaluation));
    for (int i = 0; i < 2; i++)
        kad_train_result_clear(&result[i]);
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
    kad_train_result result[2];
    const char *more[] = {"lattice.shape=[8, 8]",      "train.steps=30",
                          "train.chain=true",          "train.chain_fractions=[0.5, 0.5]",
                          "train.anneal_key=beta",     "train.anneal_start=0.35",
                          "train.anneal_fraction=0.5", "train.batch_final=128",
                          "train.eval_every=4",        "train.schedule=plateau",
                          "train.symmetrise_last=0.2", NULL};
    kad_config *config = config_of(&ctx, ising + 1, more);
    train(&ctx, run[0], config, &result[0]);
    int pieces = 0;
    for (kad_status status = KAD_EINTERRUPTED; status == KAD_EINTERRUPTED; pieces++) {
        assert_true(pieces < 100);
        kad_signals_deadline(1e-9);
        status = kad_train(&ctx, run[1], config, NULL, &result[1]);
        if (status != KAD_OK && status != KAD_EINTERRUPTED) fail_msg("%s", ctx.message);
        kad_stop_clear();
        kad_signals_deadline(0.0);
    }
    assert_true(pieces == 31);
    same_theta(&result[0], &result[1]);
    same_results(&ctx, run[0], run[1]);
    assert_int_equal(result[0].steps, 30);
    for (int i = 0; i < 2; i++) {
        kad_train_result_clear(&result[i]);
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
    kad_train_result first, second, third;
    const char *more[] = {"train.steps=8", NULL}, *other[] = {"train.steps=9", NULL};
    const char *same[] = {"train.steps=8", "train.checkpoint_seconds=7", NULL};
    kad_config *config = config_of(&ctx, ising, more);
    kad_config *changed = config_of(&ctx, ising, other);
    kad_config *harmless = config_of(&ctx, ising, same);
    train(&ctx, run, config, &first);
    train(&ctx, run, config, &second);
    assert_false(first.finished_before);
    assert_true(second.finished_before);
    same_theta(&first, &second);
    train(&ctx, run, harmless, &third);
    same_theta(&first, &third);
    kad_train_result none;
    assert_int_equal(kad_train(&ctx, run, changed, NULL, &none), KAD_ECONFIG);
    assert_non_null(strstr(ctx.message, "steps: 8"));
    assert_non_null(strstr(ctx.message, "steps: 9"));
    kad_train_result_clear(&first);
    kad_train_result_clear(&second);
    kad_train_result_clear(&third);
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
        kad_train_result result;
        kad_config *config = config_of(&ctx, ising, more[i]);
        count[i] = kad_memory_n_allocations();
        train(&ctx, NULL, config, &result);
        count[i] = kad_memory_n_allocations() - count[i];
        kad_train_result_clear(&result);
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
    kad_train_result start, end;
    const char *none[] = {"train.steps=0", NULL}, *more[] = {"train.steps=200", NULL};
    kad_config *config[2] = {config_of(&ctx, ising, none), config_of(&ctx, ising, more)};
    train(&ctx, NULL, config[0], &start);
    train(&ctx, NULL, config[1], &end);
    const kad_evaluation *e = &end.evaluation;
    print_message("# 4 x 4: gap %.3f before, %.3f(%.3f) after, ESS %.3f, ln Z off by "
                  "%.4f(%.4f)\n",
                  start.evaluation.kl_gap, e->kl_gap, e->kl_gap_err, e->weights.ess,
                  e->weights.log_z - e->log_z_exact, e->weights.log_z_err);
    assert_true(e->kl_gap < 0.5 * start.evaluation.kl_gap);
    assert_true(e->kl_gap > -5.5 * e->kl_gap_err);
    assert_true(fabs(e->weights.log_z - e->log_z_exact) < 5.5 * e->weights.log_z_err);
    assert_true(e->weights.ess > 0.5);
    /* single precision, fields of order one to ten, some tens of stages */
    assert_true(e->inverse_error < 1e-3 && e->lnq_error < 1e-2);
    kad_train_result_clear(&start);
    kad_train_result_clear(&end);
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
    kad_config *config = config_of(&ctx, ising, more);
    kad_model *model = NULL;
    kad_evaluator *evaluator = NULL;
    kad_evaluation e;
    kad_map *map = NULL;
    assert_int_equal(kad_model_create(&ctx, config, &model), KAD_OK);
    double *theta = test_theta(model->flow, 5, 0.1);
    assert_int_equal(kad_evaluator_create(&ctx, model, 64, &evaluator), KAD_OK);
    assert_int_equal(kad_evaluate(&ctx, evaluator, theta, 0, 64, false, &e), KAD_OK);
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
    assert_int_equal(kad_map_create(&ctx, model->flow, theta, false, &map), KAD_OK);
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
    kad_train_result small, copy, big, fresh, none;
    const char *more[] = {"train.steps=20", "train.ema=0", NULL};
    snprintf(from, sizeof from, "train.from=%s", path);
    const char *again[] = {"train.steps=0", from, NULL};
    const char *larger[] = {"lattice.shape=[8, 8]", "train.steps=0", from, NULL};
    const char *scratch[] = {"lattice.shape=[8, 8]", "train.steps=0", NULL};
    const char *odd[] = {"lattice.shape=[6, 6]", "train.steps=0", from, NULL};
    kad_config *config[] = {config_of(&ctx, ising, more), config_of(&ctx, ising, again),
                            config_of(&ctx, ising + 1, larger),
                            config_of(&ctx, ising + 1, scratch),
                            config_of(&ctx, ising + 1, odd)};
    train(&ctx, run, config[0], &small);
    train(&ctx, NULL, config[1], &copy);
    same_theta(&small, &copy);
    train(&ctx, NULL, config[2], &big);
    train(&ctx, NULL, config[3], &fresh);
    const size_t n = big.model->flow->n_theta;
    size_t moved = 0;
    for (size_t i = 0; i < n; i++)
        moved += big.theta[i] != fresh.theta[i];
    assert_true(moved > small.model->flow->n_theta / 2);
    assert_int_equal(kad_train(&ctx, NULL, config[4], NULL, &none), KAD_ECONFIG);
    assert_non_null(strstr(ctx.message, "train.from"));
    kad_train_result_clear(&small);
    kad_train_result_clear(&copy);
    kad_train_result_clear(&big);
    kad_train_result_clear(&fresh);
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
        const char *more[] = {cases[i].shape, "train.steps=100", "train.chain=true",
                              NULL};
        kad_trainer t = {.ctx = &ctx};
        kad_config *config = config_of(&ctx, ising + 1, more);
        t.config = config;
        assert_int_equal(kad_train_options_read(&ctx, config, &t.options), KAD_OK);
        assert_int_equal(kad_trainer_plan(&t), KAD_OK);
        assert_int_equal(t.n_stages, cases[i].n);
        assert_int_equal(t.stages[0].shape[0], cases[i].first);
        for (int k = 0; k < t.n_stages; k++)
            assert_int_equal(t.stages[k].steps, cases[i].steps[k]);
        kad_config_destroy(config);
    }
}

/* Samples written in the program's own layouts come back as rows. */
static void samples_are_read(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    const char *more[] = {"lattice.shape=[4, 6]",
                          "action.name=phi4",
                          "action.components=2",
                          "action.form=hopping",
                          "action.kappa=0.3",
                          "action.lambda=1",
                          NULL};
    const char *none[] = {NULL};
    kad_config *config = config_of(&ctx, more, none);
    kad_model *model = NULL;
    if (kad_model_create(&ctx, config, &model) != KAD_OK) fail_msg("%s", ctx.message);
    enum { CHAINS = 2, N = 3, SITES = 24 };
    double data[CHAINS * N * 2 * SITES];
    for (size_t i = 0; i < sizeof data / sizeof data[0]; i++)
        data[i] = (double)i;
    const size_t dims[5] = {CHAINS, N, 2, 4, 6}, bad[5] = {CHAINS, N, 2, 6, 4};
    kad_h5 *file = NULL;
    assert_int_equal(kad_h5_create(&ctx, &file), KAD_OK);
    assert_int_equal(kad_h5_write(&ctx, file, "/a/x", KAD_H5_F64, 5, dims, data), KAD_OK);
    assert_int_equal(kad_h5_write(&ctx, file, "/bad", KAD_H5_F64, 5, bad, data), KAD_OK);
    assert_int_equal(kad_h5_save(&ctx, file, "test_train_samples.h5", false), KAD_OK);
    kad_h5_close(file);
    kad_samples samples;
    assert_int_equal(
        kad_samples_load(&ctx, "test_train_samples.h5", "/a/x", model->action, &samples),
        KAD_OK);
    assert_int_equal(samples.n, CHAINS * N);
    /* sample 4, component 1, site 7 */
    assert_true(samples.y[(4 * SITES + 7) * 2 + 1] == data[(4 * 2 + 1) * SITES + 7]);
    size_t index[1000], seen = 0;
    kad_samples_batch(&samples, 3, 9, 1000, index);
    for (int i = 0; i < 1000; i++) {
        assert_true(index[i] < samples.n);
        seen |= (size_t)1 << index[i];
    }
    assert_int_equal(seen, 63);
    kad_samples_clear(&samples);
    assert_int_equal(
        kad_samples_load(&ctx, "test_train_samples.h5", "/bad", model->action, &samples),
        KAD_EDATA);
    assert_non_null(strstr(ctx.message, "[n, 2, 4, 6]"));
    assert_int_equal(kad_samples_load(&ctx, "absent.h5", "/bad", model->action, &samples),
                     KAD_ENOINPUT);
    unlink("test_train_samples.h5");
    kad_model_destroy(model);
    kad_config_destroy(config);
}

/* Samples of a Gaussian of width 2 at every site: the likelihood of the spectrum alone
 * finds the width (entropy ln 2 a site above the unit normal's). */
static void likelihood_learns_a_width(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_ctx_init(&ctx, 2);
    enum { N = 4096, SITES = 16 };
    double *data = kad_alloc(N * SITES, sizeof *data);
    for (size_t i = 0; i < N * SITES; i += 2) {
        kad_rng_normal2(kad_rng_stream(3, KAD_RNG_TEST, 9), 0, i, 0, &data[i]);
        data[i] *= 2.0;
        data[i + 1] *= 2.0;
    }
    const size_t dims[3] = {N, 4, 4};
    kad_h5 *file = NULL;
    assert_int_equal(kad_h5_create(&ctx, &file), KAD_OK);
    assert_int_equal(kad_h5_write(&ctx, file, "/configs", KAD_H5_F64, 3, dims, data),
                     KAD_OK);
    if (kad_h5_save(&ctx, file, "test_train_width.h5", false) != KAD_OK)
        fail_msg("%s", ctx.message);
    kad_h5_close(file);
    const char *more[] = {"lattice.shape=[4, 4]",  "action.name=phi4",
                          "action.form=albergo",   "action.m2=1",
                          "action.lambda=0",       "flow.recipe=fourier",
                          "train.loss=likelihood", "train.data=test_train_width.h5",
                          "train.steps=300",       "train.rate=0.03",
                          "train.batch=256",       NULL};
    const char *none[] = {NULL};
    kad_config *config = config_of(&ctx, more, none);
    kad_train_result result;
    kad_map *map = NULL;
    train(&ctx, NULL, config, &result);
    double lnq[512], sum = 0.0;
    assert_int_equal(kad_map_create(&ctx, result.model->flow, result.theta, false, &map),
                     KAD_OK);
    assert_int_equal(kad_map_lnq(&ctx, map, 512, KAD_DOUBLE, data, lnq, NULL), KAD_OK);
    for (int i = 0; i < 512; i++)
        sum -= lnq[i] / 512;
    const double entropy = SITES * (0.5 * log(2.0 * 3.14159265358979) + 0.5 + log(2.0));
    /* 512 samples: sqrt(8/512) = 0.125; what is left to learn, a few hundredths */
    assert_true(fabs(sum - entropy) < 0.7);
    unlink("test_train_width.h5");
    kad_free(data);
    kad_map_destroy(map);
    kad_train_result_clear(&result);
    kad_config_destroy(config);
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
        {"train.chain=true", "train.chain_fractions=[0, 1]", "train.chain_fractions"},
        {"train.from=/nonexistent/run", NULL, "/nonexistent/run"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *more[] = {cases[i][0], cases[i][1], NULL};
        kad_config *config = config_of(&ctx, ising, more);
        kad_train_result result;
        const kad_status status = kad_train(&ctx, NULL, config, NULL, &result);
        if (status == KAD_OK || strstr(ctx.message, cases[i][2]) == NULL)
            fail_msg("case %zu: status %d, message \"%s\"", i, (int)status, ctx.message);
        assert_null(result.model);
        kad_config_destroy(config);
    }
}

#define CLAIM(text, function)            \
    {                                    \
        text, function, NULL, NULL, NULL \
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
        CLAIM("train: the free energy falls to the exact bound and ln Z agrees",
              free_energy_falls_to_the_exact_bound),
        CLAIM("evaluate: log-determinants of the levels add up", levels_add_up),
        CLAIM("train: starts from another run, the same lattice or half of it",
              starts_from_another_run),
        CLAIM("train: the chain halves while it can", chain_has_the_right_stages),
        CLAIM("samples: read in the program's layout", samples_are_read),
        CLAIM("train: the likelihood learns a width", likelihood_learns_a_width),
        CLAIM("train: bad combinations of keys are refused, naming the key",
              bad_combinations_are_refused),
    };
    return cmocka_run_group_tests_name("train", tests, NULL, NULL);
}

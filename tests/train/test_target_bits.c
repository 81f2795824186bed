/* Training on data depends neither on threads nor on stops. */
#include "base/memory.h"
#include "base/signals.h"
#include "run/options.h"
#include "tests/support/claim.h"
#include "tests/support/model_case.h"
#include "tests/support/train_case.h"
#include "tests/train/data_case.h"
#include "train/target.h"

static const char *const short_run[] = {"train.steps=8",         "train.eval_every=3",
                                        "train.batch=256",       "data.held_out=.3",
                                        "train.eval_samples=50", NULL};

static void threads_give_the_same_bits(void **state)
{
    (void)state;
    data_case f;
    train_case_result result[2];
    data_case_open(&f, 300);
    kad_config *config = data_case_config(&f, short_run);
    for (int i = 0; i < 2; i++) {
        f.ctx.n_threads = 1 + 2 * i;
        train_case_run(&f.ctx, NULL, config, &result[i]);
    }
    train_case_same(&result[0], &result[1]);
    assert_memory_equal(&result[0].evaluation.held_out, &result[1].evaluation.held_out,
                        sizeof(kad_held_out));
    for (int i = 0; i < 2; i++)
        train_case_clear(&result[i]);
    kad_config_destroy(config);
    scratch_remove(&f.folder);
}

static double last_of(kad_ctx *ctx, const kad_run *run, const char *path)
{
    kad_h5 *file;
    int rank;
    size_t dims[KAD_H5_MAX_RANK];
    double values[64];
    assert_int_equal(kad_results_open(ctx, run, &file), KAD_OK);
    assert_int_equal(kad_h5_shape(ctx, file, path, &rank, dims), KAD_OK);
    assert_true(rank == 1 && dims[0] > 0 && dims[0] <= 64);
    assert_int_equal(kad_h5_read(ctx, file, path, KAD_H5_F64, 1, dims, values), KAD_OK);
    kad_h5_close(file);
    return values[dims[0] - 1];
}

/* The same with noise, and weights that are chosen. */
static const char *const chosen_run[] = {
    "train.steps=8",    "train.eval_every=1",    "train.batch=256",
    "data.held_out=.3", "train.eval_samples=50", "train.patience=3",
    "train.rate=0.05",  "data.dequantise=1e-3",  NULL};

/* Stopped after every step. */
static void pieces_equal(const char *const *how)
{
    data_case f;
    train_case_result result[2];
    kad_run *run[2];
    static const char *const paths[] = {
        "/training/loss", "/training/nll", "/training/eval/held_out",
        "/training/eval/held_out_err", "/training/eval/trained_on"};
    data_case_open(&f, 300);
    if (how == chosen_run) data_case_round(&f, 300, 1e-3);
    kad_config *config = data_case_config(&f, how);
    for (int i = 0; i < 2; i++) {
        char folder[256];
        snprintf(folder, sizeof folder, "%s", scratch_file(&f.folder, i ? "b" : "a"));
        assert_int_equal(kad_run_open(&f.ctx, folder, KAD_RUN_WRITE, &run[i]), KAD_OK);
    }
    train_case_run(&f.ctx, run[0], config, &result[0]);
    int pieces = 0;
    for (kad_status status = KAD_EINTERRUPTED; status == KAD_EINTERRUPTED; pieces++) {
        assert_true(pieces < 30);
        kad_signals_deadline(1e-9);
        status = train_case_try(&f.ctx, run[1], config, &result[1]);
        if (status != KAD_OK && status != KAD_EINTERRUPTED) fail_msg("%s", f.ctx.message);
        kad_stop_clear();
        kad_signals_deadline(0.0);
    }
    assert_int_equal(pieces, result[0].steps + 1);
    train_case_same(&result[0], &result[1]);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        assert_true(last_of(&f.ctx, run[0], paths[i]) ==
                    last_of(&f.ctx, run[1], paths[i]));
    for (int i = 0; i < 2; i++) {
        train_case_clear(&result[i]);
        kad_run_close(run[i]);
    }
    kad_config_destroy(config);
    scratch_remove(&f.folder);
}

static void pieces_equal_the_whole(void **state)
{
    (void)state;
    pieces_equal(short_run);
}

static void chosen_pieces_equal_the_whole(void **state)
{
    (void)state;
    pieces_equal(chosen_run);
}

/* What an evaluation that was stopped half way has done is not done again. */
static void evaluations_go_on(void **state)
{
    (void)state;
    data_case f;
    kad_model *model;
    kad_target *target;
    kad_run_options options;
    kad_evaluation whole = {0}, rest = {0};
    kad_map *map;
    data_case_open(&f, 300);
    kad_config *config = data_case_config(&f, short_run);
    assert_int_equal(test_model_of(&f.ctx, config, &model), KAD_OK);
    assert_int_equal(kad_run_options_read(&f.ctx, config, &options), KAD_OK);
    assert_int_equal(kad_target_data(&f.ctx, model, &options.train, 32, &target), KAD_OK);
    double *theta = test_theta(model->flow, 5, 0.1);
    assert_int_equal(kad_map_create(&f.ctx, model->flow, theta, NULL, &map), KAD_OK);
    const kad_target_ops *ops = target->ops;
    assert_int_equal(ops->evaluate(&f.ctx, target, map, 0, 0, true, &whole), KAD_OK);
    const size_t all = target->n_done;
    assert_int_equal(all, 2 * whole.held_out.n);
    const size_t stops[] = {7, whole.held_out.n, all - 1};
    for (size_t i = 0; i < sizeof stops / sizeof stops[0]; i++) {
        for (size_t k = stops[i]; k < all; k++)
            target->values[k] = NAN;
        target->n_done = stops[i];
        assert_int_equal(ops->evaluate(&f.ctx, target, map, 0, 0, true, &rest), KAD_OK);
        assert_memory_equal(&rest.held_out, &whole.held_out, sizeof rest.held_out);
    }
    kad_free(theta);
    kad_map_destroy(map);
    kad_target_destroy(target);
    kad_model_destroy(model);
    kad_run_options_clear(&options);
    kad_config_destroy(config);
    scratch_remove(&f.folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("data: chosen weights and noise, stopped after every step: the same bits",
              chosen_pieces_equal_the_whole),
        CLAIM("data: 1 and 3 threads give the same bits", threads_give_the_same_bits),
        CLAIM("data: a run stopped after every step equals the whole, to the bit",
              pieces_equal_the_whole),
        CLAIM("data: an evaluation stopped half way goes on", evaluations_go_on),
    };
    return cmocka_run_group_tests_name("training on data: bits", tests, NULL, NULL);
}

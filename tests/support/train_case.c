#include "tests/support/train_case.h"

#include "base/memory.h"
#include "run/options.h"
#include "tests/support/claim.h"
#include "tests/support/model_case.h"

enum { MAX_OVERRIDES = 40 };

const char *const train_case_ising[] = {
    "lattice.shape=[4, 4]", "action.name=on-dual",
    "action.components=1",  "action.temperature=2.269185314213022",
    "train.batch=64",       "train.rate=5e-3",
    "train.warmup=20",      "train.eval_samples=256",
    "train.eval_final=512", NULL};

kad_config *train_case_config(kad_ctx *ctx, const char *const *base,
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

kad_status train_case_try(kad_ctx *ctx, const kad_run *run, const kad_config *config,
                          train_case_result *out)
{
    kad_train_result result = {0};
    *out = (train_case_result){0};
    kad_run_options options;
    kad_status status = kad_run_options_read(ctx, config, &options);
    if (status == KAD_OK) status = kad_model_create(ctx, &options.model, &out->model);
    if (status == KAD_OK)
        status = kad_train(ctx, run, &options.train, out->model, NULL, &result);
    kad_run_options_clear(&options);
    out->theta = result.theta;
    out->steps = result.steps;
    out->finished_before = result.finished_before;
    out->evaluation = result.evaluation;
    if (status != KAD_OK) train_case_clear(out);
    return status;
}

void train_case_run(kad_ctx *ctx, const kad_run *run, const kad_config *config,
                    train_case_result *out)
{
    if (train_case_try(ctx, run, config, out) != KAD_OK) fail_msg("%s", ctx->message);
}

void train_case_clear(train_case_result *result)
{
    kad_model_destroy(result->model);
    kad_free(result->theta);
    *result = (train_case_result){0};
}

void train_case_same(const train_case_result *a, const train_case_result *b)
{
    assert_int_equal(a->model->flow->n_theta, b->model->flow->n_theta);
    assert_memory_equal(a->theta, b->theta, a->model->flow->n_theta * sizeof(double));
}

#include "tests/support/train_case.h"

#include "tests/support/model_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

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

void train_case_run(kad_ctx *ctx, const kad_run *run, const kad_config *config,
                    kad_train_result *out)
{
    if (kad_train(ctx, run, config, NULL, out) != KAD_OK) fail_msg("%s", ctx->message);
}

void train_case_same(const kad_train_result *a, const kad_train_result *b)
{
    assert_int_equal(a->model->flow->n_theta, b->model->flow->n_theta);
    assert_memory_equal(a->theta, b->theta, a->model->flow->n_theta * sizeof(double));
}

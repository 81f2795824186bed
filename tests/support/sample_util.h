/* Shared by the tests of sampling: a run folder in a scratch directory, a model from
 * YAML, its untrained (or briefly trained) map in run.h5. Everything aborts the test on
 * failure. */
#ifndef KAD_TESTS_SAMPLE_UTIL_H
#define KAD_TESTS_SAMPLE_UTIL_H

#include <unistd.h>

#include "analysis/results.h"
#include "base/memory.h"
#include "base/signals.h"
#include "record/sample.h"
#include "run/options.h"
#include "run/recipe.h"
#include "run/schema.h"
#include "sample/sampler.h"
#include "tests/support/claim.h"
#include "train/options.h"
#include "train/params.h"
#include "train/trainer.h"

typedef struct scene {
    kad_ctx ctx;
    kad_scope scope; /* what is read belongs to it */
    kad_schema schema;
    kad_config *config;
    kad_run_options options;
    kad_model *model;
    kad_run *run;
    char folder[64];
} scene;

static inline void scene_remove(const char *folder)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    if (system(command) != 0) fail_msg("cannot remove %s", folder);
}

/* Config, model and an open run folder whose run.h5 holds the map: trained for `steps`
 * steps (0: as initialised). */
static inline void scene_make(scene *s, const char *yaml, int steps)
{
    char training[64];
    const char *overrides[] = {training};
    double *theta = NULL;
    kad_h5 *file = NULL;
    memset(s, 0, sizeof *s);
    kad_ctx_init(&s->ctx, 2);
    s->scope.ctx = &s->ctx;
    kad_cli_schema(&s->schema);
    snprintf(training, sizeof training, "train.steps=%d", steps > 0 ? steps : 100);
    assert_ok(s, kad_config_parse(&s->ctx, &s->schema, yaml, "test.yaml", 1, overrides,
                                  &s->config));
    assert_ok(s, kad_recipe_resolve(&s->ctx, s->config));
    assert_ok(s, kad_run_options_read(&s->ctx, s->config, &s->options));
    assert_ok(s, kad_model_create(&s->ctx, &s->options.model, &s->model));
    snprintf(s->folder, sizeof s->folder, "/tmp/kad-sample-XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    assert_ok(s, kad_run_open(&s->ctx, s->folder, KAD_RUN_WRITE, &s->run));
    if (steps > 0) {
        kad_train_result result;
        assert_ok(s,
                  kad_train(&s->ctx, s->run, &s->options.train, s->model, NULL, &result));
        kad_train_result_clear(&result);
        return;
    }
    theta = kad_alloc(s->model->flow->n_theta, sizeof *theta);
    kad_flow_init(s->model->flow, s->model->seed, theta);
    assert_ok(s, kad_results_open(&s->ctx, s->run, &file));
    assert_ok(s, kad_params_write(&s->ctx, file, s->model->flow, s->model->prec,
                                  &s->model->family, theta));
    assert_ok(s, kad_results_save(&s->ctx, s->run, file));
    kad_h5_close(file);
    kad_free(theta);
}

static inline void scene_clear(scene *s)
{
    kad_scope_end(&s->scope);
    kad_run_close(s->run);
    kad_model_destroy(s->model);
    kad_run_options_clear(&s->options);
    kad_config_destroy(s->config);
    scene_remove(s->folder);
}

/* A dataset of the run's results; it outlives the scene, to be compared with another's. */
static inline kad_values scene_read(scene *s, const char *path)
{
    static kad_scope all;
    kad_h5 *file = NULL;
    kad_values values;
    all.ctx = &s->ctx;
    assert_ok(s, kad_results_open(&s->ctx, s->run, &file));
    assert_ok(s, kad_values_read(&all, file, path, &values));
    kad_h5_close(file);
    if (values.n == 0) fail_msg("%s is missing", path);
    return values;
}

#endif

/* Shared by the tests of the bulk: a model from YAML with the keys of section bulk, and
 * parameters as initialised. Everything aborts the test on failure. */
#ifndef KAD_TESTS_BULK_UTIL_H
#define KAD_TESTS_BULK_UTIL_H

#include "bulk/bulk.h"
#include "sample/sampler.h"

#include "tests/support/sample_util.h"

typedef struct bulk_case {
    kad_ctx ctx;
    kad_scope scope; /* what is read belongs to it */
    kad_schema schema;
    kad_config *config;
    kad_run_options options;
    kad_model *model;
    double *theta;
} bulk_case;

static inline void bulk_case_make(bulk_case *b, const char *yaml)
{
    memset(b, 0, sizeof *b);
    kad_ctx_init(&b->ctx, 2);
    b->scope.ctx = &b->ctx;
    kad_cli_schema(&b->schema);
    assert_ok(
        b, kad_config_parse(&b->ctx, &b->schema, yaml, "test.yaml", 0, NULL, &b->config));
    assert_ok(b, kad_recipe_resolve(&b->ctx, b->config));
    assert_ok(b, kad_run_options_read(&b->ctx, b->config, &b->options));
    assert_ok(b, kad_model_create(&b->ctx, &b->options.model, &b->model));
    b->theta = kad_alloc(b->model->flow->n_theta, sizeof *b->theta);
    kad_flow_init(b->model->flow, b->model->seed, b->theta);
}

static inline void bulk_case_clear(bulk_case *b)
{
    kad_scope_end(&b->scope);
    kad_free(b->theta);
    kad_model_destroy(b->model);
    kad_run_options_clear(&b->options);
    kad_config_destroy(b->config);
}

/* A dataset of a file in memory. */
static inline kad_values bulk_read(bulk_case *b, kad_h5 *file, const char *path)
{
    kad_values values;
    assert_ok(b, kad_values_read(&b->scope, file, path, &values));
    if (values.n == 0) fail_msg("%s is missing", path);
    return values;
}

#endif

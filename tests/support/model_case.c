#include "tests/support/model_case.h"

#include "base/memory.h"
#include "run/options.h"
#include "run/recipe.h"
#include "run/schema.h"

kad_status test_config(kad_ctx *ctx, const char *const *overrides, kad_config **out)
{
    static kad_schema schema; /* borrowed by configs for as long as a test runs */
    int n = 0;
    while (overrides[n])
        n++;
    if (schema.n_tables == 0) kad_cli_schema(&schema);
    kad_status status = kad_config_parse(ctx, &schema, "", "test", n, overrides, out);
    if (status == KAD_OK) status = kad_recipe_resolve(ctx, *out);
    return status;
}

kad_status test_model_of(kad_ctx *ctx, const kad_config *config, kad_model **out)
{
    kad_run_options options;
    *out = NULL;
    kad_status status = kad_run_options_read(ctx, config, &options);
    if (status == KAD_OK) status = kad_model_create(ctx, &options.model, out);
    kad_run_options_clear(&options);
    return status;
}

kad_status test_model(kad_ctx *ctx, const char *const *overrides, kad_model **out)
{
    kad_config *config = NULL;
    *out = NULL;
    kad_status status = test_config(ctx, overrides, &config);
    if (status == KAD_OK) status = test_model_of(ctx, config, out);
    kad_config_destroy(config);
    return status;
}

double *test_theta(const kad_flow *flow, uint64_t seed, double sigma)
{
    double *theta = kad_alloc(flow->n_theta + 1, sizeof *theta);
    const kad_rng rng = kad_rng_stream(seed, KAD_RNG_TEST, 1);
    kad_flow_init(flow, seed, theta);
    for (size_t i = 0; i < flow->n_theta; i++) {
        double two[2];
        kad_rng_normal2(rng, 0, i, 0, two);
        theta[i] += sigma * two[0];
    }
    return theta;
}

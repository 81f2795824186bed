/* Models for tests: a configuration from overrides, resolved by its recipe. */
#ifndef KAD_TESTS_MODEL_CASE_H
#define KAD_TESTS_MODEL_CASE_H

#include "io/config.h"
#include "train/model.h"

#include <math.h>

/* overrides: "key=value" strings, NULL-terminated. */
kad_status test_config(kad_ctx *ctx, const char *const *overrides, kad_config **out);
/* The model that a config describes. */
kad_status test_model_of(kad_ctx *ctx, const kad_config *config, kad_model **out);
kad_status test_model(kad_ctx *ctx, const char *const *overrides, kad_model **out);

/* Max |a - b| relative to 1 + |a|; NaN where there is one. */
static inline double test_distance(size_t n, const double *a, const double *b)
{
    double worst = 0;
    for (size_t i = 0; i < n; i++) {
        const double d = fabs(a[i] - b[i]) / (1 + fabs(a[i]));
        if (!(d <= worst)) worst = d;
    }
    return worst;
}

/* Parameters away from the start: init + sigma N(0, 1). From kad_alloc. */
double *test_theta(const kad_flow *flow, uint64_t seed, double sigma);

#endif

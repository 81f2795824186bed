#include "analysis/advice.h"

#include "analysis/results.h"
#include "io/number.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Keys of a sampler's entry stand for themselves; a factor of 0 means the value that
 * the warning gives. */
static const struct {
    const char *code, *key;
    double factor;
} remedies[] = {
    {"too-short", "draws", 4},
    {"short", "draws", 4},
    {"rhat", "draws", 4},
    {"replicas", "draws", 4},
    {"slow-mode", "draws", 4},
    {"periodic", "draws", 4},
    {"one-sign", "draws", 4},
    {"burn-in", "burn_in", 0},
    {"drift", "burn_in", 0},
    {"starts", "burn_in", 0},
    {"rejection-run", "tuning", 2},
    {"acceptance", "tuning", 2},
    {"nonfinite-dh", "tuning", 2},
    {"few-effective-draws", "train.steps", 2},
    {"small-ess", "train.steps", 2},
    {"one-weight", "train.steps", 2},
    {"all-rejected", "train.steps", 2},
    {"upper-gap", "train.steps", 2},
    {"lost-modes", "train.steps", 2},
    {"no-density", "train.steps", 2},
    {"still-improving", "train.steps", 2},
    {"nonfinite-gradients", "train.rate", 0.5},
    {"solver-error", "flow.tolerance", 0.1},
    {"inverse-error", "flow.precision", 1},
    {"no-weight", "flow.precision", 1},
};

static double largest(kad_ctx *ctx, kad_h5 *file, const char *path)
{
    KAD_SCOPE(scope, ctx);
    kad_values values;
    double top = (double)NAN;
    if (kad_values_read(&scope, file, path, &values) != KAD_OK) return top;
    for (size_t i = 0; i < values.n; i++)
        top = fmax(top, values.data[i]);
    return top;
}

/* The value in force of a sampler's key, in draws of a chain or updates. */
static double sampler_value(kad_ctx *ctx, kad_h5 *file, const char *group,
                            const char *key)
{
    return (double)kad_attr_int(ctx, file, group,
                                strcmp(key, "draws") == 0 ? "n_draws" : key);
}

void kad_advice_of(kad_ctx *ctx, kad_h5 *file, const kad_diagnostic *diagnostic,
                   char advice[KAD_ADVICE])
{
    char group[128], number[KAD_NUMBER_CHARS];
    const char *key = NULL;
    double factor = 1, value;
    advice[0] = '\0';
    snprintf(group, sizeof group, "/samplers/%s", diagnostic->sampler);
    for (size_t i = 0; i < sizeof remedies / sizeof remedies[0]; i++)
        if (strcmp(remedies[i].code, diagnostic->code) == 0) {
            key = remedies[i].key;
            factor = remedies[i].factor;
        }
    if (key == NULL) return;
    if (strcmp(key, "flow.precision") == 0) {
        snprintf(advice, KAD_ADVICE, "%s=double", key);
        return;
    }
    if (strcmp(key, "train.steps") == 0)
        value = (double)kad_attr_int(ctx, file, "/training", "steps");
    else if (strcmp(key, "train.rate") == 0)
        value = largest(ctx, file, "/training/rate");
    else if (strcmp(key, "flow.tolerance") == 0)
        value = kad_attr_real(ctx, file, "/training", "solver_tolerance");
    else if (diagnostic->sampler[0] == '\0' || !kad_h5_exists(file, group))
        return;
    else
        value = factor > 0 ? sampler_value(ctx, file, group, key)
                           : (double)diagnostic->burn_in;
    if (factor > 0) value *= factor;
    if (!(value > 0)) return;
    kad_format_real(number, value);
    if (strchr(key, '.') != NULL)
        snprintf(advice, KAD_ADVICE, "%s=%s", key, number);
    else
        snprintf(advice, KAD_ADVICE, "sample[%lld].%s=%s",
                 (long long)kad_attr_int(ctx, file, group, "entry"), key, number);
}

#include "flow/recipe.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct entry {
    const char *key, *value;
} entry;

/* What every recipe falls back on. */
static const entry common[] = {
    {"flow.hierarchy", "mera"},  {"flow.couplings", "6"},
    {"flow.widths", "[12, 12]"}, {"flow.split", "false"},
    {"flow.haar", "false"},      {"flow.ring", "false"},
    {"flow.spectrum", "none"},   {"flow.details", "fill"},
    {"flow.generator", "lfa"},   {"flow.refinement", "lfa"},
    {"flow.refinements", "4"},   {"flow.refinements_finest", "4"},
    {"flow.top_passes", "24"},   {"flow.symmetry", "none"},
    {"train.batch", "128"},      {"train.rate", "5e-3"},
    {"train.chain", "false"},
};

static const entry neuralrg[] = {
    {"flow.hierarchy", "mera"},      {"flow.couplings", "10"},
    {"flow.widths", "[10, 10, 10]"}, {"flow.split", "true"},
    {"flow.zero_last", "false"},     {"flow.scale_init", "0.1"},
    {"flow.decimation", "false"},    {"train.gradient", "plain"},
    {"train.batch", "512"},          {"train.rate", "1e-3"},
    {"train.optimiser", "adam"},
};

static const entry wavelet[] = {
    {"flow.hierarchy", "mera"},   {"flow.passes", "oeaboeab"},
    {"flow.haar", "true"},        {"flow.spectrum", "last"},
    {"flow.symmetry", "mixture"}, {"action.epsilon", "0.01"},
    {"flow.decimation", "false"}, {"train.symmetrise_last", "0.1"},
};

static const entry stencil[] = {
    {"flow.hierarchy", "conditional"},
    {"flow.symmetry", "equivariant"},
    {"flow.ring", "true"},
    {"train.rate", "8e-3"},
};

static const entry fourier[] = {
    {"flow.hierarchy", "none"},
    {"flow.spectrum", "first"},
    {"flow.decimation", "false"},
    {"train.steps", "200"},
};

typedef struct recipe {
    const char *name;
    const entry *entries;
    size_t n;
} recipe;

#define RECIPE(r)                     \
    {                                 \
#r, r, sizeof r / sizeof r[0] \
    }
static const recipe recipes[] = {RECIPE(neuralrg), RECIPE(wavelet), RECIPE(stencil),
                                 RECIPE(fourier)};

static bool is_phi4(const kad_config *config)
{
    const char *name = kad_config_string(config, "action.name");
    return name && strcmp(name, "phi4") == 0;
}

const char *kad_recipe_name(const kad_config *config)
{
    const char *name = kad_config_string(config, "flow.recipe");
    if (strcmp(name, "auto") != 0) return name;
    return is_phi4(config) && kad_config_real(config, "action.lambda") == 0 ? "fourier"
                                                                            : "stencil";
}

static kad_status apply(kad_ctx *ctx, kad_config *config, const entry *entries, size_t n)
{
    kad_status status = KAD_OK;
    for (size_t i = 0; i < n; i++)
        KAD_TRY(kad_config_resolve(ctx, config, entries[i].key, entries[i].value));
done:
    return status;
}

/* phi^4 numbers a recipe depends on: hopping t, mass mu and quartic lambda of PHYSICS'
 * table. */
typedef struct couplings {
    double t, mu, lambda;
} couplings;

static couplings couplings_of(const kad_config *config)
{
    const char *given = kad_config_string(config, "action.form");
    const char *form = given ? given : "seed";
    const double lambda = kad_config_real(config, "action.lambda");
    int64_t shape[4];
    const double d = (double)kad_config_ints(config, "lattice.shape", 4, shape);
    if (strcmp(form, "albergo") == 0)
        return (couplings){2, kad_config_real(config, "action.m2") + 2 * d, lambda};
    if (strcmp(form, "hopping") == 0 || strcmp(form, "nicoli") == 0)
        return (couplings){2 * kad_config_real(config, "action.kappa"), 1 - 2 * lambda,
                           lambda};
    return (couplings){kad_config_real(config, "action.t"),
                       kad_config_real(config, "action.mu"), lambda};
}

static kad_status resolve_real(kad_ctx *ctx, kad_config *config, const char *key,
                               double value)
{
    char text[40];
    snprintf(text, sizeof text, "%.17g", value);
    return kad_config_resolve(ctx, config, key, text);
}

/* The free field's own spectrum: S = (t/2) phi (khat^2 + M^2) phi, M^2 = 2 mu/t - 2 d. */
static kad_status resolve_free(kad_ctx *ctx, kad_config *config)
{
    kad_status status = KAD_OK;
    int64_t shape[4];
    const double d = (double)kad_config_ints(config, "lattice.shape", 4, shape);
    const couplings c = couplings_of(config);
    if (c.t > 0 && 2 * c.mu / c.t - 2 * d > 0) {
        KAD_TRY(resolve_real(ctx, config, "flow.spectrum_mass2", 2 * c.mu / c.t - 2 * d));
        KAD_TRY(resolve_real(ctx, config, "flow.spectrum_stiffness", c.t));
    }
done:
    return status;
}

/* Steps by the number of sites; the chain over lattice sizes pays from 32 sites an axis
 * on. */
static kad_status resolve_training(kad_ctx *ctx, kad_config *config)
{
    kad_status status = KAD_OK;
    int64_t shape[4], n_sites = 1, shortest = INT64_MAX;
    const size_t d = kad_config_ints(config, "lattice.shape", 4, shape);
    for (size_t mu = 0; mu < d; mu++) {
        n_sites *= shape[mu];
        if (shape[mu] < shortest) shortest = shape[mu];
    }
    KAD_TRY(kad_config_resolve(ctx, config, "train.steps",
                               n_sites <= 100   ? "4000"
                               : n_sites <= 400 ? "8000"
                                                : "10000"));
    if (shortest >= 32) KAD_TRY(kad_config_resolve(ctx, config, "train.chain", "true"));
done:
    return status;
}

kad_status kad_recipe_resolve(kad_ctx *ctx, kad_config *config)
{
    kad_status status = KAD_OK;
    const char *name = kad_recipe_name(config);
    if (strcmp(name, "fourier") == 0 && is_phi4(config))
        KAD_TRY(resolve_free(ctx, config));
    if (strcmp(name, "stencil") == 0) {
        KAD_TRY(kad_config_resolve(ctx, config, "flow.spectrum",
                                   is_phi4(config) ? "first" : "last"));
        KAD_TRY(kad_config_resolve(ctx, config, "flow.spectrum_mass2",
                                   is_phi4(config) ? "1" : "0"));
        if (is_phi4(config))
            KAD_TRY(
                resolve_real(ctx, config, "flow.quartic", couplings_of(config).lambda));
    }
    for (size_t i = 0; i < sizeof recipes / sizeof recipes[0]; i++)
        if (strcmp(recipes[i].name, name) == 0)
            KAD_TRY(apply(ctx, config, recipes[i].entries, recipes[i].n));
    KAD_TRY(resolve_training(ctx, config));
    KAD_TRY(apply(ctx, config, common, sizeof common / sizeof common[0]));
done:
    return status;
}

#include "run/recipe.h"

#include "flow/hierarchy.h"
#include "flow/options.h"
#include "io/number.h"
#include "models/action.h"
#include "run/options.h"

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
    {"flow.shared", "true"},     {"train.batch", "128"},
    {"train.rate", "5e-3"},      {"train.ladder", "false"},
};

static const entry neuralrg[] = {
    {"flow.hierarchy", "mera"},      {"flow.couplings", "10"},
    {"flow.widths", "[10, 10, 10]"}, {"flow.split", "true"},
    {"flow.zero_last", "false"},     {"flow.scale_init", "0.1"},
    {"flow.decimation", "false"},    {"train.gradient", "plain"},
    {"train.batch", "512"},          {"train.rate", "1e-3"},
    {"train.optimiser", "adam"},     {"flow.symmetry", "mixture"},
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
};

/* More steps bring little: results are in doc/flows.md. */
static const entry ode[] = {
    {"flow.hierarchy", "ode"},    {"flow.spectrum", "first"},
    {"flow.spectrum_mass2", "1"}, {"flow.symmetry", "equivariant"},
    {"train.rate", "1.6e-2"},     {"train.steps", "1000"},
};

static const entry fourier[] = {
    {"flow.hierarchy", "none"},       {"flow.spectrum", "first"},
    {"flow.symmetry", "equivariant"}, {"flow.decimation", "false"},
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
static const recipe recipes[] = {RECIPE(stencil),
                                 RECIPE(wavelet),
                                 RECIPE(neuralrg),
                                 RECIPE(fourier),
                                 RECIPE(ode),
                                 {"custom", NULL, 0},
                                 /* of images: images.c */
                                 {"pixels", NULL, 0},
                                 {"rgflow", NULL, 0},
                                 {"realnvp", NULL, 0}};
enum { N_RECIPES = sizeof recipes / sizeof recipes[0] };

const char *kad_recipe_choice(size_t i)
{
    if (i == 0) return "auto";
    return i <= N_RECIPES ? recipes[i - 1].name : NULL;
}

const char *kad_recipe_name(const kad_config *config)
{
    const char *name = kad_config_string(config, "flow.recipe");
    if (strcmp(name, "auto") != 0) return name;
    const char *hierarchy = kad_config_string(config, "flow.hierarchy");
    if (hierarchy && strcmp(hierarchy, "ode") == 0) return "ode";
    return hierarchy && strcmp(hierarchy, "none") == 0 ? "fourier" : "stencil";
}

static kad_status apply(kad_ctx *ctx, kad_config *config, const entry *entries, size_t n)
{
    for (size_t i = 0; i < n; i++)
        KAD_CALL(kad_config_resolve(ctx, config, entries[i].key, entries[i].value));
    return KAD_OK;
}

/* What a recipe must know of action and lattice: a local quartic action has these
 * parameters (NaN: not one), S = -t sum_<ij> phi_i.phi_j + sum_i (mu |phi_i|^2 +
 * lambda |phi_i|^4). */
typedef struct facts {
    double d, t, mu, lambda;
    double beta;       /* inverse temperature of spins; NaN: none */
    double mean_field; /* beta over that of the mean-field transition */
    bool homogeneous;  /* invariant under translations */
    bool directions;   /* the lengths of its vectors are spectators */
    bool symmetric;    /* under the global sign */
    int n_comp;
    bool known;     /* there is an action */
    bool clock;     /* with a clock term */
    bool decimated; /* a sublattice is integrated out */
    bool family;    /* one map for a range of a coupling */
} facts;

static kad_status inspect(kad_ctx *ctx, const kad_config *config, kad_lattice **lattice,
                          kad_action **action_out, facts *out)
{
    int64_t extents[KAD_MAX_DIM + 1];
    int shape[KAD_MAX_DIM + 1] = {0};
    kad_action_options options KAD_CLEARED(kad_action_options_clear) = {0};
    const size_t d = kad_config_ints(config, "lattice.shape", KAD_MAX_DIM + 1, extents);
    for (size_t mu = 0; mu < d; mu++)
        shape[mu] = (int)extents[mu];
    KAD_CALL(kad_lattice_create(ctx, (int)d, shape, lattice));
    *out = (facts){.d = (double)d,
                   .t = NAN,
                   .mu = NAN,
                   .lambda = NAN,
                   .beta = NAN,
                   .mean_field = NAN,
                   .homogeneous = true,
                   .symmetric = true};
    KAD_CALL(kad_action_options_read(ctx, config, &options));
    if (kad_action_is_none(&options)) return KAD_OK;
    KAD_CALL(kad_action_create(ctx, &options, *lattice, false, action_out));
    const kad_action *action = *action_out;
    *out = (facts){.d = (double)d,
                   .t = action->ops->get(action, "t"),
                   .mu = action->ops->get(action, "mu"),
                   .lambda = action->ops->get(action, "lambda"),
                   .beta = action->ops->get(action, "beta"),
                   .mean_field = action->ops->get(action, "mean_field"),
                   .homogeneous = (action->flags & KAD_ACTION_TRANSLATION) != 0,
                   .directions = (action->flags & KAD_ACTION_DIRECTIONS) != 0,
                   .symmetric = (action->flags & KAD_ACTION_SYMMETRIC) != 0,
                   .n_comp = action->n_comp,
                   .known = true,
                   .clock = fabs(action->ops->get(action, "clock")) > 0};
    out->family = kad_config_is_set(config, "family.along");
    const char *decimation = kad_config_string(config, "flow.decimation");
    out->decimated = kad_action_can_decimate(&options, *lattice) &&
                     (decimation == NULL || strcmp(decimation, "false") != 0);
    return KAD_OK;
}

/* The free field's own spectrum: S = (t/2) phi (khat^2 + M^2) phi, M^2 = 2 mu/t - 2 d. */
static kad_status resolve_free(kad_ctx *ctx, kad_config *config, const facts *a)
{
    const double mass2 = 2 * a->mu / a->t - 2 * a->d;
    if (a->t > 0 && mass2 > 0) {
        KAD_CALL(kad_config_resolve_real(ctx, config, "flow.spectrum_mass2", mass2));
        KAD_CALL(kad_config_resolve_real(ctx, config, "flow.spectrum_stiffness", a->t));
    }
    return KAD_OK;
}

/* Couplings of every sign and size have many states far below their transition that no
 * symmetry relates. A map that starts there finds some of them and never the others, and
 * its own weights look perfect; one that comes down from high temperature keeps them. */
static bool is_cold(const facts *a)
{
    return !a->homogeneous && a->mean_field > 3;
}

/* From half the mean-field transition's beta. */
static kad_status resolve_annealing(kad_ctx *ctx, kad_config *config, const facts *a)
{
    if (!is_cold(a) || kad_config_string(config, "train.from") != NULL ||
        kad_config_is_set(config, "train.anneal_key"))
        return KAD_OK;
    KAD_CALL(kad_config_resolve(ctx, config, "train.anneal_key", "beta"));
    KAD_CALL(kad_config_resolve_real(ctx, config, "train.anneal_start",
                                     0.5 * a->beta / a->mean_field));
    return kad_config_resolve(ctx, config, "train.anneal_fraction", "0.8");
}

/* Neither a Gaussian field nor lengths to shape; angles have transforms of their own. */
static kad_status resolve_directions(kad_ctx *ctx, kad_config *config, const facts *a)
{
    KAD_CALL(kad_config_resolve(ctx, config, "flow.spectrum", "none"));
    KAD_CALL(kad_config_resolve(ctx, config, "flow.ring", "false"));
    if (a->n_comp != 2) return KAD_OK;
    KAD_CALL(kad_config_resolve(ctx, config, "flow.generator", "vm"));
    KAD_CALL(kad_config_resolve(ctx, config, "flow.refinement", "crqs"));
    return a->family ? KAD_OK : kad_config_resolve(ctx, config, "train.rate", "5e-3");
}

/* Values of a grid with their noise have densities of boxes, which splines have the corners for. */
static kad_status resolve_grid(kad_ctx *ctx, kad_config *config)
{
    if (!(kad_config_real(config, "data.dequantise") > 0)) return KAD_OK;
    KAD_CALL(kad_config_resolve(ctx, config, "flow.generator", "rqs"));
    return kad_config_resolve(ctx, config, "flow.refinement", "rqs");
}

/* A Gaussian field to start from where the action is local or not known, a finish where the
 * field is whitened. The spectrum of the first kind wants the longer steps. One component in
 * one or two dimensions does not take it: near criticality and in the ordered phase levels
 * have to undo what it correlates, and training then halts halfway for as long as the spectrum
 * is not flat. Nor does a family: over an ordered phase such steps lose the map, and shorter
 * ones do not reach it; of phi^4 it wants still shorter ones, and more of them. */
static kad_status resolve_stencil(kad_ctx *ctx, kad_config *config, const facts *a)
{
    const bool one = a->known && a->n_comp == 1 && a->d < 3;
    const bool first = (isfinite(a->lambda) || !a->known) && !a->family && !one;
    const bool of_phi4 = a->family && isfinite(a->lambda);
    if (a->directions) KAD_CALL(resolve_directions(ctx, config, a));
    KAD_CALL(resolve_grid(ctx, config));
    KAD_CALL(kad_config_resolve(ctx, config, "flow.spectrum", first ? "first" : "last"));
    KAD_CALL(kad_config_resolve(ctx, config, "flow.spectrum_mass2", first ? "1" : "0"));
    KAD_CALL(kad_config_resolve(ctx, config, "train.rate",
                                of_phi4      ? "1e-3"
                                : a->family  ? "2.5e-3"
                                : first      ? "8e-3"
                                : is_cold(a) ? "1e-3"
                                             : "4e-3"));
    if (a->lambda > 0)
        KAD_CALL(kad_config_resolve_real(ctx, config, "flow.quartic", a->lambda));
    if (!a->homogeneous)
        KAD_CALL(kad_config_resolve(ctx, config, "flow.shared", "false"));
    return KAD_OK;
}

/* RG layers make their own levels; the spectrum finishes what they leave. */
static kad_status resolve_ode(kad_ctx *ctx, kad_config *config)
{
    return kad_config_bool(config, "flow.rg_layers")
               ? kad_config_resolve(ctx, config, "flow.spectrum", "last")
               : KAD_OK;
}

static const char *steps_of(int64_t n_sites, const facts *a)
{
    const bool angles =
        a->directions && a->n_comp == 2; /* slower to come to their best */
    if (a->family && n_sites <= 100) return isfinite(a->lambda) ? "6000" : "3000";
    if (a->family) return n_sites <= 400 ? "3500" : "7500";
    if (n_sites <= 100) return angles ? "8000" : "4000";
    if (isfinite(a->lambda)) return n_sites <= 400 ? "8000" : "10000";
    if (n_sites <= 400) return "12000"; /* duals are slower to come to their best */
    return n_sites <= 1600 ? "30000" : "20000";
}

/* Steps by the number of sites; the chain over lattice sizes pays from 32 sites an axis
 * on, where smaller lattices are like the large one. */
static kad_status resolve_training(kad_ctx *ctx, kad_config *config, const facts *a)
{
    int64_t shape[4], n_sites = 1, shortest = INT64_MAX;
    const size_t d = kad_config_ints(config, "lattice.shape", 4, shape);
    for (size_t mu = 0; mu < d; mu++) {
        n_sites *= shape[mu];
        if (shape[mu] < shortest) shortest = shape[mu];
    }
    if (a->family) /* four couplings a step, and three times the work in all */
        KAD_CALL(kad_config_resolve(ctx, config, "train.batch", "512"));
    KAD_CALL(kad_config_resolve(ctx, config, "train.steps", steps_of(n_sites, a)));
    if (shortest >= 32 && a->homogeneous && a->known &&
        kad_config_string(config, "train.from") == NULL)
        KAD_CALL(kad_config_resolve(ctx, config, "train.ladder", "true"));
    return KAD_OK;
}

/* Has the coarsest lattice an odd extent, and so a seam? */
static bool seamed(const kad_lattice *lattice)
{
    for (int mu = 0; mu < lattice->d; mu++) {
        const int extent = lattice->shape[mu] >> lattice->n_levels;
        if (extent > 1 && extent % 2 == 1) return true;
    }
    return false;
}

/* Images that the density is averaged over: of maps whose stages know a sublattice, where the
 * KL gap, which grows with the volume, is worth the draws' cost, or a seam makes it large; and
 * under a clock term, where what the others get wrong goes away. Maps of a sublattice that is
 * left when the other is integrated out are too good for seams to matter. */
static kad_status resolve_average(kad_ctx *ctx, kad_config *config, const char *name,
                                  const kad_lattice *lattice, const facts *a)
{
    const bool four =
        lattice->d > 1 && (lattice->n_sites >= 256 || (seamed(lattice) && !a->decimated));
    const bool stages = strcmp(name, "stencil") == 0;
    bool eight = a->clock && lattice->d > 1; /* of two sites an axis there are four */
    for (int mu = 0; mu < lattice->d; mu++)
        eight = eight && lattice->shape[mu] > 2;
    const char *n = eight ? "8" : four ? "4" : "1";
    return kad_config_resolve(ctx, config, "flow.average",
                              stages && a->homogeneous && a->known ? n : "1");
}

static kad_status resolve_symmetry(kad_ctx *ctx, kad_config *config,
                                   const char *otherwise)
{
    const char *hierarchy = kad_config_string(config, "flow.hierarchy");
    const bool odd = hierarchy != NULL && kad_hierarchy_is_odd(hierarchy);
    const char *value = odd ? "equivariant" : otherwise;
    return value ? kad_config_resolve(ctx, config, "flow.symmetry", value) : KAD_OK;
}

/* Samples to train on take the action's place: it need not be known. */
static kad_status resolve_data(kad_ctx *ctx, kad_config *config)
{
    if (kad_config_string(config, "data.source") == NULL) return KAD_OK;
    KAD_CALL(kad_config_resolve(ctx, config, "action.name", "none"));
    if (kad_config_int(config, "train.patience") > 0)
        KAD_CALL(kad_config_resolve(ctx, config, "data.validation", "0.1"));
    return kad_config_resolve(ctx, config, "train.loss", "likelihood");
}

static kad_status resolve_components(kad_ctx *ctx, kad_config *config)
{
    const kad_action_ops *ops = kad_action_find(kad_config_string(config, "action.name"));
    if (ops == NULL || ops->components == 0) return KAD_OK;
    return kad_config_resolve_real(ctx, config, "action.components", ops->components);
}

/* What the action chose for keys that the config leaves out. */
static kad_status resolve_action(kad_ctx *ctx, const kad_action *action,
                                 kad_config *config)
{
    const kad_action_ops *ops = action->ops;
    kad_action_options options KAD_CLEARED(kad_action_options_clear) = {0};
    KAD_CALL(kad_action_options_read(ctx, config, &options));
    if (!ops->resolve) return KAD_OK;
    ops->resolve(action, options.own);
    return kad_config_resolve_from(ctx, config, ops->keys, ops->n_keys, options.own);
}

/* By the hierarchy, if one is given, else by the action: a spectrum cannot shift the field. */
static const char *automatic(const kad_config *config, const facts *a)
{
    const char *hierarchy = kad_config_string(config, "flow.hierarchy");
    if (hierarchy && strcmp(hierarchy, "ode") == 0) return "ode";
    return a->lambda == 0 && a->symmetric ? "fourier" : "stencil";
}

kad_status kad_recipe_resolve(kad_ctx *ctx, kad_config *config)
{
    const char *name = kad_config_string(config, "flow.recipe");
    KAD_LOCAL(kad_lattice, lattice);
    KAD_LOCAL(kad_action, action);
    facts a;
    if (kad_images_recipe(name))
        return kad_fail(ctx, KAD_ECONFIG,
                        "flow.recipe: %s is for images, but data.source names none",
                        name);
    KAD_CALL(resolve_data(ctx, config));
    KAD_CALL(resolve_components(ctx, config));
    KAD_CALL(inspect(ctx, config, &lattice, &action, &a));
    KAD_CALL(resolve_symmetry(ctx, config, NULL)); /* of a hierarchy that was given */
    if (strcmp(name, "auto") == 0) name = automatic(config, &a);
    if (strcmp(name, "fourier") == 0) KAD_CALL(resolve_free(ctx, config, &a));
    if (strcmp(name, "stencil") == 0) KAD_CALL(resolve_stencil(ctx, config, &a));
    if (strcmp(name, "ode") == 0) KAD_CALL(resolve_ode(ctx, config));
    if (!a.symmetric && a.known && strcmp(name, "stencil") != 0 &&
        strcmp(name, "ode") != 0) /* which has no other symmetry, and is refused */
        KAD_CALL(
            resolve_symmetry(ctx, config, "none")); /* a recipe's mixture has no sign */
    for (size_t i = 0; i < N_RECIPES; i++)
        if (strcmp(recipes[i].name, name) == 0)
            KAD_CALL(apply(ctx, config, recipes[i].entries, recipes[i].n));
    KAD_CALL(resolve_training(ctx, config, &a));
    KAD_CALL(resolve_annealing(ctx, config, &a));
    KAD_CALL(apply(ctx, config, common, sizeof common / sizeof common[0]));
    KAD_CALL(resolve_symmetry(ctx, config, "none"));
    KAD_CALL(resolve_average(ctx, config, name, lattice, &a));
    if (!a.homogeneous || !a.known)
        KAD_CALL(kad_config_resolve(ctx, config, "flow.translation", "false"));
    if (a.known) /* after a recipe's own wishes */
        KAD_CALL(resolve_action(ctx, action, config));
    return KAD_OK;
}

#include "record/entries.h"

#include "base/real.h"
#include "io/number.h"
#include "record/weigh.h"
#include "sample/sampler.h"

#include <stdio.h>
#include <string.h>

const kad_key kad_sample_keys[] = {
    {"sample[].name", KAD_ENUM, KAD_NAMES(kad_sampler_name), "mis", 1, 0, "", NULL,
     "the sampler: see `kadanoff list samplers`"},
    {"sample[].draws", KAD_INT, KAD_NO_MEMBER, NULL, 1, 1e9, "draws", NULL,
     "recorded draws of a chain; auto: 20000 (mis, direct), 2000 (Markov chains)"},
    {"sample[].chains", KAD_INT, KAD_NO_MEMBER, NULL, 1, 4096, "chains", NULL,
     "independent chains, computed side by side (mis: consecutive stretches of the "
     "proposals); auto: 1 (mis, direct), as many as fill the lanes (Markov chains: 64 in "
     "single precision, 32 in double)"},
    {"sample[].burn_in", KAD_INT, KAD_NO_MEMBER, NULL, 0, 1e9, "draws", NULL,
     "draws of a chain before the first recorded one; auto: as many as the draws, at "
     "least 200, and of more than 2000 as many, or a fifth (mis: 100; direct: none)"},
    {"sample[].tuning", KAD_INT, KAD_NO_MEMBER, NULL, 0, 1e6, "updates", NULL,
     "updates that tune a sampler; then its chains begin at their start; auto: as many "
     "as the burn-in's, at most 200 (0: what would be tuned stays as it is)"},
    {"sample[].thin", KAD_INT, KAD_NO_MEMBER, "1", 1, 1e6, "updates", NULL,
     "updates (trajectories, sweeps, ...) a draw; burn_in and draws count draws (mis and "
     "direct keep every proposal: 1)"},
    {"sample[].start", KAD_ENUM, KAD_NO_MEMBER, NULL, 1, 0, "", "prior|cold|hot",
     "first state of a Markov chain: a draw of the map (prior), the ordered field "
     "(cold), "
     "independent sites (hot); auto: prior for samplers that use the map, hot for those "
     "that do not, which then cannot inherit what it misses (mis and direct have none)"},
    {"sample[].keep_first", KAD_INT, KAD_NO_MEMBER, "0", 0, 1e6, "draws", NULL,
     "scalars of the first draws of a chain kept, burn-in included, to see chains "
     "thermalise (group first)"},
    {"sample[].store_configs", KAD_INT, KAD_NO_MEMBER, NULL, 0, 1e7, "configurations",
     NULL,
     "boundary configurations kept, evenly spaced, all chains together; auto: 64; of "
     "a sampler that does not use the run's map, whose ln w is inferred there, up to "
     "1024 "
     "that take 4 MB"},
    {"sample[].store_latents", KAD_BOOL, KAD_NO_MEMBER, "false", 1, 0, "", NULL,
     "keep the latents of those configurations (switches random shifts off)"},
    {"sample[].batch", KAD_INT, KAD_NO_MEMBER, NULL, 1, 1e7, "updates", NULL,
     "updates of a chain made at a time; auto: about 8 MB of configurations"},
    {"sample[].exact", KAD_BOOL, KAD_NO_MEMBER, "true", 1, 0, "", NULL,
     "ln q of proposals recomputed in double by inference"},
};
const size_t kad_sample_n_keys = sizeof kad_sample_keys / sizeof kad_sample_keys[0];

enum {
    KEY_MAX = 64,
    PROPOSALS = 20000, /* default draws */
    DRAWS = 2000,
    BURN_IN = 200, /* at least */
    BURN_IN_ENOUGH = 2000,
    BURN_IN_PROPOSALS = 100,
    TUNING = 200,                   /* at most, by default */
    CONFIGS = 64,                   /* and by default at least */
    CONFIGS_BYTES = 4 * 1024 * 1024 /* of those weighed, by default */
};

static const char *default_of(const char *key)
{
    for (size_t i = 0; i < kad_sample_n_keys; i++)
        if (strcmp(kad_sample_keys[i].key + strlen("sample[]."), key) == 0)
            return kad_sample_keys[i].def;
    return NULL;
}

int kad_sample_count(const kad_config *config)
{
    if (!kad_config_is_set(config, "sample")) return 1; /* the default's */
    return kad_config_list_length(config, "sample");
}

bool kad_sample_listed(const kad_config *config, int entry)
{
    return entry < kad_config_list_length(config, "sample");
}

static bool listed(const kad_config *config, int entry, const char *key, char *full)
{
    snprintf(full, KEY_MAX, "sample[%d].%s", entry, key);
    return kad_sample_listed(config, entry);
}

int64_t kad_sample_int(const kad_config *config, int entry, const char *key)
{
    char full[KEY_MAX];
    int64_t value = 0;
    const char *def = default_of(key);
    if (listed(config, entry, key, full)) return kad_config_int(config, full);
    if (def != NULL && !kad_parse_int(def, &value)) value = 0;
    return value;
}

bool kad_sample_bool(const kad_config *config, int entry, const char *key)
{
    char full[KEY_MAX];
    if (listed(config, entry, key, full)) return kad_config_bool(config, full);
    return strcmp(default_of(key), "true") == 0;
}

const char *kad_sample_name(const kad_config *config, int entry)
{
    char full[KEY_MAX];
    return listed(config, entry, "name", full) ? kad_config_string(config, full)
                                               : default_of("name");
}

/* Sampler of independent proposals, known by its weights; an unknown name: false. */
static bool proposes(const kad_config *config, int entry)
{
    const kad_sampler_ops *ops = kad_sampler_find(kad_sample_name(config, entry));
    return ops != NULL && (ops->flags & KAD_SAMPLER_WEIGHTED) != 0;
}

/* One chain of proposals only: no draw depends on the one before. */
static bool is_chain(const kad_config *config, int entry)
{
    const kad_sampler_ops *ops = kad_sampler_find(kad_sample_name(config, entry));
    return !proposes(config, entry) ||
           (ops != NULL && (ops->flags & KAD_SAMPLER_PROPOSALS) != 0);
}

int kad_sample_chains(const kad_config *config, int entry)
{
    const int64_t given = kad_sample_int(config, entry, "chains");
    const char *precision = kad_config_string(config, "flow.precision");
    if (given > 0) return (int)given;
    if (proposes(config, entry)) return 1;
    return kad_lanes(strcmp(precision, "double") == 0 ? KAD_DOUBLE : KAD_SINGLE);
}

int64_t kad_sample_draws(const kad_config *config, int entry)
{
    const int64_t given = kad_sample_int(config, entry, "draws");
    if (given > 0) return given;
    return proposes(config, entry) ? PROPOSALS : DRAWS;
}

int64_t kad_sample_burn_in(const kad_config *config, int entry)
{
    char full[KEY_MAX];
    if (!is_chain(config, entry)) return 0;
    if (listed(config, entry, "burn_in", full) && kad_config_is_set(config, full))
        return kad_config_int(config, full);
    if (proposes(config, entry)) return BURN_IN_PROPOSALS;
    const int64_t draws = kad_sample_draws(config, entry);
    if (draws > BURN_IN_ENOUGH)
        return draws / 5 > BURN_IN_ENOUGH ? draws / 5 : BURN_IN_ENOUGH;
    return draws > BURN_IN ? draws : BURN_IN;
}

/* As many as fit, in single precision. */
static int64_t configs_weighed(const kad_config *config)
{
    int64_t shape[KAD_MAX_DIM];
    const int64_t n_comp = kad_config_int(config, "action.components");
    const size_t d = kad_config_ints(config, "lattice.shape", KAD_MAX_DIM, shape);
    double bytes = 4.0 * (n_comp > 1 ? (double)n_comp : 1.0);
    for (size_t mu = 0; mu < d && mu < KAD_MAX_DIM; mu++)
        bytes *= (double)shape[mu];
    const double fit = CONFIGS_BYTES / bytes;
    return fit < CONFIGS            ? CONFIGS
           : fit > KAD_WEIGHED_MOST ? KAD_WEIGHED_MOST
                                    : (int64_t)fit;
}

int64_t kad_sample_configs(const kad_config *config, int entry)
{
    char full[KEY_MAX];
    if (listed(config, entry, "store_configs", full) && kad_config_is_set(config, full))
        return kad_config_int(config, full);
    return kad_sample_any_needs_map(config) && !kad_sample_needs_map(config, entry)
               ? configs_weighed(config)
               : CONFIGS;
}

int64_t kad_sample_tuning(const kad_config *config, int entry)
{
    char full[KEY_MAX];
    if (listed(config, entry, "tuning", full) && kad_config_is_set(config, full))
        return kad_config_int(config, full);
    const int64_t n =
        kad_sample_burn_in(config, entry) * kad_sample_int(config, entry, "thin");
    return n < TUNING ? n : TUNING;
}

void kad_sample_group(const kad_config *config, int entry, size_t size, char *out)
{
    const char *name = kad_sample_name(config, entry);
    int n = 1;
    for (int i = 0; i < entry; i++)
        n += strcmp(kad_sample_name(config, i), name) == 0;
    if (n == 1)
        snprintf(out, size, "%s", name);
    else
        snprintf(out, size, "%s_%d", name, n);
}

int kad_sample_bulk_entry(const kad_config *config)
{
    const char *wanted = kad_config_is_set(config, "bulk.sampler")
                             ? kad_config_string(config, "bulk.sampler")
                             : NULL;
    for (int entry = 0; entry < kad_sample_count(config); entry++) {
        char name[KEY_MAX];
        kad_sample_group(config, entry, sizeof name, name);
        if (wanted != NULL ? strcmp(wanted, name) == 0 : is_chain(config, entry))
            return entry;
    }
    return -1;
}

bool kad_sample_needs_map(const kad_config *config, int entry)
{
    char full[KEY_MAX];
    const kad_sampler_ops *ops = kad_sampler_find(kad_sample_name(config, entry));
    const char *start = NULL;
    if (ops == NULL || (ops->flags & KAD_SAMPLER_NEEDS_MAP)) return true;
    if (ops->needs_map != NULL && ops->needs_map(config, entry)) return true;
    if (listed(config, entry, "start", full)) start = kad_config_string(config, full);
    return (start != NULL && strcmp(start, "prior") == 0) ||
           kad_sample_bool(config, entry, "store_latents");
}

bool kad_sample_any_needs_map(const kad_config *config)
{
    for (int entry = 0; entry < kad_sample_count(config); entry++)
        if (kad_sample_needs_map(config, entry)) return true;
    return false;
}

#include "record/entries.h"

#include "record/weigh.h"

#include <stdio.h>
#include <string.h>

const kad_key kad_sample_keys[] = {
    {"sample[].name", KAD_NAME_OF(kad_sample_entry, name, kad_sampler_name), "mis", 1, 0,
     "", NULL, "the sampler: see `kadanoff list samplers`"},
    {"sample[].draws", KAD_INT_OF(kad_sample_entry, draws), NULL, 1, 1e9, "draws", NULL,
     "recorded draws of a chain; more of them than a finished run folder has are "
     "appended; "
     "auto: 20000 (proposals: mis, annealed, direct), 2000 (Markov chains)"},
    {"sample[].chains", KAD_INT_OF(kad_sample_entry, chains), NULL, 1, 4096, "chains",
     NULL,
     "independent chains, computed side by side (mis: stretches of the proposals); auto: "
     "1 (mis, annealed, direct), as many as fill the lanes (Markov chains: 64 in "
     "single precision, 32 in double)"},
    {"sample[].burn_in", KAD_INT_OF(kad_sample_entry, burn_in), NULL, 0, 1e9, "draws",
     NULL,
     "draws of a chain before the first recorded one; auto: as many as the draws, at "
     "least 200, and of more than 2000 as many, or a fifth (mis: 100; direct: none)"},
    {"sample[].tuning", KAD_INT_OF(kad_sample_entry, tuning), NULL, 0, 1e6, "updates",
     NULL,
     "updates that tune a sampler; then its chains begin at their start; auto: as many "
     "as the burn-in's, at most 200 (0: what would be tuned stays as it is)"},
    {"sample[].thin", KAD_INT_OF(kad_sample_entry, thin), "1", 1, 1e6, "updates", NULL,
     "updates (trajectories, sweeps, ...) a draw; burn_in and draws count draws (mis and "
     "direct keep every proposal: 1)"},
    {"sample[].start", KAD_ENUM_OF(kad_sample_entry, start, KAD_START_PRIOR), NULL, 1, 0,
     "", "prior|cold|hot",
     "first state of a Markov chain: a draw of the map (prior), the ordered field "
     "(cold), "
     "independent sites (hot); auto: prior for samplers that use the map, hot for those "
     "that do not, which then cannot inherit what it misses (mis and direct have none)"},
    {"sample[].keep_first", KAD_INT_OF(kad_sample_entry, keep_first), "0", 0, 1e6,
     "draws", NULL,
     "scalars of the first draws of a chain kept, burn-in included, to see chains "
     "thermalise (group first)"},
    {"sample[].store_configs", KAD_INT_OF(kad_sample_entry, store_configs), NULL, 0, 1e7,
     "configurations", NULL,
     "boundary configurations kept, every draw or every 2nd, 4th, ... one of a chain, at "
     "least so many and fewer than twice as many, all chains together; auto: 64; of "
     "a sampler that does not use the run's map, whose ln w is inferred there, up to "
     "1024 "
     "that take 4 MB"},
    {"sample[].store_latents", KAD_BOOL_OF(kad_sample_entry, store_latents), "false", 1,
     0, "", NULL,
     "keep the latents of those configurations (switches random shifts off)"},
    {"sample[].batch", KAD_INT_OF(kad_sample_entry, batch), NULL, 1, 1e7, "updates", NULL,
     "updates of a chain made at a time; auto: about 8 MB of configurations"},
    {"sample[].exact", KAD_BOOL_OF(kad_sample_entry, exact), "true", 1, 0, "", NULL,
     "ln q of proposals recomputed in double by inference"},
};
const size_t kad_sample_n_keys = sizeof kad_sample_keys / sizeof kad_sample_keys[0];

enum {
    NAME_SIZE = 64,
    PROPOSALS = 20000, /* default draws */
    DRAWS = 2000,
    BURN_IN = 200, /* at least */
    BURN_IN_ENOUGH = 2000,
    BURN_IN_PROPOSALS = 100,
    TUNING = 200,                   /* at most, by default */
    CONFIGS = 64,                   /* and by default at least */
    CONFIGS_BYTES = 4 * 1024 * 1024 /* of those weighed, by default */
};

static const kad_sampler_ops *ops_of(const kad_sample_options *options, int entry)
{
    return kad_sampler_find(options->entry[entry].name);
}

/* Sampler of independent proposals, known by its weights; an unknown name: false. */
static bool proposes(const kad_sample_options *options, int entry)
{
    const kad_sampler_ops *ops = ops_of(options, entry);
    return ops != NULL && (ops->flags & KAD_SAMPLER_WEIGHTED) != 0;
}

/* One chain of proposals only: no draw depends on the one before. */
static bool is_chain(const kad_sample_options *options, int entry)
{
    const kad_sampler_ops *ops = ops_of(options, entry);
    return !proposes(options, entry) ||
           (ops != NULL && (ops->flags & KAD_SAMPLER_PROPOSALS) != 0);
}

int kad_sample_chains(const kad_sample_options *options, int entry)
{
    const int given = options->entry[entry].chains;
    if (given > 0) return given;
    return proposes(options, entry) ? 1 : kad_lanes(options->prec);
}

int64_t kad_sample_draws(const kad_sample_options *options, int entry)
{
    const int64_t given = options->entry[entry].draws;
    if (given > 0) return given;
    return proposes(options, entry) ? PROPOSALS : DRAWS;
}

int64_t kad_sample_burn_in(const kad_sample_options *options, int entry)
{
    if (!is_chain(options, entry)) return 0;
    if (options->entry[entry].burn_in >= 0) return options->entry[entry].burn_in;
    if (proposes(options, entry)) return BURN_IN_PROPOSALS;
    const int64_t draws = kad_sample_draws(options, entry);
    if (draws > BURN_IN_ENOUGH)
        return draws / 5 > BURN_IN_ENOUGH ? draws / 5 : BURN_IN_ENOUGH;
    return draws > BURN_IN ? draws : BURN_IN;
}

/* As many as fit, in single precision. */
static int64_t configs_weighed(const kad_sample_options *options)
{
    const double fit = CONFIGS_BYTES / (4 * options->config_values);
    return fit < CONFIGS            ? CONFIGS
           : fit > KAD_WEIGHED_MOST ? KAD_WEIGHED_MOST
                                    : (int64_t)fit;
}

int64_t kad_sample_configs(const kad_sample_options *options, int entry)
{
    const int64_t given = options->entry[entry].store_configs;
    if (given >= 0) return given;
    return kad_sample_any_needs_map(options) && !kad_sample_needs_map(options, entry)
               ? configs_weighed(options)
               : CONFIGS;
}

int64_t kad_sample_tuning(const kad_sample_options *options, int entry)
{
    const int64_t given = options->entry[entry].tuning;
    if (given >= 0) return given;
    const int64_t n = kad_sample_burn_in(options, entry) * options->entry[entry].thin;
    return n < TUNING ? n : TUNING;
}

/* --- the same in other words ----------------------------------------------------------- */

/* A member of that name; *there: there is one. */
static bool same_member(const kad_key *keys, size_t n, const char *name, const void *a,
                        const void *b, bool *there)
{
    bool same = true;
    for (size_t i = 0; i < n; i++) {
        if (name != NULL && strcmp(kad_key_last_name(keys[i].key), name) != 0) continue;
        *there = true;
        same = same && kad_key_same(&keys[i], a, b);
    }
    return same;
}

static int64_t chains_of(const kad_sample_options *options, int entry)
{
    return kad_sample_chains(options, entry);
}

/* As sample/start.h resolves it: who does without the map starts without it. */
static int64_t start_of(const kad_sample_options *options, int entry)
{
    const kad_start given = options->entry[entry].start;
    if (given != KAD_START_AUTO) return given;
    return kad_sample_needs_map(options, entry) ? KAD_START_PRIOR : KAD_START_HOT;
}

typedef struct decided {
    const char *name;
    int64_t (*value)(const kad_sample_options *options, int entry);
} decided;

static const decided decisions[] = {
    {"draws", kad_sample_draws},           {"chains", chains_of},
    {"burn_in", kad_sample_burn_in},       {"tuning", kad_sample_tuning},
    {"store_configs", kad_sample_configs}, {"start", start_of},
};

static const decided *find_decided(const char *name)
{
    for (size_t i = 0; i < sizeof decisions / sizeof *decisions; i++)
        if (strcmp(decisions[i].name, name) == 0) return &decisions[i];
    return NULL;
}

/* What the entry gives its sampler; a key that is not its own may be one of a step's or a
 * base's, each with a default of its own. */
static bool same_own(const kad_sample_options *a, const kad_sample_options *b, int entry,
                     const char *name, bool *there)
{
    const kad_sampler_ops *own = ops_of(a, entry);
    bool of_own = false, same = true;
    for (int pass = 0; pass < 2 && !of_own; pass++)
        for (size_t i = 0; kad_samplers[i] != NULL; i++) {
            const kad_sampler_ops *ops = kad_samplers[i];
            if ((pass == 0) != (ops == own)) continue;
            bool *found = pass == 0 ? &of_own : there;
            same = same_member(ops->keys, ops->n_keys, name,
                               kad_sampler_own(ops, a->entry[entry].own),
                               kad_sampler_own(ops, b->entry[entry].own), found) &&
                   same;
        }
    *there = *there || of_own;
    return same;
}

bool kad_sample_same(const kad_sample_options *a, const kad_sample_options *b, int entry,
                     const char *key)
{
    bool there = false;
    if (key == NULL) {
        for (size_t i = 0; i < kad_sample_n_keys; i++)
            if (!kad_sample_same(a, b, entry, kad_key_last_name(kad_sample_keys[i].key)))
                return false;
        return same_own(a, b, entry, NULL, &there);
    }
    const decided *by = find_decided(key);
    if (by != NULL) return by->value(a, entry) == by->value(b, entry);
    const bool common = same_member(kad_sample_keys, kad_sample_n_keys, key,
                                    &a->entry[entry], &b->entry[entry], &there);
    if (there) return common;
    return same_own(a, b, entry, key, &there) && there;
}

void kad_sample_group(const kad_sample_options *options, int entry, size_t size,
                      char *out)
{
    const char *name = options->entry[entry].name;
    int n = 1;
    for (int i = 0; i < entry; i++)
        n += strcmp(options->entry[i].name, name) == 0;
    if (n == 1)
        snprintf(out, size, "%s", name);
    else
        snprintf(out, size, "%s_%d", name, n);
}

int kad_sample_bulk_entry(const kad_sample_options *options)
{
    const char *wanted = options->bulk_sampler;
    for (int entry = 0; entry < options->n; entry++) {
        char name[NAME_SIZE];
        kad_sample_group(options, entry, sizeof name, name);
        if (wanted != NULL ? strcmp(wanted, name) == 0 : is_chain(options, entry))
            return entry;
    }
    return -1;
}

bool kad_sample_needs_map(const kad_sample_options *options, int entry)
{
    const kad_sample_entry *e = &options->entry[entry];
    const kad_sampler_ops *ops = ops_of(options, entry);
    if (ops == NULL || (ops->flags & KAD_SAMPLER_NEEDS_MAP)) return true;
    if (ops->needs_map != NULL && ops->needs_map(kad_sampler_own(ops, e->own)))
        return true;
    return e->start == KAD_START_PRIOR || e->store_latents;
}

bool kad_sample_any_needs_map(const kad_sample_options *options)
{
    for (int entry = 0; entry < options->n; entry++)
        if (kad_sample_needs_map(options, entry)) return true;
    return false;
}

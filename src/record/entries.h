/* Entries of the config's list `sample`: what they ask for, with the defaults that depend
 * on the sampler. Without a list there is one entry with the defaults; an empty list has
 * none. */
#ifndef KAD_RECORD_ENTRIES_H
#define KAD_RECORD_ENTRIES_H

#include "io/config.h"

/* Keys common to all samplers, "sample[].KEY". */
extern const kad_key kad_sample_keys[];
extern const size_t kad_sample_n_keys;

int kad_sample_count(const kad_config *config);
/* True when the entry stands in the list, so that the config can be asked for its keys. */
bool kad_sample_listed(const kad_config *config, int entry);

/* A common key of an entry by its last word; auto: 0. */
int64_t kad_sample_int(const kad_config *config, int entry, const char *key);
bool kad_sample_bool(const kad_config *config, int entry, const char *key);
const char *kad_sample_name(const kad_config *config, int entry);

/* With the defaults of the sampler. Counts are draws of a chain. */
int kad_sample_chains(const kad_config *config, int entry);
int64_t kad_sample_draws(const kad_config *config, int entry);
int64_t kad_sample_burn_in(const kad_config *config, int entry);
/* Configurations kept, all chains together. */
int64_t kad_sample_configs(const kad_config *config, int entry);
/* Updates of a chain before its burn-in, for a sampler that tunes. */
int64_t kad_sample_tuning(const kad_config *config, int entry);

/* Name of an entry's group below /samplers: the sampler's, with _2, _3, ... for later
 * entries of the same one. */
void kad_sample_group(const kad_config *config, int entry, size_t size, char *out);
/* The entry whose configurations the bulk is read from: `bulk.sampler`, else the first
 * whose draws follow the model; -1 where there is none. */
int kad_sample_bulk_entry(const kad_config *config);

/* Whether the entry cannot do without a trained map: its sampler (for a cycle: a step)
 * needs one, or it starts from it, or its latents are to be stored. */
bool kad_sample_needs_map(const kad_config *config, int entry);
/* Any of them. */
bool kad_sample_any_needs_map(const kad_config *config);

#endif

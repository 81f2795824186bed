/* Entries of the config's list `sample`: what they ask for, and what follows from that by
 * defaults that depend on the sampler. Without a list there is one entry with the
 * defaults; an empty list has none. */
#ifndef KAD_RECORD_ENTRIES_H
#define KAD_RECORD_ENTRIES_H

#include "base/real.h"
#include "sample/sampler.h"

/* Keys common to all samplers, "sample[].KEY", and what an entry gives them. */
typedef struct kad_sample_entry {
    bool listed;           /* stands in the config's list */
    const char *name;      /* of the sampler */
    int64_t draws;         /* of a chain; 0: auto */
    int chains;            /* 0: auto */
    int64_t burn_in;       /* draws of a chain; -1: auto */
    int64_t tuning;        /* updates; -1: auto */
    int64_t thin;          /* updates a draw */
    kad_start start;       /* of Markov chains */
    int64_t keep_first;    /* draws of a chain, burn-in included */
    int64_t store_configs; /* configurations, all chains; -1: auto */
    bool store_latents;    /* of those configurations */
    int64_t batch;         /* updates of a chain; 0: auto */
    bool exact;            /* ln q of proposals in double */
    const void *own;       /* what it gives every sampler: kad_sampler_setup.options */
} kad_sample_entry;

extern const kad_key kad_sample_keys[];
extern const size_t kad_sample_n_keys;

/* All entries, and what other sections say that matters here. */
typedef struct kad_sample_options {
    int n;
    const kad_sample_entry *entry;
    kad_prec prec;        /* flow.precision */
    bool translate;       /* flow.translation */
    double config_values; /* numbers of a configuration */
    int64_t bulk_configs; /* configurations of an entry that the bulk is read from */
    const char
        *bulk_sampler; /* its group; NULL: the first whose draws follow the model */
} kad_sample_options;

/* With the defaults of the sampler. Counts are draws of a chain. */
int kad_sample_chains(const kad_sample_options *options, int entry);
int64_t kad_sample_draws(const kad_sample_options *options, int entry);
int64_t kad_sample_burn_in(const kad_sample_options *options, int entry);
/* Configurations kept, all chains together. */
int64_t kad_sample_configs(const kad_sample_options *options, int entry);
/* Updates of a chain before its burn-in, for a sampler that tunes. */
int64_t kad_sample_tuning(const kad_sample_options *options, int entry);

/* Whether an entry asks for the same by a key ("thin"), defaults that depend on the sampler
 * included; NULL: by every key. */
bool kad_sample_same(const kad_sample_options *a, const kad_sample_options *b, int entry,
                     const char *key);

/* Name of an entry's group below /samplers: the sampler's, with _2, _3, ... for later
 * entries of the same one. */
void kad_sample_group(const kad_sample_options *options, int entry, size_t size,
                      char *out);
/* The entry whose configurations the bulk is read from; -1 where there is none. */
int kad_sample_bulk_entry(const kad_sample_options *options);

/* Whether the entry cannot do without a trained map: its sampler (for a cycle: a step)
 * needs one, or it starts from it, or its latents are to be stored. */
bool kad_sample_needs_map(const kad_sample_options *options, int entry);
/* Any of them. */
bool kad_sample_any_needs_map(const kad_sample_options *options);

#endif

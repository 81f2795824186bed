/* Everything a run is asked for, in the structs that the modules take. They are made here,
 * from a configuration in which every choice has been made (run/recipe.h), and nothing
 * below reads that. */
#ifndef KAD_RUN_OPTIONS_H
#define KAD_RUN_OPTIONS_H

#include "bulk/bulk.h"
#include "flow/options.h"
#include "io/config.h"
#include "record/entries.h"

typedef struct kad_run_options {
    uint64_t seed;     /* key of every random number */
    const char *title; /* of the report; NULL: none */
    kad_ints shape;    /* extents of the lattice */
    kad_action_options action;
    kad_flow_options flow;
    kad_sample_options sample;
    kad_bulk_options bulk;
    /* owned: the entries of `sample`, and what they give the samplers */
    kad_sample_entry *entries;
    void *samplers;
} kad_run_options;

/* What belongs to no module: the run and the lattice. */
enum { KAD_RUN_N_KEYS = 3 };
extern const kad_key kad_run_keys[KAD_RUN_N_KEYS];

/* Texts stay the config's: to be read again after kad_config_set_path. On failure *out is
 * clear. Errors: KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_run_options_read(kad_ctx *ctx, const kad_config *config,
                                             kad_run_options *out);
void kad_run_options_clear(kad_run_options *options);

#endif

/* Markov chains of the boundary field: what the samplers "metropolis" and "cluster"
 * share. Chains are the lanes of tiles, tiles are spread over threads; the model's rules
 * are models/local.h's. One draw is n_sweeps rounds of
 *     cluster moves (if any), a local sweep, over-relaxation sweeps.
 * The width of proposals is one number for all chains, tuned in the first n_tune draws to
 * KAD_LOCAL_ACCEPTANCE and frozen after. Bits do not depend on threads or batches. */
#ifndef KAD_SAMPLE_LOCAL_CHAINS_H
#define KAD_SAMPLE_LOCAL_CHAINS_H

#include "base/memory.h"
#include "models/local.h"
#include "sample/shell.h"

#define KAD_LOCAL_ACCEPTANCE 0.55

typedef struct kad_local_options {
    int sweeps;         /* a draw */
    int overrelaxation; /* sweeps after each of these; -1: where there are any, one */
    int cluster_moves;  /* of each */
    double width;       /* of proposals, before it is tuned; NaN: 1 */
} kad_local_options;

enum { KAD_LOCAL_N_KEYS = 4, KAD_LOCAL_N_OWN = 3 }; /* the last is of clusters */
extern const kad_key kad_local_keys[KAD_LOCAL_N_KEYS];

typedef struct kad_local_chains {
    kad_shell shell;
    const kad_action_local *local;
    kad_rng rng[KAD_LOCAL_STREAMS];
    kad_bonds bonds;
    bool refuses;                            /* acceptances are counted */
    int n_sweeps, n_reflections, n_clusters; /* of a draw; of a sweep */
    double *x;                               /* [n_tiles][n_rows][KAD_W_DOUBLE] */
    double *tally;                           /* [n_tiles][KAD_W_DOUBLE] accepted moves */
    char *scratch;                           /* [n_workers][n_scratch] */
    size_t n_scratch;                        /* bytes */
    double width;                            /* of proposals */
    double n_accepted, n_tried; /* moves after the burn-in, all chains (integers) */
} kad_local_chains;

/* clusters: make cluster moves. Errors: KAD_ECONFIG (the action has no rules, numbers too
 * large), KAD_ENOMEM. On failure *out is NULL. */
KAD_MUST_USE kad_status kad_local_chains_create(kad_ctx *ctx,
                                                const kad_sampler_setup *setup,
                                                bool clusters, void **out);
/* The sampler's remaining operations, for its table. */
void kad_local_chains_destroy(void *self);
KAD_LOCAL_OF(kad_local_chains, kad_local_chains_destroy)
kad_status kad_local_chains_save(kad_ctx *ctx, const void *self, kad_h5 *file,
                                 const char *group);
kad_status kad_local_chains_load(kad_ctx *ctx, void *self, kad_h5 *file,
                                 const char *group);
void kad_local_chains_describe(const void *self, kad_writer *w);
kad_status kad_local_chains_set_state(kad_ctx *ctx, void *self, const double *x);
bool kad_local_chains_tunes(const kad_sampler_setup *setup);

#endif

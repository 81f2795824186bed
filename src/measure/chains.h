/* The draws of one job while they are being made: batch buffers, the chains' current
 * rows, and the series they end in. Used by job.c only. */
#ifndef KAD_MEASURE_CHAINS_H
#define KAD_MEASURE_CHAINS_H

#include "measure/job.h"
#include "measure/measure.h"
#include "measure/store.h"

typedef struct kad_chains {
    const kad_job *job;
    kad_sampler *sampler;
    kad_measure *measure;
    kad_store *store;
    /* columns; NULL: the sampler has none (observables, proposals: the first of
     * measure->n_plain; binned: the first of the others) */
    kad_column *accepted, *action, *log_weight, *delta_h, *state_action, *observables,
        *proposals, *binned, *configs, *latents;
    kad_draws draws; /* buffers of one batch */
    double *rows;    /* [n_chains][n_batch_max][n_columns] measured rows of a batch */
    int64_t n_done;  /* draws of every chain, burn-in included */
    size_t n_rows;   /* values of a configuration */
    size_t n_values; /* values of a measured row */
    double *state;   /* [n_chains][n_state]: S, row, x, z of the chains' states */
    size_t n_state;
    double n_accepted; /* recorded draws, all chains */
    double seconds;    /* wall time of the recorded draws */
} kad_chains;

/* Errors: KAD_ENOMEM, KAD_ECONFIG (over the memory budget; the sampler's own). */
KAD_MUST_USE kad_status kad_chains_create(kad_ctx *ctx, const kad_job *job,
                                          kad_chains **out);
void kad_chains_destroy(kad_chains *chains);
/* One batch: advance, measure, store. Never crosses the end of the burn-in. */
KAD_MUST_USE kad_status kad_chains_batch(kad_ctx *ctx, kad_chains *chains);
/* Recorded draws of every chain so far. */
int64_t kad_chains_recorded(const kad_chains *chains);

/* Everything that changes between batches, with the series from draw `first` on, to and
 * from a segment. */
KAD_MUST_USE kad_status kad_chains_save(kad_ctx *ctx, const kad_chains *chains,
                                        int64_t first, kad_h5 *file);
KAD_MUST_USE kad_status kad_chains_load(kad_ctx *ctx, kad_chains *chains, kad_h5 *file);

#endif

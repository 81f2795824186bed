/* The draws of one job while they are being made: batch buffers, the chains' current
 * rows, and the series they end in. Used by job_run.c only. */
#ifndef KAD_RECORD_CHAINS_H
#define KAD_RECORD_CHAINS_H

#include "base/memory.h"
#include "measure/measure.h"
#include "record/job.h"
#include "record/store.h"

typedef struct kad_chains {
    const kad_job *job;
    kad_sampler *sampler;
    kad_measure *measure;
    kad_store *store;
    kad_store *first; /* the first draws, burn-in included; NULL: not wanted */
    int64_t thin;     /* updates a draw */
    int64_t n_tune;   /* updates spent on tuning, before the chains begin */
    /* columns; NULL: the sampler has none (observables, proposals: the first of
     * measure->n_plain; binned: the first of the others; weighted: ln sum w of bins of
     * weighted draws, the others' means behind it) */
    kad_column *accepted, *acceptance, *action, *log_weight, *delta_h, *state_action,
        *observables, *proposals, *binned, *weighted, *configs, *latents;
    kad_draws draws; /* buffers of one batch */
    double *rows;    /* [n_chains][n_batch_max][n_columns] measured rows of a batch */
    int64_t n_done;  /* updates of every chain from its start; < 0: still tuning */
    size_t n_next;   /* updates of the next batch, by the time the last one took */
    bool slow;       /* the next batch may take long: a single update, or a new start */
    size_t n_rows;   /* values of a configuration */
    size_t n_values; /* values of a measured row */
    double
        *state; /* [n_chains][n_state]: S, row, x, z of the chains' states; NaN: none */
    size_t n_state;
    double *under_way; /* [n_chains][2]: accepted updates of the draw being made, any */
    double n_accepted; /* recorded draws (of many moves: their fractions), all chains */
    double seconds, tuning_seconds; /* wall time of the recorded draws; of what was before
                                     */
} kad_chains;

/* Errors: KAD_ENOMEM, KAD_ECONFIG (over the memory budget; the sampler's own). */
KAD_MUST_USE kad_status kad_chains_create(kad_ctx *ctx, const kad_job *job,
                                          kad_chains **out);
void kad_chains_destroy(kad_chains *chains);
KAD_LOCAL_OF(kad_chains, kad_chains_destroy)
/* One batch: advance, measure, store. Never crosses the end of the tuning or of the
 * burn-in, and takes about as long as a request to stop may wait. Samplers that tune first
 * make n_tune updates of which nothing is kept but what was tuned; then the chains begin
 * at their start.
 * Errors: KAD_EINTERRUPTED (a stop was asked for, and this batch took over a second): the
 * sampler's state is then of no use, the series are those before the batch; KAD_EINTERNAL
 * (no proposal had a weight before the first draw to record; the sampler's own). */
KAD_MUST_USE kad_status kad_chains_batch(kad_ctx *ctx, kad_chains *chains);
/* Draws of every chain so far: all, and those after the burn-in. */
int64_t kad_chains_drawn(const kad_chains *chains);
int64_t kad_chains_recorded(const kad_chains *chains);

/* Parts of kad_chains_create. */
KAD_MUST_USE kad_status kad_chains_add_columns(kad_ctx *ctx, kad_chains *chains);
/* Series, buffers and the file built from them, against what the process may use. */
KAD_MUST_USE kad_status kad_chains_require_memory(kad_ctx *ctx, const kad_chains *chains);

/* Everything that changes between batches, with the series from update `from` on, to and
 * from a segment. */
KAD_MUST_USE kad_status kad_chains_save(kad_ctx *ctx, const kad_chains *chains,
                                        int64_t from, kad_h5 *file);
KAD_MUST_USE kad_status kad_chains_load(kad_ctx *ctx, kad_chains *chains, kad_h5 *file);
/* The first n draws of every chain, finished before with fewer draws asked for: their series
 * as `group` of results has them, all else as kad_chains_save has left it behind the last of
 * them in `end`. New chains only. Errors: KAD_EDATA. */
KAD_MUST_USE kad_status kad_chains_take_over(kad_ctx *ctx, kad_chains *chains, int64_t n,
                                             kad_h5 *results, const char *group,
                                             kad_h5 *end);

#endif

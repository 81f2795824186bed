/* Independent proposals of a trained map with their weights: what `direct`, `mis` and
 * `annealed` share.
 *   ln w = offset - S(y) - ln q(y),   mean of w over q = the model's own Z,
 * S over the active sites (integrated-out sites cancel: S_full = S - ln p(inactive |
 * active)), both in double whatever the precision of the draws. Proposals are numbered
 * (kad_draw_number). */
#ifndef KAD_SAMPLE_PROPOSALS_H
#define KAD_SAMPLE_PROPOSALS_H

#include "sample/sampler.h"

typedef struct kad_proposals kad_proposals;

/* Makes n proposals with consecutive numbers from `first` on: fields x and latents z (NULL:
 * not wanted) as kad_draws has them, S of the whole field, ln w (not finite: none). moved
 * [n]: fractions of their updates accepted, where kad_proposals has them. */
typedef kad_status kad_propose(kad_ctx *ctx, const kad_proposals *proposals,
                               uint64_t first, size_t n, double *x, double *z, double *S,
                               double *log_w, double *moved);

struct kad_proposals {
    const kad_sampler_setup *setup;
    kad_propose *propose; /* draws of the map, or what a sampler makes of them */
    void *self;           /* the sampler, for propose */
    int64_t n_none;       /* first draws of every chain that are none, of weight 0 */
    int64_t n_done;       /* draws of every chain behind us, burn-in included */
    int64_t n_nonfinite;  /* weights that were not finite (rejected, weight 0) */
    double *y;            /* [n_block][n_rows]: draws with consecutive numbers */
    double *lnq, *lnp;    /* [n_block] */
    /* of a sampler with updates: of the block at work, [n_block]; else NULL */
    double *moved;
    double moved_sum; /* over all proposals since it was 0 */
};

/* setup is borrowed. Errors: KAD_ENOMEM; KAD_ECONFIG when numbers run out (2^40 an entry,
 * 256 entries). On failure nothing leaks; destroy is safe on a zeroed struct. */
KAD_MUST_USE kad_status kad_proposals_create(kad_ctx *ctx, const kad_sampler_setup *setup,
                                             kad_proposals *out);
void kad_proposals_destroy(kad_proposals *proposals);

/* The next out->n proposals of every chain: number, x, z, action, log_weight. Proposals
 * without a finite weight get log_weight -inf, action 0 and a zero field.
 * Errors: KAD_EINTERNAL when more than 16 and more than one in a hundred are such;
 * KAD_EINTERRUPTED as kad_sampler_ops.advance. */
KAD_MUST_USE kad_status kad_proposals_next(kad_ctx *ctx, kad_proposals *proposals,
                                           kad_draws *out);

/* Counters to and from a group. */
KAD_MUST_USE kad_status kad_proposals_save(kad_ctx *ctx, const kad_proposals *proposals,
                                           kad_h5 *file, const char *group);
KAD_MUST_USE kad_status kad_proposals_load(kad_ctx *ctx, kad_proposals *proposals,
                                           kad_h5 *file, const char *group);

#endif

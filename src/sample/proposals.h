/* Independent proposals of a trained map with their weights: what `direct` and `mis`
 * share.
 *   ln w = offset - S(y) - ln q(y),   mean of w over q = the model's own Z,
 * S over the active sites (integrated-out sites cancel: S_full = S - ln p(inactive |
 * active)), both in double whatever the precision of the draws. Proposals are numbered
 * (kad_draw_number). */
#ifndef KAD_SAMPLE_PROPOSALS_H
#define KAD_SAMPLE_PROPOSALS_H

#include "sample/sampler.h"

typedef struct kad_proposals {
    const kad_sampler_setup *setup;
    int64_t n_done;      /* draws of every chain behind us, burn-in included */
    int64_t n_nonfinite; /* weights that were not finite (rejected, weight 0) */
    double *y;           /* [n_block][n_rows]: draws with consecutive numbers */
    double *lnq, *lnp;   /* [n_block] */
} kad_proposals;

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

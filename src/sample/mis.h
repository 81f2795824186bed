/* The chain of proposals with weights, accepted or not: what `mis` and `annealed` share.
 *
 * A proposal replaces the chain's state by the rule of base/accept.h. The uniform number of
 * a proposal is keyed by the proposal's number, so that a chain is a pure function of (seed,
 * map, action) and can be taken up at any draw. */
#ifndef KAD_SAMPLE_MIS_H
#define KAD_SAMPLE_MIS_H

#include "sample/proposals.h"

typedef struct kad_mis {
    kad_proposals proposals;
    double *log_w; /* [n_chains] ln w of the chains' states; -inf: none yet */
    double *u;     /* [n_batch_max] */
} kad_mis;

/* As kad_proposals_create. kad_mis_clear is safe on a zeroed struct. */
KAD_MUST_USE kad_status kad_mis_create(kad_ctx *ctx, const kad_sampler_setup *setup,
                                       kad_mis *out);
void kad_mis_clear(kad_mis *mis);

/* The sampler_ops functions, on a kad_mis. */
KAD_MUST_USE kad_status kad_mis_advance(kad_ctx *ctx, kad_mis *mis, kad_draws *out);
KAD_MUST_USE kad_status kad_mis_save(kad_ctx *ctx, const kad_mis *mis, kad_h5 *file,
                                     const char *group);
KAD_MUST_USE kad_status kad_mis_load(kad_ctx *ctx, kad_mis *mis, kad_h5 *file,
                                     const char *group);

/* Flow variables y [n_chains][n_rows] of the states x, in the coordinates of their next
 * proposals, which are shifted at random. For every shift an update in shifted coordinates
 * leaves exp(-S) invariant, accepted or not; shifting the proposals alone would make the
 * accepted part symmetric and leave the rejected part as the map has it. */
KAD_MUST_USE kad_status kad_mis_flow_of(kad_ctx *ctx, const kad_mis *mis, const double *x,
                                        double *y);
/* KAD_EINTERNAL where a state's weight is not finite. */
KAD_MUST_USE kad_status kad_mis_check_states(kad_ctx *ctx, const kad_mis *mis);

#endif

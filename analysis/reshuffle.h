/* Re-shuffled proposals of an independent sampler. The proposals are independent draws of
 * the map, so that any order of them is as good as the one they were made in: random
 * orders of the stored ones, walked through the accept/reject rule again, are further
 * chains of the same sampler at no cost. tau_int is summed from their averaged rho, which
 * no longer depends on when a rare large weight happened to come.
 * Every chain is walked in over a tenth of its proposals first. The chains share their
 * proposals, so errors are stated as if there were one chain: upper bounds.
 * Source: Albergo, Kanwar, Shanahan, arXiv:1904.12072, sec. III D, for runs of
 * rejections. */
#ifndef KAD_ANALYSIS_RESHUFFLE_H
#define KAD_ANALYSIS_RESHUFFLE_H

#include "analysis/estimates.h"
#include "analysis/recorded.h"
#include "analysis/runs.h"

enum { KAD_RESHUFFLE_ORDERS = 16 };

/* Walk n proposals of log-weights log_w in a random order: state[i] = the proposal that
 * is the chain's state after step i, accepted[i] = 1 or 0. `order` is workspace [n].
 * Which order: (seed, index). */
void kad_reshuffle_walk(uint64_t seed, uint32_t index, size_t n, const double *log_w,
                        uint32_t *order, uint32_t *state, double *accepted);

/* Table NAME_reshuffled: scalars and G_half over KAD_RESHUFFLE_ORDERS orders of all
 * proposals; *runs (may be NULL): their runs of rejections. Errors: KAD_ENOMEM, KAD_EDATA
 * (more proposals than 2^32). */
KAD_MUST_USE kad_status kad_analyse_reshuffled(kad_scope *in, uint64_t seed,
                                               const kad_recorded *recorded,
                                               kad_runs *runs, kad_estimates **out);

#endif

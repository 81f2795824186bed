/* First states of Markov chains, the same for every sampler: boundary configurations.
 *   prior  a draw of the map (which is no draw of the model: burn-in still counts)
 *   cold   the model's ordered field (phi^4: the uniform field of least action; dual: the
 *          field of aligned spins)
 *   hot    sites independent of each other (phi^4: standard normal; dual: the field of
 *          random spins)
 * By default `prior` where there is a map (samplers that do not use it are given none),
 * else `hot`. Models without rules of their own
 * (models/local.h) start at 1 in the first component (cold) or standard normal (hot). */
#ifndef KAD_SAMPLE_START_H
#define KAD_SAMPLE_START_H

#include "sample/sampler.h"

/* "prior", "cold" or "hot": the entry's key `start` (record/sample.c), or the default. */
const char *kad_start_name(const kad_sampler_setup *setup);

/* x [n_chains][n_rows]. Keyed by (seed, entry, chain). Errors: KAD_ECONFIG (prior without
 * a map), KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_start_fields(kad_ctx *ctx, const kad_sampler_setup *setup,
                                         double *x);

/* A sampler's `set_state` with them, as the last act of its creation. */
KAD_MUST_USE kad_status kad_start_chains(kad_ctx *ctx, const kad_sampler_setup *setup,
                                         kad_status (*set_state)(kad_ctx *ctx, void *self,
                                                                 const double *x),
                                         void *self);

#endif

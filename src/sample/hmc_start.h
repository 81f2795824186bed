/* States that the chains of hybrid Monte Carlo are given, and normal numbers. */
#ifndef KAD_SAMPLE_HMC_START_H
#define KAD_SAMPLE_HMC_START_H

#include "sample/hmc_core.h"

/* Standard normals for KAD_W_DOUBLE consecutive chains, [n_rows][KAD_W_DOUBLE], keyed by
 * (step, chain, row); 0 at inactive sites. */
void kad_hmc_normal_tile(const kad_action *action, kad_rng rng, uint64_t step,
                         uint64_t chain, double *tile);

/* The sampler_ops function: q, y, U and S of boundary configurations x
 * [n_chains][n_rows]; lanes without a chain repeat them. */
KAD_MUST_USE kad_status kad_hmc_set_state(kad_ctx *ctx, void *self, const double *x);

/* The first states (sample/start.h). Errors: KAD_ECONFIG when U is not finite. */
KAD_MUST_USE kad_status kad_hmc_start(kad_ctx *ctx, kad_hmc *hmc);

#endif

/* First states of the chains of hybrid Monte Carlo. */
#ifndef KAD_SAMPLE_HMC_START_H
#define KAD_SAMPLE_HMC_START_H

#include "sample/hmc_core.h"

/* Standard normals for KAD_W_DOUBLE consecutive chains, [n_rows][KAD_W_DOUBLE], keyed by
 * (step, chain, row); 0 at inactive sites. */
void kad_hmc_normal_tile(const kad_action *action, kad_rng rng, uint64_t step,
                         uint64_t chain, double *tile);

/* Fill q, y, U and S as options.start says. Errors: KAD_ECONFIG when U is not finite. */
KAD_MUST_USE kad_status kad_hmc_start(kad_ctx *ctx, kad_hmc *hmc);

#endif

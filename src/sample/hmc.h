/* Hybrid Monte Carlo on the field: the ops table, for the registry, and its target. */
#ifndef KAD_SAMPLE_HMC_H
#define KAD_SAMPLE_HMC_H

#include "sample/sampler.h"
#include "sample/trajectory.h"

/* U = S on the action's flow variables; inactive sites are drawn afterwards. */
kad_hmc_target kad_hmc_target_of(const kad_action *action, kad_prec prec);

extern const kad_sampler_ops kad_sampler_hmc;

#endif

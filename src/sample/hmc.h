/* Hybrid Monte Carlo on the field: its target. */
#ifndef KAD_SAMPLE_HMC_H
#define KAD_SAMPLE_HMC_H

#include "sample/trajectory.h"

/* U = S on the action's flow variables; inactive sites are drawn afterwards. */
kad_hmc_target kad_hmc_target_of(const kad_action *action, kad_prec prec);

#endif

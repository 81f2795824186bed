/* Hybrid Monte Carlo in the latents of a map: its target. */
#ifndef KAD_SAMPLE_LATENT_HMC_H
#define KAD_SAMPLE_LATENT_HMC_H

#include "sample/trajectory.h"

/* U(z) = S(y(z)) - ln|det dy/dz| of a map. */
kad_hmc_target kad_latent_hmc_target_of(const kad_action *action, const kad_map *map,
                                        kad_prec prec);

#endif

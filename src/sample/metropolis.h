#ifndef KAD_SAMPLE_METROPOLIS_H
#define KAD_SAMPLE_METROPOLIS_H

#include "sample/sampler.h"

extern const kad_sampler_ops kad_sampler_metropolis;

#endif

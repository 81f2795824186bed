/* Direct draws from the map: the ops table, for the registry. */
#ifndef KAD_SAMPLE_DIRECT_H
#define KAD_SAMPLE_DIRECT_H

#include "sample/sampler.h"

extern const kad_sampler_ops kad_sampler_direct;

#endif

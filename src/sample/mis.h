/* Metropolised independent sampling: the ops table, for the registry. */
#ifndef KAD_SAMPLE_MIS_H
#define KAD_SAMPLE_MIS_H

#include "sample/sampler.h"

extern const kad_sampler_ops kad_sampler_mis;

#endif

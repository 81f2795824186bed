#ifndef KAD_SAMPLE_CLUSTER_H
#define KAD_SAMPLE_CLUSTER_H

#include "sample/sampler.h"

extern const kad_sampler_ops kad_sampler_cluster;

#endif

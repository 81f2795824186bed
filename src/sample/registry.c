/* The one list of samplers: a sampler is its own file and one line here. */
#include "sample/sampler.h"

#define SAMPLERS(X)      \
    X(mis)               \
    X(direct)            \
    X(annealed)          \
    X(hmc)               \
    X(latent_hmc)        \
    X(latent_metropolis) \
    X(metropolis)        \
    X(cluster)           \
    X(cycle)             \
    X(tempering)

#define DECLARE(name) extern const kad_sampler_ops kad_sampler_##name;
#define ADDRESS(name) &kad_sampler_##name,
SAMPLERS(DECLARE)
const kad_sampler_ops *const kad_samplers[] = {SAMPLERS(ADDRESS) NULL};

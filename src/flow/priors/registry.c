/* The one list of priors: one is its own file and a name here. */
#include "flow/priors/prior.h"

#define PRIORS(X) X(normal) X(laplace)

#define DECLARE(name) extern const kad_prior_ops kad_prior_##name;
#define ADDRESS(name) &kad_prior_##name,
PRIORS(DECLARE)
const kad_prior_ops *const kad_priors[] = {PRIORS(ADDRESS) NULL};

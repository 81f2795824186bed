/* Every prior: adding one is its own file and one line here. */
#include "flow/priors/prior.h"

/* clang-format off: one a line */
#define PRIORS(_, and) _(normal) and _(laplace)
/* clang-format on */

#define DECLARED(name) extern const kad_prior_ops kad_prior_##name;
#define POINTER(name) &kad_prior_##name
#define NAME(name) #name
#define COMMA ,

PRIORS(DECLARED, )

const kad_prior_ops *const kad_priors[] = {PRIORS(POINTER, COMMA), NULL};
const char kad_prior_choices[] = PRIORS(NAME, "|");

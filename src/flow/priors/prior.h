/* Priors: what the latents of a flow are drawn from, component by component.
 *
 *   p(z) = e^{-b e(z)} / Z
 *
 * with an energy e that knows no scale, and b, Z fixed by the temperature T (flow.prior,
 * flow.temperature). A prior is one file with a `const kad_prior_ops` and one line in
 * registry.c; it works on rows of n numbers, in double. Tiles, inactive sites and single
 * precision are the flow's (flow/flow_prior.c).
 *
 * This folder holds the priors, each a file and a line in registry.c. */
#ifndef KAD_FLOW_PRIORS_PRIOR_H
#define KAD_FLOW_PRIORS_PRIOR_H

#include <stdbool.h>
#include <stddef.h>

/* b and ln Z of one component. */
typedef struct kad_prior_weight {
    double b, log_z;
} kad_prior_weight;

typedef struct kad_prior_ops {
    const char *name; /* as in the config: flow.prior */
    const char *summary;
    const char *reference;
    /* Gaussian: so is then what a linear map makes of it. */
    bool gaussian;
    /* At temperature T > 0; on the real line T is the variance. REQUIRED. */
    kad_prior_weight (*weight)(double T);
    /* Standard normals become draws, in place, by quantiles: one random number a draw
     * serves every prior. OPTIONAL: NULL, sqrt(T) times the normal. */
    void (*draw)(double T, size_t n, double *z);
    /* sum[i] += e(z[i]). REQUIRED. */
    void (*energy)(size_t n, const double *z, double *sum);
    /* slope[i] = de/dz(z[i]), so that the score dlnp/dz is -b slope. REQUIRED. */
    void (*slope)(size_t n, const double *z, double *slope);
    /* z becomes its representative, where several numbers are one point (angles).
     * OPTIONAL: NULL, the real line. */
    void (*wrap)(size_t n, double *z);
} kad_prior_ops;

/* Every registered prior, NULL-terminated. */
extern const kad_prior_ops *const kad_priors[];
/* The name of the i-th one, NULL past the last: choices of a key. */
const char *kad_prior_name(size_t i);

/* NULL: no prior of this name. */
const kad_prior_ops *kad_prior_find(const char *name);

#endif

/* Statistics of importance weights w = p/q of independent draws y ~ q, given as ln w. */
#ifndef KAD_TRAIN_WEIGHTS_H
#define KAD_TRAIN_WEIGHTS_H

#include "base/context.h"

#include <stddef.h>

typedef struct kad_weights {
    size_t n;                            /* finite ln w (or -inf: weight zero) */
    size_t n_bad;                        /* NaN or +inf: left out */
    double free_energy, free_energy_err; /* mean of -ln w over the finite ones */
    double log_z, log_z_err;             /* ln mean w, sqrt((1/ESS - 1)/n) */
    double ess, ess_err;                 /* mean(w)^2 / mean(w^2); jackknife */
    double acceptance, acceptance_err;   /* independent sampler; jackknife */
    double largest;                      /* share of the largest weight in the sum */
} kad_weights;

/* acceptance: of the Metropolised independent sampler in equilibrium, the probability
 * E_{x ~ p, y ~ q} min(1, w(y)/w(x)) = sum_{i != j} min(w_i, w_j) / ((n - 1) sum w), by
 * sorting in O(n log n). n < 3 gives
 * NaN. Errors: KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_weights_analyse(kad_ctx *ctx, size_t n, const double *ln_w,
                                            kad_weights *out);

#endif

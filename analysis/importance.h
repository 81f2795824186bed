/* Importance weights of independent draws, given as ln w (-inf: weight zero).
 *   ln Z       = ln (1/n) sum w, less its leading bias (jackknife)
 *   ESS        = (sum w)^2 / (n sum w^2)
 *   bounds     E_q ln w <= ln Z <= E_p ln w,  E_p f = sum w f / sum w
 *   acceptance of the Metropolised independent sampler, in equilibrium:
 *              A = sum_{i != j} min(w_i, w_j) / ((n - 1) sum w)
 * Errors are delete-one jackknife errors, exact sums in O(n); the importance error of
 * ln Z, sqrt((1/ESS - 1)/n), is given beside it.
 * Source: Kong, Tech. Rep. 348, Chicago (1992); Nicoli et al., arXiv:2007.07115. */
#ifndef KAD_ANALYSIS_IMPORTANCE_H
#define KAD_ANALYSIS_IMPORTANCE_H

#include "base/context.h"

#include <stddef.h>

typedef struct kad_estimate {
    double value, err; /* err NaN: unknown */
} kad_estimate;

typedef struct kad_importance {
    size_t n, n_zero; /* draws; draws of weight zero */
    kad_estimate log_z;
    double log_z_err_importance;
    kad_estimate ess;
    kad_estimate lower, upper;   /* the sandwich; lower is -inf with n_zero > 0 */
    double log_z_dof, upper_dof; /* of the errors (jackknife.h) */
    kad_estimate acceptance;
    double largest_share; /* largest weight / sum of weights */
    double log_w_max;
} kad_importance;

/* Errors: KAD_EDATA without two finite weights, or a NaN or +inf among them;
 * KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_importance_analyse(kad_ctx *ctx, size_t n,
                                               const double *log_w, kad_importance *out);

/* How many draws the weights are worth: (sum w)^2 / sum w^2; 0 without any. */
double kad_effective_draws(size_t n, const double *log_w);
/* Below so many the jackknife says nothing: no error bar is stated. */
enum { KAD_MIN_EFFECTIVE = 50 };

/* Self-normalised mean of `width` columns a [n][width] with delete-one jackknife errors:
 * mean, err [width]; dof [width] of the errors (jackknife.h) and cov [width][width] of the
 * means, or NULL. A constant column has no error (NaN).
 * Errors: KAD_EDATA without two finite weights; KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_reweight(kad_ctx *ctx, size_t n, const double *log_w,
                                     size_t width, const double *a, double *mean,
                                     double *err, double *dof, double *cov);

#endif

/* Importance weights w = p/q of independent draws y ~ q, given as ln w (-inf: weight zero).
 *   ln Z       = ln (1/n) sum w, less its leading bias (jackknife)
 *   ESS        = (sum w)^2 / (n sum w^2)
 *   bounds     E_q ln w <= ln Z <= E_p ln w,  E_p f = sum w f / sum w
 *   acceptance of the Metropolised independent sampler, in equilibrium, the probability
 *              E_{x ~ p, y ~ q} min(1, w(y)/w(x)) = sum_{i != j} min(w_i, w_j) /
 *              ((n - 1) sum w)
 * Errors are delete-one jackknife errors, exact sums in O(n log n); the importance error of
 * ln Z, sqrt((1/ESS - 1)/n), is given beside it.
 * Source: Kong, Tech. Rep. 348, Chicago (1992); Nicoli et al., arXiv:2007.07115. */
#ifndef KAD_BASE_WEIGHTS_H
#define KAD_BASE_WEIGHTS_H

#include "base/context.h"
#include "base/jackknife.h"

#include <math.h>
#include <stddef.h>

/* ln(e^a + e^b) without overflow; -inf stands for ln 0. */
static inline double kad_log_add(double a, double b)
{
    const double top = fmax(a, b);
    if (isfinite(top)) return top + log1p(exp(-fabs(a - b)));
    return isnan(a) || isnan(b) ? NAN : top;
}

/* e^a / (e^a + e^b) */
static inline double kad_log_share(double a, double b)
{
    return 1.0 / (1.0 + exp(b - a));
}

typedef struct kad_weights {
    size_t n;                    /* draws with a weight, which may be zero */
    size_t n_zero;               /* of these, of weight zero */
    size_t n_bad;                /* draws with a ln w that is NaN or +inf: left out */
    double log_mean;             /* ln of the mean weight */
    kad_estimate log_z;          /* the same less its bias */
    double log_z_err_importance; /* of either */
    kad_estimate ess;
    kad_estimate lower, upper;   /* the sandwich; with n_zero > 0 lower is no bound, but
                                    the mean over the other draws */
    kad_estimate gap;            /* log_z less lower, the KL gap, of the same draws: their
                                    errors cancel to a part; NaN with n_zero > 0 */
    double log_z_dof, upper_dof; /* of the errors (jackknife.h) */
    kad_estimate acceptance;     /* NaN with two draws */
    double largest;              /* largest weight / sum of weights */
} kad_weights;

/* Without two weights, or all of them zero: NaN. Errors: KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_weights_analyse(kad_ctx *ctx, size_t n, const double *log_w,
                                            kad_weights *out);
/* Errors: KAD_EDATA without two weights above zero, or a NaN or +inf among them. */
KAD_MUST_USE kad_status kad_weights_check(kad_ctx *ctx, size_t n, const double *log_w);

/* ln of the mean of the finite weights; NaN without any. */
double kad_log_mean(size_t n, const double *log_w);
/* How many draws the weights are worth: (sum w)^2 / sum w^2; 0 without any. */
double kad_effective_draws(size_t n, const double *log_w);
/* The same of n_rows rows of n, which begin `stride` apart. */
double kad_effective_rows(size_t n_rows, size_t stride, size_t n, const double *log_w);
/* Below so many the jackknife says nothing: no error bar is stated. */
enum { KAD_MIN_EFFECTIVE = 50 };

/* Self-normalised mean of `width` columns a [n][width] with delete-one jackknife errors:
 * mean, err [width]; dof [width] of the errors (jackknife.h) and cov [width][width] of the
 * means, or NULL. A constant column has no error (NaN).
 * Errors: as kad_weights_check; KAD_ENOMEM, KAD_EINTERRUPTED. */
KAD_MUST_USE kad_status kad_reweight(kad_ctx *ctx, size_t n, const double *log_w,
                                     size_t width, const double *a, double *mean,
                                     double *err, double *dof, double *cov);

#endif

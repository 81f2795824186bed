#include "pixel/latent.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

/* Variance 2 b^2 = 1. */
#define SCALE 0.70710678118654752440

/* z <= 0 with P(z) = t <= 1/2. */
static double lower_quantile(kad_pixel_prior prior, double t)
{
    return prior == KAD_PIXEL_LAPLACE ? SCALE * log(2 * t) : gsl_cdf_ugaussian_Pinv(t);
}

static double lower_tail(kad_pixel_prior prior, double z)
{
    return prior == KAD_PIXEL_LAPLACE ? 0.5 * exp(z / SCALE)
                                      : 0.5 * erfc(-z * 0.70710678118654752440);
}

double kad_pixel_quantile(kad_pixel_prior prior, double t, double rest)
{
    return t < rest ? lower_quantile(prior, t) : -lower_quantile(prior, rest);
}

void kad_pixel_distribution(kad_pixel_prior prior, double z, double *t, double *rest)
{
    const double tail = lower_tail(prior, -fabs(z));
    *t = z < 0 ? tail : 1 - tail;
    *rest = z < 0 ? 1 - tail : tail;
}

double kad_pixel_prior_ln(kad_pixel_prior prior, double z)
{
    if (prior == KAD_PIXEL_LAPLACE) return -fabs(z) / SCALE - log(2 * SCALE);
    return -0.5 * (z * z + 1.83787706640934548356);
}

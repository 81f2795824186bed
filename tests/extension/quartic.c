/* A prior: exp(-b z^4), of variance T. z^4 b is gamma distributed with exponent 1/4, so
 * that <z^2> = Gamma(3/4) / Gamma(1/4) / sqrt(b), and Z = 2 Gamma(5/4) b^(-1/4). */
#include "flow/priors/prior.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

static kad_prior_weight weight(double T)
{
    const double b = pow(tgamma(0.75) / tgamma(0.25) / T, 2);
    return (kad_prior_weight){b, log(2 * tgamma(1.25)) - 0.25 * log(b)};
}

/* The same quantile, by the smaller of the two tails of |z|. */
static void draw(double T, size_t n, double *z)
{
    const double b = weight(T).b;
    for (size_t i = 0; i < n; i++) {
        const double inside = erf(fabs(z[i]) / sqrt(2.0));
        const double gamma =
            inside < 0.5 ? gsl_cdf_gamma_Pinv(inside, 0.25, 1)
                         : gsl_cdf_gamma_Qinv(erfc(fabs(z[i]) / sqrt(2.0)), 0.25, 1);
        z[i] = copysign(pow(gamma / b, 0.25), z[i]);
    }
}

static void energy(size_t n, const double *z, double *sum)
{
    for (size_t i = 0; i < n; i++)
        sum[i] += z[i] * z[i] * z[i] * z[i];
}

static void slope(size_t n, const double *z, double *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = 4 * z[i] * z[i] * z[i];
}

extern const kad_prior_ops kad_prior_quartic;
const kad_prior_ops kad_prior_quartic = {
    .name = "quartic",
    .summary = "exp(-b z^4), of variance T",
    .reference = "Subbotin, Mat. Sb. 31 (1923) 296",
    .weight = weight,
    .draw = draw,
    .energy = energy,
    .slope = slope,
};

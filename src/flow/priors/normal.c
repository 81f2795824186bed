/* The normal distribution: e = z^2/2, b = 1/T, Z = sqrt(2 pi T). */
#include "flow/priors/prior.h"

#include <math.h>

static kad_prior_weight weight(double T)
{
    return (kad_prior_weight){1 / T, 0.5 * log(2 * M_PI * T)};
}

static void energy(size_t n, const double *z, double *sum)
{
    for (size_t i = 0; i < n; i++)
        sum[i] += 0.5 * (z[i] * z[i]);
}

static void slope(size_t n, const double *z, double *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = z[i];
}

const kad_prior_ops kad_prior_normal = {
    .name = "normal",
    .summary = "normal, of variance T",
    .reference = "Rezende, Mohamed, arXiv:1505.05770 (flows)",
    .gaussian = true,
    .weight = weight,
    .energy = energy,
    .slope = slope,
};

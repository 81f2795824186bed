/* Laplace's distribution: e = |z|, b = sqrt(2/T), Z = sqrt(2 T); T is its variance. */
#include "flow/priors/prior.h"

#include <math.h>

static kad_prior_weight weight(double T)
{
    return (kad_prior_weight){sqrt(2 / T), 0.5 * log(2 * T)};
}

/* Of unit variance, from a standard normal u: the same quantile. */
static double of_normal(double u)
{
    const double tail = 0.5 * erfc(fabs(u) / sqrt(2.0)); /* P(|.| beyond) on one side */
    return copysign(-log(2 * tail) / sqrt(2.0), u);
}

static void draw(double T, size_t n, double *z)
{
    const double sigma = sqrt(T);
    for (size_t i = 0; i < n; i++)
        z[i] = sigma * of_normal(z[i]);
}

static void energy(size_t n, const double *z, double *sum)
{
    for (size_t i = 0; i < n; i++)
        sum[i] += fabs(z[i]);
}

static void slope(size_t n, const double *z, double *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (double)(z[i] > 0) - (double)(z[i] < 0);
}

const kad_prior_ops kad_prior_laplace = {
    .name = "laplace",
    .summary = "Laplace (two-sided exponential), of variance T",
    .reference = "Johnson, Kotz, Balakrishnan, Continuous Univariate Distributions 2, "
                 "ch. 24 (1995)",
    .weight = weight,
    .draw = draw,
    .energy = energy,
    .slope = slope,
};

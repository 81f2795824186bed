/* Shared by the tests of the analysis: random series of known properties. */
#ifndef KAD_TESTS_ANALYSIS_UTIL_H
#define KAD_TESTS_ANALYSIS_UTIL_H

#include "base/memory.h"
#include "base/rng.h"
#include "tests/support/claim.h"

static inline double test_normal(uint32_t index, uint64_t step, uint64_t sample)
{
    double pair[2];
    kad_rng_normal2(kad_rng_stream(20240, KAD_RNG_TEST, index), step, sample, 0, pair);
    return pair[0];
}

/* A stationary AR(1) chain of mean `mean`, variance 1 and integrated autocorrelation time
 * tau: a_{i+1} = rho a_i + sqrt(1 - rho^2) noise, rho = (2 tau - 1)/(2 tau + 1). */
static inline void test_ar1(uint32_t index, uint64_t replica, double tau, double mean,
                            size_t n, double *a)
{
    const double rho = (2.0 * tau - 1.0) / (2.0 * tau + 1.0);
    double x = test_normal(index, replica, 0);
    for (size_t i = 0; i < n; i++) {
        a[i] = mean + x;
        x = rho * x + sqrt(1.0 - rho * rho) * test_normal(index, replica, i + 1);
    }
}

#endif

/* Estimates of one quantity that should agree (runs of several seeds, say) as one:
 *   x = sum_i x_i/s_i^2 / sum_i 1/s_i^2,   s = (sum_i 1/s_i^2)^{-1/2} sqrt(max(1, chi^2/dof)),
 * chi^2 = sum_i (x_i - x)^2/s_i^2 with dof = n - 1. Errors that are too small show as a small
 * p-value, and the combined one is widened by what the spread says; it is never narrowed.
 * Source: Particle Data Group, Phys. Rev. D 110 (2024) 030001, section 5.2.2 of the
 * introduction. */
#ifndef KAD_ANALYSIS_COMBINE_H
#define KAD_ANALYSIS_COMBINE_H

#include "base/jackknife.h"

typedef struct kad_combined {
    size_t n; /* estimates with an error above zero: the others are left out */
    double value, err;
    double chi2, p_value; /* p NaN for a single one */
} kad_combined;

/* n = 0 and NaN where none has an error. */
kad_combined kad_combine(size_t n, const kad_estimate *estimate);

/* The estimate farthest from its exact value in errors, and its pull (x - exact)/s; n and
 * NaN where nothing is known exactly (NaN). */
size_t kad_worst_pull(size_t n, const kad_estimate *estimate, const double *exact,
                      double *pull);

#endif

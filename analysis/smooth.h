/* A smooth curve through correlated points y_i at t_i: a polynomial in Chebyshev form,
 * u = (2 t - lo - hi)/(hi - lo), by generalised least squares with the points' shrunk
 * covariance; of every jackknife replica of the points the same fit. Its degree is as large
 * as leaves one degree of freedom, five at most: one chosen by the data makes errors of slopes
 * too small by a fifth. */
#ifndef KAD_ANALYSIS_SMOOTH_H
#define KAD_ANALYSIS_SMOOTH_H

#include "analysis/replicas.h"

enum { KAD_SMOOTH_DEGREE = 5 };

typedef struct kad_smooth {
    double lo, hi;            /* of the points */
    kad_replicas coefficient; /* degree + 1 of them */
    double chi2, p_value;
    size_t dof;
} kad_smooth;

/* Points with the couplings t [points->n] in ascending order, three at least. Errors:
 * KAD_EDATA (fewer points, or one without an error), KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_smooth_fit(kad_scope *in, const double *t,
                                       const kad_replicas *points, kad_smooth *out);
/* Value and slope dy/dt at t by a set of coefficients: all blocks', or a replica's. */
double kad_smooth_value(const kad_smooth *s, const double *coefficient, double t);
double kad_smooth_slope(const kad_smooth *s, const double *coefficient, double t);
/* Coefficients of replica b; those of all blocks for b = n_blocks. */
const double *kad_smooth_of(const kad_smooth *s, size_t b);

#endif

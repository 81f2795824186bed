/* Least-squares fits y_i = f_i(p) to correlated data by Levenberg-Marquardt (GSL).
 *
 *   chi^2(p) = r^T (C + s^2)^{-1} r,   r_i = y_i - f_i(p),
 * C the covariance of the data and s a scatter of the points about the model beyond their
 * statistical errors. s = 0 asks whether the model is right: chi^2/dof and p-value.
 * kad_fit_scatter asks how well a model that is not right describes the data: s is such
 * that chi^2 = dof, and the parameters' covariance allows for it. Models of different
 * shape are then compared by
 *   AIC = chi^2 + ln det(C + s^2) + 2 (n_p + 1).
 * Parameters' covariance: (J^T (C + s^2)^{-1} J)^{-1}, not rescaled by chi^2/dof. */
#ifndef KAD_ANALYSIS_FIT_H
#define KAD_ANALYSIS_FIT_H

#include "base/context.h"

#include <stdbool.h>
#include <stddef.h>

enum { KAD_FIT_PARAMETERS = 16 };

typedef struct kad_fit_model {
    const char *name;
    size_t n_parameters;
    const char *parameter[KAD_FIT_PARAMETERS]; /* names */
    const char *units[KAD_FIT_PARAMETERS];
    bool positive[KAD_FIT_PARAMETERS]; /* fitted by its logarithm */
    /* f_i of one point; `points` is the caller's */
    double (*value)(const void *points, size_t i, const double *p);
    /* Starting points: the best of the fits from all of them counts. */
    size_t n_starts;
    const double (*start)[KAD_FIT_PARAMETERS];
} kad_fit_model;

typedef struct kad_fit {
    bool ok; /* false: too few points, or no start leads anywhere */
    size_t n, n_parameters;
    /* err NaN: the data do not fix the parameter */
    double p[KAD_FIT_PARAMETERS], err[KAD_FIT_PARAMETERS];
    double cov[KAD_FIT_PARAMETERS][KAD_FIT_PARAMETERS];
    double chi2, p_value;
    size_t dof;
    double scatter; /* s; 0 where the statistical errors alone explain the data */
    double rms;     /* root mean square of r */
    double aic;
} kad_fit;

/* y [n], cov [n][n] positive definite. Fewer points than parameters + 1: ok = false.
 * Errors: KAD_ENOMEM; KAD_EDATA (covariance not positive definite). */
KAD_MUST_USE kad_status kad_fit_run(kad_ctx *ctx, const kad_fit_model *model,
                                    const void *points, size_t n, const double *y,
                                    const double *cov, kad_fit *out);
/* The same with the scatter. */
KAD_MUST_USE kad_status kad_fit_scatter(kad_ctx *ctx, const kad_fit_model *model,
                                        const void *points, size_t n, const double *y,
                                        const double *cov, kad_fit *out);

/* Correlation matrix corr [n][n] of n series [n_draws_all][n] from means of bins of `size`
 * consecutive draws of a chain, shrunk towards no correlation by the weight that
 * minimises the expected error, sum var(r_ij)/sum r_ij^2 (i != j, var = (1 - r^2)^2/bins):
 * positive definite however few bins there are. Returns the number of bins; with fewer
 * than 3 there is no correlation. Source: J. Schaefer, K. Strimmer, Stat. Appl. Genet.
 * Mol. Biol. 4 (2005) 32. Errors: KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_shrunk_correlation(kad_ctx *ctx, size_t n_chains,
                                               size_t n_draws, size_t n, const float *a,
                                               size_t size, double *corr, size_t *n_bins,
                                               double *shrinkage);

#endif

/* Distances in the bulk, from the correlations of latents,
 *     d_ij = d0 - xi ln |<z_i z_j>_eff|.
 * xi is the unit of length (xi = 1): data fix only ratios. Points are the bins of
 * /correlators/bulk with |c| = sqrt(strength2):  y = -ln|c| = d - d0,  with the covariance
 * of strength2 propagated, cov(y_i, y_j) = cov_ij/(4 strength2_i strength2_j). With
 * bulk.normalise |c| is divided by (v_a v_b)^(1/4), v_h the strength2 of the latents of
 * level h with themselves (their mean square variance), whose covariances join.
 *
 * Rule of noise: a bin counts if strength2 >= bulk.noise times its error (latents at
 * one position never do). The fits are repeated for other thresholds to show what the rule
 * does.
 *
 * Models (h the level, r the separation in lattice steps):
 *   hyperbolic  upper half space, zeta = zeta0 2^h:
 *               d = R arccosh(1 + (r^2 + (zeta - zeta')^2)/(2 zeta zeta')),
 *               parameters d0, radius R, zeta0
 *   flat        d = rate sqrt(r^2 + (step (h - h'))^2), parameters d0, rate, step
 *   tree        d = edge * (steps on the tree of blocks), parameters d0, edge
 * each fitted twice (analysis/fit.h): as it stands, which chi^2 and p judge; and with a
 * scatter of the bins about it, which is what AIC compares and what the errors of
 * parameters allow for. Bins hold latents of different kind and orientation, so that no
 * smooth model describes them to their statistical errors.
 *
 * Growth: at each level the bins of that level alone, y = a + b ln r against y = a + b r.
 *
 * Groups:
 *   /geodesics  level_a, level_b, r, tree, n_pairs, used, d, d_err, d_fit, d_flat, d_tree
 *               [point], d in units of xi with d0 of the hyperbolic fit; cov [point,
 *               point] of the used ones (0 elsewhere); attributes noise, n_used, preferred
 *   /geodesics/fits/MODEL  parameter, value, err [parameter], cov [parameter, parameter]; their
 *               statistical twins value_stat, err_stat; attributes chi2, dof, p_value,
 *               scatter, rms, aic, delta_aic
 *   /geodesics/rule   threshold, n_used, radius, radius_err, chi2_dof, aic_hyperbolic,
 *               aic_flat, aic_tree [threshold]
 *   /geodesics/growth level, n, log_slope, log_slope_err, log_chi2, log_rms, linear_slope,
 *               linear_slope_err, linear_chi2, linear_rms, dof, delta_aic (linear - log)
 *               [level] */
#ifndef KAD_ANALYSIS_GEODESICS_H
#define KAD_ANALYSIS_GEODESICS_H

#include "analysis/bulk_bins.h"
#include "analysis/fit.h"

/* Bins as the models see them. */
typedef struct kad_geodesic_point {
    int level_a, level_b;
    double r, tree;
} kad_geodesic_point;

enum { KAD_GEODESIC_MODELS = 3, KAD_GROWTH_MODELS = 2 };
/* hyperbolic, flat, tree; then logarithmic and linear growth. */
extern const kad_fit_model kad_geodesic_models[KAD_GEODESIC_MODELS];
extern const kad_fit_model kad_growth_models[KAD_GROWTH_MODELS];

/* Points of one set of bins that the rule keeps. */
typedef struct kad_geodesic_data {
    size_t n;
    size_t *bin;               /* [n] number of the bin */
    kad_geodesic_point *point; /* [n] */
    double *y, *cov;           /* [n], [n][n] */
} kad_geodesic_data;

/* level >= 0: bins of that level alone. normalise: see above. */
KAD_MUST_USE kad_status kad_geodesic_select(kad_scope *in, const kad_bulk_bins *bins,
                                            double noise, bool normalise, int level,
                                            kad_geodesic_data *out);
/* y of one bin and its error; false where it has none. */
bool kad_geodesic_distance(const kad_bulk_bins *bins, size_t i, bool normalise, double *y,
                           double *err);

/* Everything from /bulk/correlators (and /bulk/null): replaces /correlators/bulk and
 * /geodesics. Nothing where there is no /bulk. Errors: KAD_EDATA, KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_analyse_bulk(kad_ctx *ctx, kad_h5 *file);

#endif

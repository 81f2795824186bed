/* Curves over a coupling from the chains of many runs, one a value of it: columns that are
 * functions of what was drawn, reweighted together (analysis/mbar.h), functions of their
 * means (analysis/functions.h), and ln Z anchored on the maps (analysis/anchor.h).
 *
 * Of spins behind a field only columns of the spins drawn count; those that are means given
 * the field (attribute `conditional`) are refused: weights from drawn energies do not belong
 * to them. */
#ifndef KAD_ANALYSIS_CURVES_H
#define KAD_ANALYSIS_CURVES_H

#include "analysis/anchor.h"
#include "io/h5.h"

enum { KAD_CURVE_STATISTICS = 4, KAD_CURVE_REASON = 160, KAD_CURVE_TOO_FEW = 100 };

/* What is reweighted of every draw, squares and fourth powers among it. */
typedef enum kad_curve_column {
    KAD_CURVE_ENERGY, /* of the spins drawn */
    KAD_CURVE_ENERGY2,
    KAD_CURVE_ABS_M,
    KAD_CURVE_M2,
    KAD_CURVE_M4,
    KAD_CURVE_KMIN,
    KAD_CURVE_CURRENT,
    KAD_CURVE_VORTICES,
    KAD_CURVE_BOND,
    KAD_CURVE_PHI2,
    KAD_CURVE_PHI4,
    KAD_CURVE_COLUMNS
} kad_curve_column;

/* The draws of one sampler of one run. */
typedef struct kad_curve_series {
    size_t n_chains, n;                            /* draws of all chains together */
    double n_sites, extent, n_components;          /* extent: the largest */
    const double *column[KAD_CURVE_COLUMNS];       /* [n]; NULL: there is none */
    const double *statistic[KAD_CURVE_STATISTICS]; /* [n] */
    double tau[KAD_CURVE_COLUMNS]; /* of the columns; NaN where none is known */
    /* ln Z by weights: of this sampler's proposals (`own`), else of the run's main one */
    bool own;
    size_t n_weights; /* 0: there are none */
    const double *log_weight;
} kad_curve_series;

/* Read them; `reason` says why the series cannot be used ("" where it can): no such chain,
 * no error bar of its own (flagged), columns that are missing or conditional. n_statistics
 * observables' names. Taken in `in`. Errors: KAD_EDATA (damaged), KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_curve_series_read(kad_scope *in, kad_h5 *file,
                                              const char *sampler, int n_statistics,
                                              const char *const *statistic,
                                              kad_curve_series *out,
                                              char reason[KAD_CURVE_REASON]);

/* The model at a value of the coupling: S = sum c T + constant. */
typedef struct kad_curve_theta {
    double value, c[KAD_CURVE_STATISTICS], constant;
    double beta, K, J; /* NaN: none (kad_function_specific_heat; kad_view) */
} kad_curve_theta;

enum { KAD_CURVE_QUANTITIES = 16 };
extern const char *const kad_curve_names[KAD_CURVE_QUANTITIES]; /* "log_z" first */

typedef struct kad_curves {
    size_t n, n_states, n_blocks, n_draws;
    double *value; /* [n] of the coupling */
    double *n_eff; /* [n]; below KAD_CURVE_TOO_FEW nothing is stated */
    /* [n] each, NaN where nothing is stated; NULL: not of this model */
    double *mean[KAD_CURVE_QUANTITIES], *err[KAD_CURVE_QUANTITIES];
    /* [n][n_blocks] without a block of every chain; of ln Z: of ln Z/Z_0 */
    double *without[KAD_CURVE_QUANTITIES];
    double *tau;     /* [n_states] by which draws are weighed */
    double *overlap; /* [n_states][n_states] (kad_mbar) */
    /* of the states: the maps' ln Z (NaN: none), MBAR's ln Z/Z_0, anchored */
    double *map_log_z, *map_log_z_err, *difference, *difference_err, *log_z, *log_z_err;
    size_t n_anchors; /* 0: ln Z is relative to the first state */
    double chi2, p;   /* of n_anchors - 1 degrees; NaN: none */
} kad_curves;

/* Curves at n values of theta from K states at `at`. The energy of spins is that of the model
 * at theta, S/(beta N), and so is the specific heat: along a field, too, of which the energies
 * that were recorded are not functions of the draws alone. Errors: KAD_EDATA (too few draws, no
 * overlap), KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_curves_make(kad_scope *in, size_t n_states,
                                        const kad_curve_series *series,
                                        const kad_curve_theta *at, int n_statistics,
                                        int dimension, size_t n,
                                        const kad_curve_theta *theta, kad_curves *out);

#endif

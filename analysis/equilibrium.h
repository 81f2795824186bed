/* Have the chains of a sampler forgotten their start, and do they agree? Every test says
 * how often it may be wrong: KAD_FALSE_ALARMS a sampler, divided by the number of
 * observables that are tested (Bonferroni).
 *
 * Burn-in. A start D standard deviations off in the slowest mode, of decay time tau, is
 * still D e^(-B/tau) off after a burn-in of B draws, and biases a mean over n further draws
 * by that times tau/n. Against the error of R chains, sqrt(2 tau/(R n)) standard deviations,
 *     bias/error = D e^(-B/tau) sqrt(R tau/(2 n)),
 * which with D = 5 stays below a fifth from
 *     B = tau ln(25 sqrt(R tau/(2 n)))
 * on: more chains of the same length need a longer one. tau is the decay time of rho of the
 * slowest observables (the median over those whose tau_int is at least half of the
 * longest), or the longest tau_int, whichever is longer; m, if the action is symmetric,
 * counts for itself only.
 *
 * Drift. The first tenth of what was recorded against the last half (J. Geweke, in Bayesian
 * Statistics 4, 1992): from eight chains on by the scatter of the chains' differences,
 * Student's t with R - 1 degrees, which no autocorrelation enters; else by the variance
 * C/(R n) of the Gamma method, known from N/(2 W + 1) values.
 *
 * Starts. A sampler that ran from a cold and from a hot start: their means, likewise.
 *
 * R-hat. Of m = 2 R half chains of h draws a split R-hat is expected at 1 - 1/h +
 * v/(1 - v), v the variance of a half chain's mean in units of that of a draw, 2 tau/h for
 * h >> tau; it may exceed that by the quantile q of F with m - 1 and N/(2 W + 1) degrees
 * (chi^2/(m - 1), were tau known):
 *     R^2 < 1 - 1/h + q v/(1 - v),  v = (2 tau/h)(1 - (tau/h)(1 - e^(-h/tau))),
 * tau of the chains about their own means, so that chains apart are not taken for slow
 * ones.
 * Source: A. Gelman, D. B. Rubin, Stat. Sci. 7 (1992) 457; U. Wolff, hep-lat/0306017, for
 * the errors of C; A. D. Sokal, Functional Integration (1997) 131, for tau_exp. */
#ifndef KAD_ANALYSIS_EQUILIBRIUM_H
#define KAD_ANALYSIS_EQUILIBRIUM_H

#include "analysis/estimates.h"
#include "analysis/recorded.h"

/* Of a sampler in equilibrium, for each kind of test. */
#define KAD_FALSE_ALARMS 1e-3

/* The burn-in that a slowest mode of `tau` draws needs (draws); 0: none. */
double kad_burn_in_needed(double tau, size_t n_chains, size_t n_draws);

/* What the tests know of an observable's correlations. */
typedef struct kad_correlation {
    double tau_int;
    double C;      /* of the Gamma method: N err^2; NaN: no error is stated */
    size_t window; /* draws */
} kad_correlation;

/* Probability that chains in equilibrium, a [n_chains][n], differ more between their
 * first tenth and their last half; NaN: too short. */
double kad_drift_p(size_t n_chains, size_t n, const double *a, kad_correlation known);
/* The correlations within the chains, each about its own mean: chains apart would look like
 * chains that are slow. A mean of n draws takes C/n away from every Gamma(t), and so
 * (2 W + 1)/n of C, which is put back. No tau_int where a chain is too short to tell, no C.
 * work [n_chains][n]. Errors: KAD_EDATA, KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_within_chains(kad_ctx *ctx, size_t n_chains, size_t n,
                                          const double *a, double *work,
                                          kad_correlation *known);
/* The largest R-hat that one of n_tests observables should have; NaN: none. */
double kad_rhat_limit(size_t n_chains, size_t n, kad_correlation known, size_t n_tests);

typedef enum kad_thermal_reason {
    KAD_THERMAL_FINE,
    KAD_THERMAL_SHORT, /* the burn-in, against tau_exp */
    KAD_THERMAL_DRIFT, /* first against last */
    KAD_THERMAL_STARTS /* cold against hot */
} kad_thermal_reason;

/* What speaks against equilibrium. */
typedef struct kad_thermal {
    kad_thermal_reason reason;
    char observable[KAD_ESTIMATE_NAME]; /* that shows it most clearly */
    char other[KAD_RECORDED_NAME];      /* STARTS: the other sampler */
    double tau;                         /* SHORT: of the slowest mode, draws */
    double p;                           /* DRIFT, STARTS: probability if all were well */
    double burn_in;                     /* draws to set it to */
} kad_thermal;

/* Tests the rows of a chain that are observables of their own; `even`: all but m of a
 * symmetric action, `odd`: m. Errors: KAD_EDATA, KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_thermal_check(kad_ctx *ctx, kad_h5 *file,
                                          const kad_recorded *recorded,
                                          const kad_estimates *estimates,
                                          kad_thermal *even, kad_thermal *odd);
/* Fills rhat_limit of the rows that are observables of their own. Errors: KAD_EDATA,
 * KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_rhat_limits(kad_ctx *ctx, const kad_recorded *recorded,
                                        kad_estimates *estimates);

#endif

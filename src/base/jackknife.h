/* Jackknife: error of a function of means from its values with one draw (or one block)
 * left out,  var = (n - 1)/n sum_i (theta_i - <theta>)^2,  and its bias-corrected value
 * n theta - (n - 1) <theta>.  Source: Efron, Ann. Stat. 7 (1979) 1.
 *
 * An error is itself an estimate. With d_i the deviations that var sums up,
 *   Var(var)/var^2 = sum d^4/(sum d^2)^2 - 1/n = 2/nu
 * defines its degrees of freedom nu (Satterthwaite, Biometrics Bull. 2 (1946) 110): n for
 * n equal Gaussian draws, few where few draws make up the error. */
#ifndef KAD_BASE_JACKKNIFE_H
#define KAD_BASE_JACKKNIFE_H

#include <stddef.h>

typedef struct kad_estimate {
    double value, err; /* err NaN: unknown */
} kad_estimate;

/* Running sums over the left-out values, about the full value (no cancellation). */
typedef struct kad_jackknife {
    double full; /* theta of all draws */
    double sum, square, fourth;
    size_t n;
} kad_jackknife;

kad_jackknife kad_jackknife_start(double full);
void kad_jackknife_add(kad_jackknife *jackknife, double left_out);
/* NaN where nothing varies. */
double kad_jackknife_error(const kad_jackknife *jackknife);
double kad_jackknife_dof(const kad_jackknife *jackknife);
/* nu above, of n deviations; NaN without any spread. */
double kad_spread_dof(double n, double square, double fourth);
double kad_jackknife_corrected(const kad_jackknife *jackknife);

#endif

/* The Gamma method: mean and error of a correlated series, with its integrated
 * autocorrelation time.
 *
 *   Gamma(t) = 1/(N - R t) sum_chains sum_i (a_i - mean)(a_{i+t} - mean),  N = R n,
 *   C        = Gamma(0) + 2 sum_{t>=1} Gamma(t),     err = sqrt(C/N),
 *   tau_int  = C/(2 Gamma(0)) = 1/2 + sum_{t>=1} rho(t),   rho(t) = Gamma(t)/Gamma(0).
 *
 * Pairs. The sum is taken over g(t), the autocovariances of the means of neighbours,
 * (a_i + a_{i+1})/2. They have the same C, and what alternates from draw to draw cancels
 * in them instead of cancelling in the sum: with rho(1) < 0, where tau_int < 1/2, every
 * window over Gamma itself ends on the wrong foot. W is the first t at which
 *   exp(-t/tau_S) - tau_S/sqrt(t N)  turns negative, tau_S = S/ln((2 tau + 1)/(2 tau - 1)),
 * tau that of the pairs; the last lag counts by half,
 *   C(W) = g(0) + 2 sum_{t<W} g(t) + g(W),
 * so that the rest has the sign of C and is its share rho^W of it for rho(t) = rho^t.
 *
 * Ends. The mean of n draws of one chain has the variance
 *   1/n sum_t (1 - |t|/n) Gamma(t) = 1/n (C + Gamma(0)/(2 n) - 2/n sum_{t>=1} t g(t)),
 * which err takes over R chains: of many short chains the ends are felt. Gamma(t) and g(t)
 * are each too small by that variance, 1/R of it, since the mean is subtracted: it is
 * added, and everything formed again.
 *
 * The error of tau_int is  tau_int sqrt((4 W + 2 - 4 tau_int + 2 x)/N),  where x, the
 * excess of sum_t rho(t)^2 over all t above 2 tau_int + 1, is what Gamma(0) adds if the
 * series alternates; without, it is that of Wolff.
 *
 * The tail. What the window leaves out is at most  tau_exp |rho(W + 1)|  if rho decays
 * from there on with the slowest time tau_exp of the chain (Schaefer, Sommer, Virotta).
 * It is added to tau_int and the error by kad_gamma_add_tail where rho(W + 1) stands two
 * of its errors above zero, which says that the window closed too early; where it does
 * not, the window's own bias is far below the statistical error and adding noise would
 * only widen the error. kad_gamma_bound adds it always: an upper bound. tau_exp is read
 * from rho itself, over the last lags (second half) that stand three errors above zero; a
 * mode that hides in the noise of every observable is not seen. rho is that of the pairs
 * here too: a mode that alternates has no tail, and hides none.
 *
 * The error's own error. Of a Gaussian series Var(C)/C^2 = 2 (2 W + 1)/N = 2/err_dof: err^2
 * scatters as if it were made of independent blocks of 2 W + 1 draws. Blocks that are not
 * Gaussian scatter more: err_dof is that of the squares of their sums (jackknife.h).
 *
 * Replicas. With R > 1 chains  Q  is the probability that chains of one distribution
 * differ more than these: chi^2 = sum_r (mean_r - mean)^2/(R err^2) with R - 1 degrees.
 * Source: U. Wolff, Comput. Phys. Commun. 156 (2004) 143, hep-lat/0306017, eqs. (31),
 * (35), (41), (42), (49)-(52) and sec. 3.4; error of rho: M. Luescher, hep-lat/0409106,
 * eq. (E.11); tail: S. Schaefer, R. Sommer, F. Virotta, arXiv:1009.5228, sec. 3. The
 * coverage of the errors is measured by tests/analysis/long_gamma.c: doc/comparison.md. */
#ifndef KAD_ANALYSIS_GAMMA_H
#define KAD_ANALYSIS_GAMMA_H

#include "base/context.h"

#include <stdbool.h>
#include <stddef.h>

/* Why an error bar is missing. */
typedef enum kad_gamma_flag {
    KAD_GAMMA_OK = 0,
    KAD_GAMMA_CONSTANT, /* the series never moved: no error can be stated */
    KAD_GAMMA_SHORT,    /* fewer than 50 tau_int, or 25 draws: no error is stated */
    KAD_GAMMA_OPEN,     /* the window never closed: tau_int is a lower bound */
    KAD_GAMMA_NEGATIVE, /* C <= 0, as of a periodic mode: no tau_int either */
    /* of a sampler as a whole (analysis/recorded.h) */
    KAD_GAMMA_WEIGHTS, /* weights worth fewer than 50 draws: no error is stated */
    KAD_GAMMA_START    /* the chains remember their start: no error is stated */
} kad_gamma_flag;

typedef struct kad_tail {
    double tau_exp;                /* decay time of rho; 0: no lag above the noise */
    double rho_next, rho_next_err; /* rho(W + 1) of the pairs, 0 beyond n/2 */
    bool added;                    /* it is part of tau_int and err */
} kad_tail;

enum { KAD_GAMMA_LAGS = 512 };

typedef struct kad_gamma {
    double mean;
    double err;       /* NaN unless flag is KAD_GAMMA_OK */
    double err_naive; /* as if draws were independent */
    double err_dof;   /* degrees of freedom of err (below); NaN where it is */
    double tau_int, tau_int_err;
    size_t window;  /* in lags of the pairs */
    double n_eff;   /* N / (2 tau_int) */
    double rhat;    /* split R-hat: potential scale reduction over half chains */
    double q_value; /* of the replicas; NaN with one chain */
    kad_tail tail;
    kad_gamma_flag flag;
    size_t n_lag; /* lags of rho and rho_err */
    double rho[KAD_GAMMA_LAGS], rho_err[KAD_GAMMA_LAGS];
} kad_gamma;

/* Analyse a [n_chains][n]. S: 1.5 is usual. rho up to min(n/2, max(2 W, 32), 512) lags.
 * Errors: KAD_ENOMEM; KAD_EDATA for fewer than two draws a chain or values that are not
 * finite. */
KAD_MUST_USE kad_status kad_gamma_analyse(kad_ctx *ctx, size_t n_chains, size_t n,
                                          const double *a, double S, kad_gamma *out);

/* Add the tail of a decay time tau_exp (draws) to tau_int, err and n_eff if rho(W + 1)
 * calls for it (above); a second call changes nothing. */
void kad_gamma_add_tail(kad_gamma *gamma, double tau_exp);
/* The analysis of a series on its own: S = 1.5, with the tail of its own tau_exp. Errors as
 * above. */
KAD_MUST_USE kad_status kad_gamma_estimate(kad_ctx *ctx, size_t n_chains, size_t n,
                                           const double *a, kad_gamma *out);
/* err with that tail in any case; NaN where err is. */
double kad_gamma_bound(const kad_gamma *gamma, double tau_exp);

/* Takes err away and says so if n_all independent chains' draws, instead of those that
 * were analysed, are too few for it. */
void kad_gamma_demand(kad_gamma *gamma, double n_all);
/* Memory of a series, in draws: tau_int, or 1/(4 tau_int) where it alternates. Means over
 * bins of many times so many draws have the variance 2 tau_int/size. */
double kad_gamma_memory(double tau_int);

/* Name of a flag: "ok", "constant", "short", "open", "negative", "weights", "start". */
const char *kad_gamma_flag_name(kad_gamma_flag flag);

#endif

/* The Gamma method: mean and error of a correlated series, with its integrated
 * autocorrelation time.
 *
 *   Gamma(t) = 1/(N - R t) sum_chains sum_i (a_i - mean)(a_{i+t} - mean),  N = R n,
 *   C(W)     = Gamma(0) + 2 sum_{t=1}^{W} Gamma(t),     err = sqrt(C(W)/N),
 *   tau_int  = 1/2 + sum_{t=1}^{W} rho(t),              rho(t) = Gamma(t)/Gamma(0).
 * W is the first t at which  exp(-t/tau_S) - tau_S/sqrt(t N)  turns negative, with
 * tau_S = S / ln((2 tau + 1)/(2 tau - 1)); then Gamma(t) += C(W)/N for the bias of the
 * subtracted mean, and C and tau_int are formed again. Error of tau_int:
 * 2 tau_int sqrt((W + 1/2 - tau_int)/N).
 *
 * The tail. What the window leaves out is at most  tau_exp |rho(W + 1)|  if rho decays
 * from there on with the slowest time tau_exp of the chain (Schaefer, Sommer, Virotta).
 * It is added to tau_int and the error by kad_gamma_add_tail where rho(W + 1) stands two
 * of its errors above zero, which says that the window closed too early; where it does
 * not, the window's own bias is far below the statistical error and adding noise would
 * only widen the error. kad_gamma_bound adds it always: an upper bound. tau_exp is read
 * from rho itself, over the last lags (second half) that stand three errors above zero; a
 * mode that hides in the noise of every observable is not seen.
 *
 * Replicas. With R > 1 chains  Q  is the probability that chains of one distribution
 * differ more than these: chi^2 = sum_r n (mean_r - mean)^2 / C(W) with R - 1 degrees.
 * Source: U. Wolff, Comput. Phys. Commun. 156 (2004) 143, hep-lat/0306017, eqs. (31),
 * (35), (41), (42), (49)-(52) and sec. 3.4; error of rho: M. Luescher, hep-lat/0409106,
 * eq. (E.11); tail: S. Schaefer, R. Sommer, F. Virotta, arXiv:1009.5228, sec. 3. */
#ifndef KAD_ANALYSIS_GAMMA_H
#define KAD_ANALYSIS_GAMMA_H

#include "base/context.h"

#include <stdbool.h>
#include <stddef.h>

/* Why an error bar is missing. */
typedef enum kad_gamma_flag {
    KAD_GAMMA_OK = 0,
    KAD_GAMMA_CONSTANT, /* the series never moved: no error can be stated */
    KAD_GAMMA_SHORT,    /* fewer than 50 tau_int: no error is stated */
    KAD_GAMMA_OPEN      /* the window never closed: tau_int is a lower bound */
} kad_gamma_flag;

typedef struct kad_tail {
    double tau_exp;                /* decay time of rho; 0: no lag above the noise */
    double rho_next, rho_next_err; /* rho(W + 1), 0 beyond n/2 */
    bool added;                    /* it is part of tau_int and err */
} kad_tail;

typedef struct kad_gamma {
    double mean;
    double err;       /* NaN unless flag is KAD_GAMMA_OK */
    double err_naive; /* as if draws were independent */
    double tau_int, tau_int_err;
    size_t window;
    double n_eff;   /* N / (2 tau_int) */
    double rhat;    /* split R-hat: potential scale reduction over half chains */
    double q_value; /* of the replicas; NaN with one chain */
    kad_tail tail;
    kad_gamma_flag flag;
    size_t n_lag; /* lags of rho and rho_err */
    double *rho, *rho_err;
} kad_gamma;

enum { KAD_GAMMA_LAGS = 512 };

/* Analyse a [n_chains][n]. S: 1.5 is usual. rho up to min(n/2, max(2 W, 32), 512) lags.
 * On failure nothing is left to free. Errors: KAD_ENOMEM; KAD_EDATA for fewer than two
 * draws a chain or values that are not finite. */
KAD_MUST_USE kad_status kad_gamma_analyse(kad_ctx *ctx, size_t n_chains, size_t n,
                                          const double *a, double S, kad_gamma *out);
void kad_gamma_clear(kad_gamma *gamma);

/* Add the tail of a decay time tau_exp (draws) to tau_int, err and n_eff if rho(W + 1)
 * calls for it (above); a second call changes nothing. */
void kad_gamma_add_tail(kad_gamma *gamma, double tau_exp);
/* err with that tail in any case; NaN where err is. */
double kad_gamma_bound(const kad_gamma *gamma, double tau_exp);

/* Name of a flag: "ok", "constant", "short", "open". */
const char *kad_gamma_flag_name(kad_gamma_flag flag);

#endif

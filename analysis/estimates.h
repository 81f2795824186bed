/* A table of estimates: rows of /analysis/NAME, as written and as printed. */
#ifndef KAD_ANALYSIS_ESTIMATES_H
#define KAD_ANALYSIS_ESTIMATES_H

#include "analysis/gamma.h"
#include "analysis/text.h"
#include "base/memory.h"
#include "io/h5.h"

enum { KAD_ESTIMATES_MAX = 96, KAD_ESTIMATE_NAME = 64 };

typedef struct kad_row {
    char name[KAD_ESTIMATE_NAME];
    double mean, err, err_naive;
    double err_dof;   /* degrees of freedom of err (jackknife.h, gamma.h) */
    double err_bound; /* err with the tail of the sampler's slowest mode */
    double q_value;   /* do the chains agree */
    kad_tail tail;
    double tau_int, tau_int_err, n_eff, rhat, exact; /* NaN: none */
    double exact_err;                                /* what `exact` may be off by */
    double rhat_limit;                               /* of chains that agree; NaN: none */
    size_t window;
    kad_gamma_flag flag;
    size_t n_lag;
    double rho[KAD_GAMMA_LAGS], rho_err[KAD_GAMMA_LAGS];
} kad_row;

typedef struct kad_estimates {
    char name[KAD_ESTIMATE_NAME]; /* group below /analysis */
    const char *estimator;        /* static string */
    double seconds_per_draw;      /* NaN: no time of tau_int in seconds */
    char undefined[128];          /* names of rows left out: not finite at the means */
    double tau_exp;               /* the slowest mode found, draws; NaN: not looked for */
    size_t n;
    kad_row row[KAD_ESTIMATES_MAX];
} kad_estimates;

/* An empty table. */
KAD_MUST_USE kad_status kad_estimates_create(kad_scope *in, const char *name,
                                             const char *estimator, kad_estimates **out);
/* Append a row (everything but the name unknown); NULL when the table is full. */
kad_row *kad_estimates_add(kad_estimates *estimates, const char *name);
/* Copy the numbers of a Gamma analysis into a row; rho stays behind. */
void kad_row_set_gamma(kad_row *row, const kad_gamma *gamma);
/* Take the error bar away, `why` being the flag of a row that had one; KAD_GAMMA_OK:
 * leave it. */
void kad_row_refuse(kad_row *row, kad_gamma_flag why);
/* A Gamma analysis as a new row, with rho. */
kad_row *kad_estimates_add_gamma(kad_estimates *estimates, const char *name,
                                 const kad_gamma *gamma);
/* NULL if absent. */
const kad_row *kad_estimates_find(const kad_estimates *estimates, const char *name);

/* Why a row of a flag's name has no error bar, in a few words; NULL where nothing is known
 * against one. */
const char *kad_reason(const char *flag_name);

/* (mean - exact)/err, err with the exact value's own error; NaN where either is unknown. */
double kad_row_pull(const kad_row *row);
/* Probability of a larger |pull|, the error being known to `dof` degrees of freedom
 * (Student's t; NaN or infinite: exactly). */
double kad_pull_p(double pull, double dof);

/* Replaces /analysis/NAME. */
KAD_MUST_USE kad_status kad_estimates_write(kad_ctx *ctx, kad_h5 *file,
                                            const kad_estimates *estimates);

/* One line, no newline: `log_z  59.93(12)  exact 60.14178  (+0.3 sigma)`, with tau_int
 * where it is known; a series that never moved, or is too short for an error, says so. */
void kad_row_print(const kad_row *row, kad_text *out);

#endif

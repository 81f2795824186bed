/* One sampler's series read from a results file, for the analyses. */
#ifndef KAD_ANALYSIS_RECORDED_H
#define KAD_ANALYSIS_RECORDED_H

#include "analysis/estimates.h"
#include "analysis/gamma.h"
#include "analysis/results.h"

#include <stdbool.h>

enum { KAD_RECORDED_MAX = 64, KAD_RECORDED_NAME = 64 };

/* An observable: values [n_chains][n_draws][width]. */
typedef struct kad_observed {
    char name[KAD_RECORDED_NAME];
    size_t width;
    bool is_row;         /* a row of values a draw (a correlator) */
    kad_values state;    /* of the chain's states */
    kad_values proposal; /* of the proposals; empty where the sampler has none */
} kad_observed;

typedef struct kad_recorded {
    char name[KAD_RECORDED_NAME];
    size_t n_chains, n_draws;
    double n_sites, extent; /* extent: the largest */
    double n_components;    /* of the field or spins; 1 where it is not said */
    double beta;            /* NaN: the model has none */
    bool weighted;          /* log_weight is there */
    bool few_weights;       /* they are worth too few draws: nothing has an error bar, the
                             * chain that accepts by them neither */
    bool unsettled;         /* the chains remember their start (analysis/equilibrium.h,
                             * told by its caller): their means have no error bar */
    bool is_chain;          /* draws follow the model; else only after reweighting */
    bool symmetric;         /* S(-phi) = S(phi) */
    double seconds_per_draw;
    int64_t burn_in;             /* draws of a chain; -1: not said */
    char sampler[32], start[16]; /* its kind; cold, hot, prior, or empty */
    kad_values accepted, log_weight, delta_h;
    size_t n_observed;
    kad_observed observed[KAD_RECORDED_MAX];
} kad_recorded;

/* /samplers/NAME. Errors: KAD_EDATA (shapes that do not agree, values not finite),
 * KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_recorded_read(kad_scope *in, kad_h5 *file, const char *name,
                                          kad_recorded *out);
/* NULL if absent. */
const kad_observed *kad_recorded_find(const kad_recorded *recorded, const char *name);
/* What is to be reweighted: the proposals', or the states' where draws are proposals. */
const double *kad_observed_draws(const kad_observed *observed);

/* Why no mean of this sampler has an error bar, of its chain or by its weights;
 * KAD_GAMMA_OK: they may. */
kad_gamma_flag kad_recorded_refusal(const kad_recorded *recorded, bool weighted);

/* /exact/NAME; NaN where nothing is known. */
double kad_exact_read(kad_ctx *ctx, kad_h5 *file, const char *name);
/* A row's exact value with its error (0 in files written before errors were kept). */
void kad_exact_fill(kad_ctx *ctx, kad_h5 *file, kad_row *row);

#endif

/* Do the samplers of a run agree? Weights, acceptance and ESS are made of a map's own
 * draws and cannot show what it never draws; another sampler can.
 *
 * Every observable is a row with at most one estimate of a sampler (of proposals the
 * reweighted one: it shares its draws with the chain's), so that a row's K estimates are
 * independent. With w_k = 1/err_k^2, W = sum w_k and x the weighted mean,
 *   chi^2 = sum_k w_k (x_k - x)^2,   K - 1 degrees of freedom.
 * Errors are estimates too, known to nu_k degrees of freedom (jackknife.h, estimates.h),
 * which makes large chi^2 likelier; p is Welch's:
 *   Lambda = sum_k (1 - w_k/W)^2/nu_k,
 *   F = chi^2/(K - 1) / (1 + 2 (K - 2)/(K^2 - 1) Lambda),
 * an F distribution of K - 1 and (K^2 - 1)/(3 Lambda) degrees; K = 2 is the t test with
 * Satterthwaite's degrees. A row is refuted where p < limit = 1 - (1 - alpha)^(1/n) for n
 * comparisons (Sidak): in a run whose samplers agree any row is with probability alpha at
 * most.
 *
 * Left out: estimates without an error bar; m of a symmetric action, whose sign is the
 * warning `one-sign`.
 * Source: B. L. Welch, Biometrika 38 (1951) 330; Z. Sidak, JASA 62 (1967) 626. */
#ifndef KAD_ANALYSIS_AGREEMENT_H
#define KAD_ANALYSIS_AGREEMENT_H

#include "analysis/diagnostics.h"
#include "analysis/estimates.h"
#include "analysis/text.h"

enum { KAD_AGREEMENT_SAMPLERS = 64, KAD_AGREEMENT_ROWS = KAD_ESTIMATES_MAX + 2 };
/* Probability that a run in which all is well has a refuted row. */
#define KAD_AGREEMENT_ALPHA 1e-3
/* Configurations are kept in single precision: no comparison is finer than that. */
#define KAD_SINGLE_ROUNDING 0x1p-23
#define KAD_OVERLAP "overlap"

typedef struct kad_agreement_row {
    char name[KAD_ESTIMATE_NAME];
    /* of every sampler; value NaN: none */
    double value[KAD_AGREEMENT_SAMPLERS], err[KAD_AGREEMENT_SAMPLERS],
        dof[KAD_AGREEMENT_SAMPLERS];
    size_t n; /* estimates; fewer than two are no comparison */
    double chi2, p;
    size_t apart;              /* the sampler that stands farthest from the others */
    double others, others_err; /* their weighted mean */
    bool refuted;
} kad_agreement_row;

typedef struct kad_agreement {
    size_t n_samplers, n;
    char sampler[KAD_AGREEMENT_SAMPLERS][KAD_ESTIMATE_NAME]; /* tables of /analysis */
    kad_agreement_row row[KAD_AGREEMENT_ROWS];
    size_t n_compared, n_refuted;
    double limit; /* of p */
} kad_agreement;

/* chi^2 and Welch's p of K >= 2 independent estimates; dof NaN or infinite: an error
 * that is known exactly. */
double kad_welch(size_t K, const double *value, const double *err, const double *dof,
                 double *chi2);

/* "p 0.03", "p < 1e-99". */
const char *kad_format_p(char *text, size_t size, double p);

/* Add an estimate; without an error bar, or where the tables are full, nothing. */
void kad_agreement_add(kad_agreement *agreement, const char *observable,
                       const char *sampler, double value, double err, double dof);
/* Every row of a table of estimates. */
void kad_agreement_add_table(kad_agreement *agreement, const kad_estimates *estimates,
                             bool symmetric);
/* chi^2, p and what is refuted, once every estimate is there; errors count as no smaller
 * than KAD_SINGLE_ROUNDING of the value. */
void kad_agreement_finish(kad_agreement *agreement);

/* What is refuted, as an error; but for the row KAD_OVERLAP, which speaks of the map
 * (weighed.h). */
void kad_agreement_warn(const kad_agreement *agreement, kad_diagnostics *diagnostics);
/* Replaces /agreement: observable [o], sampler [s]; value, err, err_dof [o, s]; n, chi2,
 * dof, p, refuted [o], apart [o]; attributes false_alarm, n_compared, limit. Nothing
 * where nothing is compared. */
KAD_MUST_USE kad_status kad_agreement_write(kad_ctx *ctx, kad_h5 *file,
                                            const kad_agreement *agreement);
/* n = 0 where a file has none. Errors: KAD_EDATA, KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_agreement_read(kad_ctx *ctx, kad_h5 *file,
                                           kad_agreement *out);
/* One row: its estimates, chi^2 and p. No newline. */
void kad_agreement_print_row(const kad_agreement *agreement, size_t row, kad_text *out);

#endif

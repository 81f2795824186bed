/* Effective couplings of a field in a basis of local operators, S = sum_a g_a O_a, two
 * ways that know nothing of each other:
 *
 *   samples  from configurations alone. For any weight exp(-S) and any field of vectors v,
 *            <div v> = <v . grad S>. With v = grad O_a (Schwinger-Dyson):
 *                sum_b <grad O_a . grad O_b> g_b = <laplace O_a>.
 *            Exact where S is in the span; elsewhere the g that minimise the mean square
 *            of grad(S - sum g O) (score matching: Hyvaerinen, JMLR 6 (2005) 695).
 *   flow     least squares of given values S_h of the renormalised action (bulk/coarse.h)
 *            on the operators: minimises the variance of S_h - sum g O.
 *
 * Where the span does not hold the action the two differ; by how much says how far the
 * truncation can be trusted. */
#ifndef KAD_BULK_COUPLINGS_H
#define KAD_BULK_COUPLINGS_H

#include "bulk/cells.h"
#include "bulk/coarse.h"
#include "bulk/operators.h"

typedef enum kad_couplings_by {
    KAD_COUPLINGS_SAMPLES,
    KAD_COUPLINGS_FLOW,
    KAD_COUPLINGS_BOTH
} kad_couplings_by;

typedef struct kad_couplings {
    int n; /* operators */
    size_t n_cells;
    double scale; /* s: root mean square of a component of the field */
    double g[KAD_COUPLINGS_BOTH][KAD_N_OPERATORS];      /* of the field as it is */
    double g_unit[KAD_COUPLINGS_BOTH][KAD_N_OPERATORS]; /* of phi / s: g s^degree */
    /* series over cells [n][n_cells] (bulk/cells.h), in one block */
    double *series[KAD_COUPLINGS_BOTH], *series_unit[KAD_COUPLINGS_BOTH];
    double *block;
    /* of the least squares: root mean square of S - <S> and of what is left */
    double spread, residual;
} kad_couplings;

/* Configurations field [..][n_sites * n_comp] (those of the cells) and S [..] (NULL: no
 * `flow`). What can not be had is NaN. Errors: KAD_ENOMEM; *out is then empty. */
KAD_MUST_USE kad_status kad_couplings_fit(kad_scope *in, const kad_operators *operators,
                                          const kad_bulk_cells *cells,
                                          const double *field, const double *S,
                                          kad_couplings *out);

/* Couplings of every level: /bulk/couplings. */
KAD_MUST_USE kad_status kad_couplings_write(kad_ctx *ctx, const kad_coarse *coarse,
                                            kad_h5 *file);

#endif

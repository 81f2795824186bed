/* The couplings of every level of a run, /bulk/couplings, and the flow of those of several
 * runs in one page. */
#ifndef KAD_REPORT_BULK_COUPLINGS_H
#define KAD_REPORT_BULK_COUPLINGS_H

#include "analysis/results.h"
#include "analysis/text.h"

enum { KAD_COUPLINGS_LEVELS = 12, KAD_COUPLINGS_OPERATORS = 16, KAD_COUPLINGS_RUNS = 6 };
enum { KAD_COUPLINGS_MODEL = 160 };

/* Couplings of unit fields [level][operator]. */
typedef struct kad_coupling_table {
    size_t n_levels, n_operators; /* 0: the file has none */
    char *name[KAD_COUPLINGS_OPERATORS];
    char model[KAD_COUPLINGS_MODEL]; /* what the run is of; "": the file does not say */
    kad_values samples, samples_err, flow, flow_err;
    kad_values exact; /* [operator] of level 0; n = 0: unknown */
} kad_coupling_table;

KAD_MUST_USE kad_status kad_coupling_table_read(kad_scope *in, kad_h5 *file,
                                                kad_coupling_table *c);

/* A page with a plot for each operator: couplings from samples against level, a series for
 * each run (n <= KAD_COUPLINGS_RUNS) named label[run] and by its model. */
void kad_coupling_page(size_t n, const kad_coupling_table *runs, const char *const *label,
                       kad_text *out);

#endif

/* The table of estimates of one series: /analysis/NAME of a results file. */
#ifndef KAD_ANALYSIS_TABLE_H
#define KAD_ANALYSIS_TABLE_H

#include "analysis/results.h"

#include <stdbool.h>

enum { KAD_TABLE_MAX = 128 };

/* Columns of equal length n, or empty where the file has none. */
typedef struct kad_table {
    size_t n;
    char *observable[KAD_TABLE_MAX];
    char *flag[KAD_TABLE_MAX]; /* of the error: "ok", ...; NULL where the file has none */
    kad_values mean, err, tau, tau_err, n_eff, rhat, rhat_limit, exact;
} kad_table;

/* n = 0 when the group is absent or empty. Errors: KAD_EDATA, KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_table_read(kad_scope *in, kad_h5 *file, const char *group,
                                       kad_table *out);
/* Row of an observable; t->n where there is none. */
size_t kad_table_find(const kad_table *table, const char *observable);
/* Entry of a column; NaN where the column is empty. */
double kad_table_at(const kad_table *table, const kad_values *column, size_t i);
/* Why row i has no error bar, for the first row with that reason; NULL for the others, and
 * where nothing is missing. */
const char *kad_table_reason(const kad_table *table, size_t i);
/* Whether row k has none for the reason of row i. */
bool kad_table_lacks_alike(const kad_table *table, size_t i, size_t k);

#endif

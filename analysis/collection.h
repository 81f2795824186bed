/* Tables of estimates of many runs, or of many values of a coupling ("points"), side by side:
 * for each table's name the observables that any point has. */
#ifndef KAD_ANALYSIS_COLLECTION_H
#define KAD_ANALYSIS_COLLECTION_H

#include "analysis/table.h"

/* What is kept of an estimate. */
enum {
    KAD_COLLECT_MEAN,
    KAD_COLLECT_ERR,
    KAD_COLLECT_TAU,
    KAD_COLLECT_N_EFF,
    KAD_COLLECT_EXACT,
    KAD_COLLECT_COLUMNS
};

/* The table of one name: "mis", "log_z". */
typedef struct kad_collected {
    const char *name;
    size_t n; /* observables */
    const char *observable[KAD_TABLE_MAX];
    double *value[KAD_COLLECT_COLUMNS][KAD_TABLE_MAX]; /* [n_points], NaN: none */
} kad_collected;

enum { KAD_COLLECTION_MAX = 32 };

typedef struct kad_collection {
    kad_scope *in; /* all of it is taken there */
    size_t n_points, n;
    kad_collected *table[KAD_COLLECTION_MAX];
} kad_collection;

/* The table of a name, new where no point before had it; NULL: no room. Errors: KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_collection_table(kad_collection *c, const char *name,
                                             kad_collected **out);
/* Index of an observable, likewise; KAD_TABLE_MAX: no room. */
KAD_MUST_USE kad_status kad_collection_row(kad_collection *c, kad_collected *table,
                                           const char *observable, size_t *out);
/* A point's table of that name. What there is no room for is left out. */
KAD_MUST_USE kad_status kad_collection_add(kad_collection *c, size_t point,
                                           const char *name, const kad_table *table);

#endif

/* A table of numbers that grows by rows: the training log and the evaluations. Columns
 * are kept as doubles and written to a results file with their own type and description.
 */
#ifndef KAD_TRAIN_SERIES_H
#define KAD_TRAIN_SERIES_H

#include "io/h5.h"

typedef struct kad_column {
    const char *name;
    kad_h5_type type; /* KAD_H5_F64, or KAD_H5_I64 for counts below 2^53 */
    const char *units, *long_name, *estimator;
} kad_column;

typedef struct kad_series {
    const kad_column *columns;
    size_t n_columns, n, capacity; /* rows: now, at most */
    double *data;                  /* [n_columns][capacity] */
} kad_series;

KAD_MUST_USE kad_status kad_series_create(kad_ctx *ctx, const kad_column *columns,
                                          size_t n_columns, size_t capacity,
                                          kad_series *out);
void kad_series_clear(kad_series *series);
/* Append row[n_columns]; a full table drops it. */
void kad_series_add(kad_series *series, const double *row);
/* Column of a name; NULL if there is none. */
const double *kad_series_column(const kad_series *series, const char *name);

/* Everything as doubles, for a checkpoint; restore requires the same columns and no more
 * rows than the capacity. */
KAD_MUST_USE kad_status kad_series_save(kad_ctx *ctx, const kad_series *series,
                                        kad_h5 *file, const char *group);
KAD_MUST_USE kad_status kad_series_restore(kad_ctx *ctx, kad_series *series, kad_h5 *file,
                                           const char *group);
/* One described dataset a column, with the first column as the scale of axis `axis`. */
KAD_MUST_USE kad_status kad_series_write(kad_ctx *ctx, const kad_series *series,
                                         kad_h5 *file, const char *group,
                                         const char *axis);

#endif

/* A table of numbers that grows by rows: the training log and the evaluations. Columns
 * are kept as doubles and written to a results file with their own type and description.
 */
#ifndef KAD_TRAIN_HISTORY_H
#define KAD_TRAIN_HISTORY_H

#include "io/writer.h"

typedef struct kad_history_column {
    const char *name;
    kad_h5_type type; /* KAD_H5_F64, or KAD_H5_I64 for counts below 2^53 */
    const char *units, *long_name, *estimator;
} kad_history_column;

typedef struct kad_history {
    const kad_history_column *columns;
    size_t n_columns, n, capacity; /* rows: now, at most */
    double *data;                  /* [n_columns][capacity] */
} kad_history;

KAD_MUST_USE kad_status kad_history_create(kad_ctx *ctx,
                                           const kad_history_column *columns,
                                           size_t n_columns, size_t capacity,
                                           kad_history *out);
void kad_history_clear(kad_history *history);
/* Append row[n_columns]; a full table drops it. */
void kad_history_add(kad_history *history, const double *row);

/* Everything as doubles, for a checkpoint; restore requires the same columns and no more
 * rows than the capacity. */
KAD_MUST_USE kad_status kad_history_save(kad_ctx *ctx, const kad_history *history,
                                         kad_h5 *file, const char *group);
/* A column that the file, of an earlier version, has not is NaN. */
KAD_MUST_USE kad_status kad_history_restore(kad_ctx *ctx, kad_history *history,
                                            kad_h5 *file, const char *group);
/* One described data set a column, along the axis that the first column is. */
void kad_history_write(kad_writer *w, const kad_history *history);

#endif

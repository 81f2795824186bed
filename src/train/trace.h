/* A table of numbers that grows by rows: the training log and the evaluations. Columns
 * are kept as doubles and written to a results file with their own type and description.
 */
#ifndef KAD_TRAIN_TRACE_H
#define KAD_TRAIN_TRACE_H

#include "io/h5.h"

typedef struct kad_trace_column {
    const char *name;
    kad_h5_type type; /* KAD_H5_F64, or KAD_H5_I64 for counts below 2^53 */
    const char *units, *long_name, *estimator;
} kad_trace_column;

typedef struct kad_trace {
    const kad_trace_column *columns;
    size_t n_columns, n, capacity; /* rows: now, at most */
    double *data;                  /* [n_columns][capacity] */
} kad_trace;

KAD_MUST_USE kad_status kad_trace_create(kad_ctx *ctx, const kad_trace_column *columns,
                                         size_t n_columns, size_t capacity,
                                         kad_trace *out);
void kad_trace_clear(kad_trace *trace);
/* Append row[n_columns]; a full table drops it. */
void kad_trace_add(kad_trace *trace, const double *row);

/* Everything as doubles, for a checkpoint; restore requires the same columns and no more
 * rows than the capacity. */
KAD_MUST_USE kad_status kad_trace_save(kad_ctx *ctx, const kad_trace *trace, kad_h5 *file,
                                       const char *group);
KAD_MUST_USE kad_status kad_trace_restore(kad_ctx *ctx, kad_trace *trace, kad_h5 *file,
                                          const char *group);
/* One described dataset a column, with the first column as the scale of axis `axis`. */
KAD_MUST_USE kad_status kad_trace_write(kad_ctx *ctx, const kad_trace *trace,
                                        kad_h5 *file, const char *group,
                                        const char *axis);

#endif

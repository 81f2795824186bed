/* Series of a sampler: columns of one value or one row of values a draw, kept in memory
 * for the whole run and cut into segments on disk, so that a killed run goes on where its
 * last segment ends. Columns are [n_chains][n_stored][width], n_stored draws being kept
 * out of n_draws (all of them unless `stride` > 1).
 *
 * Strides are powers of two, and a bin is the mean of two bins of half its length: what a
 * series keeps is what a longer one keeps of the same draws, or is made of it to the bit.
 * So a finished series can be taken over by a longer one. */
#ifndef KAD_RECORD_STORE_H
#define KAD_RECORD_STORE_H

#include "io/h5.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KAD_STORE_COLUMNS = 160, KAD_STORE_NAME = 96, KAD_STORE_RANK = 4 };

typedef struct kad_column {
    char name[KAD_STORE_NAME]; /* path below the sampler's group: "observables/energy" */
    kad_h5_type type;          /* KAD_H5_F64, KAD_H5_F32 or KAD_H5_U8 */
    size_t width;              /* values a draw */
    int rank;                  /* trailing axes (0: a scalar a draw) */
    size_t dims[KAD_STORE_RANK];      /* their extents */
    const char *axis[KAD_STORE_RANK]; /* their labels: static strings */
    bool mean;                        /* kept are means over stride draws */
    const char *bin_axis;             /* label of those bins; NULL: "bin" */
    int n_weighted; /* of ln sum w: the means of so many columns after it have its weights */
    size_t n_kept; /* as asked for; 0: all */
    size_t stride; /* every stride-th draw is kept: 2^n_levels */
    int n_levels;
    double *open; /* [n_chains][n_levels][width]: of a mean, what the bin under way has of
                     2^level draws */
    size_t n_stored;                         /* draws kept of a chain */
    const char *units, *summary, *estimator; /* static strings; may be NULL */
    bool conditional; /* a mean given part of what was drawn: said in the file */
    void *data;       /* [n_chains][n_stored][width] */
} kad_column;

typedef struct kad_store {
    size_t n_chains, n_draws;
    const char *segment; /* group of a segment's series; "/series" */
    int n_columns;
    kad_column column[KAD_STORE_COLUMNS];
} kad_store;

KAD_MUST_USE kad_status kad_store_create(kad_ctx *ctx, size_t n_chains, size_t n_draws,
                                         kad_store **out);
void kad_store_destroy(kad_store *store);

/* Append a column (fields name, type, rank, dims, axis, mean, units, summary, estimator of
 * n_weighted of `spec`); at least n_kept draws of a chain are kept and fewer than twice as
 * many, evenly spaced (0 or >= n_draws: all). With `mean` (KAD_H5_F64 only) at most n_kept
 * bins are kept (of two at least), and more than half as many, each the mean of its draws.
 * The memory is allocated here. Returns it through *out (may be NULL). Errors: KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_store_add(kad_ctx *ctx, kad_store *store,
                                      const kad_column *spec, size_t n_kept,
                                      kad_column **out);
/* NULL if absent. */
kad_column *kad_store_find(kad_store *store, const char *name);
/* Store one draw's values (converted to the column's type); ignored for draws that the
 * column does not keep. */
void kad_column_set(const kad_column *column, size_t chain, size_t draw,
                    const double *values);
/* Add a draw to bins of self-normalised means: of a bin, columns[0] (one value) holds
 * ln sum w, its n_weighted columns hold sum w a / sum w of their parts of `values`, which
 * stand one after the other. All of them with `mean` and the same bins. log_w = -inf: no
 * weight. */
void kad_columns_add_weighted(const kad_column *columns, size_t chain, size_t draw,
                              double log_w, const double *values);
/* True when the column keeps this draw. */
bool kad_column_keeps(const kad_column *column, size_t draw);

/* Draws first .. first + n - 1 of every chain to and from the group `segment` of
 * a segment. */
KAD_MUST_USE kad_status kad_store_save(kad_ctx *ctx, const kad_store *store, size_t first,
                                       size_t n, kad_h5 *file);
KAD_MUST_USE kad_status kad_store_load(kad_ctx *ctx, kad_store *store, size_t first,
                                       size_t n, kad_h5 *file);

/* The n_draws draws of a finished series, as kad_store_write and (at its end, of no draws)
 * kad_store_save have left them below `group` of `results` and in `end`, become the first
 * ones of this one, which is longer. end NULL: without means. Errors: KAD_EDATA, KAD_EIO,
 * KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_store_take_over(kad_ctx *ctx, kad_store *store,
                                            size_t n_draws, kad_h5 *results,
                                            const char *group, kad_h5 *end);

/* The finished series below `group` of a results file: data, attributes, axes. */
KAD_MUST_USE kad_status kad_store_write(kad_ctx *ctx, const kad_store *store,
                                        kad_h5 *file, const char *group);

#endif

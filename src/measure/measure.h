/* Measuring: the observables that apply to an action, evaluated on batches of boundary
 * configurations. A configuration's values are one row; observable i owns columns
 * offset[i] .. offset[i] + width[i] - 1. */
#ifndef KAD_MEASURE_MEASURE_H
#define KAD_MEASURE_MEASURE_H

#include "measure/observable.h"

#include <stdint.h>

enum { KAD_OBSERVABLES_MAX = 64 };

typedef struct kad_measure {
    const kad_action *action; /* borrowed */
    kad_rng rng;              /* spins given the field */
    int n_threads;
    int n;
    const kad_observable_ops *ops[KAD_OBSERVABLES_MAX];
    size_t width[KAD_OBSERVABLES_MAX];
    size_t offset[KAD_OBSERVABLES_MAX];
    size_t n_columns;
    kad_pair *pairs; /* couplings of a dual given in a file; NULL: none */
    size_t n_pairs;
    double *scratch; /* [n_threads][3 n_rows] */
} kad_measure;

/* Errors: KAD_ENOMEM; KAD_ECONFIG for a dual of more than 3 components. On failure *out
 * is NULL. `index` separates the spin streams of several series of one run. */
KAD_MUST_USE kad_status kad_measure_create(kad_ctx *ctx, const kad_action *action,
                                           uint64_t seed, uint32_t index,
                                           kad_measure **out);
void kad_measure_destroy(kad_measure *measure);

/* rows [n][n_columns] of n configurations x [n][n_rows] with their numbers (keys of the
 * spins drawn) and actions S. Rows depend on the configuration and its number only. */
void kad_measure_rows(const kad_measure *measure, size_t n, const uint64_t *number,
                      const double *x, const double *S, double *rows);

#endif

/* Measuring: the observables that apply to an action, evaluated on batches of boundary
 * configurations. A configuration's values are one row; observable i owns columns
 * offset[i] .. offset[i] + width[i] - 1. The first n_plain observables are kept draw by
 * draw, the others as means over bins of draws. This folder holds observables
 * (observable.h; twist: currents and windings) and knows neither maps nor samplers:
 * record/ joins them. */
#ifndef KAD_MEASURE_MEASURE_H
#define KAD_MEASURE_MEASURE_H

#include "base/memory.h"
#include "io/h5.h"
#include "lattice/fourier.h"
#include "measure/observable.h"

#include <stdint.h>

enum { KAD_OBSERVABLES_MAX = 64 };

typedef struct kad_measure {
    const kad_action *action; /* borrowed */
    kad_rng rng;              /* spins given the field */
    int n_threads;
    int n, n_plain;
    const kad_observable_ops *ops[KAD_OBSERVABLES_MAX];
    size_t width[KAD_OBSERVABLES_MAX];
    size_t offset[KAD_OBSERVABLES_MAX];
    size_t n_columns;
    double coupling, J; /* of kad_view */
    bool twist;         /* something needs the currents */
    kad_pair *pairs;    /* bonds of given couplings; NULL: nearest neighbours */
    size_t n_pairs;
    kad_fourier *fourier;
    kad_orbits *orbits;
    double *cosine; /* [L] */
    double *A;      /* [n_modes] A(k) behind a dual field; NULL: none */
    size_t stride;  /* of rows */
    size_t n_modes, n_work;
    double *work; /* [n_threads][n_work] */
} kad_measure;

/* Errors: KAD_ENOMEM. On failure *out is NULL. `index` separates the spin streams of
 * several series of one run. */
KAD_MUST_USE kad_status kad_measure_create(kad_ctx *ctx, const kad_action *action,
                                           uint64_t seed, uint32_t index,
                                           kad_measure **out);
void kad_measure_destroy(kad_measure *measure);
KAD_LOCAL_OF(kad_measure, kad_measure_destroy)

/* rows [n][n_columns] of n configurations x [n][n_sites * n_comp] with their numbers
 * (keys of the spins drawn, below 2^48) and actions S. Rows depend on the configuration
 * and its number only. */
void kad_measure_rows(const kad_measure *measure, size_t n, const uint64_t *number,
                      const double *x, const double *S, double *rows);

/* The coordinates of rows of values into a group of a results file, before the rows:
 * displacement [i] = |r| and momentum [i] = |k| (scales of axes of those names), their
 * representatives displacement_vector and momentum_vector [i][d] in lattice steps and 2
 * pi / L, displacement_count and momentum_count [i]; attribute `coupling` (K). */
KAD_MUST_USE kad_status kad_measure_write(kad_ctx *ctx, const kad_measure *measure,
                                          kad_h5 *file, const char *group);

#endif

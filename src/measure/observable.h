/* The observable interface: a family of observables is one file with `static const
 * kad_observable_ops` and one line each in registry.c. An observable is evaluated on one
 * boundary configuration at a time, in double.
 *
 * Fields: phi is the boundary field itself. Spin systems behind a dual field x: phi is
 * m(x) = <s|x>, the spins being independent given x, so that <s_i . s_j> = <m_i . m_j>
 * for i != j, and <s_i . s_i> = 1 is put right by `self` = sum_i (1 - |m_i|^2). These
 * improved estimators have the spins' noise integrated out; what is not a polynomial in
 * the spins is measured on spins drawn given x. */
#ifndef KAD_MEASURE_OBSERVABLE_H
#define KAD_MEASURE_OBSERVABLE_H

#include "models/action.h"

#include <stdbool.h>
#include <stddef.h>

/* Bonds of a spin system whose couplings are given, each pair once: J s_i . s_j. */
typedef struct kad_pair {
    int i, j;
    double J;
} kad_pair;

/* One configuration as observables see it; everything borrowed. */
typedef struct kad_view {
    const kad_action *action;
    const kad_lattice *lattice;
    int n_comp;
    const double *x;   /* [n_rows] boundary field */
    const double *phi; /* [n_rows] the field, or the spins' conditional means */
    const double *s;   /* [n_rows] spins drawn given x; NULL unless dual */
    double self;       /* sum_i (1 - |m_i|^2) for duals, else 0 */
    double S;          /* action of the whole configuration */
    /* given couplings; NULL: nearest neighbours, J = 1 */
    const kad_pair *pairs;
    size_t n_pairs;
    double *scratch; /* [n_rows], an observable's own while it is evaluated */
} kad_view;

typedef struct kad_observable_ops {
    const char *name;      /* dataset name: observables/NAME */
    const char *summary;   /* one line; the dataset's long_name */
    const char *reference; /* definition: DOI, arXiv number or formula */
    const char *units;     /* "" when dimensionless (lattice units) */
    const char *estimator; /* how it is estimated; one line */
    /* REQUIRED */
    bool (*applies)(const kad_action *action);
    /* OPTIONAL (NULL: 1). Number of values: a function of the lattice only. */
    size_t (*width)(const kad_lattice *lattice);
    /* REQUIRED. out[width] (overwritten). Reentrant. */
    void (*evaluate)(const kad_view *view, double *out);
} kad_observable_ops;

/* Every registered observable, NULL-terminated. */
extern const kad_observable_ops *const kad_observables[];
const kad_observable_ops *kad_observable_find(const char *name);

/* The registered ones; implementation files define, registry.c lists. */
extern const kad_observable_ops kad_observable_energy, kad_observable_m,
    kad_observable_abs_m, kad_observable_m2, kad_observable_m4, kad_observable_phi2,
    kad_observable_phi4, kad_observable_bond, kad_observable_axis,
    kad_observable_diagonal, kad_observable_slice;

#endif

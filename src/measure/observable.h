/* The observable interface: a family of observables is one file with `static const
 * kad_observable_ops` and one line each in registry.c. An observable is evaluated on one
 * boundary configuration at a time, in double.
 *
 * Fields: phi is the boundary field itself. Spin systems behind a dual field x: phi is
 * m(x) = <s|x>, the spins being independent given x, so that <s_i . s_j> = <m_i . m_j>
 * for i != j, and <s_i . s_i> = 1 is put right by `self` = sum_i (1 - |m_i|^2). These
 * improved estimators have the spins' noise integrated out; what is not a polynomial in
 * the spins is measured on spins drawn given x. So are twins, drawn_NAME, of what several
 * couplings' draws together need (analysis/mbar.h): weights and what they weigh must be
 * functions of the same spins.
 *
 * Translated products are made once for all observables, by FFT: the power spectrum
 * P(k) = |phi_k|^2 / N + self / N and its transform G(r) = (1/N) sum_i phi_i . phi_{i+r}
 * (+ self / N at r = 0). */
#ifndef KAD_MEASURE_OBSERVABLE_H
#define KAD_MEASURE_OBSERVABLE_H

#include "lattice/orbits.h"
#include "models/spin_system.h"

#include <stdbool.h>
#include <stddef.h>

/* One configuration as observables see it; everything borrowed. Fields are component by
 * component, [n_comp][stride] with sites 0 .. N - 1 in order, 64-byte aligned, the stride
 * a multiple of KAD_W_DOUBLE, zero beyond the sites. */
typedef struct kad_view {
    const kad_action *action;
    const kad_lattice *lattice;
    int n_comp;
    size_t stride;
    const double *x;   /* boundary field */
    const double *phi; /* the field, or the spins' conditional means */
    const double *s;   /* spins drawn given x; NULL for fields */
    bool direct;       /* the spins are a function of x */
    double self;       /* sum_i (|s_i|^2 - |m_i|^2) of spins, else 0 */
    double S;          /* action of the whole configuration */
    double coupling;   /* K of the bonds, weight exp(K sum phi.phi); NaN: not uniform */
    double J;          /* of uniform spins, K = beta J; else 1 */
    /* given couplings; NULL: nearest neighbours */
    const kad_pair *pairs;
    size_t n_pairs;
    const kad_orbits *orbits; /* displacements and momenta up to symmetry */
    const double *cosine;     /* [L] cos(2 pi p / L), L the largest extent */
    const double *G;          /* [n_sites] two-point function */
    const double *P;          /* [n_modes] power spectrum (half, lattice/fourier.h) */
    /* [n_modes] spectrum of the spins from the dual field's, [|x_k|^2/N - n A(k)]/A(k)^2;
     * NULL unless A is diagonal in momenta */
    const double *P_dual;
    double twist[KAD_MAX_DIM]; /* square of the current along an axis (twist.h) */
    double *scratch;           /* [n_scratch][stride], zero beyond the sites of a row */
} kad_view;

typedef struct kad_observable_ops {
    const char *name;      /* dataset name: observables/NAME, binned/NAME */
    const char *summary;   /* one line; the dataset's long_name */
    const char *reference; /* definition: DOI, arXiv number or formula */
    const char *units;     /* "" when dimensionless (lattice units) */
    const char *estimator; /* how it is estimated; one line */
    /* REQUIRED */
    bool (*applies)(const kad_action *action);
    /* OPTIONAL (NULL: 1). Number of values: a function of the lattice only. */
    size_t (*width)(const kad_lattice *lattice);
    /* OPTIONAL (NULL: "r"). Label of the values' axis; its scale of that name is 0, 1, 2,
     * ... unless kad_measure_write makes another. */
    const char *axis;
    /* Many values: kept as means over bins of draws (binned/NAME). In the registry these
     * stand behind all others. */
    bool binned;
    /* Reads view->twist, which is made only where one does. */
    bool currents;
    /* Of spins: always a function of the spins drawn given x, as their energy is
     * (drawn_energy). false: a mean given x, which is not to be reweighted to another
     * coupling by that energy. Of fields everything is a function of the field. */
    bool drawn;
    /* REQUIRED. out[width] (overwritten). Reentrant. */
    void (*evaluate)(const kad_view *view, double *out);
} kad_observable_ops;

/* Every registered observable, NULL-terminated. */
extern const kad_observable_ops *const kad_observables[];
const kad_observable_ops *kad_observable_find(const char *name);

/* applies() of what needs nothing. */
bool kad_observable_always(const kad_action *action);
/* applies() of what needs directions to be alike: of fields, and of spins anywhere on the
 * unit sphere. */
bool kad_observable_isotropic(const kad_action *action);
/* applies() of what only spins have. */
bool kad_observable_spins(const kad_action *action);
/* The largest extent, and how many axes have it. */
int kad_observable_extent(const kad_lattice *lattice, int *n_axes);

#endif

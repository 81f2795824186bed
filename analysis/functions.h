/* The functions of means that are reported: momentum-space correlator, susceptibilities,
 * specific heat, second-moment correlation length, effective masses, Binder cumulant.
 * C(r), r = 0 .. L/2, is the zero-momentum slice correlator (sum_{r=0}^{L-1} C(r) = N
 * m2). A function of the table below becomes a row of every analysis whose series it
 * needs are there; of two of one name the first that can be made counts. */
#ifndef KAD_ANALYSIS_FUNCTIONS_H
#define KAD_ANALYSIS_FUNCTIONS_H

#include "analysis/derived.h"

/* What they need to know beside the means. */
typedef struct kad_lattice_facts {
    double n_sites, extent; /* N and the largest extent L */
    size_t index;           /* which k (G_k) or r (m_eff) */
    double n_components;    /* of the field or spins */
    double beta;            /* inverse temperature; NaN: the model has none */
} kad_lattice_facts;

enum { KAD_DERIVED_SCALARS = 2 };

typedef struct kad_derived {
    const char *name;
    kad_function f;
    const char *scalars[KAD_DERIVED_SCALARS]; /* names of its inputs; NULL beyond */
    const char *row; /* instead: every column of this correlator; NULL: none */
} kad_derived;

extern const kad_derived kad_derived_table[];
extern const size_t kad_n_derived;

/* of C(0 .. L/2): G(k) = C(0) + 2 sum_{0<r<L/2} C(r) cos(k r) [+ C(L/2) cos(k L/2), L
 * even], k = 2 pi index / L along an axis */
double kad_function_gk(size_t n, const double *C, const void *facts);
/* of m2 and the structure factor C(k_1) at the smallest momentum:
 * sqrt(N m2 / C(k_1) - 1) / (2 sin(pi/L)) */
double kad_function_xi_structure(size_t n, const double *mean, const void *facts);
/* of C: the same, xi = sqrt(G(0)/G(k_1) - 1) / (2 sin(pi/L)) */
double kad_function_xi(size_t n, const double *C, const void *facts);
/* of C: arccosh[(C(r-1) + C(r+1)) / (2 C(r))] at r = index, C(L/2 + 1) = C(L - L/2 - 1)
 */
double kad_function_m_eff(size_t n, const double *C, const void *facts);
/* of C: its mean over r = 1 .. L/2 */
double kad_function_mass(size_t n, const double *C, const void *facts);
/* of m2: N m2 */
double kad_function_chi(size_t n, const double *mean, const void *facts);
/* of m2, |m|: N (m2 - |m|^2) */
double kad_function_chi_connected(size_t n, const double *mean, const void *facts);
/* of m2, m4: 1 - n m4 / ((n + 2) m2^2) for n components: 0 for Gaussian m, 2/(n + 2) for
 * fixed |m|. n = 1: 1 - m4 / (3 m2^2). */
double kad_function_binder(size_t n, const double *mean, const void *facts);
/* of energy a site e and its square: beta^2 N (<e^2> - <e>^2); NaN without beta */
double kad_function_specific_heat(size_t n, const double *mean, const void *facts);
/* of G(0 .. L/2): G(L/2) */
double kad_function_last(size_t n, const double *G, const void *facts);

#endif

/* The functions of means that are reported: momentum-space correlator, susceptibility,
 * second-moment correlation length, effective masses, Binder cumulant. C(r), r = 0 ..
 * L/2, is the zero-momentum slice correlator (sum_{r=0}^{L-1} C(r) = N m2). */
#ifndef KAD_ANALYSIS_FUNCTIONS_H
#define KAD_ANALYSIS_FUNCTIONS_H

#include <stddef.h>

/* What they need to know beside the means. */
typedef struct kad_lattice_facts {
    double n_sites, extent; /* N and the largest extent L */
    size_t index;           /* which k (G_k) or r (m_eff) */
} kad_lattice_facts;

/* of C(0 .. L/2): G(k) = C(0) + 2 sum_{0<r<L/2} C(r) cos(k r) [+ C(L/2) cos(k L/2), L
 * even], k = 2 pi index / L along an axis */
double kad_function_gk(size_t n, const double *C, const void *facts);
/* of C: xi = sqrt(G(0)/G(k_1) - 1) / (2 sin(pi/L)) */
double kad_function_xi(size_t n, const double *C, const void *facts);
/* of C: arccosh[(C(r-1) + C(r+1)) / (2 C(r))] at r = index, C(L/2 + 1) = C(L - L/2 - 1)
 */
double kad_function_m_eff(size_t n, const double *C, const void *facts);
/* of C: its mean over r = 1 .. L/2 */
double kad_function_mass(size_t n, const double *C, const void *facts);
/* of m2: N m2 */
double kad_function_chi(size_t n, const double *mean, const void *facts);
/* of m2, m4: 1 - m4 / (3 m2^2) */
double kad_function_binder(size_t n, const double *mean, const void *facts);

#endif

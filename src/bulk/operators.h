/* Local O(n)-invariant operators of a field phi_i in R^n on a periodic lattice, the basis
 * in which renormalised actions are written, S = sum_a g_a O_a:
 *
 *   nn           sum_<ij> phi_i.phi_j             nearest neighbours
 *   nnn          sum over (1, 1) pairs, phi_i.phi_j
 *   third        sum over (2, 0) pairs, phi_i.phi_j
 *   phi2 .. phi6 sum_i |phi_i|^2, |phi_i|^4, |phi_i|^6
 *   nn_mixed     sum_<ij> (|phi_i|^2 + |phi_j|^2) phi_i.phi_j
 *   nn_quartic   sum_<ij> (phi_i.phi_j)^2
 *   plaquette    sum_[1234] [(phi_1.phi_2)(phi_3.phi_4) + (phi_2.phi_3)(phi_4.phi_1)]/2
 *
 * Every bond and plaquette of the periodic lattice counts once, both bonds of a pair at
 * extent 2. An operator that is absent on a lattice (no neighbours on a single site, no
 * diagonals in one dimension, (2, 0) below extent 4) is left out of its basis. */
#ifndef KAD_BULK_OPERATORS_H
#define KAD_BULK_OPERATORS_H

#include "base/memory.h"

#include <stddef.h>

typedef enum kad_operator {
    KAD_OP_NN,
    KAD_OP_NNN,
    KAD_OP_THIRD,
    KAD_OP_PHI2,
    KAD_OP_PHI4,
    KAD_OP_PHI6,
    KAD_OP_NN_MIXED,
    KAD_OP_NN_QUARTIC,
    KAD_OP_PLAQUETTE,
    KAD_N_OPERATORS
} kad_operator;

extern const char *const kad_operator_names[KAD_N_OPERATORS];
/* Powers of phi in it: O(s phi) = s^degree O(phi). */
extern const int kad_operator_degree[KAD_N_OPERATORS];

enum { KAD_OPERATOR_COMPONENTS = 3 };

typedef struct kad_operators {
    int n; /* in the basis */
    kad_operator op[KAD_N_OPERATORS];
    int n_sites, n_comp;
    int n_pair[3]; /* nn, nnn, third: partners of a site (each pair from both ends) */
    int *pair[3];  /* [n_sites][n_pair] */
    int n_corner;  /* plaquettes of a site (each from its four corners) */
    int *corner;   /* [n_sites][n_corner][3]: the others, in order around it */
} kad_operators;

/* extents [d], any >= 1, d = 1, 2, 3; n_comp 1, 2, 3. Errors: KAD_EUSAGE, KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_operators_create(kad_scope *in, int d, const int *extents,
                                             int n_comp, kad_operators **out);

/* O [n] of one configuration phi [n_sites][n_comp]. */
void kad_operators_values(const kad_operators *operators, const double *phi, double *O);
/* The integration by parts of it:  A_ab = sum_i grad_i O_a . grad_i O_b  [n][n] and
 * b_a = sum_i laplace_i O_a  [n], both added to. With S = sum_a g_a O_a,
 * <b> = <A> g  exactly (Schwinger-Dyson). O (may be NULL): the values as above. */
void kad_operators_moments(const kad_operators *operators, const double *phi, double *O,
                           double *A, double *b);

#endif

/* Translated products of a field: the one kernel behind bonds and correlators. */
#ifndef KAD_MEASURE_SHIFT_SUM_H
#define KAD_MEASURE_SHIFT_SUM_H

#include "lattice/lattice.h"

/* sum_i phi_i . phi_{i + shift}, periodic; phi [n_sites][n_comp], 0 <= shift[mu] <
 * shape[mu]. At extent 2 a shift of 1 counts both bonds of a pair, as everywhere. */
double kad_shift_sum(const kad_lattice *lattice, int n_comp, const double *phi,
                     const int shift[KAD_MAX_DIM]);

/* Slice sums along an axis: P[t][n_comp] = sum of phi over sites with x_axis = t. */
void kad_slice_sums(const kad_lattice *lattice, int n_comp, const double *phi, int axis,
                    double *P);

#endif

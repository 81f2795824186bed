/* Parts of the dual's Markov updates (models/local.h). Both conditional densities are
 * known: spins given the field are independent, the field given the spins is normal with
 * mean A s and covariance A. */
#ifndef KAD_MODELS_DUAL_LOCAL_H
#define KAD_MODELS_DUAL_LOCAL_H

#include "models/dual.h"
#include "models/local.h"

/* dual_local_kern.c; tiles 64-byte aligned. */

/* Ising spins given x: P(s_i = 1) = 1 / (1 + exp(-2 x_i)). s: room for a multiple of four
 * rows. */
void kad_dual_ising_spins(const kad_dual *dual, const kad_turn *turn, const double *x,
                          double *s);
/* x = A s + A^1/2 g with standard normal g, an exact draw given the spins. work:
 * kad_dual_field_bytes. */
size_t kad_dual_field_bytes(const kad_dual *dual);
void kad_dual_field(const kad_dual *dual, const kad_turn *turn, const double *s,
                    double *x, void *work);

#endif

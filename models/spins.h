/* Unit spins given the dual field: independent, p(s_i | x_i) ~ exp(s_i . x_i), i.e.
 * Bernoulli (n = 1), von Mises (n = 2), Fisher (n = 3) with mean direction x/|x| and
 * concentration |x|. Conditional mean m(x) = x/|x| w_n'(|x|)/w_n(|x|):
 *   n = 1: tanh r;  n = 2: I_1(r)/I_0(r);  n = 3: coth r - 1/r.
 * Source: Fisher, Proc. R. Soc. A 217 (1953) 295; Best and Fisher, Appl. Statist. 28
 * (1979) 152. */
#ifndef KAD_MODELS_SPINS_H
#define KAD_MODELS_SPINS_H

#include "base/rng.h"

#include <stddef.h>

enum { KAD_SPIN_MAX = 3 };

/* m [n_sites][n] of x [n_sites][n]; returns self = sum_i (1 - |m_i|^2). */
double kad_spins_mean(int n, size_t n_sites, const double *x, double *m);

/* Spins s [n_sites][n] of draw `number`; site i uses the counters (attempt, number, i).
 */
void kad_spins_draw(int n, kad_rng rng, uint64_t number, size_t n_sites, const double *x,
                    double *s);

#endif

/* Markov chains as one writes them first: one chain, one site after the other, scalar
 * doubles, a small generator. Two dimensions. The reference of bench/local. */
#ifndef KAD_BENCH_LOCAL_NAIVE_H
#define KAD_BENCH_LOCAL_NAIVE_H

#include "lattice/lattice.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct kad_naive kad_naive;

/* field: S = -2 sum phi phi + lambda sum phi^4 (m2 = -4 in Albergo's form), Metropolis
 * moves of half width `width`. Else Ising spins, weight exp(beta sum s s), single flips.
 * coupling: lambda or beta. */
kad_naive *kad_naive_create(const kad_lattice *lattice, bool field, double width,
                            double coupling);
void kad_naive_destroy(kad_naive *naive);
/* Ordered, with its own random numbers. */
void kad_naive_start(kad_naive *naive, uint64_t seed);
/* Every site once. */
void kad_naive_sweep(kad_naive *naive);
/* Swendsen and Wang's clusters, each grown from its first site and flipped or not; of the
 * signs of the field, as Brower and Tamayo's. */
void kad_naive_clusters(kad_naive *naive);
/* <phi^2> or E per site; m^2. */
void kad_naive_measure(const kad_naive *naive, double out[2]);

#endif

/* Swendsen-Wang clusters on any graph, in one projection of the spins: for weights
 * exp(sum_b k J_b sigma_i sigma_j) a bond with a_b = k J_b sigma_i sigma_j > 0 is open
 * with probability 1 - exp(-2 a_b); every connected cluster changes the sign of sigma
 * with probability 1/2. Exact for any real sigma and J (Ising spins; Wolff's embedding of
 * O(n) spins; Brower and Tamayo's of phi^4), up to the 32 bits of a decision. Source:
 * Swendsen and Wang, PRL 58 (1987) 86; Wolff, PRL 62 (1989) 361; Brower and Tamayo, PRL
 * 62 (1989) 1087. */
#ifndef KAD_LATTICE_CLUSTERS_H
#define KAD_LATTICE_CLUSTERS_H

#include "base/real.h"
#include "base/rng.h"
#include "lattice/lattice.h"

#include <stddef.h>
#include <stdint.h>

typedef struct kad_bonds {
    size_t n;
    int *ends; /* [n][2] */
    double *J; /* [n]; NULL: 1 */
} kad_bonds;

/* Every bond of the lattice once (both bonds at extent 2); every pair i < j with J_ij !=
 * 0 of a symmetric matrix. Errors: KAD_ENOMEM, *out then empty. Clear either kind. */
KAD_MUST_USE kad_status kad_bonds_of_lattice(kad_ctx *ctx, const kad_lattice *lattice,
                                             kad_bonds *out);
KAD_MUST_USE kad_status kad_bonds_of_matrix(kad_ctx *ctx, int N, const double *J,
                                            kad_bonds *out);
/* A bond of J = 1 of every site to one more vector, number n_sites, behind the others.
 * Errors: KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_bonds_add_ghost(kad_ctx *ctx, int n_sites, kad_bonds *bonds);
void kad_bonds_clear(kad_bonds *bonds);

/* Where the random words of a tile come from, out [4][KAD_W_DOUBLE], each block asked for
 * once a move. KAD_TOSS_BOND: row j decides bond 4 block + j, which is open if
 * exp(-2 a_b) < (word + 1/2) / 2^32. KAD_TOSS_FLIP: bit i % 32 of row i / 32 is that of
 * the cluster whose lowest site is 128 block + i. */
typedef enum kad_toss { KAD_TOSS_BOND, KAD_TOSS_FLIP } kad_toss;
typedef struct kad_coin {
    void (*toss)(void *self, kad_toss kind, uint32_t block, uint32_t *out);
    void *self;
} kad_coin;

/* Philox as a coin: two streams at (step, first_sample + lane). */
typedef struct kad_philox_coin {
    kad_rng bond, flip;
    uint64_t step, first_sample;
} kad_philox_coin;
void kad_philox_toss(void *self, kad_toss kind, uint32_t block, uint32_t *out);

/* One move of a tile: bit l of flip[i] tells that sigma_i of lane l is to change its
 * sign. Work: root [n_sites][KAD_W_DOUBLE]. Shapes: sigma [n_sites][KAD_W_DOUBLE], flip
 * [n_sites]; all 64-byte aligned. */
void kad_clusters_flip(int n_sites, const kad_bonds *bonds, double k, const double *sigma,
                       const kad_coin *coin, int32_t *root, uint32_t *flip);

#endif

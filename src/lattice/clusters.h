/* Swendsen-Wang clusters on any graph, in one projection of the spins: for weights
 * exp(sum_b k J_b sigma_i sigma_j) a bond with a_b = k J_b sigma_i sigma_j > 0 is open
 * with probability 1 - exp(-2 a_b); every connected cluster changes the sign of sigma
 * with probability 1/2. Exact for any real sigma and J (Ising spins; Wolff's embedding of
 * O(n) spins; Brower and Tamayo's of phi^4). Source: Swendsen and Wang, PRL 58 (1987) 86;
 * Wolff, PRL 62 (1989) 361; Brower and Tamayo, PRL 62 (1989) 1087. */
#ifndef KAD_LATTICE_CLUSTERS_H
#define KAD_LATTICE_CLUSTERS_H

#include "base/rng.h"
#include "lattice/lattice.h"

#include <stdbool.h>
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
void kad_bonds_clear(kad_bonds *bonds);

/* Where the random decisions come from: true with probability p. A bond is named by its
 * number, a cluster by its lowest site; each is asked for at most once a call. */
typedef enum kad_toss { KAD_TOSS_BOND, KAD_TOSS_FLIP } kad_toss;
typedef struct kad_coin {
    bool (*toss)(void *self, kad_toss kind, uint32_t index, double p);
    void *self;
} kad_coin;

/* Philox as a coin: bonds in fours and flips from two streams at (step, sample). */
typedef struct kad_philox_coin {
    kad_rng bond, flip;
    uint64_t step, sample;
    uint32_t quad; /* the four bonds in `word`; ~0: none yet */
    uint32_t word[4];
} kad_philox_coin;
bool kad_philox_toss(void *self, kad_toss kind, uint32_t index, double p);

/* One move: flip[i] = 1 where sigma_i is to change its sign. Work: root [n_sites].
 * Returns the number of clusters. Shapes: sigma, flip [n_sites]. */
int kad_clusters_flip(int n_sites, const kad_bonds *bonds, double k, const double *sigma,
                      const kad_coin *coin, int *root, uint8_t *flip);

#endif

/* Exact results, used by the actions to fill log_z_exact and by tests and reports.
 * Conventions: weights exp(-S); every bond of the periodic lattice counts once, both
 * bonds of a pair at extent 2. "Spins" partition functions of n = 1 sum over s = +-1,
 * those of n >= 2 average over the sphere. */
#ifndef KAD_MODELS_EXACT_H
#define KAD_MODELS_EXACT_H

#include "base/context.h"
#include "lattice/lattice.h"

/* Thermodynamics of one point. E = -d ln Z / d beta per site (J = 1), C = beta^2 d^2 ln Z
 * / d beta^2 per site. */
typedef struct kad_exact_thermo {
    double ln_z, energy, specific_heat;
} kad_exact_thermo;

/* Ising model on the lx x ly torus, J = 1, coupling K = beta > 0.
 * Source: Kaufman, Phys. Rev. 76 (1949) 1232, with gamma_0 signed. Any size; energy and
 * specific heat by analytic derivatives. */
void kad_exact_kaufman(int lx, int ly, double K, kad_exact_thermo *out);

/* O(n) spins on a ring of L >= 2 sites: Z = sum_l mult_l q_l(beta)^L with q_l the
 * coefficients of exp(beta s.s') in Gegenbauer polynomials (n = 1: cosh, sinh; n = 2:
 * I_l; n = 3: i_l). ln Z of the spin average (n = 1: add L ln 2 for the sum). */
double kad_exact_spin_ring(int n, int L, double beta);

/* Ising spins with any couplings, weights exp(1/2 s^T K s), K [n][n] symmetric, zero
 * diagonal, by Gray code; 1 <= n <= 25. */
typedef struct kad_exact_spins {
    double ln_z;
    double energy;        /* <-1/2 s^T K s> */
    double energy2;       /* <(1/2 s^T K s)^2> */
    double m2, m4, abs_m; /* of m = sum_i s_i / n */
} kad_exact_spins;
/* corr (may be NULL): [n][n], <s_i s_j>. Errors: KAD_ECONFIG (n), KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_exact_enumerate(kad_ctx *ctx, int n, const double *K,
                                            kad_exact_spins *out, double *corr);

/* Ising spins with any nearest-neighbour couplings on a lattice whose smallest slice (all
 * axes but one) has at most 12 sites, by transfer matrix site by site. bond
 * [n_sites][d]: K of the bond to the +axis neighbour. Work: 4^slice x n_sites. */
enum { KAD_EXACT_SLICE_MAX = 12 };
int kad_exact_slice(const kad_lattice *lattice); /* sites of the smallest slice */
KAD_MUST_USE kad_status kad_exact_transfer(kad_ctx *ctx, const kad_lattice *lattice,
                                           const double *bond, double *ln_z);

/* Free field S = -t sum_<ij> phi_i.phi_j + mu sum_i |phi_i|^2, n components. The
 * smallest eigenvalue mu - t sum_a cos k_a over the modes must be positive. */
double kad_exact_free_gap(const kad_lattice *lattice, double t, double mu);
double kad_exact_free_ln_z(const kad_lattice *lattice, int n, double t, double mu);
/* G[x] = <phi_0 phi_x> of one component, [n_sites]. */
void kad_exact_free_propagator(const kad_lattice *lattice, double t, double mu,
                               double *G);

/* O(n) phi^4 on a ring of L >= 2 sites (lambda > 0): angular momentum channels, each a
 * radial transfer matrix. ln_z = NaN when over 128 channels would be needed (very
 * stiff chains). Errors: KAD_ENOMEM, KAD_EINTERNAL (eigenvalues). */
KAD_MUST_USE kad_status kad_exact_phi4_ring(kad_ctx *ctx, int n, int L, double t,
                                            double mu, double lambda, double *ln_z);

/* Rings hidden in lattices: d = 1, and 2 x 2 (a ring of 4 with doubled coupling). Length
 * of the ring and the factor on the coupling; 0 when the lattice is no ring. */
int kad_exact_ring_length(const kad_lattice *lattice, double *factor);

#endif

/* Exact results, used by the actions to fill log_z_exact and by tests and reports.
 * Conventions: weights exp(-S); every bond of the periodic lattice counts once, both
 * bonds of a pair at extent 2. "Spins" partition functions of n = 1 sum over s = +-1,
 * those of n >= 2 average over the sphere.
 * Every result comes with an error, which covers its distance from the truth: rounding,
 * and where a method has a resolution (grids), its distance from a second one. What is
 * not certain is not stated (kad_exact_certain). */
#ifndef KAD_MODELS_EXACT_H
#define KAD_MODELS_EXACT_H

#include "base/context.h"
#include "lattice/lattice.h"
#include "models/action.h"

typedef struct kad_exact_value {
    double value, error; /* NaN: nothing is known */
} kad_exact_value;

/* Whether a value may be stated: its error is at most 1e-9 of it. ln Z, whose errors add
 * to those of an estimate, may also be wrong by 1e-9 at most. */
bool kad_exact_certain(kad_exact_value x);
bool kad_exact_certain_ln_z(kad_exact_value x);
/* Digits of x that are certain, 1 to 15. */
int kad_exact_digits(kad_exact_value x);

/* A model's ln Z as its action shows it. */
typedef struct kad_exact_log_z {
    kad_exact_value ln_z;
    const char *source;  /* the method; NULL where unknown */
    const char *unknown; /* a method exists: why it states nothing; else NULL */
} kad_exact_log_z;

/* Take what `method` found: a value only where it is certain. unknown: the method's own
 * reason to state nothing, or NULL. */
kad_exact_log_z kad_exact_state(const char *method, kad_exact_value ln_z,
                                const char *unknown);
/* The action's log_z_* from it. */
void kad_exact_show(const kad_exact_log_z *known, kad_action *action);

/* Known means of observables, by the observables' names ("energy", "chi", ...); a later
 * row of a name replaces an earlier one. */
enum { KAD_EXACT_MEANS = 16 };
typedef struct kad_exact_mean {
    const char *name, *source;
    kad_exact_value x;
} kad_exact_mean;
struct kad_exact_means {
    int n;
    kad_exact_mean row[KAD_EXACT_MEANS];
};
/* One more row, of at most KAD_EXACT_MEANS. name, source: borrowed (literals). */
void kad_exact_add(kad_exact_means *means, const char *name, kad_exact_value x,
                   const char *source);
/* factor x, with its error. */
kad_exact_value kad_exact_times(double factor, kad_exact_value x);

/* Thermodynamics of one point. E = -d ln Z / d beta per site (J = 1), C = beta^2 d^2 ln Z
 * / d beta^2 per site. */
typedef struct kad_exact_thermo {
    kad_exact_value ln_z, energy, specific_heat;
} kad_exact_thermo;

/* Ising model on the lx x ly torus, J = 1, coupling K >= 0. Any size and K; energy and
 * specific heat by analytic derivatives. The specific heat is uncertain below T = 0.3 on
 * lattices with an extent below 6.
 * Source: Kaufman, Phys. Rev. 76 (1949) 1232, with gamma_0 signed. */
void kad_exact_kaufman(int lx, int ly, double K, kad_exact_thermo *out);

/* O(n) spins on a ring of L >= 2 sites: Z = sum_l mult_l q_l(beta)^L with q_l the
 * coefficients of exp(beta s.s') in Gegenbauer polynomials (n = 1: cosh, sinh; n = 2:
 * I_l; n = 3: i_l). ln Z of the spin average (n = 1: add L ln 2 for the sum). */
kad_exact_value kad_exact_spin_ring(int n, int L, double beta);

/* Ising spins with any couplings, weights exp(beta/2 s^T J s), J [n][n] symmetric, zero
 * diagonal, by Gray code; 1 <= n <= 25. */
typedef struct kad_exact_spins {
    kad_exact_value ln_z;
    kad_exact_value energy;        /* <-1/2 s^T J s> */
    kad_exact_value specific_heat; /* beta^2 (<E^2> - <E>^2), not per site */
    kad_exact_value m2, m4, abs_m; /* of m = sum_i s_i / n */
    kad_exact_value m;             /* in a field */
} kad_exact_spins;
/* corr (may be NULL): [n][n], <s_i s_j>. Errors: KAD_ECONFIG (n), KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_exact_enumerate(kad_ctx *ctx, int n, const double *J,
                                            double beta, kad_exact_spins *out,
                                            double *corr);
/* The same of n - 1 spins and a ghost, the last one, which is +1: J with it is a field, which is
 * in the energy. */
KAD_MUST_USE kad_status kad_exact_enumerate_in_field(kad_ctx *ctx, int n, const double *J,
                                                     double beta, kad_exact_spins *out);

/* Ising spins with any nearest-neighbour couplings on a lattice whose smallest slice (all
 * axes but one) has at most 12 sites, by transfer matrix site by site. bond
 * [n_sites][d]: K of the bond to the +axis neighbour. Work: 4^slice x n_sites, in
 * logarithms (ten times slower) where weights could underflow. */
enum { KAD_EXACT_SLICE_MAX = 12 };
int kad_exact_slice(const kad_lattice *lattice); /* sites of the smallest slice */
KAD_MUST_USE kad_status kad_exact_transfer(kad_ctx *ctx, const kad_lattice *lattice,
                                           const double *bond, kad_exact_value *ln_z);

/* Free field S = -t sum_<ij> phi_i.phi_j + mu sum_i |phi_i|^2, n components. The
 * smallest eigenvalue mu - t sum_a cos k_a over the modes must be positive. `mass` = mu -
 * |t| d may be known better than the rounded mu gives it. */
double kad_exact_free_gap(const kad_lattice *lattice, double t, double mass);
kad_exact_value kad_exact_free_ln_z(const kad_lattice *lattice, int n, double t,
                                    double mass);
/* Of one component: <phi_0^2>, <phi_0 phi_x> of neighbours (mean over the axes), and sum_x
 * <phi_0 phi_x>. */
typedef struct kad_exact_free_moments {
    kad_exact_value phi2, bond, chi;
} kad_exact_free_moments;
void kad_exact_free(const kad_lattice *lattice, double t, double mass,
                    kad_exact_free_moments *out);
/* O(n) phi^4 on a ring of L >= 2 sites (lambda > 0), `mass` = mu - |t|: angular momentum
 * channels, each a radial transfer matrix on grids that are refined until two agree; in
 * very weak coupling from the distribution of the mean field. ln_z = NaN and *unknown a
 * reason when that would cost too much. Errors: KAD_ENOMEM, KAD_EINTERNAL
 * (eigenvalues). */
KAD_MUST_USE kad_status kad_exact_phi4_ring(kad_ctx *ctx, int n, int L, double t,
                                            double mass, double lambda,
                                            kad_exact_value *ln_z, const char **unknown);

/* phi^4 of one component in a field h on a ring, as above, by a transfer matrix on equally
 * spaced values, whose error falls exponentially; on grids that are refined until two agree. */
KAD_MUST_USE kad_status kad_exact_phi4_chain(kad_ctx *ctx, int L, double t, double mass,
                                             double lambda, double h,
                                             kad_exact_value *ln_z, const char **unknown);

/* ln Z of angles on a ring with x sum cos(theta_i - theta_j) + a sum cos theta + b sum cos p theta,
 * averaged over the circle, by transfer matrices on two grids of angles. Errors: KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_exact_angles(kad_ctx *ctx, int L, double x, double a,
                                         double b, int p, kad_exact_log_z *out);

/* ln tr T^L of a symmetric [n][n] matrix of positive numbers, by powers of 2. Errors:
 * KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_exact_ring_trace(kad_ctx *ctx, size_t n, const double *T,
                                             int L, double *ln_trace);

/* Rings hidden in lattices: d = 1, and 2 x 2 (a ring of 4 with doubled coupling). Length
 * of the ring and the factor on the coupling; 0 when the lattice is no ring. */
int kad_exact_ring_length(const kad_lattice *lattice, double *factor);

#endif

/* O(n) dual (Hubbard-Stratonovich) of unit spins with weight exp(1/2 s^T K s), K = beta
 * J: field     S(x) = 1/2 x^T A^-1 x - sum_i ln w_n(|x_i|),  A = K + alpha whitened  y =
 * A^-1/2 x,  S(y) = 1/2 y.y - sum_i ln w_n(|(A^1/2 y)_i|) alpha = epsilon -
 * lambda_min(K); w_1 = cosh, w_2 = I_0, w_3 = sinh(r)/r. Nearest-neighbour J = 1 by
 * Fourier (Hartley) space, couplings from a file by their eigenvectors. ln Z = ln int
 * exp(-S) dx - (n N/2) ln 2 pi - (n/2) ln det A - alpha N / 2  (sphere average; + N ln 2
 * for n = 1, which sums over s = +-1); whitened: without ln det A.
 *
 * In a uniform field h the spins have weight exp(1/2 s^T K s + b sum_i s_i^1), b = beta h. The
 * field x is that of the spins, so that nothing changes for spins given x,
 *     S(x) = 1/2 (x - b e_1)^T A^-1 (x - b e_1) - sum_i ln w_n(|x_i|),
 * and x given s has the mean A s + b e_1. S so has a term that is linear in the flow variables,
 * -l.y^1 with l = b A^-1/2 1 whitened and b A^-1 1 for the field, and a constant b^2 1.A^-1.1 / 2;
 * ln Z is as above. */
#ifndef KAD_MODELS_DUAL_H
#define KAD_MODELS_DUAL_H

#include "io/digest.h"
#include "lattice/hartley.h"
#include "models/action.h"
#include "models/exact.h"
#include "models/local.h"
#include "models/radial_table.h"

enum { KAD_DUAL_N_KEYS = 8 };

typedef struct kad_dual {
    kad_action action;
    bool whitened, by_beta; /* by_beta: the config gave beta, not a temperature */
    double beta, epsilon, alpha;
    double coupling; /* J of uniform bonds, 1 with a file */
    double K;        /* beta coupling: of a uniform bond, or the factor of the file's J */
    double *J;       /* [N][N] couplings of a file; NULL: uniform nearest neighbours */
    char digest[KAD_DIGEST_CHARS]; /* of that file */
    double *spectrum;              /* [N] eigenvalues of J */
    /* uniform: */
    kad_hartley *hartley;
    bool layered;       /* the first extent is even */
    kad_hartley *layer; /* transform along all axes but the first; NULL: there are none */
    /* file: [site][mode], orthonormal eigenvectors */
    double *basis_f64;
    float *basis_f32;
    /* diagonals in mode space, [N]: sqrt A_k whitened, 1 / A_k for the field; inverses */
    double *forward_f64, *inverse_f64;
    float *forward_f32, *inverse_f32;
    kad_radial_table *weight; /* ln w_n */
    double h, h_given;        /* external field: now, in the config */
    double *linear_f64;       /* [N] l; NULL: h_given = 0 */
    float *linear_f32;
    double constant;
    double beta_configured;
    bool shares; /* all but the diagonals belongs to the action it is a copy of */
    kad_exact_log_z log_z_configured; /* exact ln Z at beta_configured, may be costly */
} kad_dual;

extern const kad_action_ops kad_action_dual;
extern const kad_action_kern kad_dual_kern_f32, kad_dual_kern_f64;

/* out = (modes) diagonal (modes)^T in, for `forward`, `inverse` or any other diagonal of
 * that precision; in and out do not overlap. */
void kad_dual_apply_f32(const kad_dual *dual, const float *diagonal, const float *in,
                        float *out, void *scratch);
void kad_dual_apply_f64(const kad_dual *dual, const double *diagonal, const double *in,
                        double *out, void *scratch);

/* J of uniform nearest neighbours or of the file, [N][N]. */
void kad_dual_couplings(const kad_dual *dual, double *J);
/* The spins' exact ln Z at the present beta. costly: also by enumeration (up to 20 spins)
 * and transfer matrix (slices up to 10). */
KAD_MUST_USE kad_status kad_dual_exact(kad_ctx *ctx, const kad_dual *dual, bool costly,
                                       kad_exact_log_z *out);
/* For the operations' table: energy and specific heat of Kaufman's Ising model, moments
 * of up to 18 Ising spins by enumeration. */
KAD_MUST_USE kad_status kad_dual_exact_means(kad_ctx *ctx, const kad_action *action,
                                             kad_exact_means *out);
/* For the operations' table: K of uniform bonds, and the spins. */
double kad_dual_bond(const kad_action *action);
extern const kad_action_spins kad_dual_spins;
extern const kad_action_local kad_dual_local;
extern const kad_action_delta kad_dual_delta;

/* --- Markov updates of its own (models/local.h), dual_local_kern.c ------------------ */

/* Both conditional densities are known: spins given the field are independent, the field
 * given the spins is normal with mean A s and covariance A. Tiles 64-byte aligned. */

/* Ising spins given x: P(s_i = 1) = 1 / (1 + exp(-2 x_i)). s: room for a multiple of four
 * rows. */
void kad_dual_ising_spins(const kad_dual *dual, const kad_turn *turn, const double *x,
                          double *s);
/* x = A s + b e_1 + A^1/2 g with standard normal g, an exact draw given the spins. work:
 * kad_dual_field_bytes. */
size_t kad_dual_field_bytes(const kad_dual *dual);
void kad_dual_field(const kad_dual *dual, const kad_turn *turn, const double *s,
                    double *x, void *work);

#endif

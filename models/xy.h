/* O(n) spins themselves, n = 2 (XY) and 3 (Heisenberg), s_i on the unit sphere:
 *     E = -J sum_<ij> s_i.s_j - h sum_i s_i^1 - h_p sum_i cos(p theta_i)    (h_p: n = 2)
 * or, with couplings and (n = 2) phases of every pair of sites, as links in place of bonds,
 *     E = -sum_pairs J_ij cos(theta_i - theta_j - A_ij) - ...,   A_ji = -A_ij,
 * with weight exp(-beta E), averaged over the sphere. They are lifted to fields y in R^n, s =
 * y / |y|, whose lengths are spectators with a law of their own,
 *     S(y) = beta E(s) + sum_i |y_i|^2 / 2,   ln Z = ln int exp(-S) dy - (n N/2) ln 2 pi:
 * a standard normal y has a uniform s. The boundary field is y.
 *   decimated (no clock term): odd spins are independent given the even ones, in fields H_j =
 *   beta (J sum_nbr s + h e_1), so that S_eff(even) = -beta h sum_even s^1 + sum_even |y|^2/2
 *   - sum_odd ln w_n(|H_j|), and odd sites are drawn from von Mises' and Fisher's laws. */
#ifndef KAD_MODELS_XY_H
#define KAD_MODELS_XY_H

#include "io/digest.h"
#include "models/action.h"
#include "models/exact.h"
#include "models/local.h"
#include "models/radial_table.h"

enum { KAD_XY_N_KEYS = 9 };

/* What site j adds to the field of a site i: J_ij s_j turned by A_ij in the plane. */
typedef struct kad_xy_link {
    int j;
    double c, s; /* J cos A, J sin A */
} kad_xy_link;

typedef struct kad_xy {
    kad_action action;
    double beta, J, h, h_p; /* now */
    int p;
    bool by_beta;                          /* the config gave beta, not a temperature */
    double beta_given, h_given, h_p_given; /* in the config */
    kad_exact_log_z log_z_given;
    bool shares;       /* the rest belongs to the action it is a copy of */
    kad_xy_link *link; /* NULL: uniform bonds of the lattice */
    int *first;        /* [n_sites + 1]: links first[i] .. first[i + 1] - 1 of site i */
    double flux;       /* NaN: none is given */
    char digest[KAD_DIGEST_CHARS]; /* of the file of the couplings */
    /* decimated only */
    uint8_t *active;          /* [n_sites]: even sites */
    int *even, *odd;          /* n_sites / 2 each */
    int n_half;               /* 0: every site is a flow variable */
    kad_radial_table *weight; /* ln w_n */
} kad_xy;

extern const kad_action_ops kad_action_xy;
extern const kad_action_local kad_xy_local;
extern const kad_action_spins kad_xy_spins;
extern const kad_action_kern kad_xy_kern_f32, kad_xy_kern_f64;
extern const kad_action_kern kad_xy_decimated_kern_f32, kad_xy_decimated_kern_f64;

/* ln Z at the present couplings. costly: also by transfer matrices, which allocate. */
KAD_MUST_USE kad_status kad_xy_exact(kad_ctx *ctx, const kad_xy *xy, bool costly,
                                     kad_exact_log_z *out);

/* --- links, xy_links.c ----------------------------------------------------------------- */

/* Of a file (couplings.h), with its digest. Errors: as kad_couplings_read, KAD_ECONFIG (too many
 * sites; phases of spins that do not lie in the plane). */
KAD_MUST_USE kad_status kad_xy_links_of_file(kad_ctx *ctx, const char *path, kad_xy *xy);
/* Of a flux f through every plaquette in two dimensions, 2 pi f the sum of A around it (uniform
 * frustration), in Landau's gauge: A_1(x) = 2 pi f x_0, and A_0 = -2 pi f L_0 x_1 where x_0 closes.
 * Errors: KAD_ECONFIG (other dimensions, components, or f N is not whole: the last plaquette then
 * has another flux), KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_xy_links_of_flux(kad_ctx *ctx, double flux, kad_xy *xy);
/* Some link has a phase that is no sign. */
bool kad_xy_has_phases(const kad_xy *xy);
/* The largest sum of |J| of a site's links. */
double kad_xy_most(const kad_xy *xy);
/* -sum_pairs J_ij s_i R(A_ij) s_j, s [n][stride]. */
double kad_xy_links_energy(const kad_xy *xy, size_t stride, const double *s);
/* Where links without fields make paths and rings, once those of a pair are added up: ln Z is
 * the sum of ln I_0 of paths' links and of ln sum_m prod I_m(beta J) cos(m Phi) of rings of flux
 * Phi. Spins in the plane. */
KAD_MUST_USE kad_status kad_xy_links_exact(kad_ctx *ctx, const kad_xy *xy,
                                           kad_exact_log_z *out);
/* J and A, [N][N], into a results file. */
KAD_MUST_USE kad_status kad_xy_store(kad_ctx *ctx, const kad_action *action,
                                     kad_h5 *file);

/* --- Markov updates of its own (models/local.h), xy_local_kern.c -------------------- */

/* Unit vectors s [n_sites][n][KAD_W_DOUBLE] of x. */
void kad_xy_directions(const kad_xy *xy, const double *x, double *s);
/* x along s, with its lengths. */
void kad_xy_turn(const kad_xy *xy, const double *s, double *x);
/* Every site from its law given the others; a clock term accepts or refuses what the rest
 * of the weight draws, and what it accepts is added to accepted [KAD_W_DOUBLE] (NULL: not
 * counted). Lengths are drawn anew. s: scratch as above. */
void kad_xy_heat_bath(const kad_xy *xy, const kad_turn *turn, double *x, double *accepted,
                      double *s);
/* s -> 2 H (H.s) / |H|^2 - s, in the field H of the neighbours. Not for a clock term. */
void kad_xy_reflect(const kad_xy *xy, double *x);

#endif

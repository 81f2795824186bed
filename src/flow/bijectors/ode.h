/* A continuous flow: y = phi(1), where phi(0) = z and
 *
 *   d phi_x / dt = sum_f sum_x' W_f(x - x'; t) F_f(phi_x'),
 *   F_0(phi) = phi,  F_f(phi) = (phi/|phi|) sin(omega_f |phi|),  f = 1 .. H
 *
 * (M. Gerdes, P. de Haan, C. Rainone, R. Bondesan, M. Cheng, SciPost Phys. 15, 238 (2023),
 * arXiv:2207.00283). The kernels W_f reach over the whole lattice and have
 * its translations and point symmetry; they are given by their values w_f(k; t) in Fourier
 * space, one per orbit of modes (modes.h), and the sums are done there. In time
 * w_f(k; t) = sum_{m < M} cos(m pi t) w_fm(k). The flow is odd in phi; of n components
 * (F_f = sin(omega_f phi) of one) it commutes with O(n).
 *
 * Its divergence is exact and as cheap as the velocity,
 *
 *   div(t) = sum_f W_f(0; t) sum_x tr F_f'(phi_x),  W_f(0; t) = (1/N) sum_k w_f(k; t),
 *
 * tr F_f' = omega_f cos(omega_f r) + (n - 1) sin(omega_f r)/r at r = |phi_x|. So are the
 * penalties of a training (C. Finlay, J.-H. Jacobsen, L. Nurbekyan, A. Oberman, ICML 2020,
 * arXiv:2002.02798), the Jacobian's without the probes of theirs:
 *
 *   R = kinetic int sum_x |v_x|^2 dt + jacobian int sum_xy |dv_x/dphi_y|^2 dt,
 *   sum_xy |dv_x/dphi_y|^2 = sum_y sum_fg G_fg tr F_f'(phi_y) F_g'(phi_y),
 *   G_fg = sum_x W_f(x) W_g(x) = (1/N) sum_k w_f(k) w_g(k).
 *
 * Adjoints that are asked for dtheta are those of l + R, R of every lane; there is none until
 * kad_solver_ops.penalise.
 *
 * Solved by n equal steps of an explicit Runge-Kutta method (rk.h). The map is that of
 * the steps: infer undoes them to rounding, by stepping backwards and correcting, and the
 * adjoints are those of the steps (discretise, then optimise). What is not exact is ld:
 * the method's quadrature of div is the log-determinant of the flow up to the method's
 * order, and not that of the steps. `tolerance` of the stage is the error allowed; steps
 * are chosen so that it is kept (stage.h, kad_solver_ops).
 *
 * On the even sublattice (`sublattice`) rows of odd sites are left untouched. With a
 * `stride` the equation is that of the sublattice of so many sites apart, for RG layers
 * (H.-Y. Hu, D. Wu, Y.-Z. You, B. Olshausen, Y. Chen, arXiv:2203.07975). `marks` tell the
 * classes of its unit cell of 2^d sites apart, which reduces translations to those of the
 * cell: F_f becomes b_f(c(x')) F_f, c the class of a site by the parities of its coordinates
 * (along axes of even extent), and there are as many linear features as classes. */
#ifndef KAD_FLOW_BIJECTORS_ODE_H
#define KAD_FLOW_BIJECTORS_ODE_H

#include "flow/bijectors/modes.h"
#include "flow/stage.h"
#include "lattice/hartley.h"

#include <stdbool.h>

enum { KAD_ODE_TIME_MODES = 64 };

typedef struct kad_ode_options {
    int features;     /* H, at least 1 */
    int time_modes;   /* M, 1 to KAD_ODE_TIME_MODES */
    int steps;        /* 0: chosen by the tolerance */
    double tolerance; /* of ld: its mean error, in nats */
    int stride;       /* 0, 1: every site */
    bool marks;
} kad_ode_options;

/* Tensors "omega" [H], "weights" [n_orbits][F M], column f M + m, rows ordered by khat^2,
 * F = 1 + H features, the linear first, and with marks "marks" [F][classes], F = classes +
 * H. The lattice is borrowed. Errors: KAD_EUSAGE (sizes, a stride that does not divide the extents, the sublattice of a lattice that is not bipartite), KAD_ENOMEM; on failure *out
 * owns nothing. */
KAD_MUST_USE kad_status kad_ode_create(kad_ctx *ctx, const kad_lattice *lattice,
                                       int n_comp, bool sublattice,
                                       const kad_ode_options *options, kad_stage *out);

extern const kad_bijector_ops kad_ode_ops;
extern const kad_bijector_kern kad_ode_kern_f32, kad_ode_kern_f64;
/* kad_solver_ops.back; in single precision it is not used. */
void kad_ode_back_f32(const kad_stage *stage, const void *packed, void *x, double *ld,
                      void *scratch);
void kad_ode_back_f64(const kad_stage *stage, const void *packed, void *x, double *ld,
                      void *scratch);

/* kad_solver_ops.path, likewise. */
void kad_ode_path_f32(const kad_stage *stage, const void *packed, void *x, double *ld,
                      double *kinetic, double *jacobian, void *scratch);
void kad_ode_path_f64(const kad_stage *stage, const void *packed, void *x, double *ld,
                      double *kinetic, double *jacobian, void *scratch);

/* Shared with the kernels. */
typedef struct kad_ode {
    int n_sites, n_active;
    int n_linear, n_features;       /* F, the linear ones first */
    int n_marks;                    /* classes of sites; 1: no marks */
    uint8_t *mark;                  /* [n_sites] class */
    int n_marked[1 << KAD_MAX_DIM]; /* active sites of a class */
    int *site;                      /* [n_sites] in the tile; NULL: the same */
    kad_ode_options options;
    bool sublattice;
    const uint8_t *parity; /* the lattice's, borrowed */
    kad_modes modes;
    kad_hartley *hartley;
    size_t omega, weights, marks; /* offsets in theta */
} kad_ode;

/* In front of the packed parameters, which then are omega [H] and the weights as in
 * theta. */
typedef struct kad_ode_head {
    int steps;
    double kinetic, jacobian; /* factors of the penalties */
} kad_ode_head;
enum { KAD_ODE_HEAD_BYTES = 64 };

#endif

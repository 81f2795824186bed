/* Learned Fourier base: a circulant with one log-eigenvalue per orbit of modes.
 *
 *   y = F diag(e^{theta_k}) F z,   F the separable Hartley transform (lattice/hartley.h),
 *   ld = n_comp sum_k theta_k
 *
 * An orbit: modes related by k_mu -> -k_mu and by exchanging axes of equal extent; they
 * share khat^2 and theta. Components are filtered alike.
 *
 * On the even sublattice of a bipartite lattice (`sublattice`): the filter acts on fields
 * that vanish on odd sites, whose rows are left untouched. theta(k + (pi..pi)) =
 * theta(k), so that orbits join k and k + (pi..pi), khat^2 becomes min(e, 4 d - e), and
 * ld counts half of the modes.
 *
 * With mass2 = m > 0 theta starts at -ln(c (khat^2 + m))/2, c the stiffness, which makes
 * y the free field S = (c/2) sum phi (-laplacian + m) phi for white z; else at 0. */
#ifndef KAD_FLOW_BIJECTORS_SPECTRUM_H
#define KAD_FLOW_BIJECTORS_SPECTRUM_H

#include "flow/bijectors/modes.h"
#include "flow/stage.h"
#include "lattice/hartley.h"

#include <stdbool.h>

/* Tensor "theta" [n_orbits], ordered by khat^2 (tensor.modes). The lattice is borrowed.
 * Errors: KAD_EUSAGE (sublattice of a lattice that is not bipartite), KAD_ENOMEM; on
 * failure *out owns nothing. */
KAD_MUST_USE kad_status kad_spectrum_create(kad_ctx *ctx, const kad_lattice *lattice,
                                            int n_comp, bool sublattice, double mass2,
                                            double stiffness, kad_stage *out);

extern const kad_bijector_ops kad_spectrum_ops;
extern const kad_bijector_kern kad_spectrum_kern_f32, kad_spectrum_kern_f64;

/* Shared with the kernels. */
typedef struct kad_spectrum {
    int n_sites;
    bool sublattice;
    double mass2, stiffness;
    kad_modes modes;
    const uint8_t *parity; /* the lattice's, borrowed */
    kad_hartley *hartley;
} kad_spectrum;

#endif

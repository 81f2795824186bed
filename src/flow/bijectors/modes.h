/* Fourier modes of a lattice in orbits: modes related by k_mu -> -k_mu and by exchanging
 * axes of equal extent. What is diagonal in the Hartley basis (lattice/hartley.h) and has
 * one value per orbit is a circulant with the point symmetry of the lattice.
 *
 * `sublattice`: for fields on the even sites of a bipartite lattice. A circulant takes
 * them to such fields if its value at k + (pi..pi) is that at k, so that orbits join
 * both, and khat^2 becomes min(e, 4 d - e). */
#ifndef KAD_FLOW_BIJECTORS_MODES_H
#define KAD_FLOW_BIJECTORS_MODES_H

#include "base/context.h"
#include "lattice/lattice.h"

#include <stdbool.h>

typedef struct kad_modes {
    int n_orbits;
    double *khat2; /* [n_orbits], ascending */
    int *orbit_of; /* [n_sites] */
    int *first;    /* [n_orbits + 1] into mode */
    int *mode;     /* [n_sites], orbit by orbit */
} kad_modes;

/* Errors: KAD_ENOMEM; *out is then to be cleared, too. */
KAD_MUST_USE kad_status kad_modes_create(kad_ctx *ctx, const kad_lattice *lattice,
                                         bool sublattice, kad_modes *out);
void kad_modes_clear(kad_modes *modes);

#endif

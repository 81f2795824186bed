/* From flow variables to boundary configurations, in batches: integrated-out sites are
 * drawn from their exact conditional density, the field is taken to the boundary (dual:
 * x = A^{1/2} y), and shifted by a random lattice vector where the action allows it.
 *
 * The shift is an extended-state move: target and (averaged) proposal are both invariant,
 * so a uniformly drawn shift of each draw leaves its weight alone and makes the boundary
 * ensemble exactly translation invariant. */
#ifndef KAD_SAMPLE_BOUNDARY_H
#define KAD_SAMPLE_BOUNDARY_H

#include "models/action.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Draw the inactive sites of n samples, numbered first .. first + n - 1, in y
 * [n][n_sites * n_comp] in place; lnp[n] = ln p(inactive | active), 0 when every site is
 * active. A sample's draw depends on its number only. Threads: ctx->n_threads. */
KAD_MUST_USE kad_status kad_boundary_complete(kad_ctx *ctx, const kad_action *action,
                                              uint64_t seed, uint64_t first, size_t n,
                                              double *y, double *lnp);

/* The shift of draw `number`: coordinates uniform on the lattice. */
void kad_boundary_shift_of(const kad_lattice *lattice, uint64_t seed, uint64_t number,
                           int shift[KAD_MAX_DIM]);
/* out(site + shift) = in(site), n_comp components a site; in and out do not overlap. */
void kad_boundary_shift(const kad_lattice *lattice, int n_comp,
                        const int shift[KAD_MAX_DIM], const double *in, double *out);

/* The whole way: y (inactive sites filled in place) -> x, lnp as above. translate: shift
 * every x by its draw's vector (the action must be translation invariant). y and x do not
 * overlap. Errors: KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_boundary_of(kad_ctx *ctx, const kad_action *action,
                                        uint64_t seed, uint64_t first, size_t n,
                                        bool translate, double *y, double *x,
                                        double *lnp);

#endif

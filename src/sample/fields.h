/* From flow variables to boundary configurations, in batches: integrated-out sites are
 * drawn from their exact conditional density, the field is taken to the boundary (dual:
 * x = A^{1/2} y), and shifted by a random lattice vector where the action allows it.
 *
 * The shift is an extended-state move: target and (averaged) proposal are both invariant,
 * so a uniformly drawn shift of each draw leaves its weight alone and makes the boundary
 * ensemble exactly translation invariant. */
#ifndef KAD_SAMPLE_FIELDS_H
#define KAD_SAMPLE_FIELDS_H

#include "flow/map.h"
#include "models/action.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Draw the inactive sites of n samples, numbered first .. first + n - 1, in y
 * [n][n_sites * n_comp] in place; lnp[n] = ln p(inactive | active), 0 when every site is
 * active. A sample's draw depends on its number only. Threads: ctx->n_threads. */
KAD_MUST_USE kad_status kad_fields_complete(kad_ctx *ctx, const kad_action *action,
                                            uint64_t seed, uint64_t first, size_t n,
                                            double *y, double *lnp);

/* The shift of draw `number`: coordinates uniform on the lattice. */
void kad_fields_shift_of(const kad_lattice *lattice, uint64_t seed, uint64_t number,
                         int shift[KAD_MAX_DIM]);
/* out(site + shift) = in(site), n_comp components a site; in and out do not overlap. */
void kad_fields_shift(const kad_lattice *lattice, int n_comp,
                      const int shift[KAD_MAX_DIM], const double *in, double *out);

/* The whole way: y (inactive sites filled in place) -> x, lnp as above. translate: shift
 * every x by its draw's vector (the action must be translation invariant). y and x do not
 * overlap. Errors: KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_fields_of(kad_ctx *ctx, const kad_action *action,
                                      uint64_t seed, uint64_t first, size_t n,
                                      bool translate, double *y, double *x, double *lnp);

/* Of n boundary configurations x [n][n_rows]: the action of the whole field as samplers
 * report it (kad_draws), and the latents z [n][n_rows] by inference in double (the
 * un-flipped branch of a mixture). Errors: KAD_ENOMEM; KAD_EINTERNAL when the action of a
 * decimated model has no rule for its whole field (models/local.h). */
KAD_MUST_USE kad_status kad_fields_action(kad_ctx *ctx, const kad_action *action,
                                          size_t n, const double *x, double *S);
KAD_MUST_USE kad_status kad_fields_latents(kad_ctx *ctx, const kad_action *action,
                                           const kad_map *map, size_t n, const double *x,
                                           double *z);

#endif

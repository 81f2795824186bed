/* Recipes: named sets of defaults for the keys a user leaves out, chosen by action and
 * lattice.
 *
 *   stencil   the default: exact last decimation where the action allows it, equivariant
 *             stencil couplings coarse to fine with a non-Gaussian transform, a learned
 *             Fourier spectrum
 *   wavelet   block couplings: Haar rotation and passes over the four block offsets a
 *             level, then the spectrum; symmetrised over the global sign
 *   neuralrg  the network of arXiv:1802.02840: MERA of 2x2 blocks, 10 couplings, split
 *             nets 10-10-10
 *   fourier   the free field: the spectrum alone, exact
 *   custom    plain MERA defaults; the other keys decide */
#ifndef KAD_RUN_RECIPE_H
#define KAD_RUN_RECIPE_H

#include "io/config.h"
#include "io/h5.h"

/* Fill the unset keys of `flow` and `train`, and what the action has by default.
 * Idempotent. Errors: KAD_ECONFIG and those of kad_action_create. */
KAD_MUST_USE kad_status kad_recipe_resolve(kad_ctx *ctx, kad_config *config);
/* Digests of the files that data.source, train.data and train.from name, into a config that
 * leaves them out (inputs.c). Errors: KAD_ENOINPUT, KAD_EDATA, KAD_EIO, KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_inputs_resolve(kad_ctx *ctx, kad_config *config);
/* /inputs of a results file: key, path, SHA-256 and, of a run, uuid of each of these and of the
 * couplings' file; once, when the run is new. */
KAD_MUST_USE kad_status kad_inputs_write(kad_ctx *ctx, const kad_config *config,
                                         kad_h5 *file);
/* The recipe in force: flow.recipe with `auto` replaced by the choice for the action. */
const char *kad_recipe_name(const kad_config *config);

#endif

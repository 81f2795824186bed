/* A flow's parameters in a results file: /flow/params/level_2/disentangler/coupling_3/w1,
 * one dataset a tensor, named like the code, always double; and what a reader needs to
 * rebuild the flow: attributes hierarchy, levels, dtype, n_parameters, dataset
 * /flow/lattice_shape. */
#ifndef KAD_TRAIN_PARAMS_H
#define KAD_TRAIN_PARAMS_H

#include "flow/flow.h"
#include "io/h5.h"
#include "train/family.h"

/* Replaces /flow. Of a family of maps every tensor has a leading axis, its coefficients.
 * theta [order][n_theta]. Errors: KAD_EINTERNAL: not every parameter has a place of its own. */
KAD_MUST_USE kad_status kad_params_write(kad_ctx *ctx, kad_h5 *file, const kad_flow *flow,
                                         kad_prec prec, const kad_family *family,
                                         const double *theta);
/* Every tensor must be there with its shape, and nothing else. Errors: KAD_EDATA gives
 * the number of values found, or names the first tensor that is not there, or a value that
 * is not finite; KAD_ECONFIG: of a family of maps, the map at the
 * action's coupling (NULL: none is known) is outside its range. */
KAD_MUST_USE kad_status kad_params_read(kad_ctx *ctx, kad_h5 *file, const kad_flow *flow,
                                        const kad_action *action, double *theta);
/* All parameters of a family, [order][n_theta]: of a file that has as many, or one map
 * (the other coefficients zero). Errors as above; KAD_EDATA: another family. */
KAD_MUST_USE kad_status kad_params_read_family(kad_ctx *ctx, kad_h5 *file,
                                               const kad_flow *flow,
                                               const kad_family *family, double *theta);
/* Shape of the lattice the parameters in a file belong to. Errors: KAD_EDATA. */
KAD_MUST_USE kad_status kad_params_lattice(kad_ctx *ctx, kad_h5 *file, int *d,
                                           int shape[KAD_MAX_DIM]);

#endif

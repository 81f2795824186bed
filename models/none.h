/* Stands where no action is known, for those who read fields and their bulk: S = 0, of no
 * parameters, the field its own flow variables. It is in no registry. */
#ifndef KAD_MODELS_NONE_H
#define KAD_MODELS_NONE_H

#include "models/action.h"

/* `flags`: KAD_ACTION_*. Errors: KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_action_none(kad_ctx *ctx, const kad_lattice *lattice,
                                        int n_comp, unsigned flags, kad_action **out);

#endif

/* Files that a training starts from, and how it knows them again. */
#ifndef KAD_TRAIN_INPUTS_H
#define KAD_TRAIN_INPUTS_H

#include "io/digest.h"
#include "io/h5.h"

/* The digest of the parameters that a results file holds; "" when it has none. */
KAD_MUST_USE kad_status kad_train_map_digest(kad_ctx *ctx, kad_h5 *file,
                                             char digest[KAD_DIGEST_CHARS]);

#endif

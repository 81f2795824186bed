/* Files that a training starts from, and how it knows them again. */
#ifndef KAD_TRAIN_INPUTS_H
#define KAD_TRAIN_INPUTS_H

#include "io/config.h"
#include "io/digest.h"
#include "io/h5.h"

/* Put the digests of data.source, train.data and train.from into a config that leaves them out. Errors:
 * KAD_ENOINPUT, KAD_EDATA, KAD_EIO, KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_train_resolve(kad_ctx *ctx, kad_config *config);
/* The digest of the parameters that a results file holds; "" when it has none. */
KAD_MUST_USE kad_status kad_train_map_digest(kad_ctx *ctx, kad_h5 *file,
                                             char digest[KAD_DIGEST_CHARS]);

#endif

/* Configurations that a sampler stored: /samplers/NAME/configs of a results file, single
 * precision, [chain][cfg][component][axes]. */
#ifndef KAD_RECORD_CONFIGS_H
#define KAD_RECORD_CONFIGS_H

#include "io/h5.h"
#include "models/action.h"

/* Their shape. Errors: KAD_EDATA where they are absent or of another lattice. */
KAD_MUST_USE kad_status kad_configs_shape(kad_ctx *ctx, kad_h5 *file, const char *name,
                                          const kad_action *action,
                                          size_t dims[KAD_H5_MAX_RANK]);
/* The first n of every step-th of every chain as boundary configurations
 * x [dims[0]][n][site][component].
 * Errors: KAD_EDATA (a value is not finite), KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_configs_read(kad_ctx *ctx, kad_h5 *file, const char *name,
                                         const kad_action *action, const size_t *dims,
                                         size_t step, size_t n, double *x);
/* Draws of a chain from one of them to the next. Errors: KAD_EDATA. */
KAD_MUST_USE kad_status kad_configs_stride(kad_ctx *ctx, kad_h5 *file, const char *name,
                                           size_t n, int64_t *stride);

#endif

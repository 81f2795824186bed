#include "measure/exact.h"

#include <math.h>
#include <stdio.h>

static kad_status write_value(kad_ctx *ctx, kad_h5 *file, const char *name, double value,
                              const char *source)
{
    kad_status status = KAD_OK;
    char path[96];
    if (!isfinite(value)) return KAD_OK;
    snprintf(path, sizeof path, "/exact/%s", name);
    KAD_TRY(kad_h5_write(ctx, file, path, KAD_H5_F64, 0, NULL, &value));
    KAD_TRY(kad_h5_attr_set_string(ctx, file, path, "source",
                                   source != NULL ? source : "exact"));
done:
    return status;
}

kad_status kad_exact_write(kad_ctx *ctx, kad_h5 *file, const kad_action *action)
{
    kad_status status = KAD_OK;
    KAD_TRY(kad_h5_remove(ctx, file, "/exact"));
    KAD_TRY(write_value(ctx, file, "log_z", action->log_z_exact, action->log_z_source));
done:
    return status;
}

#include "record/exact.h"

#include "models/exact.h"

#include <stdio.h>

static kad_status put(kad_ctx *ctx, kad_h5 *file, const char *name, kad_exact_value x,
                      const char *source)
{
    kad_status status = KAD_OK;
    char path[96];
    snprintf(path, sizeof path, "/exact/%s", name);
    KAD_TRY(kad_h5_write(ctx, file, path, KAD_H5_F64, 0, NULL, &x.value));
    KAD_TRY(kad_h5_attr_set_string(ctx, file, path, "source", source));
    KAD_TRY(kad_h5_attr_set_real(ctx, file, path, "error", x.error));
done:
    return status;
}

/* Only what is certain; what is not is said. */
static kad_status write_mean(kad_ctx *ctx, kad_h5 *file, const kad_exact_mean *mean)
{
    if (kad_exact_certain(mean->x))
        return put(ctx, file, mean->name, mean->x, mean->source);
    kad_note(ctx, "exact %s: not stated, rounding leaves %.3g +- %.1g (%s)", mean->name,
             mean->x.value, mean->x.error, mean->source);
    return KAD_OK;
}

kad_status kad_exact_write(kad_ctx *ctx, kad_h5 *file, const kad_action *action)
{
    kad_status status = KAD_OK;
    kad_exact_means means = {0};
    KAD_TRY(kad_h5_remove(ctx, file, "/exact"));
    if (action->log_z_source != NULL)
        KAD_TRY(put(ctx, file, "log_z",
                    (kad_exact_value){action->log_z_exact, action->log_z_exact_error},
                    action->log_z_source));
    if (action->ops->exact == NULL) goto done;
    KAD_TRY(action->ops->exact(ctx, action, &means));
    for (int i = 0; i < means.n; i++)
        KAD_TRY(write_mean(ctx, file, &means.row[i]));
done:
    return status;
}

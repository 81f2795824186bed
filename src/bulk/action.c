/* The effective action of the latents and its parts, configuration by configuration. */
#include "base/memory.h"
#include "bulk/bulk.h"

#include <stdio.h>

static kad_status write_part(kad_ctx *ctx, const kad_bulk *bulk, kad_h5 *file,
                             const char *name, const char *text, const double *values)
{
    kad_status status = KAD_OK;
    const size_t dims[2] = {bulk->n_chains, bulk->n_per_chain};
    char path[96];
    snprintf(path, sizeof path, "/bulk/configurations/%s", name);
    KAD_TRY(kad_h5_write(ctx, file, path, KAD_H5_F64, 2, dims, values));
    KAD_TRY(kad_h5_describe(ctx, file, path, "", text, NULL));
    KAD_TRY(kad_h5_axes(ctx, file, path, "chain cfg"));
done:
    return status;
}

kad_status kad_bulk_action(kad_ctx *ctx, const kad_bulk *bulk, kad_h5 *file)
{
    kad_status status = KAD_OK;
    double *effective = NULL;
    if (bulk->sampler[0] == '\0') return KAD_OK; /* of draws of the map nobody asks it */
    KAD_TRY(kad_new(ctx, bulk->n, sizeof *effective, &effective));
    for (size_t i = 0; i < bulk->n; i++)
        effective[i] = bulk->S[i] - bulk->log_det[i] - bulk->log_branch[i];
    KAD_TRY(kad_h5_remove(ctx, file, "/bulk/configurations"));
    KAD_TRY(write_part(ctx, bulk, file, "action", "S(y) of the flow variables", bulk->S));
    KAD_TRY(write_part(ctx, bulk, file, "log_det", "ln|det dy/dz|", bulk->log_det));
    KAD_TRY(write_part(ctx, bulk, file, "log_branch",
                       "ln(2 r) of the sign's branch (0 without a mixture)",
                       bulk->log_branch));
    KAD_TRY(write_part(ctx, bulk, file, "effective_action",
                       "S_eff(z) = S(y) - ln|det dy/dz| - ln(2 r)", effective));
    KAD_TRY(kad_h5_attr_set_string(ctx, file, "/bulk/configurations", "sampler",
                                   bulk->sampler));
    KAD_TRY(kad_h5_attr_set_real(ctx, file, "/bulk/configurations", "spacing",
                                 bulk->spacing));
done:
    kad_free(effective);
    return status;
}

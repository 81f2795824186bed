/* The registry of bulk analyses, and the run over all of them. */
#include "bulk/bulk.h"

#include "base/memory.h"
#include "base/signals.h"
#include "bulk/bottleneck.h"
#include "bulk/densities.h"
#include "bulk/mutual.h"
#include "bulk/pictures.h"
#include "bulk/receptive.h"

#include <stdio.h>

static const kad_bulk_analysis action = {
    .name = "action",
    .summary = "effective action of the latents and its parts",
    .run = kad_bulk_action,
};

static const kad_bulk_analysis correlators = {
    .name = "correlators",
    .summary = "two-point functions of the latents, by levels and separation",
    .run = kad_bulk_correlators,
};

static const kad_bulk_analysis fields = {
    .name = "fields",
    .summary = "coarse fields of every level: densities, couplings, pictures",
    .run = kad_bulk_fields,
};

static const kad_bulk_analysis mutual = {
    .name = "mutual",
    .summary = "mutual information of near latents",
    .run = kad_bulk_mutual,
};

static const kad_bulk_analysis bottleneck = {
    .name = "bottleneck",
    .summary = "information between the halves, of trees without disentanglers",
    .run = kad_bulk_bottleneck,
};

static const kad_bulk_analysis receptive = {
    .name = "receptive",
    .summary = "receptive fields of the latents",
    .run = kad_bulk_receptive,
};

static const kad_bulk_analysis walks = {
    .name = "walks",
    .summary = "the boundary while one latent is swept",
    .run = kad_bulk_walks,
};

const kad_bulk_analysis *const kad_bulk_analyses[] = {
    &action, &correlators, &fields, &mutual, &bottleneck, &receptive, &walks, NULL,
};

kad_status kad_bulk_run(kad_ctx *ctx, const kad_bulk *bulk, kad_h5 *file)
{
    kad_status status = KAD_OK;
    char name[64];
    for (size_t i = 0; kad_bulk_analyses[i] != NULL; i++) {
        KAD_TRY(kad_stop_check(ctx, "bulk"));
        const double start = kad_wall_seconds();
        snprintf(name, sizeof name, "seconds_%s", kad_bulk_analyses[i]->name);
        KAD_TRY(kad_bulk_analyses[i]->run(ctx, bulk, file));
        KAD_TRY(kad_h5_group(ctx, file, "/bulk"));
        KAD_TRY(
            kad_h5_attr_set_real(ctx, file, "/bulk", name, kad_wall_seconds() - start));
    }
done:
    return status;
}

void kad_bulk_destroy(kad_bulk *bulk)
{
    if (bulk == NULL) return;
    kad_map_destroy(bulk->map);
    kad_free(bulk->x);
    kad_free(bulk->y);
    kad_free(bulk->z);
    kad_free(bulk->S);
    kad_free(bulk->log_det);
    kad_free(bulk->log_branch);
    kad_free(bulk->sign);
    kad_free(bulk->position);
    kad_free(bulk);
}

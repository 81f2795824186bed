/* Direct draws: every proposal is kept, with its log-weight. Unbiased after reweighting;
 * the raw averages are those of the map's own distribution q. */
#include "base/memory.h"
#include "sample/proposals.h"

#include <string.h>

static kad_status create(kad_ctx *ctx, const kad_sampler_setup *setup, void **self)
{
    kad_proposals *proposals;
    *self = NULL;
    KAD_CALL(kad_new(ctx, 1, sizeof *proposals, &proposals));
    const kad_status status = kad_proposals_create(ctx, setup, proposals);
    if (status == KAD_OK)
        *self = proposals;
    else
        kad_free(proposals);
    return status;
}

static void destroy(void *self)
{
    if (self == NULL) return;
    kad_proposals_destroy(self);
    kad_free(self);
}

static kad_status advance(kad_ctx *ctx, void *self, kad_draws *out)
{
    const kad_proposals *proposals = self;
    memset(out->accepted, 1, (size_t)proposals->setup->n_chains * out->n);
    return kad_proposals_next(ctx, self, out);
}

static kad_status save(kad_ctx *ctx, const void *self, kad_h5 *file, const char *group)
{
    return kad_proposals_save(ctx, self, file, group);
}

static kad_status load(kad_ctx *ctx, void *self, kad_h5 *file, const char *group)
{
    return kad_proposals_load(ctx, self, file, group);
}

static void describe(const void *self, kad_writer *w)
{
    const kad_proposals *proposals = self;
    kad_write_int(w, "n_nonfinite", proposals->n_nonfinite);
    kad_write_real(w, "action_evaluations_per_draw", 1.0);
    kad_write_real(w, "force_evaluations_per_draw", 0.0);
}

const kad_sampler_ops kad_sampler_direct = {
    .name = "direct",
    .summary = "independent draws from the map with their weights (no accept/reject)",
    .reference = "arXiv:1910.13496",
    .flags = KAD_SAMPLER_WEIGHTED | KAD_SAMPLER_NEEDS_MAP,
    .time_unit = "draw",
    .create = create,
    .destroy = destroy,
    .advance = advance,
    .save = save,
    .load = load,
    .describe = describe,
};

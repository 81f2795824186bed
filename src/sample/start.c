#include "sample/start.h"

#include "base/memory.h"
#include "base/tile.h"
#include "models/local.h"
#include "sample/fields.h"

#include <string.h>

enum { W = KAD_W_DOUBLE };

const char *kad_start_name(const kad_sampler_setup *setup)
{
    static const char *const names[] = {
        [KAD_START_PRIOR] = "prior", [KAD_START_COLD] = "cold", [KAD_START_HOT] = "hot"};
    if (setup->start == KAD_START_AUTO) return setup->map != NULL ? "prior" : "hot";
    return names[setup->start];
}

static size_t rows_of(const kad_sampler_setup *setup)
{
    return (size_t)setup->action->lattice->n_sites * (size_t)setup->action->n_comp;
}

/* Draws of the map in double. */
static kad_status prior(kad_ctx *ctx, const kad_sampler_setup *setup, uint64_t seed,
                        double *x)
{
    KAD_SCOPE(scope, ctx);
    const size_t n = (size_t)setup->n_chains;
    double *y, *ln;
    if (setup->map == NULL)
        return kad_fail(ctx, KAD_ECONFIG,
                        "sample[%d].start: prior needs a trained map: run `train` first",
                        setup->entry);
    KAD_CALL(kad_scope_take(&scope, n, rows_of(setup) * sizeof(double), &y));
    KAD_CALL(kad_take(&scope, n, &ln));
    KAD_CALL(kad_map_draw(ctx, setup->map, seed, KAD_RNG_DRAW, 0, n, KAD_DOUBLE, false, y,
                          ln, NULL));
    return kad_fields_of(ctx, setup->action, seed, 0, n, false, y, x, ln);
}

/* The model's rules, tile by tile. */
static kad_status by_rules(kad_ctx *ctx, const kad_sampler_setup *setup, uint64_t seed,
                           bool hot, double *x)
{
    KAD_SCOPE(scope, ctx);
    const kad_action *action = setup->action;
    const kad_action_local *local = action->ops->local;
    const size_t n = (size_t)setup->n_chains, n_rows = rows_of(setup);
    kad_rng rng[KAD_LOCAL_STREAMS];
    double *tile;
    void *scratch;
    for (uint32_t i = 0; i < KAD_LOCAL_STREAMS; i++)
        rng[i] = kad_rng_stream(seed, KAD_RNG_CHAIN, i);
    KAD_CALL(kad_scope_take(&scope, n_rows, KAD_ROW_BYTES, &tile));
    KAD_CALL(
        kad_scope_take(&scope, local->scratch_bytes(action) + KAD_ALIGN, 1, &scratch));
    for (size_t at = 0; at < n; at += W) {
        const size_t here = n - at < W ? n - at : W;
        const kad_turn turn = {
            .rng = rng, .step = 0, .first_chain = at, .n_lanes = (int)here};
        local->start(action, &turn, hot, tile, scratch);
        kad_tile_store(KAD_DOUBLE, n_rows, here, tile, n_rows, x + at * n_rows);
    }
    return KAD_OK;
}

static void without_rules(const kad_sampler_setup *setup, uint64_t seed, bool hot,
                          double *x)
{
    const size_t n_rows = rows_of(setup), n_comp = (size_t)setup->action->n_comp;
    const kad_rng rng = kad_rng_stream(seed, KAD_RNG_CHAIN, 0);
    for (size_t chain = 0; chain < (size_t)setup->n_chains; chain++)
        for (size_t row = 0; row < n_rows; row++) {
            double pair[2] = {row % n_comp == 0 ? 1 : 0, 0};
            if (hot) kad_rng_normal2(rng, 0, chain, (uint32_t)row, pair);
            x[chain * n_rows + row] = pair[0];
        }
}

kad_status kad_start_fields(kad_ctx *ctx, const kad_sampler_setup *setup, double *x)
{
    const char *name = kad_start_name(setup);
    const bool hot = strcmp(name, "hot") == 0;
    const uint64_t seed = kad_sampler_seed(setup, 0);
    if (strcmp(name, "prior") == 0) return prior(ctx, setup, seed, x);
    if (setup->action->ops->local != NULL) return by_rules(ctx, setup, seed, hot, x);
    without_rules(setup, seed, hot, x);
    return KAD_OK;
}

kad_status kad_start_chains(kad_ctx *ctx, const kad_sampler_setup *setup,
                            kad_status (*set_state)(kad_ctx *ctx, void *self,
                                                    const double *x),
                            void *self)
{
    KAD_SCOPE(scope, ctx);
    double *x;
    KAD_CALL(kad_take(&scope, (size_t)setup->n_chains * rows_of(setup), &x));
    KAD_CALL(kad_start_fields(ctx, setup, x));
    return set_state(ctx, self, x);
}

/* States that the chains of hybrid Monte Carlo are given, and normal numbers. */
#include "sample/hmc_core.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "base/tile.h"
#include "sample/start.h"

#include <math.h>
#include <string.h>

enum { W = KAD_W_DOUBLE };

void kad_hmc_normal_tile(const kad_action *action, kad_rng rng, uint64_t step,
                         uint64_t chain, double *tile)
{
    const size_t n_comp = (size_t)action->n_comp;
    const size_t n_rows = (size_t)action->lattice->n_sites * n_comp;
    for (size_t r = 0; r < n_rows; r += 4) {
        _Alignas(KAD_ALIGN) double quad[4 * W];
        const size_t left = n_rows - r < 4 ? n_rows - r : 4;
        kad_rng_normal_rows_f64(rng, step, chain, (uint32_t)(r / 4), W, W, quad);
        memcpy(tile + r * W, quad, left * W * sizeof *tile);
    }
    kad_tile_clear_inactive(n_rows, n_comp, action->active, tile);
}

/* Rows of W chains from `first` on, out of flow variables stored chain by chain. */
static void gather(const kad_hmc *hmc, const double *y, size_t first, double *tile)
{
    const kad_action *action = hmc->shell.setup->action;
    const size_t n_rows = hmc->target.n_rows, n = (size_t)hmc->shell.setup->n_chains;
    kad_tile_repeat(KAD_DOUBLE, n_rows, first, n, y, tile);
    kad_tile_clear_inactive(n_rows, (size_t)action->n_comp, action->active, tile);
}

/* Field of the chains, stored one after the other. */
typedef struct state {
    kad_hmc *hmc;
    const double *field;
} state;

static bool set_tile(void *self, size_t s, void *scratch)
{
    const state *now = self;
    kad_hmc *hmc = now->hmc;
    const kad_hmc_target *target = &hmc->target;
    double *q = hmc->q + s * target->n_rows * W, *y = hmc->y + s * target->n_rows * W;
    gather(hmc, now->field, s * W, q);
    if (target->from_field != NULL) target->from_field(target, q, scratch);
    target->energy(target, q, y, hmc->U + s * W, hmc->S + s * W, scratch);
    return true;
}

kad_status kad_hmc_set_state(kad_ctx *ctx, void *self, const double *x)
{
    KAD_SCOPE(scope, ctx);
    kad_hmc *hmc = self;
    const kad_hmc_target *target = &hmc->target;
    const kad_sampler_setup *setup = hmc->shell.setup;
    const size_t n_rows = target->n_rows;
    double *field;
    KAD_CALL(kad_take(&scope, (size_t)setup->n_chains * n_rows, &field));
    KAD_CALL(
        kad_action_from_boundary(ctx, setup->action, (size_t)setup->n_chains, x, field));
    state now = {.hmc = hmc, .field = field};
    const kad_status status =
        kad_for_tiles(ctx, "sample", hmc->shell.n_tiles * hmc->n_sub,
                      target->scratch_bytes + KAD_ALIGN, set_tile, &now);
    if (status == KAD_EINTERRUPTED) return kad_sampler_stopped(ctx, setup);
    if (status != KAD_OK) return status;
    for (int chain = 0; chain < setup->n_chains; chain++)
        if (!isfinite(hmc->U[chain]))
            return kad_fail(ctx, KAD_EINTERNAL,
                            "sample[%d]: the action of chain %d is not finite in the "
                            "state it was given",
                            setup->entry, chain);
    return KAD_OK;
}

kad_status kad_hmc_start(kad_ctx *ctx, kad_hmc *hmc)
{
    const kad_sampler_setup *setup = hmc->shell.setup;
    const kad_status status = kad_start_chains(ctx, setup, kad_hmc_set_state, hmc);
    if (status != KAD_EINTERNAL) return status;
    return kad_fail(ctx, KAD_ECONFIG,
                    "sample[%d].start: the action is not finite at a %s start",
                    setup->entry, kad_start_name(setup));
}

#include "sample/hmc_start.h"

#include "base/memory.h"

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
    if (action->active == NULL) return;
    for (size_t r = 0; r < n_rows; r++)
        if (!action->active[r / n_comp]) memset(tile + r * W, 0, KAD_ROW_BYTES);
}

/* Boundary field of a cold start: 1 in the first component of every site. */
static void cold_tile(const kad_action *action, double *tile)
{
    const size_t n_comp = (size_t)action->n_comp;
    const size_t n_rows = (size_t)action->lattice->n_sites * n_comp;
    for (size_t r = 0; r < n_rows; r++) {
        const bool one =
            r % n_comp == 0 && (action->active == NULL || action->active[r / n_comp]);
        for (size_t l = 0; l < W; l++)
            tile[r * W + l] = one ? 1.0 : 0.0;
    }
}

/* Boundary field x to positions q; x is destroyed. */
static void positions(const kad_hmc_target *target, double *x, double *q, void *scratch)
{
    const kad_action *action = target->action;
    const kad_action_kern *kern = action->ops->kern[KAD_DOUBLE];
    if (kern->from_boundary != NULL)
        kern->from_boundary(action, x, q, scratch);
    else
        memcpy(q, x, target->n_rows * KAD_ROW_BYTES);
    if (target->from_field != NULL) target->from_field(target, q, scratch);
}

/* A draw of the map as positions. */
static void prior_tile(const kad_hmc *hmc, kad_rng rng, size_t chain, double *q,
                       void *scratch)
{
    const kad_map *map = hmc->setup->map;
    const kad_flow *flow = kad_map_flow(map);
    double ld[W] = {0};
    kad_flow_prior_draw(flow, KAD_DOUBLE, rng, 0, chain, q);
    if (hmc->latent) return;
    kad_flow_generate(flow, KAD_DOUBLE, kad_map_packed(map, KAD_DOUBLE), q, ld, scratch);
}

kad_status kad_hmc_start(kad_ctx *ctx, kad_hmc *hmc)
{
    kad_status status = KAD_OK;
    const kad_hmc_target *target = &hmc->target;
    const kad_sampler_setup *setup = hmc->setup;
    const size_t size = target->n_rows * W;
    const bool prior = setup->map != NULL && strcmp(hmc->options.start, "prior") == 0;
    const bool cold = strcmp(hmc->options.start, "cold") == 0;
    const kad_rng rng =
        kad_rng_stream(setup->seed, KAD_RNG_CHAIN, (uint32_t)setup->entry);
    void *memory = NULL;
    /* a map's scratch may be larger than the target's */
    size_t bytes = target->scratch_bytes;
    if (prior && kad_map_flow(setup->map)->scratch_bytes[KAD_DOUBLE] > bytes)
        bytes = kad_map_flow(setup->map)->scratch_bytes[KAD_DOUBLE];
    KAD_TRY(kad_new(ctx, bytes, 1, &memory));
    for (size_t s = 0; s < hmc->n_tiles * hmc->n_sub; s++) {
        double *q = hmc->q + s * size, *y = hmc->y + s * size;
        if (prior) {
            prior_tile(hmc, rng, s * W, q, memory);
        } else {
            if (cold)
                cold_tile(setup->action, y);
            else
                kad_hmc_normal_tile(setup->action, rng, 0, s * W, y);
            positions(target, y, q, memory);
        }
        target->energy(target, q, y, hmc->U + s * W, hmc->S + s * W, memory);
    }
    for (int chain = 0; chain < setup->n_chains; chain++)
        if (!isfinite(hmc->U[chain])) {
            status = kad_fail(ctx, KAD_ECONFIG,
                              "sample[%d].start: the action of chain %d is not finite at "
                              "a %s start",
                              setup->entry, chain, hmc->options.start);
            break;
        }
done:
    kad_free(memory);
    return status;
}

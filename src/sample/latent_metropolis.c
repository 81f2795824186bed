/* The sampler "latent-metropolis": sweeps of bulk_moves.h over all latents of many
 * chains. Chains are the lanes of tiles, tiles are spread over threads; a tile's
 * field, cones and quadratic forms are made from its latents at the start of every
 * draw, so that a chain's state is its latents alone. The width of a level's proposals
 * follows the acceptance in the first n_tune draws and is frozen after. Bits do not
 * depend on threads or batches. Sources: Metropolis et al., 10.1063/1.1699114; Li,
 * Wang, arXiv:1802.02840 (latents). */
#include "sample/latent_metropolis.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "base/signals.h"
#include "base/tile.h"
#include "sample/boundary.h"
#include "sample/start.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { W = KAD_W_DOUBLE, STREAM = 64 };

typedef struct options {
    int sweeps; /* a draw */
} options;

const kad_key kad_latent_metropolis_keys[KAD_LATENT_METROPOLIS_N_KEYS] = {
    {"sample[].sweeps", KAD_INT_OF(options, sweeps), "1", 1, 1e6, "sweeps", NULL,
     "metropolis, cluster, latent-metropolis: sweeps between draws"},
};

/* --- life ---------------------------------------------------------------------------- */

static void destroy(void *self)
{
    kad_latent_metropolis *m = self;
    if (m == NULL) return;
    for (int i = 0; m->tile != NULL && i < m->n_threads; i++)
        kad_moves_tile_destroy(m->tile[i]);
    kad_moves_destroy(m->bulk);
    kad_free(m->tile);
    kad_free(m->z);
    kad_free(m->tally);
    kad_free(m->width);
    kad_free(m->counts);
    kad_free(m->batch);
    kad_free(m->lnp);
    kad_free(m);
}

static kad_status set_state(kad_ctx *ctx, void *self, const double *x)
{
    kad_status status = KAD_OK;
    kad_latent_metropolis *m = self;
    const kad_flow *flow = kad_map_flow(m->setup->map);
    const size_t n = (size_t)m->setup->n_chains;
    double *z = NULL;
    KAD_TRY(kad_new(ctx, n, m->n_rows * sizeof(double), &z));
    KAD_TRY(kad_boundary_latents(ctx, m->setup->action, m->setup->map, n, x, z));
    for (size_t i = 0; i < n * m->n_rows; i++)
        if (!isfinite(z[i]) && flow->active[i % m->n_rows / (size_t)flow->n_comp])
            KAD_TRY(kad_fail(ctx, KAD_EINTERNAL,
                             "sample[%d]: the latents of chain %zu are not finite",
                             m->setup->entry, i / m->n_rows));
    /* lanes without a chain repeat the chains */
    for (size_t tile = 0; tile < m->n_tiles; tile++) {
        double *own = m->z + tile * m->n_rows * W;
        kad_tile_repeat(KAD_DOUBLE, m->n_rows, tile * W, n, z, own);
        kad_tile_clear_inactive(m->n_rows, (size_t)flow->n_comp, flow->active, own);
    }
done:
    kad_free(z);
    return status;
}

static kad_status start(kad_ctx *ctx, kad_latent_metropolis *m)
{
    kad_status status = KAD_OK;
    double *x = NULL;
    KAD_TRY(kad_new(ctx, (size_t)m->setup->n_chains, m->n_rows * sizeof(double), &x));
    KAD_TRY(kad_start_fields(ctx, m->setup, x));
    KAD_TRY(set_state(ctx, m, x));
done:
    kad_free(x);
    return status;
}

static kad_status allocate(kad_ctx *ctx, kad_latent_metropolis *m)
{
    kad_status status = KAD_OK;
    const size_t n_levels = (size_t)m->bulk->n_levels;
    const size_t n_block =
        m->setup->interleaved ? (size_t)m->setup->n_chains : m->setup->n_batch_max;
    KAD_TRY(kad_memory_require(
        ctx, (size_t)m->n_threads * kad_cone_state_bytes(m->bulk->cone),
        "the values on the way from latents to fields of latent-metropolis"));
    KAD_TRY(kad_new(ctx, m->n_tiles * m->n_rows, KAD_ROW_BYTES, &m->z));
    KAD_TRY(kad_new(ctx, m->n_tiles * n_levels, KAD_ROW_BYTES, &m->tally));
    KAD_TRY(kad_new(ctx, n_levels, sizeof(double), &m->width));
    KAD_TRY(kad_new(ctx, 2 * n_levels, sizeof(double), &m->counts));
    KAD_TRY(kad_new(ctx, n_block, m->n_rows * sizeof(double), &m->batch));
    KAD_TRY(kad_new(ctx, n_block, sizeof(double), &m->lnp));
    KAD_TRY(kad_new(ctx, (size_t)m->n_threads, sizeof(kad_moves_tile *), &m->tile));
    for (int i = 0; i < m->n_threads; i++)
        KAD_TRY(kad_moves_tile_create(ctx, m->bulk, &m->tile[i]));
done:
    return status;
}

/* Best for a normal latent of the prior's variance: 2.4 sigma / sqrt(components). */
static double first_width(const kad_flow *flow)
{
    return 2.4 * sqrt(flow->temperature / flow->n_comp);
}

static int sweeps_of(const kad_sampler_setup *setup)
{
    options o;
    kad_keys_copy(kad_latent_metropolis_keys, KAD_LATENT_METROPOLIS_N_KEYS, setup->own,
                  sizeof o, &o);
    return o.sweeps;
}

static kad_status create(kad_ctx *ctx, const kad_sampler_setup *setup, void **self)
{
    kad_status status = KAD_OK;
    kad_latent_metropolis *m = NULL;
    const kad_flow *flow = kad_map_flow(setup->map);
    *self = NULL;
    KAD_TRY(kad_draw_check(ctx, setup));
    KAD_TRY(kad_new(ctx, 1, sizeof *m, &m));
    m->setup = setup;
    m->n_sweeps = sweeps_of(setup);
    if ((double)(setup->n_burn_in + setup->n_draws) * m->n_sweeps >= 0x1p46)
        KAD_TRY(kad_fail(ctx, KAD_ECONFIG,
                         "sample[%d].sweeps: %d sweeps a draw exceed the 2^46 of a chain",
                         setup->entry, m->n_sweeps));
    m->n_rows = (size_t)flow->n_rows;
    m->n_tiles = ((size_t)setup->n_chains + W - 1) / W;
    m->n_threads = ctx->n_threads;
    const uint32_t stream = ((uint32_t)setup->entry + 1) * 256 + STREAM;
    m->propose = kad_rng_stream(setup->seed, KAD_RNG_CHAIN, stream);
    m->decide = kad_rng_stream(setup->seed, KAD_RNG_CHAIN, stream + 1);
    KAD_TRY(kad_moves_create(ctx, setup->action, setup->map, &m->bulk));
    if (m->bulk->cone->tail >= 0)
        kad_note(ctx,
                 "sample[%d]: the map's stage \"%s\" mixes the whole lattice: "
                 "every move of latent-metropolis generates all that follows it",
                 setup->entry, flow->stages[m->bulk->cone->n_stages].name);
    KAD_TRY(allocate(ctx, m));
    for (int level = 0; level < m->bulk->n_levels; level++)
        m->width[level] = first_width(flow);
    KAD_TRY(start(ctx, m));
    *self = m;
    m = NULL;
done:
    destroy(m);
    return status;
}

/* --- draws --------------------------------------------------------------------------- */

static int lanes_of(const kad_latent_metropolis *m, size_t tile)
{
    const size_t left = (size_t)m->setup->n_chains - tile * W;
    return left < W ? (int)left : W;
}

static double sum_of_levels(const kad_latent_metropolis *m, const double *tally, int lane)
{
    double sum = 0;
    for (int level = 0; level < m->bulk->n_levels; level++)
        sum += tally[level * W + lane];
    return sum;
}

/* The present state as draw `at` of the batch, x being flow variables for now. `before`:
 * moves accepted before the draw. */
static void hand_over(const kad_latent_metropolis *m, const kad_moves_tile *work,
                      size_t tile, size_t at, const double *before, kad_draws *out)
{
    const kad_action *action = m->setup->action;
    const double *y = kad_moves_field(work), *z = m->z + tile * m->n_rows * W;
    const double *tally = m->tally + tile * (size_t)m->bulk->n_levels * W;
    const double n_moves = (double)m->n_sweeps * m->bulk->n_order;
    double S[W];
    const size_t n = (size_t)lanes_of(m, tile), stride = out->n * m->n_rows;
    const size_t first = (tile * W * out->n + at) * m->n_rows;
    action->ops->kern[KAD_DOUBLE]->value(action, y, S, work->scratch);
    kad_tile_store(KAD_DOUBLE, m->n_rows, n, y, stride, out->x + first);
    if (out->z != NULL)
        kad_tile_store(KAD_DOUBLE, m->n_rows, n, z, stride, out->z + first);
    for (int l = 0; l < (int)n; l++) {
        const size_t i = (tile * W + (size_t)l) * out->n + at;
        const double moved = sum_of_levels(m, tally, l) - before[l];
        out->action[i] = S[l];
        out->accepted[i] = moved > 0;
        if (out->acceptance != NULL) out->acceptance[i] = moved / n_moves;
    }
}

/* False: given up. */
static bool draw_tile(const kad_latent_metropolis *m, kad_moves_tile *work, size_t tile,
                      int64_t draw, size_t at, double begun, kad_draws *out)
{
    double *z = m->z + tile * m->n_rows * W, before[W];
    double *tally = m->tally + tile * (size_t)m->bulk->n_levels * W;
    for (int l = 0; l < W; l++)
        before[l] = sum_of_levels(m, tally, l);
    kad_moves_begin(work, z);
    for (int sweep = 0; sweep < m->n_sweeps; sweep++) {
        const kad_moves_turn turn = {.propose = m->propose,
                                     .decide = m->decide,
                                     .step = (uint64_t)(draw * m->n_sweeps + sweep),
                                     .first_chain = tile * W,
                                     .n_lanes = lanes_of(m, tile)};
        if (!kad_moves_sweep(work, &turn, m->width, begun, tally)) return false;
    }
    kad_moves_latents(work, z);
    hand_over(m, work, tile, at, before, out);
    return true;
}

/* n draws of every tile, from place `at` of the batch on. */
typedef struct turns {
    kad_latent_metropolis *m;
    size_t at, n;
    double begun;
    kad_draws *out;
} turns;

static bool draw_all(void *self, size_t tile, int thread)
{
    const turns *t = self;
    kad_latent_metropolis *m = t->m;
    for (size_t i = 0; i < t->n; i++)
        if (!draw_tile(m, m->tile[thread], tile, m->n_done + (int64_t)i, t->at + i,
                       t->begun, t->out))
            return false;
    return true;
}

/* The first being draw m->n_done. False: given up. */
static bool make_draws(kad_latent_metropolis *m, size_t at, size_t n, double begun,
                       kad_draws *out)
{
    turns t = {.m = m, .at = at, .n = n, .begun = begun, .out = out};
    memset(m->tally, 0, m->n_tiles * (size_t)m->bulk->n_levels * KAD_ROW_BYTES);
    const bool all = kad_parallel_for(m->n_threads, m->n_tiles, draw_all, &t);
    m->n_done += (int64_t)n;
    for (int i = 0; i < m->n_threads; i++) {
        m->n_nonfinite += m->tile[i]->n_nonfinite;
        m->tile[i]->n_nonfinite = 0;
    }
    return all;
}

/* --- tuning -------------------------------------------------------------------------- */

/* Moves of a level accepted since the tally was cleared: a sum of integers, exact. */
static double accepted(const kad_latent_metropolis *m, int level)
{
    double sum = 0;
    for (size_t tile = 0; tile < m->n_tiles; tile++)
        for (int l = 0; l < lanes_of(m, tile); l++)
            sum += m->tally[(tile * (size_t)m->bulk->n_levels + (size_t)level) * W +
                            (size_t)l];
    return sum;
}

/* Moves of a level in n draws of all chains. */
static double tried(const kad_latent_metropolis *m, int level, size_t n)
{
    return (double)n * m->setup->n_chains * m->n_sweeps * m->bulk->level_size[level];
}

/* ln width follows the acceptance with a gain that falls like the inverse of the draw's
 * number (Robbins and Monro). */
static void tune(kad_latent_metropolis *m)
{
    const double gain = 10.0 / (5.0 + (double)m->n_done);
    for (int level = 0; level < m->bulk->n_levels; level++) {
        if (m->bulk->level_size[level] == 0) continue;
        const double p = accepted(m, level) / tried(m, level, 1);
        m->width[level] *= exp(gain * (p - KAD_LATENT_ACCEPTANCE));
        m->width[level] = fmin(fmax(m->width[level], 1e-6), 1e6);
    }
}

/* --- a batch ------------------------------------------------------------------------- */

/* From flow variables to boundary fields, by blocks of consecutive numbers: chain by
 * chain, or all chains at once where their numbers are interleaved. */
static kad_status to_boundary(kad_ctx *ctx, kad_latent_metropolis *m, int64_t first,
                              kad_draws *out)
{
    kad_status status = KAD_OK;
    const kad_sampler_setup *setup = m->setup;
    const size_t n_all = (size_t)setup->n_chains * out->n;
    const size_t n = setup->interleaved ? (size_t)setup->n_chains : out->n;
    for (size_t i = 0; i < n_all; i++)
        out->number[i] =
            kad_draw_number(setup, i / out->n, first + (int64_t)(i % out->n));
    for (size_t at = 0; at < n_all; at += n) {
        double *x = out->x + at * m->n_rows;
        memcpy(m->batch, x, n * m->n_rows * sizeof *x);
        KAD_TRY(kad_boundary_of(ctx, setup->action, setup->seed, out->number[at], n,
                                setup->translate, m->batch, x, m->lnp));
        for (size_t i = 0; i < n; i++)
            out->action[at + i] -= m->lnp[i];
    }
    for (size_t i = 0; i < n_all; i++)
        if (!isfinite(out->action[i]))
            return kad_fail(ctx, KAD_EINTERNAL,
                            "sample[%d]: the action of chain %zu is not finite",
                            setup->entry, i / out->n);
done:
    return status;
}

static kad_status advance(kad_ctx *ctx, void *self, kad_draws *out)
{
    kad_latent_metropolis *m = self;
    const int64_t first = m->n_done;
    const size_t n_levels = (size_t)m->bulk->n_levels;
    const double begun = kad_wall_seconds();
    size_t at = 0;
    while (at < out->n && m->n_done < m->setup->n_tune) {
        if (!make_draws(m, at++, 1, begun, out))
            return kad_sampler_stopped(ctx, m->setup);
        tune(m);
    }
    const size_t n = out->n - at;
    const bool counts = m->n_done >= m->setup->n_burn_in;
    if (!make_draws(m, at, n, begun, out)) return kad_sampler_stopped(ctx, m->setup);
    for (size_t level = 0; level < n_levels && counts; level++) {
        m->counts[level] += accepted(m, (int)level);
        m->counts[n_levels + level] += tried(m, (int)level, n);
    }
    return to_boundary(ctx, m, first, out);
}

static bool tunes(const kad_sampler_setup *setup)
{
    (void)setup;
    return true;
}

const kad_sampler_ops kad_sampler_latent_metropolis = {
    .name = "latent-metropolis",
    .summary = "local Metropolis sweeps over the latents of the map",
    .reference = "arXiv:1802.02840",
    .keys = kad_latent_metropolis_keys,
    .n_keys = KAD_LATENT_METROPOLIS_N_KEYS,
    .options_size = sizeof(options),
    .flags = KAD_SAMPLER_NEEDS_MAP | KAD_SAMPLER_MOVES,
    .time_unit = "sweep",
    .create = create,
    .destroy = destroy,
    .advance = advance,
    .save = kad_latent_metropolis_save,
    .load = kad_latent_metropolis_load,
    .describe = kad_latent_metropolis_describe,
    .set_state = set_state,
    .tunes = tunes,
};

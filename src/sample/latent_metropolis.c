/* The sampler "latent-metropolis": sweeps of bulk_moves.h over all latents of many
 * chains. Chains are the lanes of tiles, tiles are spread over threads; a tile's
 * field, cones and quadratic forms are made from its latents at the start of every
 * draw, so that a chain's state is its latents alone. The width of a level's proposals
 * follows the acceptance in the first n_tune draws and is frozen after. Bits do not
 * depend on threads or batches. Sources: Metropolis et al., 10.1063/1.1699114; Li,
 * Wang, arXiv:1802.02840 (latents). */
#include "sample/latent_metropolis.h"

#include "base/memory.h"
#include "base/tile.h"
#include "sample/fields.h"
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
    for (int i = 0; m->tile != NULL && i < m->shell.n_workers; i++)
        kad_moves_tile_destroy(m->tile[i]);
    kad_shell_clear(&m->shell);
    kad_moves_destroy(m->bulk);
    kad_free(m->tile);
    kad_free(m->z);
    kad_free(m->tally);
    kad_free(m->bad);
    kad_free(m->width);
    kad_free(m->counts);
    kad_free(m);
}
KAD_LOCAL_OF(kad_latent_metropolis, destroy)

static kad_status set_state(kad_ctx *ctx, void *self, const double *x)
{
    KAD_SCOPE(scope, ctx);
    kad_latent_metropolis *m = self;
    const kad_flow *flow = kad_map_flow(m->shell.setup->map);
    const size_t n = (size_t)m->shell.setup->n_chains;
    double *z;
    KAD_CALL(kad_scope_take(&scope, n, m->shell.n_rows * sizeof(double), &z));
    KAD_CALL(
        kad_fields_latents(ctx, m->shell.setup->action, m->shell.setup->map, n, x, z));
    for (size_t i = 0; i < n * m->shell.n_rows; i++)
        if (!isfinite(z[i]) && flow->active[i % m->shell.n_rows / (size_t)flow->n_comp])
            return kad_fail(ctx, KAD_EINTERNAL,
                            "sample[%d]: the latents of chain %zu are not finite",
                            m->shell.setup->entry, i / m->shell.n_rows);
    /* lanes without a chain repeat the chains */
    for (size_t tile = 0; tile < m->shell.n_tiles; tile++) {
        double *own = m->z + tile * m->shell.n_rows * W;
        kad_tile_repeat(KAD_DOUBLE, m->shell.n_rows, tile * W, n, z, own);
        kad_tile_clear_inactive(m->shell.n_rows, (size_t)flow->n_comp, flow->active, own);
    }
    return KAD_OK;
}

/* --- draws --------------------------------------------------------------------------- */

static int lanes_of(const kad_latent_metropolis *m, size_t tile)
{
    return (int)kad_shell_in_use(&m->shell, tile * W);
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
    const kad_action *action = m->shell.setup->action;
    const double *y = kad_moves_field(work), *z = m->z + tile * m->shell.n_rows * W;
    const double *tally = m->tally + tile * (size_t)m->bulk->n_levels * W;
    const double n_moves = (double)m->n_sweeps * m->bulk->n_order;
    double S[W];
    action->ops->kern[KAD_DOUBLE]->value(action, y, S, work->scratch);
    kad_shell_hand_over(&m->shell, tile * W, at, out->n, y, out->x);
    if (out->z != NULL) kad_shell_hand_over(&m->shell, tile * W, at, out->n, z, out->z);
    for (int l = 0; l < lanes_of(m, tile); l++) {
        const size_t i = (tile * W + (size_t)l) * out->n + at;
        const double moved = sum_of_levels(m, tally, l) - before[l];
        out->action[i] = S[l];
        out->accepted[i] = moved > 0;
        if (out->acceptance != NULL) out->acceptance[i] = moved / n_moves;
    }
}

static bool draw(void *self, const kad_shell_turn *now, kad_draws *out)
{
    const kad_latent_metropolis *m = self;
    const size_t tile = now->tile;
    kad_moves_tile *work = m->tile[now->thread];
    double *z = m->z + tile * m->shell.n_rows * W, before[W];
    double *tally = m->tally + tile * (size_t)m->bulk->n_levels * W;
    for (int l = 0; l < W; l++)
        before[l] = sum_of_levels(m, tally, l);
    kad_moves_begin(work, z);
    for (int sweep = 0; sweep < m->n_sweeps; sweep++) {
        const kad_moves_turn turn = {.propose = m->propose,
                                     .decide = m->decide,
                                     .step = (uint64_t)(now->t * m->n_sweeps + sweep),
                                     .first_chain = tile * W,
                                     .n_lanes = lanes_of(m, tile)};
        if (!kad_moves_sweep(work, &turn, m->width, now->begun, tally)) return false;
    }
    m->bad[tile] += work->n_nonfinite;
    work->n_nonfinite = 0;
    kad_moves_latents(work, z);
    hand_over(m, work, tile, now->i, before, out);
    return true;
}

static void begin(void *self)
{
    kad_latent_metropolis *m = self;
    memset(m->tally, 0, m->shell.n_tiles * (size_t)m->bulk->n_levels * KAD_ROW_BYTES);
}

/* --- tuning -------------------------------------------------------------------------- */

/* Moves of a level accepted since the tally was cleared: a sum of integers, exact. */
static double accepted(const kad_latent_metropolis *m, int level)
{
    double sum = 0;
    for (size_t tile = 0; tile < m->shell.n_tiles; tile++)
        for (int l = 0; l < lanes_of(m, tile); l++)
            sum += m->tally[(tile * (size_t)m->bulk->n_levels + (size_t)level) * W +
                            (size_t)l];
    return sum;
}

/* Moves of a level in n draws of all chains. */
static double tried(const kad_latent_metropolis *m, int level, size_t n)
{
    return (double)n * m->shell.setup->n_chains * m->n_sweeps *
           m->bulk->level_size[level];
}

/* ln width follows the acceptance with a gain that falls like the inverse of the draw's
 * number (Robbins and Monro). */
static void tune(void *self)
{
    kad_latent_metropolis *m = self;
    const double gain = 10.0 / (5.0 + (double)m->shell.n_done);
    for (int level = 0; level < m->bulk->n_levels; level++) {
        if (m->bulk->level_size[level] == 0) continue;
        const double p = accepted(m, level) / tried(m, level, 1);
        m->width[level] *= exp(gain * (p - KAD_LATENT_ACCEPTANCE));
        m->width[level] = fmin(fmax(m->width[level], 1e-6), 1e6);
    }
}

/* --- counts --------------------------------------------------------------------------- */

static void end(void *self, size_t n, bool recorded)
{
    kad_latent_metropolis *m = self;
    const size_t n_levels = (size_t)m->bulk->n_levels;
    for (size_t tile = 0; tile < m->shell.n_tiles; tile++) {
        m->n_nonfinite += m->bad[tile];
        m->bad[tile] = 0;
    }
    for (size_t level = 0; level < n_levels && recorded; level++) {
        m->counts[level] += accepted(m, (int)level);
        m->counts[n_levels + level] += tried(m, (int)level, n);
    }
}

static size_t changed(void *self, bool of_draws, kad_shared *arrays)
{
    const kad_latent_metropolis *m = self;
    const size_t n_levels = (size_t)m->bulk->n_levels;
    if (!of_draws) {
        arrays[0] = (kad_shared){.data = m->z, .bytes = m->shell.n_rows * KAD_ROW_BYTES};
        return 1;
    }
    arrays[0] = (kad_shared){.data = m->tally, .bytes = n_levels * KAD_ROW_BYTES};
    arrays[1] = (kad_shared){.data = m->bad, .bytes = sizeof *m->bad};
    return 2;
}

static const kad_shell_ops shell_ops = {.draw = draw,
                                        .begin = begin,
                                        .end = end,
                                        .tune = tune,
                                        .changed = changed,
                                        .flow_variables = true};

/* --- operations ----------------------------------------------------------------------- */

static kad_status allocate(kad_ctx *ctx, kad_latent_metropolis *m)
{
    const size_t n_levels = (size_t)m->bulk->n_levels;
    KAD_CALL(kad_memory_require(
        ctx, (size_t)m->shell.n_workers * kad_cone_state_bytes(m->bulk->cone),
        "the values on the way from latents to fields of latent-metropolis"));
    KAD_CALL(kad_new(ctx, m->shell.n_tiles * m->shell.n_rows, KAD_ROW_BYTES, &m->z));
    KAD_CALL(kad_new(ctx, m->shell.n_tiles * n_levels, KAD_ROW_BYTES, &m->tally));
    KAD_CALL(kad_new(ctx, m->shell.n_tiles, sizeof *m->bad, &m->bad));
    KAD_CALL(kad_new(ctx, n_levels, sizeof(double), &m->width));
    KAD_CALL(kad_new(ctx, 2 * n_levels, sizeof(double), &m->counts));
    KAD_CALL(
        kad_new(ctx, (size_t)m->shell.n_workers, sizeof(kad_moves_tile *), &m->tile));
    for (int i = 0; i < m->shell.n_workers; i++)
        KAD_CALL(kad_moves_tile_create(ctx, m->bulk, &m->tile[i]));
    return KAD_OK;
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
    KAD_LOCAL(kad_latent_metropolis, m);
    const kad_flow *flow = kad_map_flow(setup->map);
    *self = NULL;
    KAD_CALL(kad_new(ctx, 1, sizeof *m, &m));
    KAD_CALL(kad_shell_create(ctx, setup, &shell_ops, m, W, &m->shell));
    m->shell.tuned = m->shell.latents = true;
    m->n_sweeps = sweeps_of(setup);
    if ((double)(setup->n_burn_in + setup->n_draws) * m->n_sweeps >= 0x1p46)
        KAD_CALL(
            kad_fail(ctx, KAD_ECONFIG,
                     "sample[%d].sweeps: %d sweeps a draw exceed the 2^46 of a chain",
                     setup->entry, m->n_sweeps));
    const uint32_t stream = ((uint32_t)setup->entry + 1) * 256 + STREAM;
    m->propose = kad_rng_stream(setup->seed, KAD_RNG_CHAIN, stream);
    m->decide = kad_rng_stream(setup->seed, KAD_RNG_CHAIN, stream + 1);
    KAD_CALL(kad_moves_create(ctx, setup->action, setup->map, &m->bulk));
    if (m->bulk->cone->tail >= 0)
        kad_note(ctx,
                 "sample[%d]: the map's stage \"%s\" mixes the whole lattice: "
                 "every move of latent-metropolis generates all that follows it",
                 setup->entry, flow->stages[m->bulk->cone->n_stages].name);
    KAD_CALL(allocate(ctx, m));
    for (int level = 0; level < m->bulk->n_levels; level++)
        m->width[level] = first_width(flow);
    KAD_CALL(kad_start_chains(ctx, setup, set_state, m));
    *self = m;
    m = NULL;
    return KAD_OK;
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
    .advance = kad_shell_advance,
    .save = kad_latent_metropolis_save,
    .load = kad_latent_metropolis_load,
    .describe = kad_latent_metropolis_describe,
    .set_state = set_state,
    .tunes = tunes,
};

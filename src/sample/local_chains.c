#include "sample/local_chains.h"

#include "base/memory.h"
#include "base/signals.h"
#include "base/tile.h"
#include "sample/start.h"

#include <math.h>
#include <string.h>

enum { W = KAD_W_DOUBLE };

const kad_key kad_local_keys[KAD_LOCAL_N_KEYS] = {
    {"sample[].sweeps", KAD_INT_OF(kad_local_options, sweeps), "1", 1, 1e6, "sweeps",
     NULL, "metropolis, cluster, latent-metropolis: sweeps between draws"},
    {"sample[].overrelaxation", KAD_INT_OF(kad_local_options, overrelaxation), NULL, 0,
     1000, "sweeps", NULL,
     "metropolis, cluster: over-relaxation sweeps after every sweep (phi4 and xy with 2 "
     "or 3 components, without a clock term: default 1)"},
    {"sample[].width", KAD_REAL_OF(kad_local_options, width), NULL, 1e-6, 1e6, "", NULL,
     "metropolis, cluster: half width of the proposals of phi4 before it is tuned to an "
     "acceptance of 0.55 (default 1; with `tuning: 0` it stays)"},
    {"sample[].cluster_moves", KAD_INT_OF(kad_local_options, cluster_moves), "1", 1, 1000,
     "moves", NULL,
     "cluster: cluster moves of a sweep, each along a new random direction"},
};

static kad_status check(kad_ctx *ctx, const kad_local_chains *c)
{
    const kad_sampler_setup *s = c->shell.setup;
    const double steps = (double)(s->n_burn_in + s->n_draws) * c->n_sweeps *
                         (c->n_clusters > 0 ? c->n_clusters : 1);
    if (s->n_chains > 1 << KAD_LOCAL_CHAIN_BITS)
        return kad_fail(ctx, KAD_ECONFIG, "sample[%d].chains: at most %d, got %d",
                        s->entry, 1 << KAD_LOCAL_CHAIN_BITS, s->n_chains);
    if (steps >= 0x1p36)
        return kad_fail(ctx, KAD_ECONFIG,
                        "sample[%d]: %.0f sweeps and cluster moves exceed the 2^36 of an "
                        "entry",
                        s->entry, steps);
    return KAD_OK;
}

/* --- a tile -------------------------------------------------------------------------- */

static kad_turn turn_of(const kad_local_chains *c, size_t tile, uint64_t step)
{
    return (kad_turn){.rng = c->rng,
                      .step = step,
                      .first_chain = tile * W,
                      .n_lanes = (int)kad_shell_in_use(&c->shell, tile * W)};
}

/* Draw number `draw` of the chains of a tile, burn-in counted. False: given up. */
static bool draw_tile(const kad_local_chains *c, size_t tile, int64_t draw, double begun,
                      void *scratch)
{
    const kad_action *action = c->shell.setup->action;
    double *x = c->x + tile * c->shell.n_rows * W;
    for (int sweep = 0; sweep < c->n_sweeps; sweep++) {
        /* step 0 is the start's */
        const uint64_t step = 1 + (uint64_t)(draw * c->n_sweeps + sweep);
        const kad_turn turn = turn_of(c, tile, step);
        if (kad_stop_overdue(begun)) return false;
        if (c->n_clusters > 0)
            c->local->cluster(action, &turn, &c->bonds, c->n_clusters, x, scratch);
        if (c->n_clusters > 0 && c->local->cluster_redraws) continue;
        c->local->sweep(action, &turn, c->width, x, c->tally + tile * W, scratch);
        for (int i = 0; i < c->n_reflections; i++)
            c->local->reflect(action, x);
    }
    return true;
}

/* The present state as draw `at` of the batch; `before`: the tally before the draw. */
static void hand_over(const kad_local_chains *c, size_t tile, size_t at,
                      const double before[W], kad_draws *out, void *scratch)
{
    const double *x = c->x + tile * c->shell.n_rows * W;
    const double n_moves = (double)c->n_sweeps * c->shell.setup->action->lattice->n_sites;
    const size_t n_lanes = kad_shell_in_use(&c->shell, tile * W);
    double S[W];
    c->local->value(c->shell.setup->action, x, S, scratch);
    kad_shell_hand_over(&c->shell, tile * W, at, out->n, x, out->x);
    for (size_t lane = 0; lane < n_lanes; lane++) {
        const size_t i = (tile * W + lane) * out->n + at;
        const double moved = c->tally[tile * W + lane] - before[lane];
        out->action[i] = S[lane];
        /* cluster and heat bath moves are always made */
        out->accepted[i] = !c->refuses || c->n_clusters > 0 || moved > 0;
        if (out->acceptance != NULL)
            out->acceptance[i] = c->refuses ? moved / n_moves : 1;
    }
}

static bool draw(void *self, const kad_shell_turn *turn, kad_draws *out)
{
    const kad_local_chains *c = self;
    void *scratch = c->scratch + (size_t)turn->thread * c->n_scratch;
    double before[W];
    memcpy(before, c->tally + turn->tile * W, sizeof before);
    if (!draw_tile(c, turn->tile, turn->t, turn->begun, scratch)) return false;
    hand_over(c, turn->tile, turn->i, before, out, scratch);
    return true;
}

static void begin(void *self)
{
    kad_local_chains *c = self;
    memset(c->tally, 0, c->shell.n_tiles * W * sizeof *c->tally);
}

/* --- tuning -------------------------------------------------------------------------- */

/* Accepted moves since the tally was cleared: a sum of integers, exact in any order. */
static double accepted(const kad_local_chains *c)
{
    double sum = 0;
    for (int chain = 0; chain < c->shell.setup->n_chains; chain++)
        sum += c->tally[chain];
    return sum;
}

static double moves_of_a_draw(const kad_local_chains *c)
{
    return (double)c->shell.setup->n_chains * c->n_sweeps *
           c->shell.setup->action->lattice->n_sites;
}

/* ln width follows the acceptance with a gain that falls like the inverse of the draw's
 * number (Robbins and Monro). */
static void tune(void *self)
{
    kad_local_chains *c = self;
    const double gain = 40.0 / (20.0 + (double)c->shell.n_done);
    const double p = accepted(c) / moves_of_a_draw(c);
    c->width *= exp(gain * (p - KAD_LOCAL_ACCEPTANCE));
    c->width = fmin(fmax(c->width, 1e-6), 1e6);
}

static void end(void *self, size_t n, bool recorded)
{
    kad_local_chains *c = self;
    if (!recorded) return;
    c->n_accepted += accepted(c);
    c->n_tried += moves_of_a_draw(c) * (double)n;
}

static size_t changed(void *self, bool of_draws, kad_shared *arrays)
{
    const kad_local_chains *c = self;
    arrays[0] = of_draws ? (kad_shared){.data = c->tally, .bytes = W * sizeof *c->tally}
                         : (kad_shared){.data = c->x,
                                        .bytes = c->shell.n_rows * W * sizeof *c->x};
    return 1;
}

static const kad_shell_ops shell_ops = {
    .draw = draw, .begin = begin, .end = end, .tune = tune, .changed = changed};

/* --- operations ---------------------------------------------------------------------- */

static kad_status allocate(kad_ctx *ctx, kad_local_chains *c)
{
    const size_t action_bytes = c->shell.setup->action->scratch_bytes[KAD_DOUBLE];
    c->n_scratch = c->local->scratch_bytes(c->shell.setup->action);
    if (action_bytes > c->n_scratch) c->n_scratch = action_bytes;
    c->n_scratch = (c->n_scratch + KAD_ALIGN - 1) / KAD_ALIGN * KAD_ALIGN;
    KAD_CALL(kad_new(ctx, c->shell.n_tiles * c->shell.n_rows, W * sizeof(double), &c->x));
    KAD_CALL(kad_new(ctx, c->shell.n_tiles, W * sizeof(double), &c->tally));
    return kad_new(ctx, (size_t)c->shell.n_workers, c->n_scratch, &c->scratch);
}

/* What is left out has its default where it has an effect; what is given has one. */
static kad_status take_options(kad_ctx *ctx, const kad_local_options *o,
                               kad_local_chains *c)
{
    const kad_sampler_setup *s = c->shell.setup;
    const kad_action *action = s->action;
    const bool factors = c->local->refuses != NULL && c->local->refuses(action);
    const bool reflects = c->local->reflect != NULL && action->n_comp > 1 && !factors;
    c->refuses = c->local->tuned || factors;
    if (o->overrelaxation > 0 && !reflects)
        return kad_fail(ctx, KAD_ECONFIG,
                        "sample[%d].overrelaxation: has no effect: action %s%s", s->entry,
                        action->ops->name,
                        factors               ? " has a term that it would change"
                        : action->n_comp == 1 ? " with one component has none"
                                              : " has none");
    if (!isnan(o->width) && !c->local->tuned)
        return kad_fail(ctx, KAD_ECONFIG,
                        "sample[%d].width: has no effect: action %s draws without "
                        "proposals of a width",
                        s->entry, action->ops->name);
    if (reflects) c->n_reflections = o->overrelaxation < 0 ? 1 : o->overrelaxation;
    c->width = isnan(o->width) ? 1 : o->width;
    c->n_sweeps = o->sweeps;
    return KAD_OK;
}

kad_status kad_local_chains_create(kad_ctx *ctx, const kad_sampler_setup *setup,
                                   bool clusters, void **out)
{
    KAD_LOCAL(kad_local_chains, c);
    const kad_action *action = setup->action;
    kad_local_options o;

    *out = NULL;
    kad_keys_copy(kad_local_keys, KAD_LOCAL_N_KEYS, setup->own, sizeof o, &o);
    if (action->ops->local == NULL)
        return kad_fail(ctx, KAD_ECONFIG,
                        "sample[%d]: action \"%s\" has no local updates", setup->entry,
                        action->ops->name);
    KAD_CALL(kad_new(ctx, 1, sizeof *c, &c));
    c->local = action->ops->local;
    KAD_CALL(kad_shell_create(ctx, setup, &shell_ops, c, W, &c->shell));
    c->shell.tuned = c->local->tuned;
    KAD_CALL(take_options(ctx, &o, c));
    if (clusters) c->n_clusters = o.cluster_moves;
    KAD_CALL(check(ctx, c));
    for (uint32_t i = 0; i < KAD_LOCAL_STREAMS; i++)
        c->rng[i] = kad_rng_stream(setup->seed, KAD_RNG_CHAIN,
                                   ((uint32_t)setup->entry + 1) * 256 + i);
    KAD_CALL(allocate(ctx, c));
    if (clusters) KAD_CALL(c->local->bonds(ctx, action, &c->bonds));
    KAD_CALL(kad_start_chains(ctx, setup, kad_local_chains_set_state, c));
    *out = c;
    c = NULL;
    return KAD_OK;
}

bool kad_local_chains_tunes(const kad_sampler_setup *setup)
{
    const kad_action_local *local = setup->action->ops->local;
    return local != NULL && local->tuned;
}

/* Lanes without a chain repeat the chains. */
kad_status kad_local_chains_set_state(kad_ctx *ctx, void *self, const double *x)
{
    kad_local_chains *c = self;
    const size_t n = (size_t)c->shell.setup->n_chains;
    (void)ctx;
    for (size_t tile = 0; tile < c->shell.n_tiles; tile++)
        kad_tile_repeat(KAD_DOUBLE, c->shell.n_rows, tile * W, n, x,
                        c->x + tile * c->shell.n_rows * W);
    return KAD_OK;
}

void kad_local_chains_destroy(void *self)
{
    kad_local_chains *c = self;
    if (c == NULL) return;
    kad_shell_clear(&c->shell);
    kad_bonds_clear(&c->bonds);
    kad_free(c->x);
    kad_free(c->tally);
    kad_free(c->scratch);
    kad_free(c);
}

enum { N_STATE = 5 };
static void state_of(const kad_local_chains *c, kad_state state[N_STATE])
{
    const kad_state all[N_STATE] = {
        {"chains", KAD_STATE_REALS, c->x, 3, {c->shell.n_tiles, c->shell.n_rows, W}},
        {"n_done", KAD_STATE_INT, &c->shell.n_done, 0, {0}},
        {"width", KAD_STATE_REAL, &c->width, 0, {0}},
        {"n_accepted", KAD_STATE_REAL, &c->n_accepted, 0, {0}},
        {"n_tried", KAD_STATE_REAL, &c->n_tried, 0, {0}},
    };
    memcpy(state, all, sizeof all);
}

kad_status kad_local_chains_save(kad_ctx *ctx, const void *self, kad_h5 *file,
                                 const char *group)
{
    kad_state state[N_STATE];
    state_of(self, state);
    return kad_state_save(ctx, N_STATE, state, file, group);
}

kad_status kad_local_chains_load(kad_ctx *ctx, void *self, kad_h5 *file,
                                 const char *group)
{
    const kad_local_chains *c = self;
    kad_state state[N_STATE];
    state_of(self, state);
    KAD_CALL(kad_state_load(ctx, N_STATE, state, file, group));
    if (!(c->width > 0) || !isfinite(c->width))
        return kad_fail(ctx, KAD_EDATA, "%s: expected a width, found %g", group,
                        c->width);
    return KAD_OK;
}

void kad_local_chains_describe(const void *self, kad_writer *w)
{
    const kad_local_chains *c = self;
    kad_shell_describe(&c->shell, w);
    kad_write_int(w, "sweeps", c->n_sweeps);
    kad_write_int(w, "overrelaxation", c->n_reflections);
    kad_write_int(w, "cluster_moves", c->n_clusters);
    if (c->local->tuned) kad_write_real(w, "width", c->width);
    if (c->refuses && c->n_tried > 0)
        kad_write_real(w, "acceptance", c->n_accepted / c->n_tried);
}

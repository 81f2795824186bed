/* A sampler: random walk Metropolis of the whole field, for any action. A draw is as many
 * steps as the field has components. */
#include "base/memory.h"
#include "base/signals.h"
#include "base/tile.h"
#include "sample/shell.h"
#include "sample/start.h"

#include <math.h>
#include <string.h>

enum { W = KAD_W_DOUBLE };

typedef struct options {
    double stride;
} options;

enum { N_KEYS = 1 };
static const kad_key keys[N_KEYS] = {
    {"sample[].stride", KAD_REAL_OF(options, stride), "0.2", 1e-6, 1e6, "", NULL,
     "walk: width of the steps of every component"},
};

typedef struct walk {
    kad_shell shell;
    options o;
    double *y, *S;    /* [n_tiles][n_rows][W] flow variables; their action */
    double *trial;    /* of every worker */
    uint8_t *scratch; /* of every worker */
    size_t n_scratch;
} walk;

/* Step `step` of a tile; which lanes moved. */
static void take_step(const walk *w, const kad_shell_turn *turn, uint64_t step,
                      bool moved[W])
{
    const size_t n_rows = w->shell.n_rows, size = n_rows * W, first = turn->tile * W;
    const kad_action *action = w->shell.setup->action;
    const uint64_t seed = w->shell.setup->seed;
    const uint32_t entry = (uint32_t)w->shell.setup->entry;
    const kad_rng moves = kad_rng_stream(seed, KAD_RNG_CHAIN, entry);
    const kad_rng accept = kad_rng_stream(seed, KAD_RNG_ACCEPT, entry);
    double *y = w->y + turn->tile * size, *S = w->S + first;
    double *trial = w->trial + (size_t)turn->thread * size, S_trial[W];
    void *scratch = w->scratch + (size_t)turn->thread * w->n_scratch;
    for (size_t row = 0; row < n_rows; row++)
        for (size_t lane = 0; lane < W; lane++) {
            double pair[2];
            kad_rng_normal2(moves, step, first + lane, (uint32_t)row, pair);
            trial[row * W + lane] = y[row * W + lane] + w->o.stride * pair[0];
        }
    action->ops->kern[KAD_DOUBLE]->value(action, trial, S_trial, scratch);
    for (size_t lane = 0; lane < W; lane++) {
        const double u = kad_rng_uniform(accept, step, first + lane, 0);
        if (!(log(u) < S[lane] - S_trial[lane])) continue;
        S[lane] = S_trial[lane];
        moved[lane] = true;
        for (size_t row = 0; row < n_rows; row++)
            y[row * W + lane] = trial[row * W + lane];
    }
}

static bool draw(void *self, const kad_shell_turn *turn, kad_draws *out)
{
    const walk *w = self;
    const size_t n_rows = w->shell.n_rows, first = turn->tile * W;
    bool moved[W] = {false};
    if (kad_stop_overdue(turn->begun)) return false;
    for (size_t i = 0; i < n_rows; i++)
        take_step(w, turn, 1 + (uint64_t)turn->t * n_rows + i, moved);
    for (size_t lane = 0; lane < kad_shell_in_use(&w->shell, first); lane++) {
        out->action[(first + lane) * out->n + turn->i] = w->S[first + lane];
        out->accepted[(first + lane) * out->n + turn->i] = moved[lane];
    }
    kad_shell_hand_over(&w->shell, first, turn->i, out->n, w->y + first * n_rows, out->x);
    return true;
}

static const kad_shell_ops shell_ops = {.draw = draw, .flow_variables = true};

static kad_status set_state(kad_ctx *ctx, void *self, const double *x)
{
    KAD_SCOPE(scope, ctx);
    walk *w = self;
    const kad_action *action = w->shell.setup->action;
    const size_t n = (size_t)w->shell.setup->n_chains, size = w->shell.n_rows * W;
    double *y;
    KAD_CALL(kad_take(&scope, n * w->shell.n_rows, &y));
    KAD_CALL(kad_action_from_boundary(ctx, action, n, x, y));
    for (size_t tile = 0; tile < w->shell.n_tiles; tile++) {
        kad_tile_repeat(KAD_DOUBLE, w->shell.n_rows, tile * W, n, y, w->y + tile * size);
        action->ops->kern[KAD_DOUBLE]->value(action, w->y + tile * size, w->S + tile * W,
                                             w->scratch);
    }
    for (size_t chain = 0; chain < n; chain++)
        if (!isfinite(w->S[chain]))
            return kad_fail(ctx, KAD_EINTERNAL,
                            "sample[%d]: the action of chain %zu is not finite",
                            w->shell.setup->entry, chain);
    return KAD_OK;
}

static void destroy(void *self)
{
    walk *w = self;
    if (w == NULL) return;
    kad_shell_clear(&w->shell);
    kad_free(w->y);
    kad_free(w->S);
    kad_free(w->trial);
    kad_free(w->scratch);
    kad_free(w);
}
KAD_LOCAL_OF(walk, destroy)

static kad_status create(kad_ctx *ctx, const kad_sampler_setup *setup, void **self)
{
    KAD_LOCAL(walk, w);
    *self = NULL;
    KAD_CALL(kad_new(ctx, 1, sizeof *w, &w));
    kad_keys_copy(keys, N_KEYS, setup->own, sizeof w->o, &w->o);
    KAD_CALL(kad_shell_create(ctx, setup, &shell_ops, w, W, &w->shell));
    w->n_scratch =
        (setup->action->scratch_bytes[KAD_DOUBLE] + KAD_ALIGN) / KAD_ALIGN * KAD_ALIGN;
    const size_t row_bytes = W * sizeof(double), n_workers = (size_t)w->shell.n_workers;
    KAD_CALL(kad_new(ctx, w->shell.n_tiles * w->shell.n_rows, row_bytes, &w->y));
    KAD_CALL(kad_new(ctx, w->shell.n_tiles, row_bytes, &w->S));
    KAD_CALL(kad_new(ctx, n_workers * w->shell.n_rows, row_bytes, &w->trial));
    KAD_CALL(kad_new(ctx, n_workers, w->n_scratch, &w->scratch));
    KAD_CALL(kad_start_chains(ctx, setup, set_state, w));
    *self = w;
    w = NULL;
    return KAD_OK;
}

enum { N_STATE = 3 };
static void state_of(const walk *w, kad_state state[N_STATE])
{
    const kad_state all[N_STATE] = {
        {"chains", KAD_STATE_REALS, w->y, 3, {w->shell.n_tiles, w->shell.n_rows, W}},
        {"action", KAD_STATE_REALS, w->S, 2, {w->shell.n_tiles, W}},
        {"n_done", KAD_STATE_INT, &w->shell.n_done, 0, {0}},
    };
    memcpy(state, all, sizeof all);
}

static kad_status save(kad_ctx *ctx, const void *self, kad_h5 *file, const char *group)
{
    kad_state state[N_STATE];
    state_of(self, state);
    return kad_state_save(ctx, N_STATE, state, file, group);
}

static kad_status load(kad_ctx *ctx, void *self, kad_h5 *file, const char *group)
{
    kad_state state[N_STATE];
    state_of(self, state);
    return kad_state_load(ctx, N_STATE, state, file, group);
}

extern const kad_sampler_ops kad_sampler_walk;
const kad_sampler_ops kad_sampler_walk = {
    .name = "walk",
    .summary = "random walk Metropolis of the whole field",
    .reference = "10.1063/1.1699114",
    .keys = keys,
    .n_keys = N_KEYS,
    .options_size = sizeof(options),
    .time_unit = "sweep",
    .create = create,
    .destroy = destroy,
    .advance = kad_shell_advance,
    .save = save,
    .load = load,
    .set_state = set_state,
};

#include "sample/shell.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "base/signals.h"
#include "base/tile.h"
#include "sample/fields.h"
#include "sample/start.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { W = KAD_W_DOUBLE };

kad_status kad_shell_create(kad_ctx *ctx, const kad_sampler_setup *setup,
                            const kad_shell_ops *ops, void *self, size_t lanes,
                            kad_shell *shell)
{
    const size_t n_chains = (size_t)setup->n_chains;
    const size_t n_block = setup->interleaved ? n_chains : setup->n_batch_max;
    KAD_CALL(kad_draw_check(ctx, setup));
    shell->ops = ops;
    shell->self = self;
    shell->setup = setup;
    shell->n_rows =
        (size_t)setup->action->lattice->n_sites * (size_t)setup->action->n_comp;
    shell->lanes = lanes;
    shell->n_tiles = (n_chains + lanes - 1) / lanes;
    shell->n_threads = ctx->n_threads;
    shell->n_workers = kad_n_workers(ctx->n_threads, shell->n_tiles);
    if (!ops->flow_variables) return KAD_OK;
    KAD_CALL(kad_new(ctx, n_block, shell->n_rows * sizeof(double), &shell->batch));
    return kad_new(ctx, n_block, sizeof(double), &shell->lnp);
}

void kad_shell_clear(kad_shell *shell)
{
    kad_free(shell->batch);
    kad_free(shell->lnp);
}

size_t kad_shell_in_use(const kad_shell *shell, size_t first)
{
    const size_t n = (size_t)shell->setup->n_chains;
    return n <= first ? 0 : n - first < W ? n - first : W;
}

void kad_shell_hand_over(const kad_shell *shell, size_t first, size_t i, size_t n,
                         const double *x, double *to)
{
    const size_t here = kad_shell_in_use(shell, first);
    if (here > 0)
        kad_tile_store(KAD_DOUBLE, shell->n_rows, here, x, n * shell->n_rows,
                       to + (first * n + i) * shell->n_rows);
}

/* --- draws --------------------------------------------------------------------------- */

/* n draws of every tile, from place `at` of the batch on. */
typedef struct stretch {
    kad_shell *shell;
    size_t at, n, first_tile;
    double begun;
    kad_draws *out;
} stretch;

static bool draw_tile(void *self, size_t i_tile, int thread)
{
    const stretch *s = self;
    const kad_shell *shell = s->shell;
    for (size_t i = 0; i < s->n; i++) {
        const kad_shell_turn turn = {.tile = s->first_tile + i_tile,
                                     .t = shell->n_done + (int64_t)i,
                                     .i = s->at + i,
                                     .begun = s->begun,
                                     .thread = thread};
        if (!shell->ops->draw(shell->self, &turn, s->out)) return false;
    }
    return true;
}

/* This rank's tiles; all of them where the sampler cannot say what they change. */
static kad_rank_items part(kad_ctx *ctx, const kad_shell *shell)
{
    if (shell->ops->changed == NULL) return (kad_rank_items){0, shell->n_tiles};
    return kad_ranks_part(ctx, shell->n_tiles, 1);
}

/* What the draws have changed, and `n_more` arrays of the chains. */
static kad_status join(kad_ctx *ctx, const kad_shell *shell, kad_status status,
                       bool of_draws, size_t n_more, const kad_shared *more)
{
    kad_shared arrays[2 * KAD_SHELL_ARRAYS];
    if (shell->ops->changed == NULL) return status;
    const size_t n = shell->ops->changed(shell->self, of_draws, arrays);
    for (size_t i = 0; i < n; i++) {
        arrays[i].n = shell->n_tiles;
        arrays[i].unit = 1;
    }
    for (size_t i = 0; i < n_more; i++)
        arrays[n + i] = more[i];
    return kad_ranks_join(ctx, status, n + n_more, arrays);
}

static kad_status draw_all(kad_ctx *ctx, stretch *s)
{
    kad_shell *shell = s->shell;
    const kad_shell_ops *ops = shell->ops;
    const bool recorded = shell->n_done >= shell->setup->n_burn_in;
    if (ops->begin != NULL) ops->begin(shell->self);
    const kad_rank_items mine = part(ctx, shell);
    s->first_tile = mine.first;
    kad_status status = KAD_OK;
    if (!kad_parallel_for(shell->n_threads, mine.n, draw_tile, s))
        status = kad_sampler_stopped(ctx, shell->setup);
    KAD_CALL(join(ctx, shell, status, true, 0, NULL));
    shell->n_done += (int64_t)s->n;
    if (ops->end != NULL) ops->end(shell->self, s->n, recorded);
    return KAD_OK;
}

/* From flow variables to boundary fields, by blocks of consecutive numbers: chain by
 * chain, or all chains at once where their numbers are interleaved. */
static kad_status to_boundary(kad_ctx *ctx, const kad_shell *shell, kad_rank_items chains,
                              kad_draws *out)
{
    const kad_sampler_setup *setup = shell->setup;
    const size_t n_rows = shell->n_rows;
    const size_t n = setup->interleaved ? chains.n : out->n;
    const size_t end = (chains.first + chains.n) * out->n;
    for (size_t at = chains.first * out->n; at < end; at += n) {
        double *x = out->x + at * n_rows;
        memcpy(shell->batch, x, n * n_rows * sizeof *x);
        if (out->z != NULL && !shell->latents)
            KAD_CALL(kad_map_lnq(ctx, setup->map, n, KAD_DOUBLE, shell->batch, NULL,
                                 out->z + at * n_rows));
        KAD_CALL(kad_fields_of(ctx, setup->action, setup->seed, out->number[at], n,
                               setup->translate, shell->batch, x, shell->lnp));
        for (size_t i = 0; i < n; i++)
            out->action[at + i] -= shell->lnp[i];
    }
    return KAD_OK;
}

/* The draws of some chains. */
static kad_status complete(kad_ctx *ctx, const kad_shell *shell, kad_rank_items chains,
                           kad_draws *out)
{
    const kad_sampler_setup *setup = shell->setup;
    const size_t at = chains.first * out->n * shell->n_rows;
    if (shell->ops->flow_variables) return to_boundary(ctx, shell, chains, out);
    if (out->z == NULL) return KAD_OK;
    return kad_fields_latents(ctx, setup->action, setup->map, chains.n * out->n,
                              out->x + at, out->z + at);
}

static kad_status finish(kad_ctx *ctx, const kad_shell *shell, kad_draws *out)
{
    const kad_sampler_setup *setup = shell->setup;
    const size_t n = (size_t)setup->n_chains, unit = shell->lanes;
    const size_t one = out->n * sizeof(double), row = one * shell->n_rows;
    const kad_shared all[] = {
        {out->x, n, unit, row},           {out->z, n, unit, row},
        {out->action, n, unit, one},      {out->delta_h, n, unit, one},
        {out->accepted, n, unit, out->n}, {out->acceptance, n, unit, one}};
    const kad_rank_items tiles = part(ctx, shell);
    const size_t first = tiles.first * unit, end = (tiles.first + tiles.n) * unit;
    const size_t begin = first < n ? first : n;
    const kad_rank_items chains = {begin, (end < n ? end : n) - begin};
    const kad_status status = complete(ctx, shell, chains, out);
    KAD_CALL(join(ctx, shell, status, false, sizeof all / sizeof *all, all));
    for (size_t i = 0; i < n * out->n; i++)
        if (!isfinite(out->action[i]))
            return kad_fail(ctx, KAD_EINTERNAL,
                            "sample[%d]: the action of chain %zu is not finite",
                            setup->entry, i / out->n);
    return KAD_OK;
}

static void note_idle(kad_ctx *ctx, const kad_shell *shell)
{
    char what[32], why[64];
    snprintf(what, sizeof what, "sample[%d]", shell->setup->entry);
    snprintf(why, sizeof why, "%d chains are %zu tile%s of %zu", shell->setup->n_chains,
             shell->n_tiles, shell->n_tiles == 1 ? "" : "s", shell->lanes);
    kad_note_idle(ctx, what, shell->n_tiles, why);
}

kad_status kad_shell_advance(kad_ctx *ctx, void *self, kad_draws *out)
{
    kad_shell *shell = self;
    const kad_sampler_setup *setup = shell->setup;
    const size_t n_all = (size_t)setup->n_chains * out->n;
    stretch s = {.shell = shell, .begun = kad_stop_clock(), .out = out};
    if (out->z != NULL && setup->map == NULL)
        return kad_fail(ctx, KAD_ECONFIG,
                        "sample[%d].store_latents: needs a trained map: run `train` "
                        "first",
                        setup->entry);
    for (size_t i = 0; i < n_all; i++)
        out->number[i] =
            kad_draw_number(setup, i / out->n, shell->n_done + (int64_t)(i % out->n));
    if (shell->n_done == 0) note_idle(ctx, shell);
    for (; s.at < out->n; s.at += s.n) {
        const bool tuning = shell->tuned && shell->n_done < setup->n_tune;
        s.n = tuning ? 1 : out->n - s.at;
        KAD_CALL(draw_all(ctx, &s));
        if (tuning) shell->ops->tune(shell->self);
    }
    return finish(ctx, shell, out);
}

void kad_shell_describe(const kad_shell *shell, kad_writer *w)
{
    kad_write_text(w, "start", kad_start_name(shell->setup));
    kad_write_int(w, "n_tiles", (int64_t)shell->n_tiles);
}

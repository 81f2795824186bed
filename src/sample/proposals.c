#include "sample/proposals.h"

#include "base/memory.h"
#include "base/ranks.h"
#include "base/signals.h"
#include "sample/fields.h"
#include "sample/shell.h"

#include <math.h>
#include <string.h>

enum { N_NONFINITE_FREE = 16, NONFINITE_ONE_IN = 100 };
/* Proposals made between two looks at the clock, a thread: so many values, or a tile. */
enum { PIECE_VALUES = 1 << 17 };

static size_t rows_of(const kad_sampler_setup *setup)
{
    return (size_t)setup->action->lattice->n_sites * (size_t)setup->action->n_comp;
}

/* Draws of the map. */
static kad_status draw(kad_ctx *ctx, const kad_proposals *proposals, uint64_t first,
                       size_t n, double *x, double *z, double *S, double *log_w,
                       double *moved)
{
    const kad_sampler_setup *setup = proposals->setup;
    const kad_action *action = setup->action;
    (void)moved;
    KAD_CALL(kad_map_draw(ctx, setup->map, setup->seed, KAD_RNG_DRAW, first, n,
                          setup->prec, setup->exact, proposals->y, proposals->lnq, z));
    KAD_CALL(kad_action_values(ctx, action, n, proposals->y, S));
    KAD_CALL(kad_fields_of(ctx, action, setup->seed, first, n, setup->translate,
                           proposals->y, x, proposals->lnp));
    for (size_t i = 0; i < n; i++) {
        log_w[i] = kad_action_log_weight(action, S[i], proposals->lnq[i]);
        S[i] -= proposals->lnp[i];
    }
    return KAD_OK;
}

static kad_status allocate(kad_ctx *ctx, const kad_sampler_setup *setup,
                           kad_proposals *out)
{
    const size_t n_block =
        setup->interleaved ? (size_t)setup->n_chains : setup->n_batch_max;
    size_t n_values;

    memset(out, 0, sizeof *out);
    out->setup = setup;
    out->propose = draw;
    KAD_CALL(kad_draw_check(ctx, setup));
    if (!kad_size_mul(n_block, rows_of(setup), &n_values))
        return kad_fail(ctx, KAD_ENOMEM, "sample[%d].batch: %zu is too large",
                        setup->entry, setup->n_batch_max);
    KAD_CALL(kad_new(ctx, n_values, sizeof(double), &out->y));
    KAD_CALL(kad_new(ctx, n_block, sizeof(double), &out->lnq));
    KAD_CALL(kad_new(ctx, n_block, sizeof(double), &out->lnp));
    return KAD_OK;
}

kad_status kad_proposals_create(kad_ctx *ctx, const kad_sampler_setup *setup,
                                kad_proposals *out)
{
    const kad_status status = allocate(ctx, setup, out);
    if (status != KAD_OK) kad_proposals_destroy(out);
    return status;
}

void kad_proposals_destroy(kad_proposals *proposals)
{
    kad_free(proposals->y);
    kad_free(proposals->lnq);
    kad_free(proposals->lnp);
    kad_free(proposals->moved);
    memset(proposals, 0, sizeof *proposals);
}

/* A field that every observable has a value at: zero, of directions along the first axis. */
static void make_empty(const kad_action *action, size_t n_rows, double *x)
{
    const size_t n_comp = (size_t)action->n_comp;
    memset(x, 0, n_rows * sizeof *x);
    for (size_t row = 0; row < n_rows && (action->flags & KAD_ACTION_DIRECTIONS);
         row += n_comp)
        x[row] = 1;
}

/* Proposals without a finite weight are emptied. */
static void empty_bad(const kad_proposals *proposals, size_t n, double *x, double *S,
                      double *log_w)
{
    const size_t n_rows = rows_of(proposals->setup);
    for (size_t i = 0; i < n; i++) {
        if (isfinite(log_w[i]) && isfinite(S[i])) continue;
        log_w[i] = -INFINITY;
        S[i] = 0.0;
        make_empty(proposals->setup->action, n_rows, x + i * n_rows);
    }
}

/* n proposals by all ranks; those without a finite weight are counted. */
static kad_status draw_block(kad_ctx *ctx, kad_proposals *proposals, uint64_t first,
                             size_t n, double *x, double *z, double *S, double *log_w)
{
    enum { UNIT = KAD_W_MAX };
    const size_t n_rows = rows_of(proposals->setup), row = n_rows * sizeof *x;
    const kad_rank_items mine = kad_ranks_part(ctx, n, UNIT);
    const size_t at = mine.first;
    double *moved = proposals->moved;
    const kad_status status =
        proposals->propose(ctx, proposals, first + at, mine.n, x + at * n_rows,
                           z != NULL ? z + at * n_rows : NULL, S + at, log_w + at,
                           moved != NULL ? moved + at : NULL);
    if (status == KAD_OK)
        empty_bad(proposals, mine.n, x + at * n_rows, S + at, log_w + at);
    const kad_shared all[] = {{x, n, UNIT, row},
                              {z, n, UNIT, row},
                              {S, n, UNIT, sizeof *S},
                              {log_w, n, UNIT, sizeof *log_w},
                              {moved, n, UNIT, sizeof *moved}};
    KAD_CALL(kad_ranks_join(ctx, status, sizeof all / sizeof *all, all));
    for (size_t i = 0; i < n; i++)
        proposals->n_nonfinite += log_w[i] == -INFINITY;
    for (size_t i = 0; moved != NULL && i < n; i++)
        proposals->moved_sum += moved[i];
    return KAD_OK;
}

/* Bits do not depend on how a block is cut. */
static size_t piece_of(const kad_ctx *ctx, size_t n_rows)
{
    const size_t lanes = KAD_W_MAX, n = PIECE_VALUES / n_rows / lanes * lanes;
    return (n > lanes ? n : lanes) * (size_t)(ctx->n_threads * kad_ranks_n(ctx));
}

/* Draws that are none. */
static void leave_out(const kad_proposals *proposals, size_t at, size_t n, kad_draws *out)
{
    const size_t n_rows = rows_of(proposals->setup);
    for (size_t i = at; i < at + n; i++)
        out->log_weight[i] = -INFINITY;
    empty_bad(proposals, n, out->x + at * n_rows, out->action + at, out->log_weight + at);
    if (out->z != NULL) memset(out->z + at * n_rows, 0, n * n_rows * sizeof *out->z);
}

kad_status kad_proposals_next(kad_ctx *ctx, kad_proposals *proposals, kad_draws *out)
{
    const kad_sampler_setup *setup = proposals->setup;
    const size_t n_rows = rows_of(setup), n_chains = (size_t)setup->n_chains;
    const size_t n = setup->interleaved ? n_chains : out->n, n_all = n_chains * out->n;
    const size_t piece = piece_of(ctx, n_rows);
    const int64_t none = proposals->n_none - proposals->n_done;
    const size_t skip = none <= 0 ? 0 : none < (int64_t)out->n ? (size_t)none : out->n;
    const double begun = kad_stop_clock();

    for (size_t i = 0; i < n_all; i++)
        out->number[i] =
            kad_draw_number(setup, i / out->n, proposals->n_done + (int64_t)(i % out->n));
    for (size_t block = 0; block < n_all; block += n) {
        const size_t none_here = skip * n / out->n;
        leave_out(proposals, block, none_here, out);
        for (size_t at = block + none_here, left = n - none_here; left > 0;) {
            const size_t now = left < piece ? left : piece;
            if (kad_stop_overdue(begun)) return kad_sampler_stopped(ctx, setup);
            KAD_CALL(draw_block(ctx, proposals, out->number[at], now,
                                out->x + at * n_rows,
                                out->z != NULL ? out->z + at * n_rows : NULL,
                                out->action + at, out->log_weight + at));
            at += now;
            left -= now;
        }
    }
    proposals->n_done += (int64_t)out->n;
    const int64_t n_total = proposals->n_done * setup->n_chains;
    if (proposals->n_nonfinite > N_NONFINITE_FREE &&
        proposals->n_nonfinite > n_total / NONFINITE_ONE_IN)
        return kad_fail(ctx, KAD_EINTERNAL,
                        "sample[%d]: %lld of %lld proposals have no finite weight",
                        setup->entry, (long long)proposals->n_nonfinite,
                        (long long)n_total);
    return KAD_OK;
}

enum { N_STATE = 2 };
static void state_of(const kad_proposals *proposals, kad_state state[N_STATE])
{
    state[0] = (kad_state){"n_done", KAD_STATE_INT, &proposals->n_done, 0, {0}};
    state[1] = (kad_state){"n_nonfinite", KAD_STATE_INT, &proposals->n_nonfinite, 0, {0}};
}

kad_status kad_proposals_save(kad_ctx *ctx, const kad_proposals *proposals, kad_h5 *file,
                              const char *group)
{
    kad_state state[N_STATE];
    state_of(proposals, state);
    return kad_state_save(ctx, N_STATE, state, file, group);
}

kad_status kad_proposals_load(kad_ctx *ctx, kad_proposals *proposals, kad_h5 *file,
                              const char *group)
{
    kad_state state[N_STATE];
    state_of(proposals, state);
    return kad_state_load(ctx, N_STATE, state, file, group);
}

#include "train/loss.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "base/ranks.h"
#include "base/share.h"
#include "base/signals.h"
#include "train/loss_kern.h"
#include "train/loss_tile.h"

#include <math.h>
#include <string.h>

enum {
    CHUNK = 1024,
    HANDS = 8,  /* threads that a batch of few tiles is to have work for, */
    SHARE = 32, /* in shares of at least so many parts: a share then costs 1 % */
};

/* Tiles of a thread with groups, and sums of its shares: few and hot, where the groups are
 * many. */
typedef struct thread_space {
    void *x, *g, *x2, *g2, *sums, *dcopies;
} thread_space;

/* Tiles are dealt to a fixed number of groups; a group is one thread's work and has its
 * own sums, so that it does not matter which thread takes it: the first that is free. Where
 * tiles are few a tile's work comes in shares, for threads without a group. A rank takes
 * every so many of the groups. */
struct kad_loss_plan {
    const kad_flow *flow;
    kad_shares *shares;
    kad_board *board;
    kad_prec prec;
    int batch, n_tiles, n_groups;
    double kinetic, jacobian; /* penalties */
    int n_threads, n_spaces, n_hands;
    void *packed;
    thread_space *space; /* [n_spaces] */
    void **scratch;      /* [n_hands] */
    kad_loss_tile group[KAD_LOSS_GROUPS];
};

static size_t real_bytes(kad_prec prec)
{
    return prec == KAD_SINGLE ? sizeof(float) : sizeof(double);
}

kad_status kad_loss_create(kad_ctx *ctx, const kad_flow *flow, const kad_action *action,
                           kad_prec prec, int batch, kad_loss_plan **out)
{
    KAD_LOCAL(kad_loss_plan, plan);
    const int lanes = kad_lanes(prec);
    *out = NULL;
    KAD_CALL(kad_new(ctx, 1, sizeof *plan, &plan));
    plan->flow = flow;
    plan->prec = prec;
    plan->n_tiles = (batch + lanes - 1) / lanes;
    plan->batch = plan->n_tiles * lanes;
    plan->n_groups = plan->n_tiles < KAD_LOSS_GROUPS ? plan->n_tiles : KAD_LOSS_GROUPS;
    KAD_CALL(kad_shares_create(ctx, flow,
                               plan->n_tiles < HANDS ? HANDS / plan->n_tiles : 1, SHARE,
                               &plan->shares));
    const size_t rows = (size_t)kad_shares_rows(plan->shares);
    size_t scratch = flow->scratch_bytes[prec];
    if (action && action->scratch_bytes[prec] > scratch)
        scratch = action->scratch_bytes[prec];
    KAD_CALL(kad_new(ctx, flow->packed_bytes[prec], 1, &plan->packed));
    for (int k = 0; k < plan->n_groups; k++)
        KAD_CALL(kad_new(ctx, flow->n_theta, real_bytes(prec), &plan->group[k].dtheta));
    plan->n_threads = ctx->n_threads;
    plan->n_spaces = kad_n_workers(plan->n_threads, (size_t)plan->n_groups);
    plan->n_hands = kad_n_workers(
        plan->n_threads, (size_t)(plan->n_groups * kad_shares_most(plan->shares)));
    if (kad_shares_most(plan->shares) > 1)
        KAD_CALL(kad_board_create(ctx, plan->n_spaces, plan->n_hands, &plan->board));
    KAD_CALL(kad_new(ctx, (size_t)plan->n_spaces, sizeof *plan->space, &plan->space));
    for (int k = 0; k < plan->n_spaces; k++) {
        thread_space *d = &plan->space[k];
        KAD_CALL(kad_new(ctx, rows, KAD_ROW_BYTES, &d->x));
        KAD_CALL(kad_new(ctx, rows, KAD_ROW_BYTES, &d->g));
        KAD_CALL(kad_new(ctx, rows, KAD_ROW_BYTES, &d->x2));
        KAD_CALL(kad_new(ctx, rows, KAD_ROW_BYTES, &d->g2));
        KAD_CALL(kad_new(ctx, kad_shares_sums_bytes(plan->shares, prec), 1, &d->sums));
        KAD_CALL(kad_new(ctx, flow->n_theta, real_bytes(prec), &d->dcopies));
    }
    KAD_CALL(kad_new(ctx, (size_t)plan->n_hands, sizeof *plan->scratch, &plan->scratch));
    for (int k = 0; k < plan->n_hands; k++)
        KAD_CALL(kad_new(ctx, scratch, 1, &plan->scratch[k]));
    *out = plan;
    plan = NULL;
    return KAD_OK;
}

void kad_loss_destroy(kad_loss_plan *plan)
{
    if (!plan) return;
    for (int k = 0; k < plan->n_groups; k++)
        kad_free(plan->group[k].dtheta);
    for (int k = 0; plan->space && k < plan->n_spaces; k++) {
        kad_free(plan->space[k].x);
        kad_free(plan->space[k].g);
        kad_free(plan->space[k].x2);
        kad_free(plan->space[k].g2);
        kad_free(plan->space[k].sums);
        kad_free(plan->space[k].dcopies);
    }
    for (int k = 0; plan->scratch && k < plan->n_hands; k++)
        kad_free(plan->scratch[k]);
    kad_free(plan->scratch);
    kad_free(plan->space);
    kad_board_destroy(plan->board);
    kad_shares_destroy(plan->shares);
    kad_free(plan->packed);
    kad_free(plan);
}

void kad_loss_penalise(kad_loss_plan *plan, double kinetic, double jacobian)
{
    plan->kinetic = kinetic;
    plan->jacobian = jacobian;
}

int kad_loss_batch(const kad_loss_plan *plan)
{
    return plan->batch;
}

int kad_loss_tiles(const kad_loss_plan *plan)
{
    return plan->n_tiles;
}

int kad_loss_groups(const kad_loss_plan *plan)
{
    return plan->n_groups;
}

int kad_loss_shares(const kad_loss_plan *plan)
{
    return kad_shares_most(plan->shares);
}

double kad_loss_busiest(const kad_loss_plan *plan, int n_threads)
{
    const int n = plan->n_groups, per_group = (plan->n_tiles + n - 1) / n;
    const double tiles = (double)((n + n_threads - 1) / n_threads * per_group);
    const int at_tile = n_threads > n ? n_threads / n : 1;
    return tiles / plan->n_tiles * kad_shares_busiest(plan->shares, at_tile);
}

static void begin(const kad_loss_plan *p, int thread, kad_loss_tile *group)
{
    const thread_space *space = &p->space[thread];
    *group = (kad_loss_tile){.flow = p->flow,
                             .shares = p->shares,
                             .packed = p->packed,
                             .prec = p->prec,
                             .lanes = kad_lanes(p->prec),
                             .x = space->x,
                             .g = space->g,
                             .x2 = space->x2,
                             .g2 = space->g2,
                             .dcopies = space->dcopies,
                             .scratch = p->scratch[thread],
                             .hands = {p->board, thread, p->scratch, space->sums},
                             .dtheta = group->dtheta};
    memset(group->dtheta, 0, p->flow->n_theta * real_bytes(p->prec));
}

/* Rank r of R takes groups r, r + R, ...: the tree over all, in which group k is added to
 * k + 8, then to k + 4, ..., ends in the sum over the ranks (kad_ranks_sum). */
typedef struct summation {
    const kad_loss_plan *plan;
    int rank, n_ranks;
    double norm, *gradient;
} summation;

/* gradient = norm times the sum over the rank's groups, a chunk of entries. */
static bool sum_chunk(void *self, size_t i, int thread)
{
    const summation *s = self;
    const kad_loss_plan *p = s->plan;
    const size_t first = i * CHUNK, left = p->flow->n_theta - first;
    const void *sums[KAD_LOSS_GROUPS];
    int n = 0;
    (void)thread;
    for (int k = s->rank; k < p->n_groups; k += s->n_ranks)
        sums[n++] = (const char *)p->group[k].dtheta + first * real_bytes(p->prec);
    (p->prec == KAD_SINGLE ? kad_loss_sum_f32 : kad_loss_sum_f64)(
        n, sums, left < CHUNK ? left : CHUNK, s->norm, s->gradient + first);
    return true;
}

/* What the groups of all ranks have counted, a row each. */
enum { LOSS, SQUARE, FINITE, NONFINITE, N_COUNTS };

static void count(kad_ctx *ctx, const kad_loss_plan *p,
                  double counts[KAD_LOSS_GROUPS][N_COUNTS])
{
    memset(counts, 0, KAD_LOSS_GROUPS * sizeof *counts);
    for (int k = kad_ranks_number(ctx); k < p->n_groups; k += kad_ranks_n(ctx)) {
        const kad_loss_tile *group = &p->group[k];
        counts[k][LOSS] = group->loss;
        counts[k][SQUARE] = group->square;
        counts[k][FINITE] = (double)group->n_finite;
        counts[k][NONFINITE] = (double)group->n_nonfinite;
    }
    kad_ranks_sum(ctx, (size_t)KAD_LOSS_GROUPS * N_COUNTS, counts[0]);
}

static void finish(kad_ctx *ctx, int n_threads, const kad_loss_plan *p, double *gradient,
                   kad_loss_stats *stats)
{
    double counts[KAD_LOSS_GROUPS][N_COUNTS], loss = 0, square = 0, n = 0, bad = 0;
    count(ctx, p, counts);
    for (int k = 0; k < p->n_groups; k++) {
        loss += counts[k][LOSS];
        square += counts[k][SQUARE];
        n += counts[k][FINITE];
        bad += counts[k][NONFINITE];
    }
    const double norm = n > 0 ? 1.0 / n : NAN;
    const int n_ranks = kad_ranks_n(ctx);
    summation s = {p, kad_ranks_number(ctx), n_ranks, n_ranks > 1 ? 1 : norm, gradient};
    kad_parallel_for(n_threads, (p->flow->n_theta + CHUNK - 1) / CHUNK, sum_chunk, &s);
    kad_ranks_sum(ctx, p->flow->n_theta, gradient);
    for (size_t i = 0; n_ranks > 1 && i < p->flow->n_theta; i++)
        gradient[i] *= norm;
    stats->loss = loss * norm;
    stats->variance = n > 1 ? (square - loss * loss * norm) / (n - 1) : NAN;
    stats->n_nonfinite = (int)bad;
}

typedef struct batch {
    kad_loss_plan *plan;
    kad_loss_work *work;
    const void *self;
    double start;
    int rank, n_ranks;
} batch;

/* The tiles of the rank's i-th group. */
static bool do_group(void *self, size_t i, int thread)
{
    const batch *b = self;
    kad_loss_plan *plan = b->plan;
    const int group = b->rank + (int)i * b->n_ranks;
    kad_loss_tile *tile = &plan->group[group];
    begin(plan, thread, tile);
    for (int k = group; k < plan->n_tiles; k += plan->n_groups) {
        tile->given_up = kad_stop_overdue(b->start);
        if (tile->given_up) break;
        tile->first = (uint64_t)k * (uint64_t)tile->lanes;
        b->work(b->self, tile);
    }
    return !tile->given_up;
}

void kad_loss_over_tiles(kad_ctx *ctx, kad_loss_plan *plan, kad_loss_work *work,
                         const void *self, const double *theta, double *gradient,
                         kad_loss_stats *stats)
{
    const int n_threads =
        ctx->n_threads < plan->n_threads ? ctx->n_threads : plan->n_threads;
    batch b = {
        plan, work, self, kad_stop_clock(), kad_ranks_number(ctx), kad_ranks_n(ctx)};
    const size_t n_mine = (size_t)((plan->n_groups - b.rank + b.n_ranks - 1) / b.n_ranks);
    kad_flow_pack_rough(plan->flow, plan->prec, theta, plan->packed);
    kad_flow_penalise(plan->flow, plan->prec, plan->packed, plan->kinetic,
                      plan->jacobian);
    kad_ranks_part(ctx, 0, 1);
    const bool whole = kad_parallel_shared(n_threads, n_mine, do_group, &b, plan->board);
    *stats = (kad_loss_stats){0};
    stats->given_up =
        kad_ranks_join(ctx, whole ? KAD_OK : KAD_EINTERRUPTED, 0, NULL) != KAD_OK;
    if (!stats->given_up) finish(ctx, n_threads, plan, gradient, stats);
}

#include "sample/tempering.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "base/signals.h"
#include "sample/fields.h"
#include "sample/start.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Seeds of the sampler's own: of replica i 1 + i, of the exchanges the last. */
enum { SEED_SWAPS = 255 };

static const kad_key keys[] = {
    {"sample[].along", KAD_STRING_OF(kad_tempering_options, along), NULL, 1, 0, "", NULL,
     "tempering: the coupling that differs between replicas, a key of the action; auto: "
     "its first (temperature, kappa, ...)"},
    {"sample[].values", KAD_REALS_OF(kad_tempering_options, values), NULL, -1e12, 1e12,
     "", NULL,
     "tempering: couplings of the replicas, the run's own among them; auto: from, to and "
     "replicas"},
    {"sample[].from", KAD_REAL_OF(kad_tempering_options, from), NULL, -1e12, 1e12, "",
     NULL, "tempering: coupling of the first replica; auto: the run's own"},
    {"sample[].to", KAD_REAL_OF(kad_tempering_options, to), NULL, -1e12, 1e12, "", NULL,
     "tempering: coupling of the last replica, the others between by equal steps, "
     "temperatures by equal ratios (the one nearest to the run's own is moved there); "
     "auto: half the run's own, or twice its temperature"},
    {"sample[].replicas", KAD_INT_OF(kad_tempering_options, replicas), NULL, 2,
     KAD_TEMPERING_REPLICAS, "replicas", NULL,
     "tempering: replicas from `from` to `to`; auto: 8"},
    {"sample[].base", KAD_WORD_OF(kad_tempering_options, base), "metropolis", 1, 0, "",
     "metropolis|hmc|cluster",
     "tempering: the sampler whose updates every replica makes; its keys apply"},
    {"sample[].swap_every", KAD_INT_OF(kad_tempering_options, swap_every), "1", 1, 1000,
     "updates", NULL, "tempering: updates of every replica between exchanges, a draw"},
};
enum { N_KEYS = sizeof keys / sizeof *keys };

static kad_tempering_options options_of(const void *own)
{
    kad_tempering_options o;
    kad_keys_copy(keys, N_KEYS, own, sizeof o, &o);
    return o;
}

const kad_sampler_ops *kad_tempering_base(const void *own)
{
    return kad_sampler_find(options_of(own).base);
}

static bool tunes(const kad_sampler_setup *setup)
{
    const kad_sampler_ops *base = kad_tempering_base(setup->own);
    return base != NULL && kad_sampler_tunes(base, setup);
}

/* --- replicas, each by one thread ---------------------------------------------------- */

/* By the threads of ctx; the first failure is everyone's. */
static kad_status for_replicas(kad_ctx *ctx, const kad_tempering *t, kad_piece *piece,
                               void *self)
{
    if (kad_parallel_for(ctx->n_threads, (size_t)t->ladder.n, piece, self)) return KAD_OK;
    for (int i = 0; i < t->ladder.n; i++)
        if (t->replica[i].status != KAD_OK) {
            memcpy(ctx->message, t->replica[i].ctx.message, sizeof ctx->message);
            return t->replica[i].status;
        }
    return kad_sampler_stopped(ctx, t->setup);
}

/* Flow variables of the state. */
static kad_status to_flow(const kad_tempering *t, kad_replica *r)
{
    return kad_action_from_boundary(&r->ctx, r->action, t->n_chains, r->draws.x, r->y);
}

static kad_status update(kad_tempering *t, kad_replica *r)
{
    const kad_sampler_ops *base = t->base;
    memset(r->moved, 0, t->n_chains * sizeof *r->moved);
    KAD_CALL(base->set_state(&r->ctx, r->sampler->self, r->draws.x));
    for (int k = 0; k < t->options.swap_every; k++) {
        KAD_CALL(base->advance(&r->ctx, r->sampler->self, &r->draws));
        for (size_t chain = 0; chain < t->n_chains; chain++)
            r->moved[chain] += base->flags & KAD_SAMPLER_MOVES
                                   ? r->draws.acceptance[chain]
                                   : r->draws.accepted[chain] != 0;
    }
    for (size_t chain = 0; chain < t->n_chains; chain++)
        if (t->n_done >= t->setup->n_burn_in) r->n_accepted += r->moved[chain];
    return to_flow(t, r);
}

static bool update_one(void *self, size_t i, int thread)
{
    kad_tempering *t = self;
    kad_replica *r = &t->replica[i];
    (void)thread;
    if (kad_stop_overdue(t->begun)) return false;
    r->status = update(t, r);
    return r->status == KAD_OK;
}

/* --- exchanges ----------------------------------------------------------------------- */

/* Of draw `draw`, pairs in turn. */
typedef struct exchange {
    kad_tempering *t;
    int64_t draw;
    kad_rng rng;
    bool count;
} exchange;

/* The pairs begin at 0 or 1. */
static int first_of(const exchange *e)
{
    return (int)(e->draw % 2);
}

/* -1: it has none. */
static int partner_of(const exchange *e, int i)
{
    const int j = (i - first_of(e)) % 2 == 0 ? i + 1 : i - 1;
    return j < e->t->ladder.n ? j : -1;
}

/* The partner's flow variables, here. */
static bool look_one(void *self, size_t i, int thread)
{
    const exchange *e = self;
    const kad_tempering *t = e->t;
    kad_replica *r = &e->t->replica[i];
    const int partner = partner_of(e, (int)i);
    (void)thread;
    if (partner < 0) return true;
    r->status = kad_action_boundary(&r->ctx, r->action, t->n_chains,
                                    t->replica[partner].y, r->x_new);
    if (r->status == KAD_OK)
        r->status =
            kad_fields_action(&r->ctx, r->action, t->n_chains, r->x_new, r->S_new);
    return r->status == KAD_OK;
}

static void take(const kad_tempering *t, kad_replica *r, size_t chain)
{
    const size_t row = chain * t->n_rows;
    memcpy(r->draws.x + row, r->x_new + row, t->n_rows * sizeof(double));
    r->draws.action[chain] = r->S_new[chain];
}

/* The pair of a replica and the next. */
static void decide(const exchange *e, int i)
{
    kad_tempering *t = e->t;
    kad_replica *a = &t->replica[i], *b = a + 1;
    for (size_t chain = 0; chain < t->n_chains; chain++) {
        const double delta = a->S_new[chain] + b->S_new[chain] - a->draws.action[chain] -
                             b->draws.action[chain];
        const double u = kad_rng_uniform(e->rng, (uint64_t)e->draw, chain, (uint32_t)i);
        const bool made = log(u) < -delta; /* not a number: no */
        if (made) {
            take(t, a, chain);
            take(t, b, chain);
        }
        kad_walk_swap(&t->walk, i, chain, made, e->count);
    }
}

static kad_status exchange_all(kad_ctx *ctx, kad_tempering *t, int64_t draw)
{
    const uint64_t seed = kad_sampler_seed(t->setup, SEED_SWAPS);
    exchange e = {.t = t,
                  .draw = draw,
                  .rng = kad_rng_stream(seed, KAD_RNG_ACCEPT, 0),
                  .count = draw >= t->setup->n_burn_in};
    KAD_CALL(for_replicas(ctx, t, look_one, &e));
    for (int i = first_of(&e); i + 1 < t->ladder.n; i += 2)
        decide(&e, i);
    kad_walk_note(&t->walk, e.count);
    return KAD_OK;
}

/* --- life ---------------------------------------------------------------------------- */

static void destroy(void *self)
{
    kad_tempering *t = self;
    if (t == NULL) return;
    for (int i = 0; i < t->ladder.n; i++) {
        kad_replica *r = &t->replica[i];
        kad_sampler_destroy(r->sampler);
        kad_action_destroy(r->copy);
        kad_draws_clear(&r->draws);
        kad_free(r->y);
        kad_free(r->x_new);
        kad_free(r->S_new);
        kad_free(r->moved);
    }
    kad_walk_clear(&t->walk);
    kad_free(t);
}

static kad_status make_replica(kad_ctx *ctx, kad_tempering *t, int i)
{
    kad_replica *r = &t->replica[i];
    const size_t n = t->n_chains;
    kad_sampler_setup setup = *t->setup;
    kad_ctx_init(&r->ctx, 1);
    r->action = setup.action;
    if (i != t->ladder.own) {
        KAD_CALL(kad_action_at(ctx, setup.action, t->ladder.along, t->ladder.value[i],
                               &r->copy));
        r->action = r->copy;
    }
    setup.action = r->action;
    setup.seed = kad_sampler_seed(t->setup, 1 + (uint32_t)i);
    setup.n_draws *= t->options.swap_every;
    setup.n_burn_in *= t->options.swap_every;
    setup.n_tune *= t->options.swap_every;
    setup.n_batch_max = 1;
    setup.interleaved = true;
    kad_status status = kad_sampler_create(&r->ctx, t->base->name, &setup, &r->sampler);
    if (status != KAD_OK) memcpy(ctx->message, r->ctx.message, sizeof ctx->message);
    if (status != KAD_OK) return status;
    r->draws.n = 1;
    KAD_CALL(kad_draws_create(ctx, n, t->n_rows, false, &r->draws));
    KAD_CALL(kad_new(ctx, n, t->n_rows * sizeof(double), &r->y));
    KAD_CALL(kad_new(ctx, n, t->n_rows * sizeof(double), &r->x_new));
    KAD_CALL(kad_new(ctx, n, sizeof(double), &r->S_new));
    return kad_new(ctx, n, sizeof(double), &r->moved);
}

static kad_status place(kad_ctx *ctx, const kad_tempering *t, kad_replica *r,
                        const double *x)
{
    KAD_CALL(kad_fields_action(ctx, r->action, t->n_chains, x, r->draws.action));
    memmove(r->draws.x, x, t->n_chains * t->n_rows * sizeof *x);
    return KAD_OK;
}

/* All replicas but the run's own at starts of theirs. */
static kad_status begin(kad_ctx *ctx, kad_tempering *t)
{
    for (int i = 0; i < t->ladder.n; i++) {
        kad_replica *r = &t->replica[i];
        if (i == t->ladder.own) continue;
        KAD_CALL(kad_start_fields(ctx, &r->sampler->setup, r->x_new));
        KAD_CALL(place(ctx, t, r, r->x_new));
    }
    kad_walk_begin(&t->walk);
    return KAD_OK;
}

/* The run's own replica is placed; the others stay what they are, but after the tuning,
 * when all chains begin. */
static kad_status set_state(kad_ctx *ctx, void *self, const double *x)
{
    kad_tempering *t = self;
    if (t->setup->n_tune > 0 && t->n_done == t->setup->n_tune) KAD_CALL(begin(ctx, t));
    return place(ctx, t, &t->replica[t->ladder.own], x);
}

static kad_status make(kad_ctx *ctx, const kad_sampler_setup *setup, kad_tempering *t)
{
    const double begun = kad_stop_clock();
    t->setup = setup;
    t->options = options_of(setup->own);
    t->base = kad_sampler_find(t->options.base);
    t->n_chains = (size_t)setup->n_chains;
    t->n_rows = (size_t)setup->action->lattice->n_sites * (size_t)setup->action->n_comp;
    KAD_CALL(kad_draw_check(ctx, setup));
    KAD_CALL(kad_ladder_make(ctx, setup->entry, &t->options, setup->action, &t->ladder));
    KAD_CALL(kad_walk_create(ctx, t->ladder.n, t->n_chains, &t->walk));
    for (int i = 0; i < t->ladder.n; i++) {
        if (kad_stop_overdue(begun)) return kad_sampler_stopped(ctx, setup);
        KAD_CALL(make_replica(ctx, t, i));
    }
    KAD_CALL(begin(ctx, t));
    return kad_start_chains(ctx, setup, set_state, t);
}

static kad_status create(kad_ctx *ctx, const kad_sampler_setup *setup, void **self)
{
    kad_tempering *t;
    *self = NULL;
    KAD_CALL(kad_new(ctx, 1, sizeof *t, &t));
    const kad_status status = make(ctx, setup, t);
    if (status == KAD_OK)
        *self = t;
    else
        destroy(t);
    return status;
}

/* --- draws --------------------------------------------------------------------------- */

static void hand_over(const kad_tempering *t, size_t at, int64_t draw, kad_draws *out)
{
    const kad_replica *own = &t->replica[t->ladder.own];
    for (size_t chain = 0; chain < t->n_chains; chain++) {
        const size_t to = chain * out->n + at;
        out->number[to] = kad_draw_number(t->setup, chain, draw);
        out->action[to] = own->draws.action[chain];
        out->accepted[to] = own->moved[chain] > 0;
        if (out->acceptance != NULL)
            out->acceptance[to] = own->moved[chain] / t->options.swap_every;
        memcpy(out->x + to * t->n_rows, own->draws.x + chain * t->n_rows,
               t->n_rows * sizeof *out->x);
    }
}

static void note_idle(kad_ctx *ctx, const kad_tempering *t)
{
    char what[32], why[32];
    snprintf(what, sizeof what, "sample[%d]", t->setup->entry);
    snprintf(why, sizeof why, "there are %d replicas", t->ladder.n);
    kad_note_idle(ctx, what, (size_t)t->ladder.n, why);
}

static kad_status advance(kad_ctx *ctx, void *self, kad_draws *out)
{
    kad_tempering *t = self;
    const kad_sampler_setup *setup = t->setup;
    if (out->z != NULL && setup->map == NULL)
        return kad_fail(ctx, KAD_ECONFIG,
                        "sample[%d].store_latents: needs a trained map: run `train` "
                        "first",
                        setup->entry);
    if (t->n_done == 0) note_idle(ctx, t);
    t->begun = kad_stop_clock();
    for (size_t i = 0; i < out->n; i++) {
        KAD_CALL(for_replicas(ctx, t, update_one, t));
        KAD_CALL(exchange_all(ctx, t, t->n_done));
        hand_over(t, i, t->n_done, out);
        t->n_done++;
    }
    if (out->z == NULL) return KAD_OK;
    return kad_fields_latents(ctx, setup->action, setup->map, t->n_chains * out->n,
                              out->x, out->z);
}

/* --- parts for tests ----------------------------------------------------------------- */

kad_status kad_tempering_place(kad_ctx *ctx, kad_tempering *t, const double *x)
{
    for (int i = 0; i < t->ladder.n; i++)
        KAD_CALL(place(ctx, t, &t->replica[i], x + (size_t)i * t->n_chains * t->n_rows));
    return KAD_OK;
}

kad_status kad_tempering_swap(kad_ctx *ctx, kad_tempering *t, int64_t draw)
{
    for (int i = 0; i < t->ladder.n; i++)
        KAD_CALL(to_flow(t, &t->replica[i]));
    return exchange_all(ctx, t, draw);
}

const kad_sampler_ops kad_sampler_tempering = {
    .name = "tempering",
    .summary =
        "replica exchange: chains at several values of a coupling, whose states are "
        "exchanged",
    .reference = "10.1143/JPSJ.65.1604",
    .keys = keys,
    .n_keys = N_KEYS,
    .options_size = sizeof(kad_tempering_options),
    .flags = KAD_SAMPLER_MOVES,
    .time_unit = "round",
    .create = create,
    .destroy = destroy,
    .advance = advance,
    .save = kad_tempering_save,
    .load = kad_tempering_load,
    .describe = kad_tempering_describe,
    .set_state = set_state,
    .tunes = tunes,
};

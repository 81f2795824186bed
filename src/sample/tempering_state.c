/* State of replica exchange to and from files, and its description. */
#include "sample/shell.h"
#include "sample/start.h"
#include "sample/tempering.h"

#include <stdio.h>
#include <string.h>

static void path_of(const char *group, int i, char *path, size_t size)
{
    snprintf(path, size, "%s/replica_%d", group, i + 1);
}

enum { N_STATE = 6, N_REPLICA_STATE = 3 };
static void state_of(const kad_tempering *t, kad_state state[N_STATE])
{
    const size_t n = (size_t)t->ladder.n;
    const kad_state all[N_STATE] = {
        {"n_done", KAD_STATE_INT, &t->n_done, 0, {0}},
        {"state", KAD_STATE_REALS, t->walk.state, 2, {n, t->n_chains}},
        {"end", KAD_STATE_REALS, t->walk.end, 2, {n, t->n_chains}},
        {"swaps", KAD_STATE_REALS, t->walk.swaps, 2, {n - 1, 2}},
        {"visits", KAD_STATE_REALS, t->walk.visits, 2, {n, 2}},
        {"round_trips", KAD_STATE_REAL, &t->walk.round_trips, 0, {0}},
    };
    memcpy(state, all, sizeof all);
}

static void state_of_replica(const kad_tempering *t, const kad_replica *r,
                             kad_state state[N_REPLICA_STATE])
{
    const kad_state all[N_REPLICA_STATE] = {
        {"x", KAD_STATE_REALS, r->draws.x, 2, {t->n_chains, t->n_rows}},
        {"S_of_x", KAD_STATE_REALS, r->draws.action, 1, {t->n_chains}},
        {"tempering_accepted", KAD_STATE_REAL, &r->n_accepted, 0, {0}},
    };
    memcpy(state, all, sizeof all);
}

kad_status kad_tempering_save(kad_ctx *ctx, const void *self, kad_h5 *file,
                              const char *group)
{
    const kad_tempering *t = self;
    kad_state state[N_STATE], own[N_REPLICA_STATE];
    char path[KAD_NAME_MAX];
    state_of(t, state);
    KAD_CALL(kad_state_save(ctx, N_STATE, state, file, group));
    for (int i = 0; i < t->ladder.n; i++) {
        const kad_replica *r = &t->replica[i];
        path_of(group, i, path, sizeof path);
        KAD_CALL(kad_h5_group(ctx, file, path));
        KAD_CALL(t->base->save(ctx, r->sampler->self, file, path));
        state_of_replica(t, r, own);
        KAD_CALL(kad_state_save(ctx, N_REPLICA_STATE, own, file, path));
    }
    return KAD_OK;
}

/* Of a damaged file. */
static kad_status check_walk(kad_ctx *ctx, const kad_tempering *t, const char *group)
{
    for (size_t at = 0; at < (size_t)t->ladder.n * t->n_chains; at++)
        if (!(t->walk.state[at] >= 0 && t->walk.state[at] < t->ladder.n))
            return kad_fail(ctx, KAD_EDATA, "%s: expected a state below %d, found %g",
                            group, t->ladder.n, t->walk.state[at]);
    return KAD_OK;
}

kad_status kad_tempering_load(kad_ctx *ctx, void *self, kad_h5 *file, const char *group)
{
    kad_tempering *t = self;
    kad_state state[N_STATE], own[N_REPLICA_STATE];
    char path[KAD_NAME_MAX];
    state_of(t, state);
    KAD_CALL(kad_state_load(ctx, N_STATE, state, file, group));
    KAD_CALL(check_walk(ctx, t, group));
    for (int i = 0; i < t->ladder.n; i++) {
        kad_replica *r = &t->replica[i];
        path_of(group, i, path, sizeof path);
        KAD_CALL(t->base->load(ctx, r->sampler->self, file, path));
        state_of_replica(t, r, own);
        KAD_CALL(kad_state_load(ctx, N_REPLICA_STATE, own, file, path));
    }
    return KAD_OK;
}

/* What a replica's sampler says of itself, in a group; *sum: evaluations a draw, where it
 * says them. */
static kad_status describe_replica(const kad_tempering *t, int i, kad_writer *whole,
                                   double sum[2])
{
    static const char *const names[] = {"action_evaluations_per_draw",
                                        "force_evaluations_per_draw"};
    const kad_replica *r = &t->replica[i];
    const double n = (double)t->n_chains * (double)(t->n_done - t->setup->n_burn_in) *
                     t->options.swap_every;
    char path[KAD_WRITER_PATH + 32];
    path_of(whole->group, i, path, sizeof path);
    kad_writer w = kad_write_into(whole->ctx, whole->file, path);
    kad_write_real(&w, t->ladder.along, t->ladder.value[i]);
    if (t->base->describe != NULL) t->base->describe(r->sampler->self, &w);
    if (n > 0) kad_write_real(&w, "acceptance", r->n_accepted / n);
    for (int k = 0; k < 2 && w.status == KAD_OK; k++) {
        double value = 0;
        if (kad_h5_attr_exists(w.file, path, names[k]))
            w.status = kad_h5_attr_real(w.ctx, w.file, path, names[k], &value);
        sum[k] += t->options.swap_every * value;
    }
    return kad_write_end(&w);
}

void kad_tempering_describe(const void *self, kad_writer *w)
{
    const kad_tempering *t = self;
    double sum[2] = {0, 0};
    kad_write_text(w, "along", t->ladder.along);
    kad_write_text(w, "base", t->base->name);
    kad_write_int(w, "replicas", t->ladder.n);
    kad_write_int(w, "swap_every", t->options.swap_every);
    kad_write_text(w, "start", kad_start_name(t->setup));
    kad_walk_describe(&t->walk, &t->ladder, w);
    for (int i = 0; i < t->ladder.n && w->status == KAD_OK; i++)
        w->status = describe_replica(t, i, w, sum);
    kad_write_real(w, "action_evaluations_per_draw", sum[0] + t->ladder.n);
    kad_write_real(w, "force_evaluations_per_draw", sum[1]);
}

/* Cycle of samplers: one draw is a fixed sequence of updates of other samplers, each of
 * which leaves exp(-S) invariant and takes the chains' boundary configurations over from
 * the one before, so their composition leaves it invariant too (it is not reversible,
 * and need not be). Every chain has its own state; a random lattice shift that a step
 * applies is a symmetry of exp(-S).
 *
 * The steps are samplers like any other, with seeds of their own (kad_sampler_seed), one
 * draw at a time (kad_sampler_setup.interleaved), and are tuned in the first n_tune draws
 * of the cycle. A step's options are the entry's: two steps of one sampler share them.
 * Source: Tierney, Ann. Statist. 22 (1994) 1701, section 2.4. */
#include "sample/cycle.h"

#include "base/memory.h"
#include "base/signals.h"
#include "sample/fields.h"
#include "sample/shell.h"
#include "sample/start.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct options {
    const char *steps;
} options;

static const kad_key keys[] = {
    {"sample[].steps", KAD_STRING_OF(options, steps), "mis 1, latent-hmc 2, metropolis 1",
     1, 0, "", NULL,
     "cycle: samplers and how many updates of each make a draw, in order: \"hmc 2, "
     "cluster\"; their own keys apply"},
};

typedef struct step {
    kad_cycle_step is;
    kad_sampler *sampler;
    double n_accepted; /* updates (moves' fraction) after burn-in, all chains */
} step;

typedef struct cycle {
    const kad_sampler_setup *setup;
    const char *text; /* the list of steps */
    int n_steps;
    step step[KAD_CYCLE_STEPS];
    size_t n_rows;
    double *x, *S;   /* [n_chains][n_rows], [n_chains]: the states */
    double *moved;   /* [n_chains] accepted updates of the present draw */
    kad_draws draws; /* one of every chain */
    int64_t n_done;  /* draws of every chain, burn-in included */
} cycle;

/* --- life ---------------------------------------------------------------------------- */

static const char *steps_of(const void *own)
{
    options o;
    kad_keys_copy(keys, sizeof keys / sizeof *keys, own, sizeof o, &o);
    return o.steps;
}

static bool needs_map(const void *own)
{
    kad_cycle_step steps[KAD_CYCLE_STEPS];
    char message[KAD_CYCLE_MESSAGE];
    bool needs = false;
    const int n = kad_cycle_parse(steps_of(own), steps, message);
    for (int i = 0; i < n; i++)
        needs = needs || (steps[i].ops->flags & KAD_SAMPLER_NEEDS_MAP) != 0;
    return needs;
}

/* Whether one of the steps does. */
static bool tunes(const kad_sampler_setup *setup)
{
    kad_cycle_step steps[KAD_CYCLE_STEPS];
    char message[KAD_CYCLE_MESSAGE];
    bool any = false;
    const int n = kad_cycle_parse(steps_of(setup->own), steps, message);
    for (int i = 0; i < n; i++)
        any = any || kad_sampler_tunes(steps[i].ops, setup);
    return any;
}

static void destroy(void *self)
{
    cycle *c = self;
    if (c == NULL) return;
    for (int i = 0; i < c->n_steps; i++)
        kad_sampler_destroy(c->step[i].sampler);
    kad_free(c->x);
    kad_free(c->S);
    kad_free(c->moved);
    kad_draws_clear(&c->draws);
    kad_free(c);
}
KAD_LOCAL_OF(cycle, destroy)

/* Of a `create` begun at a time. */
static kad_status create_steps(kad_ctx *ctx, cycle *c, double begun)
{
    kad_cycle_step steps[KAD_CYCLE_STEPS];
    char message[KAD_CYCLE_MESSAGE];
    const int n = kad_cycle_parse(c->text, steps, message);
    if (n == 0)
        return kad_fail(ctx, KAD_ECONFIG, "sample[%d].steps: %s", c->setup->entry,
                        message);
    for (int i = 0; i < n; i++) {
        kad_sampler_setup setup = *c->setup;
        if (kad_stop_overdue(begun)) return kad_sampler_stopped(ctx, c->setup);
        setup.seed = kad_sampler_seed(c->setup, 1 + (uint32_t)i);
        setup.n_draws *= steps[i].n;
        setup.n_burn_in *= steps[i].n;
        setup.n_tune *= steps[i].n;
        setup.n_batch_max = 1;
        setup.interleaved = true;
        c->step[i].is = steps[i];
        KAD_CALL(
            kad_sampler_create(ctx, steps[i].ops->name, &setup, &c->step[i].sampler));
        c->n_steps++;
    }
    return KAD_OK;
}

static kad_status allocate(kad_ctx *ctx, cycle *c)
{
    const size_t n = (size_t)c->setup->n_chains;
    c->draws.n = 1;
    KAD_CALL(kad_new(ctx, n, c->n_rows * sizeof(double), &c->x));
    KAD_CALL(kad_new(ctx, n, sizeof(double), &c->S));
    KAD_CALL(kad_new(ctx, n, sizeof(double), &c->moved));
    return kad_draws_create(ctx, n, c->n_rows, false, &c->draws);
}

static kad_status set_state(kad_ctx *ctx, void *self, const double *x)
{
    cycle *c = self;
    const size_t n = (size_t)c->setup->n_chains;
    KAD_CALL(kad_fields_action(ctx, c->setup->action, n, x, c->S));
    memcpy(c->x, x, n * c->n_rows * sizeof *x);
    return KAD_OK;
}

static kad_status create(kad_ctx *ctx, const kad_sampler_setup *setup, void **self)
{
    KAD_LOCAL(cycle, c);
    const double begun = kad_stop_clock();
    *self = NULL;
    KAD_CALL(kad_draw_check(ctx, setup));
    KAD_CALL(kad_new(ctx, 1, sizeof *c, &c));
    c->setup = setup;
    c->n_rows = (size_t)setup->action->lattice->n_sites * (size_t)setup->action->n_comp;
    c->text = steps_of(setup->own);
    KAD_CALL(create_steps(ctx, c, begun));
    KAD_CALL(allocate(ctx, c));
    if (kad_stop_overdue(begun)) KAD_CALL(kad_sampler_stopped(ctx, setup));
    KAD_CALL(kad_start_chains(ctx, setup, set_state, c));
    *self = c;
    c = NULL;
    return KAD_OK;
}

/* --- draws --------------------------------------------------------------------------- */

/* The last update of a step becomes the state: its draw, or what it accepted. */
static void take(cycle *c, step *s)
{
    const unsigned flags = s->is.ops->flags;
    for (size_t chain = 0; chain < (size_t)c->setup->n_chains; chain++) {
        const bool accepted = c->draws.accepted[chain] != 0;
        const double moved =
            flags & KAD_SAMPLER_MOVES ? c->draws.acceptance[chain] : accepted;
        c->moved[chain] += moved;
        if (c->n_done >= c->setup->n_burn_in) s->n_accepted += moved;
        if ((flags & KAD_SAMPLER_PROPOSALS) && !accepted) continue;
        c->S[chain] = c->draws.action[chain];
        memcpy(c->x + chain * c->n_rows, c->draws.x + chain * c->n_rows,
               c->n_rows * sizeof *c->x);
    }
}

/* One draw of every chain, of an `advance` begun at a time. */
static kad_status run(kad_ctx *ctx, cycle *c, double begun, int *n_updates)
{
    *n_updates = 0;
    memset(c->moved, 0, (size_t)c->setup->n_chains * sizeof *c->moved);
    for (int i = 0; i < c->n_steps; i++) {
        step *s = &c->step[i];
        KAD_CALL(s->is.ops->set_state(ctx, s->sampler->self, c->x));
        for (int k = 0; k < s->is.n; k++) {
            if (kad_stop_overdue(begun)) return kad_sampler_stopped(ctx, c->setup);
            KAD_CALL(s->is.ops->advance(ctx, s->sampler->self, &c->draws));
            take(c, s);
        }
        *n_updates += s->is.n;
    }
    c->n_done++;
    return KAD_OK;
}

static kad_status advance(kad_ctx *ctx, void *self, kad_draws *out)
{
    cycle *c = self;
    const kad_sampler_setup *setup = c->setup;
    const size_t n_chains = (size_t)setup->n_chains;
    const double begun = kad_stop_clock();
    for (size_t i = 0; i < out->n; i++) {
        const int64_t t = c->n_done;
        int n_updates;
        KAD_CALL(run(ctx, c, begun, &n_updates));
        for (size_t chain = 0; chain < n_chains; chain++) {
            const size_t at = chain * out->n + i;
            out->number[at] = kad_draw_number(setup, chain, t);
            out->action[at] = c->S[chain];
            out->accepted[at] = c->moved[chain] > 0;
            if (out->acceptance != NULL)
                out->acceptance[at] = c->moved[chain] / n_updates;
            memcpy(out->x + at * c->n_rows, c->x + chain * c->n_rows,
                   c->n_rows * sizeof *c->x);
        }
    }
    if (out->z != NULL && setup->map == NULL)
        return kad_fail(ctx, KAD_ECONFIG,
                        "sample[%d].store_latents: needs a trained map: run `train` "
                        "first",
                        setup->entry);
    if (out->z != NULL)
        KAD_CALL(kad_fields_latents(ctx, setup->action, setup->map, n_chains * out->n,
                                    out->x, out->z));
    return KAD_OK;
}

/* --- files --------------------------------------------------------------------------- */

static void path_of(const char *group, int i, char *path, size_t size)
{
    snprintf(path, size, "%s/step_%d", group, i + 1);
}

enum { N_STATE = 3 };
static void state_of(const cycle *c, kad_state state[N_STATE])
{
    const size_t n_chains = (size_t)c->setup->n_chains;
    const kad_state all[N_STATE] = {
        {"n_done", KAD_STATE_INT, &c->n_done, 0, {0}},
        {"x", KAD_STATE_REALS, c->x, 2, {n_chains, c->n_rows}},
        {"S", KAD_STATE_REALS, c->S, 1, {n_chains}},
    };
    memcpy(state, all, sizeof all);
}

static kad_status save(kad_ctx *ctx, const void *self, kad_h5 *file, const char *group)
{
    const cycle *c = self;
    kad_state state[N_STATE];
    char path[KAD_NAME_MAX];
    state_of(c, state);
    KAD_CALL(kad_state_save(ctx, N_STATE, state, file, group));
    for (int i = 0; i < c->n_steps; i++) {
        const step *s = &c->step[i];
        path_of(group, i, path, sizeof path);
        KAD_CALL(kad_h5_group(ctx, file, path));
        KAD_CALL(s->is.ops->save(ctx, s->sampler->self, file, path));
        KAD_CALL(kad_h5_attr_set_real(ctx, file, path, "cycle_accepted", s->n_accepted));
    }
    return KAD_OK;
}

static kad_status load(kad_ctx *ctx, void *self, kad_h5 *file, const char *group)
{
    cycle *c = self;
    kad_state state[N_STATE];
    char path[KAD_NAME_MAX];
    state_of(c, state);
    KAD_CALL(kad_state_load(ctx, N_STATE, state, file, group));
    for (int i = 0; i < c->n_steps; i++) {
        step *s = &c->step[i];
        path_of(group, i, path, sizeof path);
        KAD_CALL(s->is.ops->load(ctx, s->sampler->self, file, path));
        KAD_CALL(kad_h5_attr_real(ctx, file, path, "cycle_accepted", &s->n_accepted));
    }
    return KAD_OK;
}

/* A group a step with its own attributes; evaluations of a draw are their sums. */
/* What a step says of itself; *sum: evaluations an update, where it says them. */
static kad_status describe_step(const cycle *c, int i, kad_writer *of_cycle,
                                double sum[2])
{
    static const char *const names[] = {"action_evaluations_per_draw",
                                        "force_evaluations_per_draw"};
    const step *s = &c->step[i];
    const double n =
        (double)c->setup->n_chains * (double)(c->n_done - c->setup->n_burn_in);
    char path[KAD_WRITER_PATH + 32];
    path_of(of_cycle->group, i, path, sizeof path);
    kad_writer w = kad_write_into(of_cycle->ctx, of_cycle->file, path);
    kad_write_text(&w, "sampler", s->is.ops->name);
    kad_write_int(&w, "updates", s->is.n);
    if (s->is.ops->describe != NULL) s->is.ops->describe(s->sampler->self, &w);
    if (n > 0) kad_write_real(&w, "acceptance", s->n_accepted / (n * s->is.n));
    for (int k = 0; k < 2 && w.status == KAD_OK; k++) {
        double value = 0.0;
        if (kad_h5_attr_exists(w.file, path, names[k]))
            w.status = kad_h5_attr_real(w.ctx, w.file, path, names[k], &value);
        sum[k] += s->is.n * value;
    }
    return kad_write_end(&w);
}

static void describe(const void *self, kad_writer *w)
{
    const cycle *c = self;
    double sum[2] = {0, 0};
    kad_write_text(w, "steps", c->text);
    kad_write_text(w, "start", kad_start_name(c->setup));
    for (int i = 0; i < c->n_steps && w->status == KAD_OK; i++)
        w->status = describe_step(c, i, w, sum);
    kad_write_real(w, "action_evaluations_per_draw", sum[0]);
    kad_write_real(w, "force_evaluations_per_draw", sum[1]);
}

const kad_sampler_ops kad_sampler_cycle = {
    .name = "cycle",
    .summary = "a composition of samplers: one draw is a number of updates of each",
    .reference = "10.1214/aos/1176325750",
    .keys = keys,
    .n_keys = sizeof keys / sizeof *keys,
    .options_size = sizeof(options),
    .flags = KAD_SAMPLER_MOVES,
    .time_unit = "cycle",
    .create = create,
    .destroy = destroy,
    .advance = advance,
    .save = save,
    .load = load,
    .describe = describe,
    .set_state = set_state,
    .needs_map = needs_map,
    .tunes = tunes,
};

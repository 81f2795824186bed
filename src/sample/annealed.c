/* Draws of the map carried to the action (annealed.h), accepted or not as those of mis. */
#include "sample/annealed.h"

#include "base/memory.h"
#include "base/ranks.h"
#include "sample/fields.h"
#include "sample/hmc_core.h"
#include "sample/shell.h"

#include <math.h>
#include <string.h>

/* Seeds of the sampler's own: of the updates; of draws and updates of the tuning. */
enum { SEED_UPDATES = 1, SEED_TUNING };

static const kad_key keys[] = {
    {"sample[].updates", KAD_INT_OF(kad_annealed_options, updates), NULL, 0, 100000,
     "updates", NULL,
     "annealed: updates of a draw on its way from the map to the action (0: none, as "
     "mis); "
     "auto: what costs least per independent configuration, found in the tuning"},
    {"sample[].kicks", KAD_INT_OF(kad_annealed_options, kicks), NULL, 0, 100, "forces",
     NULL,
     "annealed: forces of an update (0: none, cheaper where the map's ESS is above about "
     "0.3); auto: 1, or 0 where flow.symmetry is mixture"},
    {"sample[].angle", KAD_REAL_OF(kad_annealed_options, angle), NULL, 1e-6,
     1.5707963267948966, "rad", NULL,
     "annealed: angle by which the last updates turn the latents; auto: tuned, then "
     "frozen"},
};
enum { N_KEYS = sizeof keys / sizeof *keys };
enum { KICKS = 1 }; /* where there are any */

typedef struct state {
    kad_mis mis;
    kad_annealed_options options;
    kad_anneal anneal;
    kad_scan scan;
} state;

static kad_annealed_options options_of(const void *own)
{
    kad_annealed_options o;
    kad_keys_copy(keys, N_KEYS, own, sizeof o, &o);
    return o;
}

static bool tunes(const kad_sampler_setup *setup)
{
    const kad_annealed_options o = options_of(setup->own);
    return o.updates < 0 || (o.updates > 0 && isnan(o.angle));
}

static kad_status propose(kad_ctx *ctx, const kad_proposals *proposals, uint64_t first,
                          size_t n, double *x, double *z, double *S, double *log_w,
                          double *moved)
{
    const state *s = proposals->self;
    const kad_sampler_setup *setup = proposals->setup;
    KAD_CALL(
        kad_anneal_draw(ctx, &s->anneal, first, n, proposals->y, z, S, log_w, moved));
    KAD_CALL(kad_fields_of(ctx, setup->action, setup->seed, first, n, setup->translate,
                           proposals->y, x, proposals->lnp));
    for (size_t i = 0; i < n; i++)
        S[i] -= proposals->lnp[i];
    return KAD_OK;
}

/* --- tuning: draws that are none ----------------------------------------------------- */

/* What the config or the tuning says; without updates it is mis. */
static void settle(state *s)
{
    const int given = s->options.updates;
    s->anneal.updates = given >= 0 ? given : kad_scan_best(&s->scan);
    s->anneal.angle = kad_step_size_now(&s->scan.angle);
    if (s->anneal.updates > 0) s->mis.proposals.propose = propose;
}

/* The rounds of draws up to `n_done`. */
static kad_status make_rounds(kad_ctx *ctx, state *s, int64_t n_done)
{
    const kad_sampler_setup *setup = s->mis.proposals.setup;
    kad_anneal anneal = s->anneal;
    anneal.seed_draws = anneal.seed = kad_sampler_seed(setup, SEED_TUNING);
    while (s->scan.n_rounds < setup->n_tune && s->scan.n_rounds < n_done)
        KAD_CALL(kad_scan_round(ctx, &s->scan, &s->options, setup->n_tune, &anneal));
    return KAD_OK;
}

/* The same; every rank makes all of them. */
static kad_status tune(kad_ctx *ctx, state *s, int64_t n_done)
{
    const int64_t n_tune = s->mis.proposals.setup->n_tune;
    if (!tunes(s->mis.proposals.setup) || s->scan.n_rounds >= n_tune) return KAD_OK;
    KAD_CALL(kad_ranks_join(ctx, make_rounds(ctx, s, n_done), 0, NULL));
    if (s->scan.n_rounds < n_tune) return KAD_OK;
    kad_scan_say(ctx, &s->scan, s->mis.proposals.setup->entry);
    settle(s);
    return KAD_OK;
}

/* --- life ---------------------------------------------------------------------------- */

static void destroy(void *self)
{
    state *s = self;
    if (s == NULL) return;
    kad_mis_clear(&s->mis);
    kad_free(s);
}

static kad_status check(kad_ctx *ctx, const kad_sampler_setup *setup,
                        const kad_annealed_options *o)
{
    if (!kad_map_flow(setup->map)->prior->gaussian)
        return kad_fail(ctx, KAD_ECONFIG,
                        "sample[%d]: annealed turns latents of the prior normal, but "
                        "flow.prior is %s",
                        setup->entry, kad_map_flow(setup->map)->prior->name);
    if (o->kicks > 0 && !kad_anneal_kicks(setup->map))
        return kad_fail(ctx, KAD_ECONFIG,
                        "sample[%d].kicks: %d, but the force of a map with flow.symmetry "
                        "mixture is not made: 0",
                        setup->entry, o->kicks);
    return KAD_OK;
}

static kad_status make(kad_ctx *ctx, const kad_sampler_setup *setup, state *s)
{
    const size_t n_block =
        setup->interleaved ? (size_t)setup->n_chains : setup->n_batch_max;
    s->options = options_of(setup->own);
    KAD_CALL(check(ctx, setup, &s->options));
    KAD_CALL(kad_mis_create(ctx, setup, &s->mis));
    KAD_CALL(kad_new(ctx, n_block, sizeof(double), &s->mis.proposals.moved));
    s->mis.proposals.self = s;
    if (s->options.kicks < 0) s->options.kicks = kad_anneal_kicks(setup->map) ? KICKS : 0;
    s->anneal = (kad_anneal){
        .target = kad_latent_hmc_target_of(setup->action, setup->map, setup->prec),
        .action = setup->action,
        .map = setup->map,
        .prec = setup->prec,
        .kicks = s->options.kicks,
        .seed_draws = setup->seed,
        .seed = kad_sampler_seed(setup, SEED_UPDATES)};
    s->scan = kad_scan_start(&s->options);
    if (tunes(setup)) s->mis.proposals.n_none = setup->n_tune;
    if (s->mis.proposals.n_none == 0) settle(s);
    return KAD_OK;
}

static kad_status create(kad_ctx *ctx, const kad_sampler_setup *setup, void **self)
{
    state *s;
    *self = NULL;
    KAD_CALL(kad_new(ctx, 1, sizeof *s, &s));
    const kad_status status = make(ctx, setup, s);
    if (status == KAD_OK)
        *self = s;
    else
        destroy(s);
    return status;
}

static kad_status advance(kad_ctx *ctx, void *self, kad_draws *out)
{
    state *s = self;
    KAD_CALL(tune(ctx, s, s->mis.proposals.n_done + (int64_t)out->n));
    return kad_mis_advance(ctx, &s->mis, out);
}

/* The chains' states, at the ends of ways that lead back to the map. */
static kad_status set_state(kad_ctx *ctx, void *self, const double *x)
{
    KAD_SCOPE(scope, ctx);
    state *s = self;
    const kad_sampler_setup *setup = s->mis.proposals.setup;
    const size_t n = (size_t)setup->n_chains;
    const uint64_t first = (uint64_t)(s->mis.proposals.n_done * setup->n_chains);
    double *y;
    KAD_CALL(kad_take(&scope, n * s->anneal.target.n_rows, &y));
    KAD_CALL(kad_mis_flow_of(ctx, &s->mis, x, y));
    KAD_CALL(kad_anneal_back(ctx, &s->anneal, first, n, y, s->mis.log_w));
    return kad_mis_check_states(ctx, &s->mis);
}

/* --- files --------------------------------------------------------------------------- */

enum { N_STATE = 10 };

static void state_of(const state *s, const double angle[KAD_STEP_SIZE_STATE],
                     kad_state out[N_STATE])
{
    const kad_scan *scan = &s->scan;
    const kad_state all[N_STATE] = {
        {"moved_sum", KAD_STATE_REAL, &s->mis.proposals.moved_sum, 0, {0}},
        {"rounds", KAD_STATE_INT, &scan->n_rounds, 0, {0}},
        {"angle", KAD_STATE_REALS, angle, 1, {KAD_STEP_SIZE_STATE}},
        {"tried", KAD_STATE_INT, &scan->n, 0, {0}},
        {"updates", KAD_STATE_REALS, scan->updates, 1, {KAD_SCAN_MOST}},
        {"ess", KAD_STATE_REALS, scan->ess, 1, {KAD_SCAN_MOST}},
        {"cost", KAD_STATE_REALS, scan->cost, 1, {KAD_SCAN_MOST}},
        {"update_acceptance", KAD_STATE_REALS, scan->acceptance, 1, {KAD_SCAN_MOST}},
        {"scan_log_w", KAD_STATE_REALS, scan->log_w, 1, {KAD_SCAN_DRAWS}},
        {"scan_sums", KAD_STATE_REALS, scan->sums, 1, {KAD_SCAN_SUMS}},
    };
    memcpy(out, all, sizeof all);
}

static kad_status save(kad_ctx *ctx, const void *self, kad_h5 *file, const char *group)
{
    const state *s = self;
    double angle[KAD_STEP_SIZE_STATE];
    kad_state own[N_STATE];
    kad_step_size_get(&s->scan.angle, angle);
    state_of(s, angle, own);
    KAD_CALL(kad_mis_save(ctx, &s->mis, file, group));
    return kad_state_save(ctx, N_STATE, own, file, group);
}

static kad_status load(kad_ctx *ctx, void *self, kad_h5 *file, const char *group)
{
    state *s = self;
    double angle[KAD_STEP_SIZE_STATE] = {0};
    kad_state own[N_STATE];
    state_of(s, angle, own);
    KAD_CALL(kad_state_load(ctx, N_STATE, own, file, group));
    if (!kad_scan_is_possible(&s->scan) || !isfinite(angle[3]) || !isfinite(angle[4]))
        return kad_fail(ctx, KAD_EDATA,
                        "%s: expected numbers of updates and an angle, found others",
                        group);
    kad_step_size_set(&s->scan.angle, angle);
    if (s->scan.n_rounds >= s->mis.proposals.n_none) settle(s);
    return kad_mis_load(ctx, &s->mis, file, group);
}

static void describe(const void *self, kad_writer *w)
{
    const state *s = self;
    const kad_proposals *p = &s->mis.proposals;
    const kad_anneal *a = &s->anneal;
    const double n = (double)(p->n_done - p->n_none) * p->setup->n_chains;
    kad_write_int(w, "n_nonfinite", p->n_nonfinite);
    kad_write_int(w, "updates", a->updates);
    kad_write_int(w, "kicks", a->kicks);
    if (a->updates > 0) {
        kad_write_real(w, "angle", a->angle);
        if (n > 0) kad_write_real(w, "update_acceptance", s->mis.proposals.moved_sum / n);
    }
    kad_write_real(w, "passes_per_draw", kad_anneal_cost(a));
    kad_write_real(w, "action_evaluations_per_draw", a->updates + 1);
    kad_write_real(w, "force_evaluations_per_draw", (double)a->updates * a->kicks);
    kad_scan_describe(&s->scan, w);
}

const kad_sampler_ops kad_sampler_annealed = {
    .name = "annealed",
    .summary =
        "draws of the map, carried to the action by updates, weighed by their work",
    .reference = "10.1023/A:1008923215028",
    .keys = keys,
    .n_keys = N_KEYS,
    .options_size = sizeof(kad_annealed_options),
    .flags = KAD_SAMPLER_WEIGHTED | KAD_SAMPLER_PROPOSALS | KAD_SAMPLER_NEEDS_MAP |
             KAD_SAMPLER_WORK,
    .time_unit = "proposal",
    .create = create,
    .destroy = destroy,
    .advance = advance,
    .save = save,
    .load = load,
    .describe = describe,
    .set_state = set_state,
    .tunes = tunes,
};

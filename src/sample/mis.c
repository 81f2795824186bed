/* Metropolised independent sampler: proposals are independent draws of the map, accepted
 * by the rule of accept.h with the double action and the double ln q. The uniform number
 * of a proposal is keyed by the proposal's number, so a chain is a pure function of
 * (seed, map, action) and can be taken up at any draw. */
#include "base/accept.h"
#include "base/memory.h"
#include "sample/fields.h"
#include "sample/proposals.h"
#include "sample/shell.h"

#include <math.h>

typedef struct state {
    kad_proposals proposals;
    double *log_w; /* [n_chains] ln w of the chains' states; -inf: none yet */
    double *u;     /* [n_batch_max] */
} state;

static void destroy(void *self)
{
    state *s = self;
    if (s == NULL) return;
    kad_proposals_destroy(&s->proposals);
    kad_free(s->log_w);
    kad_free(s->u);
    kad_free(s);
}

static kad_status create(kad_ctx *ctx, const kad_sampler_setup *setup, void **self)
{
    kad_status status = KAD_OK;
    state *s = NULL;
    *self = NULL;
    KAD_TRY(kad_new(ctx, 1, sizeof *s, &s));
    KAD_TRY(kad_proposals_create(ctx, setup, &s->proposals));
    KAD_TRY(kad_new(ctx, (size_t)setup->n_chains, sizeof(double), &s->log_w));
    KAD_TRY(kad_new(ctx, setup->n_batch_max, sizeof(double), &s->u));
    for (int chain = 0; chain < setup->n_chains; chain++)
        s->log_w[chain] = -INFINITY;
    *self = s;
    s = NULL;
done:
    destroy(s);
    return status;
}

static kad_status advance(kad_ctx *ctx, void *self, kad_draws *out)
{
    kad_status status = KAD_OK;
    state *s = self;
    const kad_sampler_setup *setup = s->proposals.setup;
    const kad_rng rng = kad_rng_stream(setup->seed, KAD_RNG_ACCEPT, 0);

    KAD_TRY(kad_proposals_next(ctx, &s->proposals, out));
    for (int chain = 0; chain < setup->n_chains; chain++) {
        const size_t at = (size_t)chain * out->n;
        ptrdiff_t i_state;
        for (size_t i = 0; i < out->n; i++)
            s->u[i] = kad_rng_uniform(rng, 0, out->number[at + i], 0);
        kad_accept_walk(kad_accept_independent, out->n, out->log_weight + at, s->u,
                        &s->log_w[chain], out->accepted + at, &i_state);
    }
done:
    return status;
}

static kad_state state_of(const state *s)
{
    return (kad_state){
        "log_w", KAD_STATE_REALS, s->log_w, 1, {(size_t)s->proposals.setup->n_chains}};
}

static kad_status save(kad_ctx *ctx, const void *self, kad_h5 *file, const char *group)
{
    const state *s = self;
    const kad_state own = state_of(s);
    KAD_CALL(kad_proposals_save(ctx, &s->proposals, file, group));
    return kad_state_save(ctx, 1, &own, file, group);
}

static kad_status load(kad_ctx *ctx, void *self, kad_h5 *file, const char *group)
{
    state *s = self;
    const kad_state own = state_of(s);
    KAD_CALL(kad_proposals_load(ctx, &s->proposals, file, group));
    return kad_state_load(ctx, 1, &own, file, group);
}

/* States in the coordinates of their next proposals, which are shifted at random. For
 * every shift an update in shifted coordinates leaves exp(-S) invariant, accepted or not;
 * shifting the proposals alone would make the accepted part symmetric and leave the
 * rejected part as the map has it. */
static void shift_back(const state *s, const double *x, double *shifted)
{
    const kad_sampler_setup *setup = s->proposals.setup;
    const kad_action *action = setup->action;
    const size_t n_rows = (size_t)action->lattice->n_sites * (size_t)action->n_comp;
    for (size_t chain = 0; chain < (size_t)setup->n_chains; chain++) {
        int shift[KAD_MAX_DIM];
        kad_fields_shift_of(action->lattice, setup->seed,
                            kad_draw_number(setup, chain, s->proposals.n_done), shift);
        for (int mu = 0; mu < KAD_MAX_DIM; mu++)
            shift[mu] = -shift[mu];
        kad_fields_shift(action->lattice, action->n_comp, shift, x + chain * n_rows,
                         shifted + chain * n_rows);
    }
}

static kad_status set_state(kad_ctx *ctx, void *self, const double *x)
{
    kad_status status = KAD_OK;
    state *s = self;
    const kad_sampler_setup *setup = s->proposals.setup;
    const kad_action *action = setup->action;
    const size_t n = (size_t)setup->n_chains;
    const size_t n_rows = (size_t)action->lattice->n_sites * (size_t)action->n_comp;
    double *shifted = NULL, *y = NULL, *S = NULL, *lnq = NULL;
    if (setup->translate && (action->flags & KAD_ACTION_TRANSLATION)) {
        KAD_TRY(kad_new(ctx, n, n_rows * sizeof(double), &shifted));
        shift_back(s, x, shifted);
        x = shifted;
    }
    KAD_TRY(kad_new(ctx, n, n_rows * sizeof(double), &y));
    KAD_TRY(kad_new(ctx, n, sizeof(double), &S));
    KAD_TRY(kad_new(ctx, n, sizeof(double), &lnq));
    KAD_TRY(kad_action_from_boundary(ctx, action, n, x, y));
    KAD_TRY(kad_action_values(ctx, action, n, y, S));
    KAD_TRY(kad_map_lnq(ctx, setup->map, n, setup->exact ? KAD_DOUBLE : setup->prec, y,
                        lnq, NULL));
    for (size_t chain = 0; chain < n; chain++) {
        s->log_w[chain] = kad_action_log_weight(action, S[chain], lnq[chain]);
        if (isfinite(s->log_w[chain])) continue;
        status = kad_fail(ctx, KAD_EINTERNAL,
                          "sample[%d]: the state of chain %zu has no finite weight",
                          setup->entry, chain);
        break;
    }
done:
    kad_free(shifted);
    kad_free(y);
    kad_free(S);
    kad_free(lnq);
    return status;
}

static void describe(const void *self, kad_writer *w)
{
    const state *s = self;
    kad_write_int(w, "n_nonfinite", s->proposals.n_nonfinite);
    kad_write_real(w, "action_evaluations_per_draw", 1.0);
    kad_write_real(w, "force_evaluations_per_draw", 0.0);
}

const kad_sampler_ops kad_sampler_mis = {
    .name = "mis",
    .summary = "Metropolised independent sampling: draws of the map, accepted exactly",
    .reference = "arXiv:1904.12072",
    .flags = KAD_SAMPLER_WEIGHTED | KAD_SAMPLER_PROPOSALS | KAD_SAMPLER_NEEDS_MAP,
    .time_unit = "proposal",
    .create = create,
    .destroy = destroy,
    .advance = advance,
    .save = save,
    .load = load,
    .describe = describe,
    .set_state = set_state,
};

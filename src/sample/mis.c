/* Metropolised independent sampler: proposals are independent draws of the map, accepted
 * by the rule of accept.h with the double action and the double ln q. */
#include "sample/mis.h"

#include "base/accept.h"
#include "base/memory.h"
#include "sample/fields.h"
#include "sample/shell.h"

#include <math.h>

void kad_mis_clear(kad_mis *mis)
{
    kad_proposals_destroy(&mis->proposals);
    kad_free(mis->log_w);
    kad_free(mis->u);
}

static kad_status allocate(kad_ctx *ctx, const kad_sampler_setup *setup, kad_mis *out)
{
    KAD_CALL(kad_proposals_create(ctx, setup, &out->proposals));
    KAD_CALL(kad_new(ctx, (size_t)setup->n_chains, sizeof(double), &out->log_w));
    KAD_CALL(kad_new(ctx, setup->n_batch_max, sizeof(double), &out->u));
    for (int chain = 0; chain < setup->n_chains; chain++)
        out->log_w[chain] = -INFINITY;
    return KAD_OK;
}

kad_status kad_mis_create(kad_ctx *ctx, const kad_sampler_setup *setup, kad_mis *out)
{
    const kad_status status = allocate(ctx, setup, out);
    if (status != KAD_OK) kad_mis_clear(out);
    return status;
}

kad_status kad_mis_advance(kad_ctx *ctx, kad_mis *mis, kad_draws *out)
{
    const kad_sampler_setup *setup = mis->proposals.setup;
    const kad_rng rng = kad_rng_stream(setup->seed, KAD_RNG_ACCEPT, 0);
    KAD_CALL(kad_proposals_next(ctx, &mis->proposals, out));
    for (int chain = 0; chain < setup->n_chains; chain++) {
        const size_t at = (size_t)chain * out->n;
        ptrdiff_t i_state;
        for (size_t i = 0; i < out->n; i++)
            mis->u[i] = kad_rng_uniform(rng, 0, out->number[at + i], 0);
        kad_accept_walk(kad_accept_independent, out->n, out->log_weight + at, mis->u,
                        &mis->log_w[chain], out->accepted + at, &i_state);
    }
    return KAD_OK;
}

static kad_state state_of(const kad_mis *mis)
{
    return (kad_state){"log_w",
                       KAD_STATE_REALS,
                       mis->log_w,
                       1,
                       {(size_t)mis->proposals.setup->n_chains}};
}

kad_status kad_mis_save(kad_ctx *ctx, const kad_mis *mis, kad_h5 *file, const char *group)
{
    const kad_state own = state_of(mis);
    KAD_CALL(kad_proposals_save(ctx, &mis->proposals, file, group));
    return kad_state_save(ctx, 1, &own, file, group);
}

kad_status kad_mis_load(kad_ctx *ctx, kad_mis *mis, kad_h5 *file, const char *group)
{
    const kad_state own = state_of(mis);
    KAD_CALL(kad_proposals_load(ctx, &mis->proposals, file, group));
    return kad_state_load(ctx, 1, &own, file, group);
}

/* --- states that are given ----------------------------------------------------------- */

static void shift_back(const kad_mis *mis, const double *x, double *shifted)
{
    const kad_sampler_setup *setup = mis->proposals.setup;
    const kad_action *action = setup->action;
    const size_t n_rows = (size_t)action->lattice->n_sites * (size_t)action->n_comp;
    for (size_t chain = 0; chain < (size_t)setup->n_chains; chain++) {
        int shift[KAD_MAX_DIM];
        kad_fields_shift_of(action->lattice, setup->seed,
                            kad_draw_number(setup, chain, mis->proposals.n_done), shift);
        for (int mu = 0; mu < KAD_MAX_DIM; mu++)
            shift[mu] = -shift[mu];
        kad_fields_shift(action->lattice, action->n_comp, shift, x + chain * n_rows,
                         shifted + chain * n_rows);
    }
}

kad_status kad_mis_flow_of(kad_ctx *ctx, const kad_mis *mis, const double *x, double *y)
{
    KAD_SCOPE(scope, ctx);
    const kad_sampler_setup *setup = mis->proposals.setup;
    const kad_action *action = setup->action;
    const size_t n = (size_t)setup->n_chains;
    const size_t n_rows = (size_t)action->lattice->n_sites * (size_t)action->n_comp;
    double *shifted;
    if (setup->translate && (action->flags & KAD_ACTION_TRANSLATION)) {
        KAD_CALL(kad_scope_take(&scope, n, n_rows * sizeof *shifted, &shifted));
        shift_back(mis, x, shifted);
        x = shifted;
    }
    return kad_action_from_boundary(ctx, action, n, x, y);
}

kad_status kad_mis_check_states(kad_ctx *ctx, const kad_mis *mis)
{
    const kad_sampler_setup *setup = mis->proposals.setup;
    for (int chain = 0; chain < setup->n_chains; chain++)
        if (!isfinite(mis->log_w[chain]))
            return kad_fail(ctx, KAD_EINTERNAL,
                            "sample[%d]: the state of chain %d has no finite weight",
                            setup->entry, chain);
    return KAD_OK;
}

/* --- the sampler --------------------------------------------------------------------- */

static void destroy(void *self)
{
    if (self == NULL) return;
    kad_mis_clear(self);
    kad_free(self);
}

static kad_status create(kad_ctx *ctx, const kad_sampler_setup *setup, void **self)
{
    kad_mis *mis;
    *self = NULL;
    KAD_CALL(kad_new(ctx, 1, sizeof *mis, &mis));
    const kad_status status = kad_mis_create(ctx, setup, mis);
    if (status == KAD_OK)
        *self = mis;
    else
        kad_free(mis);
    return status;
}

static kad_status advance(kad_ctx *ctx, void *self, kad_draws *out)
{
    return kad_mis_advance(ctx, self, out);
}

static kad_status save(kad_ctx *ctx, const void *self, kad_h5 *file, const char *group)
{
    return kad_mis_save(ctx, self, file, group);
}

static kad_status load(kad_ctx *ctx, void *self, kad_h5 *file, const char *group)
{
    return kad_mis_load(ctx, self, file, group);
}

static kad_status set_state(kad_ctx *ctx, void *self, const double *x)
{
    KAD_SCOPE(scope, ctx);
    kad_mis *mis = self;
    const kad_sampler_setup *setup = mis->proposals.setup;
    const kad_action *action = setup->action;
    const size_t n = (size_t)setup->n_chains;
    const size_t n_rows = (size_t)action->lattice->n_sites * (size_t)action->n_comp;
    double *y, *S, *lnq;
    KAD_CALL(kad_scope_take(&scope, n, n_rows * sizeof *y, &y));
    KAD_CALL(kad_take(&scope, n, &S));
    KAD_CALL(kad_take(&scope, n, &lnq));
    KAD_CALL(kad_mis_flow_of(ctx, mis, x, y));
    KAD_CALL(kad_action_values(ctx, action, n, y, S));
    KAD_CALL(kad_map_lnq(ctx, setup->map, n, setup->exact ? KAD_DOUBLE : setup->prec, y,
                         lnq, NULL));
    for (size_t chain = 0; chain < n; chain++)
        mis->log_w[chain] = kad_action_log_weight(action, S[chain], lnq[chain]);
    return kad_mis_check_states(ctx, mis);
}

static void describe(const void *self, kad_writer *w)
{
    const kad_mis *mis = self;
    kad_write_int(w, "n_nonfinite", mis->proposals.n_nonfinite);
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

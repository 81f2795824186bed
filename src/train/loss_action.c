/* The variational free energy of an action: S + ln q of own draws. */
#include "train/loss.h"

#include "base/tile.h"

#include <math.h>

/* Score of one branch: from latents z in x, x = generate(z), g = d ln q0/dx, lnq = ln
 * q0(x). */
static void score_generated(kad_loss_tile *t, double *lnq)
{
    double ld[KAD_W_MAX] = {0};
    kad_flow_prior_lnp(t->flow, t->prec, t->x, lnq);
    kad_flow_prior_score(t->flow, t->prec, t->x, t->g);
    kad_loss_flow(t, KAD_INFER_ADJOINT, t->x, t->g, 1.0, NULL, ld);
    for (int l = 0; l < t->lanes; l++)
        lnq[l] -= ld[l];
}

/* Score of the other branch at given x: x2 = -x, g2 = d ln q0(-x)/dx, lnq. */
static void score_other(kad_loss_tile *t, double *lnq)
{
    double ld[KAD_W_MAX] = {0}, none[KAD_W_MAX];
    kad_tile_negate(t->prec, (size_t)t->flow->n_rows, t->x, t->x2);
    kad_loss_flow(t, KAD_INFER, t->x2, NULL, 0, NULL, ld);
    kad_flow_prior_lnp(t->flow, t->prec, t->x2, lnq);
    for (int l = 0; l < t->lanes; l++)
        lnq[l] += ld[l];
    kad_flow_prior_score(t->flow, t->prec, t->x2, t->g2);
    kad_loss_flow(t, KAD_INFER_ADJOINT, t->x2, t->g2, 1.0, NULL, none);
    kad_tile_negate(t->prec, (size_t)t->flow->n_rows, t->g2, t->g2);
}

/* Replace lnq and the score in g by those of the mixture [q0(x) + q0(-x)]/2. */
static void mix_branches(kad_loss_tile *t, double *lnq)
{
    double other[KAD_W_MAX], a[KAD_W_MAX], b[KAD_W_MAX];
    score_other(t, other);
    for (int l = 0; l < t->lanes; l++) {
        const double hi = fmax(lnq[l], other[l]);
        const double e1 = exp(lnq[l] - hi), e2 = exp(other[l] - hi);
        a[l] = e1 / (e1 + e2);
        b[l] = e2 / (e1 + e2);
        lnq[l] = hi + log(0.5 * (e1 + e2));
    }
    kad_loss_combine(t, t->g, a, t->g2, b);
}

/* Path gradient: G = d(ln q + S)/dx with ln q's own parameters held, then back through
 * generate. */
static void path_tile(const kad_action *action, kad_loss_tile *t, bool symmetrised)
{
    double lnq[KAD_W_MAX], S[KAD_W_MAX];
    score_generated(t, lnq);
    if (symmetrised) mix_branches(t, lnq);
    action->ops->kern[t->prec]->gradient(action, t->x, t->g2, S, t->scratch);
    kad_loss_add(t, t->g, t->g2);
    for (int l = 0; l < t->lanes; l++)
        S[l] += lnq[l];
    kad_loss_record(t, S, KAD_GENERATE_ADJOINT, 0.0);
}

/* Reparametrised gradient: d/dtheta of S(x) - ln|det dx/dz|. */
static void reverse_tile(const kad_action *action, kad_loss_tile *t)
{
    double lnp[KAD_W_MAX], ld[KAD_W_MAX] = {0}, S[KAD_W_MAX];
    kad_flow_prior_lnp(t->flow, t->prec, t->x, lnp);
    kad_loss_flow(t, KAD_GENERATE, t->x, NULL, 0, NULL, ld);
    action->ops->kern[t->prec]->gradient(action, t->x, t->g, S, t->scratch);
    for (int l = 0; l < t->lanes; l++)
        S[l] += lnp[l] - ld[l];
    kad_loss_record(t, S, KAD_GENERATE_ADJOINT, -1.0);
}

typedef struct reverse_loss {
    const kad_action *action;
    kad_rng rng;
    uint64_t step;
    bool path, symmetrised;
} reverse_loss;

static void work(const void *self, kad_loss_tile *t)
{
    const reverse_loss *r = self;
    kad_flow_prior_draw(t->flow, t->prec, r->rng, r->step, t->first, t->x);
    if (r->path || r->symmetrised)
        path_tile(r->action, t, r->symmetrised);
    else
        reverse_tile(r->action, t);
}

void kad_loss_gradient(kad_ctx *ctx, kad_loss_plan *plan, const kad_action *action,
                       kad_loss_kind kind, bool symmetrised, const double *theta,
                       uint64_t seed, uint64_t step, double *gradient,
                       kad_loss_stats *stats)
{
    const reverse_loss self = {.action = action,
                               .rng = kad_rng_stream(seed, KAD_RNG_TRAIN, 0),
                               .step = step,
                               .path = kind == KAD_LOSS_PATH,
                               .symmetrised = symmetrised};
    kad_loss_over_tiles(ctx, plan, work, &self, theta, gradient, stats);
}

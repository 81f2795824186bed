/* The variational free energy of an action: S + ln q of own draws. */
#include "train/loss.h"

#include "base/weights.h"
#include "flow/mixture.h"

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

/* The mixture's part in a loss: its terms, and which of them every lane is a draw of. */
typedef struct terms {
    const kad_mixture *mixture; /* NULL: q0 alone */
    int own[KAD_W_MAX];
} terms;

/* Score of other terms at given x: with x2 their images, g2 = d ln q0(x2)/dx, lnq. */
static void score_other(kad_loss_tile *t, const terms *m, const int *term, double *lnq)
{
    double ld[KAD_W_MAX] = {0}, none[KAD_W_MAX];
    const int n_comp = t->flow->n_comp;
    kad_mixture_apply(m->mixture, t->prec, m->own, term, n_comp, t->x, t->x2);
    kad_loss_flow(t, KAD_INFER, t->x2, NULL, 0, NULL, ld);
    kad_flow_prior_lnp(t->flow, t->prec, t->x2, lnq);
    for (int l = 0; l < t->lanes; l++)
        lnq[l] += ld[l];
    kad_flow_prior_score(t->flow, t->prec, t->x2, t->g2);
    kad_loss_flow(t, KAD_INFER_ADJOINT, t->x2, t->g2, 1.0, NULL, none);
    kad_mixture_apply(m->mixture, t->prec, term, m->own, n_comp, t->g2, t->x2);
}

/* Replace lnq and the score in g, of every lane its own term, by those of the mixture. */
static void mix(kad_loss_tile *t, const terms *m, double *lnq)
{
    const int n_terms = kad_mixture_terms(m->mixture);
    double other[KAD_W_MAX], a[KAD_W_MAX], b[KAD_W_MAX];
    int term[KAD_W_MAX];
    for (int i = 1; i < n_terms; i++) {
        kad_mixture_turn(m->mixture, m->own, i, term);
        score_other(t, m, term, other);
        for (int l = 0; l < t->lanes; l++) {
            const double both = kad_log_add(lnq[l], other[l]);
            a[l] = exp(lnq[l] - both);
            b[l] = exp(other[l] - both);
            lnq[l] = both;
        }
        kad_loss_combine(t, t->g, a, t->x2, b);
    }
    for (int l = 0; l < t->lanes; l++)
        lnq[l] -= log(n_terms);
}

/* Path gradient: G = d(ln q + S)/dx with ln q's own parameters held, then back through
 * generate. */
static void path_tile(const kad_action *action, kad_loss_tile *t, const terms *m)
{
    double lnq[KAD_W_MAX], S[KAD_W_MAX];
    score_generated(t, lnq);
    if (m->mixture != NULL) mix(t, m, lnq);
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
    bool path;
    const kad_mixture *mixture;
    kad_rng draws; /* which term a sample is of */
} reverse_loss;

static void work(const void *self, kad_loss_tile *t)
{
    const reverse_loss *r = self;
    kad_flow_prior_draw(t->flow, t->prec, r->rng, r->step, t->first, t->x);
    terms m = {.mixture = r->mixture};
    for (int l = 0; l < t->lanes && m.mixture != NULL; l++)
        m.own[l] = kad_mixture_draw(m.mixture, r->draws, r->step, t->first + (uint64_t)l);
    if (r->path || m.mixture != NULL)
        path_tile(r->action, t, &m);
    else
        reverse_tile(r->action, t);
}

void kad_loss_gradient(kad_ctx *ctx, kad_loss_plan *plan, const kad_action *action,
                       kad_loss_kind kind, const kad_mixture *mixture,
                       const double *theta, uint64_t seed, uint64_t step,
                       double *gradient, kad_loss_stats *stats)
{
    const reverse_loss self = {.action = action,
                               .rng = kad_rng_stream(seed, KAD_RNG_TRAIN, 0),
                               .step = step,
                               .path = kind == KAD_LOSS_PATH,
                               .mixture = mixture,
                               .draws =
                                   kad_rng_stream(seed, KAD_RNG_SYMMETRY, KAD_RNG_TRAIN)};
    kad_loss_over_tiles(ctx, plan, work, &self, theta, gradient, stats);
}

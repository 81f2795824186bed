/* An action: the map learns exp(-S) from its own draws, by the variational free energy
 *   F = <S(y) + ln q(y)> - log_z_offset >= -ln Z.
 * ln w = -S(y) - ln q(y) + log_z_offset, so that ln mean w estimates the model's ln Z. */
#include "train/target.h"

#include "base/memory.h"
#include "base/ranks.h"
#include "base/signals.h"
#include "train/schedule.h"

#include <math.h>
#include <string.h>

#define F64 KAD_H5_F64
#define I64 KAD_H5_I64

/* Draws a pass: no more than CHUNK, nor than CHUNK_VALUES variables. */
enum { CHUNK = 512, CHUNK_LEAST = 64, CHUNK_VALUES = 1 << 20 };

typedef struct action_target {
    kad_loss_kind gradient;
    uint64_t seed;
    kad_action *moving; /* a copy whose parameter is annealed, or goes through a family's
                           range; NULL: none is */
    const char *key;
    double start, final;
    size_t chunk;
    double *y;       /* [chunk][n_rows] */
    double *lnq, *S; /* [chunk] */
    /* a family's: the map at a stratum's coupling, its gradient, and by how much the range
     * is widened, so that its ends have neighbours on both sides */
    double *theta, *gradient_at, widen;
} action_target;

static const kad_history_column columns[] = {
    {"samples", I64, "samples", "fresh draws evaluated", NULL},
    {"free_energy", F64, "nats", "variational free energy", "mean of -ln w"},
    {"free_energy_err", F64, "nats", "its standard error", NULL},
    {"kl_gap", F64, "nats", "free energy plus exact ln Z", "KL(q, p)"},
    {"kl_gap_err", F64, "nats", "its standard error", NULL},
    {"log_z", F64, "nats", "ln Z", "ln of the mean weight"},
    {"log_z_err", F64, "nats", "its standard error", "sqrt((1/ESS - 1)/n)"},
    {"ess", F64, "", "effective sample size a draw", "mean(w)^2 / mean(w^2)"},
    {"ess_err", F64, "", "its standard error", "jackknife"},
    {"acceptance", F64, "", "acceptance of the independent sampler",
     "pairs of weights, min(1, w'/w)"},
    {"acceptance_err", F64, "", "its standard error", "jackknife"},
    {"largest_weight", F64, "", "share of the largest weight in the sum", NULL},
    {"n_bad", I64, "samples", "draws whose weight is not finite", NULL},
};
enum { N_COLUMNS = sizeof columns / sizeof columns[0] };

static void row(const kad_evaluation *e, double *values)
{
    const kad_weights *w = &e->weights;
    const double all[N_COLUMNS] = {
        (double)(w->n + w->n_bad),
        -w->lower.value,
        w->lower.err,
        e->kl_gap,
        e->kl_gap_err,
        w->log_mean,
        w->log_z_err_importance,
        w->ess.value,
        w->ess.err,
        w->acceptance.value,
        w->acceptance.err,
        w->largest,
        (double)w->n_bad,
    };
    for (size_t i = 0; i < N_COLUMNS; i++)
        values[i] = all[i];
}

/* The parameter of this step; set also after the annealing and after a resumption, so that
 * a value never depends on its history. */
static kad_status prepare(kad_ctx *ctx, kad_target *target, const kad_target_step *step)
{
    const action_target *self = target->self;
    if (self->moving == NULL || kad_family_is(&target->model->family)) return KAD_OK;
    const double value =
        kad_anneal_value(self->start, self->final, step->step, target->n_moving);
    KAD_CALL(self->moving->ops->set(ctx, self->moving, self->key, value));
    target->offset = self->moving->log_z_offset;
    return KAD_OK;
}

/* The part of a second coupling's range that goes with part g of the first: a permutation
 * of a step's own. */
static size_t partner(kad_rng rng, uint64_t number, size_t n_parts, size_t g)
{
    size_t part[KAD_FAMILY_STRATA];
    for (size_t i = 0; i < n_parts; i++) { /* Fisher-Yates, from the inside out */
        const size_t k = (size_t)(kad_rng_uniform(rng, number, i, 2) * (double)(i + 1));
        part[i] = part[k];
        part[k] = i;
    }
    return part[g];
}

static kad_family_point stratum(const kad_family *f, kad_rng rng, uint64_t number,
                                size_t g, double widen)
{
    kad_family_point tau = {{0}};
    for (int i = 0; i < f->n; i++) {
        const size_t n_parts = (size_t)f->strata,
                     part = i == 0 ? g : partner(rng, number, n_parts, g);
        const double u = kad_rng_uniform(rng, number, g, (uint32_t)i);
        tau.at[i] = widen * (2 * ((double)part + u) / (double)n_parts - 1);
    }
    return tau;
}

/* What the step's loss is averaged over; NULL: nothing. */
static const kad_mixture *mixture_of(const kad_target *target,
                                     const kad_target_step *step)
{
    return step->symmetrised ? target->model->mixture : NULL;
}

/* Of the couplings' strata; the stream's numbers follow one another through the strata of
 * all steps. */
static void family_gradient(kad_ctx *ctx, kad_target *target, kad_loss_plan *plan,
                            const kad_target_step *step, const double *theta,
                            double *gradient, kad_loss_stats *stats)
{
    const action_target *self = target->self;
    const kad_family *f = &target->model->family;
    const size_t n = target->model->flow->n_theta, G = (size_t)f->strata;
    const kad_rng rng = kad_rng_stream(self->seed, KAD_RNG_TRAIN, 3);
    kad_action *action = self->moving;
    *stats = (kad_loss_stats){0};
    target->offset = 0;
    memset(gradient, 0, (size_t)kad_family_terms(f) * n * sizeof *gradient);
    for (size_t g = 0; g < G && !stats->given_up; g++) {
        kad_loss_stats at;
        const kad_family_point tau = stratum(f, rng, step->number, g, self->widen);
        const kad_family_point value = kad_family_value(f, tau);
        /* cannot fail: the ends were tried */
        if (kad_family_set(ctx, f, action, value) != KAD_OK) continue;
        kad_family_contract(f, n, theta, value, self->theta);
        kad_loss_gradient(ctx, plan, action, self->gradient, mixture_of(target, step),
                          self->theta, self->seed, step->number * G + g,
                          self->gradient_at, &at);
        kad_family_add(f, n, tau, 1.0 / (double)G, self->gradient_at, gradient);
        stats->loss += at.loss / (double)G;
        stats->variance += at.variance / (double)G;
        stats->n_nonfinite += at.n_nonfinite;
        stats->given_up = at.given_up;
        target->offset += action->log_z_offset / (double)G;
    }
}

static void gradient(kad_ctx *ctx, kad_target *target, kad_loss_plan *plan,
                     const kad_target_step *step, const double *theta, double *gradient,
                     kad_loss_stats *stats)
{
    const action_target *self = target->self;
    const kad_action *action =
        self->moving != NULL ? self->moving : target->model->action;
    if (kad_family_is(&target->model->family)) {
        family_gradient(ctx, target, plan, step, theta, gradient, stats);
        return;
    }
    kad_loss_gradient(ctx, plan, action, self->gradient, mixture_of(target, step), theta,
                      self->seed, step->number, gradient, stats);
}

/* The final action, or the family's at the present coupling. */
static const kad_action *evaluated(const kad_target *target)
{
    const action_target *self = target->self;
    return kad_family_is(&target->model->family) ? self->moving : target->model->action;
}

static kad_status move(kad_ctx *ctx, kad_target *target, kad_family_point value)
{
    const action_target *self = target->self;
    return kad_family_set(ctx, &target->model->family, self->moving, value);
}

static kad_status draw_weights(kad_ctx *ctx, kad_target *target, const kad_map *map,
                               uint64_t first, size_t n, bool exact)
{
    const action_target *self = target->self;
    const kad_model *model = target->model;
    const kad_action *action = evaluated(target);
    const double start = kad_stop_clock();
    for (size_t at = target->n_done; at < n; at += self->chunk) {
        const size_t m = n - at < self->chunk ? n - at : self->chunk;
        target->n_done = at;
        if (kad_stop_overdue(start))
            return kad_fail(ctx, KAD_EINTERRUPTED,
                            "evaluation: stopped at draw %zu of %zu (%s)", at, n,
                            kad_stop_reason());
        const kad_rank_items mine = kad_ranks_part(ctx, m, KAD_W_MAX);
        const kad_shared log_w = {target->values + at, m, KAD_W_MAX, sizeof(double)};
        kad_status status =
            kad_map_draw(ctx, map, model->seed, KAD_RNG_EVAL, first + at + mine.first,
                         mine.n, model->prec, exact, self->y, self->lnq, NULL);
        if (status == KAD_OK)
            status = kad_action_values(ctx, action, mine.n, self->y, self->S);
        for (size_t i = 0; status == KAD_OK && i < mine.n; i++)
            target->values[at + mine.first + i] =
                kad_action_log_weight(action, self->S[i], self->lnq[i]);
        KAD_CALL(kad_ranks_join(ctx, status, 1, &log_w));
    }
    target->n_done = n;
    return KAD_OK;
}

/* Of the final action, whatever the annealing is at; the last time with ln q by inference
 * in double, else as accumulated. */
static kad_status evaluate(kad_ctx *ctx, kad_target *target, const kad_map *map,
                           uint64_t first, size_t n, bool last, kad_evaluation *out)
{
    if (n > target->n_values) n = target->n_values;
    KAD_CALL(draw_weights(ctx, target, map, first, n, last));
    KAD_CALL(kad_weights_analyse(ctx, n, target->values, &out->weights));
    out->log_z_exact = evaluated(target)->log_z_exact;
    out->kl_gap = out->log_z_exact - out->weights.lower.value;
    out->kl_gap_err = isnan(out->kl_gap) ? NAN : out->weights.lower.err;
    return KAD_OK;
}

static void describe(const kad_target *target, const kad_evaluation *e, kad_writer *w)
{
    const kad_action *action = target->model->action;
    const char *source = action->log_z_source;
    if (!isfinite(action->log_z_exact)) return;
    kad_write_real(w, "log_z_exact", action->log_z_exact);
    kad_write_text(w, "log_z_exact_source", source != NULL ? source : "exact");
    if (e->weights.n == 0) return;
    kad_write_real(w, "kl_gap", e->kl_gap);
    kad_write_real(w, "kl_gap_err", e->kl_gap_err);
}

static void destroy(kad_target *target)
{
    action_target *self = target->self;
    kad_action_destroy(self->moving);
    kad_free(self->y);
    kad_free(self->lnq);
    kad_free(self->S);
    kad_free(self->theta);
    kad_free(self->gradient_at);
}

const kad_target_ops kad_target_action_ops = {
    .name = "action",
    .loss = {"free_energy", F64, "nats", "variational free energy of the batch",
             "mean of S + ln q - ln Z offset over the batch"},
    .columns = columns,
    .n_columns = N_COLUMNS,
    .row = row,
    .prepare = prepare,
    .gradient = gradient,
    .move = move,
    .evaluate = evaluate,
    .describe = describe,
    .destroy = destroy,
};

/* The copy whose parameter moves. */
static kad_status copy_action(kad_ctx *ctx, const kad_train_options *o,
                              const kad_model *model, kad_action **out)
{
    return kad_action_create(ctx, &o->model->action, model->lattice, model->decimated,
                             out);
}

static kad_status make_moving(kad_ctx *ctx, const kad_train_options *o, int64_t n_steps,
                              kad_target *target)
{
    action_target *self = target->self;
    const kad_action *action = target->model->action;
    self->key = o->anneal_key;
    self->start = o->anneal_start;
    self->final = action->ops->get != NULL ? action->ops->get(action, self->key) : NAN;
    if (isnan(self->final) || action->ops->set == NULL)
        return kad_fail(ctx, KAD_ECONFIG,
                        "train.anneal_key: action %s has no parameter \"%s\" to anneal",
                        action->ops->name, self->key);
    target->n_moving = (int64_t)(o->anneal_fraction * (double)n_steps);
    if (target->n_moving == 0) return KAD_OK;
    return copy_action(ctx, o, target->model, &self->moving);
}

/* At the ends, of two couplings the corners. */
static bool can_be(kad_ctx *ctx, kad_action *action, const kad_family *f, double tau)
{
    char message[KAD_MESSAGE_MAX];
    bool can = true;
    memcpy(message, ctx->message, sizeof message);
    for (int corner = 0; corner < 1 << f->n && can; corner++) {
        const kad_family_point at = {{corner & 1 ? tau : -tau, corner & 2 ? tau : -tau}};
        can = kad_family_set(ctx, f, action, kad_family_value(f, at)) == KAD_OK;
    }
    memcpy(ctx->message, message, sizeof message);
    return can;
}

static kad_status make_family(kad_ctx *ctx, const kad_train_options *o,
                              kad_target *target)
{
    static const double widened = 1.05;
    action_target *self = target->self;
    const kad_family *f = &target->model->family;
    const size_t n = target->model->flow->n_theta;
    KAD_CALL(copy_action(ctx, o, target->model, &self->moving));
    KAD_CALL(kad_new(ctx, n, sizeof *self->theta, &self->theta));
    KAD_CALL(kad_new(ctx, n, sizeof *self->gradient_at, &self->gradient_at));
    self->widen = can_be(ctx, self->moving, f, widened) ? widened : 1;
    return KAD_OK;
}

static size_t chunk_of(size_t n_rows)
{
    const size_t chunk = CHUNK_VALUES / n_rows / CHUNK_LEAST * CHUNK_LEAST;
    return chunk < CHUNK_LEAST ? CHUNK_LEAST : chunk > CHUNK ? CHUNK : chunk;
}

kad_status kad_target_action(kad_ctx *ctx, const kad_model *model,
                             const kad_train_options *o, bool anneal, int64_t n_steps,
                             kad_target **out)
{
    KAD_LOCAL(kad_target, target);
    const size_t n_rows = (size_t)model->flow->n_rows;
    const size_t n_values =
        o->eval_final > o->eval_samples ? o->eval_final : o->eval_samples;
    *out = NULL;
    KAD_CALL(kad_target_create(ctx, &kad_target_action_ops, model, n_values,
                               sizeof(action_target), &target));
    action_target *self = target->self;
    target->offset = model->action->log_z_offset;
    self->gradient = o->gradient;
    self->seed = o->model->seed;
    self->chunk = chunk_of(n_rows) * (size_t)kad_ranks_all(ctx);
    KAD_CALL(kad_new(ctx, self->chunk, n_rows * sizeof *self->y, &self->y));
    KAD_CALL(kad_new(ctx, self->chunk, sizeof *self->lnq, &self->lnq));
    KAD_CALL(kad_new(ctx, self->chunk, sizeof *self->S, &self->S));
    if (kad_family_is(&model->family))
        KAD_CALL(make_family(ctx, o, target));
    else if (o->anneal_key != NULL && anneal)
        KAD_CALL(make_moving(ctx, o, n_steps, target));
    *out = target;
    target = NULL;
    return KAD_OK;
}

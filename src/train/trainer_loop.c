#include "train/trainer_state.h"

#include "base/signals.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Averaging time of the smoothed loss, in steps. */
static const double SPAN = 50.0;

static const kad_train_stage *stage_of(const kad_trainer *t)
{
    return &t->stages[t->stage];
}

static bool is_last_stage(const kad_trainer *t)
{
    return t->stage == t->n_stages - 1;
}

const double *kad_trainer_weights(const kad_trainer *t)
{
    if (t->chosen != 0) return t->best;
    return t->ema.remainder < 1.0 ? t->average : t->theta;
}

static bool in_last_share(const kad_trainer *t, double share)
{
    const double steps = (double)stage_of(t)->steps;
    return is_last_stage(t) && (double)t->step >= steps - share * steps;
}

static kad_loss_plan *plan_of_step(const kad_trainer *t)
{
    const bool final =
        t->plan[1] != NULL && in_last_share(t, t->options.batch_final_fraction);
    return t->plan[final ? 1 : 0];
}

/* Standard error of a batch's mean loss. */
static double batch_error(const kad_loss_plan *plan, const kad_loss_stats *stats)
{
    const double n = (double)(kad_loss_batch(plan) - stats->n_nonfinite);
    return n > 1.0 ? sqrt(fmax(0.0, stats->variance) / n) : NAN;
}

static kad_target_step step_of(const kad_trainer *t)
{
    return (kad_target_step){.number = (uint64_t)(t->before + t->step),
                             .step = t->step,
                             .symmetrised = kad_mixture_terms(t->model->mixture) > 1 &&
                                            in_last_share(t, t->options.symmetrise_last)};
}

/* gradient = sum of the targets' gradients by their weights. */
static void add_gradients(kad_trainer *t)
{
    const double a = t->targets[0]->weight, b = t->targets[1]->weight;
    const double *g = t->part[0], *h = t->part[1];
    for (size_t i = 0; i < kad_model_n_parameters(t->model); i++)
        t->gradient[i] = a * g[i] + b * h[i];
}

/* Gradient and log row of one step: the targets' losses by their weights. False when it was
 * given up half way. */
static bool gradient(kad_trainer *t, const kad_target_step *step, kad_train_row *row)
{
    kad_loss_plan *plan = plan_of_step(t);
    size_t n_used = 0;
    for (size_t i = 0; i < t->n_targets; i++)
        n_used += t->targets[i] != NULL && t->targets[i]->weight > 0;
    row->loss = 0;
    for (size_t i = 0; i < t->n_targets; i++) {
        kad_target *target = t->targets[i];
        kad_loss_stats stats;
        row->target[i] = NAN;
        if (target == NULL || target->weight == 0) continue;
        target->ops->gradient(t->ctx, target, plan, step, t->theta,
                              n_used > 1 ? t->part[i] : t->gradient, &stats);
        if (stats.given_up) return false;
        t->n_bad += stats.n_nonfinite;
        row->target[i] = (stats.loss - target->offset) / target->scale;
        row->loss += target->weight * stats.loss;
        row->loss_err = hypot(row->loss_err, target->weight * batch_error(plan, &stats));
    }
    if (n_used > 1) add_gradients(t);
    row->grad_norm = kad_norm(kad_model_n_parameters(t->model), t->gradient);
    return true;
}

static double rate_of_step(const kad_trainer *t)
{
    const kad_train_options *o = &t->options;
    const int64_t steps = stage_of(t)->steps;
    const kad_schedule schedule = {
        .kind = o->schedule,
        .rate = t->stage > 0 ? o->rate * o->ladder_rate : o->rate,
        .rate_final = o->rate_final,
        .warmup = o->warmup < steps / 4 ? o->warmup : steps / 4,
        .steps = steps,
    };
    return kad_schedule_rate(&schedule, t->step, (int)t->n_plateaus);
}

static bool is_moving(const kad_trainer *t)
{
    bool moving = false;
    for (size_t i = 0; i < t->n_targets; i++)
        moving |= t->targets[i] != NULL && t->step < t->targets[i]->n_moving;
    return moving;
}

/* Plateau: halve the rate, or stop the stage. */
static void watch_plateau(kad_trainer *t, const kad_train_row *row)
{
    const kad_train_options *o = &t->options;
    kad_plateau_add(&t->plateau, SPAN, row->loss,
                    isfinite(row->loss_err) ? row->loss_err : 0.0);
    if (is_moving(t)) t->plateau.since = 0;
    const int64_t patience = t->best == NULL ? o->patience : 0;
    const int64_t wait = patience > 0 ? patience / 2 : stage_of(t)->steps / 20;
    if (o->schedule == KAD_SCHEDULE_PLATEAU && t->plateau.since > wait &&
        t->plateau.since % (wait + 1) == 0)
        t->n_plateaus++;
    if (patience > 0 && t->plateau.since >= patience) t->stopped = 1;
}

static kad_status prepare(kad_trainer *t, const kad_target_step *step)
{
    for (size_t i = 0; i < t->n_targets; i++) {
        kad_target *target = t->targets[i];
        if (target != NULL && target->ops->prepare != NULL)
            KAD_CALL(target->ops->prepare(t->ctx, target, step));
    }
    return KAD_OK;
}

/* *taken: false when the step was given up half way, as if it had not begun. */
static kad_status take_step(kad_trainer *t, bool *taken)
{
    kad_train_row row = {.rate = rate_of_step(t)};
    const size_t n = kad_model_n_parameters(t->model);
    const kad_target_step step = step_of(t);
    KAD_CALL(prepare(t, &step));
    *taken = gradient(t, &step, &row);
    if (!*taken) return KAD_OK;
    if (isfinite(row.grad_norm) && isfinite(row.loss)) {
        kad_clip_apply(&t->clip, row.grad_norm, n, t->gradient);
        kad_optimiser_step(t->optimiser, t->ctx->n_threads, row.rate, t->gradient,
                           t->theta);
        kad_average_add(&t->ema, n, t->theta, t->average);
        watch_plateau(t, &row);
    } else {
        t->n_skipped++;
    }
    kad_trainer_log_step(t, &row);
    t->step++;
    if (t->n_skipped > t->options.max_nonfinite)
        return kad_fail(t->ctx, KAD_EINTERNAL,
                        "training: %lld steps with a loss or gradient that is not finite "
                        "(train.max_nonfinite %lld), the last at step %lld",
                        (long long)t->n_skipped, (long long)t->options.max_nonfinite,
                        (long long)(t->before + t->step));
    return KAD_OK;
}

/* Keep the weights that the samples set aside find the most likely so far. */
static void choose(kad_trainer *t)
{
    const kad_held_out *h = &t->last.held_out;
    if (t->best == NULL || h->n_choosing == 0) return;
    t->since++;
    if (isfinite(h->choosing) && !(h->choosing >= t->best_value)) {
        memcpy(t->best, kad_trainer_weights(t),
               kad_model_n_parameters(t->model) * sizeof *t->best);
        t->best_value = h->choosing;
        t->best_step = t->before + t->step;
        t->since = 0;
    }
    if (t->since >= t->options.patience) t->stopped = 1;
}

static kad_status evaluate(kad_trainer *t, bool last)
{
    const size_t n = last ? t->options.eval_final : t->options.eval_samples;
    KAD_CALL(kad_evaluate(t->ctx, t->evaluator, kad_trainer_weights(t), t->n_targets,
                          t->targets, (uint64_t)t->eval_first, n, last, &t->last));
    t->eval_first += (int64_t)n;
    kad_trainer_log_evaluation(t, &t->last);
    if (!last) choose(t);
    return KAD_OK;
}

/* c = -ln(ESS)/(2 N), the KL gap of a site for weights that are nearly log-normal: what maps of
 * different lattices compare by. */
static kad_field gap_of_a_site(const kad_trainer *t)
{
    const kad_estimate *ess = &t->last.weights.ess;
    const double n = 2.0 * t->model->lattice->n_sites;
    return (kad_field){"c", -log(ess->value) / n, ess->err / ess->value / n};
}

static void show(kad_trainer *t)
{
    if (t->progress == NULL) return;
    const kad_evaluation *e = &t->last;
    kad_field fields[8];
    size_t n = 0;
    fields[n++] = (kad_field){"loss", kad_plateau_mean(&t->plateau),
                              kad_plateau_error(&t->plateau, SPAN)};
    if (e->weights.n > 0) {
        if (isfinite(e->kl_gap))
            fields[n++] = (kad_field){"KL gap", e->kl_gap, e->kl_gap_err};
        fields[n++] = (kad_field){"ESS", e->weights.ess.value, e->weights.ess.err};
        fields[n++] = (kad_field){"acceptance", e->weights.acceptance.value,
                                  e->weights.acceptance.err};
        if (t->evaluated != 0) fields[n++] = gap_of_a_site(t);
    }
    if (e->held_out.n > 0)
        fields[n++] = (kad_field){"held out", e->held_out.value, e->held_out.error};
    fields[n++] = (kad_field){"rate", rate_of_step(t), NAN};
    kad_progress_update(t->progress, t->step, n, fields);
}

static void begin_progress(kad_trainer *t)
{
    char name[64], shape[40];
    int at = 0;
    for (int i = 0; i < t->d; i++)
        at += snprintf(shape + at, sizeof shape - (size_t)at, "%s%d", i > 0 ? "x" : "",
                       stage_of(t)->shape[i]);
    snprintf(name, sizeof name, "train %s", shape);
    if (t->progress != NULL)
        kad_progress_begin(t->progress, name, t->step, stage_of(t)->steps);
}

/* Called between steps: everything that depends on the clock or on signals. */
static kad_status housekeeping(kad_trainer *t)
{
    if (t->progress != NULL && kad_progress_due(t->progress)) show(t);
    const bool stop = kad_stop_requested();
    const double waited = kad_wall_seconds() - t->wall_saved;
    if (stop || waited >= t->options.checkpoint_seconds) KAD_CALL(kad_trainer_save(t));
    if (stop)
        return kad_fail(t->ctx, KAD_EINTERRUPTED,
                        "training: stopped at step %lld of %lld (%s)",
                        (long long)(t->before + t->step), (long long)t->options.steps,
                        kad_stop_reason());
    return KAD_OK;
}

/* When it is stopped half way, housekeeping saves what there is and ends the call. */
static kad_status evaluate_due(kad_trainer *t)
{
    kad_status status = evaluate(t, false);
    if (status == KAD_EINTERRUPTED) return KAD_OK;
    if (status == KAD_OK) t->eval_due = 0;
    return status;
}

static kad_status steps_and_end(kad_trainer *t)
{
    const int64_t steps = stage_of(t)->steps, every = t->options.eval_every;
    while ((t->step < steps && t->stopped == 0) || t->eval_due != 0) {
        bool taken = false;
        if (t->eval_due == 0) KAD_CALL(take_step(t, &taken));
        const bool more = t->step < steps && t->stopped == 0;
        if (taken && more && (t->before + t->step) % every == 0) t->eval_due = 1;
        if (taken && !more && t->best != NULL) t->eval_due = 1; /* the last candidate */
        if (t->eval_due != 0) KAD_CALL(evaluate_due(t));
        KAD_CALL(housekeeping(t));
    }
    if (t->evaluated == 0) {
        if (t->best != NULL && isfinite(t->best_value)) t->chosen = 1;
        KAD_CALL(kad_trainer_save(t));
        const kad_status status = evaluate(t, is_last_stage(t));
        if (status == KAD_EINTERRUPTED) KAD_CALL(housekeeping(t));
        if (status != KAD_OK) return status;
        t->evaluated = 1;
    }
    show(t);
    return KAD_OK;
}

kad_status kad_trainer_loop(kad_trainer *t)
{
    begin_progress(t);
    const kad_status status = steps_and_end(t);
    if (t->progress != NULL) kad_progress_end(t->progress);
    return status;
}

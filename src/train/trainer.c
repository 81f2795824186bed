#include "train/trainer.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "base/signals.h"
#include "train/params.h"
#include "train/trainer_state.h"

#include <stdio.h>
#include <string.h>

static void destroy(kad_trainer *t)
{
    if (t == NULL) return;
    kad_trainer_leave(t);
    for (int i = 0; i < t->n_stages; i++)
        kad_trainer_forget(&t->stages[i]);
    kad_history_clear(&t->log);
    kad_history_clear(&t->eval);
    kad_free(t->columns);
    kad_free(t);
}
KAD_LOCAL_OF(kad_trainer, destroy)

/* From the end of a stage to the start of the next, with the smaller lattice's map. */
static kad_status next_stage(kad_trainer *t)
{
    KAD_SCOPE(scope, t->ctx);
    double *theta = NULL;
    const kad_model *model = t->model;
    const size_t n = kad_model_n_parameters(model);
    KAD_CALL(kad_take(&scope, n, &theta));
    memcpy(theta, kad_trainer_weights(t), n * sizeof *theta);
    t->before += t->step;
    kad_trainer_leave(t);
    t->stage++;
    KAD_CALL(kad_trainer_enter(t, model, theta));
    kad_trainer_forget(&t->stages[t->stage - 1]);
    return kad_trainer_save(t);
}

/* Of the last stage, the largest lattice. */
static void note_idle(kad_trainer *t)
{
    char why[128];
    const kad_loss_plan *plan = t->plan[0];
    const int n_tiles = kad_loss_tiles(plan), batch = kad_loss_batch(plan);
    const int most = kad_loss_shares(plan), n_groups = kad_loss_groups(plan);
    const int n = snprintf(why, sizeof why, "a batch of %d is %d tile%s of %d", batch,
                           n_tiles, n_tiles == 1 ? "" : "s", batch / n_tiles);
    if (most > 1)
        snprintf(why + n, sizeof why - (size_t)n, ", up to %d threads each", most);
    if (t->stage == t->n_stages - 1)
        kad_note_idle(t->ctx, "training", (size_t)(n_groups * most), why);
}

static kad_status run_stages(kad_trainer *t)
{
    for (;;) {
        note_idle(t);
        const kad_status status = kad_trainer_loop(t);
        if (status == KAD_EINTERRUPTED) {
            char message[KAD_MESSAGE_MAX];
            memcpy(message, t->ctx->message, sizeof message);
            KAD_CALL(kad_trainer_results(t, false));
            memcpy(t->ctx->message, message, sizeof message);
        }
        if (status != KAD_OK || t->stage == t->n_stages - 1) return status;
        KAD_CALL(next_stage(t));
    }
}

static kad_status start(kad_trainer *t)
{
    bool resumed = false;
    kad_trainer_list_targets(t);
    KAD_CALL(kad_trainer_plan(t));
    KAD_CALL(kad_trainer_log_create(t));
    if (t->run != NULL) KAD_CALL(kad_trainer_load(t, &resumed));
    if (resumed) {
        kad_note(t->ctx, "training continues at step %lld of %lld",
                 (long long)(t->before + t->step), (long long)t->options.steps);
    } else {
        kad_trainer_leave(t);
        t->stage = 0;
        KAD_CALL(kad_trainer_enter(t, NULL, NULL));
        if (t->options.from != NULL) KAD_CALL(kad_trainer_from_run(t));
    }
    t->wall_start = t->wall_saved = kad_wall_seconds();
    return KAD_OK;
}

/* The map at the configured coupling. */
static void contract(const kad_trainer *t, const double *all, double *theta)
{
    const kad_model *m = t->model;
    kad_family_contract(&m->family, m->flow->n_theta, all,
                        kad_family_of(&m->family, m->action), theta);
}

/* Hand the last stage's parameters over. */
static kad_status finish(kad_trainer *t, kad_train_result *out)
{
    const size_t n = t->model->flow->n_theta;
    KAD_CALL(kad_trainer_results(t, true));
    kad_trainer_note_held_out(t);
    kad_trainer_note_choice(t);
    kad_trainer_note_solver(t);
    KAD_CALL(kad_new(t->ctx, n, sizeof *out->theta, &out->theta));
    contract(t, kad_trainer_weights(t), out->theta);
    out->steps = t->before + t->step;
    out->seconds = kad_trainer_seconds(t);
    out->evaluation = t->last;
    return KAD_OK;
}

/* The result of a training that run.h5 already holds. */
static kad_status read_finished(kad_trainer *t, kad_train_result *out)
{
    KAD_LOCAL(kad_h5, file);
    const kad_flow *flow = t->whole->flow;
    KAD_CALL(kad_new(t->ctx, flow->n_theta, sizeof *out->theta, &out->theta));
    KAD_CALL(kad_results_open(t->ctx, t->run, &file));
    KAD_CALL(kad_params_read(t->ctx, file, flow, t->whole->action, out->theta));
    KAD_CALL(kad_h5_attr_int(t->ctx, file, "/training", "steps", &out->steps));
    KAD_CALL(kad_h5_attr_real(t->ctx, file, "/training", "wall_seconds", &out->seconds));
    out->finished_before = true;
    return KAD_OK;
}

static kad_status train(kad_ctx *ctx, const kad_run *run,
                        const kad_train_options *options, const kad_model *model,
                        kad_progress *progress, kad_train_result *out)
{
    bool complete = false;
    KAD_LOCAL(kad_trainer, t);
    KAD_CALL(kad_new(ctx, 1, sizeof *t, &t));
    t->ctx = ctx;
    t->run = run;
    t->options = *options;
    t->whole = model;
    t->progress = progress;
    if (run != NULL)
        KAD_CALL(kad_trainer_is_complete(ctx, run, options->settings, &complete));
    if (complete) return read_finished(t, out);
    KAD_CALL(start(t));
    KAD_CALL(run_stages(t));
    return finish(t, out);
}

kad_status kad_train(kad_ctx *ctx, const kad_run *run, const kad_train_options *options,
                     const kad_model *model, kad_progress *progress,
                     kad_train_result *out)
{
    *out = (kad_train_result){0};
    const kad_status status = train(ctx, run, options, model, progress, out);
    if (status != KAD_OK) kad_train_result_clear(out);
    return status;
}

kad_status kad_train_check(kad_ctx *ctx, const kad_train_options *options,
                           const kad_model *model)
{
    KAD_LOCAL(kad_trainer, t);
    KAD_CALL(kad_new(ctx, 1, sizeof *t, &t));
    t->ctx = ctx;
    t->options = *options;
    t->whole = model;
    kad_trainer_list_targets(t);
    KAD_CALL(kad_trainer_plan(t));
    KAD_CALL(kad_trainer_enter(t, NULL, NULL));
    if (t->options.from != NULL) KAD_CALL(kad_trainer_from_run(t));
    if (t->stage == t->n_stages - 1) return KAD_OK;
    /* the last stage reads the samples and is the largest */
    kad_trainer_leave(t);
    t->stage = t->n_stages - 1;
    return kad_trainer_enter(t, NULL, NULL);
}

void kad_train_result_clear(kad_train_result *result)
{
    kad_free(result->theta);
    *result = (kad_train_result){0};
}

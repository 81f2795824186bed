#include "train/trainer.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "base/signals.h"
#include "train/params.h"
#include "train/trainer_state.h"

#include <stdio.h>
#include <string.h>

static void clear(kad_trainer *t)
{
    kad_trainer_leave(t);
    for (int i = 0; i < t->n_stages; i++)
        kad_trainer_forget(&t->stages[i]);
    kad_history_clear(&t->log);
    kad_history_clear(&t->eval);
    kad_free(t->columns);
}

/* From the end of a stage to the start of the next, with the smaller lattice's map. */
static kad_status next_stage(kad_trainer *t)
{
    kad_status status;
    double *theta = NULL;
    const kad_model *model = t->model;
    const size_t n = kad_model_n_parameters(model);
    KAD_TRY(kad_new(t->ctx, n, sizeof *theta, &theta));
    memcpy(theta, kad_trainer_weights(t), n * sizeof *theta);
    t->before += t->step;
    kad_trainer_leave(t);
    t->stage++;
    KAD_TRY(kad_trainer_enter(t, model, theta));
    kad_trainer_forget(&t->stages[t->stage - 1]);
    KAD_TRY(kad_trainer_save(t));
done:
    kad_free(theta);
    return status;
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
    kad_status status;
    for (;;) {
        note_idle(t);
        status = kad_trainer_loop(t);
        if (status == KAD_EINTERRUPTED) {
            char message[KAD_MESSAGE_MAX];
            memcpy(message, t->ctx->message, sizeof message);
            KAD_TRY(kad_trainer_results(t, false));
            memcpy(t->ctx->message, message, sizeof message);
            status = KAD_EINTERRUPTED;
        }
        if (status != KAD_OK || t->stage == t->n_stages - 1) break;
        KAD_TRY(next_stage(t));
    }
done:
    return status;
}

static kad_status start(kad_trainer *t)
{
    kad_status status;
    bool resumed = false;
    kad_trainer_list_targets(t);
    KAD_TRY(kad_trainer_plan(t));
    KAD_TRY(kad_trainer_log_create(t));
    if (t->run != NULL) KAD_TRY(kad_trainer_load(t, &resumed));
    if (resumed) {
        kad_note(t->ctx, "training continues at step %lld of %lld",
                 (long long)(t->before + t->step), (long long)t->options.steps);
    } else {
        kad_trainer_leave(t);
        t->stage = 0;
        KAD_TRY(kad_trainer_enter(t, NULL, NULL));
        if (t->options.from != NULL) KAD_TRY(kad_trainer_from_run(t));
    }
    t->wall_start = t->wall_saved = kad_wall_seconds();
done:
    return status;
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
    kad_status status;
    const size_t n = t->model->flow->n_theta;
    KAD_TRY(kad_trainer_results(t, true));
    kad_trainer_note_held_out(t);
    KAD_TRY(kad_new(t->ctx, n, sizeof *out->theta, &out->theta));
    contract(t, kad_trainer_weights(t), out->theta);
    out->steps = t->before + t->step;
    out->seconds = kad_trainer_seconds(t);
    out->evaluation = t->last;
done:
    return status;
}

/* The result of a training that run.h5 already holds. */
static kad_status read_finished(kad_trainer *t, kad_train_result *out)
{
    kad_status status;
    kad_h5 *file = NULL;
    const kad_flow *flow = t->whole->flow;
    KAD_TRY(kad_new(t->ctx, flow->n_theta, sizeof *out->theta, &out->theta));
    KAD_TRY(kad_results_open(t->ctx, t->run, &file));
    KAD_TRY(kad_params_read(t->ctx, file, flow, t->whole->action, out->theta));
    KAD_TRY(kad_h5_attr_int(t->ctx, file, "/training", "steps", &out->steps));
    KAD_TRY(kad_h5_attr_real(t->ctx, file, "/training", "wall_seconds", &out->seconds));
    out->finished_before = true;
done:
    kad_h5_close(file);
    return status;
}

kad_status kad_train(kad_ctx *ctx, const kad_run *run, const kad_train_options *options,
                     const kad_model *model, kad_progress *progress,
                     kad_train_result *out)
{
    kad_status status;
    bool complete = false;
    kad_trainer *t = NULL;
    *out = (kad_train_result){0};
    KAD_TRY(kad_new(ctx, 1, sizeof *t, &t));
    t->ctx = ctx;
    t->run = run;
    t->options = *options;
    t->whole = model;
    t->progress = progress;
    if (run != NULL)
        KAD_TRY(kad_trainer_is_complete(ctx, run, options->settings, &complete));
    if (complete) {
        KAD_TRY(read_finished(t, out));
        goto done;
    }
    KAD_TRY(start(t));
    KAD_TRY(run_stages(t));
    KAD_TRY(finish(t, out));
done:
    if (status != KAD_OK) kad_train_result_clear(out);
    if (t != NULL) clear(t);
    kad_free(t);
    return status;
}

kad_status kad_train_check(kad_ctx *ctx, const kad_train_options *options,
                           const kad_model *model)
{
    kad_status status;
    kad_trainer *t = NULL;
    KAD_TRY(kad_new(ctx, 1, sizeof *t, &t));
    t->ctx = ctx;
    t->options = *options;
    t->whole = model;
    kad_trainer_list_targets(t);
    KAD_TRY(kad_trainer_plan(t));
    KAD_TRY(kad_trainer_enter(t, NULL, NULL));
    if (t->options.from != NULL) KAD_TRY(kad_trainer_from_run(t));
    if (t->stage == t->n_stages - 1) goto done;
    /* the last stage reads the samples and is the largest */
    kad_trainer_leave(t);
    t->stage = t->n_stages - 1;
    KAD_TRY(kad_trainer_enter(t, NULL, NULL));
done:
    if (t != NULL) clear(t);
    kad_free(t);
    return status;
}

void kad_train_result_clear(kad_train_result *result)
{
    kad_free(result->theta);
    *result = (kad_train_result){0};
}

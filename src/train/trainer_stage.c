#include "train/trainer_state.h"

#include "base/memory.h"
#include "train/inputs.h"
#include "train/params.h"

#include <math.h>
#include <string.h>

static bool can_halve(int d, const int *shape)
{
    for (int i = 0; i < d; i++)
        if (shape[i] % 2 != 0 || shape[i] < 8) return false;
    return true;
}

/* Shapes, the smallest first, and their shares of the steps. */
kad_status kad_trainer_plan(kad_trainer *t)
{
    int shape[KAD_LADDER_MAX][KAD_MAX_DIM];
    const kad_train_options *o = &t->options;
    const kad_ints *extents = &o->model->shape;
    t->d = (int)extents->n;
    for (int i = 0; i < KAD_MAX_DIM; i++)
        shape[0][i] = i < t->d ? extents->value[i] : 1;
    int n = 1;
    const bool ladder = o->ladder == KAD_AUTO_TRUE && o->from == NULL;
    while (ladder && n < (int)o->fractions.n && n < KAD_LADDER_MAX &&
           can_halve(t->d, shape[n - 1])) {
        for (int i = 0; i < KAD_MAX_DIM; i++)
            shape[n][i] = i < t->d ? shape[n - 1][i] / 2 : 1;
        n++;
    }
    double total = 0.0;
    for (int i = 0; i < n && ladder; i++)
        total += o->fractions.value[(int)o->fractions.n - 1 - i];
    int64_t left = o->steps;
    for (int k = 0; k < n; k++) {
        kad_train_stage *stage = &t->stages[k];
        memcpy(stage->shape, shape[n - 1 - k], sizeof stage->shape);
        stage->steps = left;
        if (k < n - 1)
            stage->steps =
                (int64_t)((double)o->steps *
                          o->fractions.value[(int)o->fractions.n - n + k] / total);
        left -= stage->steps;
    }
    t->n_stages = n;
    return KAD_OK;
}

void kad_trainer_list_targets(kad_trainer *t)
{
    const kad_data_options *data = &t->options.data;
    t->n_targets = 0;
    if (t->whole->action != NULL) {
        t->n_columns[t->n_targets] = kad_target_action_ops.n_columns;
        t->kinds[t->n_targets++] = &kad_target_action_ops;
    }
    if (data->path != NULL) {
        t->n_columns[t->n_targets] = kad_target_data_columns(data);
        t->kinds[t->n_targets++] = &kad_target_data_ops;
    }
}

/* Bytes a stage needs beside the flow's own tables. */
static size_t stage_bytes(const kad_trainer *t)
{
    const kad_flow *flow = t->model->flow;
    /* a tile with rows behind it (flow/shares.h) */
    const size_t n = kad_model_n_parameters(t->model),
                 tile = 2 * (size_t)flow->n_rows * KAD_ROW_BYTES;
    const size_t scratch = flow->scratch_bytes[t->model->prec];
    const size_t groups = 16, vectors = 12, draws = 192, values = 1 << 20;
    const size_t desks = t->ctx->n_threads < 16 ? (size_t)t->ctx->n_threads : groups;
    const kad_train_options *o = &t->options;
    const size_t n_eval =
        o->eval_final > o->eval_samples ? o->eval_final : o->eval_samples;
    return ((vectors + groups) * n + draws * (size_t)flow->n_rows + values + n_eval) *
               sizeof(double) +
           desks * (4 * tile + scratch) +
           2 * (flow->packed_bytes[0] + flow->packed_bytes[1]);
}

static kad_status make_optimiser(kad_trainer *t)
{
    KAD_SCOPE(scope, t->ctx);
    kad_shape *shapes = NULL;
    const kad_flow *flow = t->model->flow;
    const size_t order = (size_t)kad_family_terms(&t->model->family);
    size_t n = 0;
    for (int i = 0; i < flow->n_stages; i++)
        n += (size_t)flow->stages[i].n_tensors;
    KAD_CALL(kad_take(&scope, n * order, &shapes));
    n = 0;
    for (size_t c = 0; c < order; c++)
        for (int i = 0; i < flow->n_stages; i++)
            for (int k = 0; k < flow->stages[i].n_tensors; k++) {
                const kad_tensor *tensor = &flow->stages[i].tensors[k];
                shapes[n++] = (kad_shape){tensor->rows, tensor->cols,
                                          c * flow->n_theta + flow->stages[i].theta +
                                              tensor->offset};
            }
    KAD_CALL(kad_optimiser_create(
        t->ctx, t->options.optimiser, &t->options.optimiser_options,
        kad_model_n_parameters(t->model), (int)n, shapes, &t->optimiser));
    return KAD_OK;
}

/* The model of the present stage: given for the last, made once for a smaller lattice. */
static kad_status make_model(kad_trainer *t)
{
    kad_train_stage *stage = &t->stages[t->stage];
    t->model = t->whole;
    if (t->stage == t->n_stages - 1) return KAD_OK;
    const kad_model_options smaller =
        kad_model_options_on(t->options.model, t->d, stage->shape);
    if (stage->model == NULL) KAD_CALL(kad_model_create(t->ctx, &smaller, &stage->model));
    t->model = stage->model;
    return KAD_OK;
}

void kad_trainer_forget(kad_train_stage *stage)
{
    kad_model_destroy(stage->model);
    stage->model = NULL;
}

static kad_status make_losses(kad_trainer *t)
{
    const kad_train_options *o = &t->options;
    const kad_model *m = t->model;
    const int strata = m->family.strata;
    KAD_CALL(kad_loss_create(t->ctx, m->flow, m->action, m->prec,
                             (o->batch + strata - 1) / strata, &t->plan[0]));
    if (o->batch_final > 0)
        KAD_CALL(kad_loss_create(t->ctx, m->flow, m->action, m->prec,
                                 (o->batch_final + strata - 1) / strata, &t->plan[1]));
    for (int i = 0; i < 2; i++)
        if (t->plan[i] != NULL) kad_loss_penalise(t->plan[i], o->kinetic, o->jacobian);
    return KAD_OK;
}

/* Samples belong to the configured lattice; only the first size is annealed: the others
 * start from a trained map. */
static kad_status make_targets(kad_trainer *t)
{
    const kad_train_options *o = &t->options;
    const bool last = t->stage == t->n_stages - 1;
    const double w = last && o->data.path != NULL ? o->data_weight : 0;
    size_t batch = (size_t)kad_loss_batch(t->plan[0]);
    if (t->plan[1] != NULL && (size_t)kad_loss_batch(t->plan[1]) > batch)
        batch = (size_t)kad_loss_batch(t->plan[1]);
    for (size_t i = 0; i < t->n_targets; i++) {
        const bool data = t->kinds[i] == &kad_target_data_ops;
        if (data && !last) continue;
        if (data)
            KAD_CALL(kad_target_data(t->ctx, t->model, o, batch, &t->targets[i]));
        else
            KAD_CALL(kad_target_action(t->ctx, t->model, o, t->stage == 0,
                                       t->stages[t->stage].steps, &t->targets[i]));
        t->targets[i]->weight = data ? w : 1 - w;
    }
    for (size_t i = 0; w > 0 && w < 1 && i < t->n_targets; i++)
        KAD_CALL(kad_new(t->ctx, kad_model_n_parameters(t->model), sizeof(double),
                         &t->part[i]));
    return KAD_OK;
}

static void reset_counters(kad_trainer *t)
{
    t->step = 0;
    t->stopped = 0;
    t->evaluated = 0;
    t->eval_due = 0;
    t->best_step = t->since = t->chosen = 0;
    t->best_value = NAN;
    t->n_plateaus = 0;
    kad_clip_init(&t->clip, t->options.clip, t->options.clip_absolute);
    kad_average_init(&t->ema, t->options.ema);
    kad_plateau_reset(&t->plateau);
}

kad_status kad_trainer_enter(kad_trainer *t, const kad_model *from,
                             const double *theta_from)
{
    KAD_CALL(make_model(t));
    const size_t n = kad_model_n_parameters(t->model);
    KAD_CALL(kad_memory_require(t->ctx, stage_bytes(t), "training"));
    KAD_CALL(kad_new(t->ctx, n, sizeof(double), &t->theta));
    KAD_CALL(kad_new(t->ctx, n, sizeof(double), &t->average));
    KAD_CALL(kad_new(t->ctx, n, sizeof(double), &t->gradient));
    if (t->stage == t->n_stages - 1 && t->options.data.validation > 0)
        KAD_CALL(kad_new(t->ctx, n, sizeof(double), &t->best));
    KAD_CALL(make_optimiser(t));
    KAD_CALL(make_losses(t));
    KAD_CALL(make_targets(t));
    KAD_CALL(kad_evaluator_create(t->ctx, t->model, &t->evaluator));
    reset_counters(t);
    kad_flow_init(t->model->flow, t->options.model->seed, t->theta);
    for (size_t k = 0; from != NULL && k < (size_t)kad_family_terms(&t->model->family);
         k++)
        kad_flow_transfer(from->flow, theta_from + k * from->flow->n_theta,
                          t->model->flow, t->theta + k * t->model->flow->n_theta);
    return KAD_OK;
}

void kad_trainer_leave(kad_trainer *t)
{
    kad_evaluator_destroy(t->evaluator);
    kad_loss_destroy(t->plan[0]);
    kad_loss_destroy(t->plan[1]);
    kad_optimiser_destroy(t->optimiser);
    for (size_t i = 0; i < KAD_TARGETS_MAX; i++) {
        kad_target_destroy(t->targets[i]);
        kad_free(t->part[i]);
        t->targets[i] = NULL;
        t->part[i] = NULL;
    }
    kad_free(t->theta);
    kad_free(t->average);
    kad_free(t->gradient);
    kad_free(t->best);
    t->evaluator = NULL;
    t->plan[0] = t->plan[1] = NULL;
    t->optimiser = NULL;
    t->model = NULL;
    t->theta = t->average = t->gradient = t->best = NULL;
}

/* -1: same shape; 1: half of ours; 0: neither. */
static int relation(const kad_trainer *t, int d, const int *shape)
{
    const int *ours = t->stages[t->stage].shape;
    int same = 0, half = 0;
    for (int i = 0; i < d && d == t->d; i++) {
        same += shape[i] == ours[i];
        half += 2 * shape[i] == ours[i];
    }
    return same == t->d ? -1 : half == t->d;
}

/* Start from the map of another run (train.from). */
kad_status kad_trainer_from_run(kad_trainer *t)
{
    KAD_SCOPE(scope, t->ctx);
    KAD_LOCAL(kad_run, run);
    KAD_LOCAL(kad_h5, file);
    KAD_LOCAL(kad_model, model);
    double *theta;
    char digest[KAD_DIGEST_CHARS];
    int d = 0, shape[KAD_MAX_DIM] = {0};
    const kad_status opened = kad_run_open(t->ctx, t->options.from, KAD_RUN_READ, &run);
    if (opened != KAD_OK)
        return kad_fail(t->ctx, opened, "train.from: %s", t->ctx->message);
    KAD_CALL(kad_results_open(t->ctx, run, &file));
    if (!kad_h5_exists(file, "/flow/params"))
        return kad_fail(t->ctx, KAD_ENOINPUT, "train.from: %s holds no trained map",
                        t->options.from);
    KAD_CALL(kad_train_map_digest(t->ctx, file, digest));
    KAD_CALL(kad_digest_require(t->ctx, t->options.from, "train.from_sha256",
                                t->options.from_sha256, digest));
    KAD_CALL(kad_params_lattice(t->ctx, file, &d, shape));
    const int how = relation(t, d, shape);
    if (how < 0 && kad_family_is(&t->model->family)) {
        KAD_CALL(kad_params_read_family(t->ctx, file, t->model->flow, &t->model->family,
                                        t->theta));
    } else if (how < 0) {
        KAD_CALL(
            kad_params_read(t->ctx, file, t->model->flow, t->model->action, t->theta));
    } else if (how > 0) {
        const kad_model_options half = kad_model_options_on(t->options.model, d, shape);
        KAD_CALL(kad_model_create(t->ctx, &half, &model));
        const size_t order = (size_t)kad_family_terms(&model->family),
                     n = model->flow->n_theta;
        KAD_CALL(kad_take(&scope, order * n, &theta));
        KAD_CALL(
            kad_family_is(&model->family)
                ? kad_params_read_family(t->ctx, file, model->flow, &model->family, theta)
                : kad_params_read(t->ctx, file, model->flow, model->action, theta));
        for (size_t k = 0; k < order; k++)
            kad_flow_transfer(model->flow, theta + k * n, t->model->flow,
                              t->theta + k * t->model->flow->n_theta);
    } else {
        return kad_fail(t->ctx, KAD_ECONFIG,
                        "train.from: %s has a lattice of extent %d; expected this "
                        "run's %d or its half",
                        t->options.from, shape[0], t->stages[t->stage].shape[0]);
    }
    return KAD_OK;
}

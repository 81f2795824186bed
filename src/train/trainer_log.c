/* The log of a training and its groups in run.h5. */
#include "train/trainer_state.h"

#include "base/memory.h"
#include "base/signals.h"
#include "train/params.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define F64 KAD_H5_F64
#define I64 KAD_H5_I64

/* Columns of the steps and of the evaluations: the trainer's own, and between them those of
 * the targets of the last stage. */
static const kad_history_column log_head[] = {
    {"step", I64, "steps", "optimiser steps taken, all lattice sizes", NULL},
    {"stage", I64, "", "index of the lattice size", NULL},
    {"wall_s", F64, "s", "wall time of training", NULL},
    {"loss", F64, "nats", "training loss", "mean over the batch"},
    {"loss_err", F64, "nats", "standard error of the loss", "batch variance"},
};
static const kad_history_column log_tail[] = {
    {"rate", F64, "", "learning rate", NULL},
    {"grad_norm", F64, "", "norm of the gradient before clipping", NULL},
    {"n_nonfinite", I64, "samples", "samples left out since the row before", NULL},
};
static const kad_history_column eval_head[] = {
    {"step", I64, "steps", "optimiser steps taken, all lattice sizes", NULL},
    {"stage", I64, "", "index of the lattice size", NULL},
};
static const kad_history_column eval_tail[] = {
    {"inverse_error", F64, "", "largest |infer(generate(z)) - z|", NULL},
    {"lnq_error", F64, "nats", "largest |ln q generating - ln q inferring in double|",
     NULL},
};
static const kad_history_column eval_solver[] = {
    {"solver_steps", I64, "steps", "steps in which the flow's equation is solved", NULL},
    {"solver_error", F64, "nats", "error of ln q by the solver",
     "mean |ln q - ln q of twice the steps|"},
    {"solver_largest", F64, "nats", "the largest of a draw", NULL},
    {"solver_kinetic", F64, "", "mean integral of |v|^2 over the paths", NULL},
    {"solver_jacobian", F64, "", "mean integral of |dv/dphi|^2 over the paths", NULL},
};
#define LENGTH(table) (sizeof(table) / sizeof *(table))

enum {
    N_LOG_MAX = LENGTH(log_head) + LENGTH(log_tail) + KAD_TARGETS_MAX,
    N_TARGET_MAX = 16, /* columns of one */
    N_EVAL_MAX = LENGTH(eval_head) + LENGTH(eval_tail) + LENGTH(eval_solver) +
                 KAD_TARGETS_MAX * N_TARGET_MAX,
    N_LEVELS = KAD_EVAL_LEVELS + 1
};

/* The evaluations' table goes on with one column a level, then one of no level. */
struct kad_train_columns {
    size_t n_log, n_eval;
    kad_history_column log[N_LOG_MAX], eval[N_EVAL_MAX + N_LEVELS];
    char names[N_LEVELS][24];
};

static void append(kad_history_column *columns, size_t *n, const kad_history_column *more,
                   size_t n_more)
{
    memcpy(columns + *n, more, n_more * sizeof *more);
    *n += n_more;
}

kad_status kad_trainer_log_create(kad_trainer *t)
{
    const kad_train_options *o = &t->options;
    const size_t stages = (size_t)t->n_stages + 1;
    const size_t rows = (size_t)(o->steps / o->log_every) + 2 * stages;
    const size_t evals = (size_t)(o->steps / o->eval_every) + 2 * stages;
    kad_train_columns *all = NULL;
    KAD_CALL(kad_new(t->ctx, 1, sizeof *all, &all));
    t->columns = all;
    append(all->log, &all->n_log, log_head, LENGTH(log_head));
    append(all->eval, &all->n_eval, eval_head, LENGTH(eval_head));
    for (size_t i = 0; i < t->n_targets; i++) {
        append(all->log, &all->n_log, &t->kinds[i]->loss, 1);
        append(all->eval, &all->n_eval, t->kinds[i]->columns, t->n_columns[i]);
    }
    append(all->log, &all->n_log, log_tail, LENGTH(log_tail));
    append(all->eval, &all->n_eval, eval_tail, LENGTH(eval_tail));
    if (t->whole->flow->solver)
        append(all->eval, &all->n_eval, eval_solver, LENGTH(eval_solver));
    for (int k = 0; k < N_LEVELS; k++) {
        snprintf(all->names[k], sizeof all->names[k], "log_det_%d", k);
        all->eval[all->n_eval + (size_t)k] =
            (kad_history_column){all->names[k], F64, "nats", NULL, NULL};
    }
    KAD_CALL(kad_history_create(t->ctx, all->log, all->n_log, rows, &t->log));
    KAD_CALL(
        kad_history_create(t->ctx, all->eval, all->n_eval + N_LEVELS, evals, &t->eval));
    return KAD_OK;
}

double kad_trainer_seconds(const kad_trainer *t)
{
    return t->wall_before + kad_wall_seconds() - t->wall_start;
}

void kad_trainer_log_step(kad_trainer *t, const kad_train_row *row)
{
    const int64_t done = t->before + t->step + 1;
    const bool last = t->step + 1 == t->stages[t->stage].steps || t->stopped != 0;
    if (done % t->options.log_every != 0 && !last) return;
    double values[N_LOG_MAX] = {(double)done, (double)t->stage, kad_trainer_seconds(t),
                                row->loss, row->loss_err};
    size_t n = LENGTH(log_head);
    for (size_t i = 0; i < t->n_targets; i++)
        values[n++] = row->target[i];
    const double tail[] = {row->rate, row->grad_norm, (double)t->n_bad};
    memcpy(values + n, tail, sizeof tail);
    kad_history_add(&t->log, values);
    t->n_bad = 0;
}

void kad_trainer_log_evaluation(kad_trainer *t, const kad_evaluation *e)
{
    double values[N_EVAL_MAX + N_LEVELS] = {(double)(t->before + t->step),
                                            (double)t->stage};
    size_t n = LENGTH(eval_head);
    for (size_t i = 0; i < t->n_targets; i++) {
        for (size_t k = 0; k < t->n_columns[i]; k++)
            values[n + k] = NAN;
        if (t->targets[i] != NULL && t->n_columns[i] > 0) t->kinds[i]->row(e, values + n);
        n += t->n_columns[i];
    }
    values[n++] = e->inverse_error;
    values[n++] = e->lnq_error;
    if (t->whole->flow->solver) {
        values[n++] = e->solver_steps;
        values[n++] = e->solver_error;
        values[n++] = e->solver_largest;
        values[n++] = e->kinetic;
        values[n++] = e->jacobian;
    }
    memcpy(values + n, e->log_det, sizeof e->log_det);
    kad_history_add(&t->eval, values);
}

/* The lowest held-out value of the evaluations says how many steps were enough: beyond its
 * errors, what came after was learnt by heart. */
void kad_trainer_note_held_out(const kad_trainer *t)
{
    const kad_held_out *last = &t->last.held_out;
    const kad_history *log = &t->eval;
    size_t column = 0, best = 0;
    while (column < log->n_columns && strcmp(log->columns[column].name, "held_out") != 0)
        column++;
    if (column == log->n_columns || last->n == 0) return;
    const double *value = log->data + column * log->capacity;
    for (size_t i = 1; i < log->n; i++)
        if (value[i] < value[best]) best = i;
    const double gap = last->value - last->trained;
    if (!(last->value - value[best] > 3 * last->error) ||
        !(gap > 3 * hypot(last->error, last->trained_error)))
        return;
    kad_note(
        t->ctx,
        "training: -ln q a site of held-out samples was %.4g after step %.0f and is "
        "%.4g(%.1g) at the end: the map learns the samples by heart; use fewer steps "
        "(train.steps), fewer weights or more samples",
        value[best], log->data[best], last->value, last->error);
}

void kad_trainer_note_choice(const kad_trainer *t)
{
    if (t->chosen == 0) return;
    kad_note(
        t->ctx,
        "training: the weights are those after step %lld of the %lld made, where -ln q a "
        "site of %zu samples set aside was lowest, %.5g%s",
        (long long)t->best_step, (long long)(t->before + t->step),
        t->last.held_out.n_choosing, t->best_value,
        t->stopped != 0 ? "; stopped early" : "");
}

void kad_trainer_note_solver(const kad_trainer *t)
{
    const kad_evaluation *e = &t->last;
    if (t->whole->flow->solver && e->solver_steps > 0)
        kad_note(t->ctx,
                 "training: the flow's equation is solved in %.0f steps; ln q is off by "
                 "%.1e on average, by %.1e at most, found by twice the steps; mean "
                 "integrals over its paths: |v|^2 %.4g, |dv/dphi|^2 %.4g",
                 e->solver_steps, e->solver_error, e->solver_largest, e->kinetic,
                 e->jacobian);
}

/* log_det [step][level + 1], the last column: stages of no level. */
static void write_log_det(const kad_trainer *t, kad_writer *w)
{
    const int all = t->model->flow->n_levels;
    const size_t levels = (size_t)(all < KAD_EVAL_LEVELS ? all : KAD_EVAL_LEVELS);
    const size_t dims[2] = {t->eval.n, levels + 1};
    double *table = kad_write_scratch(w, dims[0], dims[1] * sizeof *table);
    if (table == NULL) return;
    for (size_t i = 0; i < dims[0]; i++)
        for (size_t k = 0; k <= levels; k++) {
            const size_t slot = k < levels ? k : KAD_EVAL_NO_LEVEL;
            table[i * dims[1] + k] =
                t->eval.data[(t->columns->n_eval + slot) * t->eval.capacity + i];
        }
    kad_write(w, "log_det", F64, "step level", "nats",
              "ln|det dy/dz| of the stages of a level; last column: of no level", dims,
              table);
    kad_write_text(w, "log_det@estimator", "mean over one tile");
    kad_free(table);
}

static void write_busiest(const kad_trainer *t, kad_writer *w)
{
    const int64_t threads[] = {1, 2, 4, 8, 16, 32};
    const size_t n = LENGTH(threads);
    double busiest[LENGTH(threads)];
    for (size_t i = 0; i < n; i++)
        busiest[i] = kad_loss_busiest(t->plan[0], (int)threads[i]);
    kad_write(w, "threads", I64, "threads", "1", "numbers of threads", &n, threads);
    kad_write(
        w, "busiest", F64, "threads", "1",
        "the part of a step's work, counted in parts of couplings, that the busiest "
        "of so many threads does",
        &n, busiest);
}

static void write_extents(const kad_trainer *t, kad_writer *w)
{
    int64_t extents[KAD_LADDER_MAX * KAD_MAX_DIM];
    const size_t dims[2] = {(size_t)t->n_stages, (size_t)t->d};
    for (size_t k = 0; k < dims[0]; k++)
        for (size_t i = 0; i < dims[1]; i++)
            extents[k * dims[1] + i] = t->stages[k].shape[i];
    kad_write(w, "stage_shape", I64, "size axis", "sites",
              "extents of the lattice of every stage", dims, extents);
}

static void write_attributes(const kad_trainer *t, kad_writer *w, bool complete)
{
    kad_write_int(w, "complete", complete);
    kad_write_int(w, "steps", t->before + t->step);
    kad_write_int(w, "steps_configured", t->options.steps);
    kad_write_int(w, "n_skipped", t->n_skipped);
    kad_write_int(w, "n_clipped", t->clip.n_clipped);
    kad_write_int(w, "stopped_early", t->stopped);
    kad_write_real(w, "wall_seconds", kad_trainer_seconds(t));
    kad_write_int(w, "n_tiles", kad_loss_tiles(t->plan[0]));
    kad_write_int(w, "n_shares", kad_loss_shares(t->plan[0]));
    kad_write_text(w, "optimiser", t->options.optimiser->name);
    kad_write_text(w, "weights", t->options.ema > 0.0 ? "moving average" : "last");
    if (t->chosen != 0) kad_write_int(w, "chosen_step", t->best_step);
    kad_write_text(w, "config", t->options.settings->text);
    if (t->whole->flow->solver && t->last.solver_steps > 0) {
        kad_write_int(w, "solver_steps", (int64_t)t->last.solver_steps);
        kad_write_real(w, "solver_error", t->last.solver_error);
        kad_write_real(w, "solver_largest", t->last.solver_largest);
        kad_write_real(w, "solver_kinetic", t->last.kinetic);
        kad_write_real(w, "solver_jacobian", t->last.jacobian);
        if (!t->model->flow->solver_given)
            kad_write_real(w, "solver_tolerance", kad_flow_tolerance(t->model->flow));
    }
    for (size_t i = 0; i < t->n_targets; i++)
        if (t->targets[i] != NULL) t->kinds[i]->describe(t->targets[i], &t->last, w);
}

/* Without the levels, which go into one array. */
static kad_history plain_columns(const kad_trainer *t)
{
    kad_history view = t->eval;
    view.n_columns = t->columns->n_eval;
    return view;
}

static kad_status write_training(const kad_trainer *t, kad_h5 *file, bool complete)
{
    kad_writer w = kad_write_anew(t->ctx, file, "/training");
    const kad_history eval = plain_columns(t);
    kad_history_write(&w, &t->log);
    write_extents(t, &w);
    write_busiest(t, &w);
    write_attributes(t, &w, complete);
    if (kad_write_end(&w) != KAD_OK) return kad_write_end(&w);
    w = kad_write_into(t->ctx, file, "/training/eval");
    kad_history_write(&w, &eval);
    if (eval.n > 0) write_log_det(t, &w);
    return kad_write_end(&w);
}

kad_status kad_trainer_results(kad_trainer *t, bool complete)
{
    KAD_LOCAL(kad_h5, file);
    if (t->run == NULL) return KAD_OK;
    KAD_CALL(kad_results_open(t->ctx, t->run, &file));
    KAD_CALL(write_training(t, file, complete));
    if (complete)
        KAD_CALL(kad_params_write(t->ctx, file, t->model->flow, t->model->prec,
                                  &t->model->family, kad_trainer_weights(t)));
    return kad_results_save(t->ctx, t->run, file);
}

kad_status kad_trainer_is_complete(kad_ctx *ctx, const kad_run *run,
                                   const kad_settings *settings, bool *complete)
{
    KAD_SCOPE(scope, ctx);
    KAD_LOCAL(kad_h5, file);
    char *then;
    int64_t flag = 0;
    *complete = false;
    KAD_CALL(kad_results_open(ctx, run, &file));
    if (kad_h5_attr_exists(file, "/training", "complete"))
        KAD_CALL(kad_h5_attr_int(ctx, file, "/training", "complete", &flag));
    if (flag != 0) {
        KAD_CALL(kad_h5_attr_string(&scope, file, "/training", "config", &then));
        KAD_CALL(kad_trainer_compare(ctx, "run.h5", then, settings));
        *complete = true;
    }
    return KAD_OK;
}

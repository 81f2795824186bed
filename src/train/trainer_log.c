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

static const kad_history_column log_columns[] = {
    {"step", I64, "steps", "optimiser steps taken, all lattice sizes", NULL},
    {"stage", I64, "", "index of the lattice size", NULL},
    {"wall_s", F64, "s", "wall time of training", NULL},
    {"loss", F64, "nats", "training loss", "mean over the batch"},
    {"loss_err", F64, "nats", "standard error of the loss", "batch variance"},
    {"free_energy", F64, "nats", "variational free energy of the batch",
     "mean of S + ln q - ln Z offset over the batch"},
    {"rate", F64, "", "learning rate", NULL},
    {"grad_norm", F64, "", "norm of the gradient before clipping", NULL},
    {"n_nonfinite", I64, "samples", "samples left out since the row before", NULL},
};
enum { N_LOG = sizeof log_columns / sizeof log_columns[0] };

static const kad_history_column eval_columns[] = {
    {"step", I64, "steps", "optimiser steps taken, all lattice sizes", NULL},
    {"stage", I64, "", "index of the lattice size", NULL},
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
    {"inverse_error", F64, "", "largest |infer(generate(z)) - z|", NULL},
    {"lnq_error", F64, "nats", "largest |ln q generating - ln q inferring in double|",
     NULL},
};
enum { N_EVAL = sizeof eval_columns / sizeof eval_columns[0] };

/* The evaluations' table goes on with one column a level, then one of no level. */
enum { N_EVAL_ALL = N_EVAL + KAD_EVAL_LEVELS + 1 };

typedef struct all_columns {
    kad_history_column columns[N_EVAL_ALL];
    char names[KAD_EVAL_LEVELS + 1][24];
} all_columns;

kad_status kad_trainer_log_create(kad_trainer *t)
{
    kad_status status;
    const kad_train_options *o = &t->options;
    const size_t stages = (size_t)t->n_stages + 1;
    const size_t rows = (size_t)(o->steps / o->log_every) + 2 * stages;
    const size_t evals = (size_t)(o->steps / o->eval_every) + 2 * stages;
    all_columns *all = NULL;
    KAD_TRY(kad_new(t->ctx, 1, sizeof *all, &all));
    t->eval_columns = all;
    memcpy(all->columns, eval_columns, sizeof eval_columns);
    for (int k = 0; k <= KAD_EVAL_LEVELS; k++) {
        snprintf(all->names[k], sizeof all->names[k], "log_det_%d", k);
        all->columns[N_EVAL + k] =
            (kad_history_column){all->names[k], F64, "nats", NULL, NULL};
    }
    KAD_TRY(kad_history_create(t->ctx, log_columns, N_LOG, rows, &t->log));
    KAD_TRY(kad_history_create(t->ctx, all->columns, N_EVAL_ALL, evals, &t->eval));
done:
    return status;
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
    const double values[N_LOG] = {
        (double)done, (double)t->stage, kad_trainer_seconds(t),
        row->loss,    row->loss_err,    row->free_energy,
        row->rate,    row->grad_norm,   (double)t->n_bad,
    };
    kad_history_add(&t->log, values);
    t->n_bad = 0;
}

void kad_trainer_log_evaluation(kad_trainer *t, const kad_evaluation *e)
{
    const kad_weights *w = &e->weights;
    double values[N_EVAL_ALL] = {
        (double)(t->before + t->step),
        (double)t->stage,
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
        e->inverse_error,
        e->lnq_error,
    };
    memcpy(values + N_EVAL, e->log_det, sizeof e->log_det);
    kad_history_add(&t->eval, values);
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
            table[i * dims[1] + k] = t->eval.data[(N_EVAL + slot) * t->eval.capacity + i];
        }
    kad_write(w, "log_det", F64, "step level", "nats",
              "ln|det dy/dz| of the stages of a level; last column: of no level", dims,
              table);
    kad_write_text(w, "log_det@estimator", "mean over one tile");
    kad_free(table);
}

static void write_extents(const kad_trainer *t, kad_writer *w)
{
    int64_t extents[KAD_CHAIN_MAX * KAD_MAX_DIM];
    const size_t dims[2] = {(size_t)t->n_stages, (size_t)t->d};
    for (size_t k = 0; k < dims[0]; k++)
        for (size_t i = 0; i < dims[1]; i++)
            extents[k * dims[1] + i] = t->stages[k].shape[i];
    kad_write(w, "stage_shape", I64, "size axis", "sites",
              "extents of the lattice of every stage", dims, extents);
}

static void write_data(const kad_trainer *t, kad_writer *w)
{
    if (t->samples.n == 0) return;
    kad_write_text(w, "data", t->options.data);
    kad_write_int(w, "data_bytes", (int64_t)t->data_bytes);
    kad_write_int(w, "data_samples", (int64_t)t->samples.n);
    if (t->options.data_sha256 != NULL)
        kad_write_text(w, "data_sha256", t->options.data_sha256);
}

static void write_attributes(const kad_trainer *t, kad_writer *w, bool complete)
{
    const kad_evaluation *e = &t->last;
    const char *source = t->model->action->log_z_source;
    kad_write_int(w, "complete", complete);
    kad_write_int(w, "steps", t->before + t->step);
    kad_write_int(w, "steps_configured", t->options.steps);
    kad_write_int(w, "n_skipped", t->n_skipped);
    kad_write_int(w, "n_clipped", t->clip.n_clipped);
    kad_write_int(w, "stopped_early", t->stopped);
    kad_write_real(w, "wall_seconds", kad_trainer_seconds(t));
    kad_write_text(w, "optimiser", t->options.optimiser->name);
    kad_write_text(w, "weights", t->options.ema > 0.0 ? "moving average" : "last");
    kad_write_text(w, "config", t->config_text);
    write_data(t, w);
    if (!isfinite(t->log_z_exact)) return;
    kad_write_real(w, "log_z_exact", t->log_z_exact);
    kad_write_text(w, "log_z_exact_source", source != NULL ? source : "exact");
    if (e->weights.n == 0) return;
    kad_write_real(w, "kl_gap", e->kl_gap);
    kad_write_real(w, "kl_gap_err", e->kl_gap_err);
}

/* The first N_EVAL columns only: the others go into one array. */
static kad_history plain_columns(const kad_history *eval)
{
    kad_history view = *eval;
    view.n_columns = N_EVAL;
    return view;
}

static kad_status write_training(const kad_trainer *t, kad_h5 *file, bool complete)
{
    kad_writer w = kad_write_anew(t->ctx, file, "/training");
    const kad_history eval = plain_columns(&t->eval);
    kad_history_write(&w, &t->log);
    write_extents(t, &w);
    write_attributes(t, &w, complete);
    if (kad_write_end(&w) != KAD_OK) return kad_write_end(&w);
    w = kad_write_into(t->ctx, file, "/training/eval");
    kad_history_write(&w, &eval);
    if (eval.n > 0) write_log_det(t, &w);
    return kad_write_end(&w);
}

kad_status kad_trainer_results(kad_trainer *t, bool complete)
{
    kad_status status;
    kad_h5 *file = NULL;
    if (t->run == NULL) return KAD_OK;
    KAD_TRY(kad_results_open(t->ctx, t->run, &file));
    KAD_TRY(write_training(t, file, complete));
    if (complete)
        KAD_TRY(kad_params_write(t->ctx, file, t->model->flow, t->model->prec,
                                 kad_trainer_weights(t)));
    KAD_TRY(kad_results_save(t->ctx, t->run, file));
done:
    kad_h5_close(file);
    return status;
}

kad_status kad_trainer_is_complete(kad_ctx *ctx, const kad_run *run,
                                   const char *config_text, bool *complete)
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
        KAD_CALL(kad_trainer_compare_config(ctx, "run.h5", then, config_text));
        *complete = true;
    }
    return KAD_OK;
}

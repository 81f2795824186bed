/* The state of a training, shared by the trainer_*.c files. */
#ifndef KAD_TRAIN_TRAINER_STATE_H
#define KAD_TRAIN_TRAINER_STATE_H

#include "io/progress.h"
#include "io/run_folder.h"
#include "train/clip.h"
#include "train/evaluate.h"
#include "train/history.h"
#include "train/model.h"
#include "train/options.h"
#include "train/target.h"

/* One lattice size of the ladder. */
typedef struct kad_train_stage {
    int shape[KAD_MAX_DIM];
    int64_t steps;
    kad_model *model; /* of a smaller lattice; NULL: not made yet, or the configured one,
                         which is not the trainer's */
} kad_train_stage;

enum { KAD_TARGETS_MAX = 2 }; /* an action, and data beside it */

typedef struct kad_trainer {
    kad_ctx *ctx;
    const kad_run *run;
    const kad_model *whole; /* of the configured lattice */
    kad_progress *progress;
    kad_train_options options;

    size_t n_targets;
    const kad_target_ops *kinds[KAD_TARGETS_MAX];
    size_t n_columns[KAD_TARGETS_MAX]; /* of /training/eval; 0: it only trains */

    int d, n_stages;
    kad_train_stage stages[KAD_LADDER_MAX];

    /* where we are */
    int64_t stage;      /* index */
    int64_t step;       /* next step of the stage */
    int64_t before;     /* steps of the stages before, as done */
    int64_t stopped;    /* the stage was stopped early */
    int64_t evaluated;  /* the stage's last evaluation is done */
    int64_t eval_due;   /* an evaluation between steps is still to be made */
    int64_t eval_first; /* next number of the evaluation stream */
    int64_t n_plateaus; /* times the plateau schedule halved the rate */
    int64_t n_skipped;  /* steps skipped for a gradient that is not finite */
    int64_t n_bad;      /* samples that were not finite since the last row */
    /* weights chosen by samples set aside (best NULL: the last ones are taken) */
    int64_t best_step;  /* the steps behind the best so far */
    int64_t since;      /* evaluations since then */
    int64_t chosen;     /* training is over, and these are the weights */
    double best_value;  /* -ln q a site; NaN: none yet */
    double wall_before; /* seconds of earlier invocations */
    double wall_start;  /* clock at the start of this one */
    double wall_saved;  /* clock at the last checkpoint */

    /* of the present stage */
    const kad_model *model;
    kad_optimiser *optimiser;
    kad_loss_plan *plan[2]; /* train.batch, train.batch_final (may be NULL) */
    kad_target *targets[KAD_TARGETS_MAX]; /* NULL: not of this stage */
    kad_evaluator *evaluator;
    double *theta, *average, *gradient, *best;
    double *part[KAD_TARGETS_MAX]; /* gradients of the targets, where there are several */
    kad_clip clip;
    kad_average ema;
    kad_plateau plateau;

    struct kad_train_columns *columns; /* of both tables */
    kad_history log, eval;
    kad_evaluation last; /* for the progress line */
} kad_trainer;

typedef struct kad_train_columns kad_train_columns;

/* trainer_stage.c: what there is to train on, and in which stages. */
void kad_trainer_list_targets(kad_trainer *t);
KAD_MUST_USE kad_status kad_trainer_plan(kad_trainer *t);
/* Make and free what belongs to a stage. `from` (may be NULL): model and
 * parameters to start from. forget: the model of a smaller lattice. */
KAD_MUST_USE kad_status kad_trainer_enter(kad_trainer *t, const kad_model *from,
                                          const double *theta_from);
void kad_trainer_forget(kad_train_stage *stage);
KAD_MUST_USE kad_status kad_trainer_from_run(kad_trainer *t);
void kad_trainer_leave(kad_trainer *t);

/* trainer_loop.c: the steps of the present stage; KAD_EINTERRUPTED when asked to stop. */
KAD_MUST_USE kad_status kad_trainer_loop(kad_trainer *t);
/* The map in use: the moving average, or the parameters themselves before it has any; at the
 * end those that were chosen. */
const double *kad_trainer_weights(const kad_trainer *t);

/* trainer_checkpoint.c. load: *found false when there is none of a training. */
KAD_MUST_USE kad_status kad_trainer_save(kad_trainer *t);
KAD_MUST_USE kad_status kad_trainer_load(kad_trainer *t, bool *found);
/* KAD_ECONFIG, naming the first difference, when the text of other settings (in `where`)
 * differs in what training depends on. */
KAD_MUST_USE kad_status kad_trainer_compare(kad_ctx *ctx, const char *where,
                                            const char *then, const kad_settings *now);

/* trainer_log.c: rows of the log, and the groups /training and /flow of run.h5. */
KAD_MUST_USE kad_status kad_trainer_log_create(kad_trainer *t);
typedef struct kad_train_row {
    double loss, loss_err, rate, grad_norm;
    double target[KAD_TARGETS_MAX]; /* as kad_target_ops.loss; NaN: not of this step */
} kad_train_row;
void kad_trainer_log_step(kad_trainer *t, const kad_train_row *row);
void kad_trainer_log_evaluation(kad_trainer *t, const kad_evaluation *e);
/* A note when held-out samples say that fewer steps were better. */
void kad_trainer_note_held_out(const kad_trainer *t);
/* A note of the weights that were chosen. */
void kad_trainer_note_choice(const kad_trainer *t);
void kad_trainer_note_solver(const kad_trainer *t);
double kad_trainer_seconds(const kad_trainer *t);
KAD_MUST_USE kad_status kad_trainer_results(kad_trainer *t, bool complete);
/* *complete: run.h5 holds a finished training of this configuration. */
KAD_MUST_USE kad_status kad_trainer_is_complete(kad_ctx *ctx, const kad_run *run,
                                                const kad_settings *settings,
                                                bool *complete);

#endif

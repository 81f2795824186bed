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
#include "train/samples.h"

/* One lattice size of the chain. */
typedef struct kad_train_stage {
    int shape[KAD_MAX_DIM];
    int64_t steps;
} kad_train_stage;

typedef struct kad_trainer {
    kad_ctx *ctx;
    const kad_run *run;
    const kad_config *config;
    kad_progress *progress;
    kad_train_options options;
    char *config_text; /* what decides the result, for comparison on resuming */

    int d, n_stages;
    kad_train_stage stages[KAD_CHAIN_MAX];

    /* where we are */
    int64_t stage;      /* index */
    int64_t step;       /* next step of the stage */
    int64_t before;     /* steps of the stages before, as done */
    int64_t stopped;    /* the stage was stopped early */
    int64_t evaluated;  /* the stage's last evaluation is done */
    int64_t eval_due;   /* an evaluation between steps is still to be made */
    int64_t eval_done;  /* draws of an evaluation that was stopped half way */
    int64_t eval_first; /* next number of the evaluation stream */
    int64_t n_plateaus; /* times the plateau schedule halved the rate */
    int64_t n_skipped;  /* steps skipped for a gradient that is not finite */
    int64_t n_bad;      /* samples that were not finite since the last row */
    double wall_before; /* seconds of earlier invocations */
    double wall_start;  /* clock at the start of this one */
    double wall_saved;  /* clock at the last checkpoint */

    /* of the present stage */
    kad_model *model;
    kad_optimiser *optimiser;
    kad_loss_plan *plan[2]; /* train.batch, train.batch_final (may be NULL) */
    kad_evaluator *evaluator;
    kad_samples samples; /* n = 0: none */
    uint64_t data_bytes; /* of the file they came from */
    size_t *index;       /* of a batch of samples */
    double *theta, *average, *gradient, *gradient_data;
    kad_clip clip;
    kad_average ema;
    kad_plateau plateau;
    double anneal_final;
    double log_z_exact; /* of the action before annealing touched it */
    int64_t n_anneal;   /* steps of annealing; 0: none */

    void *eval_columns; /* of the evaluations, owned */
    kad_history log, eval;
    kad_evaluation last; /* for the progress line */
} kad_trainer;

/* trainer_stage.c: make and free what belongs to a stage. `from` (may be NULL): model and
 * parameters to start from. */
KAD_MUST_USE kad_status kad_trainer_plan(kad_trainer *t);
KAD_MUST_USE kad_status kad_trainer_enter(kad_trainer *t, const kad_model *from,
                                          const double *theta_from);
KAD_MUST_USE kad_status kad_trainer_from_run(kad_trainer *t);
void kad_trainer_leave(kad_trainer *t);

/* trainer_loop.c: the steps of the present stage; KAD_EINTERRUPTED when asked to stop. */
KAD_MUST_USE kad_status kad_trainer_loop(kad_trainer *t);
/* The map in use: the moving average, or the parameters themselves before it has any. */
const double *kad_trainer_weights(const kad_trainer *t);

/* trainer_checkpoint.c. load: *found false when there is none of a training. */
KAD_MUST_USE kad_status kad_trainer_save(kad_trainer *t);
KAD_MUST_USE kad_status kad_trainer_load(kad_trainer *t, bool *found);
/* KAD_ECONFIG, naming the first difference, when the text of another configuration
 * differs in what training depends on. */
KAD_MUST_USE kad_status kad_trainer_compare_config(kad_ctx *ctx, const char *where,
                                                   const char *then, const char *now);

/* trainer_log.c: rows of the log, and the groups /training and /flow of run.h5. */
KAD_MUST_USE kad_status kad_trainer_log_create(kad_trainer *t);
typedef struct kad_train_row {
    double loss, loss_err, free_energy, rate, grad_norm;
} kad_train_row;
void kad_trainer_log_step(kad_trainer *t, const kad_train_row *row);
void kad_trainer_log_evaluation(kad_trainer *t, const kad_evaluation *e);
double kad_trainer_seconds(const kad_trainer *t);
KAD_MUST_USE kad_status kad_trainer_results(kad_trainer *t, bool complete);
/* *complete: run.h5 holds a finished training of this configuration. */
KAD_MUST_USE kad_status kad_trainer_is_complete(kad_ctx *ctx, const kad_run *run,
                                                const char *config_text, bool *complete);

#endif

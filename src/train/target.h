/* What a map is trained on. A target is one file with a `static const kad_target_ops`: it
 * gives a loss of the map's parameters with its gradient (by a function of one tile, see
 * loss_tile.h), says how good a map is, and what its numbers are called. Optimiser,
 * schedule, moving average, checkpoints and log are the trainer's, and know no target:
 *   action  the variational free energy of own draws (target_action.c)
 *   data    the negative log-likelihood of given samples (target_data.c)
 * A training may have several: their losses are added with weights. */
#ifndef KAD_TRAIN_TARGET_H
#define KAD_TRAIN_TARGET_H

#include "base/memory.h"
#include "base/weights.h"
#include "flow/map.h"
#include "train/history.h"
#include "train/loss.h"
#include "train/model.h"
#include "train/options.h"

/* Levels told apart; the last slot: stages of no level (spectrum). */
enum { KAD_EVAL_LEVELS = 24, KAD_EVAL_NO_LEVEL = KAD_EVAL_LEVELS };

/* -ln q a site of samples that training never sees, and of as many that it does; of those that
 * weights are chosen by (n_choosing 0: none are). */
typedef struct kad_held_out {
    size_t n, n_choosing;
    double value, error;
    double trained, trained_error;
    double choosing, choosing_error;
} kad_held_out;

typedef struct kad_evaluation {
    /* against an action, on fresh draws */
    kad_weights weights;
    double log_z_exact;        /* the model's own; or NaN */
    double kl_gap, kl_gap_err; /* free energy + exact ln Z; NaN where that is unknown */
    /* against data */
    kad_held_out held_out;
    /* of the map itself */
    double inverse_error; /* max |infer(generate(z)) - z| */
    double lnq_error;     /* max |ln q accumulated generating - inferred in double| */
    /* of a map that solves an equation (kad_flow.solver): its steps; mean and largest |ln q
     * - that of twice the steps| of the draws */
    double solver_steps, solver_error, solver_largest;
    double kinetic,
        jacobian; /* means of the integrals of its paths (kad_solver_ops.path) */
    double log_det[KAD_EVAL_LEVELS + 1]; /* mean ln|det dy/dz| by level, generating; NaN
                                            where the flow has no such level */
} kad_evaluation;

typedef struct kad_target kad_target;

/* A step of the training. */
typedef struct kad_target_step {
    uint64_t number; /* of all lattice sizes: keys of what is drawn */
    int64_t step;    /* of this size */
    bool
        symmetrised; /* the loss of the average over images and sign, where there is one */
} kad_target_step;

typedef struct kad_target_ops {
    const char *name;
    /* REQUIRED. A column of /training: (loss - offset) / scale of the steps' batches. */
    kad_history_column loss;
    /* REQUIRED. Columns of /training/eval, and their values from what `evaluate` left; none
     * where the target's n_values is 0: it does not say how good a map is. */
    const kad_history_column *columns;
    size_t n_columns;
    void (*row)(const kad_evaluation *e, double *values);
    /* OPTIONAL. Before a step's gradient: parameters that move with it. */
    kad_status (*prepare)(kad_ctx *ctx, kad_target *target, const kad_target_step *step);
    /* REQUIRED. As kad_loss_gradient. Allocates nothing. */
    void (*gradient)(kad_ctx *ctx, kad_target *target, kad_loss_plan *plan,
                     const kad_target_step *step, const double *theta, double *gradient,
                     kad_loss_stats *stats);
    /* OPTIONAL (NULL: there is nothing to move). Evaluate at another value of the
     * family's coupling from now on. */
    kad_status (*move)(kad_ctx *ctx, kad_target *target, kad_family_point value);
    /* REQUIRED. Fill the target's part of `out`: on draws first .. first + n - 1 of the
     * evaluation stream, or as many given samples (last: all there are). One number a
     * sample goes into `values`, from n_done on. Errors: KAD_ENOMEM; KAD_EINTERRUPTED:
     * the next call, which must be for the same samples, goes on from n_done. */
    kad_status (*evaluate)(kad_ctx *ctx, kad_target *target, const kad_map *map,
                           uint64_t first, size_t n, bool last, kad_evaluation *out);
    /* REQUIRED. Attributes of /training: what was trained on, and how well. */
    void (*describe)(const kad_target *target, const kad_evaluation *e, kad_writer *w);
    void (*destroy)(kad_target *target);
} kad_target_ops;

struct kad_target {
    const kad_target_ops *ops;
    const kad_model *model; /* borrowed */
    double weight;          /* of its loss in the training's; 0: evaluated only */
    double offset, scale;   /* of the logged loss */
    int64_t n_moving;       /* steps in which it still changes (annealing) */
    /* An evaluation that was stopped half way. */
    size_t n_values, n_done;
    double *values; /* [n_values] */
    void *self;
};

extern const kad_target_ops kad_target_action_ops, kad_target_data_ops;
/* Columns of /training/eval that these samples fill, of the ops' n_columns. */
size_t kad_target_data_columns(const kad_data_options *options);

/* The action of a model that the options describe; `anneal`: over n_steps steps, as the
 * options say. Errors: KAD_ECONFIG, KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_target_action(kad_ctx *ctx, const kad_model *model,
                                          const kad_train_options *options, bool anneal,
                                          int64_t n_steps, kad_target **out);
/* The samples that the options name, read here. Errors: KAD_ENOINPUT, KAD_EDATA,
 * KAD_ECONFIG, KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_target_data(kad_ctx *ctx, const kad_model *model,
                                        const kad_train_options *options,
                                        size_t largest_batch, kad_target **out);
void kad_target_destroy(kad_target *target);
KAD_LOCAL_OF(kad_target, kad_target_destroy)

/* For the two: a target with room for n_values numbers and a state of its own. */
KAD_MUST_USE kad_status kad_target_create(kad_ctx *ctx, const kad_target_ops *ops,
                                          const kad_model *model, size_t n_values,
                                          size_t self_bytes, kad_target **out);

#endif

/* Evaluation of a map against its action on fresh draws.
 *   ln w = -S(y) - ln q(y) + log_z_offset, so that ln mean w estimates the model's ln Z.
 */
#ifndef KAD_TRAIN_EVALUATE_H
#define KAD_TRAIN_EVALUATE_H

#include "train/model.h"
#include "base/weights.h"

/* Levels told apart; the last slot: stages of no level (spectrum). */
enum { KAD_EVAL_LEVELS = 24, KAD_EVAL_NO_LEVEL = KAD_EVAL_LEVELS };

typedef struct kad_evaluation {
    kad_weights weights;
    double log_z_exact; /* the model's own, as the action knew it at creation; or NaN */
    double kl_gap, kl_gap_err; /* free energy + exact ln Z; NaN where that is unknown */
    double inverse_error;      /* max |infer(generate(z)) - z| */
    double lnq_error; /* max |ln q accumulated generating - inferred in double| */
    double log_det[KAD_EVAL_LEVELS + 1]; /* mean ln|det dy/dz| by level, generating; NaN
                                            where the flow has no such level */
} kad_evaluation;

typedef struct kad_evaluator kad_evaluator;

/* Memory for evaluations of up to n_max draws; model is borrowed. */
KAD_MUST_USE kad_status kad_evaluator_create(kad_ctx *ctx, const kad_model *model,
                                             size_t n_max, kad_evaluator **out);
void kad_evaluator_destroy(kad_evaluator *evaluator);
/* Evaluate parameters theta on draws first .. first + n - 1 of the evaluation stream
 * (n <= n_max). exact: ln q by inference in double (else as accumulated). Errors:
 * KAD_ENOMEM; KAD_EINTERRUPTED when asked to stop half way: the next call, which must be
 * for the same draws, goes on from there. */
KAD_MUST_USE kad_status kad_evaluate(kad_ctx *ctx, kad_evaluator *evaluator,
                                     const double *theta, uint64_t first, size_t n,
                                     bool exact, kad_evaluation *out);

/* The weights of an evaluation that was stopped half way: how many there are, and where
 * they are kept. resume: the caller has filled in the first n of them (n <= n_max). */
size_t kad_evaluator_partial(const kad_evaluator *evaluator, double **ln_w);
void kad_evaluator_resume(kad_evaluator *evaluator, size_t n);

#endif

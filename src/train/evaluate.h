/* Evaluation of a map against its action on fresh draws.
 *   ln w = -S(y) - ln q(y) + log_z_offset, so that ln mean w estimates the model's ln Z.
 */
#ifndef KAD_TRAIN_EVALUATE_H
#define KAD_TRAIN_EVALUATE_H

#include "train/model.h"
#include "train/weights.h"

enum { KAD_EVAL_LEVELS = 33 }; /* levels told apart; the last one: stages of no level */

typedef struct kad_evaluation {
    kad_weights weights;
    double log_z_exact;        /* NaN where unknown */
    double kl_gap, kl_gap_err; /* free energy + exact ln Z; NaN where that is unknown */
    double inverse_error;      /* max |infer(generate(z)) - z| */
    double lnq_error; /* max |ln q accumulated generating - inferred in double| */
    int n_levels;
    double log_det[KAD_EVAL_LEVELS]; /* [level], [n_levels]: of no level; mean ln|det| */
} kad_evaluation;

typedef struct kad_evaluator kad_evaluator;

/* Memory for evaluations of up to n_max draws; model is borrowed. */
KAD_MUST_USE kad_status kad_evaluator_create(kad_ctx *ctx, const kad_model *model,
                                             size_t n_max, kad_evaluator **out);
void kad_evaluator_destroy(kad_evaluator *evaluator);
/* Evaluate parameters theta on draws first .. first + n - 1 of the evaluation stream
 * (n <= n_max). exact: ln q by inference in double (else as accumulated). Errors:
 * KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_evaluate(kad_ctx *ctx, kad_evaluator *evaluator,
                                     const double *theta, uint64_t first, size_t n,
                                     bool exact, kad_evaluation *out);

#endif

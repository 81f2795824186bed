/* Evaluation of a map: what its targets say of it (target.h), and whether it inverts. */
#ifndef KAD_TRAIN_EVALUATE_H
#define KAD_TRAIN_EVALUATE_H

#include "base/memory.h"
#include "train/target.h"

typedef struct kad_evaluator kad_evaluator;

/* Memory for evaluations; model is borrowed. */
KAD_MUST_USE kad_status kad_evaluator_create(kad_ctx *ctx, const kad_model *model,
                                             kad_evaluator **out);
void kad_evaluator_destroy(kad_evaluator *evaluator);
KAD_LOCAL_OF(kad_evaluator, kad_evaluator_destroy)
/* Evaluate parameters theta against n_targets targets (NULL: left out), as
 * kad_target_ops.evaluate says; the
 * map's own part on draws `first`, ... of the evaluation stream. Errors: KAD_ENOMEM;
 * KAD_EINTERRUPTED when asked to stop half way: the next call, which must be for the same
 * samples, goes on from there. */
KAD_MUST_USE kad_status kad_evaluate(kad_ctx *ctx, kad_evaluator *evaluator,
                                     const double *theta, size_t n_targets,
                                     kad_target *const *targets, uint64_t first, size_t n,
                                     bool last, kad_evaluation *out);

#endif

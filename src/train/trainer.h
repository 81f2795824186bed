/* Training: from a resolved configuration and its model to the parameters of the map, on
 * whatever targets (target.h) the configuration gives.
 *
 * Stages: with train.ladder the lattices L/4, L/2, L are trained one after the other, each
 * starting from the one before (kad_flow_transfer); otherwise there is one. The state is
 * checkpointed every train.checkpoint_seconds and when a stop is requested; a later call
 * with the same configuration continues to the bit. A finished training is recorded in
 * run.h5 (/training, /flow) and not repeated.
 *
 * This folder:
 *   trainer, trainer_state            stages, steps, checkpoints and log of a training
 *   model, options, inputs            what is trained, and how
 *   target (action, data), data       on what: the loss, and what it says of a map
 *   loss, loss_tile, loss_kern        losses and their gradients over a batch
 *   optimiser (adam, soap_kern, muon_kern), schedule, clip  the steps that these make
 *   family                            maps for a whole range of a coupling
 *   image_map, image_trainer          maps of images, of whatever kind, and their training
 *   evaluate, history, params         how good a map is, and when; the map in a file */
#ifndef KAD_TRAIN_TRAINER_H
#define KAD_TRAIN_TRAINER_H

#include "io/progress.h"
#include "io/run_folder.h"
#include "train/evaluate.h"
#include "train/model.h"
#include "train/options.h"

typedef struct kad_train_result {
    double *theta; /* [n_theta] the map to use: the moving average unless train.ema 0 */
    int64_t steps; /* of all stages */
    bool finished_before;      /* nothing was left to do */
    double seconds;            /* training wall time, all invocations */
    kad_evaluation evaluation; /* the last one; not filled when finished_before */
} kad_train_result;

/* run NULL: nothing is read or written (tests); progress may be NULL. On failure *out is
 * cleared. Errors: KAD_EINTERRUPTED (a checkpoint stands); KAD_ECONFIG (combinations of
 * keys; a checkpoint of another configuration, naming the key); KAD_EINTERNAL (too many
 * gradients that are not finite); KAD_EDATA, KAD_ENOINPUT, KAD_EIO, KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_train(kad_ctx *ctx, const kad_run *run,
                                  const kad_train_options *options,
                                  const kad_model *model, kad_progress *progress,
                                  kad_train_result *out);
/* What kad_train would refuse before its first step: keys, memory, the files it reads.
 * Errors: KAD_ECONFIG, KAD_ENOINPUT, KAD_EDATA, KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_train_check(kad_ctx *ctx, const kad_train_options *options,
                                        const kad_model *model);
void kad_train_result_clear(kad_train_result *result);

#endif

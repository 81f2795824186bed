/* Losses and their gradients over a batch, tile by tile. What a loss does with a tile stands
 * in loss_action.c and loss_data.c; how tiles are dealt to threads and summed, in loss.c.
 *   KAD_LOSS_REVERSE     mean of S(y) + ln q(y) over y ~ q, gradient by reparametrisation
 *   KAD_LOSS_PATH        the same value; gradient through y only (Roeder et al.,
 *                        1703.09194): vanishing variance as q -> p
 *   kad_loss_gradient_data  mean of -ln q(y) over given samples
 * Gradient sums run over a fixed number of groups of tiles in a fixed tree, and, where tiles
 * are few, over shares of the work at a tile in their order (flow/shares.h): the same bits at
 * any thread count. All memory is planned at creation: nothing is allocated per step.
 */
#ifndef KAD_TRAIN_LOSS_H
#define KAD_TRAIN_LOSS_H

#include "base/memory.h"
#include "flow/flow.h"
#include "flow/mixture.h"
#include "models/action.h"
#include "train/loss_tile.h"

typedef enum kad_loss_kind { KAD_LOSS_PATH, KAD_LOSS_REVERSE } kad_loss_kind;

typedef struct kad_loss_plan kad_loss_plan;

/* action: one whose kernels the tiles will call; NULL: none. batch is rounded up to whole
 * tiles. */
KAD_MUST_USE kad_status kad_loss_create(kad_ctx *ctx, const kad_flow *flow,
                                        const kad_action *action, kad_prec prec,
                                        int batch, kad_loss_plan **out);
void kad_loss_destroy(kad_loss_plan *plan);
KAD_LOCAL_OF(kad_loss_plan, kad_loss_destroy)
/* From now on gradients are those of the loss and of these penalties on the paths of stages
 * that solve an equation (kad_solver_ops.penalise); the loss stays what it was. */
void kad_loss_penalise(kad_loss_plan *plan, double kinetic, double jacobian);
int kad_loss_batch(const kad_loss_plan *plan);
/* Tiles of a batch, pieces of work that they are dealt to, and threads that find work at
 * one. */
int kad_loss_tiles(const kad_loss_plan *plan);
int kad_loss_groups(const kad_loss_plan *plan);
int kad_loss_shares(const kad_loss_plan *plan);
/* The part of the work that the busiest of n_threads has to do (kad_shares_busiest). */
double kad_loss_busiest(const kad_loss_plan *plan, int n_threads);

typedef struct kad_loss_stats {
    double loss;     /* mean; over finite samples */
    double variance; /* of the samples' losses */
    int n_nonfinite; /* samples that are not finite, nor their loss or its gradient:
                        neither in the loss nor in the gradient */
    bool given_up;   /* asked to stop (kad_stop_overdue): nothing here is complete */
} kad_loss_stats;

/* gradient [n_theta] (overwritten): mean over the finite samples, NaN without any. theta
 * [n_theta] is packed inside. Samples are number 0 .. batch - 1 of the training stream at
 * `step`. mixture: the loss of its density, the average over images and signs, instead of q0
 * (NULL); costs about 0.7 of a step more a term. */
void kad_loss_gradient(kad_ctx *ctx, kad_loss_plan *plan, const kad_action *action,
                       kad_loss_kind kind, const kad_mixture *mixture,
                       const double *theta, uint64_t seed, uint64_t step,
                       double *gradient, kad_loss_stats *stats);
/* The same for the likelihood of samples data[index[i]], i < batch; data [n][n_rows]
 * doubles. */
void kad_loss_gradient_data(kad_ctx *ctx, kad_loss_plan *plan, const double *theta,
                            const double *data, const size_t *index, double *gradient,
                            kad_loss_stats *stats);

/* What is done with a tile. self is shared by the threads. */
typedef void kad_loss_work(const void *self, kad_loss_tile *tile);

/* `work` on every tile of the batch, with parameters theta: gradient and stats as in
 * kad_loss_gradient. */
void kad_loss_over_tiles(kad_ctx *ctx, kad_loss_plan *plan, kad_loss_work *work,
                         const void *self, const double *theta, double *gradient,
                         kad_loss_stats *stats);

#endif

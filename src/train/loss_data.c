/* The negative log-likelihood of given samples. */
#include "train/loss.h"

#include "base/tile.h"

typedef struct likelihood {
    const double *y;     /* samples [][n_rows] */
    const size_t *index; /* those of the batch */
} likelihood;

/* -ln q(x) of given x: infer, then d/dtheta of -ln p(z) - ln|det dz/dx|. */
static void work(const void *self, kad_loss_tile *t)
{
    const likelihood *data = self;
    const size_t rows = (size_t)t->flow->n_rows;
    const double *sample[KAD_W_MAX];
    double lnp[KAD_W_MAX], ld[KAD_W_MAX] = {0}, loss[KAD_W_MAX];
    for (int l = 0; l < t->lanes; l++)
        sample[l] = data->y + data->index[t->first + (size_t)l] * rows;
    kad_tile_gather(t->prec, rows, sample, t->x);
    kad_tile_clear_inactive(rows, (size_t)t->flow->n_comp, t->flow->active, t->x);
    kad_loss_flow(t, KAD_INFER, t->x, NULL, 0, NULL, ld);
    kad_flow_prior_lnp(t->flow, t->prec, t->x, lnp);
    for (int l = 0; l < t->lanes; l++)
        loss[l] = -lnp[l] - ld[l];
    kad_flow_prior_score(t->flow, t->prec, t->x, t->g);
    kad_tile_negate(t->prec, rows, t->g, t->g);
    kad_loss_record(t, loss, KAD_INFER_ADJOINT, -1.0);
}

void kad_loss_gradient_data(kad_ctx *ctx, kad_loss_plan *plan, const double *theta,
                            const double *data, const size_t *index, double *gradient,
                            kad_loss_stats *stats)
{
    const likelihood self = {data, index};
    kad_loss_over_tiles(ctx, plan, work, &self, theta, gradient, stats);
}

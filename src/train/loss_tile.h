/* One tile of a batch, in the hands of what a loss does with it (loss_action.c,
 * loss_data.c): it fills x and g and ends in kad_loss_record, which sums. */
#ifndef KAD_TRAIN_LOSS_TILE_H
#define KAD_TRAIN_LOSS_TILE_H

#include "flow/shares.h"

#include <stdbool.h>

typedef struct kad_loss_tile {
    const kad_flow *flow;
    const kad_shares *shares; /* of the flow */
    const void *packed;       /* the parameters */
    kad_prec prec;
    int lanes;
    uint64_t first; /* number of its first sample in the batch */
    /* Of the thread at work: tiles (fields, cotangents), scratch, and who helps it. */
    void *x, *g, *x2, *g2, *scratch;
    kad_hands hands;
    void *dcopies; /* of the thread, too: real[n_theta] of a tile of copies */
    /* Sums over the tiles of a group; dtheta real[n_theta]. */
    void *dtheta;
    double loss, square;
    long n_finite, n_nonfinite;
    bool given_up;
} kad_loss_tile;

/* The flow's operation on x and g, tiles of this one (kad_shares_apply). */
void kad_loss_flow(const kad_loss_tile *tile, kad_operation operation, void *x, void *g,
                   double gl, void *dtheta, double *ld);
/* Add the tile's losses, and its gradient by `back`, an adjoint, from cotangents g and gl, of
 * the lanes whose loss, x and g are finite. Overwrites the tiles. */
void kad_loss_record(kad_loss_tile *tile, const double *loss, kad_operation back,
                     double gl);

/* g = a[lane] * g + b[lane] * h on the active rows. */
void kad_loss_combine(const kad_loss_tile *tile, void *g, const double *a, const void *h,
                      const double *b);
/* g += h. */
void kad_loss_add(const kad_loss_tile *tile, void *g, const void *h);

#endif

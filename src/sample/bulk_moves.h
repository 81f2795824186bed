/* Metropolis moves of one latent site at a time on a tile of chains, in double.
 *
 * The target is exp(-S_eff(z)), S_eff = S(y(z)) - ln|det dy/dz|. A move z_s -> z_s + width
 * N(0, 1) of all components of site s generates its cone again (flow/cone.h), sums the
 * change of S over the sites it changed (models/delta.h; actions without that are
 * evaluated whole) and is accepted lane by lane with probability min(1, exp(-dS_eff)). A
 * sweep visits every active latent once, from the coarsest level to the finest, sites in
 * order: each step leaves the target invariant, and so does any fixed order of them.
 *
 * Rounding: the field and every ln|det| are functions of the latents to the bit; only a
 * dense quadratic form (dual) collects errors between calls of kad_moves_begin. */
#ifndef KAD_SAMPLE_BULK_MOVES_H
#define KAD_SAMPLE_BULK_MOVES_H

#include "base/memory.h"
#include "flow/cone.h"
#include "flow/map.h"
#include "models/delta.h"

#include <stdbool.h>

/* What all threads share. */
typedef struct kad_moves {
    const kad_action *action; /* borrowed */
    const kad_map *map;       /* borrowed */
    kad_cone *cone;
    int n_levels;
    int n_order, *order;   /* active sites, coarsest level first */
    int *level_size;       /* [n_levels] */
    void *shared;          /* constants of the action's changes */
    int64_t n_evaluations; /* parts a sweep evaluates */
} kad_moves;

KAD_MUST_USE kad_status kad_moves_create(kad_ctx *ctx, const kad_action *action,
                                         const kad_map *map, kad_moves **out);
void kad_moves_destroy(kad_moves *bulk);
KAD_LOCAL_OF(kad_moves, kad_moves_destroy)

/* A tile at work: one for every thread. */
typedef struct kad_moves_tile {
    const kad_moves *bulk;
    kad_cone_state *cone;
    void *state;              /* of the action's changes */
    void *scratch;            /* for the action's kernels */
    double *normal, *uniform; /* [4][KAD_W_DOUBLE] */
    double S[KAD_W_DOUBLE];   /* of actions that are evaluated whole */
    int64_t n_evaluations;    /* so far */
    int64_t n_nonfinite;      /* moves rejected because dS_eff was not a number */
} kad_moves_tile;

KAD_MUST_USE kad_status kad_moves_tile_create(kad_ctx *ctx, const kad_moves *bulk,
                                              kad_moves_tile **out);
void kad_moves_tile_destroy(kad_moves_tile *tile);
KAD_LOCAL_OF(kad_moves_tile, kad_moves_tile_destroy)

/* Everything from the latents z [n_rows][KAD_W_DOUBLE]. */
void kad_moves_begin(kad_moves_tile *tile, const double *z);
/* The field y [n_rows][KAD_W_DOUBLE]. */
const double *kad_moves_field(const kad_moves_tile *tile);
void kad_moves_latents(const kad_moves_tile *tile, double *z);

/* Names a sweep: streams of proposals and decisions, its number, and its chains first +
 * lane; only the first n_lanes count. */
typedef struct kad_moves_turn {
    kad_rng propose, decide;
    uint64_t step, first_chain;
    int n_lanes;
} kad_moves_turn;

/* One sweep with proposal width[level]; adds the accepted moves of every level to
 * accepted [n_levels][KAD_W_DOUBLE]. False: given up on the way because a stop is overdue
 * since `begun` (base/signals.h; INFINITY: never). */
bool kad_moves_sweep(kad_moves_tile *tile, const kad_moves_turn *turn,
                     const double *width, double begun, double *accepted);

#endif

/* Molecular dynamics of a tile of chains: H = p.p/2 + U(q), reversible and
 * volume-preserving integrators.
 *
 * Positions and momenta are double whatever the precision of the force: drifts and kicks
 * are shears by a function of the other half only, so the map is exactly reversible and
 * volume-preserving up to the rounding of doubles even with a force in float.
 *
 * Shapes: q, p [n_sub][n_rows][KAD_W_DOUBLE] with n_sub = lanes(prec) / KAD_W_DOUBLE; the
 * force sees one tile [n_rows][lanes(prec)], lane = sub * KAD_W_DOUBLE + l. */
#ifndef KAD_SAMPLE_TRAJECTORY_H
#define KAD_SAMPLE_TRAJECTORY_H

#include "flow/map.h"
#include "models/action.h"

#include <stdbool.h>
#include <stddef.h>

/* U(q) = S(y(q)) - ln|det dy/dq| and what belongs to it. */
typedef struct kad_hmc_target kad_hmc_target;
struct kad_hmc_target {
    const kad_action *action; /* borrowed */
    const kad_map *map;       /* NULL: y = q */
    kad_prec prec;            /* of the force */
    size_t n_rows;
    size_t scratch_bytes; /* for all of the following */
    /* g = dU/dq in `prec`; q is destroyed. Rows of inactive sites of g: 0. */
    void (*force)(const kad_hmc_target *target, void *q, void *g, void *scratch);
    /* U and S of a tile of KAD_W_DOUBLE lanes in double, and the flow variables y. */
    void (*energy)(const kad_hmc_target *target, const double *q, double *y, double *U,
                   double *S, void *scratch);
    /* From flow variables to positions, in place, in double; NULL: they are the same. */
    void (*from_field)(const kad_hmc_target *target, double *y, void *scratch);
};

/* One step of size 1: drift[0], kick[0], drift[1], ..., drift[n_kicks]. */
typedef struct kad_integrator {
    const char *name;
    const char *reference;
    int n_kicks; /* force evaluations a step */
    double drift[3], kick[2];
} kad_integrator;

/* "leapfrog" or "omelyan" (second-order minimum norm); NULL if unknown. */
const kad_integrator *kad_integrator_find(const char *name);
/* The name of the i-th one, NULL past the last: choices of a key. */
const char *kad_integrator_name(size_t i);

/* n_steps steps of size eps, q and p in place. work, g: [n_rows] rows of KAD_ROW_BYTES;
 * scratch of target->scratch_bytes. False: given up on the way because a stop is overdue
 * since `begun` (base/signals.h; INFINITY: never); q and p are then of no use. */
bool kad_trajectory(const kad_hmc_target *target, const kad_integrator *integrator,
                    double eps, int n_steps, double begun, double *q, double *p,
                    void *work, void *g, void *scratch);

/* p -= eps dU/dq, the force of q in the target's precision; memory as above. */
void kad_kick(const kad_hmc_target *target, double eps, const double *q, double *p,
              void *work, void *g, void *scratch);

/* p.p/2 of a tile of KAD_W_DOUBLE lanes. */
void kad_kinetic(size_t n_rows, const double *p, double *K);

#endif

/* What a sweep costs, from a few steps and draws of every shape of point, done in a child process
 * in a scratch folder:
 *
 *     seconds(steps, draws) = fixed + steps t_step + draws t_draw
 *
 * and the same for processor time, memory and disk. */
#ifndef KAD_SWEEP_ESTIMATE_H
#define KAD_SWEEP_ESTIMATE_H

#include "sweep/shapes.h"

typedef struct kad_cost {
    double seconds;     /* of wall time, with the threads of this process */
    double cpu_seconds; /* of all threads */
    double memory;      /* largest resident set, bytes */
    double disk, files; /* bytes and inodes of the finished folder */
} kad_cost;

typedef struct kad_estimate {
    kad_cost
        *point;   /* [n_points] those of points that the file no longer asks for are 0 */
    int n_maps;   /* that points share (map: family) */
    kad_cost map; /* all of them together; its memory: the largest */
    double longest_map; /* seconds */
    double work;        /* seconds that were spent on this */
} kad_estimate;

/* Errors: those of the runs; KAD_EINTERRUPTED; KAD_ECREATE and KAD_EIO (no scratch folder, no
 * process). */
KAD_MUST_USE kad_status kad_sweep_estimate(kad_scope *in, kad_app *app,
                                           const kad_sweep *sweep,
                                           const kad_shapes *shapes, kad_estimate *out);

#endif

/* Points of one shape cost the same: what is set for them differs in seeds and in numbers of the
 * action alone. */
#ifndef KAD_SWEEP_SHAPES_H
#define KAD_SWEEP_SHAPES_H

#include "sweep/sweep.h"

typedef struct kad_shapes {
    int n;
    int *of;    /* [n_points] the shape of a point; -1: the file no longer asks for it */
    int *first; /* [n] index of the first point of it */
    int *count; /* [n] points of it */
} kad_shapes;

/* Taken in the scope. Errors: KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_shapes_find(kad_scope *in, const kad_app *app,
                                        const kad_sweep *sweep, kad_shapes *out);

#endif

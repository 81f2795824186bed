/* What a run is of, as its file says: the model with its couplings. */
#ifndef KAD_ANALYSIS_PHYSICS_H
#define KAD_ANALYSIS_PHYSICS_H

#include "io/h5.h"

#include <stdbool.h>

enum { KAD_PHYSICS_NAME = 160, KAD_PHYSICS_COUPLINGS = 8 };

typedef struct kad_physics {
    char name[KAD_PHYSICS_NAME]; /* "Ising, T = 2.2692 (beta 0.44069), 12 x 12" */
    char lattice[32];            /* "12 x 12" */
    size_t n;                    /* couplings, in full */
    char coupling[KAD_PHYSICS_COUPLINGS][24];
    double value[KAD_PHYSICS_COUPLINGS];
} kad_physics;

/* Attribute `model` of the root and group /model; a file without them says nothing (empty
 * strings, n = 0). Errors: KAD_EDATA, KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_physics_read(kad_ctx *ctx, kad_h5 *file, kad_physics *out);
/* One name, and every coupling equal in full. */
bool kad_physics_same(const kad_physics *a, const kad_physics *b);

#endif

/* Transforms: what a coupling does to a target, given parameters that a net (flow/nets)
 * reads off the sources. A coupling is a net times a transform; any net serves any
 * transform of as many components.
 *
 *   y = f(z; O, E),   ld = ln |det dy/dz|,   z, y in R^n
 *
 * O: odd parameters, vectors in R^n, which nets that know the symmetry turn with the field.
 * E: even parameters, numbers, which they do not. f(R z; R O, E) = R f(z; O, E) for every
 * rotation R (n = 1: the sign), so that a coupling is as symmetric as its net.
 *
 * This folder holds the transforms: each is one file, NAME_kern.c, with its formulas, its rows in both precisions and
 * its table (transform_kern has what makes them of the formulas, circle_kern the maps of angles, spline_kern
 * a spline),
 * and one line in
 * registry.c. What is registered is a choice of flow.transform, flow.generator and
 * flow.refinement, and has examples in the conformance suite of bijectors. */
#ifndef KAD_FLOW_TRANSFORMS_TRANSFORM_H
#define KAD_FLOW_TRANSFORMS_TRANSFORM_H

#include "base/real.h"

#include <stdbool.h>
#include <stddef.h>

enum { KAD_TRANSFORM_MAX_COMP = 3 };

/* One target, all lanes of a tile, in the precision of the kernel. The cotangents are
 * those of stage.h; odd, even and their cotangents are what nets fill and read. */
typedef struct kad_target_rows {
    void *x, *g; /* real [n][KAD_W]: the target and its cotangent, in place */
    /* Parameter j at odd + j odd_step: real [n][KAD_W]; even + j even_step: [KAD_W]. */
    const void *odd, *even;
    void *godd, *geven;         /* cotangents, overwritten */
    size_t odd_step, even_step; /* bytes */
    const void
        *own;   /* real [n_own] learned numbers; cotangents, one a lane of a vector, */
    void *gown; /* added to, vreal [n_own] */
    void *ld;   /* real [KAD_W] += ln |det dy/dz|; NULL: not wanted */
    double quartic; /* the stage's number: of q4t flow.quartic, of fold p */
    double gl;      /* cotangent of the log-determinant, as in stage.h */
} kad_target_rows;

/* n targets, one after the other. */
typedef void (*kad_transform_fn)(const kad_target_rows *target, int n);

/* As the functions of a bijector (stage.h). */
typedef enum kad_operation {
    KAD_GENERATE,
    KAD_INFER,
    KAD_GENERATE_ADJOINT,
    KAD_INFER_ADJOINT,
    KAD_N_OPERATIONS
} kad_operation;

/* Kernels in one precision. */
typedef struct kad_transform_kern {
    /* By n - 1, from min_comp up to max_comp. REQUIRED. */
    kad_transform_fn run[KAD_TRANSFORM_MAX_COMP][KAD_N_OPERATIONS];
    /* OPTIONAL, n = 1: the two adjoints where f is a map that knows E alone, then one that
     * knows O alone. Couplings may then have a net for each (flow.split), and walk back
     * through one at a time. */
    kad_transform_fn even_alone[KAD_N_OPERATIONS], odd_alone[KAD_N_OPERATIONS];
} kad_transform_kern;

typedef struct kad_transform_ops {
    const char *name; /* as in the config */
    const char *summary;
    const char *reference;
    int min_comp, max_comp; /* n = min_comp (0: 1) .. max_comp */
    /* The target's length stays as it is and decides nothing: nets read the directions of
     * their sources alone. */
    bool directions;
    int n_odd[KAD_TRANSFORM_MAX_COMP], n_even[KAD_TRANSFORM_MAX_COMP]; /* by n - 1 */
    /* What a net's even outputs start at, close to the identity: [n_even]. OPTIONAL: NULL,
     * zero. */
    const double *even_start;
    /* Its odd outputs start as random sums of the sources of this width, [n_odd]: where a map
     * is even in one, zero has no gradient to leave it by. OPTIONAL: NULL, zero. */
    const double *odd_start;
    int n_own;        /* learned numbers of a target that depend on no source */
    double own_start; /* what they start at */
    const kad_transform_kern *kern[2]; /* by kad_prec */
} kad_transform_ops;

/* Those that other files name. */
extern const kad_transform_ops kad_transform_affine, kad_transform_bounded,
    kad_transform_vm, kad_transform_circ, kad_transform_crqs, kad_transform_fold,
    kad_transform_lfa, kad_transform_q4t;
/* Every registered transform, NULL-terminated. */
extern const kad_transform_ops *const kad_transforms[];
/* The name of the i-th one, NULL past the last: choices of a key. */
const char *kad_transform_name(size_t i);

/* NULL: no transform of this name. */
const kad_transform_ops *kad_transform_find(const char *name);

#endif

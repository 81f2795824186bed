/* A stage of a flow: one bijector applied in place to a tile.
 *
 * Words: *generate* z -> x (latents to field), *infer* x -> z. A flow is a list of stages
 * in generation order; infer walks it backwards. Every stage is exactly invertible and
 * its adjoints are *reversible*: they receive the stage's output and rebuild its input by
 * the inverse map, so nothing is stored.
 *
 * Conventions for one stage y = f(z; theta), ld = ln |det dy/dz| (per lane, double):
 *   generate          x: z -> y.  ld += ln|det dy/dz|
 *   infer             x: y -> z.  ld -= ln|det dy/dz|   (adds ln|det dz/dy|)
 *   generate_adjoint  x: y -> z.  g: dl/dy -> dl/dz, where l has cotangent gl for
 *                     ln|det dy/dz|; dtheta += dl/dtheta (unless NULL);
 *                     ld -= ln|det dy/dz| (it infers; unless NULL)
 *   infer_adjoint     x: z -> y.  g: dl/dz -> dl/dy, where l has cotangent gl for
 *                     ln|det dz/dy|; dtheta += dl/dtheta (unless NULL);
 *                     ld += ln|det dy/dz| (it generates; unless NULL)
 * gl is one number for all lanes. dtheta is the stage's slice, real[n_theta] in the order
 * of its parameters, summed over the lanes of the tile.
 *
 * Shapes: x, g [n_rows][KAD_W] real, row = site * n_comp + component; ld [KAD_W] double.
 * Rows a stage does not name are untouched. Threads: kernels are reentrant; scratch is
 * the caller's. */
#ifndef KAD_FLOW_STAGE_H
#define KAD_FLOW_STAGE_H

#include "base/context.h"
#include "base/real.h"
#include "base/rng.h"
#include "lattice/lattice.h"

#include <stdbool.h>
#include <stddef.h>

enum { KAD_NAME_MAX = 96 };

typedef struct kad_stage kad_stage;
typedef struct kad_parts kad_parts; /* flow/parts.h */

/* Kernels in one precision. All REQUIRED. `packed` is the stage's packed parameters (see
 * pack). */
typedef struct kad_bijector_kern {
    /* Copy theta (double, the stage's slice) into the kernel's own layout (cast,
     * transposes, exp...); packed has room for packed_bytes, 64-byte aligned. */
    void (*pack)(const kad_stage *stage, const double *theta, void *packed);
    void (*generate)(const kad_stage *stage, const void *packed, void *x, double *ld,
                     void *scratch);
    void (*infer)(const kad_stage *stage, const void *packed, void *x, double *ld,
                  void *scratch);
    void (*generate_adjoint)(const kad_stage *stage, const void *packed, void *x, void *g,
                             double gl, void *dtheta, double *ld, void *scratch);
    void (*infer_adjoint)(const kad_stage *stage, const void *packed, void *x, void *g,
                          double gl, void *dtheta, double *ld, void *scratch);
} kad_bijector_kern;

/* One parameter tensor of a stage; offset within the stage's slice of theta. Matrices are
 * rows x cols, row-major (rows = outputs); vectors have cols = 1. */
typedef struct kad_tensor {
    char name[KAD_NAME_MAX]; /* "w1", "b1", ... */
    int rows, cols;
    size_t offset;
    /* modes != NULL: spectra over Fourier orbits, transferred L -> 2L by interpolation
     * in |k|: row i belongs to khat^2 = modes[i] (borrowed from the stage). Else NULL.
     */
    const double *modes;
} kad_tensor;

/* For stages that solve an equation in steps, whose ld is not exactly the log-determinant
 * (kad_stage.tolerance). The number of steps stands with the packed parameters, of which
 * it is a function: whoever packs the same parameters has the same map. `pack` leaves a
 * number that works; kad_flow_pack chooses. All REQUIRED. */
typedef struct kad_solver_ops {
    int order; /* the error of n steps falls with n^-order */
    /* The number is given: it is not to be chosen. */
    bool (*is_given)(const kad_stage *stage);
    /* The number, in packed parameters of either precision. */
    int (*steps)(const kad_stage *stage, const void *packed);
    void (*set_steps)(const kad_stage *stage, void *packed, int n);
    /* As infer, in double, but by solving the equation backwards in time: not the inverse of
     * the steps, but equally close to that of the flow, and cheaper. */
    void (*back)(const kad_stage *stage, const void *packed, void *x, double *ld,
                 void *scratch);
    /* What a training adds to its loss for paths that are short and even: adjoints that are
     * asked for dtheta take the gradient of R = kinetic int |v|^2 dt + jacobian int |dv/dx|^2
     * dt (sums over rows) of every lane with them. `pack` leaves none. */
    void (*penalise)(const kad_stage *stage, void *packed, double kinetic,
                     double jacobian);
    /* As generate, in double; kinetic, jacobian [KAD_W] += the two integrals. */
    void (*path)(const kad_stage *stage, const void *packed, void *x, double *ld,
                 double *kinetic, double *jacobian, void *scratch);
} kad_solver_ops;

typedef struct kad_bijector_ops {
    const char *name; /* "coupling", "haar", "spectrum", ... */
    const char *summary;
    const char *reference;
    /* Initial parameters (the stage starts close to or at the identity). REQUIRED if
     * n_theta > 0. */
    void (*init)(const kad_stage *stage, kad_rng rng, uint32_t stream, double *theta);
    void (*destroy)(void *self);
    /* For the conformance suite: small instances (variant 0, 1, ...) on any lattice;
     * KAD_EUSAGE when there is no such variant. They must exercise every code path. */
    kad_status (*example)(kad_ctx *ctx, const kad_lattice *lattice, int variant,
                          kad_stage *out);
    const kad_bijector_kern *kern[2]; /* by kad_prec */
    /* OPTIONAL (NULL: every row depends on every other). The stage taken apart into
     * independent parts, for generating one latent's cone again (flow/cone.h).
     * Errors: KAD_ENOMEM; *out then is to be cleared. */
    kad_status (*parts)(kad_ctx *ctx, const kad_stage *stage, kad_parts *out);
    /* OPTIONAL (NULL: one thread does all of it at a tile), with `parts`. The stage of parts
     * first .. first + n - 1, of the same parameters and packed ones, for flow/shares.h. Its
     * adjoints add the cotangent of source row r in row away[r], behind the tile's where it
     * is not r; away [n_rows], alike for all components of a site. Errors: KAD_ENOMEM. */
    kad_status (*share)(kad_ctx *ctx, const kad_stage *stage, int first, int n,
                        const int *away, kad_stage *out);
    const kad_solver_ops *solver; /* NULL: ld is exact */
} kad_bijector_ops;

struct kad_stage {
    const kad_bijector_ops *ops;
    char name[KAD_NAME_MAX]; /* "disentangler/coupling_3"; with the level, unique within a
                                flow */
    int level;        /* RG level, 0 the finest; -1: belongs to no level (spectrum) */
    int n_comp;       /* components a site of the tile */
    int n_rows;       /* rows of the tile */
    double tolerance; /* of ld, in nats: its mean error (kad_solver_ops); 0: exact */
    int n_tensors;
    kad_tensor *tensors; /* from kad_alloc, freed by kad_stage_clear */
    size_t n_theta;
    size_t packed_bytes[2]; /* by kad_prec */
    size_t scratch_bytes[2];
    void *self; /* index lists, sizes: owned, freed by ops->destroy */
    /* set by the flow: */
    size_t theta;     /* offset of the slice in the flow's parameters */
    size_t packed[2]; /* byte offset in the flow's packed block */
};

/* Free what a stage owns. */
void kad_stage_clear(kad_stage *stage);
/* Append a tensor and grow n_theta; returns its offset, or SIZE_MAX on exhaustion. */
size_t kad_stage_add_tensor(kad_stage *stage, const char *name, int rows, int cols);

/* Every registered bijector, NULL-terminated. */
extern const kad_bijector_ops *const kad_bijectors[];

#endif

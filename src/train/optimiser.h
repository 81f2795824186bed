/* Optimisers: one const ops table each, an opaque state whose arrays a checkpoint can
 * walk, and a registry. Parameters and gradients are one flat double array, described by
 * a list of matrices (a vector is a matrix with one column).
 *
 * To add one: a file with a `const kad_optimiser_ops`, and its name in the
 * list of optimiser.c; the conformance test and train.optimiser pick it up. */
#ifndef KAD_TRAIN_OPTIMISER_H
#define KAD_TRAIN_OPTIMISER_H

#include "base/context.h"
#include "base/memory.h"
#include "base/real.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct kad_optimiser kad_optimiser;

/* A parameter matrix: rows x cols, row-major, at `offset` of the flat array. */
typedef struct kad_shape {
    int rows, cols;
    size_t offset;
} kad_shape;

typedef struct kad_optimiser_options {
    double beta1, beta2; /* decay of the first and second moments */
    double eps;          /* floor of the root of the second moment */
    double weight_decay; /* per unit rate */
    int every;           /* SOAP: steps between refreshes of the eigenbases */
    int max_dim;         /* SOAP: a side longer than this keeps the identity */
    kad_prec prec;       /* SOAP: precision of its state and arithmetic */
    bool bfloat;         /* Muon: its matrix products in bfloat16 */
} kad_optimiser_options;

/* One array of the state: float or double, as `prec` says. */
typedef struct kad_state_array {
    const char *name;
    kad_prec prec;
    size_t n;
    void *data;
} kad_state_array;

typedef struct kad_optimiser_ops {
    const char *name;      /* as in train.optimiser */
    const char *summary;   /* one line */
    const char *reference; /* DOI or arXiv number */
    int n_arrays;          /* arrays of state besides the step count */
    double beta1, beta2;   /* decays it likes */
    /* All REQUIRED. create fills opt->self (and may leave it half filled on failure:
     * destroy follows). step: theta <- theta - rate * direction; opt->step is already
     * counted, from 1. array: the i-th array of the state, whose contents a checkpoint
     * stores and restores. */
    kad_status (*create)(kad_ctx *ctx, kad_optimiser *opt, int n_shapes,
                         const kad_shape *shapes);
    void (*destroy)(kad_optimiser *opt);
    void (*step)(kad_optimiser *opt, int n_threads, double rate, const double *gradient,
                 double *theta);
    void (*array)(kad_optimiser *opt, int i, kad_state_array *out);
} kad_optimiser_ops;

struct kad_optimiser {
    const kad_optimiser_ops *ops;
    kad_optimiser_options options;
    size_t n_theta;
    int64_t step; /* steps taken */
    void *self;
};

/* Every registered optimiser, NULL-terminated. */
extern const kad_optimiser_ops *const kad_optimisers[];
const kad_optimiser_ops *kad_optimiser_find(const char *name);
/* The name of the i-th one, NULL past the last: choices of a key. */
const char *kad_optimiser_name(size_t i);

/* Defaults of an optimiser: its own decays, eps 1e-8, no weight decay, every 20, sides up
 * to 128, single precision. */
kad_optimiser_options kad_optimiser_defaults(const kad_optimiser_ops *ops);

/* shapes cover theta without overlap; what they leave out is treated as vectors.
 * Errors: KAD_ENOMEM; KAD_EINTERNAL when a shape leaves [0, n_theta). */
KAD_MUST_USE kad_status kad_optimiser_create(kad_ctx *ctx, const kad_optimiser_ops *ops,
                                             const kad_optimiser_options *options,
                                             size_t n_theta, int n_shapes,
                                             const kad_shape *shapes,
                                             kad_optimiser **out);
void kad_optimiser_destroy(kad_optimiser *opt);
KAD_LOCAL_OF(kad_optimiser, kad_optimiser_destroy)
/* One step. Threads: independent of their number, bit for bit. Allocates nothing. */
void kad_optimiser_step(kad_optimiser *opt, int n_threads, double rate,
                        const double *gradient, double *theta);

#endif

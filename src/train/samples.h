/* Given samples of the boundary field, read from an HDF5 file as flow variables. */
#ifndef KAD_TRAIN_SAMPLES_H
#define KAD_TRAIN_SAMPLES_H

#include "models/action.h"

typedef struct kad_samples {
    size_t n, n_rows;
    double *y; /* [n][n_rows], row = site * n_comp + component */
} kad_samples;

/* Dataset of real numbers, of shape [n, axes...] (one component), [n, component,
 * axes...] or [chain, n, component, axes...], as this program writes it; axes are the
 * lattice's extents. The action's from_boundary is applied. Errors: KAD_ENOINPUT,
 * KAD_EDATA (shape, a value that is not finite or too large to be squared in single
 * precision, no samples), KAD_ECONFIG (the field has no inverse), KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_samples_load(kad_ctx *ctx, const char *path,
                                         const char *dataset, const kad_action *action,
                                         kad_samples *out);
void kad_samples_clear(kad_samples *samples);

/* Indices of the samples of batch `step`: uniform with replacement, keyed by the seed. */
void kad_samples_batch(const kad_samples *samples, uint64_t seed, uint64_t step,
                       size_t batch, size_t *index);

#endif

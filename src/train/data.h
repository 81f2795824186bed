/* Given samples of the boundary field, read from an HDF5 file as flow variables: those a
 * map is trained on, and those it is judged by. */
#ifndef KAD_TRAIN_DATA_H
#define KAD_TRAIN_DATA_H

#include "train/model.h"

typedef struct kad_data {
    size_t n, n_rows;
    double *y; /* [n][n_rows], row = site * n_comp + component */
} kad_data;

/* Dataset of real numbers, of shape [n, axes...] (one component), [n, component,
 * axes...] or [chain, n, component, axes...], as this program writes it; axes are the
 * extents of the model's lattice. The action's from_boundary is applied, where there is an
 * action. `key`: of the config, for messages. Errors: KAD_ENOINPUT, KAD_EDATA (shape, a
 * value that is not finite or too large to be squared in single precision, no samples),
 * KAD_ECONFIG (the field has no inverse), KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_data_load(kad_ctx *ctx, const char *key, const char *path,
                                      const char *dataset, const kad_model *model,
                                      kad_data *out);
void kad_data_clear(kad_data *samples);

/* Numbers of the samples a map is trained on, and of those it never sees, both rising. */
typedef struct kad_split {
    size_t block, n_held, n_trained;
    size_t *held, *trained; /* one array */
} kad_split;

/* About `holdout` of n samples are held out, in blocks of `block` neighbours: correlated
 * samples of a chain stay together, or the held-out ones would be half known. Whether a
 * block is depends on its number alone: a longer file, another seed or another map keep it
 * where it was. Errors: KAD_EDATA where none or all are held out; KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_data_split(kad_ctx *ctx, const char *path, size_t n,
                                       double holdout, size_t block, kad_split *out);
void kad_split_clear(kad_split *split);

/* Numbers of the samples of batch `step`: uniform of the trained ones, with replacement,
 * keyed by the seed. */
void kad_data_batch(const kad_split *split, uint64_t seed, uint64_t step, size_t batch,
                    size_t *index);

/* Mean of the values of n samples, whose numbers rise, and its standard error from the sums
 * of the blocks, which count as independent (NaN for fewer than two). */
void kad_data_mean(const kad_split *split, size_t n, const size_t *number,
                   const double *values, double *mean, double *error);

#endif

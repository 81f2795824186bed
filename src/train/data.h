/* Given samples of the boundary field, read from an HDF5 or .npy file as flow variables: those
 * a map is trained on, and those it is judged by. */
#ifndef KAD_TRAIN_DATA_H
#define KAD_TRAIN_DATA_H

#include "train/model.h"
#include "train/options.h"

typedef struct kad_data {
    size_t n, n_rows;
    double *y;     /* [n][n_rows], row = site * n_comp + component */
    double origin; /* kad_data_open: a value of the grid that they lie on */
} kad_data;

/* An array of numbers, floats or integers: of shape [n, axes...] (one component), [n,
 * component, axes...] or [chain, n, component, axes...], as this program writes it, or with the
 * components last; axes are the extents of the model's lattice. `dataset`: of an HDF5 file; a
 * .npy file has one array. The action's from_boundary is applied, where there is an
 * action. `key`: of the config, for messages. Errors: KAD_ENOINPUT, KAD_EDATA (shape, a
 * value that is not finite or too large to be squared in single precision, no samples),
 * KAD_ECONFIG (the field has no inverse), KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_data_load(kad_ctx *ctx, const char *key, const char *path,
                                      const char *dataset, const kad_model *model,
                                      kad_data *out);
void kad_data_clear(kad_data *samples);

/* Numbers of the samples a map is trained on, of those that its weights are chosen by, and of
 * those that it is judged by, which it never sees; all rising. */
typedef struct kad_split {
    size_t block;
    double held_out, validation; /* shares: of all, of the others */
    size_t n_held, n_choosing, n_trained;
    size_t *held, *choosing, *trained; /* one array */
} kad_split;

/* About `held_out` of n samples are held out, and `validation` of the others are to choose by, in
 * blocks of `block` neighbours: correlated samples of a chain stay together, or the held-out
 * ones would be half known. Whether a block is depends on its number alone: a longer file,
 * another seed or another map keep it where it was, and `validation` changes nothing of what is
 * held out. Errors: KAD_EDATA where none or all are; KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_data_split(kad_ctx *ctx, const char *path, size_t n,
                                       double held_out, double validation, size_t block,
                                       kad_split *out);
void kad_split_clear(kad_split *split);

/* The samples that the options name, and how they are split; *n_bytes: of the file. Values are
 * checked to lie on the grid of options->dequantise, without noise. Errors: as kad_data_load and
 * kad_data_split; KAD_EDATA for another file than was recorded. */
KAD_MUST_USE kad_status kad_data_open(kad_ctx *ctx, const kad_data_options *options,
                                      const kad_model *model, uint64_t *n_bytes,
                                      kad_data *samples, kad_split *split);
/* Of these the ones held out (all, where none are), evenly spread and at most n_max of them
 * (0: any number), in order, with the noise of evaluations. *n_all: how many there are. */
KAD_MUST_USE kad_status kad_data_held_out(kad_ctx *ctx, const kad_data_options *options,
                                          const kad_model *model, size_t n_max,
                                          kad_data *out, size_t *n_all);

/* Numbers of the samples of batch `step`: uniform of the trained ones, with replacement,
 * keyed by the seed. */
void kad_data_batch(const kad_split *split, uint64_t seed, uint64_t step, size_t batch,
                    size_t *index);

/* Mean of the values of n samples, whose numbers rise, and its standard error from the sums
 * of the blocks, which count as independent (NaN for fewer than two). */
void kad_data_mean(const kad_split *split, size_t n, const size_t *number,
                   const double *values, double *mean, double *error);

/* Values of a grid (spins, counts, bytes) have no density. y + width (u - 1/2) has one, u uniform
 * and independent at every value: with width the grid's step the probability of a sample of n
 * values is the integral of q over its cell, and the mean of -ln q over u at least -ln P - n ln
 * width (arXiv:1511.01844). check_grid: KAD_EDATA for a sample off the grid of the first
 * number. spread: the noise of a step of training, keyed by the seed; spread_fixed: of an
 * evaluation, by the sample's number alone. */
KAD_MUST_USE kad_status kad_data_check_grid(kad_ctx *ctx, const char *path, double width,
                                            const kad_data *samples);
double kad_data_round(double width, double origin,
                      double y); /* the nearest of the grid */
void kad_data_spread(double width, uint64_t seed, uint64_t step, uint64_t sample,
                     size_t n, double *y);
void kad_data_spread_fixed(double width, uint64_t sample, size_t n, double *y);

#endif

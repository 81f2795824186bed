/* Training of a map on images, by likelihood. Each group is a regression of its own: a step
 * draws `batch` sites of one group, over images and positions, and moves that group's
 * weights. Nothing passes between groups, so threads take groups, and what a group becomes
 * depends on its own steps alone: the same bytes for any number of threads.
 *
 * How often each group steps is planned once. With `seconds`, a few steps of every group are
 * timed first (they count), and the budget of all threads is shared as sites^0.6, with
 * at least 1500 steps a group or what a fifth of the budget allows; the plan is part of the
 * state, so that a training that is taken up again takes the same steps.
 *
 * The rate rises over 50 steps and falls as a cosine to 0. Gradients are clipped at `clip`
 * times their running norm. What a training gives is the moving average of its weights. A
 * loss or gradient that is not finite takes its group back to the last good weights, at half
 * the rate. */
#ifndef KAD_PIXEL_TRAIN_H
#define KAD_PIXEL_TRAIN_H

#include "image/images.h"
#include "pixel/pixel.h"
#include "train/optimiser.h"

#include <stdint.h>

typedef struct kad_pixel_train_options {
    double seconds; /* wall clock of the training; 0: `steps` */
    int64_t steps;  /* of the largest groups, where there is no budget */
    int batch;      /* sites a step, rounded up to panels of 64 */
    const kad_optimiser_ops *optimiser;
    double rate;
    double weight_decay;
    double clip;
    double average; /* decay of the moving average a step */
    uint64_t seed;
} kad_pixel_train_options;

/* 20 seconds, 256 sites, muon at 0.02, decay 0.01, clip 3, average 0.999, seed 1. */
kad_pixel_train_options kad_pixel_train_defaults(void);

typedef struct kad_pixel_trainer kad_pixel_trainer;

/* The map and the images must outlive the trainer. Errors: KAD_ENOMEM; KAD_ECONFIG when the
 * images are not of the map's shape. */
KAD_MUST_USE kad_status kad_pixel_trainer_create(kad_ctx *ctx, const kad_pixel_map *map,
                                                 const kad_pixel_train_options *options,
                                                 const kad_images *train,
                                                 kad_pixel_trainer **out);
void kad_pixel_trainer_destroy(kad_pixel_trainer *trainer);
KAD_LOCAL_OF(kad_pixel_trainer, kad_pixel_trainer_destroy)

/* Trains until done, or for about so many seconds (rounds of all groups are not cut). Threads:
 * those of the context at creation. */
void kad_pixel_trainer_run(kad_pixel_trainer *trainer, double seconds);

typedef struct kad_pixel_progress {
    bool done;
    double part;         /* of the planned steps, weighted by their time */
    double images;       /* sites seen, in images */
    double seconds;      /* of all calls of run, in this process and before */
    double bits;         /* bits a dimension of recent steps, all groups together */
    int64_t n_nonfinite; /* steps taken back */
} kad_pixel_progress;
kad_pixel_progress kad_pixel_trainer_progress(const kad_pixel_trainer *trainer);

/* Planned steps of a group; 0 before there is a plan. */
int64_t kad_pixel_trainer_planned(const kad_pixel_trainer *trainer, int group);

/* The moving average [map->n_theta]: what the map is evaluated with. */
const double *kad_pixel_trainer_weights(const kad_pixel_trainer *trainer);

/* The whole state as named arrays, i from 0 until false is returned: what a checkpoint
 * writes. To take a training up again, create a trainer alike, copy the arrays in, and call
 * kad_pixel_trainer_restored. */
bool kad_pixel_trainer_array(kad_pixel_trainer *trainer, int i, kad_state_array *out);
void kad_pixel_trainer_restored(kad_pixel_trainer *trainer);

/* Bits of images under a map. */
enum { KAD_PIXEL_LEVELS_MAX = 11 };
typedef struct kad_pixel_score {
    size_t n;
    double bpd, error; /* bits per dimension, and its standard error over images */
    /* bits of an image: their sum over C height width is bpd */
    double bits[KAD_PIXEL_LEVELS_MAX][KAD_PIXEL_CHANNELS_MAX];
} kad_pixel_score;

/* Of images first .. first + n - 1. Errors: as kad_pixel_bits. */
KAD_MUST_USE kad_status kad_pixel_evaluate(kad_ctx *ctx, const kad_pixel_map *map,
                                           const double *theta, const kad_images *images,
                                           size_t first, size_t n,
                                           kad_pixel_score *score);

#endif

/* Training of a map on images, by likelihood. A step moves the weights of one part of the map
 * (image_map.h) by the gradient over a batch. Nothing passes between parts, so threads take
 * parts, or, where there is one, work on it together; what a part becomes depends on its own
 * steps alone: the same bytes for any number of threads.
 *
 * How often each part steps is planned once. With `seconds`, a few steps of every part are
 * timed first (they count), and the budget of all threads is shared as sites^0.6, with
 * at least 1500 steps a part or what a fifth of the budget allows; the plan is part of the
 * state, so that a training that is taken up again takes the same steps.
 *
 * Images may lie in a mapped file of any size: whatever was looked at leaves memory when it may
 * be more than KAD_IMAGE_RESIDENT bytes.
 *
 * The rate rises over 50 steps and falls as a cosine to 0. Gradients are clipped at `clip`
 * times their running norm. What a training gives is the moving average of its weights. A
 * loss or gradient that is not finite takes its part back to the last good weights, at half
 * the rate. */
#ifndef KAD_TRAIN_IMAGE_TRAINER_H
#define KAD_TRAIN_IMAGE_TRAINER_H

#include "train/image_map.h"

#include <stdint.h>

/* Smaller sets stay in memory once they are there (MSDS have 276 MB). */
enum { KAD_IMAGE_RESIDENT = 384 << 20 };

typedef struct kad_image_train_options {
    double seconds; /* wall clock of the training; 0: `steps` */
    int64_t steps;  /* of the largest parts, where there is no budget */
    int batch;      /* of a step: what of, the map says */
    const kad_optimiser_ops *optimiser;
    double rate;
    double weight_decay;
    double clip;
    double average; /* decay of the moving average a step */
    uint64_t seed;
    size_t resident; /* bytes of images */
} kad_image_train_options;

/* 20 seconds, 256 sites, muon at 0.02, decay 0.01, clip 3, average 0.999, seed 1. */
kad_image_train_options kad_image_train_defaults(void);

typedef struct kad_image_trainer kad_image_trainer;

/* The map and the images must outlive the trainer. Errors: KAD_ENOMEM; KAD_ECONFIG when the
 * images are not of the map's shape. */
KAD_MUST_USE kad_status kad_image_trainer_create(kad_ctx *ctx, const kad_image_map *map,
                                                 const kad_image_train_options *options,
                                                 const kad_images *train,
                                                 kad_image_trainer **out);
void kad_image_trainer_destroy(kad_image_trainer *trainer);
KAD_LOCAL_OF(kad_image_trainer, kad_image_trainer_destroy)

/* Trains until that share of the plan is behind it (1: all), or for about so many seconds
 * (rounds of all parts are not cut). What it is after a share is the same whatever the calls in
 * between. Threads: those of the context at creation. */
void kad_image_trainer_run(kad_image_trainer *trainer, double share, double seconds);
/* Is that share behind it? */
bool kad_image_trainer_reached(const kad_image_trainer *trainer, double share);

typedef struct kad_image_progress {
    bool done;
    double part;         /* of the planned steps, weighted by their time */
    double images;       /* seen, or sites of as many */
    double seconds;      /* of all calls of run, in this process and before */
    double bits;         /* bits a dimension of recent steps, all parts together */
    int64_t n_nonfinite; /* steps taken back */
} kad_image_progress;
kad_image_progress kad_image_trainer_progress(const kad_image_trainer *trainer);

/* Planned steps of a part; 0 before there is a plan. */
int64_t kad_image_trainer_planned(const kad_image_trainer *trainer, int part);

/* The moving average [map->n_theta]: what the map is evaluated with. */
const double *kad_image_trainer_weights(const kad_image_trainer *trainer);

/* The whole state as named arrays, i from 0 until false is returned: what a checkpoint
 * writes. To take a training up again, create a trainer alike, copy the arrays in, and call
 * kad_image_trainer_restored. */
bool kad_image_trainer_array(kad_image_trainer *trainer, int i, kad_state_array *out);
void kad_image_trainer_restored(kad_image_trainer *trainer);

#endif

/* A run on images at work (images_stage.c), and what its map is worth (images_results.c). */
#ifndef KAD_RUN_IMAGES_WORK_H
#define KAD_RUN_IMAGES_WORK_H

#include "image/load.h"
#include "run/pipeline.h"
#include "train/image_trainer.h"

enum { KAD_IMAGES_ROWS = 64 };

/* A row of /images/curve. */
typedef struct kad_images_row {
    double seconds, images, bpd, bpd_err, bpd_train, bpd_validation;
} kad_images_row;

/* The best weights so far, where train.patience asks for them. */
typedef struct kad_images_best {
    double *theta; /* [n_theta]; NULL: not asked for */
    double bpd;    /* of images for validation */
    double share;  /* of the plan that was behind them; 0: there are none yet */
    double since;  /* evaluations after them */
} kad_images_best;

typedef struct kad_images_work {
    kad_pipeline *p;
    kad_ctx *ctx;
    const kad_images_options *options;
    kad_image_store *store; /* the pipeline's */
    const kad_image_set *set;
    bool bfloat; /* nets are in bfloat16 */
    kad_image_map *map;
    kad_image_trainer *trainer;
    size_t n_rows;
    kad_images_row rows[KAD_IMAGES_ROWS];
    kad_images_best best;
    double saved; /* when the checkpoint was written */
} kad_images_work;

/* What the training has given: the average of its weights, or the best one. */
const double *kad_images_weights(const kad_images_work *work);
/* Of a set, how many images are scored where `most` are asked for. */
size_t kad_images_n_scored(const kad_images *images, size_t most);
/* Bits of at most `most` images, taken from all over them: squares of one picture lie side by
 * side. Errors: those of kad_image_map_ops.evaluate. */
KAD_MUST_USE kad_status kad_images_score(kad_images_work *work, const double *theta,
                                         const kad_images *images, size_t most,
                                         kad_image_score *out);
/* train.patience is at its end. */
bool kad_images_has_stopped(const kad_images_work *work);
/* Scores, the map and its samples, into /images of the results; the last row of the curve. */
KAD_MUST_USE kad_status kad_images_finish(kad_images_work *work);

#endif

/* A map between images and latents as its training and a run see it: where its weights are,
 * the gradient of a batch, the bits of images, draws. A kind of map (recipe) is a table of
 * these operations; image_trainer.h trains any. */
#ifndef KAD_TRAIN_IMAGE_MAP_H
#define KAD_TRAIN_IMAGE_MAP_H

#include "image/images.h"
#include "train/optimiser.h"

#include <stdbool.h>
#include <stdint.h>

enum { KAD_IMAGE_LEVELS_MAX = 11, KAD_IMAGE_CHANNELS_MAX = 4 };

/* Bits of images under a map. */
typedef struct kad_image_score {
    size_t n;
    double bpd, error; /* bits per dimension, and its standard error over images */
    /* bits of an image: their sum over C height width is bpd */
    double bits[KAD_IMAGE_LEVELS_MAX][KAD_IMAGE_CHANNELS_MAX];
} kad_image_score;

/* Weights that are trained by themselves: the loss is a sum over parts. */
typedef struct kad_image_part {
    size_t theta, n_theta; /* where they begin, and their number */
    int n_shapes;
    kad_shape *shapes; /* the matrices among them; offsets count from theta */
    double n_sites;    /* of an image that it is the density of */
    double cost;       /* of a step, against the other parts' */
} kad_image_part;

typedef struct kad_image_map kad_image_map;

/* All REQUIRED. theta and gradient of a part are those of its weights alone. */
typedef struct kad_image_map_ops {
    void (*destroy)(kad_image_map *map);
    /* First weights. */
    void (*init)(const kad_image_map *map, int part, uint64_t seed, double *theta);
    /* Memory of gradients over `batch`, for one part at a time; a map of one part works with
     * the threads of ctx, one of more parts with one thread. Errors: KAD_ENOMEM. */
    kad_status (*desk_create)(kad_ctx *ctx, const kad_image_map *map, int batch,
                              void **out);
    void (*desk_destroy)(void *desk); /* which may be NULL */
    /* The mean of -ln P over the step's batch, in nats an image as far as the part makes
     * them, and a gradient of it times any constant. What a batch holds is a function of
     * seed, part and step. Allocates nothing. */
    double (*gradient)(const kad_image_map *map, int part, uint64_t seed, int64_t step,
                       const kad_images *images, const double *theta, void *desk,
                       double *gradient);
    /* How many images (of all their sites) a step of a part of `batch` looks at. */
    double (*step_images)(const kad_image_map *map, int batch);
    /* Of images first .. first + n - 1. Errors: KAD_ENOMEM, KAD_EINTERRUPTED. */
    kad_status (*evaluate)(kad_ctx *ctx, const kad_image_map *map, const double *theta,
                           const kad_images *images, size_t first, size_t n,
                           kad_image_score *score);
    /* Draws x [n][C][height][width] with their latents z, of the same shape; these are named
     * by seed and number, times the temperature [n_levels] of their level. Errors:
     * KAD_ENOMEM, KAD_EINTERRUPTED. */
    kad_status (*sample)(kad_ctx *ctx, const kad_image_map *map, const double *theta,
                         uint64_t seed, size_t n, const double *temperature, double *z,
                         uint8_t *x);
    /* What, beside the weights, the map is made again from: i from 0 until false. */
    bool (*option)(const kad_image_map *map, int i, const char **name, int64_t *value);
} kad_image_map_ops;

struct kad_image_map {
    const kad_image_map_ops *ops;
    int n_channels, height, width;
    int n_levels;                          /* 0 the finest */
    int64_t n_sites[KAD_IMAGE_LEVELS_MAX]; /* whose latents are of a level */
    size_t n_theta;
    int n_parts;
    kad_image_part *part;
    int n_timed; /* steps of every part that a plan by the clock is made from */
};

static inline void kad_image_map_destroy(kad_image_map *map)
{
    if (map) map->ops->destroy(map);
}
KAD_LOCAL_OF(kad_image_map, kad_image_map_destroy)

#endif

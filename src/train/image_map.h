/* A map between images and latents as its training and a run see it: where its weights are,
 * the gradient of a batch, the bits of images; and, with weights that stay (a *plan*), images to
 * latents and back. A kind of map (recipe) is a table of these operations; image_trainer.h trains
 * any, src/views shows any. Images are x and latents z [n][C][height][width]: a latent has a
 * site, whose level it is of, and a channel. */
#ifndef KAD_TRAIN_IMAGE_MAP_H
#define KAD_TRAIN_IMAGE_MAP_H

#include "base/grouped.h"
#include "image/images.h"
#include "train/optimiser.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

enum { KAD_IMAGE_LEVELS_MAX = 11, KAD_IMAGE_CHANNELS_MAX = 4 };

/* Bits of images under a map: zeros, then images, in order, then kad_image_score_end. */
typedef struct kad_image_score {
    size_t n;
    double bpd, error; /* bits per dimension, and its standard error over pictures */
    /* bits of an image: their sum over C height width is bpd; before the end of all */
    double bits[KAD_IMAGE_LEVELS_MAX][KAD_IMAGE_CHANNELS_MAX];
    kad_grouped_mean mean; /* of bits per dimension */
} kad_image_score;

static inline void kad_image_score_end(kad_image_score *score)
{
    score->n = score->mean.n;
    score->bpd = kad_grouped_mean_value(&score->mean);
    score->error = kad_grouped_mean_error(&score->mean);
    for (int h = 0; h < KAD_IMAGE_LEVELS_MAX; h++)
        for (int c = 0; c < KAD_IMAGE_CHANNELS_MAX; c++)
            score->bits[h][c] /= (double)score->n;
}

/* Weights that are trained by themselves: the loss is a sum over parts. */
typedef struct kad_image_part {
    size_t theta, n_theta; /* where they begin, and their number */
    int n_shapes;
    kad_shape *shapes; /* the matrices among them; offsets count from theta */
    double n_sites;    /* of an image that it is the density of */
    double cost;       /* of a step, against the other parts' */
} kad_image_part;

/* Missing levels that are drawn given the others, by a Markov chain an image (pixel/inpaint.h,
 * affine/inpaint.h). Its first sweep accepts everything: the hole as the map would have made it,
 * blind to what lies behind. At power b the target is P^b. */
typedef struct kad_image_inpainting {
    const bool *hole; /* [height width]: levels that are missing */
    /* [height width]: sites whose latents may change; a move that would change another is
     * not made. NULL: all may */
    const bool *free;
    int sweeps;           /* after the first */
    double power;         /* of the last one, from 1 at the first on, geometrically */
    uint64_t seed, first; /* name the random numbers, with the image's number */
} kad_image_inpainting;

/* Of sweep s = 1 .. sweeps. */
static inline double kad_image_inpainting_power(const kad_image_inpainting *what, int s)
{
    return what->sweeps > 1 && s > 0 ? pow(what->power, (s - 1.0) / (what->sweeps - 1))
                                     : 1;
}

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
    /* Adds images first .. first + n - 1 to the score. Errors: KAD_ENOMEM, KAD_EINTERRUPTED. */
    kad_status (*evaluate)(kad_ctx *ctx, const kad_image_map *map, const double *theta,
                           const kad_images *images, size_t first, size_t n,
                           kad_image_score *score);
    /* theta is copied; the map must outlive it. It works on the threads of ctx, one call at a
     * time. Errors of it and what follows: KAD_ENOMEM, KAD_EINTERRUPTED. */
    kad_status (*plan_create)(kad_ctx *ctx, const kad_image_map *map, const double *theta,
                              void **plan);
    void (*plan_destroy)(void *plan); /* which may be NULL */
    /* x to z, at places within the levels named by the seed and first + the image's number. bits
     * [n][n_levels][C]: -log2 of the density, whose sum over C height width is bits per dimension.
     * Either may be NULL. */
    kad_status (*encode)(kad_ctx *ctx, void *plan, uint64_t seed, uint64_t first,
                         size_t n, const uint8_t *x, double *z, double *bits);
    /* z to x. only [image][height width], which may be NULL: sites that differ from what x
     * holds, which the others may then be left as. */
    kad_status (*decode)(kad_ctx *ctx, void *plan, size_t n, const double *z,
                         const bool *const *only, uint8_t *x);
    /* z from the prior, named by the seed and first + the number, times the temperature [n_levels]
     * of its level (NULL: 1), then x. */
    kad_status (*draw)(kad_ctx *ctx, void *plan, uint64_t seed, uint64_t first, size_t n,
                       const double *temperature, double *z, uint8_t *x);
    /* Of sites set [height width], into cone: those whose levels may change with latents there;
     * returns how many. */
    size_t (*generation_cone)(void *plan, const bool *set, bool *cone);
    /* The same of sites whose latents change with levels there. */
    size_t (*inference_cone)(void *plan, const bool *set, bool *cone);
    /* Images x; what they hold in the hole is what they start from. mean (may be NULL), the same
     * shape: over the second half of the sweeps. accepted (may be NULL): share of the moves
     * after the first sweep, NAN without moves. Bytes do not depend on threads. Errors: of
     * KAD_EINTERRUPTED x is half done. */
    kad_status (*inpaint)(kad_ctx *ctx, void *plan, const kad_image_inpainting *what,
                          size_t n, uint8_t *x, double *mean, double *accepted);
    /* The same map for squares of another side, with small nets, for its cones alone; parallel:
     * no latent of a level depends on another of it. Errors: KAD_ENOMEM; KAD_ECONFIG. */
    kad_status (*of_side)(kad_ctx *ctx, const kad_image_map *map, int side, bool parallel,
                          kad_image_map **out);
    /* What, beside the weights, the map is made again from: i from 0 until false. */
    bool (*option)(const kad_image_map *map, int i, const char **name, int64_t *value);
} kad_image_map_ops;

struct kad_image_map {
    const kad_image_map_ops *ops;
    int n_channels, height, width;
    int n_levels;                          /* 0 the finest */
    int64_t n_sites[KAD_IMAGE_LEVELS_MAX]; /* whose latents are of a level */
    int *level;                            /* [height][width]: of these */
    bool laplace; /* the prior of latents; else normal, both of variance 1 */
    size_t n_theta;
    int n_parts;
    kad_image_part *part;
    bool bfloat; /* products of its nets are in bfloat16, those of Muon then too */
    int n_timed; /* steps of every part that a plan by the clock is made from */
};

static inline void kad_image_map_destroy(kad_image_map *map)
{
    if (map) map->ops->destroy(map);
}
KAD_LOCAL_OF(kad_image_map, kad_image_map_destroy)

static inline size_t kad_image_map_size(const kad_image_map *map)
{
    return (size_t)map->n_channels * (size_t)map->height * (size_t)map->width;
}

#endif

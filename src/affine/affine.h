/* Maps of images that are made of affine couplings with residual nets, on real numbers: the
 * recipes rgflow and realnvp. This folder holds what both are made of, stages (affine), and
 * which stages they are (mera, scales); the nets (resnet), one coupling on a panel of columns
 * (couple), whole batches forwards and backwards (flow); how images become real numbers
 * (values), are trained on (recipe), and have their holes filled in (inpaint).
 *
 * A *stage* acts on columns: of every image n_columns lists of n_rows of its values, a block
 * of sites or the window around one. Its passes move some rows by what others say,
 *
 *   z_m = x_m e^s_m + t_m,  s = tanh(S(x_seen)),  t = T(x_seen),  ln|dz/dx| = sum_m s_m,
 *
 * with rows that are not seen at 0 in the nets S and T. A layer is one pair of nets, with
 * which all passes are done one after the other (RG-Flow: a checkerboard and its complement
 * with the same weights). What one column moves no other of the stage sees, so that columns
 * are independent and backwards everything is computed again from the output: nothing is
 * stored but the images.
 *
 * A net of R rows and width W is, block by block,
 *   u <- (u + W3 a(W2 a(W1 a(u)))) / sqrt 2, each product with a bias, a(x) = x sigmoid(k x)
 * with a slope k of every feature, all weights as g v/|v| of each row; at the end a factor for
 * every row, 0 at first. Sources: RG-Flow, arXiv:2010.00029 and its code; weight norm,
 * arXiv:1602.07868; Real NVP, arXiv:1605.08803. */
#ifndef KAD_AFFINE_AFFINE_H
#define KAD_AFFINE_AFFINE_H

#include "base/memory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    KAD_AFFINE_BLOCKS_MAX = 8,
    KAD_AFFINE_LEVELS_MAX = 11,
    KAD_AFFINE_LAYERS_MAX = 64,
    KAD_AFFINE_CHANNELS_MAX = 4
};

typedef struct kad_affine_options {
    int hidden;                        /* W: width of the nets */
    int blocks;                        /* residual blocks of a net */
    int n_layers;                      /* given below */
    int layers[KAD_AFFINE_LEVELS_MAX]; /* of a level's stages, the last for all above */
} kad_affine_options;

/* Where the weights of a net are. Matrices are [n_out][n_in]: v1 [W][R], v2 [W][W], v3 [R][W];
 * g and b (biases) [n_out]; slopes k0 [R], k1 [W], k2 [W]. */
typedef struct kad_affine_net {
    int n_rows, width, n_blocks;
    size_t k0, v1, g1, b1, k1, v2, g2, b2, k2, v3, g3, b3; /* within a block */
    size_t block;                                          /* weights of one */
    size_t scale;                                          /* [R] behind the blocks */
    size_t n_theta;
    /* of a pass (below): what the first block reads and the last makes */
    struct {
        int seen, n_seen, moved, n_moved; /* first rows, and numbers */
    } pass[2];
} kad_affine_net;
kad_affine_net kad_affine_net_of(int n_rows, int width, int n_blocks);

typedef struct kad_affine_pass {
    int n_seen, n_moved;
    int *seen, *moved; /* rows: both follow one another without gaps */
} kad_affine_pass;

typedef struct kad_affine_stage {
    int level;             /* of the RG; 0 the finest */
    int n_rows, n_columns; /* columns of an image */
    int *index;            /* [n_columns][n_rows]: the value in the image, -1: 0 */
    int *channel;          /* [n_rows] */
    bool *owned;  /* [n_rows]: moved by some pass; others are seen by several columns */
    bool windows; /* some row is not owned */
    int n_passes;
    kad_affine_pass pass[2];
    int n_layers;
    kad_affine_net net; /* s and t alike */
    size_t theta;       /* of layer l, s then t: theta + (2 l + 0 or 1) net.n_theta */
} kad_affine_stage;

typedef struct kad_affine_map {
    kad_affine_options options;
    int n_channels, height, width;
    int n_levels;
    int *level; /* [C][height][width]: of the latent there */
    int n_stages, most_stages;
    kad_affine_stage *stage; /* from images to latents */
    size_t n_theta;
} kad_affine_map;

/* RG-Flow: blocks of 4 x 4 sites of the lattice of stride 2^h, once from the corner and once
 * half a block on, periodic, as long as they divide the image.
 * Errors: KAD_ECONFIG for extents or options out of range; KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_affine_mera(kad_ctx *ctx, const kad_affine_options *options,
                                        int n_channels, int height, int width,
                                        kad_affine_map **out);
/* Real NVP: at every scale, pairs of couplings between the colours of a checkerboard, then, on
 * squares of 2 x 2 sites as channels, between halves of them, of which one stays behind;
 * 3 x 3 windows, 0 beyond the border. Alike. */
KAD_MUST_USE kad_status kad_affine_scales(kad_ctx *ctx, const kad_affine_options *options,
                                          int n_channels, int height, int width,
                                          kad_affine_map **out);
void kad_affine_map_destroy(kad_affine_map *map);
/* Of a set of values, mark [C][height][width], those that may change with it: latents with values
 * of images (inference), or values of images with latents (generation). */
void kad_affine_inference_cone(const kad_affine_map *map, bool *mark);
void kad_affine_generation_cone(const kad_affine_map *map, bool *mark);
KAD_LOCAL_OF(kad_affine_map, kad_affine_map_destroy)

/* First weights, as RG-Flow's: v uniform on +-sqrt(3 2.81/n_in), g = |v|, slopes 1, biases and
 * factors of the rows 0, so that the map begins as the identity. theta [n_theta]. */
void kad_affine_init(const kad_affine_map *map, uint64_t seed, double *theta);

/* For kad_affine_mera and kad_affine_scales. A map without stages, of at most so many; a stage, whose index and channel are
 * to be filled, then passes and the end. */
KAD_MUST_USE kad_status kad_affine_map_begin(kad_ctx *ctx,
                                             const kad_affine_options *options,
                                             int n_channels, int height, int width,
                                             int most_stages, kad_affine_map **out);
KAD_MUST_USE kad_status kad_affine_stage_begin(kad_ctx *ctx, kad_affine_map *map,
                                               int level, int n_rows, int n_columns,
                                               kad_affine_stage **out);
/* role [n_rows] of every row: */
enum { KAD_AFFINE_IDLE, KAD_AFFINE_SEEN, KAD_AFFINE_MOVED };
KAD_MUST_USE kad_status kad_affine_stage_pass(kad_ctx *ctx, kad_affine_stage *stage,
                                              const int *role);
void kad_affine_stage_end(kad_affine_map *map, kad_affine_stage *stage, int n_layers);

/* Layers of a level's stages. */
int kad_affine_layers(const kad_affine_options *options, int level);

/* Values of an image. */
static inline size_t kad_affine_size(const kad_affine_map *map)
{
    return (size_t)map->n_channels * (size_t)map->height * (size_t)map->width;
}

#endif

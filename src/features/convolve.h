/* Layers of a convolutional network on one picture [channel][height][width], in single
 * precision. A convolution is a product: the windows of 64 places are columns of a panel
 * (src/wide), the weights of a channel a row. */
#ifndef KAD_FEATURES_CONVOLVE_H
#define KAD_FEATURES_CONVOLVE_H

#include "base/memory.h"

/* A window's way over a picture. */
typedef struct kad_window_shape {
    int height, width; /* of the window */
    int stride;        /* in both directions */
    int pad_y, pad_x;  /* zeros around the picture */
} kad_window_shape;

typedef struct kad_feature_map {
    int n_channels, height, width;
    float *x;
} kad_feature_map;

/* y = max(0, W * x + b), with the batch normalisation of a trained layer in W and b. */
typedef struct kad_convolution {
    int n_in, n_out;
    kad_window_shape window;
    float *packed; /* W, as the products want it */
    float *bias;   /* [n_out] */
} kad_convolution;

/* Side of what a window gives of `side`. */
static inline int kad_window_places(int side, int window, int stride, int pad)
{
    return (side + 2 * pad - window) / stride + 1;
}

/* In a scope: W [n_out][n_in][height][width] times gamma/sqrt(variance + epsilon), and
 * beta - mean gamma/sqrt(variance + epsilon), all [n_out]. Errors: KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_convolution_make(kad_scope *in, kad_convolution *layer,
                                             const double *W, const double *gamma,
                                             const double *beta, const double *mean,
                                             const double *variance, double epsilon);
/* Bytes that `scratch` of kad_convolve needs. */
size_t kad_convolution_scratch(const kad_convolution *layer);
/* Into channels first, first + 1, ... of `to`, whose height and width are set. */
void kad_convolve(const kad_convolution *layer, const kad_feature_map *from, int first,
                  kad_feature_map *to, void *scratch);

/* The largest number of every window, of its places inside the picture; and their mean, over
 * these places alone. Into channels first, ... of `to`, whose height and width are set. */
void kad_pool_most(kad_window_shape window, const kad_feature_map *from, int first,
                   kad_feature_map *to);
void kad_pool_mean(kad_window_shape window, const kad_feature_map *from, int first,
                   kad_feature_map *to);

/* Bilinear, places at the middles of squares (x' + 1/2 = (x + 1/2) side'/side), the border
 * repeated: align_corners=False of PyTorch. `to` has its height and width. */
void kad_resize_bilinear(const kad_feature_map *from, kad_feature_map *to);

#endif

/* Features: a vector of numbers of an image, by which sets of images are compared.
 *
 * This folder:
 *   pyramid    fixed ones: block means, orientation and contrast by scale, colours
 *   inception  those of Inception-v3, from its published weights
 *   convolve   its layers: convolutions and pools of one picture
 *   frechet    the distance between two sets of them */
#ifndef KAD_FEATURES_FEATURES_H
#define KAD_FEATURES_FEATURES_H

#include "image/images.h"

/* Features of n images. */
typedef struct kad_features {
    size_t n;
    int d;         /* of an image */
    size_t stride; /* d rounded up, as the products of src/wide want it */
    double *x;     /* [n][stride], zeros behind d */
} kad_features;

#endif

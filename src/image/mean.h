/* A mean over images, and its standard error over the pictures that they come from: squares of
 * one photograph say much the same. With the sum S_j of picture j over its c_j images the mean is
 * R = sum S_j / sum c_j, a ratio, and of m pictures
 *   error^2 = m/(m - 1) sum_j (S_j - R c_j)^2 / (sum c_j)^2
 * (W. Cochran, Sampling Techniques, 3rd ed., section 6.3): where every image is a picture of its
 * own, that of independent images. */
#ifndef KAD_IMAGE_MEAN_H
#define KAD_IMAGE_MEAN_H

#include "image/images.h"

/* Zeros at first. */
typedef struct kad_image_mean {
    size_t n, n_pictures; /* seen */
    size_t at, here;      /* the last picture, and its images so far */
    double origin;        /* the first value: what is added up are differences to it */
    double sum, sum_here; /* of all, of the last picture */
    double squares, cross, count; /* sums over earlier pictures of S^2, S c, c^2 */
} kad_image_mean;

/* Images of a picture one after the other. */
void kad_image_mean_add(kad_image_mean *mean, size_t picture, double x);
double kad_image_mean_value(const kad_image_mean *mean);
/* NaN of less than two pictures. */
double kad_image_mean_error(const kad_image_mean *mean);

#endif

/* Gradient clipping and the moving average of the weights. */
#ifndef KAD_TRAIN_CLIP_H
#define KAD_TRAIN_CLIP_H

#include <stddef.h>
#include <stdint.h>

/* Clip at factor x a running norm and at an absolute norm. */
typedef struct kad_clip {
    double factor;   /* 0: no relative clipping */
    double absolute; /* 0: no absolute clipping */
    double running;  /* average of the clipped norms (decay 0.99); < 0 before the first */
    int64_t n_clipped;
} kad_clip;

/* |g|, summed in a fixed order; not finite when any element is not. */
double kad_norm(size_t n, const double *gradient);

void kad_clip_init(kad_clip *clip, double factor, double absolute);
/* Scale the gradient of (finite) norm `norm` down to the limits and update the running
 * norm; returns the factor applied. The first gradient sets the scale. */
double kad_clip_apply(kad_clip *clip, double norm, size_t n, double *gradient);

/* Exponential moving average with bias correction: sum_t (1 - d) d^(T-t) theta_t /
 * (1 - d^T), updated as average += (1 - d)/(1 - d^T) (theta - average), so `average` is
 * always the corrected one. decay 0: the last theta. */
typedef struct kad_average {
    double decay;
    double remainder; /* d^T; 1 at the start */
} kad_average;

void kad_average_init(kad_average *a, double decay);
void kad_average_add(kad_average *a, size_t n, const double *theta, double *average);

#endif

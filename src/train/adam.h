/* The elementwise Adam update, shared by adam.c and by SOAP's vectors. */
#ifndef KAD_TRAIN_ADAM_H
#define KAD_TRAIN_ADAM_H

#include "train/optimiser.h"

#include <stdbool.h>

/* Coefficients of one step t (counted from 1). */
typedef struct kad_adam_step {
    double beta1, beta2;
    double unbias1, unbias2; /* 1 / (1 - beta^t) */
    double eps, rate;
    double shrink; /* decoupled decay: theta *= shrink first */
    double l2;     /* coupled decay: added to the gradient */
} kad_adam_step;

kad_adam_step kad_adam_coefficients(const kad_optimiser_options *options, int64_t step,
                                    double rate, bool decoupled);
/* m <- b1 m + (1 - b1) g, v <- b2 v + (1 - b2) g^2,
 * theta <- shrink theta - rate m^ / (sqrt(v^) + eps), over n elements. */
void kad_adam_update(const kad_adam_step *c, size_t n, const double *gradient, double *m,
                     double *v, double *theta);

#endif

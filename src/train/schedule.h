/* Learning rate against step, the running state of a plateau, and annealing of an action
 * parameter. All are pure functions of the step and of a few numbers a checkpoint keeps.
 */
#ifndef KAD_TRAIN_SCHEDULE_H
#define KAD_TRAIN_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

typedef enum kad_schedule_kind {
    KAD_SCHEDULE_COSINE,
    KAD_SCHEDULE_EXPONENTIAL,
    KAD_SCHEDULE_CONSTANT,
    KAD_SCHEDULE_PLATEAU
} kad_schedule_kind;

typedef struct kad_schedule {
    kad_schedule_kind kind;
    double rate, rate_final;
    int64_t warmup; /* steps of linear rise */
    int64_t steps;  /* total */
} kad_schedule;

/* Rate of step 0 .. steps - 1. Warm-up: rate (step + 1)/(warmup + 1). Then, with u from 0
 * to 1 over the rest: cosine rate_final + (rate - rate_final)(1 + cos(pi u))/2;
 * exponential rate (rate_final/rate)^u; constant rate; plateau max(rate_final,
 * rate 2^-n_plateaus), n_plateaus counted by the caller. */
double kad_schedule_rate(const kad_schedule *schedule, int64_t step, int n_plateaus);

/* Smoothed loss and how long it has not improved: an exponential average over `span`
 * steps; an improvement is a fall below the best by one standard error of the average. */
typedef struct kad_plateau {
    double mean, variance; /* averages of the losses and of their squared errors */
    double weight;         /* 1 - (1 - 1/span)^n */
    double best;
    int64_t since; /* steps since the best */
} kad_plateau;

void kad_plateau_reset(kad_plateau *plateau);
/* error: standard error of this loss (a batch's mean). */
void kad_plateau_add(kad_plateau *plateau, double span, double loss, double error);
/* The smoothed loss and its standard error; NaN before the first. */
double kad_plateau_mean(const kad_plateau *plateau);
double kad_plateau_error(const kad_plateau *plateau, double span);

/* Value of an annealed parameter: from `start` linearly to `final` over the first
 * `n_anneal` steps, exactly `final` from there. */
double kad_anneal_value(double start, double final, int64_t step, int64_t n_anneal);

#endif

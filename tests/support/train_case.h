/* Small trainings for tests. Every function fails the test on an error. */
#ifndef KAD_TESTS_TRAIN_CASE_H
#define KAD_TESTS_TRAIN_CASE_H

#include "io/config.h"
#include "train/trainer.h"

/* Overrides of the critical Ising dual on 4 x 4, batch 64; the first is lattice.shape. */
extern const char *const train_case_ising[];

/* A configuration from two NULL-terminated lists of overrides (more may be NULL). */
kad_config *train_case_config(kad_ctx *ctx, const char *const *base,
                              const char *const *more);
/* What a training left, with the model it was of. */
typedef struct train_case_result {
    kad_model *model;
    double *theta;
    int64_t steps;
    bool finished_before;
    kad_evaluation evaluation;
} train_case_result;

void train_case_run(kad_ctx *ctx, const kad_run *run, const kad_config *config,
                    train_case_result *out);
/* The same where it may fail: `out` is then empty. */
kad_status train_case_try(kad_ctx *ctx, const kad_run *run, const kad_config *config,
                          train_case_result *out);
void train_case_clear(train_case_result *result);
/* The same parameters, bit for bit. */
void train_case_same(const train_case_result *a, const train_case_result *b);

#endif

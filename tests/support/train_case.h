/* Small trainings for tests. Every function fails the test on an error. */
#ifndef KAD_TESTS_TRAIN_CASE_H
#define KAD_TESTS_TRAIN_CASE_H

#include "train/trainer.h"

/* Overrides of the critical Ising dual on 4 x 4, batch 64; the first is lattice.shape. */
extern const char *const train_case_ising[];

/* A configuration from two NULL-terminated lists of overrides (more may be NULL). */
kad_config *train_case_config(kad_ctx *ctx, const char *const *base,
                              const char *const *more);
void train_case_run(kad_ctx *ctx, const kad_run *run, const kad_config *config,
                    kad_train_result *out);
/* The same parameters, bit for bit. */
void train_case_same(const kad_train_result *a, const kad_train_result *b);

#endif

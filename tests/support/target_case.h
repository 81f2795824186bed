/* Targets on which samplers must be right: actions on a few sites with means that are
 * known exactly, each with a map far from it, and exact draws of their fields. Every
 * function fails the test on an error. */
#ifndef KAD_TESTS_TARGET_CASE_H
#define KAD_TESTS_TARGET_CASE_H

#include "io/config.h"
#include "sample/sampler.h"
#include "tests/support/frozen_case.h"
#include "train/model.h"

enum { TARGET_VALUES = 5, TARGET_ROWS = 32, TARGET_DRAWS = 4096 };

typedef struct target target;
typedef struct target_kind {
    const char *name;
    const char *yaml;
    int n_train;  /* steps of training of the maps */
    double sigma; /* added to their parameters */
    kad_prec prec;
    bool frozen; /* S = -ln q of another map; the action only shapes the maps */
    double frozen_distance; /* of that map; 0: FROZEN_DISTANCE of target_case.c */
    const char *values[TARGET_VALUES];
    /* out: the values of one configuration x [n_rows] */
    void (*measure)(const target *t, const double *x, double *out);
    /* fills t->exact (and t->error where the reference has one) */
    void (*solve)(target *t);
    /* x [n_rows] of exact draw `number` */
    void (*draw)(const target *t, uint64_t number, double *x);
} target_kind;

/* The list ends with a NULL name. */
extern const target_kind target_kinds[];

struct target {
    const target_kind *kind;
    kad_ctx ctx;
    kad_schema schema;
    kad_config *config;
    kad_model *model;
    kad_map *map; /* for the samplers */
    const kad_action *action;
    size_t n_rows;
    double exact[TARGET_VALUES], error[TARGET_VALUES];
    /* frozen flows */
    kad_map *target_map;
    frozen frozen;
    double *x; /* [TARGET_DRAWS][n_rows] exact draws */
    /* of exact draws: cumulative weights of states, a square root of a covariance */
    double *cdf, *root;
};

void target_make(target *t, const target_kind *kind);
void target_clear(target *t);

/* The same target at another value of a coupling, and other exact draws (streams 1, 2,
 * ...); its means are exact where `solve` asks the action. Not of frozen flows. */
void target_at(const target *t, const char *key, double value, uint64_t stream,
               target *out);
void target_at_clear(target *t);

/* The target's configuration with one sampler: "sample: [{name: NAME, more}]". */
kad_config *target_config(target *t, const char *sampler, const char *more);

#endif

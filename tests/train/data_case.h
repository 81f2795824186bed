/* Samples of a free field on 4 x 4 sites, in a file to train on. Every function fails the test
 * on an error. */
#ifndef KAD_TESTS_DATA_CASE_H
#define KAD_TESTS_DATA_CASE_H

#include "io/config.h"
#include "tests/support/scratch.h"

enum { DATA_CASE_L = 4, DATA_CASE_N = DATA_CASE_L * DATA_CASE_L };

typedef struct data_case {
    kad_ctx ctx;
    scratch folder;
    char file[256], source[300]; /* the override that names it */
} data_case;

/* Entropy a site of the field, exactly. */
double data_case_entropy(void);
/* x_s = sum_k (cos + sin)(k.s) n_k / sqrt(N (khat^2 + 1)), an orthonormal basis: of the free
 * field's law, m = 1. */
void data_case_draw(uint64_t number, double *x);

/* A file with n samples of it; removed with the folder (scratch_remove). */
void data_case_open(data_case *f, size_t n);
/* The same samples, rounded to multiples of `step`. */
void data_case_round(data_case *f, size_t n, double step);
/* x [dims], n values, in its place. */
void data_case_write(data_case *f, const char *dataset, size_t n, int rank,
                     const size_t *dims, const double *x);

/* A configuration of the file, with overrides. */
kad_config *data_case_config(data_case *f, const char *const *more);
/* A training of it ends with that status, and one line that says `what`. */
void data_case_refuses(data_case *f, const char *const *more, kad_status want,
                       const char *what);

#endif

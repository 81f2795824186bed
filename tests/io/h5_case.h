/* Shared by the tests of HDF5 files: a context, a scratch folder, a file with some of
 * everything. */
#ifndef KAD_TESTS_H5_CASE_H
#define KAD_TESTS_H5_CASE_H

#include "io/h5.h"
#include "tests/support/claim.h"
#include "tests/support/scratch.h"

#define OK(expr)                                                  \
    do {                                                          \
        kad_status s_ = (expr);                                   \
        if (s_ != KAD_OK) fail_msg("%s: %s", #expr, ctx.message); \
    } while (0)

/* Of the tests of one program. */
extern kad_ctx ctx;
extern scratch folder;

enum { ROWS = 300, COLS = 40 };
extern const size_t big_dims[2];

/* Set-up and tear-down of a group of tests. */
int h5_set_up(void **state);
int h5_tear_down(void **state);

kad_h5 *sample_file(void);
/* All of it is as it was made. */
void check_sample(kad_h5 *file);
/* The status, and a fragment of its message. */
void expect(kad_status status, kad_status wanted, const char *fragment);

#endif

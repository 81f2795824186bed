/* NumPy's .npy: one array in C's order (numpy.lib.format, versions 1 to 3). */
#ifndef KAD_IMAGE_NPY_READ_H
#define KAD_IMAGE_NPY_READ_H

#include "base/memory.h"

#include <stdint.h>

enum { KAD_NPY_RANK = 6, KAD_NPY_MAGIC = 6, KAD_NPY_TYPE = 8 };

/* What the head of a file says of its array. */
typedef struct kad_npy {
    char type[KAD_NPY_TYPE]; /* "<f8", "|u1" */
    int rank;
    size_t dims[KAD_NPY_RANK];
    size_t n_head; /* bytes before the array's */
} kad_npy;

/* Is it one, by its first bytes? */
bool kad_npy_is(size_t n_head, const uint8_t *head);
/* Errors: KAD_ENOINPUT; KAD_EDATA (damaged, more axes than KAD_NPY_RANK, Fortran's order);
 * KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_npy_head(kad_ctx *ctx, const char *path, kad_npy *out);
/* The array's n numbers, n their product, of floats or whole-byte integers in the order of
 * this machine's bytes. Errors: KAD_EDATA (another type, a file that ends early or goes on),
 * KAD_ENOINPUT, KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_npy_read(kad_ctx *ctx, const char *path, const kad_npy *npy,
                                     size_t n, double *out);

#endif

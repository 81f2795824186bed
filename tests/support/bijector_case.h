/* One bijector instance under test: a stage on a lattice with random parameters, packed
 * in both precisions, and tiles that hold doubles whatever the kernel's precision. */
#ifndef KAD_TESTS_BIJECTOR_CASE_H
#define KAD_TESTS_BIJECTOR_CASE_H

#include "base/memory.h"
#include "flow/stage.h"

enum { N_LATTICES = 9 };

typedef struct instance {
    kad_ctx ctx;
    kad_lattice *lattice;
    kad_stage stage;
    char label[160]; /* "stencil variant 3 on 4x4" */
    double *theta;   /* [n_theta], initial values + 0.3 N(0, 1) */
    void *packed[2], *scratch[2];
} instance;

/* False: no such variant on this lattice. Fails the test on any other error. */
bool instance_open(instance *t, const kad_bijector_ops *ops, int i_lattice, int variant);
void instance_close(instance *t);
/* Pack theta + step * direction (direction NULL: theta) in both precisions. */
void instance_pack(instance *t, double step, const double *direction);

/* Standard normals, reproducible: stream `which`. Free with kad_free. */
double *normals(size_t n, uint32_t which);
/* Numbers of a tile in a precision. */
size_t tile_size(const instance *t, kad_prec prec);

/* An operation on doubles: x, g [n_rows][lanes of prec] and dtheta [n_theta] are
 * converted to the kernel's precision and back. g, dtheta, ld may be NULL (generate and
 * infer then get an ld of their own). */
typedef enum operation { GENERATE, INFER, GENERATE_ADJOINT, INFER_ADJOINT } operation;
void apply(const instance *t, operation op, kad_prec prec, double *x, double *g,
           double gl, double *dtheta, double *ld);

double max_abs_difference(size_t n, const double *a, const double *b);
double max_abs(size_t n, const double *a);

#endif

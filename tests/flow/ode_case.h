/* A continuous flow, alone, and its equation by plain sums over sites. */
#ifndef KAD_TESTS_ODE_CASE_H
#define KAD_TESTS_ODE_CASE_H

#include "flow/bijectors/ode.h"
#include "flow/bijectors/rk.h"

enum { W = KAD_W_DOUBLE, ODE_CASE_ROWS = 24 /* of the largest naive lattice */ };

/* A stage with parameters, packed in double, and a tile of normal numbers. */
typedef struct rig {
    kad_ctx ctx;
    kad_lattice *lattice;
    kad_stage stage;
    const kad_ode *s;
    size_t size;
    double *theta, *z, *x;
    void *packed, *scratch;
} rig;

kad_ode_options ode_case_options(int features, int time_modes, bool marks);
/* init's parameters plus `noise` times normal numbers. */
void rig_open_on(rig *r, int d, const int *shape, int n_comp, bool sublattice,
                 kad_ode_options o, double noise);
void rig_open_of(rig *r, int d, const int *shape, int n_comp, kad_ode_options o,
                 double noise);
void rig_open(rig *r, int d, const int *shape, kad_ode_options o, double noise);
void rig_close(rig *r);
/* x = generate(z) in n steps. */
void rig_generate(rig *r, int n, double *ld);
/* w_f(k; t) of a mode. */
double rig_weight(const rig *r, int f, int mode, double t);
/* The method's formulas, one step; integrals (NULL: not wanted) += those of |v|^2 and of the
 * Jacobian's norm. Returns ln|det|. */
double rig_naive_step(const rig *r, double t, double h, double *phi, double *integrals);
/* Case k of eighteen: dimensions, components 1 to 3, without marks and with them. */
void rig_case(rig *r, int k);

#endif

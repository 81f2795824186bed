/* What the kernels of the continuous flow (ode.h) share: parameters and scratch of a tile
 * of [n_sites][KAD_W], and the velocity with its adjoint (ode_velocity_kern.c), of which
 * the steps (ode_kern.c) are made. */
#ifndef KAD_FLOW_BIJECTORS_ODE_KERN_H
#define KAD_FLOW_BIJECTORS_ODE_KERN_H

#include "base/real.h"
#include "flow/bijectors/ode.h"
#include "flow/bijectors/rk.h"

/* Parameters, and the parts of the scratch. */
typedef struct kad_ode_work {
    const kad_stage *stage;
    const kad_ode *s;
    kad_ode_head head;
    int n, n_rows; /* components, rows of the stage's sites */
    int F, M;      /* features, modes of time */
    const real *omega, *weights, *marks;
    real *X[KAD_RK_STAGES], *K[KAD_RK_STAGES],
        *V[KAD_RK_STAGES];               /* states, slopes, velocities of a step */
    real *y, *r, *u, *gk, *modes, *back; /* tiles */
    real *sine, *x, *g;                  /* and the sublattice's field, cotangent */
    real *table, *dtable;                /* w_f(k; t) [n_orbits][F], and its cotangent */
    real *mean, *domega;                 /* W_f(0; t) [F] */
    real *dmarks;                        /* [F][n_marks] */
    real *gram;                          /* sum_x W_f(x) W_g(x) [F][F] */
    real *derivatives;                   /* of features at a site [F][2 KAD_W] */
    real *products;                      /* their sums over sites [F][F][KAD_V] */
    void *hartley;
} kad_ode_work;

static inline bool is_active(const kad_ode_work *w, int site)
{
    return !w->s->sublattice || !w->s->parity[site];
}

static inline bool is_active_row(const kad_ode_work *w, int row)
{
    return is_active(w, row / w->n);
}

/* out = velocity at x and t, zero where no site is active; div [KAD_NV] its divergence. */
void KR(kad_ode_velocity)(const kad_ode_work *w, double t, const real *x, real *out,
                          vreal *div);

/* norm [KAD_NV] = |dv/dphi|^2 at x and t, the sum over all pairs of rows. */
void KR(kad_ode_norm)(const kad_ode_work *w, double t, const real *x, vreal *norm);

/* out = cotangent of x, from gv of the velocity, gdiv, one number, of its divergence and
 * gnorm of its Jacobian's norm; dtheta (NULL: not wanted) += sign times the parameters'. */
void KR(kad_ode_velocity_adjoint)(const kad_ode_work *w, double t, const real *x,
                                  const real *gv, double gdiv, double gnorm, real *out,
                                  real *dtheta, real sign);

#endif

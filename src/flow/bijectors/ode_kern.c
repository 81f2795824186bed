/* Kernels of the continuous flow (ode.h): the steps of the Runge-Kutta method, their inverses
 * and adjoints, and the map that they make. */
#include "flow/bijectors/ode_kern.h"
#include "flow/lanes_kern.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* Corrections end where the largest residual of a lane is below ENOUGH of the size of what is
 * sought or given (a cotangent may be given as zero): a few tens of roundings. From the
 * step's own order of accuracy that takes one or two. What is beyond LOST after all of them
 * has no inverse that is known: the lane becomes NaN. */
#if KAD_PREC == 32
#define ENOUGH 2e-6f
#define LOST 1e-4f
enum { ONE_IS_ENOUGH = 1 };
#else
#define ENOUGH 2e-14
#define LOST 1e-10
enum { ONE_IS_ENOUGH = 0 };
#endif
enum { CORRECTIONS = 16, S = KAD_RK_STAGES };

typedef kad_ode_work work;

static work begin(const kad_stage *stage, const void *packed, void *scratch)
{
    const kad_ode *s = stage->self;
    const int n = stage->n_comp;
    const size_t tile = (size_t)(s->n_sites * n) * KAD_W;
    work w = {
        .stage = stage, .s = s, .F = s->n_features, .n = n, .n_rows = s->n_sites * n};
    real *at = scratch;
    w.M = s->options.time_modes;
    w.head = *(const kad_ode_head *)packed;
    w.omega = (const real *)((const char *)packed + KAD_ODE_HEAD_BYTES) + s->omega;
    w.weights = (const real *)((const char *)packed + KAD_ODE_HEAD_BYTES) + s->weights;
    w.marks = (const real *)((const char *)packed + KAD_ODE_HEAD_BYTES) + s->marks;
    for (int i = 0; i < S; i++, at += 3 * tile) {
        w.X[i] = at;
        w.K[i] = at + tile;
        w.V[i] = at + 2 * tile;
    }
    real **const tiles[] = {&w.y,    &w.r,    &w.u, &w.gk, &w.modes,
                            &w.back, &w.sine, &w.x, &w.g};
    for (int i = 0; i < 9; i++, at += tile)
        *tiles[i] = at;
    w.hartley = at;
    at +=
        kad_hartley_scratch_bytes(s->hartley, KAD_PREC == 32 ? KAD_SINGLE : KAD_DOUBLE) /
        sizeof(real);
    w.table = at;
    w.dtable = w.table + (size_t)s->modes.n_orbits * (size_t)w.F;
    w.mean = w.dtable + (size_t)s->modes.n_orbits * (size_t)w.F;
    w.domega = w.mean + w.F;
    w.dmarks = w.domega + w.F;
    at = w.dmarks + (size_t)w.F * (size_t)s->n_marks;
    w.derivatives = at + (-(uintptr_t)at / sizeof(real)) % (64 / sizeof(real));
    w.products = w.derivatives + (size_t)w.F * 2 * KAD_W;
    w.gram = w.products + (size_t)w.F * (size_t)w.F * KAD_V;
    return w;
}

static void pack(const kad_stage *stage, const double *theta, void *packed)
{
    const kad_ode *s = stage->self;
    real *to = (real *)((char *)packed + KAD_ODE_HEAD_BYTES);
    *(kad_ode_head *)packed =
        (kad_ode_head){.steps = s->options.steps > 0 ? s->options.steps : 16};
    for (size_t i = 0; i < stage->n_theta; i++)
        to[i] = (real)theta[i];
}

/* ---- one step -----------------------------------------------------------------------*/

/* out = x + sum_j factor[j] k[j], j < n; out may be x. */
static void combine(const work *w, const real *x, int n, const real *factor,
                    real *const *k, real *out)
{
    for (ptrdiff_t i = 0; i < (ptrdiff_t)w->n_rows * KAD_NV; i++) {
        vreal sum = ((const vreal *)x)[i];
        for (int j = 0; j < n; j++)
            sum += factor[j] * ((const vreal *)k[j])[i];
        ((vreal *)out)[i] = sum;
    }
}

static int scaled(int n, double h, const double *row, real *out)
{
    for (int j = 0; j < n; j++)
        out[j] = (real)(h * row[j]);
    return n;
}

/* out = the step from x; ld [KAD_NV] (NULL: not wanted) the integral of the divergence.
 * Leaves the stages in w->X, their velocities in w->V. out may be x. */
static void step(const work *w, const real *x, double t, double h, real *out, vreal *ld)
{
    const kad_rk *rk = &kad_rk_method;
    real factor[S];
    for (int v = 0; ld && v < KAD_NV; v++)
        ld[v] = kad_vset(0);
    for (int i = 0; i < S; i++) {
        vreal div[KAD_NV];
        combine(w, x, scaled(i, h, rk->a[i], factor), factor, w->V, w->X[i]);
        KR(kad_ode_velocity)(w, t + rk->c[i] * h, w->X[i], w->V[i], div);
        for (int v = 0; ld && v < KAD_NV; v++)
            ld[v] += (real)(h * rk->b[i]) * div[v];
    }
    combine(w, x, scaled(S, h, rk->b, factor), factor, w->V, out);
}

/* One in the lanes where max |r| is at most `enough` of max |y| and |x|; NaN is not. */
static void are_small(const work *w, const real *y, const real *x, const real *r,
                      real enough, vreal *small)
{
    vreal size[KAD_NV], rest[KAD_NV], nan[KAD_NV];
    for (int v = 0; v < KAD_NV; v++)
        size[v] = rest[v] = nan[v] = kad_vset(0);
    for (int i = 0; i < w->n_rows; i++)
        for (int v = 0; v < KAD_NV; v++) {
            const ptrdiff_t at = (ptrdiff_t)i * KAD_NV + v;
            if (!is_active_row(w, i)) continue;
            size[v] = kad_vmax(size[v], kad_vabs(((const vreal *)y)[at]));
            size[v] = kad_vmax(size[v], kad_vabs(((const vreal *)x)[at]));
            rest[v] = kad_vmax(rest[v], kad_vabs(((const vreal *)r)[at]));
            nan[v] += 0 * ((const vreal *)r)[at];
        }
    for (int v = 0; v < KAD_NV; v++) { /* the least number: 0 is as small as 0 */
        const vreal most = enough * size[v] + (real)1e-37;
        small[v] = kad_vselect(kad_vlt(rest[v] + nan[v], most), kad_vset(1), kad_vset(0));
    }
}

/* Lanes of x whose last residual r is not small against y are NaN. */
static void drop_lost(const work *w, const real *y, const real *r, real *x)
{
    vreal found[KAD_NV];
    are_small(w, y, x, r, LOST, found);
    for (int v = 0; v < KAD_NV; v++) {
        const kad_vmask lost = kad_vlt(found[v], kad_vset(1));
        for (int i = 0; i < w->n_rows; i++) {
            vreal *here = (vreal *)x + (ptrdiff_t)i * KAD_NV + v;
            if (is_active_row(w, i))
                *here = kad_vselect(lost, kad_vset((real)NAN), *here);
        }
    }
}

/* x += r in the lanes where r is not yet negligible against y; true if there is one. Lane
 * by lane, so that no sample depends on the others of its tile. */
static bool correct(const work *w, const real *y, const real *r, real *x)
{
    vreal keep[KAD_NV];
    uint32_t any = 0;
    are_small(w, y, x, r, ENOUGH, keep);
    for (int v = 0; v < KAD_NV; v++) {
        any |= kad_vmask_bits(kad_vlt(keep[v], kad_vset(1)));
        keep[v] = 1 - keep[v];
    }
    for (int i = 0; any && i < w->n_rows; i++)
        for (int v = 0; v < KAD_NV; v++) {
            const ptrdiff_t at = (ptrdiff_t)i * KAD_NV + v;
            if (is_active_row(w, i))
                ((vreal *)x)[at] += kad_vselect(kad_vgt(keep[v], kad_vset(0)),
                                                ((const vreal *)r)[at], kad_vset(0));
        }
    return any != 0;
}

/* r = a - r. */
static void residual(const work *w, const real *a, real *r)
{
    for (ptrdiff_t i = 0; i < (ptrdiff_t)w->n_rows * KAD_NV; i++)
        ((vreal *)r)[i] = ((const vreal *)a)[i] - ((const vreal *)r)[i];
}

/* The x whose step is y, in place of it; ld and w->X are those of that step. A step
 * backwards misses by the order of the method. What the step from there misses is added to
 * x, where one such correction is enough, else to what is stepped back from. */
static void step_back(const work *w, real *x, double t, double h, vreal *ld)
{
    const size_t bytes = (size_t)w->n_rows * KAD_ROW_BYTES;
    memcpy(w->y, x, bytes);
    memcpy(w->u, x, bytes);
    step(w, w->u, t + h, -h, x, NULL);
    for (int i = 0;; i++) {
        step(w, x, t, h, w->r, ld);
        residual(w, w->y, w->r);
        if (i == CORRECTIONS) {
            drop_lost(w, w->y, w->r, x);
            break;
        }
        if (!correct(w, w->y, w->r, ONE_IS_ENOUGH ? x : w->u)) break;
        if (!ONE_IS_ENOUGH) step(w, w->u, t + h, -h, x, NULL);
    }
}

/* out = J^T g + gl grad(ld) + penalty grad(R) of the step with stages w->X and velocities
 * w->V, R the step's part of the penalties (ode.h); out is not g. */
static void step_adjoint(const work *w, double t, double h, const real *g, double gl,
                         double penalty, real *out, real *dtheta, real sign)
{
    const kad_rk *rk = &kad_rk_method;
    const size_t bytes = (size_t)w->n_rows * KAD_ROW_BYTES;
    memcpy(out, g, bytes);
    for (int i = S - 1; i >= 0; i--) {
        real factor[S], one[] = {1};
        const real own = (real)(h * rk->b[i]);
        for (int j = i + 1; j < S; j++)
            factor[j] = (real)(h * rk->a[j][i]);
        for (ptrdiff_t k = 0; k < (ptrdiff_t)w->n_rows * KAD_NV; k++)
            ((vreal *)w->gk)[k] = own * ((const vreal *)g)[k];
        combine(w, w->gk, S - i - 1, factor + i + 1, w->K + i + 1, w->gk);
        const real speed = (real)(2 * penalty * w->head.kinetic * h * rk->b[i]);
        if (speed != 0) combine(w, w->gk, 1, &speed, w->V + i, w->gk);
        KR(kad_ode_velocity_adjoint)
        (w, t + rk->c[i] * h, w->X[i], w->gk, gl * h * rk->b[i],
         penalty * w->head.jacobian * h * rk->b[i], w->K[i], dtheta, sign);
        combine(w, out, 1, one, w->K + i, out);
    }
}

/* out = g carried over the step by the equation of the cotangent, du/dt = -J^T u -
 * gl grad div - penalty grad dR/dt, at the stages of the step. */
static void carry_cotangent(const work *w, double t, double h, const real *g, double gl,
                            double penalty, real *out)
{
    const kad_rk *rk = &kad_rk_method;
    real factor[S];
    for (int i = 0; i < S; i++) {
        const real speed = (real)(2 * penalty * w->head.kinetic);
        combine(w, g, scaled(i, -h, rk->a[i], factor), factor, w->K, w->gk);
        if (speed != 0) combine(w, w->gk, 1, &speed, w->V + i, w->gk);
        KR(kad_ode_velocity_adjoint)
        (w, t + rk->c[i] * h, w->X[i], w->gk, gl, penalty * w->head.jacobian, w->K[i],
         NULL, 1);
    }
    combine(w, g, scaled(S, -h, rk->b, factor), factor, w->K, out);
}

/* The u whose step_adjoint is g, in place of it, as in step_back. */
static void step_adjoint_back(const work *w, double t, double h, real *g, double gl,
                              double penalty)
{
    const size_t bytes = (size_t)w->n_rows * KAD_ROW_BYTES;
    memcpy(w->y, g, bytes);
    memcpy(w->u, g, bytes);
    carry_cotangent(w, t, h, w->u, gl, penalty, g);
    for (int i = 0;; i++) {
        step_adjoint(w, t, h, g, gl, penalty, w->r, NULL, 1);
        residual(w, w->y, w->r);
        if (i == CORRECTIONS) {
            drop_lost(w, w->y, w->r, g);
            break;
        }
        if (!correct(w, w->y, w->r, ONE_IS_ENOUGH ? g : w->u)) break;
        if (!ONE_IS_ENOUGH) carry_cotangent(w, t, h, w->u, gl, penalty, g);
    }
}

/* ---- the map ------------------------------------------------------------------------*/

static void add_ld(double *ld, double sign, const vreal *part)
{
    for (int v = 0; ld && v < KAD_NV; v++)
        kad_lanes_ld(ld + v * KAD_V, sign, part[v]);
}

/* Rows of the sublattice, if there is one, in a tile of their own, and back. */
static real *take(const work *w, void *tile, real *own)
{
    if (w->s->site == NULL) return tile;
    const size_t n = (size_t)w->n * KAD_W;
    for (int i = 0; i < w->s->n_sites; i++)
        memcpy(own + (size_t)i * n, (real *)tile + (size_t)w->s->site[i] * n,
               n * sizeof(real));
    return own;
}

static void put_back(const work *w, const real *own, void *tile)
{
    const size_t n = (size_t)w->n * KAD_W;
    for (int i = 0; w->s->site != NULL && i < w->s->n_sites; i++)
        memcpy((real *)tile + (size_t)w->s->site[i] * n, own + (size_t)i * n,
               n * sizeof(real));
}

/* Integrals of the step with stages w->X and velocities w->V, added lane by lane. */
static void add_penalties(const work *w, double t, double h, double *kinetic,
                          double *jacobian)
{
    const kad_rk *rk = &kad_rk_method;
    for (int i = 0; i < S; i++) {
        vreal speed[KAD_NV], norm[KAD_NV];
        KR(kad_ode_norm)(w, t + rk->c[i] * h, w->X[i], norm);
        for (int v = 0; v < KAD_NV; v++)
            speed[v] = kad_vset(0);
        for (ptrdiff_t k = 0; k < (ptrdiff_t)w->n_rows * KAD_NV; k++) {
            const vreal a = ((const vreal *)w->V[i])[k];
            speed[k % KAD_NV] += a * a;
        }
        for (int v = 0; v < KAD_NV; v++) {
            kad_lanes_ld(kinetic + v * KAD_V, h * rk->b[i], speed[v]);
            kad_lanes_ld(jacobian + v * KAD_V, h * rk->b[i], norm[v]);
        }
    }
}

/* kinetic, jacobian: NULL where not wanted. */
static void forwards(const kad_stage *stage, const void *packed, void *x, double *ld,
                     double *kinetic, double *jacobian, void *scratch)
{
    const work w = begin(stage, packed, scratch);
    const double h = 1.0 / w.head.steps;
    real *own = take(&w, x, w.x);
    for (int i = 0; i < w.head.steps; i++) {
        vreal part[KAD_NV];
        step(&w, own, i * h, h, own, part);
        add_ld(ld, 1, part);
        if (kinetic) add_penalties(&w, i * h, h, kinetic, jacobian);
    }
    put_back(&w, own, x);
}

static void generate(const kad_stage *stage, const void *packed, void *x, double *ld,
                     void *scratch)
{
    forwards(stage, packed, x, ld, NULL, NULL, scratch);
}

void KR(kad_ode_path)(const kad_stage *stage, const void *packed, void *x, double *ld,
                      double *kinetic, double *jacobian, void *scratch)
{
    forwards(stage, packed, x, ld, kinetic, jacobian, scratch);
}

static void infer(const kad_stage *stage, const void *packed, void *x, double *ld,
                  void *scratch)
{
    const work w = begin(stage, packed, scratch);
    const double h = 1.0 / w.head.steps;
    real *own = take(&w, x, w.x);
    for (int i = w.head.steps - 1; i >= 0; i--) {
        vreal part[KAD_NV];
        step_back(&w, own, i * h, h, part);
        add_ld(ld, -1, part);
    }
    put_back(&w, own, x);
}

void KR(kad_ode_back)(const kad_stage *stage, const void *packed, void *x, double *ld,
                      void *scratch)
{
    const work w = begin(stage, packed, scratch);
    const double h = 1.0 / w.head.steps;
    real *own = take(&w, x, w.x);
    for (int i = w.head.steps; i > 0; i--) {
        vreal part[KAD_NV];
        step(&w, own, i * h, -h, own, part);
        add_ld(ld, 1, part); /* h is negative */
    }
    put_back(&w, own, x);
}

static void generate_adjoint(const kad_stage *stage, const void *packed, void *x, void *g,
                             double gl, void *dtheta, double *ld, void *scratch)
{
    const work w = begin(stage, packed, scratch);
    const double h = 1.0 / w.head.steps;
    real *own = take(&w, x, w.x), *cotangent = take(&w, g, w.g);
    for (int i = w.head.steps - 1; i >= 0; i--) {
        vreal part[KAD_NV];
        step_back(&w, own, i * h, h, part);
        add_ld(ld, -1, part);
        step_adjoint(&w, i * h, h, cotangent, gl, dtheta != NULL, w.u, dtheta, 1);
        memcpy(cotangent, w.u, (size_t)w.n_rows * KAD_ROW_BYTES);
    }
    put_back(&w, own, x);
    put_back(&w, cotangent, g);
}

/* l depends on z = step^-1(y) and on ln|det dz/dy| = -ld(z): with u = dl/dy,
 * J^T u + gl grad ld = dl/dz + grad R, where R counts. */
static void infer_adjoint(const kad_stage *stage, const void *packed, void *x, void *g,
                          double gl, void *dtheta, double *ld, void *scratch)
{
    const work w = begin(stage, packed, scratch);
    const double h = 1.0 / w.head.steps;
    real *own = take(&w, x, w.x), *cotangent = take(&w, g, w.g);
    for (int i = 0; i < w.head.steps; i++) {
        vreal part[KAD_NV];
        step(&w, own, i * h, h, own, part);
        add_ld(ld, 1, part);
        step_adjoint_back(&w, i * h, h, cotangent, gl, dtheta ? -1 : 0);
        if (dtheta) step_adjoint(&w, i * h, h, cotangent, gl, -1, w.r, dtheta, -1);
    }
    put_back(&w, own, x);
    put_back(&w, cotangent, g);
}

const kad_bijector_kern KR(kad_ode_kern) = {
    .pack = pack,
    .generate = generate,
    .infer = infer,
    .generate_adjoint = generate_adjoint,
    .infer_adjoint = infer_adjoint,
};

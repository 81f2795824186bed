/* Kernels of the continuous flow (ode.h): the velocity and its adjoint, the steps of the
 * Runge-Kutta method, their inverses and adjoints. Everything is a pass over a tile of
 * [n_sites][KAD_W]; features are made, transformed and summed one after the other, so that
 * few tiles are in use at a time. */
#include "flow/bijectors/ode.h"

#include "base/vtrig.h"
#include "flow/bijectors/rk.h"
#include "flow/lanes_kern.h"

#include <math.h>
#include <string.h>

/* Corrections end where the largest residual of a lane is below ENOUGH of its size: a few
 * tens of roundings. From the step's own order of accuracy that takes one or two. What is
 * beyond LOST after all of them has no inverse that is known: the lane becomes NaN. */
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

/* Parameters, and the parts of the scratch. */
typedef struct work {
    const kad_stage *stage;
    const kad_ode *s;
    int n_steps, F, M; /* features, modes of time */
    const real *omega, *weights, *marks;
    real *X[S], *K[S];                   /* states and slopes of a step */
    real *y, *r, *u, *gk, *modes, *back; /* tiles */
    real *sine, *x, *g;                  /* and the sublattice's field, cotangent */
    real *table, *dtable;                /* w_f(k; t) [n_orbits][F], and its cotangent */
    real *mean, *domega;                 /* W_f(0; t) [F] */
    real *dmarks;                        /* [F][n_marks] */
    void *hartley;
} work;

static work begin(const kad_stage *stage, const void *packed, void *scratch)
{
    const kad_ode *s = stage->self;
    const size_t tile = (size_t)s->n_sites * KAD_W;
    work w = {.stage = stage, .s = s, .F = s->n_features};
    real *at = scratch;
    w.M = s->options.time_modes;
    w.n_steps = ((const kad_ode_head *)packed)->steps;
    w.omega = (const real *)((const char *)packed + KAD_ODE_HEAD_BYTES) + s->omega;
    w.weights = (const real *)((const char *)packed + KAD_ODE_HEAD_BYTES) + s->weights;
    w.marks = (const real *)((const char *)packed + KAD_ODE_HEAD_BYTES) + s->marks;
    for (int i = 0; i < S; i++, at += 2 * tile) {
        w.X[i] = at;
        w.K[i] = at + tile;
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
    return w;
}

static void pack(const kad_stage *stage, const double *theta, void *packed)
{
    const kad_ode *s = stage->self;
    real *to = (real *)((char *)packed + KAD_ODE_HEAD_BYTES);
    ((kad_ode_head *)packed)->steps = s->options.steps > 0 ? s->options.steps : 16;
    for (size_t i = 0; i < stage->n_theta; i++)
        to[i] = (real)theta[i];
}

static void transform(const work *w, real *x)
{
    KR(kad_hartley_apply)(w->s->hartley, x, w->hartley);
}

static bool is_active(const work *w, int site)
{
    return !w->s->sublattice || !w->s->parity[site];
}

static void clear_inactive(const work *w, real *x)
{
    for (int i = 0; w->s->sublattice && i < w->s->n_sites; i++)
        if (w->s->parity[i]) memset(x + (size_t)i * KAD_W, 0, KAD_ROW_BYTES);
}

/* w_f(k; t) and W_f(0; t). */
static void set_tables(const work *w, double t)
{
    const kad_modes *modes = &w->s->modes;
    const double norm = 1.0 / w->s->n_sites;
    real cosine[KAD_ODE_TIME_MODES];
    for (int m = 0; m < w->M; m++)
        cosine[m] = (real)cos(m * M_PI * t);
    memset(w->mean, 0, (size_t)w->F * sizeof(real));
    for (int o = 0; o < modes->n_orbits; o++) {
        const real share = (real)(norm * (modes->first[o + 1] - modes->first[o]));
        for (int f = 0; f < w->F; f++) {
            const real *from =
                w->weights + ((size_t)o * (size_t)w->F + (size_t)f) * (size_t)w->M;
            real sum = 0;
            for (int m = 0; m < w->M; m++)
                sum += cosine[m] * from[m];
            w->table[o * w->F + f] = sum;
            w->mean[f] += share * sum;
        }
    }
}

/* to (+)= w_f(k) from, mode by mode. */
static void filter(const work *w, int f, bool add, const real *from, real *to)
{
    const int *orbit = w->s->modes.orbit_of;
    const vreal *a = (const vreal *)from;
    vreal *b = (vreal *)to;
    for (int k = 0; k < w->s->n_sites; k++, a += KAD_NV, b += KAD_NV) {
        const real factor = w->table[orbit[k] * w->F + f];
        for (int v = 0; v < KAD_NV; v++)
            b[v] = add ? b[v] + factor * a[v] : factor * a[v];
    }
}

/* b_f of a site. */
static real mark_of(const work *w, int f, int site)
{
    return w->s->n_marks > 1 ? w->marks[f * w->s->n_marks + w->s->mark[site]] : RC(1.0);
}

/* sum_x b_f(c(x)): that of the slopes of a linear feature. */
static real sum_of_marks(const work *w, int f)
{
    real sum = 0;
    if (w->s->n_marks == 1) return (real)w->s->n_active;
    for (int c = 0; c < w->s->n_marks; c++)
        sum += (real)w->s->n_marked[c] * w->marks[f * w->s->n_marks + c];
    return sum;
}

/* w->sine = a feature of x; div += W_f(0; t) times the sum of its slopes. */
static void make_feature(const work *w, int f, const real *x, vreal *div)
{
    const bool linear = f < w->s->n_linear;
    const real omega = linear ? 0 : w->omega[f - w->s->n_linear],
               slope = w->mean[f] * omega;
    for (int i = 0; i < w->s->n_sites; i++) {
        const vreal *from = (const vreal *)x + (ptrdiff_t)i * KAD_NV;
        vreal *to = (vreal *)w->sine + (ptrdiff_t)i * KAD_NV;
        if (!is_active(w, i)) {
            memset(to, 0, KAD_ROW_BYTES);
            continue;
        }
        const real b = mark_of(w, f, i);
        for (int v = 0; v < KAD_NV; v++) {
            vreal sine = from[v], cosine;
            if (!linear) {
                kad_vsincos(omega * from[v], &sine, &cosine);
                div[v] += slope * b * cosine;
            }
            to[v] = b * sine;
        }
    }
    for (int v = 0; linear && v < KAD_NV; v++)
        div[v] += w->mean[f] * sum_of_marks(w, f);
}

/* v = velocity at x and t; div its divergence. */
static void velocity(const work *w, double t, const real *x, real *out, vreal *div)
{
    set_tables(w, t);
    for (int v = 0; v < KAD_NV; v++)
        div[v] = kad_vset(0);
    for (int f = 0; f < w->F; f++) {
        make_feature(w, f, x, div);
        transform(w, w->sine);
        filter(w, f, f > 0, w->sine, out);
    }
    transform(w, out);
    clear_inactive(w, out);
}

/* ---- adjoint of the velocity --------------------------------------------------------*/

/* Cotangent of w_f(k): sum over an orbit and the lanes of modes * features, and what div
 * adds to every mode. */
static void add_table(const work *w, int f, const real *features, real of_div)
{
    const kad_modes *m = &w->s->modes;
    for (int o = 0; o < m->n_orbits; o++) {
        vreal sum = {0};
        for (int i = m->first[o]; i < m->first[o + 1]; i++) {
            const vreal *a = (const vreal *)w->modes + (ptrdiff_t)m->mode[i] * KAD_NV;
            const vreal *b = (const vreal *)features + (ptrdiff_t)m->mode[i] * KAD_NV;
            for (int v = 0; v < KAD_NV; v++)
                sum += a[v] * b[v];
        }
        w->dtable[o * w->F + f] =
            kad_lanes_sum(&sum) + of_div * (real)(m->first[o + 1] - m->first[o]);
    }
}

/* One feature: out += its part of the cotangent of x, from that of its transform in
 * w->back. */
static void feature_adjoint(const work *w, int f, const real *x, real gdiv, bool theta,
                            real *out)
{
    const kad_ode *s = w->s;
    const bool linear = f < s->n_linear;
    const real omega = linear ? 0 : w->omega[f - s->n_linear], slope = gdiv * w->mean[f],
               bend = slope * omega * omega;
    vreal domega = {0}, sum = {0}, dmark[1 << KAD_MAX_DIM] = {{0}};
    for (int i = 0; i < s->n_sites; i++) {
        const ptrdiff_t at = (ptrdiff_t)i * KAD_NV;
        const vreal *phi = (const vreal *)x + at, *u = (const vreal *)w->back + at;
        vreal *sine = (vreal *)w->sine + at, *to = (vreal *)out + at;
        if (!is_active(w, i)) {
            memset(sine, 0, KAD_ROW_BYTES);
            continue;
        }
        const real b = mark_of(w, f, i);
        const int c = s->mark[i];
        for (int v = 0; v < KAD_NV; v++) {
            vreal value = phi[v], cosine;
            if (linear) {
                to[v] += b * u[v];
                dmark[c] += u[v] * value + slope;
            } else {
                kad_vsincos(omega * phi[v], &value, &cosine);
                to[v] += b * (omega * u[v] * cosine - bend * value);
                domega += b * (u[v] * phi[v] * cosine +
                               slope * (cosine - omega * phi[v] * value));
                sum += b * cosine;
                dmark[c] += u[v] * value + slope * omega * cosine;
            }
            sine[v] = b * value;
        }
    }
    if (!theta) return;
    const real slopes = linear ? sum_of_marks(w, f) * KAD_W : omega * kad_lanes_sum(&sum);
    w->domega[f] = kad_lanes_sum(&domega);
    for (int c = 0; c < s->n_marks; c++)
        w->dmarks[f * s->n_marks + c] = kad_lanes_sum(&dmark[c]);
    transform(w, w->sine);
    add_table(w, f, w->sine, gdiv * slopes / (real)s->n_sites);
}

/* dtheta += sign times the cotangents of tables, frequencies and marks. */
static void add_theta(const work *w, double t, real sign, real *dtheta)
{
    const kad_ode *s = w->s;
    real *weights = dtheta + s->weights;
    for (int f = s->n_linear; f < w->F; f++)
        dtheta[s->omega + (size_t)(f - s->n_linear)] += sign * w->domega[f];
    for (int i = 0; s->n_marks > 1 && i < w->F * s->n_marks; i++)
        dtheta[s->marks + (size_t)i] += sign * w->dmarks[i];
    for (int m = 0; m < w->M; m++) {
        const real factor = sign * (real)cos(m * M_PI * t);
        for (int i = 0; i < s->modes.n_orbits * w->F; i++)
            weights[i * w->M + m] += factor * w->dtable[i];
    }
}

/* out = cotangent of x, from gv of the velocity and gdiv, one number, of its divergence;
 * dtheta (NULL: not wanted) += sign times the parameters'. */
static void velocity_adjoint(const work *w, double t, const real *x, const real *gv,
                             double gdiv, real *out, real *dtheta, real sign)
{
    const size_t bytes = (size_t)w->s->n_sites * KAD_ROW_BYTES;
    set_tables(w, t);
    memcpy(w->modes, gv, bytes);
    memset(out, 0, bytes);
    clear_inactive(w, w->modes);
    transform(w, w->modes);
    for (int f = 0; f < w->F; f++) {
        filter(w, f, false, w->modes, w->back);
        transform(w, w->back);
        feature_adjoint(w, f, x, (real)gdiv, dtheta != NULL, out);
    }
    if (dtheta) add_theta(w, t, sign, dtheta);
}

/* ---- one step -----------------------------------------------------------------------*/

/* out = x + sum_j factor[j] k[j], j < n; out may be x. */
static void combine(const work *w, const real *x, int n, const real *factor,
                    real *const *k, real *out)
{
    for (ptrdiff_t i = 0; i < (ptrdiff_t)w->s->n_sites * KAD_NV; i++) {
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
 * Leaves the stages in w->X. out may be x. */
static void step(const work *w, const real *x, double t, double h, real *out, vreal *ld)
{
    const kad_rk *rk = &kad_rk_method;
    real factor[S];
    for (int v = 0; ld && v < KAD_NV; v++)
        ld[v] = kad_vset(0);
    for (int i = 0; i < S; i++) {
        vreal div[KAD_NV];
        combine(w, x, scaled(i, h, rk->a[i], factor), factor, w->K, w->X[i]);
        velocity(w, t + rk->c[i] * h, w->X[i], w->K[i], div);
        for (int v = 0; ld && v < KAD_NV; v++)
            ld[v] += (real)(h * rk->b[i]) * div[v];
    }
    combine(w, x, scaled(S, h, rk->b, factor), factor, w->K, out);
}

/* One in the lanes where max |r| is at most `enough` of max |y|; NaN is not. */
static void are_small(const work *w, const real *y, const real *r, real enough,
                      vreal *small)
{
    vreal size[KAD_NV], rest[KAD_NV], nan[KAD_NV];
    for (int v = 0; v < KAD_NV; v++)
        size[v] = rest[v] = nan[v] = kad_vset(0);
    for (int i = 0; i < w->s->n_sites; i++)
        for (int v = 0; v < KAD_NV; v++) {
            const ptrdiff_t at = (ptrdiff_t)i * KAD_NV + v;
            if (!is_active(w, i)) continue;
            size[v] = kad_vmax(size[v], kad_vabs(((const vreal *)y)[at]));
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
    are_small(w, y, r, LOST, found);
    for (int v = 0; v < KAD_NV; v++) {
        const kad_vmask lost = kad_vlt(found[v], kad_vset(1));
        for (int i = 0; i < w->s->n_sites; i++) {
            vreal *here = (vreal *)x + (ptrdiff_t)i * KAD_NV + v;
            if (is_active(w, i)) *here = kad_vselect(lost, kad_vset((real)NAN), *here);
        }
    }
}

/* x += r in the lanes where r is not yet negligible against y; true if there is one. Lane
 * by lane, so that no sample depends on the others of its tile. */
static bool correct(const work *w, const real *y, const real *r, real *x)
{
    vreal keep[KAD_NV];
    uint32_t any = 0;
    const int n = w->s->n_sites;
    are_small(w, y, r, ENOUGH, keep);
    for (int v = 0; v < KAD_NV; v++) {
        any |= kad_vmask_bits(kad_vlt(keep[v], kad_vset(1)));
        keep[v] = 1 - keep[v];
    }
    for (int i = 0; any && i < n; i++)
        for (int v = 0; v < KAD_NV; v++) {
            const ptrdiff_t at = (ptrdiff_t)i * KAD_NV + v;
            if (is_active(w, i))
                ((vreal *)x)[at] += kad_vselect(kad_vgt(keep[v], kad_vset(0)),
                                                ((const vreal *)r)[at], kad_vset(0));
        }
    return any != 0;
}

/* r = a - r. */
static void residual(const work *w, const real *a, real *r)
{
    for (ptrdiff_t i = 0; i < (ptrdiff_t)w->s->n_sites * KAD_NV; i++)
        ((vreal *)r)[i] = ((const vreal *)a)[i] - ((const vreal *)r)[i];
}

/* The x whose step is y, in place of it; ld and w->X are those of that step. A step
 * backwards misses by the order of the method. What the step from there misses is added to
 * x, where one such correction is enough, else to what is stepped back from. */
static void step_back(const work *w, real *x, double t, double h, vreal *ld)
{
    const size_t bytes = (size_t)w->s->n_sites * KAD_ROW_BYTES;
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

/* out = J^T g + gl grad(ld) of the step with stages w->X; out is not g. */
static void step_adjoint(const work *w, double t, double h, const real *g, double gl,
                         real *out, real *dtheta, real sign)
{
    const kad_rk *rk = &kad_rk_method;
    const size_t bytes = (size_t)w->s->n_sites * KAD_ROW_BYTES;
    memcpy(out, g, bytes);
    for (int i = S - 1; i >= 0; i--) {
        real factor[S], one[] = {1};
        const real own = (real)(h * rk->b[i]);
        for (int j = i + 1; j < S; j++)
            factor[j] = (real)(h * rk->a[j][i]);
        for (ptrdiff_t k = 0; k < (ptrdiff_t)w->s->n_sites * KAD_NV; k++)
            ((vreal *)w->gk)[k] = own * ((const vreal *)g)[k];
        combine(w, w->gk, S - i - 1, factor + i + 1, w->K + i + 1, w->gk);
        velocity_adjoint(w, t + rk->c[i] * h, w->X[i], w->gk, gl * h * rk->b[i], w->K[i],
                         dtheta, sign);
        combine(w, out, 1, one, w->K + i, out);
    }
}

/* out = g carried over the step by the equation of the cotangent, du/dt = -J^T u -
 * gl grad div, at the stages of the step. */
static void carry_cotangent(const work *w, double t, double h, const real *g, double gl,
                            real *out)
{
    const kad_rk *rk = &kad_rk_method;
    real factor[S];
    for (int i = 0; i < S; i++) {
        combine(w, g, scaled(i, -h, rk->a[i], factor), factor, w->K, w->gk);
        velocity_adjoint(w, t + rk->c[i] * h, w->X[i], w->gk, gl, w->K[i], NULL, 1);
    }
    combine(w, g, scaled(S, -h, rk->b, factor), factor, w->K, out);
}

/* The u whose step_adjoint is g, in place of it, as in step_back. */
static void step_adjoint_back(const work *w, double t, double h, real *g, double gl)
{
    const size_t bytes = (size_t)w->s->n_sites * KAD_ROW_BYTES;
    memcpy(w->y, g, bytes);
    memcpy(w->u, g, bytes);
    carry_cotangent(w, t, h, w->u, gl, g);
    for (int i = 0;; i++) {
        step_adjoint(w, t, h, g, gl, w->r, NULL, 1);
        residual(w, w->y, w->r);
        if (i == CORRECTIONS) {
            drop_lost(w, w->y, w->r, g);
            break;
        }
        if (!correct(w, w->y, w->r, ONE_IS_ENOUGH ? g : w->u)) break;
        if (!ONE_IS_ENOUGH) carry_cotangent(w, t, h, w->u, gl, g);
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
    for (int i = 0; i < w->s->n_sites; i++)
        memcpy(own + (size_t)i * KAD_W, (real *)tile + (size_t)w->s->site[i] * KAD_W,
               KAD_ROW_BYTES);
    return own;
}

static void put_back(const work *w, const real *own, void *tile)
{
    for (int i = 0; w->s->site != NULL && i < w->s->n_sites; i++)
        memcpy((real *)tile + (size_t)w->s->site[i] * KAD_W, own + (size_t)i * KAD_W,
               KAD_ROW_BYTES);
}

static void generate(const kad_stage *stage, const void *packed, void *x, double *ld,
                     void *scratch)
{
    const work w = begin(stage, packed, scratch);
    const double h = 1.0 / w.n_steps;
    real *own = take(&w, x, w.x);
    for (int i = 0; i < w.n_steps; i++) {
        vreal part[KAD_NV];
        step(&w, own, i * h, h, own, part);
        add_ld(ld, 1, part);
    }
    put_back(&w, own, x);
}

static void infer(const kad_stage *stage, const void *packed, void *x, double *ld,
                  void *scratch)
{
    const work w = begin(stage, packed, scratch);
    const double h = 1.0 / w.n_steps;
    real *own = take(&w, x, w.x);
    for (int i = w.n_steps - 1; i >= 0; i--) {
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
    const double h = 1.0 / w.n_steps;
    real *own = take(&w, x, w.x);
    for (int i = w.n_steps; i > 0; i--) {
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
    const double h = 1.0 / w.n_steps;
    real *own = take(&w, x, w.x), *cotangent = take(&w, g, w.g);
    for (int i = w.n_steps - 1; i >= 0; i--) {
        vreal part[KAD_NV];
        step_back(&w, own, i * h, h, part);
        add_ld(ld, -1, part);
        step_adjoint(&w, i * h, h, cotangent, gl, w.u, dtheta, 1);
        memcpy(cotangent, w.u, (size_t)w.s->n_sites * KAD_ROW_BYTES);
    }
    put_back(&w, own, x);
    put_back(&w, cotangent, g);
}

/* l depends on z = step^-1(y) and on ln|det dz/dy| = -ld(z): with u = dl/dy,
 * J^T u + gl grad ld = dl/dz. */
static void infer_adjoint(const kad_stage *stage, const void *packed, void *x, void *g,
                          double gl, void *dtheta, double *ld, void *scratch)
{
    const work w = begin(stage, packed, scratch);
    const double h = 1.0 / w.n_steps;
    real *own = take(&w, x, w.x), *cotangent = take(&w, g, w.g);
    for (int i = 0; i < w.n_steps; i++) {
        vreal part[KAD_NV];
        step(&w, own, i * h, h, own, part);
        add_ld(ld, 1, part);
        step_adjoint_back(&w, i * h, h, cotangent, gl);
        if (dtheta) step_adjoint(&w, i * h, h, cotangent, gl, w.r, dtheta, -1);
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

/* Kernels of the continuous flow (ode.h): the velocity and its adjoint, the steps of the
 * Runge-Kutta method, their inverses and adjoints. Everything is a pass over a tile of
 * [n_sites][KAD_W]; features are made, transformed and summed one after the other, so that
 * few tiles are in use at a time. */
#include "flow/bijectors/ode.h"

#include "base/vtrig.h"
#include "flow/bijectors/rk.h"
#include "flow/lanes_kern.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* Corrections end where the largest residual of a lane is below ENOUGH of the size of what is
 * sought or given (a cotangent may be given as zero): a few
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
    kad_ode_head head;
    int n, n_rows; /* components, rows of the stage's sites */
    int F, M;      /* features, modes of time */
    const real *omega, *weights, *marks;
    real *X[S], *K[S], *V[S];            /* states, slopes, velocities of a step */
    real *y, *r, *u, *gk, *modes, *back; /* tiles */
    real *sine, *x, *g;                  /* and the sublattice's field, cotangent */
    real *table, *dtable;                /* w_f(k; t) [n_orbits][F], and its cotangent */
    real *mean, *domega;                 /* W_f(0; t) [F] */
    real *dmarks;                        /* [F][n_marks] */
    real *gram;                          /* sum_x W_f(x) W_g(x) [F][F] */
    real *slope, *swing, *slopes; /* of features, [F][KAD_W]; products [F][F][KAD_V] */
    void *hartley;
} work;

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
    w.slope = at + (-(uintptr_t)at / sizeof(real)) % (64 / sizeof(real));
    w.swing = w.slope + (size_t)w.F * KAD_W;
    w.slopes = w.swing + (size_t)w.F * KAD_W;
    w.gram = w.slopes + (size_t)w.F * (size_t)w.F * KAD_V;
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

static void transform(const work *w, real *x)
{
    KR(kad_hartley_apply)(w->s->hartley, x, w->hartley);
}

static bool is_active(const work *w, int site)
{
    return !w->s->sublattice || !w->s->parity[site];
}

static bool is_active_row(const work *w, int row)
{
    return is_active(w, row / w->n);
}

static void clear_inactive(const work *w, real *x)
{
    for (int row = 0; w->s->sublattice && row < w->n_rows; row++)
        if (!is_active_row(w, row)) memset(x + (size_t)row * KAD_W, 0, KAD_ROW_BYTES);
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

/* to (+)= w_f(k) from, mode by mode: one expression for both, so that no compiler rounds
 * some lanes otherwise than others. */
static void filter(const work *w, int f, bool add, const real *from, real *to)
{
    const int *orbit = w->s->modes.orbit_of;
    const vreal *a = (const vreal *)from;
    vreal *b = (vreal *)to;
    const int n = w->n * KAD_NV;
    for (int k = 0; k < w->s->n_sites; k++, a += n, b += n) {
        const real factor = w->table[orbit[k] * w->F + f];
        for (int v = 0; v < n; v++)
            b[v] = factor * a[v] + (add ? b[v] : kad_vset(0));
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

/* What a sine of a length is made of, at phi with components KAD_NV apart: r^2, with
 * r = |phi|, s = sin(omega r)/r, c = cos(omega r), bend = (omega c - s)/r^2 = s'(r)/r. */
typedef struct radial {
    vreal r2, s, c, bend;
} radial;

static radial radial_of(int n, real omega, const vreal *phi)
{
    radial q = {.r2 = kad_vset(0)};
    vreal sine;
    for (int c = 0; c < n; c++)
        q.r2 += phi[c * KAD_NV] * phi[c * KAD_NV];
    const vreal r2 = q.r2 + (real)1e-30, r = kad_vsqrt(r2), x2 = omega * omega * q.r2;
    kad_vsincos(omega * r, &sine, &q.c);
    q.s = sine / r;
    const vreal series = (x2 * (1 - x2 * (real)(1.0 / 28) * (1 - x2 * (real)(1.0 / 54))) *
                              (real)(1.0 / 30) -
                          (real)(1.0 / 3)) *
                         (omega * omega * omega);
    q.bend =
        kad_vselect(kad_vlt(x2, kad_vset((real)0.01)), series, (omega * q.c - q.s) / r2);
    return q;
}

/* w->sine = a feature of x; div += W_f(0; t) times the trace of its derivative. */
static void make_feature(const work *w, int f, const real *x, vreal *div)
{
    const bool linear = f < w->s->n_linear;
    const int n = w->n;
    const real omega = linear ? 0 : w->omega[f - w->s->n_linear],
               slope = w->mean[f] * omega;
    for (int i = 0; i < w->s->n_sites; i++) {
        const vreal *from = (const vreal *)x + (ptrdiff_t)i * n * KAD_NV;
        vreal *to = (vreal *)w->sine + (ptrdiff_t)i * n * KAD_NV;
        if (!is_active(w, i)) {
            memset(to, 0, (size_t)n * KAD_ROW_BYTES);
            continue;
        }
        const real b = mark_of(w, f, i);
        for (int v = 0; v < KAD_NV; v++, from++, to++) {
            vreal value = kad_vset(1), cosine;
            if (!linear && n == 1) {
                kad_vsincos(omega * from[0], &value, &cosine);
                div[v] += slope * b * cosine;
                to[0] = b * value;
                continue;
            }
            if (!linear) {
                const radial q = radial_of(n, omega, from);
                value = q.s;
                div[v] += w->mean[f] * b * ((real)(n - 1) * q.s + omega * q.c);
            }
            for (int c = 0; c < n; c++)
                to[c * KAD_NV] = b * value * from[c * KAD_NV];
        }
    }
    for (int v = 0; linear && v < KAD_NV; v++)
        div[v] += w->mean[f] * sum_of_marks(w, f) * (real)n;
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
    const int n = w->n * KAD_NV;
    for (int o = 0; o < m->n_orbits; o++) {
        vreal sum = {0};
        for (int i = m->first[o]; i < m->first[o + 1]; i++) {
            const vreal *a = (const vreal *)w->modes + (ptrdiff_t)m->mode[i] * n;
            const vreal *b = (const vreal *)features + (ptrdiff_t)m->mode[i] * n;
            for (int v = 0; v < n; v++)
                sum += a[v] * b[v];
        }
        w->dtable[o * w->F + f] =
            kad_lanes_sum(&sum) + of_div * (real)(m->first[o + 1] - m->first[o]);
    }
}

/* Sums of a feature's adjoint over sites and lanes. */
typedef struct feature_sums {
    vreal domega, trace, dmark[1 << KAD_MAX_DIM];
} feature_sums;

/* One site of a feature of several components; u: cotangent of the feature. */
static void radial_adjoint(const work *w, real omega, real b, real slope, int class,
                           const vreal *phi, const vreal *u, vreal *sine, vreal *to,
                           feature_sums *sums)
{
    const int n = w->n;
    const radial q = radial_of(n, omega, phi);
    const vreal trace = (real)(n - 1) * q.s + omega * q.c;
    vreal along = kad_vset(0);
    for (int c = 0; c < n; c++)
        along += u[c * KAD_NV] * phi[c * KAD_NV];
    const vreal radially =
        along * q.bend + slope * ((real)(n - 1) * q.bend - omega * omega * q.s);
    for (int c = 0; c < n; c++) {
        const ptrdiff_t at = (ptrdiff_t)c * KAD_NV;
        to[at] += b * (q.s * u[at] + radially * phi[at]);
        sine[at] = b * q.s * phi[at];
    }
    sums->domega += b * (along * q.c + slope * ((real)n * q.c - omega * q.r2 * q.s));
    sums->trace += b * trace;
    sums->dmark[class] += along * q.s + slope * trace;
}

/* One feature: out += its part of the cotangent of x, from that of its transform in
 * w->back. */
static void feature_adjoint(const work *w, int f, const real *x, real gdiv, bool theta,
                            real *out)
{
    const kad_ode *s = w->s;
    const bool linear = f < s->n_linear;
    const int n = w->n;
    const real omega = linear ? 0 : w->omega[f - s->n_linear], slope = gdiv * w->mean[f],
               bend = slope * omega * omega;
    feature_sums sums = {0};
    for (int i = 0; i < s->n_sites; i++) {
        const ptrdiff_t at = (ptrdiff_t)i * n * KAD_NV;
        const vreal *phi = (const vreal *)x + at, *u = (const vreal *)w->back + at;
        vreal *sine = (vreal *)w->sine + at, *to = (vreal *)out + at;
        if (!is_active(w, i)) {
            memset(sine, 0, (size_t)n * KAD_ROW_BYTES);
            continue;
        }
        const real b = mark_of(w, f, i);
        const int c = s->mark[i];
        for (int v = 0; v < KAD_NV; v++, phi++, u++, sine++, to++) {
            vreal value = phi[0], cosine;
            if (linear) {
                sums.dmark[c] += slope * (real)n;
                for (int k = 0; k < n * KAD_NV; k += KAD_NV) {
                    to[k] += b * u[k];
                    sums.dmark[c] += u[k] * phi[k];
                    sine[k] = b * phi[k];
                }
            } else if (n == 1) {
                kad_vsincos(omega * phi[0], &value, &cosine);
                to[0] += b * (omega * u[0] * cosine - bend * value);
                sums.domega += b * (u[0] * phi[0] * cosine +
                                    slope * (cosine - omega * phi[0] * value));
                sums.trace += b * omega * cosine;
                sums.dmark[c] += u[0] * value + slope * omega * cosine;
                sine[0] = b * value;
            } else {
                radial_adjoint(w, omega, b, slope, c, phi, u, sine, to, &sums);
            }
        }
    }
    if (!theta) return;
    const real trace =
        linear ? sum_of_marks(w, f) * (real)n * KAD_W : kad_lanes_sum(&sums.trace);
    w->domega[f] = kad_lanes_sum(&sums.domega);
    for (int c = 0; c < s->n_marks; c++)
        w->dmarks[f * s->n_marks + c] = kad_lanes_sum(&sums.dmark[c]);
    transform(w, w->sine);
    add_table(w, f, w->sine, gdiv * trace / (real)s->n_sites);
}

/* ---- the Jacobian's norm ------------------------------------------------------------*/

/* w->gram = sum_x W_f(x) W_g(x) = (1/N) sum_k w_f(k) w_g(k). */
static void make_gram(const work *w)
{
    const kad_modes *m = &w->s->modes;
    const int F = w->F;
    memset(w->gram, 0, (size_t)F * (size_t)F * sizeof(real));
    for (int o = 0; o < m->n_orbits; o++) {
        const real share = (real)(m->first[o + 1] - m->first[o]) / (real)w->s->n_sites;
        const real *row = w->table + (ptrdiff_t)o * F;
        for (int f = 0; f < F; f++)
            for (int g = 0; g < F; g++)
                w->gram[f * F + g] += share * row[f] * row[g];
    }
}

/* Derivatives of the features at a site along phi, b omega cos(omega r), and across,
 * b sin(omega r)/r; phi: components KAD_NV apart. */
static void make_slopes(const work *w, int site, const vreal *phi, vreal *along,
                        vreal *across)
{
    for (int f = 0; f < w->F; f++) {
        const real b = mark_of(w, f, site);
        along[f] = across[f] = kad_vset(b);
        if (f < w->s->n_linear) continue;
        const real omega = w->omega[f - w->s->n_linear];
        const radial q = radial_of(w->n, omega, phi);
        along[f] = b * omega * q.c;
        across[f] = b * q.s;
    }
}

/* sum_g gram[f][g] a[g]. */
static vreal gram_row(const work *w, int f, const vreal *a)
{
    vreal sum = kad_vset(0);
    for (int g = 0; g < w->F; g++)
        sum += w->gram[f * w->F + g] * a[g];
    return sum;
}

/* |dv/dphi|^2, the sum over all pairs of rows: derivatives of the features at every site
 * with the products of their kernels. After velocity, at the same x and t. */
static void jacobian_norm(const work *w, const real *x, vreal *norm)
{
    const int n = w->n;
    make_gram(w);
    for (int v = 0; v < KAD_NV; v++) {
        vreal *along = (vreal *)w->slope, *across = (vreal *)w->swing;
        norm[v] = kad_vset(0);
        for (int i = 0; i < w->s->n_sites; i++) {
            if (!is_active(w, i)) continue;
            make_slopes(w, i, (const vreal *)x + (ptrdiff_t)i * n * KAD_NV + v, along,
                        across);
            for (int f = 0; f < w->F; f++) {
                norm[v] += along[f] * gram_row(w, f, along);
                if (n > 1) norm[v] += (real)(n - 1) * across[f] * gram_row(w, f, across);
            }
        }
    }
}

/* One feature at a site: what `factor` times the norm adds to the cotangents. */
static void slope_adjoint(const work *w, int f, int site, real factor, const vreal *phi,
                          vreal *to)
{
    const vreal *along = (const vreal *)w->slope, *across = (const vreal *)w->swing;
    const int n = w->n, class = w->s->mark[site];
    const real b = mark_of(w, f, site);
    const vreal dalong = 2 * factor * gram_row(w, f, along);
    vreal dacross = kad_vset(0), dmark, domega;
    if (n > 1) dacross = 2 * factor * (real)(n - 1) * gram_row(w, f, across);
    if (f < w->s->n_linear) {
        dmark = dalong + dacross;
    } else {
        const real omega = w->omega[f - w->s->n_linear];
        const radial q = radial_of(n, omega, phi);
        const vreal radially = b * (dacross * q.bend - dalong * omega * omega * q.s);
        for (int c = 0; c < n * KAD_NV; c += KAD_NV)
            to[c] += radially * phi[c];
        dmark = dalong * omega * q.c + dacross * q.s;
        domega = b * (dalong * (q.c - omega * q.r2 * q.s) + dacross * q.c);
        w->domega[f] += kad_lanes_sum(&domega);
    }
    w->dmarks[f * w->s->n_marks + class] += kad_lanes_sum(&dmark);
}

/* w->slopes += products of the derivatives at a site. */
static void add_products(const work *w, const vreal *along, const vreal *across)
{
    vreal *sum = (vreal *)w->slopes;
    for (int f = 0; f < w->F; f++)
        for (int g = 0; g < w->F; g++, sum++) {
            *sum += along[f] * along[g];
            if (w->n > 1) *sum += (real)(w->n - 1) * across[f] * across[g];
        }
}

/* The adjoint of `factor` times the norm: out, and the tables' cotangents, += it. */
static void jacobian_adjoint(const work *w, const real *x, real factor, real *out)
{
    const kad_modes *m = &w->s->modes;
    const int n = w->n, F = w->F;
    vreal *along = (vreal *)w->slope, *across = (vreal *)w->swing;
    const vreal *products = (const vreal *)w->slopes;
    make_gram(w);
    memset(w->slopes, 0, (size_t)F * (size_t)F * sizeof(vreal));
    for (int i = 0; i < w->s->n_sites; i++)
        for (int v = 0; v < KAD_NV && is_active(w, i); v++) {
            const ptrdiff_t at = (ptrdiff_t)i * n * KAD_NV + v;
            const vreal *phi = (const vreal *)x + at;
            make_slopes(w, i, phi, along, across);
            add_products(w, along, across);
            for (int f = 0; f < F; f++)
                slope_adjoint(w, f, i, factor, phi, (vreal *)out + at);
        }
    for (int k = 0; k < F * F; k++) /* sums over lanes, where the kernels' were */
        w->gram[k] = kad_lanes_sum(&products[k]);
    for (int o = 0; o < m->n_orbits; o++) {
        const real share =
            2 * factor * (real)(m->first[o + 1] - m->first[o]) / (real)w->s->n_sites;
        for (int f = 0; f < F; f++)
            for (int g = 0; g < F; g++)
                w->dtable[o * F + f] += share * w->table[o * F + g] * w->gram[f * F + g];
    }
}

/* ---- adjoint of the velocity, together ----------------------------------------------*/

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

/* out = cotangent of x, from gv of the velocity, gdiv, one number, of its divergence and
 * gnorm of its Jacobian's norm; dtheta (NULL: not wanted) += sign times the parameters'. */
static void velocity_adjoint(const work *w, double t, const real *x, const real *gv,
                             double gdiv, double gnorm, real *out, real *dtheta,
                             real sign)
{
    const size_t bytes = (size_t)w->n_rows * KAD_ROW_BYTES;
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
    if (gnorm != 0) jacobian_adjoint(w, x, (real)gnorm, out);
    if (dtheta) add_theta(w, t, sign, dtheta);
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
        velocity(w, t + rk->c[i] * h, w->X[i], w->V[i], div);
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
        velocity_adjoint(w, t + rk->c[i] * h, w->X[i], w->gk, gl * h * rk->b[i],
                         penalty * w->head.jacobian * h * rk->b[i], w->K[i], dtheta,
                         sign);
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
        velocity_adjoint(w, t + rk->c[i] * h, w->X[i], w->gk, gl,
                         penalty * w->head.jacobian, w->K[i], NULL, 1);
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
        set_tables(w, t + rk->c[i] * h);
        jacobian_norm(w, w->X[i], norm);
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

/* The velocity of the continuous flow (ode.h), the norm of its Jacobian, and their adjoints.
 * Everything is a pass over a tile of [n_sites][KAD_W]; features are made, transformed and
 * summed one after the other, so that few tiles are in use at a time. */
#include "base/vtrig.h"
#include "flow/bijectors/ode_kern.h"
#include "flow/lanes_kern.h"

#include <math.h>
#include <string.h>

typedef kad_ode_work work;

static void transform(const work *w, real *x)
{
    KR(kad_hartley_apply)(w->s->hartley, x, w->hartley);
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

void KR(kad_ode_velocity)(const work *w, double t, const real *x, real *out, vreal *div)
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

enum { ALONG, ACROSS };

/* A feature's derivatives at a site: along phi, b omega cos(omega r), and across, b
 * sin(omega r)/r; of a feature that is not linear, what they are made of. */
typedef struct derivative {
    vreal d[2];
    radial q;
} derivative;
_Static_assert(sizeof(derivative) <= 2 * KAD_ROW_BYTES, "scratch of the derivatives");

/* phi: components KAD_NV apart. */
static void make_derivatives(const work *w, int site, const vreal *phi, derivative *to)
{
    for (int f = 0; f < w->F; f++) {
        const real b = mark_of(w, f, site);
        to[f].d[ALONG] = to[f].d[ACROSS] = kad_vset(b);
        if (f < w->s->n_linear) continue;
        const real omega = w->omega[f - w->s->n_linear];
        to[f].q = radial_of(w->n, omega, phi);
        to[f].d[ALONG] = b * omega * to[f].q.c;
        to[f].d[ACROSS] = b * to[f].q.s;
    }
}

/* sum_g gram[f][g] times the derivatives that way. */
static vreal gram_row(const work *w, int f, const derivative *of, int way)
{
    vreal sum = kad_vset(0);
    for (int g = 0; g < w->F; g++)
        sum += w->gram[f * w->F + g] * of[g].d[way];
    return sum;
}

/* Derivatives of the features at every site with the products of their kernels. */
void KR(kad_ode_norm)(const work *w, double t, const real *x, vreal *norm)
{
    const int n = w->n;
    derivative *of = (derivative *)w->derivatives;
    set_tables(w, t);
    make_gram(w);
    for (int v = 0; v < KAD_NV; v++) {
        norm[v] = kad_vset(0);
        for (int i = 0; i < w->s->n_sites; i++) {
            if (!is_active(w, i)) continue;
            make_derivatives(w, i, (const vreal *)x + (ptrdiff_t)i * n * KAD_NV + v, of);
            for (int f = 0; f < w->F; f++) {
                norm[v] += of[f].d[ALONG] * gram_row(w, f, of, ALONG);
                if (n > 1)
                    norm[v] +=
                        (real)(n - 1) * of[f].d[ACROSS] * gram_row(w, f, of, ACROSS);
            }
        }
    }
}

/* One feature at a site: what `factor` times the norm adds to the cotangents. */
static void slope_adjoint(const work *w, int f, int site, real factor, const vreal *phi,
                          vreal *to)
{
    const derivative *of = (const derivative *)w->derivatives;
    const int n = w->n, class = w->s->mark[site];
    const real b = mark_of(w, f, site);
    const vreal dalong = 2 * factor * gram_row(w, f, of, ALONG);
    vreal dacross = kad_vset(0), dmark, domega;
    if (n > 1) dacross = 2 * factor * (real)(n - 1) * gram_row(w, f, of, ACROSS);
    if (f < w->s->n_linear) {
        dmark = dalong + dacross;
    } else {
        const real omega = w->omega[f - w->s->n_linear];
        const radial q = of[f].q;
        const vreal radially = b * (dacross * q.bend - dalong * omega * omega * q.s);
        for (int c = 0; c < n * KAD_NV; c += KAD_NV)
            to[c] += radially * phi[c];
        dmark = dalong * omega * q.c + dacross * q.s;
        domega = b * (dalong * (q.c - omega * q.r2 * q.s) + dacross * q.c);
        w->domega[f] += kad_lanes_sum(&domega);
    }
    w->dmarks[f * w->s->n_marks + class] += kad_lanes_sum(&dmark);
}

/* w->products += products of the derivatives at a site. */
static void add_products(const work *w, const derivative *of)
{
    vreal *sum = (vreal *)w->products;
    for (int f = 0; f < w->F; f++)
        for (int g = 0; g < w->F; g++, sum++) {
            *sum += of[f].d[ALONG] * of[g].d[ALONG];
            if (w->n > 1) *sum += (real)(w->n - 1) * of[f].d[ACROSS] * of[g].d[ACROSS];
        }
}

/* The adjoint of `factor` times the norm: out, and the tables' cotangents, += it. */
static void jacobian_adjoint(const work *w, const real *x, real factor, real *out)
{
    const kad_modes *m = &w->s->modes;
    const int n = w->n, F = w->F;
    derivative *of = (derivative *)w->derivatives;
    const vreal *products = (const vreal *)w->products;
    make_gram(w);
    memset(w->products, 0, (size_t)F * (size_t)F * sizeof(vreal));
    for (int i = 0; i < w->s->n_sites; i++)
        for (int v = 0; v < KAD_NV && is_active(w, i); v++) {
            const ptrdiff_t at = (ptrdiff_t)i * n * KAD_NV + v;
            const vreal *phi = (const vreal *)x + at;
            make_derivatives(w, i, phi, of);
            add_products(w, of);
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

void KR(kad_ode_velocity_adjoint)(const work *w, double t, const real *x, const real *gv,
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

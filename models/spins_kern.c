/* Spins given the dual field, in double (their random numbers have 53 bits), vectorised
 * over sites or chains. */
#include "models/spins.h"

#include "base/vtrig.h"
#include "models/radial_kern.h"

#if KAD_PREC == 64

#include <stdbool.h>

static inline vreal load(const double *p)
{
    return *(const vreal *)p;
}

static inline void save(double *p, vreal v)
{
    *(vreal *)p = v;
}

static inline bool any(kad_vmask mask)
{
#ifdef KAD_VAVX512
    return mask != 0;
#else
    ireal sum = 0;
    for (int i = 0; i < KAD_V; i++)
        sum |= mask[i];
    return sum != 0;
#endif
}

/* m = 2 F'(|x|^2) x, F = ln w_n. */
double kad_spin_rows_mean_f64(const kad_radial_table *table, int n, size_t n_lanes,
                              size_t stride, const double *x, double *m)
{
    vreal self = {0};
    for (size_t l = 0; l < n_lanes; l += KAD_V) {
        vreal square = {0}, scale = kad_vset(1), f;
        if (n == 1) {
            const vreal t = kad_vtanh(load(x + l));
            save(m + l, t);
            self += 1 - t * t;
            continue;
        }
        for (size_t a = 0; a < (size_t)n; a++)
            square += load(x + a * stride + l) * load(x + a * stride + l);
        radial_eval(table, square, &f, &scale);
        scale *= 2;
        for (size_t a = 0; a < (size_t)n; a++)
            save(m + a * stride + l, scale * load(x + a * stride + l));
        self += 1 - scale * scale * square;
    }
    return kad_vsum(self);
}

/* Four uniforms of each of KAD_W lanes: u[j * KAD_W + lane]. */
static void uniforms(const kad_spin_source *source, uint64_t first, double *u)
{
    kad_rng_uniform_rows_f64(source->rng, source->step, source->sample + first,
                             source->quad, KAD_W, KAD_W, u);
}

/* Four rows share a call: row B of the lanes takes word B % 4 of the counters of row B/4.
 */
static void draw_signs(const kad_spin_source *source, size_t n_lanes, const double *x,
                       double *s)
{
    _Alignas(64) double u[4 * KAD_W];
    for (size_t l = 0; l < n_lanes; l += KAD_V) {
        const size_t row = l / KAD_W, lane = l % KAD_W;
        if (row % 4 == 0 && lane == 0) uniforms(source, row / 4 * KAD_W, u);
        const vreal t = load(u + row % 4 * KAD_W + lane);
        const vreal field = load(x + l), p = kad_vsigmoid(field * 2);
        const vreal spin =
            kad_vselect(kad_vlt(t, p), kad_vset(1), kad_vset(-1)) + field * 0;
        save(s + l, spin);
    }
}

/* Von Mises, exp(-2 kappa q) dtheta with q = sin^2(theta/2), from one of two proposals:
 *   peak  v = sin(theta/2) normal, density exp(-(2 kappa - PEAK) v^2); dtheta = 2 dv /
 *         sqrt(1 - q), so accepted with probability exp(-PEAK q) / sqrt(1 - q), at most 1
 *         for q <= 3/4; beyond, rejected
 *   back  theta uniform within `width` turns of the direction against the field, where q >=
 *         q0; accepted with probability exp(-2 kappa (q - q0))
 * chosen in proportion to the envelopes' integrals. kappa >= 1: the back covers q >= 3/4,
 * and 75 % (kappa = 1) to 99 % (kappa = 10) are accepted. Below, the back alone covers the
 * circle. */
typedef struct circle {
    vreal kappa, e0, e1; /* |x| and x/|x| */
    vreal sigma;         /* of v */
    vreal back;          /* probability of the back */
    vreal width, q0;
} circle;

#define PEAK 0.9242 /* >= ln 4 / 1.5: exp(-PEAK q) <= sqrt(1 - q) at q = 3/4 */

static inline void prepare(vreal x0, vreal x1, circle *c)
{
    const vreal r = kad_vsqrt(x0 * x0 + x1 * x1);
    const vreal zero = {0}, one = kad_vset(1);
    const kad_vmask some = kad_vgt(r, zero), flat = kad_vlt(r, one);
    const vreal inverse = 1 / (kad_vmax(one, r) * 2 - PEAK); /* NaN if r is */
    const vreal root = kad_vsqrt(inverse), unit = 1 / r;
    const vreal peak = root * 3.5449077018110320546;               /* 2 sqrt(pi) */
    const vreal back = kad_vexp(r * -1.5) * 2.0943951023931954923; /* 2 pi / 3 */
    c->kappa = r;
    c->e0 = kad_vselect(some, x0 * unit, one) + r * 0;
    c->e1 = kad_vselect(some, x1 * unit, zero);
    c->sigma = root * 0.70710678118654752440;
    c->back = kad_vselect(flat, one, back / (peak + back));
    c->width = kad_vselect(flat, kad_vset(0.5), kad_vset(1.0 / 6));
    c->q0 = kad_vselect(flat, zero, kad_vset(0.75));
}

/* One attempt: cosine and sine of theta, and a margin, negative where rejected. u: four
 * uniforms. */
static inline vreal attempt_circle(const circle *c, const vreal u[4], vreal *cosine,
                                   vreal *sine)
{
    const vreal zero = {0};
    const kad_vmask behind = kad_vlt(u[2], c->back);
    vreal s, t;
    kad_vsincos_2pi(u[1], &s, &t);
    const vreal v = kad_vsqrt(kad_vlog(u[0]) * -2) * t * c->sigma, q = v * v;
    const vreal root = kad_vsqrt(kad_vmax(zero, 1 - q));
    vreal margin = kad_vexp(q * -PEAK) - u[3] * root;
    margin = kad_vselect(kad_vgt(q, kad_vset(0.75)), kad_vset(-1), margin);
    *cosine = 1 - q * 2;
    *sine = v * root * 2;
    if (any(behind)) {
        kad_vsincos_2pi((u[2] / c->back * 2 - 1) * c->width + 0.5, &s, &t);
        const vreal over = (1 - t) * 0.5 - c->q0;
        const vreal m = kad_vexp(c->kappa * over * -2) - u[3];
        margin = kad_vselect(behind, m, margin);
        *cosine = kad_vselect(behind, t, *cosine);
        *sine = kad_vselect(behind, s, *sine);
    }
    return margin;
}

/* One attempt of n lanes (a multiple of 8); margin [n]. u [4][KAD_W] */
static void attempts(size_t n, const double *x0, const double *x1, const double *u,
                     double *s0, double *s1, double *margin)
{
    for (size_t l = 0; l < n; l += KAD_V) {
        circle c;
        vreal numbers[4], cosine, sine;
        for (size_t j = 0; j < 4; j++)
            numbers[j] = load(u + j * KAD_W + l);
        prepare(load(x0 + l), load(x1 + l), &c);
        save(margin + l, attempt_circle(&c, numbers, &cosine, &sine));
        save(s0 + l, cosine * c.e0 - sine * c.e1);
        save(s1 + l, cosine * c.e1 + sine * c.e0);
    }
}

/* Lanes that wait for another attempt, packed. */
typedef struct waiting {
    _Alignas(64) double x[2][KAD_W], s[2][KAD_W], margin[KAD_W];
    uint64_t sample[KAD_W];
    size_t lane[KAD_W], n;
} waiting;

/* Another attempt of those that wait. */
static void try_again(const kad_spin_source *source, uint32_t quad, size_t stride,
                      waiting *w, double *s)
{
    _Alignas(64) double u[4 * KAD_W];
    const size_t n = (w->n + 7) / 8 * 8;
    size_t n_left = 0;
    for (size_t i = w->n; i < n; i++) {
        w->x[0][i] = w->x[1][i] = 0;
        w->sample[i] = 0;
    }
    kad_rng_uniform_at_f64(source->rng, source->step, w->sample, quad, n, KAD_W, u);
    attempts(n, w->x[0], w->x[1], u, w->s[0], w->s[1], w->margin);
    for (size_t i = 0; i < w->n; i++) {
        s[w->lane[i]] = w->s[0][i];
        s[stride + w->lane[i]] = w->s[1][i];
        if (!(w->margin[i] < 0)) continue;
        w->x[0][n_left] = w->x[0][i];
        w->x[1][n_left] = w->x[1][i];
        w->sample[n_left] = w->sample[i];
        w->lane[n_left++] = w->lane[i];
    }
    w->n = n_left;
}

static void draw_circle(const kad_spin_source *source, size_t n_lanes, size_t stride,
                        const double *x, double *s)
{
    _Alignas(64) double u[4 * KAD_W], margin[KAD_W];
    waiting w;
    for (size_t l = 0; l < n_lanes; l += KAD_W) {
        uint32_t quad = source->quad;
        const double *x1 = x + stride;
        uniforms(source, l, u);
        attempts(KAD_W, x + l, x1 + l, u, s + l, s + stride + l, margin);
        w.n = 0;
        for (size_t i = 0; i < KAD_W; i++) {
            if (!(margin[i] < 0)) continue;
            w.x[0][w.n] = x[l + i];
            w.x[1][w.n] = x1[l + i];
            w.sample[w.n] = source->sample + l + i;
            w.lane[w.n++] = i;
        }
        while (w.n > 0) {
            quad += source->quad_stride;
            try_again(source, quad, stride, &w, s + l);
        }
    }
}

/* cos theta by inversion, 1 + ln(1 + (1 - u)(e^{-2 r} - 1))/r, in the frame of Duff et
 * al., J. Comput. Graph. Tech. 6 (2017) 1. */
static inline void sphere(vreal u, vreal t, const vreal x[3], vreal s[3])
{
    const vreal zero = {0}, one = kad_vset(1);
    const vreal r = kad_vsqrt(x[0] * x[0] + x[1] * x[1] + x[2] * x[2]);
    const kad_vmask some = kad_vgt(r, zero);
    const vreal bent = kad_vlog1p((1 - u) * kad_vexpm1(r * -2)) / r + 1;
    vreal c = kad_vselect(kad_vlt(r, kad_vset(1e-8)), u * 2 - 1, bent);
    c = kad_vmax(kad_vset(-1), c);
    const vreal across = kad_vsqrt(kad_vmax(zero, 1 - c * c));
    vreal e[3], sine, cosine;
    for (int a = 0; a < 3; a++)
        e[a] = kad_vselect(some, x[a] / r, a == 2 ? one : zero) + r * 0;
    const vreal sign = kad_vcopysign(one, e[2]), a = -1 / (sign + e[2]);
    const vreal b = e[0] * e[1] * a;
    kad_vsincos_2pi(t, &sine, &cosine);
    s[0] = c * e[0] + across * (cosine * (sign * e[0] * e[0] * a + 1) + sine * b);
    s[1] = c * e[1] + across * (cosine * sign * b + sine * (sign + e[1] * e[1] * a));
    s[2] = c * e[2] - across * (cosine * sign * e[0] + sine * e[1]);
}

static void draw_sphere(const kad_spin_source *source, size_t n_lanes, size_t stride,
                        const double *x, double *s)
{
    _Alignas(64) double u[4 * KAD_W];
    for (size_t l = 0; l < n_lanes; l += KAD_V) {
        const size_t lane = l % KAD_W;
        vreal xs[3], spin[3];
        if (lane == 0) uniforms(source, l, u);
        for (size_t a = 0; a < 3; a++)
            xs[a] = load(x + a * stride + l);
        sphere(load(u + lane), load(u + KAD_W + lane), xs, spin);
        for (size_t a = 0; a < 3; a++)
            save(s + a * stride + l, spin[a]);
    }
}

void kad_spin_rows_draw_f64(int n, const kad_spin_source *source, size_t n_lanes,
                            size_t stride, const double *x, double *s)
{
    if (n == 1)
        draw_signs(source, n_lanes, x, s);
    else if (n == 2)
        draw_circle(source, n_lanes, stride, x, s);
    else
        draw_sphere(source, n_lanes, stride, x, s);
}

#endif

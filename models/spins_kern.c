/* Spins given the dual field, in double (their random numbers have 53 bits), vectorised
 * over sites or chains. */
#include "models/spins.h"

#include "base/vmath.h"
#include "models/radial_kern.h"

#if KAD_PREC == 64

#include <string.h>

enum { VECTORS = KAD_W / KAD_V };

static inline vreal load(const double *p)
{
    return *(const vreal *)p;
}

static inline void save(double *p, vreal v)
{
    *(vreal *)p = v;
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
static void uniforms(const kad_spin_source *source, uint64_t first, uint32_t attempt,
                     double *u)
{
    kad_rng_uniform_rows_f64(source->rng, source->step, source->sample + first,
                             source->quad + attempt * source->quad_stride, KAD_W, KAD_W,
                             u);
}

/* Four rows share a call: row B of the lanes takes word B % 4 of the counters of row B/4.
 */
static void draw_signs(const kad_spin_source *source, size_t n_lanes, const double *x,
                       double *s)
{
    _Alignas(64) double u[4 * KAD_W];
    for (size_t l = 0; l < n_lanes; l += KAD_V) {
        const size_t row = l / KAD_W, lane = l % KAD_W;
        if (row % 4 == 0 && lane == 0) uniforms(source, row / 4 * KAD_W, 0, u);
        const vreal t = load(u + row % 4 * KAD_W + lane);
        const vreal field = load(x + l), p = kad_vsigmoid(field * 2);
        const vreal spin =
            kad_vselect(kad_vlt(t, p), kad_vset(1), kad_vset(-1)) + field * 0;
        save(s + l, spin);
    }
}

/* The envelope of Best and Fisher: the Moebius image of a uniform angle psi,
 *   cos = (1 + R cos psi)/(R + cos psi),  sin = T sin psi/(R + cos psi),  T^2 = R^2 - 1,
 * accepted with probability c e^{1-c}, c = kappa T^2/(R + cos psi); valid for every R.
 * Below kappa = 1/2, where uniform proposals cost less: cos = cos psi, with probability
 * exp(kappa (cos - 1)). */
typedef struct circle {
    vreal kappa, R, T, e0, e1;
    kad_vmask flat;
} circle;

static inline void prepare(vreal x0, vreal x1, circle *c)
{
    const vreal r = kad_vsqrt(x0 * x0 + x1 * x1);
    const vreal half = kad_vset(0.5), zero = {0}, one = kad_vset(1);
    const kad_vmask some = kad_vgt(r, zero);
    const vreal safe = kad_vmax(r, half); /* the second argument when r is NaN */
    const vreal tau = kad_vsqrt(safe * safe * 4 + 1) + 1;
    const vreal rho = (tau - kad_vsqrt(tau * 2)) / (safe * 2);
    c->kappa = r;
    c->flat = kad_vlt(r, half);
    c->R = (rho * rho + 1) / (rho * 2);
    c->T = (1 - rho * rho) / (rho * 2);
    c->e0 = kad_vselect(some, x0 / r, one) + r * 0;
    c->e1 = kad_vselect(some, x1 / r, zero);
}

/* One attempt from two uniforms: a unit vector in the frame of the mean direction, and
 * how far below its acceptance the second uniform lies (negative: rejected). */
static inline vreal attempt_circle(const circle *c, vreal u, vreal t, vreal *along,
                                   vreal *across)
{
    vreal sine, cosine;
    kad_vsincos_2pi(u, &sine, &cosine);
    const vreal scale = 1 / (c->R + cosine);
    const vreal ratio = c->kappa * c->T * c->T * scale;
    const vreal peaked = kad_vlog(ratio / t) + 1 - ratio;
    const vreal flat = c->kappa * (cosine - 1) - kad_vlog(t);
    *along = kad_vselect(c->flat, cosine, (c->R * cosine + 1) * scale);
    *across = kad_vselect(c->flat, sine, c->T * sine * scale);
    return kad_vselect(c->flat, flat, peaked);
}

/* Two attempts of the vectors that still wait; returns how many go on waiting. A margin
 * that is not a number accepts. waiting [KAD_W]: -1 waits, 1 is done. */
static int two_attempts(const double *x, size_t stride, const double *u, double *waiting,
                        double *s)
{
    int n_waiting = 0;
    for (size_t l = 0; l < KAD_W; l += KAD_V) {
        const vreal zero = {0};
        vreal left = load(waiting + l);
        circle c;
        if (!(kad_vsum(left) < KAD_V)) continue;
        prepare(load(x + l), load(x + stride + l), &c);
        for (int half = 0; half < 2; half++) {
            vreal along, across;
            const vreal margin = attempt_circle(
                &c, load(u + (2 * (size_t)half) * KAD_W + l),
                load(u + (2 * (size_t)half + 1) * KAD_W + l), &along, &across);
            const vreal s0 = along * c.e0 - across * c.e1;
            const vreal s1 = along * c.e1 + across * c.e0;
            const kad_vmask take = kad_vlt(left, zero);
            save(s + l, kad_vselect(take, s0, load(s + l)));
            save(s + stride + l, kad_vselect(take, s1, load(s + stride + l)));
            left = kad_vselect(kad_vlt(margin, zero), left, kad_vset(1));
        }
        save(waiting + l, left);
        n_waiting += kad_vsum(left) < KAD_V;
    }
    return n_waiting;
}

static void draw_circle(const kad_spin_source *source, size_t n_lanes, size_t stride,
                        const double *x, double *s)
{
    _Alignas(64) double u[4 * KAD_W], waiting[KAD_W];
    for (size_t l = 0; l < n_lanes; l += KAD_W) {
        uint32_t attempt = 0;
        for (size_t i = 0; i < KAD_W; i++)
            waiting[i] = -1;
        do {
            uniforms(source, l, attempt++, u);
        } while (two_attempts(x + l, stride, u, waiting, s + l) > 0);
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
        if (lane == 0) uniforms(source, l, 0, u);
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

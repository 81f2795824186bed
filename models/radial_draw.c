/* An exact draw of one phi^4 site by its radius. s = |phi|^2 has the density
 *     s^{n/2 - 1} e^{L(s)},   L(s) = ln w_n(h sqrt s) - mu s - lambda s^2,
 * and L, for n = 3 with (1/2) ln s in it, is concave (ln w_n(sqrt s) is a sum of
 * ln(1 + s/s_k)), so that the tangents on both sides of its peak lie above it: they are
 * the envelope of a rejection whose acceptance has a lower bound whatever the couplings.
 * n = 1 has the factor s^{-1/2} left: below half the peak's radius r_1 = r_0 / 2 the
 * density of r is at most its value at r_1, above it s^{-1/2} <= 1 / r_1. The direction
 * given r has the density exp(h.phi). Source of tangents: Gilks, Wild, Appl. Stat. 41
 * (1992) 337, with two of them and none added. */
#include "base/real.h"
#include "models/single_site.h"
#include "models/spins.h"

#include <math.h>

/* L of one site, centred on the bottom of the well where there is one: s - v is exact
 * where mu s + lambda s^2 would cancel. */
typedef struct radial {
    const kad_single_site *site;
    double h, v;
} radial;

static double shape(const radial *q, double s)
{
    const kad_single_site *site = q->site;
    const double d = s - q->v;
    double L = site->mu < 0 ? -site->lambda * d * d : -s * (site->mu + site->lambda * s);
    if (site->n == 3) L += 0.5 * log(s);
    return L + kad_spin_ln_weight(site->n, q->h * sqrt(s));
}

static double shape_slope(const radial *q, double s)
{
    const kad_single_site *site = q->site;
    const double x = q->h * sqrt(s);
    double L =
        site->mu < 0 ? -2 * site->lambda * (s - q->v) : -site->mu - 2 * site->lambda * s;
    if (site->n == 3) L += 0.5 / s;
    return L + (x > 1e-4 ? kad_spin_mean(site->n, x) * x / (2 * s)
                         : q->h * q->h / (2 * site->n));
}

/* Tangents at a < b that meet at c, heights relative to L(b); for n = 1 the part of r <
 * r_1 beside them. Areas in units of ds. */
typedef struct envelope {
    double lo;         /* least s under the tangents */
    double a, b, c;    /* no tangent on the left: a = c = lo */
    double rise, fall; /* slopes: rise > 0 > fall */
    double left, right, below;
    double at_a, at_b, at_lo; /* L */
} envelope;

/* A point on one side of `s` where L has fallen by less than 2 and its slope has turned;
 * `lo` when there is none on the left. */
static double beside(const radial *q, double s, double lo, int side)
{
    const double top = shape(q, s);
    double step = 1 / sqrt(2 * q->site->lambda);
    for (int i = 0; i < 200; i++, step *= 0.5) {
        const double at = s + side * step;
        if (at > lo && shape(q, at) > top - 2) break;
    }
    for (int i = 0; i < 200 && side * shape_slope(q, s + side * step) >= 0; i++) {
        step *= 2;
        if (s + side * step <= lo) return lo;
    }
    return s + side * step;
}

static envelope make_envelope(const radial *q, double r0)
{
    envelope e = {.lo = q->site->n == 1 ? 0.25 * r0 * r0 : 0};
    e.a = beside(q, r0 * r0, e.lo, -1);
    e.b = beside(q, r0 * r0, e.lo, 1);
    e.at_b = shape(q, e.b);
    e.fall = shape_slope(q, e.b);
    e.c = e.lo;
    if (e.a > e.lo) {
        e.at_a = shape(q, e.a);
        e.rise = shape_slope(q, e.a);
        e.c = e.a + (e.at_b - e.at_a - e.fall * (e.b - e.a)) / (e.rise - e.fall);
        e.left = -expm1(-e.rise * (e.c - e.lo)) / e.rise;
    }
    e.right = -1 / e.fall;
    if (q->site->n > 1) return e;
    /* areas above are in units of e^{L of the tangents at c}; dr = ds / 2 sqrt s */
    e.at_lo = shape(q, e.lo);
    const double top = e.at_b + e.fall * (e.c - e.b);
    e.below = 2 * e.lo * exp(e.at_lo - top); /* r_1 e^{L(r_1)} over 1 / 2 r_1 */
    return e;
}

/* One attempt from three uniform numbers; false: rejected. */
static bool attempt(const radial *q, const envelope *e, const double u[3], double *s)
{
    double bound, pick = u[0] * (e->left + e->right + e->below);
    if (pick < e->below) {
        *s = e->lo * u[1] * u[1]; /* r uniform */
        return log(u[2]) <= shape(q, *s) - e->at_lo;
    }
    pick -= e->below;
    if (pick < e->left) {
        *s = e->c + log1p(u[1] * expm1(-e->rise * (e->c - e->lo))) / e->rise;
        bound = e->at_a + e->rise * (*s - e->a);
    } else {
        *s = e->c + log(u[1]) / e->fall;
        bound = e->at_b + e->fall * (*s - e->b);
    }
    if (q->site->n == 1) bound += 0.5 * log(*s / e->lo);
    return log(u[2]) <= shape(q, *s) - bound;
}

/* phi of length r in the field h: the direction is a unit spin in the field h r. */
static void turn(int n, kad_rng rng, uint64_t step, uint64_t sample, uint32_t first,
                 const double *h, double r, double *phi)
{
    enum { W = KAD_W_DOUBLE };
    _Alignas(64) double x[KAD_SPIN_MAX * W] = {0}, spin[KAD_SPIN_MAX * W];
    const kad_spin_source source = {rng, step, sample, first, 1};
    for (int a = 0; a < n; a++)
        x[a * W] = h[a] * r;
    kad_spin_rows_draw_f64(n, &source, W, W, x, spin);
    for (int a = 0; a < n; a++)
        phi[a] = r * spin[a * W];
}

bool kad_single_site_draw_radial(const kad_single_site *site, kad_rng rng, uint64_t step,
                                 uint64_t sample, const double *h, double *phi)
{
    double h2 = 0, s = 0;
    for (int a = 0; a < site->n; a++)
        h2 += h[a] * h[a];
    const radial q = {site, sqrt(h2), -site->mu / (2 * site->lambda)};
    const double r0 = kad_single_site_peak(site, q.h);
    if (!(r0 > 0)) return false;
    const envelope e = make_envelope(&q, r0);
    rng.key[1] ^= UINT32_C(0x6a09e667);
    for (uint32_t counter = 0; counter < 3000; counter += 3) {
        double u[3];
        for (uint32_t i = 0; i < 3; i++)
            u[i] = kad_rng_uniform(rng, step, sample, counter + i);
        if (!attempt(&q, &e, u, &s)) continue;
        rng.key[1] ^= UINT32_C(0xbb67ae85);
        turn(site->n, rng, step, sample, 0, h, sqrt(s), phi);
        return true;
    }
    return false;
}

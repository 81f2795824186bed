/* The single phi^4 site. In polar form Z_1(h) = S_n int_0^inf dr e^{g(r)},
 *     g(r) = (n-1) ln r + ln w_n(h r) - mu r^2 - lambda r^4,   S_n = 2, 2 pi, 4 pi.
 * r g'(r) is concave in r^2 (ln w_n(sqrt s) is a sum of ln(1 + s/s_k)), so e^g has one
 * peak and Newton's method from the right finds it; Gauss-Legendre over the window where
 * g is within 50 of its peak then gives ln Z_1 to rounding. */
#include "models/single_site.h"

#include "models/legendre.h"

#include <math.h>

/* Wells so deep that a Gaussian misses them this often are drawn by the radius. */
enum { N_HALF = KAD_SINGLE_SITE_NODES, GAUSSIAN_ATTEMPTS = 200 };
static const double WINDOW = 50, DEEP_ACCEPTANCE = 0.01;

static double exponent(const kad_single_site *site, double h, double r)
{
    const double s = r * r;
    double g = -site->mu * s - site->lambda * s * s;
    g += site->spin ? kad_radial_value(site->spin, h * h * s, NULL)
                    : kad_spin_ln_weight(site->n, h * r);
    if (site->n > 1) g += (site->n - 1) * log(r);
    return g;
}

/* r g'(r) at s = r^2, and its derivative with respect to s. */
static double slope(const kad_single_site *site, double h, double s, double *derivative)
{
    const int n = site->n;
    const double x = h * sqrt(s);
    double f = h * h * s / n, df = h * h / n; /* x m(x), small x */
    if (x > 1e5) {                            /* m = 1 - (n - 1) / 2x to 1e-11 */
        f = x - 0.5 * (n - 1);
        df = h * h / (2 * x);
    } else if (x > 1e-4) {
        const double m = kad_spin_mean(n, x);
        f = x * m;
        df = (m + x - x * m * m - (n - 1) * m) * h * h / (2 * x);
    }
    *derivative = df - 2 * site->mu - 8 * site->lambda * s;
    return n - 1 + f - 2 * site->mu * s - 4 * site->lambda * s * s;
}

double kad_single_site_peak(const kad_single_site *site, double h)
{
    const int n = site->n;
    if (n == 1 && h * h <= 2 * site->mu) return 0;
    const double a = 3 / (4 * site->lambda);
    double s = fmax(sqrt(a * (n - 1)), fmax(2 * fabs(site->mu) * a, pow(a * h, 2.0 / 3)));
    for (int i = 0; i < 200; i++) {
        double d;
        const double f = slope(site, h, s, &d), step = f / d;
        s -= step;
        if (!(fabs(step) > 1e-8 * s)) break;
    }
    return sqrt(s);
}

/* Where g has fallen by WINDOW below g0, its value at the peak r0, in one direction. */
static double window_edge(const kad_single_site *site, double h, double r0, double g0,
                          double width, int direction)
{
    double near = r0, far = r0 + direction * width;
    while (far > 0 && exponent(site, h, far) > g0 - WINDOW) {
        near = far;
        width *= 2;
        far = r0 + direction * width;
    }
    if (far < 0) far = 0;
    for (int i = 0; i < 5; i++) { /* a tight window keeps the quadrature dense */
        const double middle = 0.5 * (near + far);
        if (exponent(site, h, middle) < g0 - WINDOW)
            far = middle;
        else
            near = middle;
    }
    return far;
}

static double ln_sphere(int n)
{
    return n == 1 ? M_LN2 : n == 2 ? log(2 * M_PI) : log(4 * M_PI);
}

double kad_single_site_ln_z(const kad_single_site *site, double h, double *m2)
{
    const int n = site->n;
    if (site->lambda == 0) { /* Gaussian */
        const double q = h / (2 * site->mu);
        if (m2) *m2 = n / (2 * site->mu) + q * q;
        return 0.5 * n * log(M_PI / site->mu) + h * q / 2;
    }
    const double r0 = kad_single_site_peak(site, h);
    const double g0 = r0 > 0 ? exponent(site, h, r0) : 0;
    double d; /* g'' = 2 d at the peak */
    slope(site, h, r0 * r0, &d);
    const double scale = pow(site->lambda, -0.25);
    if (g0 > 1e7) { /* Laplace: relative correction O(1 / g0^2) */
        if (m2) *m2 = r0 * r0;
        return ln_sphere(n) + g0 + 0.5 * log(M_PI / -d);
    }
    const double width = 4 * fmin(scale, 1 / sqrt(2 * fabs(d)));
    const double hi = window_edge(site, h, r0, g0, width, 1);
    const double lo = r0 > 0 ? window_edge(site, h, r0, g0, width, -1) : 0;
    const double centre = 0.5 * (lo + hi), half = 0.5 * (hi - lo);
    double z = 0, z2 = 0;
    for (int i = 0; i < 2 * N_HALF; i++) {
        const double x = i < N_HALF ? site->node[i] : -site->node[i - N_HALF];
        const double r = centre + half * x;
        const double w = site->weight[i % N_HALF] * exp(exponent(site, h, r) - g0);
        z += w;
        z2 += w * r * r;
    }
    if (m2) *m2 = z2 / z;
    return ln_sphere(n) + g0 + log(half * z);
}

/* Draws. For every b, lambda |phi|^4 >= lambda (2 b |phi|^2 - b^2), hence
 *   exp(h.phi - mu |phi|^2 - lambda |phi|^4)
 *     = [const * Gaussian(mean h / 2c, variance 1 / 2c)] * exp(-lambda (|phi|^2 - b)^2)
 * with c = mu + 2 lambda b. The mean acceptance is largest at b = <|phi|^2>_Gauss, i.e.
 * c^3 = mu c^2 + n lambda c + lambda h^2 / 2; the draw is exact for any c > 0. */
double kad_single_site_envelope(const kad_single_site *site, double h2)
{
    const double nl = site->n * site->lambda, e = 0.5 * site->lambda * h2;
    if (site->lambda == 0) return site->mu;
    double c = fmax(site->mu, 0) + sqrt(nl) + cbrt(e);
    for (int i = 0; i < 6; i++) {
        const double p = ((c - site->mu) * c - nl) * c - e;
        const double step = p / ((3 * c - 2 * site->mu) * c - nl);
        c -= step;
        if (!(step > 1e-3 * c)) break;
    }
    return c;
}

/* Attempts after which about one draw in ten is still open at h = 0, at most 32; none in a
 * deep well, where a Gaussian is all but never right. */
static int plan_attempts(const kad_single_site *site)
{
    if (site->lambda == 0) return 1;
    const double c = kad_single_site_envelope(site, 0);
    const double b = (c - site->mu) / (2 * site->lambda);
    const double accepted =
        exp(site->ln_z0 - site->lambda * b * b - 0.5 * site->n * log(M_PI / c));
    if (!(accepted > DEEP_ACCEPTANCE) && site->mu < 0) return 0;
    const double n = ceil(log(0.1) / log1p(-fmin(accepted, 0.999)));
    return n < 32 ? (int)n : 32;
}

void kad_single_site_init(kad_single_site *site, int n, double mu, double lambda,
                          const kad_radial_table *spin)
{
    site->spin = spin;
    site->n = n;
    site->mu = mu;
    site->lambda = lambda;
    kad_legendre(N_HALF, site->node, site->weight);
    site->ln_z0 = kad_single_site_ln_z(site, 0, &site->m2);
    site->n_attempts = plan_attempts(site);
}

static double table_function(const void *arg, double s)
{
    const kad_single_site *site = arg;
    if (site->lambda == 0) return s / (4 * site->mu);
    return kad_single_site_ln_z(site, sqrt(s), NULL) - site->ln_z0;
}

void kad_single_site_table(const kad_single_site *site, kad_radial_table *table)
{
    kad_radial_build(table, table_function, site, site->m2 / (2 * site->n));
}

void kad_single_site_draw(const kad_single_site *site, kad_rng rng, uint64_t step,
                          uint64_t sample, uint32_t first, uint32_t stride,
                          const double *h, double *phi)
{
    const int n = site->n;
    double h2 = 0;
    for (int a = 0; a < n; a++)
        h2 += h[a] * h[a];
    const double c = kad_single_site_envelope(site, h2), sigma = sqrt(0.5 / c);
    const double b = site->lambda > 0 ? (c - site->mu) / (2 * site->lambda) : 0;
    uint32_t counter = first;
    int attempts = 0;
    if (!isfinite(h2)) { /* nothing to draw: the caller sees a NaN and rejects */
        for (int a = 0; a < n; a++)
            phi[a] = (double)NAN;
        return;
    }
    if (site->n_attempts == 0 &&
        kad_single_site_draw_radial(site, rng, step, sample, h, phi))
        return;
    for (;;) {
        double z[4], r2 = 0;
        kad_rng_normal2(rng, step, sample, counter, z);
        counter += stride;
        if (n == 3) {
            kad_rng_normal2(rng, step, sample, counter, z + 2);
            counter += stride;
        }
        for (int a = 0; a < n; a++) {
            phi[a] = 0.5 * h[a] / c + sigma * z[a];
            r2 += phi[a] * phi[a];
        }
        if (site->lambda == 0) return;
        const double u = kad_rng_uniform(rng, step, sample, counter);
        /* a counter that wraps around starts a fresh key */
        if (counter > UINT32_MAX - 3 * stride) {
            counter = first;
            rng.key[1] += UINT32_C(0x9E3779B9);
        } else {
            counter += stride;
        }
        if (log(u) <= -site->lambda * (r2 - b) * (r2 - b)) return;
        if (++attempts == GAUSSIAN_ATTEMPTS &&
            kad_single_site_draw_radial(site, rng, step, sample, h, phi))
            return;
    }
}

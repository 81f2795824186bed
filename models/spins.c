#include "models/spins.h"

#include "models/single_site.h"

#include <math.h>

static double norm(int n, const double *x)
{
    double r2 = 0.0;
    if (n == 1) return fabs(x[0]);
    for (int a = 0; a < n; a++)
        r2 += x[a] * x[a];
    return sqrt(r2);
}

double kad_spins_mean(int n, size_t n_sites, const double *x, double *m)
{
    double self = 0.0;
    for (size_t i = 0; i < n_sites; i++) {
        const double *xi = x + i * (size_t)n;
        const double r = norm(n, xi);
        const double mean = kad_spin_mean(n, r);
        for (int a = 0; a < n; a++)
            m[i * (size_t)n + (size_t)a] = r > 0.0 ? mean * xi[a] / r : 0.0;
        self += (1.0 - mean) * (1.0 + mean);
    }
    return self;
}

/* (word + 1/2) / 2^32: in (0, 1), symmetric about 1/2 */
static double unit(uint32_t word)
{
    return ((double)word + 0.5) * 0x1p-32;
}

/* cos of the angle to the mean direction, and the random word left over (its sign). Best
 * and Fisher's wrapped-Cauchy envelope; uniform proposals below kappa = 1/2, where they
 * cost less and the envelope cancels. */
static double von_mises_cos(kad_rng rng, uint64_t number, uint32_t site, double kappa,
                            uint32_t *sign)
{
    const double tau = 1.0 + sqrt(1.0 + 4.0 * kappa * kappa);
    const double rho = kappa < 0.5 ? 0.0 : (tau - sqrt(2.0 * tau)) / (2.0 * kappa);
    const double r = kappa < 0.5 ? 0.0 : (1.0 + rho * rho) / (2.0 * rho);
    for (uint64_t attempt = 0;; attempt++) {
        uint32_t w[4];
        double f;
        kad_rng_u32x4(rng, attempt, number, site, w);
        const double z = cos(M_PI * unit(w[0])), u = unit(w[1]);
        *sign = w[2];
        if (kappa < 0.5) {
            f = z;
            if (u < exp(kappa * (z - 1.0))) return f;
        } else {
            f = (1.0 + r * z) / (r + z);
            const double c = kappa * (r - f);
            if (c * (2.0 - c) > u || log(c / u) + 1.0 - c >= 0.0) return f;
        }
    }
}

static void draw_circle(kad_rng rng, uint64_t number, uint32_t site, const double *x,
                        double *s)
{
    const double r = norm(2, x);
    const double e[2] = {r > 0.0 ? x[0] / r : 1.0, r > 0.0 ? x[1] / r : 0.0};
    uint32_t sign;
    const double c = von_mises_cos(rng, number, site, r, &sign);
    const double sine = (sign & 1 ? 1.0 : -1.0) * sqrt(fmax(0.0, 1.0 - c * c));
    s[0] = c * e[0] - sine * e[1];
    s[1] = c * e[1] + sine * e[0];
}

/* cos theta by inversion: 1 + ln(u + (1 - u) e^{-2 kappa}) / kappa */
static void draw_sphere(kad_rng rng, uint64_t number, uint32_t site, const double *x,
                        double *s)
{
    const double r = norm(3, x);
    double e[3] = {0.0, 0.0, 1.0}, p[3], q[3];
    uint32_t w[4];
    kad_rng_u32x4(rng, 0, number, site, w);
    const double u = unit(w[0]), angle = 2.0 * M_PI * unit(w[1]);
    const double c = r < 1e-8 ? 2.0 * u - 1.0
                              : fmax(-1.0, 1.0 + log1p((1.0 - u) * expm1(-2.0 * r)) / r);
    const double sine = sqrt(fmax(0.0, 1.0 - c * c));

    if (r > 0.0)
        for (int a = 0; a < 3; a++)
            e[a] = x[a] / r;
    /* p, q: an orthonormal pair perpendicular to e, from the axis least along it */
    const int k = fabs(e[0]) <= fabs(e[1]) && fabs(e[0]) <= fabs(e[2]) ? 0
                  : fabs(e[1]) <= fabs(e[2])                           ? 1
                                                                       : 2;
    for (int a = 0; a < 3; a++)
        p[a] = (a == k ? 1.0 : 0.0) - e[k] * e[a];
    const double length = norm(3, p);
    for (int a = 0; a < 3; a++)
        p[a] /= length;
    for (int a = 0; a < 3; a++)
        q[a] = e[(a + 1) % 3] * p[(a + 2) % 3] - e[(a + 2) % 3] * p[(a + 1) % 3];
    for (int a = 0; a < 3; a++)
        s[a] = c * e[a] + sine * (cos(angle) * p[a] + sin(angle) * q[a]);
}

void kad_spins_draw(int n, kad_rng rng, uint64_t number, size_t n_sites, const double *x,
                    double *s)
{
    for (size_t i = 0; i < n_sites; i++) {
        const double *xi = x + i * (size_t)n;
        double *si = s + i * (size_t)n;
        if (n == 1) {
            uint32_t w[4];
            kad_rng_u32x4(rng, 0, number, (uint32_t)i, w);
            *si = unit(w[0]) < 1.0 / (1.0 + exp(-2.0 * xi[0])) ? 1.0 : -1.0;
        } else if (n == 2) {
            draw_circle(rng, number, (uint32_t)i, xi, si);
        } else {
            draw_sphere(rng, number, (uint32_t)i, xi, si);
        }
    }
}

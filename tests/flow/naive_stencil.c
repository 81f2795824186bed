#include "tests/flow/naive_stencil.h"

#include "tests/support/claim.h"

#include <complex.h>
#include <gsl/gsl_sf_bessel.h>
#include <math.h>
#include <string.h>

enum { MAX_INPUTS = 64, MAX_EVEN = 16 };

/* What the net reads [n_inputs][n], of the sources X [n_sources][n]. */
static void naive_inputs(const kad_stencil *e, int n, const double *X, double *inputs)
{
    for (int i = 0; i < e->n_inputs * n; i++)
        inputs[i] = i == (e->n_inputs - 1) * n; /* the axis, if there is one */
    for (int f = 0; f < e->n_sources; f++) {
        double square = 0;
        for (int c = 0; c < n; c++)
            square += X[f * n + c] * X[f * n + c];
        for (int c = 0; c < n; c++)
            inputs[f * n + c] =
                X[f * n + c] / (e->transform->directions ? sqrt(square) : 1);
        if (e->frame.turned) {
            double *turned =
                inputs + (e->n_sources * (e->frame.clock > 0 ? 2 : 1) + f) * n;
            turned[0] = -inputs[f * n + 1];
            turned[1] = inputs[f * n];
        }
        if (e->frame.clock == 0) continue;
        const double angle = (1 - e->frame.clock) * atan2(X[f * n + 1], X[f * n]);
        inputs[(e->n_sources + f) * n] = cos(angle);
        inputs[(e->n_sources + f) * n + 1] = sin(angle);
    }
}

/* The net by its formulas; X [F][n]. */
static void naive_net(const kad_stencil *e, const double *theta, int n, const double *X,
                      double odd[3][3], double even[MAX_EVEN])
{
    const int F = e->n_inputs, H = e->n_hidden;
    const double *w1 = theta + e->w1, *wl = theta + e->wl, *wo = theta + e->wo;
    const double *we = theta + e->we, *b = theta + e->b;
    memset(odd, 0, 9 * sizeof(double));
    for (int j = 0; j < e->n_even; j++)
        even[j] = b[j];
    for (int h = 0; h < H; h++) {
        double v[3] = {0}, square = 0.0;
        for (int c = 0; c < n; c++) {
            for (int f = 0; f < F; f++)
                v[c] += w1[h * F + f] * X[f * n + c];
            square += v[c] * v[c];
        }
        for (int j = 0; j < e->n_odd; j++)
            for (int c = 0; c < n; c++)
                odd[j][c] += wo[j * H + h] * v[c] / sqrt(1 + square);
        for (int j = 0; j < e->n_even; j++)
            even[j] += we[j * H + h] / (1 + square);
    }
    for (int j = 0; j < e->n_odd; j++)
        for (int f = 0; f < F; f++)
            for (int c = 0; c < n; c++)
                odd[j][c] += wl[j * F + f] * X[f * n + c];
}

static double naive_lfa(int n, double odd[3][3], const double *even, const double *z,
                        double *y)
{
    const double a = log1p(exp(even[1])), c = exp(even[2]),
                 k = n > 1 ? exp(even[3]) - 1.0 : 0.0; /* one component has no axis */
    double nn[3], f[3], vv = 0.0, u = 0.0, along = 0.0, m = 0.0;
    for (int i = 0; i < n; i++)
        vv += odd[2][i] * odd[2][i];
    for (int i = 0; i < n; i++)
        u += a * (z[i] + odd[1][i]) * (z[i] + odd[1][i]);
    const double h = (1 + c * u) / (1 + u);
    for (int i = 0; i < n; i++) {
        nn[i] = odd[2][i] / sqrt(1 + vv);
        f[i] = exp(even[0]) * sqrt(h) * (z[i] + odd[1][i]);
        along += nn[i] * f[i];
        m += nn[i] * nn[i];
    }
    for (int i = 0; i < n; i++)
        y[i] = odd[0][i] + f[i] + k * along * nn[i];
    return n * even[0] + log(1 + 2 * c * u + c * u * u) - 2 * log(1 + u) +
           0.5 * (n - 2) * log(h) + log(1 + k * m);
}

static double naive_affine(int n, double odd[3][3], double s, const double *z, double *y)
{
    for (int i = 0; i < n; i++)
        y[i] = odd[0][i] + exp(s) * z[i];
    return n * s;
}

/* The spline over [0, B] by its formulas, of logits of widths, heights and n_slopes slopes: g,
 * and g' returned; beyond B r itself. */
static double naive_spline(const double *logit, int n_slopes, double B, double r,
                           double *g)
{
    enum { K = 4 };
    double knot[2][K + 1] = {{0}}, slope[K + 1];
    for (int which = 0; which < 2; which++) {
        double sum = 1;
        for (int k = 0; k < K - 1; k++)
            sum += exp(logit[which * (K - 1) + k]);
        for (int k = 0; k < K; k++) {
            const double p = k < K - 1 ? exp(logit[which * (K - 1) + k]) / sum : 1 / sum;
            knot[which][k + 1] = knot[which][k] + B * (0.02 + (1 - K * 0.02) * p);
        }
    }
    for (int k = 0; k <= K; k++)
        slope[k] = k < n_slopes ? exp(logit[2 * K - 2 + k]) : 1;
    *g = r;
    for (int k = 0; k < K; k++)
        if (r >= knot[0][k] && r < knot[0][k + 1]) {
            const double w = knot[0][k + 1] - knot[0][k], h = knot[1][k + 1] - knot[1][k];
            const double s = h / w, x = (r - knot[0][k]) / w, t = x * (1 - x);
            const double q = s + (slope[k] + slope[k + 1] - 2 * s) * t;
            *g = knot[1][k] + h * (s * x * x + slope[k] * t) / q;
            return s * s / (q * q) *
                   (slope[k + 1] * x * x + 2 * s * t + slope[k] * (1 - x) * (1 - x));
        }
    return 1;
}

static double naive_rqs(int n, double odd[3][3], const double *even, const double *z,
                        double *y)
{
    double r = 0, g;
    for (int i = 0; i < n; i++)
        r += (z[i] + odd[1][i]) * (z[i] + odd[1][i]);
    r = sqrt(r);
    const double dg = naive_spline(even + 1, 4, 4, r, &g);
    for (int i = 0; i < n; i++)
        y[i] = odd[0][i] + exp(even[0]) * g / r * (z[i] + odd[1][i]);
    return n * even[0] + log(dg) + (n - 1) * log(g / r);
}

/* Angles as complex numbers; the logarithm of each slope is added to ld. */
static double complex naive_axis(const double *v, double rho, double complex s,
                                 double *ld)
{
    const double norm = sqrt(1 + v[0] * v[0] + v[1] * v[1]),
                 k = expm1(rho / sqrt(1 + rho * rho / 16));
    const double complex nn = (v[0] + I * v[1]) / norm;
    const double complex a = s + k * creal(nn * conj(s)) * nn;
    *ld += log((1 + k * creal(nn * conj(nn))) / creal(a * conj(a)));
    return a / cabs(a);
}

static double complex naive_moebius(double complex x, double complex s, double *ld)
{
    const double complex w = 0.99 * x / sqrt(1 + creal(x * conj(x)));
    *ld += log((1 - creal(w * conj(w))) / pow(cabs(s + w), 2));
    return (s + w) / (1 + conj(w) * s);
}

/* phi by halving intervals, from Bessel functions. */
static double complex naive_quantile(double complex u, double share, double complex s,
                                     double *ld)
{
    const double eps = 1e-4 + (1 - 1e-4) / (1 + exp(-share));
    const double kappa = cabs(u) / sqrt(1 + pow(cabs(u) / 12, 2));
    const double in = carg(s * conj(u));
    double lo = 0, hi = M_PI, P = 1;
    for (int step = 0; step < 60; step++) {
        const double phi = (lo + hi) / 2;
        double F = phi;
        P = 1;
        for (int j = 1; j < 60; j++) {
            const double rho =
                gsl_sf_bessel_In_scaled(j, kappa) / gsl_sf_bessel_I0_scaled(kappa);
            F += 2 * (1 - eps) * rho * sin(j * phi) / j;
            P += 2 * (1 - eps) * rho * cos(j * phi);
        }
        if (F < fabs(in))
            lo = phi;
        else
            hi = phi;
    }
    *ld -= log(P);
    return u / cabs(u) * cexp(I * copysign(lo, in));
}

/* The spline of the angle from u. */
static double complex naive_circle_spline(double complex u, const double *out,
                                          double complex s, double *ld)
{
    double logit[11], g;
    const double phi = carg(s * conj(u));
    for (int k = 0; k < 11; k++)
        logit[k] = out[k] * cabs(u) / sqrt(1 + creal(u * conj(u)));
    *ld += log(naive_spline(logit, 5, M_PI, fabs(phi), &g));
    return u / cabs(u) * cexp(I * copysign(g, phi));
}

/* vm, circ and crqs. */
static double naive_angles(const kad_transform_ops *transform, double odd[3][3],
                           const double *even, const double *z, double *y)
{
    double ld = 0;
    const double complex at = z[0] + I * z[1];
    const double complex u = exp(even[0]) * (odd[0][0] + I * odd[0][1]);
    double complex s = naive_axis(odd[1], even[1], at / cabs(at), &ld);
    if (transform == &kad_transform_vm)
        s = naive_quantile(u, even[3], s, &ld);
    else if (transform == &kad_transform_crqs)
        s = naive_circle_spline(u, even + 3, s, &ld);
    else
        s = naive_moebius(u, s, &ld);
    s = cabs(at) * naive_axis(odd[2], even[2], s, &ld);
    y[0] = creal(s);
    y[1] = cimag(s);
    return ld;
}

/* The p-th power goes through axis, quantile, axis; the angle takes a p-th of its shift. */
static double naive_fold(double p, const double *even, const double *z, double *y)
{
    const double first[2] = {even[4], 0}, last[2] = {even[5], 0};
    double ld = 0;
    const double complex at = z[0] + I * z[1], u = cpow(at / cabs(at), p);
    double complex s = naive_axis(first, even[1], u, &ld);
    s = naive_quantile(even[0], even[3], s, &ld);
    s = naive_axis(last, even[2], s, &ld);
    s = at * cexp(I * carg(s * conj(u)) / p);
    y[0] = creal(s);
    y[1] = cimag(s);
    return ld;
}

static double naive_transform(const kad_stencil *e, const double *theta, int n,
                              double odd[3][3], const double *even, const double *z,
                              double *y)
{
    if (e->transform == &kad_transform_fold) return naive_fold(e->quartic, even, z, y);
    if (e->transform == &kad_transform_lfa) return naive_lfa(n, odd, even, z, y);
    if (e->transform == &kad_transform_affine) return naive_affine(n, odd, even[0], z, y);
    if (e->transform == &kad_transform_bounded)
        return naive_affine(n, odd, theta[e->own] * tanh(even[0]), z, y);
    if (e->transform == kad_transform_find("rqs")) return naive_rqs(n, odd, even, z, y);
    if (e->transform->directions) return naive_angles(e->transform, odd, even, z, y);
    assert_ptr_equal(e->transform, &kad_transform_q4t);
    const double w = z[0] + odd[1][0];
    const double a = 2 * e->quartic * exp(4 * even[0]) / (1 + exp(-even[1])),
                 u = a * w * w;
    y[0] = odd[0][0] + exp(even[0]) * pow(1 + u, -0.25) * w;
    return even[0] + log(1 + u / 2) - 1.25 * log(1 + u);
}

double naive_stencil(const kad_stencil *e, const double *theta, int n, const double *X,
                     const double *z, double *y)
{
    double inputs[MAX_INPUTS * 3], odd[3][3], even[MAX_EVEN];
    assert_true(e->n_inputs <= MAX_INPUTS && e->n_even <= MAX_EVEN);
    naive_inputs(e, n, X, inputs);
    naive_net(e, theta, n, inputs, odd, even);
    return naive_transform(e, theta, n, odd, even, z, y);
}

/* Building and scalar evaluation of radial tables. */
#include "models/radial_table.h"

#include <math.h>
#include <string.h>

enum { N = KAD_RADIAL_TERMS_F64 };

/* Chebyshev coefficients of an octave from values at the N Chebyshev points; cosine[m] =
 * cos(pi m / 2 N). */
static void chebyshev(const double cosine[4 * N], const double f[N], double c[N])
{
    for (int i = 0; i < N; i++) {
        double sum = 0;
        for (int j = 0; j < N; j++)
            sum += f[j] * cosine[i * (2 * j + 1) % (4 * N)];
        c[i] = sum * (i ? 2.0 : 1.0) / N;
    }
}

/* Powers of y from the first n Chebyshev terms. The terms fall like 5.83^-i, the leading
 * power of T_i grows like 2^i: nothing is lost. */
static void to_powers(int n, const double *c, double *p)
{
    double t0[N] = {1}, t1[N] = {0, 1};
    for (int i = 0; i < n; i++)
        p[i] = 0;
    for (int i = 0; i < n; i++) {
        double *t = i % 2 ? t1 : t0; /* T_i; the other one is T_(i-1) */
        double *u = i % 2 ? t0 : t1;
        if (i >= 2) {
            for (int j = N - 1; j > 0; j--)
                t[j] = 2 * u[j - 1] - t[j];
            t[0] = -t[0];
        }
        for (int j = 0; j <= i; j++)
            p[j] += c[i] * t[j];
    }
}

void kad_radial_build(kad_radial_table *table, kad_radial_function F, const void *arg,
                      double slope)
{
    memset(table, 0, sizeof *table);
    table->slope = slope;
    double cosine[4 * N];
    for (int m = 0; m < 4 * N; m++)
        cosine[m] = cos(M_PI * m / (2 * N));
    for (int k = 0; k < KAD_RADIAL_OCTAVES; k++) {
        double f[N], c[N], p[N];
        for (int j = 0; j < N; j++) {
            const double v = ldexp(3 + cosine[2 * j + 1], k - 1);
            f[j] = F(arg, (v - 1) / slope);
        }
        chebyshev(cosine, f, c);
        to_powers(N, c, p);
        for (int j = 0; j < N; j++)
            table->c_f64[j][k] = p[j];
        to_powers(KAD_RADIAL_TERMS_F32, c, p);
        for (int j = 0; j < KAD_RADIAL_TERMS_F32; j++)
            table->c_f32[j][k] = (float)p[j];
    }
    for (int k = KAD_RADIAL_OCTAVES; k < KAD_RADIAL_STRIDE; k++) {
        for (int j = 0; j < N; j++)
            table->c_f64[j][k] = NAN;
        for (int j = 0; j < KAD_RADIAL_TERMS_F32; j++)
            table->c_f32[j][k] = NAN;
    }
}

double kad_radial_value(const kad_radial_table *table, double s, double *dF)
{
    const double v = 1 + table->slope * s;
    int e = 0;
    const double m = frexp(v, &e); /* v = m 2^e, 1/2 <= m < 1 */
    int k = e - 1;
    if (!isfinite(v) || k > KAD_RADIAL_OCTAVES) k = KAD_RADIAL_OCTAVES;
    const double y = 4 * m - 3;
    double f = table->c_f64[N - 1][k], df = 0;
    for (int j = N - 2; j >= 0; j--) {
        df = df * y + f;
        f = f * y + table->c_f64[j][k];
    }
    if (dF) *dF = df * ldexp(table->slope, 1 - k);
    return f;
}

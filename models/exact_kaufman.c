/* Kaufman's solution of the Ising model on a torus. With n = lx rows of angles and m =
 * ly, Z = (1/2) (2 sinh 2K)^{nm/2} (Y_1 + Y_2 + Y_3 + Y_4), Y_1 = prod 2 cosh(m
 * g_{2r+1}/2),  Y_2 = prod 2 sinh(m g_{2r+1}/2), Y_3 = prod 2 cosh(m g_{2r}/2),    Y_4 =
 * prod 2 sinh(m g_{2r}/2),   r = 0 .. n-1, g_0 = 2K + ln tanh K (signed: negative above
 * T_c), cosh g_l = cosh 2K coth 2K - cos(pi l / n), evaluated without cancellation as
 *   sinh^2(g_l/2) = sinh^2(g_0/2) + sin^2(pi l / 2n).
 * Everything is kept as logarithms with exact first and second derivatives in K; the
 * factor 2 sinh(m g_0/2), which vanishes at T_c, is kept apart. */
#include "models/exact.h"

#include <math.h>

/* ln of a positive product and its two derivatives in K. */
typedef struct product {
    double ln, d1, d2;
} product;

/* A mode's g and its derivatives. */
typedef struct mode {
    double g, d1, d2;
} mode;

static mode mode_zero(double K)
{
    const double s = sinh(2 * K);
    /* ln tanh K = -2 artanh(exp(-2K)) stays accurate at large K */
    return (mode){2 * K + (K < 0.3 ? log(tanh(K)) : -2 * atanh(exp(-2 * K))), 2 + 2 / s,
                  -4 * cosh(2 * K) / (s * s)};
}

static mode mode_at(const mode *zero, double angle)
{
    const double s0 = sinh(0.5 * zero->g), s = sin(0.5 * angle);
    const double g = 2 * asinh(sqrt(s0 * s0 + s * s)), sinh_g = sinh(g);
    const double d1 = sinh(zero->g) * zero->d1 / sinh_g;
    const double d2 = (cosh(zero->g) * zero->d1 * zero->d1 + sinh(zero->g) * zero->d2 -
                       cosh(g) * d1 * d1) /
                      sinh_g;
    return (mode){g, d1, d2};
}

/* Multiply by 2 cosh(m g / 2) (sign = 1) or 2 sinh(m g / 2), g > 0 (sign = -1). */
static void multiply(product *p, const mode *g, double m, int sign)
{
    const double x = 0.5 * m * g->g, e = exp(-2 * fabs(x));
    const double th = copysign((1 - e) / (1 + e), x); /* tanh x */
    const double f1 = sign > 0 ? th : 1 / th;         /* derivative of the logarithm */
    const double f2 = 1 - f1 * f1;
    p->ln += fabs(x) + log1p(sign * e);
    p->d1 += 0.5 * m * g->d1 * f1;
    p->d2 += 0.5 * m * g->d2 * f1 + 0.25 * m * m * g->d1 * g->d1 * f2;
}

void kad_exact_kaufman(int lx, int ly, double K, kad_exact_thermo *out)
{
    const int n = lx;
    const double m = ly, N = (double)lx * ly;
    if (K == 0) {
        *out = (kad_exact_thermo){N * M_LN2, 0, 0};
        return;
    }
    product y[4] = {0};
    const mode zero = mode_zero(K);
    for (int l = 1; l < 2 * n; l++) {
        const mode g = mode_at(&zero, M_PI * l / n);
        multiply(&y[l % 2 ? 0 : 2], &g, m, 1);
        multiply(&y[l % 2 ? 1 : 3], &g, m, -1);
    }
    multiply(&y[2], &zero, m, 1);
    /* Y_4 = 2 sinh(m g_0 / 2) P: value and derivatives in units of exp(|x|) P */
    const double x = 0.5 * m * zero.g, e = exp(-2 * fabs(x)), c = 1 + e;
    const double s = copysign(1 - e, x), x1 = 0.5 * m * zero.d1, x2 = 0.5 * m * zero.d2;
    const double h0 = s, h1 = x1 * c, h2 = x2 * c + x1 * x1 * s;
    y[3].ln += fabs(x);
    double top = y[0].ln;
    for (int i = 1; i < 4; i++)
        top = fmax(top, y[i].ln);
    double z = 0, z1 = 0, z2 = 0;
    for (int i = 0; i < 4; i++) {
        const double w = exp(y[i].ln - top), a = y[i].d1, b = a * a + y[i].d2;
        const double f0 = i < 3 ? 1 : h0, f1 = i < 3 ? 0 : h1, f2 = i < 3 ? 0 : h2;
        z += w * f0;
        z1 += w * (f0 * a + f1);
        z2 += w * (f0 * b + 2 * f1 * a + f2);
    }
    const double sinh2K = sinh(2 * K);
    out->ln_z = -M_LN2 + 0.5 * N * (M_LN2 + log(sinh2K)) + top + log(z);
    out->energy = -(N / tanh(2 * K) + z1 / z) / N;
    out->specific_heat =
        K * K * (-2 * N / (sinh2K * sinh2K) + z2 / z - (z1 / z) * (z1 / z)) / N;
}

/* Spin weights w_n(r): power series below r = 2 (all terms positive), exponentially
 * scaled closed forms above. */
#include "models/single_site.h"

#include <gsl/gsl_sf_bessel.h>
#include <math.h>

/* w_n(r) - 1 and w_n'(r): w_n = sum_k s^k / prod_{j<=k} 2j (n + 2j - 2), s = r^2. */
static void series(int n, double r, double *w_minus_1, double *dw)
{
    const double s = r * r;
    double term = 1, sum = 0, dsum = 0;
    for (int k = 1; k < 24; k++) {
        term *= s / (2.0 * k * (n + 2.0 * k - 2));
        sum += term;
        dsum += 2 * k * term;
        if (term < 1e-18 * sum) break;
    }
    *w_minus_1 = sum;
    *dw = r > 0 ? dsum / r : 0;
}

/* ln w_n(r) - r, r >= 2 */
static double ln_scaled(int n, double r)
{
    switch (n) {
    case 1:
        return log1p(exp(-2 * r)) - M_LN2;
    case 2:
        return log(gsl_sf_bessel_I0_scaled(r));
    default:
        return log1p(-exp(-2 * r)) - log(2 * r);
    }
}

double kad_spin_ln_weight(int n, double r)
{
    double w, dw;
    if (r < 2) {
        series(n, r, &w, &dw);
        return log1p(w);
    }
    return r + ln_scaled(n, r);
}

double kad_spin_ln_weight_scaled(int n, double r)
{
    return r < 2 ? kad_spin_ln_weight(n, r) - r : ln_scaled(n, r);
}

double kad_spin_mean(int n, double r)
{
    double w, dw;
    if (r < 2) {
        series(n, r, &w, &dw);
        return dw / (1 + w);
    }
    switch (n) {
    case 1:
        return tanh(r);
    case 2:
        return gsl_sf_bessel_I1_scaled(r) / gsl_sf_bessel_I0_scaled(r);
    default:
        return 1 / tanh(r) - 1 / r;
    }
}

static double spin_function(const void *n, double s)
{
    return kad_spin_ln_weight(*(const int *)n, sqrt(s));
}

void kad_spin_table(kad_radial_table *table, int n)
{
    kad_radial_build(table, spin_function, &n, 1 / (2.0 * n));
}

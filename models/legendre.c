#include "models/legendre.h"

#include <math.h>

/* Roots of P_n by Newton's method from the classical estimate. */
void kad_legendre(int n_half, double *node, double *weight)
{
    const int n = 2 * n_half;
    for (int i = 0; i < n_half; i++) {
        double x = cos(M_PI * (i + 0.75) / (n + 0.5)), dp = 1;
        for (int iteration = 0; iteration < 6; iteration++) {
            double p0 = 1, p1 = x;
            for (int k = 2; k <= n; k++) {
                const double p2 = ((2 * k - 1) * x * p1 - (k - 1) * p0) / k;
                p0 = p1;
                p1 = p2;
            }
            dp = n * (p0 - x * p1) / ((1 - x) * (1 + x));
            x -= p1 / dp;
        }
        node[i] = x;
        weight[i] = 2 / ((1 - x) * (1 + x) * dp * dp);
    }
}

#include "models/spins.h"

#include "models/single_site.h"

#include <math.h>

static double norm(int n, const double *x)
{
    double r2 = 0.0;
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

/* Free field on a periodic lattice: modes decouple, S = sum_k e_k |phi_k|^2 with e_k = mu
 * - t sum_a cos k_a = mass + |t| sum_a (1 -+ cos k_a), mass = mu - |t| d, which keeps small
 * gaps accurate. */
#include "base/sum.h"
#include "models/exact.h"

#include <float.h>
#include <math.h>

typedef struct free_mode {
    double e;        /* e_k */
    double rounding; /* relative, of e_k */
    double cosines;  /* sum_a cos k_a */
} free_mode;

static free_mode mode_at(const kad_lattice *lattice, double t, double mass, int mode)
{
    free_mode k = {.cosines = lattice->d};
    double kinetic = 0;
    int x[KAD_MAX_DIM];
    kad_lattice_coords(lattice, mode, x);
    for (int a = 0; a < lattice->d; a++) {
        const int L = lattice->shape[a], n = 2 * x[a] < L ? x[a] : L - x[a];
        const double s = sin(M_PI * n / L), c = sin(0.5 * M_PI * (L - 2 * n) / L);
        kinetic += 2 * fabs(t) * (t < 0 ? c * c : s * s); /* (1 -+ cos) = 2 c^2, 2 s^2 */
        k.cosines -= 2 * s * s;
    }
    k.e = mass + kinetic;
    k.rounding = 4 * DBL_EPSILON * (fabs(mass) + kinetic) / k.e;
    return k;
}

double kad_exact_free_gap(const kad_lattice *lattice, double t, double mass)
{
    double gap = (double)INFINITY;
    for (int k = 0; k < lattice->n_sites; k++)
        gap = fmin(gap, mode_at(lattice, t, mass, k).e);
    return gap;
}

kad_exact_value kad_exact_free_ln_z(const kad_lattice *lattice, int n, double t,
                                    double mass)
{
    kad_sum sum = {0};
    double error = 0;
    for (int i = 0; i < lattice->n_sites; i++) {
        const free_mode k = mode_at(lattice, t, mass, i);
        const double ln = log(M_PI / k.e);
        kad_sum_add(&sum, ln);
        error += k.rounding + 2 * DBL_EPSILON * fabs(ln);
    }
    return (kad_exact_value){0.5 * n * kad_sum_get(&sum), 0.5 * n * error};
}

/* The cosines of all modes add up to 0, so <phi_0 phi_x> of neighbours is the mean of
 * cos k_a (1/2e_k - 1/2mu): t (sum cos)^2 / (2 e_k mu d), which has one sign. */
void kad_exact_free(const kad_lattice *lattice, double t, double mass,
                    kad_exact_free_moments *out)
{
    const double N = lattice->n_sites, mu = mass + fabs(t) * lattice->d;
    const double factor = t / (mu * lattice->d);
    const double unit = 16 * DBL_EPSILON * (1 + (fabs(mass) + fabs(t) * lattice->d) / mu);
    kad_sum phi2 = {0}, bond = {0};
    *out = (kad_exact_free_moments){0};
    for (int i = 0; i < lattice->n_sites; i++) {
        const free_mode k = mode_at(lattice, t, mass, i);
        const double g = 1 / (2 * k.e), b = k.cosines * k.cosines * g;
        kad_sum_add(&phi2, g);
        kad_sum_add(&bond, b);
        out->phi2.error += k.rounding * g / N;
        out->bond.error += (k.rounding + unit) * b * fabs(factor) / N;
        if (i == 0) out->chi = (kad_exact_value){g, k.rounding * g};
    }
    out->phi2.value = kad_sum_get(&phi2) / N;
    out->bond.value = factor * kad_sum_get(&bond) / N;
}

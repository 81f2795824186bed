/* Free field on a periodic lattice: modes decouple, S = sum_k e_k |phi_k|^2 with
 * e_k = mu - t sum_a cos k_a. */
#include "models/exact.h"

#include <math.h>

/* e_k = (mu - t d) + (t/2) khat^2, which keeps small gaps accurate. */
static double eigenvalue(const kad_lattice *lattice, double t, double mu, int mode)
{
    return mu - t * lattice->d + 0.5 * t * kad_lattice_khat2(lattice, mode);
}

double kad_exact_free_gap(const kad_lattice *lattice, double t, double mu)
{
    double gap = (double)INFINITY;
    for (int k = 0; k < lattice->n_sites; k++)
        gap = fmin(gap, eigenvalue(lattice, t, mu, k));
    return gap;
}

double kad_exact_free_ln_z(const kad_lattice *lattice, int n, double t, double mu)
{
    double sum = 0;
    for (int k = 0; k < lattice->n_sites; k++)
        sum += log(M_PI / eigenvalue(lattice, t, mu, k));
    return 0.5 * n * sum;
}

void kad_exact_free_propagator(const kad_lattice *lattice, double t, double mu, double *G)
{
    const int N = lattice->n_sites;
    for (int site = 0; site < N; site++) {
        int x[KAD_MAX_DIM], k[KAD_MAX_DIM];
        double sum = 0;
        kad_lattice_coords(lattice, site, x);
        for (int mode = 0; mode < N; mode++) {
            kad_lattice_coords(lattice, mode, k);
            double c = 1; /* the spectrum is even in every k_a: a product of cosines */
            for (int a = 0; a < lattice->d; a++) {
                const int L = lattice->shape[a];
                c *= cos(2 * M_PI * (double)((int64_t)k[a] * x[a] % L) / L);
            }
            sum += c / (2 * eigenvalue(lattice, t, mu, mode));
        }
        G[site] = sum / N;
    }
}

/* Where the exact partition function of the spins behind a dual is known. */
#include "base/memory.h"
#include "models/dual.h"
#include "models/exact.h"

#include <math.h>

enum { MAX_ENUMERATED = 20, MAX_SLICE = 10 };

/* K of every bond to a +axis neighbour; false when some coupling is not between nearest
 * neighbours. At extent 2 a pair has two bonds: the first takes a file's coupling. */
static bool fill_bonds(const kad_dual *dual, double *bond)
{
    const kad_lattice *lattice = dual->action.lattice;
    const int d = lattice->d, N = lattice->n_sites;
    int n_bonds = 0, n_couplings = 0;
    for (int i = 0; i < N; i++)
        for (int a = 0; a < d; a++) {
            const int j = lattice->nbr[2 * (i * d + a)];
            const bool second = lattice->shape[a] == 2 && j < i;
            double *K = &bond[i * d + a];
            *K = dual->J ? dual->J[i * N + j] : 1;
            if (dual->J && second) *K = 0;
            if (dual->J && *K != 0) n_bonds++;
            *K *= dual->beta;
        }
    for (int i = 0; dual->J && i < N; i++)
        for (int j = 0; j < i; j++)
            n_couplings += dual->J[i * N + j] != 0;
    return n_bonds == n_couplings;
}

static kad_status by_enumeration(kad_ctx *ctx, const kad_dual *dual, double *ln_z)
{
    kad_status status = KAD_OK;
    const kad_lattice *lattice = dual->action.lattice;
    const int N = lattice->n_sites;
    double *K = NULL;
    kad_exact_spins spins;
    KAD_TRY(kad_new(ctx, (size_t)(N * N), sizeof *K, &K));
    for (int i = 0; i < N; i++) {
        for (int b = 0; !dual->J && b < 2 * lattice->d; b++)
            K[i * N + lattice->nbr[2 * i * lattice->d + b]] += dual->beta;
        for (int j = 0; dual->J && j < N; j++)
            K[i * N + j] = dual->beta * dual->J[i * N + j];
    }
    KAD_TRY(kad_exact_enumerate(ctx, N, K, &spins, NULL));
    *ln_z = spins.ln_z;
done:
    kad_free(K);
    return status;
}

static kad_status by_transfer(kad_ctx *ctx, const kad_dual *dual, double *ln_z,
                              const char **source)
{
    kad_status status = KAD_OK;
    const kad_lattice *lattice = dual->action.lattice;
    double *bond = NULL;
    KAD_TRY(kad_new(ctx, (size_t)(lattice->n_sites * lattice->d), sizeof *bond, &bond));
    if (fill_bonds(dual, bond)) {
        KAD_TRY(kad_exact_transfer(ctx, lattice, bond, ln_z));
        *source = "transfer matrix";
    }
done:
    kad_free(bond);
    return status;
}

kad_status kad_dual_exact(kad_ctx *ctx, const kad_dual *dual, bool costly, double *ln_z,
                          const char **source)
{
    const kad_lattice *lattice = dual->action.lattice;
    const int n = dual->action.n_comp, N = lattice->n_sites;
    const double beta = dual->beta;
    double factor;
    const int ring = kad_exact_ring_length(lattice, &factor);
    *ln_z = (double)NAN;
    *source = NULL;
    if (beta == 0) {
        *ln_z = n == 1 ? N * M_LN2 : 0;
        *source = "free spins";
    } else if (!dual->J && ring) {
        *ln_z = kad_exact_spin_ring(n, ring, factor * beta) + (n == 1 ? N * M_LN2 : 0);
        *source = "ring";
    } else if (!dual->J && n == 1 && lattice->d == 2) {
        kad_exact_thermo thermo;
        kad_exact_kaufman(lattice->shape[0], lattice->shape[1], beta, &thermo);
        *ln_z = thermo.ln_z;
        *source = "Kaufman";
    } else if (costly && n == 1 && N <= MAX_ENUMERATED) {
        *source = "enumeration";
        return by_enumeration(ctx, dual, ln_z);
    } else if (costly && n == 1 && kad_exact_slice(lattice) <= MAX_SLICE) {
        return by_transfer(ctx, dual, ln_z, source);
    }
    return KAD_OK;
}

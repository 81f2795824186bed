/* Lists of bonds, and the random words of a cluster move (clusters_kern.c). */
#include "lattice/clusters.h"

#include "base/memory.h"

#include <string.h>

static kad_status allocate(kad_ctx *ctx, size_t n, bool weighted, kad_bonds *out)
{
    kad_bonds bonds KAD_CLEARED(kad_bonds_clear) = {.n = n};
    memset(out, 0, sizeof *out);
    KAD_CALL(kad_new(ctx, 2 * n, sizeof(int), &bonds.ends));
    if (weighted) KAD_CALL(kad_new(ctx, n, sizeof(double), &bonds.J));
    *out = bonds;
    bonds = (kad_bonds){0};
    return KAD_OK;
}

kad_status kad_bonds_of_lattice(kad_ctx *ctx, const kad_lattice *lattice, kad_bonds *out)
{
    const size_t N = (size_t)lattice->n_sites, d = (size_t)lattice->d;
    KAD_CALL(allocate(ctx, N * d, false, out));
    for (size_t i = 0; i < N; i++)
        for (size_t mu = 0; mu < d; mu++) {
            out->ends[2 * (i * d + mu)] = (int)i;
            out->ends[2 * (i * d + mu) + 1] = lattice->nbr[2 * (i * d + mu)];
        }
    return KAD_OK;
}

kad_status kad_bonds_of_matrix(kad_ctx *ctx, int N, const double *J, kad_bonds *out)
{
    size_t n = 0;
    for (int i = 0; i < N; i++)
        for (int j = i + 1; j < N; j++)
            n += J[(size_t)i * (size_t)N + (size_t)j] != 0;
    KAD_CALL(allocate(ctx, n, true, out));
    n = 0;
    for (int i = 0; i < N; i++)
        for (int j = i + 1; j < N; j++) {
            const double J_ij = J[(size_t)i * (size_t)N + (size_t)j];
            if (J_ij == 0) continue;
            out->ends[2 * n] = i;
            out->ends[2 * n + 1] = j;
            out->J[n++] = J_ij;
        }
    return KAD_OK;
}

kad_status kad_bonds_add_ghost(kad_ctx *ctx, int n_sites, kad_bonds *bonds)
{
    kad_bonds made KAD_CLEARED(kad_bonds_clear) = {0};
    const size_t N = (size_t)n_sites, n = bonds->n;
    KAD_CALL(allocate(ctx, n + N, bonds->J != NULL, &made));
    memcpy(made.ends, bonds->ends, 2 * n * sizeof *made.ends);
    if (bonds->J) memcpy(made.J, bonds->J, n * sizeof *made.J);
    for (size_t i = 0; i < N; i++) {
        made.ends[2 * (n + i)] = (int)i;
        made.ends[2 * (n + i) + 1] = n_sites;
        if (made.J) made.J[n + i] = 1;
    }
    kad_bonds_clear(bonds);
    *bonds = made;
    made = (kad_bonds){0};
    return KAD_OK;
}

void kad_bonds_clear(kad_bonds *bonds)
{
    kad_free(bonds->ends);
    kad_free(bonds->J);
    memset(bonds, 0, sizeof *bonds);
}

void kad_philox_toss(void *self, kad_toss kind, uint32_t block, uint32_t *out)
{
    const kad_philox_coin *coin = self;
    kad_rng_word_rows(kind == KAD_TOSS_FLIP ? coin->flip : coin->bond, coin->step,
                      coin->first_sample, block, KAD_W_DOUBLE, KAD_W_DOUBLE, out);
}

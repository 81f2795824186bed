#include "lattice/clusters.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

static kad_status allocate(kad_ctx *ctx, size_t n, bool weighted, kad_bonds *out)
{
    kad_status status = KAD_OK;
    memset(out, 0, sizeof *out);
    KAD_TRY(kad_new(ctx, 2 * n, sizeof(int), &out->ends));
    if (weighted) KAD_TRY(kad_new(ctx, n, sizeof(double), &out->J));
    out->n = n;
done:
    if (status != KAD_OK) kad_bonds_clear(out);
    return status;
}

kad_status kad_bonds_of_lattice(kad_ctx *ctx, const kad_lattice *lattice, kad_bonds *out)
{
    kad_status status = KAD_OK;
    const size_t N = (size_t)lattice->n_sites, d = (size_t)lattice->d;
    KAD_TRY(allocate(ctx, N * d, false, out));
    for (size_t i = 0; i < N; i++)
        for (size_t mu = 0; mu < d; mu++) {
            out->ends[2 * (i * d + mu)] = (int)i;
            out->ends[2 * (i * d + mu) + 1] = lattice->nbr[2 * (i * d + mu)];
        }
done:
    return status;
}

kad_status kad_bonds_of_matrix(kad_ctx *ctx, int N, const double *J, kad_bonds *out)
{
    kad_status status = KAD_OK;
    size_t n = 0;
    for (int i = 0; i < N; i++)
        for (int j = i + 1; j < N; j++)
            n += J[(size_t)i * (size_t)N + (size_t)j] != 0;
    KAD_TRY(allocate(ctx, n, true, out));
    n = 0;
    for (int i = 0; i < N; i++)
        for (int j = i + 1; j < N; j++) {
            const double J_ij = J[(size_t)i * (size_t)N + (size_t)j];
            if (J_ij == 0) continue;
            out->ends[2 * n] = i;
            out->ends[2 * n + 1] = j;
            out->J[n++] = J_ij;
        }
done:
    return status;
}

void kad_bonds_clear(kad_bonds *bonds)
{
    kad_free(bonds->ends);
    kad_free(bonds->J);
    memset(bonds, 0, sizeof *bonds);
}

bool kad_philox_toss(void *self, kad_toss kind, uint32_t index, double p)
{
    kad_philox_coin *coin = self;
    uint32_t word;
    if (kind == KAD_TOSS_FLIP) {
        uint32_t w[4];
        kad_rng_u32x4(coin->flip, coin->step, coin->sample, index, w);
        word = w[0];
    } else {
        if (index / 4 != coin->quad) {
            coin->quad = index / 4;
            kad_rng_u32x4(coin->bond, coin->step, coin->sample, coin->quad, coin->word);
        }
        word = coin->word[index % 4];
    }
    return ((double)word + 0.5) * 0x1p-32 < p;
}

/* Lowest site of i's cluster; paths are halved on the way. */
static int find(int *root, int i)
{
    while (root[i] != i) {
        root[i] = root[root[i]];
        i = root[i];
    }
    return i;
}

int kad_clusters_flip(int n_sites, const kad_bonds *bonds, double k, const double *sigma,
                      const kad_coin *coin, int *root, uint8_t *flip)
{
    double last = 0, p = 0; /* of the bond before: the same for all of Ising's */
    int n_clusters = 0;
    for (int i = 0; i < n_sites; i++)
        root[i] = i;
    for (size_t b = 0; b < bonds->n; b++) {
        const int i = bonds->ends[2 * b], j = bonds->ends[2 * b + 1];
        const double a = (bonds->J ? k * bonds->J[b] : k) * sigma[i] * sigma[j];
        if (!(a > 0)) continue;
        if (a != last) {
            last = a;
            p = -expm1(-2 * a);
        }
        const int low_i = find(root, i), low_j = find(root, j);
        if (low_i == low_j) continue; /* open or not, the clusters stay */
        if (!coin->toss(coin->self, KAD_TOSS_BOND, (uint32_t)b, p)) continue;
        if (low_i < low_j)
            root[low_j] = low_i;
        else
            root[low_i] = low_j;
    }
    for (int i = 0; i < n_sites; i++) {
        const int low = find(root, i); /* never above i: decided already, or now */
        if (low == i) {
            n_clusters++;
            flip[i] = coin->toss(coin->self, KAD_TOSS_FLIP, (uint32_t)i, 0.5);
        } else {
            flip[i] = flip[low];
        }
    }
    return n_clusters;
}

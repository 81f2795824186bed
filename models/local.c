/* What the cluster moves of all models share. */
#include "models/local.h"

#include <math.h>

static double unit(uint32_t word)
{
    return ((double)word + 0.5) * 0x1p-32;
}

void kad_local_axis(kad_rng rng, uint64_t step, uint64_t chain, int n, double axis[3])
{
    uint32_t w[4];
    axis[0] = 1;
    axis[1] = axis[2] = 0;
    if (n == 1) return;
    kad_rng_u32x4(rng, step, chain, 0, w);
    const double angle = 2 * M_PI * unit(w[0]);
    const double z = n == 3 ? 2 * unit(w[1]) - 1 : 0, rho = sqrt(1 - z * z);
    axis[0] = rho * cos(angle);
    axis[1] = rho * sin(angle);
    axis[2] = z;
}

size_t kad_local_move_bytes(int n_sites)
{
    return (size_t)n_sites * (sizeof(double) + sizeof(int) + 1);
}

void kad_local_move(const kad_turn *turn, uint64_t move, uint64_t chain, int n_sites,
                    int n_comp, const kad_bonds *bonds, double k, double *s, void *work)
{
    const size_t N = (size_t)n_sites, n = (size_t)n_comp;
    double *sigma = work;
    int *root = (int *)(sigma + N);
    uint8_t *flip = (uint8_t *)(root + N);
    double axis[3];
    kad_philox_coin philox = {.bond = turn->rng[KAD_LOCAL_BOND],
                              .flip = turn->rng[KAD_LOCAL_FLIP],
                              .step = move,
                              .sample = chain,
                              .quad = UINT32_MAX};
    const kad_coin coin = {kad_philox_toss, &philox};
    kad_local_axis(turn->rng[KAD_LOCAL_AXIS], move, chain, n_comp, axis);
    for (size_t i = 0; i < N; i++) {
        sigma[i] = 0;
        for (size_t a = 0; a < n; a++)
            sigma[i] += axis[a] * s[i * n + a];
    }
    kad_clusters_flip(n_sites, bonds, k, sigma, &coin, root, flip);
    for (size_t i = 0; i < N; i++)
        for (size_t a = 0; flip[i] && a < n; a++)
            s[i * n + a] -= 2 * sigma[i] * axis[a];
}

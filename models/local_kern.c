/* What the cluster moves of all models share. Chains are kept in double, so this file is
 * empty in single. */
#include "models/local.h"

#if KAD_PREC == 64
#include "base/vtrig.h"

static size_t padded(int n_sites)
{
    return ((size_t)n_sites + 15) / 16 * 16;
}

size_t kad_local_move_bytes(int n_sites)
{
    return (size_t)n_sites * KAD_W * (sizeof(double) + sizeof(int32_t)) +
           padded(n_sites) * sizeof(uint32_t);
}

/* Unit vectors axis [n][KAD_NV], uniform on the spheres in n = 2, 3 dimensions. */
static void axes(const kad_turn *turn, uint64_t move, size_t n, vreal *axis)
{
    vreal u[4 * KAD_NV];
    kad_rng_uniform_rows_f64(turn->rng[KAD_LOCAL_AXIS], move, turn->first_chain, 0, KAD_W,
                             KAD_W, (double *)u);
    for (size_t v = 0; v < KAD_NV; v++) {
        vreal sine, cosine, rho = kad_vset(1);
        kad_vsincos_2pi(u[v], &sine, &cosine);
        if (n == 3) {
            const vreal z = 2 * u[KAD_NV + v] - 1;
            axis[2 * KAD_NV + v] = z;
            rho = kad_vsqrt(1 - z * z);
        }
        axis[v] = rho * cosine;
        axis[KAD_NV + v] = rho * sine;
    }
}

/* The lanes of vector v among the bits of a row. */
static inline kad_vmask mask_of(uint32_t bits, size_t v)
{
    return kad_vmask_of_bits(bits >> v * KAD_V);
}

static void project(size_t n_sites, size_t n, const vreal *axis, const vreal *s,
                    vreal *sigma)
{
    for (size_t i = 0; i < n_sites; i++)
        for (size_t v = 0; v < KAD_NV; v++) {
            vreal sum = axis[v] * s[i * n * KAD_NV + v];
            for (size_t a = 1; a < n; a++)
                sum += axis[a * KAD_NV + v] * s[(i * n + a) * KAD_NV + v];
            sigma[i * KAD_NV + v] = sum;
        }
}

/* s -> s - 2 sigma axis where flip tells. */
static void reverse(size_t n_sites, size_t n, const vreal *axis, const vreal *sigma,
                    const uint32_t *flip, vreal *s)
{
    for (size_t i = 0; i < n_sites; i++)
        for (size_t v = 0; v < KAD_NV; v++) {
            const vreal twice =
                kad_vselect(mask_of(flip[i], v), 2 * sigma[i * KAD_NV + v], kad_vset(0));
            for (size_t a = 0; a < n; a++)
                s[(i * n + a) * KAD_NV + v] -= twice * axis[a * KAD_NV + v];
        }
}

void kad_local_move(const kad_turn *turn, uint64_t move, int n_sites, int n_comp,
                    const kad_bonds *bonds, double k, double *s, void *work)
{
    const size_t N = (size_t)n_sites, n = (size_t)n_comp;
    double *sigma = work;
    int32_t *root = (int32_t *)(sigma + N * KAD_W);
    uint32_t *flip = (uint32_t *)(root + N * KAD_W);
    vreal axis[3 * KAD_NV];
    kad_philox_coin philox = {.bond = turn->rng[KAD_LOCAL_BOND],
                              .flip = turn->rng[KAD_LOCAL_FLIP],
                              .step = move,
                              .first_sample = turn->first_chain};
    const kad_coin coin = {kad_philox_toss, &philox};
    if (n == 1) { /* one axis only */
        kad_clusters_flip(n_sites, bonds, k, s, &coin, root, flip);
        for (size_t i = 0; i < N * KAD_NV; i++) {
            vreal *here = (vreal *)s + i;
            *here = kad_vselect(mask_of(flip[i / KAD_NV], i % KAD_NV), -*here, *here);
        }
        return;
    }
    axes(turn, move, n, axis);
    project(N, n, axis, (const vreal *)s, (vreal *)sigma);
    kad_clusters_flip(n_sites, bonds, k, sigma, &coin, root, flip);
    reverse(N, n, axis, (const vreal *)sigma, flip, (vreal *)s);
}

/* 1 - 2 u u^T / |u|^2 with u = ghost / |ghost| - sign e_1 takes the ghost to sign e_1;
 * nothing is done where it is there already, to rounding. */
static void ghost_back(size_t n, size_t n_sites, double sign, const vreal *ghost,
                       vreal *s)
{
    const size_t size = n * KAD_NV;
    for (size_t v = 0; v < KAD_NV; v++) {
        vreal u[3], r2 = kad_vset(0), u2 = kad_vset(0);
        for (size_t a = 0; a < n; a++)
            r2 += ghost[a * KAD_NV + v] * ghost[a * KAD_NV + v];
        const vreal inverse = 1 / kad_vsqrt(kad_vmax(r2, kad_vset(1e-300)));
        for (size_t a = 0; a < n; a++) {
            u[a] = ghost[a * KAD_NV + v] * inverse - (a == 0 ? sign : 0);
            u2 += u[a] * u[a];
        }
        const vreal twice =
            kad_vselect(kad_vlt(u2, kad_vset(1e-20)), kad_vset(0), 2 / u2);
        for (size_t i = 0; i < n_sites; i++) {
            vreal *here = s + i * size, along = kad_vset(0);
            for (size_t a = 0; a < n; a++)
                along += u[a] * here[a * KAD_NV + v];
            for (size_t a = 0; a < n; a++)
                here[a * KAD_NV + v] -= twice * along * u[a];
        }
    }
}

void kad_local_moves_in_field(const kad_turn *turn, int n_moves, int n_sites, int n_comp,
                              const kad_bonds *bonds, double k, double h, double *s,
                              void *work)
{
    const size_t n = (size_t)n_comp, N = (size_t)n_sites;
    vreal *ghost = (vreal *)s + N * n * KAD_NV;
    if (k == 0) return;
    for (size_t r = 0; r < n * KAD_NV; r++)
        ghost[r] = kad_vset(r < KAD_NV ? h / k : 0);
    for (int move = 0; move < n_moves; move++)
        kad_local_move(turn, turn->step * (uint64_t)n_moves + (uint64_t)move, n_sites + 1,
                       n_comp, bonds, k, s, work);
    if (h != 0) ghost_back(n, N, h / k < 0 ? -1 : 1, ghost, (vreal *)s);
}
#else
typedef int kad_local_is_double_only;
#endif

/* Periodic hypercubic lattice: neighbours, parity, coordinates. */
#include "lattice/lattice.h"

#include "base/memory.h"

#include <math.h>

enum { MAX_SITES = 1 << 24 };

static kad_status check_shape(kad_ctx *ctx, int d, const int *shape, int *n_sites)
{
    if (d < 1 || d > KAD_MAX_DIM)
        return kad_fail(ctx, KAD_ECONFIG,
                        "lattice.shape: expected 1 to %d extents, got %d", KAD_MAX_DIM,
                        d);
    int64_t n = 1;
    for (int a = 0; a < d; a++) {
        if (shape[a] < 2)
            return kad_fail(ctx, KAD_ECONFIG,
                            "lattice.shape: expected extents of at least 2, got %d",
                            shape[a]);
        n *= shape[a]; /* both factors < 2^31: no overflow */
        if (n > MAX_SITES)
            return kad_fail(ctx, KAD_ECONFIG,
                            "lattice.shape: more than %d sites are not supported",
                            MAX_SITES);
    }
    *n_sites = (int)n;
    return KAD_OK;
}

void kad_lattice_coords(const kad_lattice *lattice, int site, int coords[KAD_MAX_DIM])
{
    for (int a = KAD_MAX_DIM - 1; a >= 0; a--) {
        coords[a] = site % lattice->shape[a];
        site /= lattice->shape[a];
    }
}

int kad_lattice_site(const kad_lattice *lattice, const int coords[KAD_MAX_DIM])
{
    int site = 0;
    for (int a = 0; a < KAD_MAX_DIM; a++) {
        const int extent = lattice->shape[a];
        const int x = coords[a] % extent;
        site = site * extent + (x < 0 ? x + extent : x);
    }
    return site;
}

double kad_lattice_khat2(const kad_lattice *lattice, int mode)
{
    int n[KAD_MAX_DIM];
    kad_lattice_coords(lattice, mode, n);
    double sum = 0;
    for (int a = 0; a < lattice->d; a++) {
        const double s = sin(M_PI * n[a] / lattice->shape[a]);
        sum += 4 * s * s;
    }
    return sum;
}

static void fill_tables(kad_lattice *lattice)
{
    const int d = lattice->d;
    for (int site = 0; site < lattice->n_sites; site++) {
        int x[KAD_MAX_DIM];
        kad_lattice_coords(lattice, site, x);
        lattice->parity[site] = (uint8_t)((x[0] + x[1] + x[2]) & 1);
        for (int a = 0; a < d; a++) {
            int *nbr = lattice->nbr + 2 * ((size_t)site * (size_t)d + (size_t)a);
            x[a]++;
            nbr[0] = kad_lattice_site(lattice, x);
            x[a] -= 2;
            nbr[1] = kad_lattice_site(lattice, x);
            x[a]++;
        }
    }
}

/* Halvings while every extent is even and larger than 1. */
static int count_levels(const kad_lattice *lattice)
{
    for (int n = 0;; n++)
        for (int a = 0; a < lattice->d; a++) {
            const int extent = lattice->shape[a];
            if ((extent >> n) << n != extent || ((extent >> n) & 1)) return n;
        }
}

kad_status kad_lattice_create(kad_ctx *ctx, int d, const int *shape, kad_lattice **out)
{
    KAD_LOCAL(kad_lattice, lattice);
    int n_sites = 0;
    *out = NULL;
    KAD_CALL(check_shape(ctx, d, shape, &n_sites));
    KAD_CALL(kad_new(ctx, 1, sizeof *lattice, &lattice));
    lattice->d = d;
    lattice->n_sites = n_sites;
    lattice->bipartite = true;
    for (int a = 0; a < KAD_MAX_DIM; a++) {
        lattice->shape[a] = a < d ? shape[a] : 1;
        if (a < d && shape[a] % 2) lattice->bipartite = false;
    }
    lattice->n_levels = count_levels(lattice);
    KAD_CALL(kad_new(ctx, (size_t)n_sites * 2 * (size_t)d, sizeof *lattice->nbr,
                     &lattice->nbr));
    KAD_CALL(kad_new(ctx, (size_t)n_sites, sizeof *lattice->parity, &lattice->parity));
    fill_tables(lattice);
    *out = lattice;
    lattice = NULL;
    return KAD_OK;
}

void kad_lattice_destroy(kad_lattice *lattice)
{
    if (!lattice) return;
    kad_free(lattice->nbr);
    kad_free(lattice->parity);
    kad_free(lattice);
}

kad_status kad_lattice_halves(kad_ctx *ctx, const kad_lattice *lattice, uint8_t **is_even,
                              int **even, int **odd)
{
    const size_t n = (size_t)lattice->n_sites;
    int n_even = 0, n_odd = 0;
    KAD_CALL(kad_new(ctx, n, sizeof **is_even, is_even));
    KAD_CALL(kad_new(ctx, n / 2, sizeof **even, even));
    KAD_CALL(kad_new(ctx, n / 2, sizeof **odd, odd));
    for (int site = 0; site < lattice->n_sites; site++) {
        (*is_even)[site] = !lattice->parity[site];
        if (lattice->parity[site])
            (*odd)[n_odd++] = site;
        else
            (*even)[n_even++] = site;
    }
    return KAD_OK;
}

const char *kad_axis_name(int d, int axis)
{
    static const char *const names[KAD_MAX_DIM] = {"x", "y", "z"};
    return names[d - 1 - axis];
}

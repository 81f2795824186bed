#include "lattice/orbits.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

void kad_orbit_fold(const kad_lattice *lattice, bool ascending, int r[KAD_MAX_DIM])
{
    for (int mu = 0; mu < lattice->d; mu++)
        if (2 * r[mu] > lattice->shape[mu]) r[mu] = lattice->shape[mu] - r[mu];
    for (int pass = 1; pass < lattice->d; pass++)
        for (int mu = 0; mu < lattice->d; mu++)
            for (int nu = mu + 1; nu < lattice->d; nu++)
                if (lattice->shape[mu] == lattice->shape[nu] &&
                    (ascending ? r[mu] > r[nu] : r[mu] < r[nu])) {
                    const int swap = r[mu];
                    r[mu] = r[nu];
                    r[nu] = swap;
                }
}

static bool is_representative(const kad_lattice *lattice, int site)
{
    int r[KAD_MAX_DIM] = {0}, own[KAD_MAX_DIM];
    kad_lattice_coords(lattice, site, r);
    memcpy(own, r, sizeof own);
    kad_orbit_fold(lattice, false, r);
    return memcmp(own, r, sizeof own) == 0;
}

size_t kad_orbits_number(const kad_lattice *lattice)
{
    size_t n = 0;
    for (int site = 0; site < lattice->n_sites; site++)
        n += is_representative(lattice, site);
    return n;
}

static void number_sites(kad_orbits *orbits)
{
    const kad_lattice *lattice = orbits->lattice;
    int32_t n = 0;
    for (int site = 0; site < lattice->n_sites; site++) {
        int r[KAD_MAX_DIM] = {0};
        if (!is_representative(lattice, site)) continue;
        kad_lattice_coords(lattice, site, r);
        for (int mu = 0; mu < lattice->d; mu++)
            orbits->vector[n * lattice->d + mu] = r[mu];
        orbits->of_site[site] = n++;
    }
    for (int site = 0; site < lattice->n_sites; site++) {
        int r[KAD_MAX_DIM] = {0};
        kad_lattice_coords(lattice, site, r);
        kad_orbit_fold(lattice, false, r);
        orbits->of_site[site] = orbits->of_site[kad_lattice_site(lattice, r)];
        orbits->count[orbits->of_site[site]]++;
    }
}

static void number_modes(kad_orbits *orbits)
{
    const kad_lattice *lattice = orbits->lattice;
    const int extent = lattice->shape[lattice->d - 1], half = extent / 2 + 1;
    for (size_t mode = 0; mode < orbits->n_modes; mode++) {
        const size_t row = mode / (size_t)half, n = mode % (size_t)half;
        orbits->of_mode[mode] = orbits->of_site[row * (size_t)extent + n];
        orbits->twice[mode] = n == 0 || 2 * n == (size_t)extent ? 1 : 2;
    }
}

kad_status kad_orbits_create(kad_ctx *ctx, const kad_lattice *lattice, kad_orbits **out)
{
    KAD_LOCAL(kad_orbits, orbits);
    const int last = lattice->shape[lattice->d - 1];
    const size_t n_sites = (size_t)lattice->n_sites;

    *out = NULL;
    KAD_CALL(kad_new(ctx, 1, sizeof *orbits, &orbits));
    orbits->lattice = lattice;
    orbits->n = kad_orbits_number(lattice);
    orbits->n_modes = n_sites / (size_t)last * (size_t)(last / 2 + 1);
    KAD_CALL(kad_new(ctx, orbits->n, (size_t)lattice->d * sizeof *orbits->vector,
                     &orbits->vector));
    KAD_CALL(kad_new(ctx, orbits->n, sizeof *orbits->count, &orbits->count));
    KAD_CALL(kad_new(ctx, n_sites, sizeof *orbits->of_site, &orbits->of_site));
    KAD_CALL(kad_new(ctx, orbits->n_modes, sizeof *orbits->of_mode, &orbits->of_mode));
    KAD_CALL(kad_new(ctx, orbits->n_modes, sizeof *orbits->twice, &orbits->twice));
    number_sites(orbits);
    number_modes(orbits);
    *out = orbits;
    orbits = NULL;
    return KAD_OK;
}

void kad_orbits_destroy(kad_orbits *orbits)
{
    if (orbits == NULL) return;
    kad_free(orbits->vector);
    kad_free(orbits->count);
    kad_free(orbits->of_site);
    kad_free(orbits->of_mode);
    kad_free(orbits->twice);
    kad_free(orbits);
}

static void divide(const kad_orbits *orbits, double *out)
{
    for (size_t i = 0; i < orbits->n; i++)
        out[i] /= (double)orbits->count[i];
}

void kad_orbits_of_sites(const kad_orbits *orbits, const double *G, double *out)
{
    memset(out, 0, orbits->n * sizeof *out);
    for (int site = 0; site < orbits->lattice->n_sites; site++)
        out[orbits->of_site[site]] += G[site];
    divide(orbits, out);
}

void kad_orbits_of_modes(const kad_orbits *orbits, const double *P, double *out)
{
    memset(out, 0, orbits->n * sizeof *out);
    for (size_t mode = 0; mode < orbits->n_modes; mode++)
        out[orbits->of_mode[mode]] += (double)orbits->twice[mode] * P[mode];
    divide(orbits, out);
}

double kad_lattice_distance2(const kad_lattice *lattice, const double *a, const double *b)
{
    double sum = 0;
    for (int mu = 0; mu < lattice->d; mu++) {
        const double L = lattice->shape[mu];
        double step = fmod(fabs(a[mu] - b[mu]), L);
        if (step > L / 2) step = L - step;
        sum += step * step;
    }
    return sum;
}

int kad_lattice_tree_distance(const kad_lattice *lattice, int site_a, int level_a,
                              int site_b, int level_b)
{
    int a[KAD_MAX_DIM], b[KAD_MAX_DIM];
    int top = level_a > level_b ? level_a : level_b;
    kad_lattice_coords(lattice, site_a, a);
    kad_lattice_coords(lattice, site_b, b);
    for (int mu = 0; mu < lattice->d; mu++)
        while (top < lattice->n_levels && a[mu] >> (top + 1) != b[mu] >> (top + 1))
            top++;
    return 2 * top - level_a - level_b;
}

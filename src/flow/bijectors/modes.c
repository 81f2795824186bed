#include "flow/bijectors/modes.h"

#include "base/memory.h"
#include "lattice/orbits.h"

#include <stdlib.h>

/* The mode that stands for k under reflections and exchanges of equal axes. */
static int fold(const kad_lattice *lattice, const int k[KAD_MAX_DIM])
{
    int f[KAD_MAX_DIM] = {0};
    for (int m = 0; m < lattice->d; m++)
        f[m] = k[m];
    kad_orbit_fold(lattice, true, f);
    return kad_lattice_site(lattice, f);
}

static int representative(const kad_lattice *lattice, int mode, bool sublattice)
{
    int k[KAD_MAX_DIM];
    kad_lattice_coords(lattice, mode, k);
    const int plain = fold(lattice, k);
    if (!sublattice) return plain;
    for (int m = 0; m < lattice->d; m++)
        k[m] = (k[m] + lattice->shape[m] / 2) % lattice->shape[m];
    const int shifted = fold(lattice, k);
    return shifted < plain ? shifted : plain;
}

typedef struct keyed_mode {
    double khat2;
    int orbit; /* representative */
    int mode;
} keyed_mode;

static int compare(const void *a, const void *b)
{
    const keyed_mode *x = a, *y = b;
    if (x->khat2 != y->khat2) return x->khat2 < y->khat2 ? -1 : 1;
    if (x->orbit != y->orbit) return x->orbit < y->orbit ? -1 : 1;
    return (x->mode > y->mode) - (x->mode < y->mode);
}

kad_status kad_modes_create(kad_ctx *ctx, const kad_lattice *lattice, bool sublattice,
                            kad_modes *out)
{
    KAD_SCOPE(scope, ctx);
    keyed_mode *keyed;
    const size_t n = (size_t)lattice->n_sites;
    *out = (kad_modes){0};
    KAD_CALL(kad_take(&scope, n, &keyed));
    KAD_CALL(kad_new(ctx, n, sizeof *out->khat2, &out->khat2));
    KAD_CALL(kad_new(ctx, n, sizeof *out->orbit_of, &out->orbit_of));
    KAD_CALL(kad_new(ctx, n, sizeof *out->mode, &out->mode));
    KAD_CALL(kad_new(ctx, n + 1, sizeof *out->first, &out->first));
    for (int i = 0; i < lattice->n_sites; i++) {
        const int orbit = representative(lattice, i, sublattice);
        const double e = kad_lattice_khat2(lattice, orbit);
        const double other = 4.0 * lattice->d - e;
        const double folded = sublattice && other < e ? other : e;
        keyed[i] = (keyed_mode){folded, orbit, i};
    }
    qsort(keyed, n, sizeof *keyed, compare);
    for (int i = 0; i < lattice->n_sites; i++) {
        if (i == 0 || keyed[i].orbit != keyed[i - 1].orbit) {
            out->first[out->n_orbits] = i;
            out->khat2[out->n_orbits++] = keyed[i].khat2;
        }
        out->mode[i] = keyed[i].mode;
        out->orbit_of[keyed[i].mode] = out->n_orbits - 1;
    }
    out->first[out->n_orbits] = lattice->n_sites;
    return KAD_OK;
}

void kad_modes_clear(kad_modes *modes)
{
    kad_free(modes->khat2);
    kad_free(modes->orbit_of);
    kad_free(modes->first);
    kad_free(modes->mode);
    *modes = (kad_modes){0};
}

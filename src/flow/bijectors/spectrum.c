#include "flow/bijectors/spectrum.h"

#include "base/memory.h"
#include "flow/bijectors/sites.h"
#include "lattice/orbits.h"

#include <math.h>
#include <stdlib.h>

static void destroy(void *self)
{
    kad_spectrum *s = self;
    kad_free(s->khat2);
    kad_free(s->orbit_of);
    kad_free(s->first);
    kad_free(s->modes);
    kad_hartley_destroy(s->hartley);
    kad_free(s);
}

static void init(const kad_stage *stage, kad_rng rng, uint32_t stream, double *theta)
{
    const kad_spectrum *s = stage->self;
    (void)rng;
    (void)stream;
    for (int i = 0; i < s->n_orbits; i++)
        theta[i] =
            s->mass2 > 0.0 ? -0.5 * log(s->stiffness * (s->khat2[i] + s->mass2)) : 0.0;
}

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

/* Modes sorted into orbits. */
static kad_status find_orbits(kad_ctx *ctx, const kad_lattice *lattice, kad_spectrum *s)
{
    KAD_SCOPE(scope, ctx);
    keyed_mode *keyed;
    const size_t n = (size_t)s->n_sites;
    KAD_CALL(kad_take(&scope, n, &keyed));
    KAD_CALL(kad_new(ctx, n, sizeof *s->khat2, &s->khat2));
    KAD_CALL(kad_new(ctx, n, sizeof *s->orbit_of, &s->orbit_of));
    KAD_CALL(kad_new(ctx, n, sizeof *s->modes, &s->modes));
    KAD_CALL(kad_new(ctx, n + 1, sizeof *s->first, &s->first));
    for (int i = 0; i < s->n_sites; i++) {
        const int orbit = representative(lattice, i, s->sublattice);
        const double e = kad_lattice_khat2(lattice, orbit);
        const double other = 4.0 * lattice->d - e;
        const double folded = s->sublattice && other < e ? other : e;
        keyed[i] = (keyed_mode){folded, orbit, i};
    }
    qsort(keyed, n, sizeof *keyed, compare);
    for (int i = 0; i < s->n_sites; i++) {
        if (i == 0 || keyed[i].orbit != keyed[i - 1].orbit) {
            s->first[s->n_orbits] = i;
            s->khat2[s->n_orbits++] = keyed[i].khat2;
        }
        s->modes[i] = keyed[i].mode;
        s->orbit_of[keyed[i].mode] = s->n_orbits - 1;
    }
    s->first[s->n_orbits] = s->n_sites;
    return KAD_OK;
}

/* Packed: one double (ld), then e^theta and e^-theta of every mode. Scratch: the
 * transform's, and two tiles. */
static void set_sizes(kad_stage *stage)
{
    const kad_spectrum *s = stage->self;
    const size_t n = (size_t)s->n_sites;
    const size_t reals[2] = {sizeof(float), sizeof(double)};
    for (int p = 0; p < 2; p++) {
        const size_t plan = kad_hartley_scratch_bytes(s->hartley, (kad_prec)p);
        stage->packed_bytes[p] = sizeof(double) + 2 * n * reals[p];
        stage->scratch_bytes[p] =
            2 * (size_t)stage->n_rows * KAD_ROW_BYTES + (plan + 63) / 64 * 64;
    }
}

kad_status kad_spectrum_create(kad_ctx *ctx, const kad_lattice *lattice, int n_comp,
                               bool sublattice, double mass2, double stiffness,
                               kad_stage *out)
{
    kad_stage stage KAD_CLEARED(kad_stage_clear) = {0};
    *out = (kad_stage){0};
    kad_spectrum *s = NULL;
    kad_stage_begin(&stage, &kad_spectrum_ops, lattice, n_comp);
    stage.level = -1;
    if (n_comp < 1 || (sublattice && !lattice->bipartite))
        return kad_fail(ctx, KAD_EUSAGE,
                        "spectrum: %d components; the even sublattice needs even "
                        "extents",
                        n_comp);
    KAD_CALL(kad_new(ctx, 1, sizeof *s, &s));
    stage.self = s;
    s->n_sites = lattice->n_sites;
    s->sublattice = sublattice;
    s->mass2 = mass2;
    s->stiffness = stiffness;
    s->parity = lattice->parity;
    KAD_CALL(find_orbits(ctx, lattice, s));
    KAD_CALL(kad_hartley_create(ctx, lattice, n_comp, &s->hartley));
    if (kad_stage_add_tensor(&stage, "theta", s->n_orbits, 1) == SIZE_MAX)
        return kad_fail(ctx, KAD_ENOMEM, "spectrum: out of memory for its parameters");
    stage.tensors[0].modes = s->khat2;
    set_sizes(&stage);
    *out = stage;
    stage = (kad_stage){0};
    return KAD_OK;
}

/* Variants: one component; two with the free field's start; the sublattice, where there
 * is one. */
static kad_status example(kad_ctx *ctx, const kad_lattice *lattice, int variant,
                          kad_stage *out)
{
    if (variant > (lattice->bipartite ? 3 : 1)) return KAD_EUSAGE;
    const bool massive = variant % 2 == 1;
    return kad_spectrum_create(ctx, lattice, massive ? 2 : 1, variant > 1,
                               massive ? 1.0 : 0.0, 1.7, out);
}

const kad_bijector_ops kad_spectrum_ops = {
    .name = "spectrum",
    .summary = "learned Fourier spectrum: a circulant filter, one scale per mode orbit",
    .reference = "R. N. Bracewell, J. Opt. Soc. Am. 73, 1832 (1983) (Hartley transform)",
    .init = init,
    .destroy = destroy,
    .example = example,
    .kern = {&kad_spectrum_kern_f32, &kad_spectrum_kern_f64},
};

#include "flow/bijectors/spectrum.h"

#include "base/memory.h"
#include "flow/bijectors/sites.h"

#include <math.h>

static void destroy(void *self)
{
    kad_spectrum *s = self;
    kad_modes_clear(&s->modes);
    kad_hartley_destroy(s->hartley);
    kad_free(s);
}

static void init(const kad_stage *stage, kad_rng rng, uint32_t stream, double *theta)
{
    const kad_spectrum *s = stage->self;
    (void)rng;
    (void)stream;
    for (int i = 0; i < s->modes.n_orbits; i++)
        theta[i] = s->mass2 > 0.0
                       ? -0.5 * log(s->stiffness * (s->modes.khat2[i] + s->mass2))
                       : 0.0;
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
    KAD_CALL(kad_modes_create(ctx, lattice, sublattice, &s->modes));
    KAD_CALL(kad_hartley_create(ctx, lattice, n_comp, &s->hartley));
    if (kad_stage_add_tensor(&stage, "theta", s->modes.n_orbits, 1) == SIZE_MAX)
        return kad_fail(ctx, KAD_ENOMEM, "spectrum: out of memory for its parameters");
    stage.tensors[0].modes = s->modes.khat2;
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

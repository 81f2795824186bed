#include "flow/bijectors/scale.h"

#include "base/memory.h"
#include "flow/bijectors/examples.h"
#include "flow/bijectors/sites.h"
#include "flow/parts.h"

static void destroy(void *self)
{
    kad_scale *s = self;
    kad_free(s->sites);
    kad_free(s);
}

static void init(const kad_stage *stage, kad_rng rng, uint32_t stream, double *theta)
{
    (void)rng;
    (void)stream;
    for (size_t i = 0; i < stage->n_theta; i++)
        theta[i] = 0.0;
}

/* Packed, as reals: e^s, e^-s and b of every component, after one double, the sum of s.
 */
static void set_sizes(kad_stage *stage)
{
    const size_t n = (size_t)stage->n_comp;
    stage->packed_bytes[KAD_SINGLE] = sizeof(double) + 3 * n * sizeof(float);
    stage->packed_bytes[KAD_DOUBLE] = sizeof(double) + 3 * n * sizeof(double);
}

kad_status kad_scale_create(kad_ctx *ctx, const kad_lattice *lattice, int n_comp,
                            int n_sites, const int *sites, bool per_component, bool shift,
                            kad_stage *out)
{
    kad_stage stage KAD_CLEARED(kad_stage_clear) = {0};
    *out = (kad_stage){0};
    kad_scale *s = NULL;
    kad_stage_begin(&stage, &kad_scale_ops, lattice, n_comp);
    if (n_comp < 1 || n_sites < 0)
        return kad_fail(ctx, KAD_EUSAGE, "scale: %d sites of %d components", n_sites,
                        n_comp);
    KAD_CALL(kad_new(ctx, 1, sizeof *s, &s));
    stage.self = s;
    s->n_sites = n_sites;
    s->per_component = per_component;
    s->shift = shift;
    KAD_CALL(kad_sites_copy(ctx, lattice, (size_t)n_sites, sites, true, &s->sites));
    const int n = per_component ? n_comp : 1;
    size_t offset = kad_stage_add_tensor(&stage, "s", n, 1);
    if (shift && offset != SIZE_MAX) offset = kad_stage_add_tensor(&stage, "b", n, 1);
    if (offset == SIZE_MAX)
        return kad_fail(ctx, KAD_ENOMEM, "scale: out of memory for its parameters");
    set_sizes(&stage);
    *out = stage;
    stage = (kad_stage){0};
    return KAD_OK;
}

/* Variants: every second site or block corner; with and without shift and per component.
 */
static kad_status example(kad_ctx *ctx, const kad_lattice *lattice, int variant,
                          kad_stage *out)
{
    if (variant > 2) return KAD_EUSAGE;
    kad_index_list blocks KAD_CLEARED(kad_index_list_clear) = {0};
    KAD_CALL(kad_example_blocks(ctx, lattice, 2, &blocks));
    KAD_CALL(kad_scale_create(ctx, lattice, variant == 1 ? 2 : 1,
                              blocks.n_lists * blocks.size - (variant == 2), blocks.sites,
                              variant == 1, variant != 2, out));
    return KAD_OK;
}

static kad_status parts(kad_ctx *ctx, const kad_stage *stage, kad_parts *out)
{
    const kad_scale *s = stage->self;
    const kad_lattice tile = kad_parts_lattice(1);
    const int site = 0;
    KAD_CALL(kad_parts_of_sites(ctx, stage->n_comp, s->n_sites, 0, 1, s->sites, out));
    out->constant_ld = true;
    return kad_scale_create(ctx, &tile, stage->n_comp, 1, &site, s->per_component,
                            s->shift, &out->one);
}

const kad_bijector_ops kad_scale_ops = {
    .name = "scale",
    .summary = "learned scale, with an optional shift, on a list of sites",
    .reference = "Kingma, Dhariwal, arXiv:1807.03039 (actnorm)",
    .init = init,
    .destroy = destroy,
    .example = example,
    .kern = {&kad_scale_kern_f32, &kad_scale_kern_f64},
    .parts = parts,
};

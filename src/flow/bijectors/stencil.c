#include "flow/bijectors/stencil.h"

#include "base/memory.h"
#include "flow/bijectors/examples.h"
#include "flow/bijectors/sites.h"
#include "flow/parts.h"

#include <math.h>
#include <stdbool.h>

static void destroy(void *self)
{
    kad_stencil *e = self;
    kad_free(e->sites);
    kad_free(e->away);
    kad_free(e);
}

static void init(const kad_stage *stage, kad_rng rng, uint32_t stream, double *theta)
{
    const kad_stencil *e = stage->self;
    for (size_t i = 0; i < stage->n_theta; i++)
        theta[i] = 0.0;
    const size_t n = (size_t)e->n_hidden * (size_t)e->n_inputs;
    for (size_t i = 0; i < n; i += 2) {
        double draw[2];
        kad_rng_normal2(rng, 0, stream, (uint32_t)(i / 2), draw);
        for (size_t j = 0; j < 2 && i + j < n; j++)
            theta[e->w1 + i + j] = 1.5 * draw[j] / sqrt((double)e->n_inputs);
    }
    for (int i = 0; e->transform->odd_start && i < e->n_odd; i++)
        for (int f = 0; f < e->n_inputs; f++) {
            double draw[2];
            const uint32_t number = (uint32_t)(i * e->n_inputs + f);
            /* not of powers: the map starts as without a clock */
            if (e->frame.clock > 0 && f >= e->n_sources && f < 2 * e->n_sources) continue;
            kad_rng_normal2(rng, 1, stream, number, draw);
            theta[e->wl + number] =
                e->transform->odd_start[i] * draw[0] / sqrt((double)e->n_inputs);
        }
    for (int i = 0; e->transform->even_start && i < e->n_even; i++)
        theta[e->b + (size_t)i] = e->transform->even_start[i];
    for (int i = 0; i < e->transform->n_own; i++)
        theta[e->own + (size_t)i] = e->transform->own_start;
}

static kad_status add_tensors(kad_ctx *ctx, kad_stencil *e, kad_stage *stage)
{
    size_t last = 0;
    if (e->n_inputs > 0) {
        e->w1 = kad_stage_add_tensor(stage, "w1", e->n_hidden, e->n_inputs);
        e->wl = kad_stage_add_tensor(stage, "wl", e->n_odd, e->n_inputs);
        e->wo = kad_stage_add_tensor(stage, "wo", e->n_odd, e->n_hidden);
        e->we = last = kad_stage_add_tensor(stage, "we", e->n_even, e->n_hidden);
    }
    if (last != SIZE_MAX) e->b = last = kad_stage_add_tensor(stage, "b", e->n_even, 1);
    if (last != SIZE_MAX && e->transform->n_own > 0)
        e->own = last = kad_stage_add_tensor(stage, "scale", e->transform->n_own, 1);
    if (last == SIZE_MAX)
        return kad_fail(ctx, KAD_ENOMEM, "stencil: out of memory for its parameters");
    return KAD_OK;
}

static kad_status check_disjoint(kad_ctx *ctx, const kad_lattice *lattice,
                                 const kad_stencil *e)
{
    KAD_SCOPE(scope, ctx);
    uint8_t *target;
    const size_t stride = (size_t)e->n_sources + 1;
    KAD_CALL(kad_take(&scope, (size_t)lattice->n_sites, &target));
    for (int i = 0; i < e->n_parts; i++) {
        const int site = e->sites[(size_t)i * stride + stride - 1];
        if (target[site]++)
            return kad_fail(ctx, KAD_EUSAGE, "stencil: site %d is a target twice", site);
    }
    for (size_t i = 0; i < (size_t)e->n_parts * stride; i++)
        if (i % stride < stride - 1 && target[e->sites[i]])
            return kad_fail(ctx, KAD_EUSAGE, "stencil: site %d is a source and a target",
                            e->sites[i]);
    return KAD_OK;
}

static kad_status check_sizes(kad_ctx *ctx, int n_comp,
                              const kad_transform_ops *transform, int n_hidden,
                              int n_sources, int n_parts)
{
    if (n_comp < 1 || n_comp < transform->min_comp || n_comp > transform->max_comp)
        return kad_fail(ctx, KAD_EUSAGE, "stencil: no transform %s of %d components",
                        transform->name, n_comp);
    if (n_sources < 0 || n_parts < 0 || (n_sources > 0 && n_hidden < 1) ||
        n_sources > 4096 || n_hidden > 4096)
        return kad_fail(ctx, KAD_EUSAGE, "stencil: %d sources, %d hidden units, %d parts",
                        n_sources, n_hidden, n_parts);
    return KAD_OK;
}

/* Packed: every matrix and its transpose, b, and the transform's own. */
static void set_sizes(kad_stage *stage)
{
    const kad_stencil *e = stage->self;
    const size_t n = 2 * stage->n_theta - (size_t)(e->n_even + e->transform->n_own);
    stage->packed_bytes[KAD_SINGLE] = n * sizeof(float);
    stage->packed_bytes[KAD_DOUBLE] = n * sizeof(double);
    stage->scratch_bytes[KAD_SINGLE] = kad_stencil_scratch_f32(stage);
    stage->scratch_bytes[KAD_DOUBLE] = kad_stencil_scratch_f64(stage);
}

kad_status kad_stencil_create(kad_ctx *ctx, const kad_lattice *lattice, int n_comp,
                              const kad_transform_ops *transform, int n_hidden,
                              int n_sources, int n_parts, const int *sites,
                              kad_stage *out)
{
    return kad_stencil_create_in(ctx, lattice, n_comp, transform, (kad_frame){0},
                                 n_hidden, n_sources, n_parts, sites, out);
}

kad_status kad_stencil_create_in(kad_ctx *ctx, const kad_lattice *lattice, int n_comp,
                                 const kad_transform_ops *transform, kad_frame frame,
                                 int n_hidden, int n_sources, int n_parts,
                                 const int *sites, kad_stage *out)
{
    kad_stage stage KAD_CLEARED(kad_stage_clear) = {0};
    *out = (kad_stage){0};
    kad_stencil *e = NULL;
    kad_stage_begin(&stage, &kad_stencil_ops, lattice, n_comp);
    const int n_inputs =
        n_sources * (1 + (frame.clock > 0) + frame.turned) + (frame.axis ? 1 : 0);
    KAD_CALL(check_sizes(ctx, n_comp, transform, n_hidden, n_inputs, n_parts));
    if (frame.clock > 0 && (!transform->directions || n_comp != 2))
        return kad_fail(ctx, KAD_EUSAGE, "stencil: %s knows no clock of %d states",
                        transform->name, frame.clock);
    if (frame.turned && (!transform->directions || n_comp != 2))
        return kad_fail(ctx, KAD_EUSAGE, "stencil: %s turns no sources of %d components",
                        transform->name, n_comp);
    KAD_CALL(kad_new(ctx, 1, sizeof *e, &e));
    stage.self = e;
    e->transform = transform;
    e->n_sources = n_sources;
    e->frame = frame;
    e->n_inputs = n_inputs;
    e->n_hidden = n_inputs > 0 ? n_hidden : 0;
    e->n_odd = n_inputs > 0 ? transform->n_odd[n_comp - 1] : 0;
    e->n_even = transform->n_even[n_comp - 1];
    e->n_parts = n_parts;
    e->quartic = 1.0;
    KAD_CALL(kad_sites_copy(ctx, lattice, (size_t)n_parts * (size_t)(n_sources + 1),
                            sites, false, &e->sites));
    KAD_CALL(check_disjoint(ctx, lattice, e));
    KAD_CALL(add_tensors(ctx, e, &stage));
    set_sizes(&stage);
    *out = stage;
    stage = (kad_stage){0};
    return KAD_OK;
}

void kad_stencil_set_quartic(kad_stage *stage, double quartic)
{
    kad_stencil *e = stage->self;
    e->quartic = quartic;
}

/* Variants: sizes that use every block of the products, with the program's transforms; a
 * ring; then every registered transform with every number of components. */
static const struct example {
    const kad_transform_ops *transform;
    int n_comp, n_hidden, n_sources, max_parts;
    double quartic;
    kad_frame frame;
} examples[] = {
    {&kad_transform_affine, 1, 12, 12, 8, 1.0, {0}},
    {&kad_transform_affine, 2, 7, 5, 8, 1.0, {0}},
    {&kad_transform_affine, 3, 3, 2, 4, 1.0, {0}},
    {&kad_transform_q4t, 1, 12, 12, 8, 0.7, {0}},
    {&kad_transform_q4t, 1, 17, 4, 5, 5.0, {0}},
    {&kad_transform_lfa, 1, 12, 9, 8, 1.0, {0}},
    {&kad_transform_lfa, 2, 12, 12, 8, 1.0, {0}},
    {&kad_transform_lfa, 3, 5, 3, 4, 1.0, {0}},
    {&kad_transform_lfa, 2, 0, 0, 2, 1.0, {0}},
    {&kad_transform_affine, 1, 1, 1, 3, 1.0, {0}},
    {&kad_transform_lfa, 1, 26, 14, 3, 1.0, {0}},
    {&kad_transform_q4t, 1, 0, 0, 3, 2.0, {0}},
    {&kad_transform_lfa, 3, 5, 3, 4, 1.0, {.axis = true}},
    {&kad_transform_affine, 1, 4, 0, 3, 1.0, {.axis = true}},
    {&kad_transform_vm, 2, 6, 4, 4, 1.0, {.axis = true}},
    {&kad_transform_circ, 2, 5, 3, 4, 1.0, {.axis = true, .clock = 3}},
    {&kad_transform_vm, 2, 5, 5, 4, 1.0, {.clock = 4}},
    {&kad_transform_circ, 2, 5, 4, 4, 1.0, {.turned = true}},
    {&kad_transform_crqs, 2, 6, 4, 4, 1.0, {.axis = true}},
    {&kad_transform_crqs, 2, 5, 4, 4, 1.0, {.turned = true}},
    {&kad_transform_fold, 2, 5, 3, 4, 4.0, {.clock = 4}},
    {&kad_transform_fold, 2, 4, 2, 4, 3.0, {.axis = true, .clock = 3}},
    {&kad_transform_vm, 2, 4, 3, 4, 1.0, {.axis = true, .clock = 3, .turned = true}},
};
enum { N_EXAMPLES = sizeof examples / sizeof *examples };

static bool find_example(int variant, struct example *out)
{
    if (variant < N_EXAMPLES) {
        *out = examples[variant];
        return true;
    }
    variant -= N_EXAMPLES;
    for (size_t i = 0; kad_transforms[i] != NULL; i++) {
        const int least =
            kad_transforms[i]->min_comp > 1 ? kad_transforms[i]->min_comp : 1;
        const int n = kad_transforms[i]->max_comp - least + 1;
        *out = (struct example){kad_transforms[i], least + variant, 4, 6, 4, 1.5, {0}};
        if (variant < n) return true;
        variant -= n;
    }
    return false;
}

static kad_status example(kad_ctx *ctx, const kad_lattice *lattice, int variant,
                          kad_stage *out)
{
    struct example e;
    if (!find_example(variant, &e)) return KAD_EUSAGE;
    kad_index_list parts KAD_CLEARED(kad_index_list_clear) = {0};
    KAD_CALL(kad_example_parts(ctx, lattice, e.n_sources, e.max_parts, &parts));
    KAD_CALL(kad_stencil_create_in(ctx, lattice, e.n_comp, e.transform, e.frame,
                                   e.n_hidden, e.n_sources, parts.n_lists, parts.sites,
                                   out));
    kad_stencil_set_quartic(out, e.quartic);
    return KAD_OK;
}

static kad_status parts(kad_ctx *ctx, const kad_stage *stage, kad_parts *out)
{
    KAD_SCOPE(scope, ctx);
    const kad_stencil *e = stage->self;
    const kad_lattice tile = kad_parts_lattice(e->n_sources + 1);
    int *sites;
    KAD_CALL(kad_parts_of_sites(ctx, stage->n_comp, e->n_parts, e->n_sources, 1, e->sites,
                                out));
    KAD_CALL(kad_parts_identity(&scope, tile.n_sites, &sites));
    KAD_CALL(kad_stencil_create_in(ctx, &tile, stage->n_comp, e->transform, e->frame,
                                   e->n_hidden, e->n_sources, 1, sites, &out->one));
    kad_stencil_set_quartic(&out->one, e->quartic);
    return KAD_OK;
}

static kad_status share(kad_ctx *ctx, const kad_stage *stage, int first, int n,
                        const int *away, kad_stage *out)
{
    kad_stage shared KAD_CLEARED(kad_stage_clear) = {0};
    *out = (kad_stage){0};
    const kad_stencil *e = stage->self;
    const kad_lattice tile = kad_parts_lattice(stage->n_rows / stage->n_comp);
    const size_t size = (size_t)e->n_sources + 1, n_sites = (size_t)n * size;
    const int *sites = e->sites + (size_t)first * size;
    KAD_CALL(kad_stencil_create_in(ctx, &tile, stage->n_comp, e->transform, e->frame,
                                   e->n_hidden, e->n_sources, n, sites, &shared));
    kad_stencil *some = shared.self;
    some->quartic = e->quartic;
    KAD_CALL(kad_new(ctx, n_sites, sizeof *some->away, &some->away));
    for (size_t i = 0; i < n_sites; i++)
        some->away[i] = away[sites[i] * stage->n_comp] / stage->n_comp;
    *out = shared;
    shared = (kad_stage){0};
    return KAD_OK;
}

const kad_bijector_ops kad_stencil_ops = {
    .name = "stencil",
    .summary = "O(n)-equivariant coupling of one target a part: a pointwise net of the "
               "sites around it, and any transform",
    .reference = "Dinh, Sohl-Dickstein, Bengio, arXiv:1605.08803 (couplings); "
                 "Koehler, Klein, Noe, arXiv:1910.00753 (equivariant flows)",
    .init = init,
    .destroy = destroy,
    .example = example,
    .kern = {&kad_stencil_kern_f32, &kad_stencil_kern_f64},
    .parts = parts,
    .share = share,
};

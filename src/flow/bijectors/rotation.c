#include "flow/bijectors/rotation.h"

#include "base/memory.h"
#include "flow/bijectors/examples.h"
#include "flow/bijectors/sites.h"
#include "flow/parts.h"

#include <string.h>

static void destroy(void *self)
{
    kad_rotation *r = self;
    kad_free(r->sites);
    kad_free(r->perm);
    kad_free(r->sign);
    kad_free(r);
}

static void init(const kad_stage *stage, kad_rng rng, uint32_t stream, double *theta)
{
    (void)rng;
    (void)stream;
    for (size_t i = 0; i < stage->n_theta; i++)
        theta[i] = 0.0;
}

static kad_status set_fixed(kad_ctx *ctx, kad_rotation *r, const int *perm,
                            const int *sign)
{
    bool seen[KAD_ROTATION_MAX] = {false};
    KAD_CALL(kad_new(ctx, (size_t)r->m, sizeof *r->perm, &r->perm));
    KAD_CALL(kad_new(ctx, (size_t)r->m, sizeof *r->sign, &r->sign));
    for (int i = 0; i < r->m; i++) {
        r->perm[i] = perm ? perm[i] : i;
        r->sign[i] = sign ? sign[i] : 1;
        if (r->perm[i] < 0 || r->perm[i] >= r->m || seen[r->perm[i]])
            return kad_fail(ctx, KAD_EUSAGE,
                            "rotation: entry %d of perm, %d, repeated "
                            "or out of range",
                            i, r->perm[i]);
        if (r->sign[i] != 1 && r->sign[i] != -1)
            return kad_fail(ctx, KAD_EUSAGE, "rotation: sign %d is %d, not 1 or -1", i,
                            r->sign[i]);
        seen[r->perm[i]] = true;
    }
    return KAD_OK;
}

/* Packed: L, R = U + diag, sign e^s (doubles, [m][m] [m][m]) and the sum of s; then W,
 * its inverse and their transposes in the kernel's precision. Scratch: a block's rows in
 * and out, cotangents, pointers, dW by lanes. */
static void set_sizes(kad_stage *stage)
{
    const kad_rotation *r = stage->self;
    const size_t m = (size_t)r->m;
    const size_t exact = (2 * m * m + 8) * sizeof(double);
    const size_t rows = r->over_components ? 1 : (size_t)stage->n_comp;
    const size_t scratch =
        m * rows * KAD_ROW_BYTES + (4 * m * sizeof(void *) + 63) / 64 * 64 + m * m * 64;
    stage->packed_bytes[KAD_SINGLE] = exact + 4 * m * m * sizeof(float);
    stage->packed_bytes[KAD_DOUBLE] = exact + 4 * m * m * sizeof(double);
    stage->scratch_bytes[KAD_SINGLE] = stage->scratch_bytes[KAD_DOUBLE] = scratch;
}

static kad_status add_tensors(kad_ctx *ctx, kad_rotation *r, kad_stage *stage)
{
    r->lower = kad_stage_add_tensor(stage, "lower", r->m, r->m);
    r->upper = kad_stage_add_tensor(stage, "upper", r->m, r->m);
    r->s = kad_stage_add_tensor(stage, "s", r->m, 1);
    if (r->s == SIZE_MAX)
        return kad_fail(ctx, KAD_ENOMEM, "rotation: out of memory for its parameters");
    return KAD_OK;
}

kad_status kad_rotation_create(kad_ctx *ctx, const kad_lattice *lattice, int n_comp,
                               bool over_components, int n_blocks, int m,
                               const int *sites, const int *perm, const int *sign,
                               kad_stage *out)
{
    kad_stage stage KAD_CLEARED(kad_stage_clear) = {0};
    *out = (kad_stage){0};
    kad_rotation *r = NULL;
    kad_stage_begin(&stage, &kad_rotation_ops, lattice, n_comp);
    if (n_comp < 1 || n_blocks < 0 || m < 1 || m > KAD_ROTATION_MAX ||
        (over_components && m != n_comp))
        return kad_fail(ctx, KAD_EUSAGE,
                        "rotation: %d blocks of %d %s, %d components a site", n_blocks, m,
                        over_components ? "components" : "sites", n_comp);
    KAD_CALL(kad_new(ctx, 1, sizeof *r, &r));
    stage.self = r;
    r->n_blocks = n_blocks;
    r->m = m;
    r->over_components = over_components;
    const size_t n_sites = (size_t)n_blocks * (size_t)(over_components ? 1 : m);
    KAD_CALL(kad_sites_copy(ctx, lattice, n_sites, sites, true, &r->sites));
    KAD_CALL(set_fixed(ctx, r, perm, sign));
    KAD_CALL(add_tensors(ctx, r, &stage));
    set_sizes(&stage);
    *out = stage;
    stage = (kad_stage){0};
    return KAD_OK;
}

/* Variants: blocks of 2^d sites; pairs of sites of two components with an exchange and a
 * reflection; 1x1 convolutions over two and three components. */
static kad_status example(kad_ctx *ctx, const kad_lattice *lattice, int variant,
                          kad_stage *out)
{
    if (variant > 3) return KAD_EUSAGE;
    static const int cycle[] = {1, 2, 0}, exchange[] = {1, 0}, reflect[] = {1, -1, 1};
    kad_index_list blocks KAD_CLEARED(kad_index_list_clear) = {0};
    KAD_CALL(kad_example_blocks(ctx, lattice, variant == 0 ? 2 : 0, &blocks));
    if (variant == 0)
        KAD_CALL(kad_rotation_create(ctx, lattice, 1, false, blocks.n_lists, blocks.size,
                                     blocks.sites, NULL, NULL, out));
    else if (variant == 1)
        KAD_CALL(kad_rotation_create(ctx, lattice, 2, false, blocks.n_lists, blocks.size,
                                     blocks.sites, exchange, reflect, out));
    else
        KAD_CALL(kad_rotation_create(ctx, lattice, variant, true, blocks.n_lists, variant,
                                     blocks.sites, variant == 3 ? cycle : NULL,
                                     variant == 3 ? reflect : NULL, out));
    return KAD_OK;
}

static kad_status parts(kad_ctx *ctx, const kad_stage *stage, kad_parts *out)
{
    KAD_SCOPE(scope, ctx);
    const kad_rotation *r = stage->self;
    const int n_sites = r->over_components ? 1 : r->m;
    const kad_lattice tile = kad_parts_lattice(n_sites);
    int *sites;
    KAD_CALL(
        kad_parts_of_sites(ctx, stage->n_comp, r->n_blocks, 0, n_sites, r->sites, out));
    out->constant_ld = true;
    KAD_CALL(kad_parts_identity(&scope, n_sites, &sites));
    KAD_CALL(kad_rotation_create(ctx, &tile, stage->n_comp, r->over_components, 1, r->m,
                                 sites, r->perm, r->sign, &out->one));
    return KAD_OK;
}

const kad_bijector_ops kad_rotation_ops = {
    .name = "rotation",
    .summary = "learned linear map within blocks of sites or over components (LU form)",
    .reference = "Kingma, Dhariwal, arXiv:1807.03039",
    .init = init,
    .destroy = destroy,
    .example = example,
    .kern = {&kad_rotation_kern_f32, &kad_rotation_kern_f64},
    .parts = parts,
};

#include "flow/bijectors/haar.h"

#include "base/memory.h"
#include "flow/bijectors/examples.h"
#include "flow/bijectors/sites.h"
#include "flow/parts.h"

static void destroy(void *self)
{
    kad_haar *h = self;
    kad_free(h->sites);
    kad_free(h);
}

kad_status kad_haar_create(kad_ctx *ctx, const kad_lattice *lattice, int n_comp,
                           int n_blocks, int block_size, const int *sites, kad_stage *out)
{
    kad_stage stage KAD_CLEARED(kad_stage_clear) = {0};
    *out = (kad_stage){0};
    kad_haar *h = NULL;
    kad_stage_begin(&stage, &kad_haar_ops, lattice, n_comp);
    if (n_comp < 1 || n_blocks < 0 || block_size < 2 || block_size > KAD_HAAR_MAX_BLOCK ||
        (block_size & (block_size - 1)))
        return kad_fail(ctx, KAD_EUSAGE,
                        "haar: %d blocks of %d sites, %d components: sizes must be 2, "
                        "4, 8 or 16",
                        n_blocks, block_size, n_comp);
    KAD_CALL(kad_new(ctx, 1, sizeof *h, &h));
    stage.self = h;
    h->n_blocks = n_blocks;
    h->block_size = block_size;
    KAD_CALL(kad_sites_copy(ctx, lattice, (size_t)n_blocks * (size_t)block_size, sites,
                            true, &h->sites));
    *out = stage;
    stage = (kad_stage){0};
    return KAD_OK;
}

/* Variants: one and two components on the largest Haar blocks that fit; pairs of sites.
 */
static kad_status example(kad_ctx *ctx, const kad_lattice *lattice, int variant,
                          kad_stage *out)
{
    if (variant > 2) return KAD_EUSAGE;
    kad_index_list blocks KAD_CLEARED(kad_index_list_clear) = {0};
    const int extent = variant == 2 ? 0 : 2;
    KAD_CALL(kad_example_blocks(ctx, lattice, extent, &blocks));
    KAD_CALL(kad_haar_create(ctx, lattice, variant == 1 ? 2 : 1, blocks.n_lists,
                             blocks.size, blocks.sites, out));
    return KAD_OK;
}

static kad_status parts(kad_ctx *ctx, const kad_stage *stage, kad_parts *out)
{
    KAD_SCOPE(scope, ctx);
    const kad_haar *h = stage->self;
    const kad_lattice tile = kad_parts_lattice(h->block_size);
    int *sites;
    KAD_CALL(kad_parts_of_sites(ctx, stage->n_comp, h->n_blocks, 0, h->block_size,
                                h->sites, out));
    out->constant_ld = true;
    KAD_CALL(kad_parts_identity(&scope, h->block_size, &sites));
    KAD_CALL(
        kad_haar_create(ctx, &tile, stage->n_comp, 1, h->block_size, sites, &out->one));
    return KAD_OK;
}

const kad_bijector_ops kad_haar_ops = {
    .name = "haar",
    .summary = "orthonormal Haar rotation of blocks: coarse value and details to sites",
    .reference = "A. Haar, Math. Ann. 69, 331 (1910), doi:10.1007/BF01456326",
    .destroy = destroy,
    .example = example,
    .kern = {&kad_haar_kern_f32, &kad_haar_kern_f64},
    .parts = parts,
};

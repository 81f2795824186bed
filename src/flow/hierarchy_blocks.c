/* mera, decimator, disentangler: couplings inside blocks. */
#include "base/memory.h"
#include "flow/bijectors/coupling.h"
#include "flow/bijectors/rotation.h"
#include "flow/bijectors/scale.h"
#include "flow/blocks.h"
#include "flow/hierarchy.h"

#include <stdio.h>
#include <string.h>

typedef struct builder {
    kad_ctx *ctx;
    const kad_flow_options *options;
    const kad_flow_target *target;
    kad_stage_list *list;
    kad_mlp_shape shape;
} builder;

static kad_status read_shape(kad_ctx *ctx, const kad_flow_options *options,
                             kad_mlp_shape *shape)
{
    const kad_ints *widths = &options->widths;
    if (widths->n > KAD_MLP_MAX_LAYERS)
        return kad_fail(ctx, KAD_ECONFIG, "flow.widths: at most %d hidden layers",
                        KAD_MLP_MAX_LAYERS);
    *shape = (kad_mlp_shape){
        .n_hidden = (int)widths->n,
        .activation = options->activation,
        .split = options->split,
        .equivariant = options->symmetry == KAD_SYMMETRY_EQUIVARIANT,
        .scale_init = options->scale_init,
        .zero_last = options->zero_last,
    };
    memcpy(shape->width, widths->value, widths->n * sizeof *shape->width);
    return KAD_OK;
}

/* Rows of split k of every block: sources, then targets, with their components. */
static kad_status add_split(builder *b, const kad_index_list *blocks,
                            const int m[KAD_MAX_DIM], int k, unsigned char *side,
                            int *rows, int level, const char *pass)
{
    const int n_comp = b->target->n_comp, size = blocks->size;
    const int n_targets = kad_blocks_split(b->target->lattice->d, m, k, side);
    const int n_tgt = n_targets * n_comp, n_src = (size - n_targets) * n_comp;
    size_t n = 0;
    kad_stage stage;
    if (n_tgt == 0 || n_src == 0) return KAD_OK;
    for (int i = 0; i < blocks->n_lists; i++)
        for (int want = 0; want < 2; want++)
            for (int j = 0; j < size; j++)
                for (int c = 0; side[j] == want && c < n_comp; c++)
                    rows[n++] = blocks->sites[i * size + j] * n_comp + c;
    const kad_status status =
        kad_coupling_create(b->ctx, b->target->lattice->n_sites * n_comp, n_comp,
                            &b->shape, kad_transform_find(b->options->transform), n_src,
                            n_tgt, blocks->n_lists, rows, &stage);
    if (status != KAD_OK) return status;
    kad_coupling_set_quartic(&stage, b->options->quartic);
    return kad_stage_list_add(b->ctx, b->list, &stage, level, "%s/coupling_%02d", pass,
                              k);
}

/* One pass: a sequence of couplings over the splits of the same blocks. m = 0: one block
 * of all. */
static kad_status add_pass(builder *b, int level, int m, int offset, const char *pass)
{
    const kad_lattice *lattice = b->target->lattice;
    int box[KAD_MAX_DIM];
    KAD_SCOPE(scope, b->ctx);
    unsigned char *side;
    int *rows;
    kad_index_list blocks KAD_CLEARED(kad_index_list_clear) = {0};
    kad_stage stage;
    KAD_CALL(kad_blocks_create(b->ctx, lattice, 1 << level, m, offset, &blocks));
    kad_blocks_extents(lattice, 1 << level, box);
    for (int mu = 0; mu < lattice->d && m > 0; mu++)
        box[mu] = m;
    const size_t n =
        (size_t)blocks.n_lists * (size_t)blocks.size * (size_t)b->target->n_comp;
    KAD_CALL(kad_take(&scope, (size_t)blocks.size, &side));
    KAD_CALL(kad_take(&scope, n, &rows));
    if (b->options->rotation) {
        KAD_CALL(kad_rotation_create(b->ctx, lattice, b->target->n_comp, false,
                                     blocks.n_lists, blocks.size, blocks.sites, NULL,
                                     NULL, &stage));
        KAD_CALL(kad_stage_list_add(b->ctx, b->list, &stage, level, "%s/rotation", pass));
    }
    for (int k = 0; k < b->options->couplings; k++)
        KAD_CALL(add_split(b, &blocks, box, k, side, rows, level, pass));
    if (b->options->level_scale) {
        KAD_CALL(kad_scale_create(b->ctx, lattice, b->target->n_comp,
                                  blocks.n_lists * blocks.size, blocks.sites, false,
                                  !b->target->symmetric, &stage));
        KAD_CALL(kad_stage_list_add(b->ctx, b->list, &stage, level, "%s/scale", pass));
    }
    return KAD_OK;
}

/* Bit mask of axes shifted by half a block: e none, o all, a, b, c all but the first,
 * second, third. */
static int offset_of(int d, char letter)
{
    const int all = (1 << d) - 1;
    switch (letter) {
    case 'e':
        return 0;
    case 'a':
        return all & ~1;
    case 'b':
        return all & ~2;
    case 'c':
        return all & ~4;
    default:
        return all;
    }
}

/* Largest even block extent <= kernel that divides every extent; 0: take all sites as one
 * block. */
static int block_extent(const kad_lattice *lattice, int stride, int kernel)
{
    int extents[KAD_MAX_DIM];
    kad_blocks_extents(lattice, stride, extents);
    for (int m = kernel - kernel % 2; m >= 2; m -= 2) {
        bool good = true;
        for (int mu = 0; mu < lattice->d; mu++)
            good = good && extents[mu] % m == 0;
        if (good) return m;
    }
    return 0;
}

/* The passes of a level; `layer` begins the names of its stages. */
static kad_status add_level(builder *b, int level, const char *layer, const char *passes)
{
    const int m = block_extent(b->target->lattice, 1 << level, b->options->kernel);
    const int repeat = b->options->repeat;
    char name[32];
    int n = 0;
    snprintf(name, sizeof name, "%shaar", layer);
    if (b->options->haar)
        KAD_CALL(kad_stage_list_haar(b->ctx, b->target, level, name, b->list));
    for (int r = 0; r < repeat; r++)
        for (const char *p = passes; *p; p++, n++) {
            snprintf(name, sizeof name, "%spass_%02d", layer, n);
            KAD_CALL(add_pass(b, level, m, offset_of(b->target->lattice->d, *p), name));
        }
    return KAD_OK;
}

static const char *passes_of(const kad_flow_options *options)
{
    if (options->passes) return options->passes;
    return strcmp(options->hierarchy, "decimator") == 0 ? "e" : "eo";
}

kad_status kad_hierarchy_blocks(kad_ctx *ctx, const kad_flow_options *options,
                                const kad_flow_target *target, kad_stage_list *list)
{
    const char *kind = options->hierarchy, *passes = passes_of(options);
    builder b = {.ctx = ctx, .options = options, .target = target, .list = list};
    if (target->active)
        return kad_fail(ctx, KAD_ECONFIG,
                        "flow.hierarchy: %s needs every site; set flow.decimation=false",
                        kind);
    const char *bad = passes + strspn(passes, "eoabc");
    if (*bad)
        return kad_fail(ctx, KAD_ECONFIG,
                        "flow.passes: unknown offset '%c' in \"%s\" (e, o, a, b, c)",
                        *bad, passes);
    KAD_CALL(read_shape(ctx, options, &b.shape));
    const bool ring = strcmp(kind, "disentangler") != 0 && options->ring;
    const int halvings = target->lattice->n_levels;
    int top = 1 << halvings, extents[KAD_MAX_DIM], rest = 1;
    kad_blocks_extents(target->lattice, top, extents);
    for (int mu = 0; mu < KAD_MAX_DIM; mu++)
        rest *= extents[mu];
    int depth = options->depth;
    if (strcmp(kind, "disentangler") == 0) {
        if (depth == 0) depth = halvings > 0 ? halvings : 1;
        for (int k = 0; k < depth; k++) {
            char layer[32];
            snprintf(layer, sizeof layer, "layer_%02d/", k);
            KAD_CALL(add_level(&b, 0, layer, passes));
        }
        return KAD_OK;
    }
    if (rest > 1)
        KAD_CALL(add_pass(&b, halvings, 0, 0, "top"));
    else if (ring)
        KAD_CALL(kad_stage_list_ring(ctx, target, halvings, list));
    for (int level = halvings - 1; level >= 0; level--)
        if (depth == 0 || level < depth) KAD_CALL(add_level(&b, level, "", passes));
    return KAD_OK;
}

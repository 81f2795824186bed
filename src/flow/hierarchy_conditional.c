/* Coarse to fine: new sites are generated given those already there, then refined in the
 * other direction. Two ways to make the new sites of a level (`flow.details`): fill by
 * parity class, each given all classes before it (the field itself is generated); wavelet
 * the details of every 2^d block given the coarse sites around it, then a Haar rotation,
 * then refinements between the two colours of the level's lattice.
 *
 * A coarsest lattice of more than one site (odd extents) is filled in the same way, down
 * from its first site, over sublattices with seams (blocks.h); or (`flow.top: raster`) made
 * site by site, each given all before it (Oord, Kalchbrenner, Kavukcuoglu, arXiv:1601.06759),
 * and then refined. Targets whose sources lie
 * alike share weights: all of a step, but for those near a seam. */
#include "base/memory.h"
#include "flow/bijectors/stencil.h"
#include "flow/blocks.h"
#include "flow/hierarchy.h"

#include <stdio.h>
#include <string.h>

typedef struct builder {
    kad_ctx *ctx;
    const kad_flow_options *options;
    const kad_flow_target *target;
    kad_stage_list *list;
    const kad_transform_ops *generator, *refinement;
} builder;

static unsigned parity_bit(unsigned p)
{
    return (p ^ p >> 1 ^ p >> 2) & 1;
}

/* Classes of a stride that hold active sites. */
static unsigned active_classes(const builder *b, int stride)
{
    const int d = b->target->lattice->d;
    int extents[KAD_MAX_DIM];
    unsigned classes = 0, axes = 0;
    kad_blocks_extents(b->target->lattice, stride, extents);
    for (int mu = 0; mu < d; mu++)
        if (extents[mu] > 1) axes |= 1u << mu;
    for (unsigned p = 0; p < (1u << d); p++)
        if ((p & ~axes) == 0 && !(b->target->active && stride == 1 && parity_bit(p)))
            classes |= 1u << p;
    return classes;
}

/* Strides beyond the halvings belong to the coarsest level. */
static bool in_top(const builder *b, int level)
{
    return level >= b->target->lattice->n_levels;
}

/* Powers and turned sources are for directions. */
static kad_frame frame_of(const builder *b, const kad_transform_ops *transform)
{
    kad_frame frame = b->target->frame;
    if (!transform->directions) frame.clock = frame.turned = 0;
    return frame;
}

static kad_status add_parts(builder *b, int n_parts, int size, const int *sites,
                            const kad_transform_ops *transform, int level,
                            const char *name)
{
    kad_stage stage;
    const int halvings = b->target->lattice->n_levels;
    const kad_status status = kad_stencil_create_in(
        b->ctx, b->target->lattice, b->target->n_comp, transform, frame_of(b, transform),
        b->options->hidden, size - 1, n_parts, sites, &stage);
    if (status != KAD_OK) return status;
    kad_stencil_set_quartic(&stage, transform == &kad_transform_fold
                                        ? b->target->frame.clock
                                        : b->options->quartic);
    if (!in_top(b, level))
        return kad_stage_list_add(b->ctx, b->list, &stage, level, "%s", name);
    return kad_stage_list_add(b->ctx, b->list, &stage, halvings, "top_%d/%s",
                              level - halvings, name);
}

/* Stages of a list of parts, one for all that are alike. */
static kad_status add_stages(builder *b, kad_index_list *parts,
                             const kad_transform_ops *transform, int level,
                             const char *name, int index)
{
    char full[KAD_NAME_MAX];
    for (int first = 0, n, k = 0; first < parts->n_lists; first += n, k++) {
        n = b->options->shared ? kad_blocks_gather(b->target->lattice, parts, first) : 1;
        snprintf(full, sizeof full, "%s_%02d", name, index);
        if (n < parts->n_lists)
            snprintf(full, sizeof full, "%s_%02d_%03d", name, index, k);
        KAD_CALL(add_parts(b, n, parts->size,
                           parts->sites + (size_t)first * (size_t)parts->size, transform,
                           level, full));
    }
    return KAD_OK;
}

static kad_status add_stencil(builder *b, int level, int shift, unsigned targets,
                              unsigned sources, const kad_transform_ops *transform,
                              const char *name, int index)
{
    kad_index_list parts KAD_CLEARED(kad_index_list_clear) = {0};
    KAD_CALL(kad_blocks_stencil(b->ctx, b->target->lattice, b->target->active, 1 << level,
                                shift, targets, sources, b->options->sources, &parts));
    KAD_CALL(add_stages(b, &parts, transform, level, name, index));
    if (frame_of(b, transform).clock == 0) return KAD_OK;
    char full[40];
    snprintf(full, sizeof full, "%.24s_fold", name);
    return add_stages(b, &parts, &kad_transform_fold, level, full, index);
}

/* Groups of classes in order of generation: by falling number of odd coordinates; in d =
 * 2 the two classes of one odd coordinate share a stencil. */
static int groups_of(int d, unsigned group[7])
{
    int n = 0;
    for (int bits = d; bits >= 1; bits--) {
        unsigned together = 0;
        for (unsigned p = 1; p < (1u << d); p++) {
            if (__builtin_popcount(p) != bits) continue;
            if (d == 2)
                together |= 1u << p;
            else
                group[n++] = 1u << p;
        }
        if (together) group[n++] = together;
    }
    return n;
}

/* Refinements of classes `old` given `fresh` and the reverse, alternating, `count` of
 * them. Where these are all sites of a level in the top the seams move on, pair by pair.
 */
static kad_status add_refinements(builder *b, int level, unsigned old, unsigned fresh,
                                  int count, int step)
{
    const int d = b->target->lattice->d;
    const bool all = (old | fresh) == active_classes(b, 1 << level);
    for (int r = 0; r < count; r++) {
        const unsigned targets = r % 2 == 0 ? old : fresh,
                       sources = r % 2 == 0 ? fresh : old;
        const int shift = all && in_top(b, level) ? 1 + r / 2 : 0;
        char name[32];
        snprintf(name, sizeof name, "refine_%d_%d", step, r);
        if (d == 2) {
            KAD_CALL(
                add_stencil(b, level, shift, targets, sources, b->refinement, name, 0));
            continue;
        }
        for (unsigned p = 0; p < (1u << d); p++)
            if (targets >> p & 1)
                KAD_CALL(add_stencil(b, level, shift, 1u << p, sources, b->refinement,
                                     name, (int)p));
    }
    return KAD_OK;
}

/* Of a level whose sites are all there. */
static int refinements_of(const builder *b, int level)
{
    return level == 0 ? b->options->refinements_finest : b->options->refinements;
}

static kad_status add_fill(builder *b, int level)
{
    unsigned group[7], known = 1;
    const unsigned active = active_classes(b, 1 << level);
    const int n = groups_of(b->target->lattice->d, group);
    int last = -1;
    for (int i = 0; i < n; i++)
        if (group[i] & active) last = i;
    for (int i = 0; i < n; i++) {
        const unsigned fresh = group[i] & active;
        if (!fresh) continue;
        const bool finest = level == 0 && i == last;
        const int count =
            finest ? b->options->refinements_finest : b->options->refinements;
        KAD_CALL(add_stencil(b, level, 0, fresh, known, b->generator, "generate", i));
        KAD_CALL(add_refinements(b, level, known, fresh, count, i));
        known |= fresh;
    }
    return KAD_OK;
}

static kad_status add_wavelet(builder *b, int level)
{
    const int d = b->target->lattice->d;
    unsigned colour[2] = {0, 0};
    for (unsigned p = 0; p < (1u << d); p++)
        colour[parity_bit(p)] |= 1u << p;
    for (unsigned p = (1u << d) - 1; p > 0; p--) {
        kad_index_list parts KAD_CLEARED(kad_index_list_clear) = {0};
        KAD_CALL(kad_blocks_details(b->ctx, b->target->lattice, 1 << level, p, &parts));
        KAD_CALL(add_stages(b, &parts, b->generator, level, "detail", (int)p));
    }
    KAD_CALL(kad_stage_list_haar(b->ctx, b->target, level, "haar", b->list));
    return add_refinements(b, level, colour[0], colour[1], refinements_of(b, level), 0);
}

/* The coarsest lattice site by site in rows, each given all before it, then refined. */
static kad_status add_raster(builder *b)
{
    const int level = b->target->lattice->n_levels;
    const uint8_t *active = b->target->active;
    kad_index_list block KAD_CLEARED(kad_index_list_clear) = {0};
    KAD_CALL(kad_blocks_create(b->ctx, b->target->lattice, 1 << level, 0, 0, &block));
    int n = 0;
    for (int i = 0; i < block.size; i++)
        if (!active || active[block.sites[i]]) block.sites[n++] = block.sites[i];
    for (int i = 1; i < n; i++) {
        char name[32];
        snprintf(name, sizeof name, "raster_%03d", i);
        KAD_CALL(add_parts(b, 1, i + 1, block.sites, b->generator, level, name));
    }
    const unsigned all = active_classes(b, 1 << level);
    return add_refinements(b, level, 1, all & ~1u, refinements_of(b, level), 0);
}

/* Strides from the one of a single site down. */
static int n_strides(const kad_lattice *lattice)
{
    for (int level = lattice->n_levels;; level++) {
        int extents[KAD_MAX_DIM];
        kad_blocks_extents(lattice, 1 << level, extents);
        if (extents[0] * extents[1] * extents[2] == 1) return level;
    }
}

static kad_status check_transform(const builder *b, const char *key,
                                  const kad_transform_ops *transform)
{
    if (b->target->n_comp < transform->min_comp)
        return kad_fail(b->ctx, KAD_ECONFIG,
                        "flow.%s: %s is for at least %d components, found %d", key,
                        transform->name, transform->min_comp, b->target->n_comp);
    if (b->target->n_comp <= transform->max_comp) return KAD_OK;
    return kad_fail(b->ctx, KAD_ECONFIG,
                    "flow.%s: %s is for at most %d component%s, found %d", key,
                    transform->name, transform->max_comp,
                    transform->max_comp > 1 ? "s" : "", b->target->n_comp);
}

kad_status kad_hierarchy_conditional(kad_ctx *ctx, const kad_flow_options *options,
                                     const kad_flow_target *target, kad_stage_list *list)
{
    builder b = {.ctx = ctx,
                 .options = options,
                 .target = target,
                 .list = list,
                 .generator = kad_transform_find(options->generator),
                 .refinement = kad_transform_find(options->refinement)};
    const bool wavelet = options->details == KAD_DETAILS_WAVELET;
    const int depth = options->depth;
    if (wavelet && target->active)
        return kad_fail(
            ctx, KAD_ECONFIG,
            "flow.details: wavelet needs every site; set flow.decimation=false");
    /* An axis is a source of every net; of a clock only nets of directions know. */
    const bool clock =
        target->frame.clock > 0 && (b.generator->directions || b.refinement->directions);
    if (!target->symmetric && !target->frame.axis && !clock)
        return kad_fail(ctx, KAD_ECONFIG,
                        "flow.hierarchy: conditional is odd under the global sign; the "
                        "action is not");
    KAD_CALL(check_transform(&b, "generator", b.generator));
    KAD_CALL(check_transform(&b, "refinement", b.refinement));
    if (options->ring)
        KAD_CALL(kad_stage_list_ring(ctx, target, target->lattice->n_levels, list));
    if (target->frame.clock > 0 && b.generator->directions)
        KAD_CALL(kad_stage_list_fold(ctx, target, target->lattice->n_levels, list));
    int level = n_strides(target->lattice) - 1;
    if (options->top == KAD_TOP_RASTER && !in_top(&b, level))
        return kad_fail(
            ctx, KAD_ECONFIG,
            "flow.top: raster has no effect: the coarsest lattice is one site");
    if (options->top == KAD_TOP_RASTER) {
        KAD_CALL(add_raster(&b));
        level = target->lattice->n_levels - 1;
    }
    for (; level >= 0; level--) {
        if (depth != 0 && level >= depth && !in_top(&b, level)) continue;
        KAD_CALL(wavelet && !in_top(&b, level) ? add_wavelet(&b, level)
                                               : add_fill(&b, level));
    }
    return KAD_OK;
}

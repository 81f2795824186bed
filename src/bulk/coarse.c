#include "bulk/coarse.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "base/tile.h"
#include "flow/blocks.h"

#include <string.h>

enum { W = KAD_W_DOUBLE };

/* --- geometry ------------------------------------------------------------------------ */

/* Stages of a Fourier base: up to a spectrum that is not the last stage of all. Where
 * nothing stands behind it, the levels are those before it. */
static int count_base(const kad_flow *flow)
{
    for (int i = flow->n_stages - 2; i >= 0; i--)
        if (flow->stages[i].level < 0) return i + 1;
    return 0;
}

static void end_lattice(void *lattice)
{
    kad_lattice_destroy(lattice);
}

/* The coarse lattice, where its extents let it be one. */
static kad_status make_lattice(kad_scope *in, const kad_lattice *fine,
                               kad_coarse_level *level)
{
    for (int mu = 0; mu < fine->d; mu++)
        if (level->extent[mu] == 1) return KAD_OK;
    KAD_CALL(kad_lattice_create(in->ctx, fine->d, level->extent, &level->lattice));
    return kad_defer(in, end_lattice, level->lattice);
}

static kad_status make_level(kad_scope *in, const kad_coarse *coarse, int h,
                             kad_coarse_level *level)
{
    const kad_flow *flow = coarse->bulk->model->flow;
    kad_index_list all = {0};
    kad_blocks_extents(flow->lattice, 1 << h, level->extent);
    KAD_CALL(kad_blocks_create(in->ctx, flow->lattice, 1 << h, 0, 0, &all));
    level->n_sites = all.size;
    level->site = all.sites;
    KAD_CALL(kad_defer(in, kad_free, all.sites));
    KAD_CALL(make_lattice(in, flow->lattice, level));
    level->n_stages = flow->n_stages;
    while (h > 0 && level->n_stages > coarse->n_base &&
           flow->stages[level->n_stages - 1].level < h)
        level->n_stages--;
    level->field = coarse->bulk->x;
    if (h > 0) {
        const size_t n = coarse->bulk->n * (size_t)(level->n_sites * flow->n_comp);
        KAD_CALL(kad_take(in, n, &level->own));
        level->field = level->own;
    }
    return kad_take(in, coarse->bulk->n, &level->action);
}

/* --- one tile ------------------------------------------------------------------------ */

typedef struct work {
    double *x, *scratch, *coarse; /* tile; kernels; one coarse field, and its transform */
    double fine[KAD_BULK_LEVELS][W];
} work;

typedef struct undoing {
    const kad_coarse *coarse;
    const kad_coarse_base *base;
} undoing;

static size_t work_bytes(const kad_flow *flow, size_t n_coarse)
{
    return kad_cut_bytes((size_t)flow->n_rows, KAD_ROW_BYTES) +
           kad_cut_bytes(flow->scratch_bytes[KAD_DOUBLE], 1) +
           kad_cut_bytes(n_coarse, sizeof(double));
}

static work cut(const kad_flow *flow, size_t n_coarse, void *memory)
{
    char *at = memory;
    work w;
    w.x = kad_cut(&at, (size_t)flow->n_rows, KAD_ROW_BYTES);
    w.scratch = kad_cut(&at, flow->scratch_bytes[KAD_DOUBLE], 1);
    w.coarse = kad_cut(&at, n_coarse, sizeof(double));
    return w;
}

static void load(const kad_bulk *bulk, size_t first, size_t n, double *x)
{
    const kad_flow *flow = bulk->model->flow;
    kad_tile_load(KAD_DOUBLE, bulk->n_rows, n, bulk->y + first * bulk->n_rows, x);
    kad_tile_clear_inactive(bulk->n_rows, (size_t)flow->n_comp, flow->active, x);
}

/* The coarse field of the tile now, and S_h but for ln p(w | x^(h)). */
static void snapshot(const kad_coarse *coarse, int h, size_t first, size_t n,
                     const double *x, const double *ld)
{
    const kad_bulk *bulk = coarse->bulk;
    const kad_coarse_level *level = &coarse->level[h];
    const size_t n_comp = (size_t)bulk->model->flow->n_comp;
    const size_t n_values = (size_t)level->n_sites * n_comp;
    for (size_t l = 0; l < n; l++) {
        level->action[first + l] =
            bulk->S[first + l] - bulk->log_branch[first + l] + ld[l];
        for (size_t i = 0; h > 0 && i < (size_t)level->n_sites; i++)
            for (size_t c = 0; c < n_comp; c++)
                level->own[(first + l) * n_values + i * n_comp + c] =
                    x[((size_t)level->site[i] * n_comp + c) * W + l];
    }
}

/* ln p of the latents of each level, in fine[level]. */
static void prior_by_level(const kad_flow *flow, const double *x, double fine[][W])
{
    const kad_prior_weight prior = flow->prior->weight(flow->temperature);
    memset(fine, 0, KAD_BULK_LEVELS * sizeof *fine);
    for (int r = 0; r < flow->n_rows; r++) {
        const int level = flow->level_of[r / flow->n_comp];
        double e[W] = {0};
        if (level < 0) continue;
        flow->prior->energy(W, x + (size_t)r * W, e);
        for (size_t l = 0; l < W; l++)
            fine[level][l] -= prior.log_z + prior.b * e[l];
    }
}

/* ln p(w | x^(h)) of every level, once the latents (no base) or the field of the base are
 * there. */
static void add_prior(const kad_coarse *coarse, const kad_coarse_base *base, size_t first,
                      size_t n, work *w)
{
    const kad_flow *flow = coarse->bulk->model->flow;
    if (coarse->n_base > 0) {
        kad_coarse_base_densities(base, w->x, n, w->fine, w->coarse, w->scratch);
        for (int h = 1; h < coarse->n_levels; h++)
            for (size_t l = 0; l < n && coarse->level[h].action; l++)
                coarse->level[h].action[first + l] += w->fine[h][l];
        return;
    }
    prior_by_level(flow, w->x, w->fine);
    for (int h = 1; h < coarse->n_levels; h++)
        for (size_t l = 0; l < n; l++)
            for (int finer = 0; finer < h; finer++)
                coarse->level[h].action[first + l] += w->fine[finer][l];
}

static bool undo_tile(void *self, size_t tile, void *memory)
{
    const undoing *u = self;
    const kad_coarse *coarse = u->coarse;
    const kad_bulk *bulk = coarse->bulk;
    const kad_flow *flow = bulk->model->flow;
    const char *packed = kad_map_packed(bulk->map, KAD_DOUBLE);
    const size_t first = tile * W, n = bulk->n - first < W ? bulk->n - first : W;
    double ld[W] = {0};
    work w = cut(flow, kad_coarse_base_scratch(u->base), memory);
    load(bulk, first, n, w.x);
    snapshot(coarse, 0, first, n, w.x, ld);
    for (int left = flow->n_stages, h = 1; left >= coarse->n_base; left--) {
        while (h < coarse->n_levels && coarse->level[h].n_stages == left)
            snapshot(coarse, h++, first, n, w.x, ld);
        if (left == coarse->n_base) break;
        const kad_stage *s = &flow->stages[left - 1];
        s->ops->kern[KAD_DOUBLE]->infer(s, packed + s->packed[KAD_DOUBLE], w.x, ld,
                                        w.scratch);
    }
    add_prior(coarse, u->base, first, n, &w);
    return true;
}

/* --- all ----------------------------------------------------------------------------- */

static kad_status undo(kad_ctx *ctx, kad_coarse *coarse)
{
    const kad_bulk *bulk = coarse->bulk;
    KAD_SCOPE(scope, ctx);
    kad_coarse_base *base;
    KAD_CALL(kad_coarse_base_create(&scope, coarse, &base));
    undoing u = {coarse, base};
    KAD_CALL(kad_for_tiles(ctx, "bulk", (bulk->n + W - 1) / W,
                           work_bytes(bulk->model->flow, kad_coarse_base_scratch(base)),
                           undo_tile, &u));
    for (int h = 0; h < coarse->n_levels; h++)
        if (h == 0 ? bulk->model->decimated : !kad_coarse_base_known(base, h))
            coarse->level[h].action = NULL;
    return KAD_OK;
}

kad_status kad_coarse_create(kad_scope *in, const kad_bulk *bulk, kad_coarse **out)
{
    kad_coarse *coarse;
    KAD_CALL(kad_take(in, 1, &coarse));
    coarse->bulk = bulk;
    coarse->n_levels = bulk->model->flow->n_levels;
    coarse->n_base = count_base(bulk->model->flow);
    for (int h = 0; h < coarse->n_levels; h++)
        KAD_CALL(make_level(in, coarse, h, &coarse->level[h]));
    *out = coarse;
    return undo(in->ctx, coarse);
}

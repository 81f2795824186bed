/* Generation of one latent's cone (cone.h). */
#include "flow/cone.h"

#include "base/memory.h"

#include <string.h>

enum { W = KAD_W_DOUBLE };

/* --- memory -------------------------------------------------------------------------- */

static size_t rounded(size_t n)
{
    return (n + KAD_ALIGN - 1) / KAD_ALIGN * KAD_ALIGN;
}

/* Cut a block; with base NULL only its size. Counting needs no slots. */
static size_t carve(const kad_cone *cone, bool counts_only, char *base, kad_cone_state *s)
{
    const size_t n_rows = (size_t)cone->flow->n_rows;
    const size_t n_slots = counts_only ? 0 : (size_t)cone->n_slots;
    const size_t n_sites = (size_t)cone->flow->lattice->n_sites;
    const struct {
        void *field;
        size_t bytes;
    } parts[] = {
        {&s->slots, n_slots * KAD_ROW_BYTES},
        {&s->old, n_slots * KAD_ROW_BYTES},
        {&s->tile, (size_t)cone->n_tile * KAD_ROW_BYTES},
        {&s->scratch, cone->scratch_bytes},
        {&s->written, n_slots * sizeof(int)},
        {&s->rows, n_rows * sizeof(int)},
        {&s->sites, n_sites * sizeof(int)},
        {&s->changed, n_sites},
        {&s->row_mark, n_rows * sizeof(uint64_t)},
        {&s->part_mark, (size_t)cone->max_parts * sizeof(uint64_t)},
    };
    size_t at = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        void *here = base ? base + at : NULL;
        memcpy(parts[i].field, &here, sizeof here);
        at += rounded(parts[i].bytes);
    }
    return at;
}

size_t kad_cone_state_bytes(const kad_cone *cone)
{
    kad_cone_state unused;
    return carve(cone, false, NULL, &unused);
}

kad_status kad_cone_state_create(kad_ctx *ctx, const kad_cone *cone, const void *packed,
                                 kad_cone_state **out)
{
    KAD_LOCAL(kad_cone_state, s);
    *out = NULL;
    KAD_CALL(kad_new(ctx, 1, sizeof *s, &s));
    s->cone = cone;
    s->packed = packed;
    KAD_CALL(kad_new(ctx, 1, carve(cone, packed == NULL, NULL, s), &s->block));
    carve(cone, packed == NULL, s->block, s);
    *out = s;
    s = NULL;
    return KAD_OK;
}

void kad_cone_state_destroy(kad_cone_state *state)
{
    if (!state) return;
    kad_free(state->block);
    kad_free(state);
}

/* --- evaluation ---------------------------------------------------------------------- */

static double *slot_of(kad_cone_state *s, int slot)
{
    return s->slots + (size_t)slot * W;
}

static void copy_row(double *restrict to, const double *restrict from)
{
    memcpy(to, from, KAD_ROW_BYTES);
}

static const void *packed_of(const kad_cone_state *s, const kad_stage *stage)
{
    return (const char *)s->packed + stage->packed[KAD_DOUBLE];
}

/* Part k of a stage from its slots: the targets in s->tile, the rest to ld. */
static double *evaluate(kad_cone_state *s, const kad_cone_stage *stage, int k, double *ld)
{
    const kad_parts *parts = &stage->parts;
    const int n_in = parts->n_src + parts->n_tgt;
    const int *slots = stage->slots + (size_t)k * (size_t)(n_in + parts->n_tgt);
    for (int i = 0; i < n_in; i++)
        copy_row(s->tile + (size_t)i * W, slot_of(s, slots[i]));
    memset(ld, 0, W * sizeof *ld);
    parts->one.ops->kern[KAD_DOUBLE]->generate(&parts->one, packed_of(s, stage->stage),
                                               s->tile, ld, s->scratch);
    return s->tile + (size_t)parts->n_src * W;
}

static const int *outputs_of(const kad_cone_stage *stage, int k)
{
    const kad_parts *parts = &stage->parts;
    const size_t each = (size_t)(parts->n_src + 2 * parts->n_tgt);
    return stage->slots + (size_t)k * each + parts->n_src + parts->n_tgt;
}

/* The stages of the tail on the field. */
static void run_tail(kad_cone_state *s, double *ld)
{
    const kad_cone *cone = s->cone;
    const kad_flow *flow = cone->flow;
    memcpy(s->slots, slot_of(s, cone->tail), (size_t)flow->n_rows * KAD_ROW_BYTES);
    memset(ld, 0, W * sizeof *ld);
    for (int k = cone->n_stages; k < flow->n_stages; k++) {
        const kad_stage *stage = &flow->stages[k];
        stage->ops->kern[KAD_DOUBLE]->generate(stage, packed_of(s, stage), s->slots, ld,
                                               s->scratch);
    }
}

/* As kad_flow_generate does. */
static void wrap_latents(kad_cone_state *s, int row)
{
    const kad_prior_ops *prior = s->cone->flow->prior;
    if (prior->wrap) prior->wrap(W, slot_of(s, s->cone->z_slot[row]));
}

void kad_cone_begin(kad_cone_state *s, const double *z)
{
    const kad_cone *cone = s->cone;
    double ld[W];
    for (int r = 0; r < cone->flow->n_rows; r++) {
        copy_row(slot_of(s, cone->z_slot[r]), z + (size_t)r * W);
        if (cone->flow->active[r / cone->flow->n_comp]) wrap_latents(s, r);
    }
    for (int i = 0; i < cone->n_stages; i++) {
        const kad_cone_stage *stage = &cone->stages[i];
        for (int k = 0; k < stage->parts.n_parts; k++) {
            const double *from = evaluate(s, stage, k, ld);
            const int *to = outputs_of(stage, k);
            for (int j = 0; j < stage->parts.n_tgt; j++)
                copy_row(slot_of(s, to[j]), from + (size_t)j * W);
            if (stage->ld >= 0) copy_row(slot_of(s, stage->ld + k), ld);
        }
    }
    if (cone->tail >= 0) {
        run_tail(s, ld);
        copy_row(slot_of(s, cone->tail_ld), ld);
    }
    s->n_written = s->n_rows = 0;
}

void kad_cone_latents(const kad_cone_state *s, double *z)
{
    for (int r = 0; r < s->cone->flow->n_rows; r++)
        copy_row(z + (size_t)r * W, s->slots + (size_t)s->cone->z_slot[r] * W);
}

/* --- a move -------------------------------------------------------------------------- */

/* A slot takes a new value; the old one is kept. */
static void write_slot(kad_cone_state *s, int slot, const double *from)
{
    copy_row(s->old + (size_t)slot * W, slot_of(s, slot));
    copy_row(slot_of(s, slot), from);
    s->written[s->n_written++] = slot;
}

static void write_ld(kad_cone_state *s, int slot, const double *ld, double *dld)
{
    const double *before = slot_of(s, slot);
    for (int l = 0; l < W; l++)
        dld[l] += ld[l] - before[l];
    write_slot(s, slot, ld);
}

static void make_dirty(kad_cone_state *s, uint64_t walk, int row)
{
    if (s->row_mark[row] == walk) return;
    s->row_mark[row] = walk;
    s->rows[s->n_rows++] = row;
}

static void recompute(kad_cone_state *s, const kad_cone_stage *stage, int k, double *dld)
{
    double ld[W];
    const double *from = evaluate(s, stage, k, ld);
    const int *to = outputs_of(stage, k);
    for (int j = 0; j < stage->parts.n_tgt; j++)
        write_slot(s, to[j], from + (size_t)j * W);
    if (stage->ld >= 0) write_ld(s, stage->ld + k, ld, dld);
}

/* Every part the dirty rows reach, in order; with dld NULL they are only counted. */
static int64_t walk_stages(kad_cone_state *s, uint64_t walk, double *dld)
{
    const kad_cone *cone = s->cone;
    int64_t n = 0;
    for (int i = 0; i < cone->n_stages; i++) {
        const kad_cone_stage *stage = &cone->stages[i];
        const int n_src = stage->parts.n_src, n_tgt = stage->parts.n_tgt;
        const int n_dirty = s->n_rows; /* targets of this stage are sources of none */
        const uint64_t now = ++s->turn;
        for (int d = 0; d < n_dirty; d++) {
            const int row = s->rows[d];
            for (int a = stage->first[row]; a < stage->first[row + 1]; a++) {
                const int k = stage->list[a];
                if (s->part_mark[k] == now) continue;
                s->part_mark[k] = now;
                const int *rows = stage->parts.rows + (size_t)k * (size_t)(n_src + n_tgt);
                for (int j = 0; j < n_tgt; j++)
                    make_dirty(s, walk, rows[n_src + j]);
                if (dld) recompute(s, stage, k, dld);
                n++;
            }
        }
    }
    return n;
}

static void start_walk(kad_cone_state *s, uint64_t *walk, int site)
{
    const int n_comp = s->cone->flow->n_comp;
    *walk = ++s->turn;
    s->n_written = s->n_rows = 0;
    for (int c = 0; c < n_comp; c++)
        make_dirty(s, *walk, site * n_comp + c);
}

/* The sites of dirty rows; former values of their components that stayed. */
static void collect_sites(kad_cone_state *s, uint64_t walk)
{
    const int n_comp = s->cone->flow->n_comp;
    for (int i = 0; i < s->n_sites; i++)
        s->changed[s->sites[i]] = 0;
    s->n_sites = 0;
    for (int d = 0; d < s->n_rows; d++) {
        const int site = s->rows[d] / n_comp;
        if (s->changed[site]) continue;
        s->changed[site] = 1;
        s->sites[s->n_sites++] = site;
        for (int c = 0; c < n_comp; c++) {
            const size_t row = (size_t)(site * n_comp + c);
            if (s->row_mark[row] != walk) copy_row(s->old + row * W, s->slots + row * W);
        }
    }
}

static void move_tail(kad_cone_state *s, uint64_t walk, double *dld)
{
    const kad_flow *flow = s->cone->flow;
    double ld[W];
    memcpy(s->old, s->slots, (size_t)flow->n_rows * KAD_ROW_BYTES);
    run_tail(s, ld);
    write_ld(s, s->cone->tail_ld, ld, dld);
    for (int r = 0; r < flow->n_rows; r++)
        if (flow->active[r / flow->n_comp]) {
            make_dirty(s, walk, r);
            s->written[s->n_written++] = r;
        }
}

int64_t kad_cone_move(kad_cone_state *s, int site, const double *z, double *dld)
{
    const kad_cone *cone = s->cone;
    const int n_comp = cone->flow->n_comp;
    uint64_t walk;
    start_walk(s, &walk, site);
    memset(dld, 0, W * sizeof *dld);
    for (int c = 0; c < n_comp; c++) {
        const int row = site * n_comp + c;
        write_slot(s, cone->z_slot[row], z + (size_t)c * W);
        wrap_latents(s, row);
    }
    int64_t n = walk_stages(s, walk, dld);
    if (cone->tail >= 0) {
        move_tail(s, walk, dld);
        n += cone->tail_evaluations;
    }
    collect_sites(s, walk);
    return n;
}

int64_t kad_cone_count(kad_cone_state *s, int site)
{
    uint64_t walk;
    start_walk(s, &walk, site);
    const int64_t n = walk_stages(s, walk, NULL) + s->cone->tail_evaluations;
    s->n_rows = 0;
    return n;
}

void kad_cone_settle(kad_cone_state *s, const uint8_t *keep)
{
    int n_kept = 0;
    for (int l = 0; l < W; l++)
        n_kept += keep[l] != 0;
    if (n_kept == W) return;
    for (int i = 0; i < s->n_written; i++) {
        double *restrict now = slot_of(s, s->written[i]);
        const double *restrict old = s->old + (size_t)s->written[i] * W;
        if (n_kept == 0)
            copy_row(now, old);
        else
            for (int l = 0; l < W; l++)
                now[l] = keep[l] ? now[l] : old[l];
    }
}

/* The plan of generation cones (cone.h). */
#include "flow/cone.h"

#include "base/memory.h"

#include <string.h>

void kad_cone_destroy(kad_cone *cone)
{
    if (!cone) return;
    for (int k = 0; cone->stages && k < cone->n_stages; k++) {
        kad_cone_stage *s = &cone->stages[k];
        kad_parts_clear(&s->parts);
        kad_free(s->slots);
        kad_free(s->first);
        kad_free(s->list);
    }
    kad_free(cone->stages);
    kad_free(cone->z_slot);
    kad_free(cone);
}

/* Parts by row: counts, running sums, then filled from behind. */
static kad_status index_rows(kad_ctx *ctx, int n_rows, kad_cone_stage *s)
{
    const int each = s->parts.n_src + s->parts.n_tgt, n = s->parts.n_parts * each;
    KAD_CALL(kad_new(ctx, (size_t)n_rows + 1, sizeof(int), &s->first));
    KAD_CALL(kad_new(ctx, (size_t)n, sizeof(int), &s->list));
    for (int i = 0; i < n; i++)
        s->first[s->parts.rows[i]]++;
    for (int r = 0; r < n_rows; r++)
        s->first[r + 1] += s->first[r];
    for (int i = n - 1; i >= 0; i--)
        s->list[--s->first[s->parts.rows[i]]] = i / each;
    return KAD_OK;
}

/* Slots of a stage, given those its rows have after it (`now`), which become those
 * before it. */
static kad_status assign_slots(kad_ctx *ctx, kad_cone *cone, kad_cone_stage *s, int *now)
{
    const int n_src = s->parts.n_src, n_tgt = s->parts.n_tgt;
    KAD_CALL(kad_new(ctx, (size_t)s->parts.n_parts * (size_t)(n_src + 2 * n_tgt),
                     sizeof(int), &s->slots));
    for (int k = 0; k < s->parts.n_parts; k++) {
        const int *rows = s->parts.rows + (size_t)k * (size_t)(n_src + n_tgt);
        int *slots = s->slots + (size_t)k * (size_t)(n_src + 2 * n_tgt);
        for (int i = 0; i < n_src; i++)
            slots[i] = now[rows[i]];
        for (int j = 0; j < n_tgt; j++) {
            slots[n_src + n_tgt + j] = now[rows[n_src + j]];
            slots[n_src + j] = now[rows[n_src + j]] = cone->n_slots++;
        }
    }
    s->ld = s->parts.constant_ld ? -1 : cone->n_slots;
    if (!s->parts.constant_ld) cone->n_slots += s->parts.n_parts;
    return KAD_OK;
}

static void add_tail(kad_cone *cone, int *now)
{
    const kad_flow *flow = cone->flow;
    cone->tail = cone->n_slots;
    for (int r = 0; r < flow->n_rows; r++)
        now[r] = cone->n_slots++;
    cone->tail_ld = cone->n_slots++;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Take stage k apart. */
static kad_status open_stage(kad_ctx *ctx, kad_cone *cone, int k)
{
    kad_cone_stage *s = &cone->stages[k];
    s->stage = &cone->flow->stages[k];
    KAD_CALL(s->stage->ops->parts(ctx, s->stage, &s->parts));
    KAD_CALL(index_rows(ctx, cone->flow->n_rows, s));
    cone->n_tile = (int)larger(cone->n_tile, s->parts.n_src + s->parts.n_tgt);
    cone->max_parts = (int)larger(cone->max_parts, s->parts.n_parts);
    cone->n_evaluations += s->parts.n_parts;
    if (s->parts.one.scratch_bytes[KAD_DOUBLE] > cone->scratch_bytes)
        cone->scratch_bytes = s->parts.one.scratch_bytes[KAD_DOUBLE];
    return KAD_OK;
}

/* What the stages from the first that does not come apart on cost. */
static kad_status count_tail(kad_ctx *ctx, kad_cone *cone)
{
    kad_status status = KAD_OK;
    const kad_flow *flow = cone->flow;
    for (int k = cone->n_stages; k < flow->n_stages; k++) {
        const kad_stage *stage = &flow->stages[k];
        kad_parts parts = {.n_parts = flow->n_active};
        if (stage->ops->parts) status = stage->ops->parts(ctx, stage, &parts);
        cone->tail_evaluations += parts.n_parts;
        kad_parts_clear(&parts);
        if (status != KAD_OK) return status;
    }
    if (cone->n_stages < flow->n_stages &&
        flow->scratch_bytes[KAD_DOUBLE] > cone->scratch_bytes)
        cone->scratch_bytes = flow->scratch_bytes[KAD_DOUBLE];
    cone->n_evaluations += cone->tail_evaluations;
    return status;
}

kad_status kad_cone_create(kad_ctx *ctx, const kad_flow *flow, kad_cone **out)
{
    KAD_LOCAL(kad_cone, cone);
    const size_t n_rows = (size_t)flow->n_rows;
    *out = NULL;
    KAD_CALL(kad_new(ctx, 1, sizeof *cone, &cone));
    cone->flow = flow;
    cone->tail = cone->tail_ld = -1;
    while (cone->n_stages < flow->n_stages && flow->stages[cone->n_stages].ops->parts)
        cone->n_stages++;
    KAD_CALL(kad_new(ctx, (size_t)cone->n_stages, sizeof *cone->stages, &cone->stages));
    KAD_CALL(kad_new(ctx, n_rows, sizeof(int), &cone->z_slot));
    cone->n_slots = flow->n_rows;
    for (int r = 0; r < flow->n_rows; r++)
        cone->z_slot[r] = r;
    if (cone->n_stages < flow->n_stages) add_tail(cone, cone->z_slot);
    for (int k = 0; k < cone->n_stages; k++)
        KAD_CALL(open_stage(ctx, cone, k));
    for (int k = cone->n_stages - 1; k >= 0; k--)
        KAD_CALL(assign_slots(ctx, cone, &cone->stages[k], cone->z_slot));
    KAD_CALL(count_tail(ctx, cone));
    *out = cone;
    cone = NULL;
    return KAD_OK;
}

#include "flow/stage_list.h"

#include "base/memory.h"
#include "flow/bijectors/haar.h"
#include "flow/bijectors/stencil.h"
#include "flow/blocks.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void kad_stage_list_clear(kad_stage_list *list)
{
    for (int i = 0; i < list->n; i++)
        kad_stage_clear(&list->stage[i]);
    kad_free(list->stage);
    *list = (kad_stage_list){0};
}

kad_status kad_stage_list_add(kad_ctx *ctx, kad_stage_list *list, kad_stage *stage,
                              int level, const char *format, ...)
{
    if (list->n == list->cap) {
        const int cap = list->cap ? 2 * list->cap : 64;
        kad_stage *more = kad_alloc((size_t)cap, sizeof *more);
        if (!more) {
            kad_stage_clear(stage);
            return kad_fail(ctx, KAD_ENOMEM, "out of memory for %d stages", cap);
        }
        if (list->n) memcpy(more, list->stage, (size_t)list->n * sizeof *more);
        kad_free(list->stage);
        list->stage = more;
        list->cap = cap;
    }
    va_list args;
    va_start(args, format);
    const int length = vsnprintf(stage->name, sizeof stage->name, format, args);
    va_end(args);
    if (length < 0 || (size_t)length >= sizeof stage->name) {
        const kad_status status = kad_fail(
            ctx, KAD_EINTERNAL, "flow: stage name %s... is too long", stage->name);
        kad_stage_clear(stage);
        return status;
    }
    stage->level = level;
    list->stage[list->n++] = *stage;
    memset(stage, 0, sizeof *stage);
    return KAD_OK;
}

/* Keep the active sites of every block; blocks are alike, so the size shrinks uniformly.
 */
static void keep_active(const kad_flow_target *target, kad_index_list *blocks)
{
    size_t n = 0;
    if (!target->active) return;
    for (int i = 0; i < blocks->n_lists * blocks->size; i++)
        if (target->active[blocks->sites[i]]) blocks->sites[n++] = blocks->sites[i];
    blocks->size = (int)(n / (size_t)blocks->n_lists);
}

kad_status kad_stage_list_haar(kad_ctx *ctx, const kad_flow_target *target, int level,
                               const char *name, kad_stage_list *list)
{
    kad_index_list blocks KAD_CLEARED(kad_index_list_clear) = {0};
    kad_stage stage;
    KAD_CALL(kad_blocks_create(ctx, target->lattice, 1 << level, 2, 0, &blocks));
    keep_active(target, &blocks);
    if (blocks.size > 1) {
        KAD_CALL(kad_haar_create(ctx, target->lattice, target->n_comp, blocks.n_lists,
                                 blocks.size, blocks.sites, &stage));
        KAD_CALL(kad_stage_list_add(ctx, list, &stage, level, "%s", name));
    }
    return KAD_OK;
}

kad_status kad_stage_list_ring(kad_ctx *ctx, const kad_flow_target *target, int level,
                               kad_stage_list *list)
{
    const int origin = 0;
    kad_stage stage;
    const kad_status status =
        kad_stencil_create(ctx, target->lattice, target->n_comp, &kad_transform_lfa, 0, 0,
                           1, &origin, &stage);
    return status == KAD_OK ? kad_stage_list_add(ctx, list, &stage, level, "ring")
                            : status;
}

kad_status kad_stage_list_fold(kad_ctx *ctx, const kad_flow_target *target, int level,
                               kad_stage_list *list)
{
    const int origin = 0;
    kad_stage stage;
    KAD_CALL(kad_stencil_create(ctx, target->lattice, target->n_comp, &kad_transform_fold,
                                0, 0, 1, &origin, &stage));
    kad_stencil_set_quartic(&stage, target->frame.clock);
    return kad_stage_list_add(ctx, list, &stage, level, "fold");
}

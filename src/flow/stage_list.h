/* Lists of stages in generation order, as hierarchies build them. */
#ifndef KAD_FLOW_STAGE_LIST_H
#define KAD_FLOW_STAGE_LIST_H

#include "flow/options.h"
#include "flow/stage.h"

typedef struct kad_stage_list {
    int n, cap;
    kad_stage *stage;
} kad_stage_list;

void kad_stage_list_clear(kad_stage_list *list);
/* Take ownership of `stage` (also on failure), with its level and a name made from the
 * format, which no other stage of the level may have. */
KAD_MUST_USE kad_status kad_stage_list_add(kad_ctx *ctx, kad_stage_list *list,
                                           kad_stage *stage, int level,
                                           const char *format, ...) KAD_PRINTF(5, 6);

/* Stages that any hierarchy may have. Haar: rotation of the active sites of the 2^d blocks
 * of a level. Ring: a transform of the coarsest single site, without sources (`flow.ring`).
 */
KAD_MUST_USE kad_status kad_stage_list_haar(kad_ctx *ctx, const kad_flow_target *target,
                                            int level, const char *name,
                                            kad_stage_list *list);
KAD_MUST_USE kad_status kad_stage_list_ring(kad_ctx *ctx, const kad_flow_target *target,
                                            int level, kad_stage_list *list);
/* The direction of the first site pulled to those of the target's clock. */
KAD_MUST_USE kad_status kad_stage_list_fold(kad_ctx *ctx, const kad_flow_target *target,
                                            int level, kad_stage_list *list);

#endif

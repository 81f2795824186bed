/* Hierarchies: builders of stage lists in generation order, from the section `flow` of the
 * configuration.
 *
 *   mera          per level, coarse to fine: decimator (blocks at the origin) and
 *                 disentangler (blocks shifted by half), m x m blocks with spacing 2^h
 *                 (Vidal, cond-mat/0512165; Li, Wang, 1802.02840)
 *   decimator     the tree alone
 *   disentangler  no levels: shifted layers on the finest lattice
 *   conditional   per level the coarse sublattice is kept and the other sites are
 *                 generated given what is there, by equivariant stencil couplings, then
 *                 refined in the other direction
 *
 * Passes over other block offsets, Haar rotations per level, learned rotations and
 * scales, a radial transform of the coarsest site and a learned spectrum are stages of
 * their own that any hierarchy can switch on. */
#ifndef KAD_FLOW_HIERARCHY_H
#define KAD_FLOW_HIERARCHY_H

#include "flow/flow.h"

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

/* True when every stage of a hierarchy is odd under the global sign by construction, so
 * that q(y) = q(-y) whatever the parameters. */
bool kad_hierarchy_is_odd(const char *kind);

/* Append the stages of the options' hierarchy. */
KAD_MUST_USE kad_status kad_hierarchy_build(kad_ctx *ctx, const kad_flow_options *options,
                                            const kad_flow_target *target,
                                            kad_stage_list *list);

/* The two families (hierarchy_blocks.c, hierarchy_conditional.c). */
KAD_MUST_USE kad_status kad_hierarchy_blocks(kad_ctx *ctx,
                                             const kad_flow_options *options,
                                             const kad_flow_target *target,
                                             kad_stage_list *list);
KAD_MUST_USE kad_status kad_hierarchy_conditional(kad_ctx *ctx,
                                                  const kad_flow_options *options,
                                                  const kad_flow_target *target,
                                                  kad_stage_list *list);

/* Stages both families use. Haar: rotation of the active sites of the 2^d blocks of a
 * level. Top: a stage on the coarsest single site without sources (`flow.ring`). */
KAD_MUST_USE kad_status kad_hierarchy_haar(kad_ctx *ctx, const kad_flow_target *target,
                                           int level, const char *name,
                                           kad_stage_list *list);
KAD_MUST_USE kad_status kad_hierarchy_ring(kad_ctx *ctx, const kad_flow_target *target,
                                           int level, kad_stage_list *list);

#endif

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
 *   ode           a continuous flow of the whole lattice, or one of every level's sites,
 *                 coarse to fine (bijectors/ode.h; 2207.00283, 2203.07975)
 *
 * Passes over other block offsets, Haar rotations per level, learned rotations and
 * scales, a radial transform of the coarsest site and a learned spectrum are stages of
 * their own that any hierarchy can switch on. */
#ifndef KAD_FLOW_HIERARCHY_H
#define KAD_FLOW_HIERARCHY_H

#include "flow/stage_list.h"

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

#endif

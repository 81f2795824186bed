/* A frozen flow as target: the action S(y) = -ln q(y) of a map, whose ln Z is 0 exactly.
 * For tests of samplers, of any size. */
#ifndef KAD_TESTS_FROZEN_CASE_H
#define KAD_TESTS_FROZEN_CASE_H

#include "flow/map.h"
#include "models/action.h"

typedef struct frozen {
    kad_action action;
    kad_action_ops ops;
    const kad_map *map;
} frozen;

/* map is borrowed, made without `mixture`. n_comp components on every site. */
void frozen_make(frozen *out, const kad_lattice *lattice, const kad_map *map);

#endif

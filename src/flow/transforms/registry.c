/* The one list of transforms: one is its own file and a name here. */
#include "flow/transforms/transform.h"

#define TRANSFORMS(X) X(affine) X(bounded) X(q4t) X(lfa) X(rqs) X(vm) X(circ) X(crqs)

#define DECLARE(name) extern const kad_transform_ops kad_transform_##name;
#define ADDRESS(name) &kad_transform_##name,
TRANSFORMS(DECLARE)
const kad_transform_ops *const kad_transforms[] = {TRANSFORMS(ADDRESS) NULL};

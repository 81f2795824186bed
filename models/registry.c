/* The one list of actions: a model is its own file and a name here. */
#include "models/action.h"

#define ACTIONS(X) X(dual) X(phi4) X(xy)

#define DECLARE(name) extern const kad_action_ops kad_action_##name;
#define ADDRESS(name) &kad_action_##name,
ACTIONS(DECLARE)
const kad_action_ops *const kad_actions[] = {ACTIONS(ADDRESS) NULL};

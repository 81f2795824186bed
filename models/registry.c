/* The one list of actions: a model is its own file and one line here. */
#include "models/action.h"
#include "models/dual.h"
#include "models/phi4.h"

const kad_action_ops *const kad_actions[] = {
    &kad_action_dual,
    &kad_action_phi4,
    NULL,
};

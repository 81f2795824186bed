#include "measure/observable.h"

#include "models/dual.h"
#include "models/phi4.h"

#include <math.h>

bool kad_observable_always(const kad_action *action)
{
    (void)action;
    return true;
}

double kad_observable_coupling(const kad_action *action)
{
    if (action->ops == &kad_action_dual) {
        const kad_dual *dual = action->self;
        return dual->J == NULL ? dual->K : NAN;
    }
    if (action->ops == &kad_action_phi4 || action->ops == &kad_action_phi4_decimated) {
        const kad_phi4 *phi4 = action->self;
        return phi4->now.t;
    }
    return NAN;
}

double kad_observable_exchange(const kad_action *action)
{
    return action->ops == &kad_action_dual ? ((const kad_dual *)action->self)->coupling
                                           : 1.0;
}

int kad_observable_extent(const kad_lattice *lattice, int *n_axes)
{
    int extent = 0;
    for (int mu = 0; mu < lattice->d; mu++)
        if (lattice->shape[mu] > extent) extent = lattice->shape[mu];
    *n_axes = 0;
    for (int mu = 0; mu < lattice->d; mu++)
        *n_axes += lattice->shape[mu] == extent;
    return extent;
}

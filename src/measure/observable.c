#include "measure/observable.h"

bool kad_observable_always(const kad_action *action)
{
    (void)action;
    return true;
}

bool kad_observable_isotropic(const kad_action *action)
{
    return action->ops->spins == NULL || action->ops->spins->sphere;
}

bool kad_observable_spins(const kad_action *action)
{
    return action->ops->spins != NULL;
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

/* Every observable: adding one is its own definition and one line here (binned ones
 * last). */
#include "measure/observable.h"

#include <string.h>

const kad_observable_ops *const kad_observables[] = {
    &kad_observable_energy,
    &kad_observable_energy2,
    &kad_observable_m,
    &kad_observable_abs_m,
    &kad_observable_m2,
    &kad_observable_m4,
    &kad_observable_phi2,
    &kad_observable_phi4,
    &kad_observable_bond,
    &kad_observable_kmin,
    &kad_observable_helicity,
    &kad_observable_vortices,
    &kad_observable_axis,
    &kad_observable_slice,
    &kad_observable_diagonal,
    &kad_observable_helicity_bond,
    &kad_observable_helicity_current,
    &kad_observable_correlator,
    &kad_observable_structure,
    &kad_observable_structure_dual,
    NULL,
};

const kad_observable_ops *kad_observable_find(const char *name)
{
    for (size_t i = 0; kad_observables[i] != NULL; i++)
        if (strcmp(kad_observables[i]->name, name) == 0) return kad_observables[i];
    return NULL;
}

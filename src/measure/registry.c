/* The one list of observables: one is its own definition and one line here (binned ones
 * last). */
#include "measure/observable.h"

#include <string.h>

#define OBSERVABLES(X)  \
    X(energy)           \
    X(energy2)          \
    X(m)                \
    X(abs_m)            \
    X(m2)               \
    X(m4)               \
    X(phi2)             \
    X(phi4)             \
    X(bond)             \
    X(clock)            \
    X(kmin)             \
    X(helicity)         \
    X(vortices)         \
    X(drawn_energy)     \
    X(drawn_kmin)       \
    X(drawn_current)    \
    X(axis)             \
    X(slice)            \
    X(diagonal)         \
    X(helicity_bond)    \
    X(helicity_current) \
    X(correlator)       \
    X(structure)        \
    X(structure_dual)

#define DECLARE(name) extern const kad_observable_ops kad_observable_##name;
#define ADDRESS(name) &kad_observable_##name,
OBSERVABLES(DECLARE)
const kad_observable_ops *const kad_observables[] = {OBSERVABLES(ADDRESS) NULL};

const kad_observable_ops *kad_observable_find(const char *name)
{
    for (size_t i = 0; kad_observables[i] != NULL; i++)
        if (strcmp(kad_observables[i]->name, name) == 0) return kad_observables[i];
    return NULL;
}

/* An observable: the sixth power of the field. */
#include "measure/observable.h"

static bool applies(const kad_action *action)
{
    return action->ops->spins == NULL && action->n_comp == 1;
}

static void evaluate(const kad_view *view, double *out)
{
    double sum = 0;
    for (int i = 0; i < view->lattice->n_sites; i++) {
        const double square = view->x[i] * view->x[i];
        sum += square * square * square;
    }
    *out = sum / view->lattice->n_sites;
}

extern const kad_observable_ops kad_observable_phi6;
const kad_observable_ops kad_observable_phi6 = {
    .name = "phi6",
    .summary = "sixth power of the field at a site",
    .reference = "sum phi^6 / N",
    .units = "",
    .estimator = "site average",
    .applies = applies,
    .evaluate = evaluate,
};

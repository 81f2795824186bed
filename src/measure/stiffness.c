/* Response of O(n) fields, n = 2, 3, to a twist of the boundary conditions, and vortices.
 * With weight exp(K sum_<ij> phi_i.phi_j), averaged over the planes of rotation,
 *     Y = (1/(d N)) sum_mu [h_mu - K s_mu^2],
 *     h_mu = (2/n) sum_i phi_i.phi_{i+mu},  s_mu the current along mu (measure/twist.h);
 * K Y = -(1/N) d^2 ln Z / d(twist per bond)^2. For n = 2 unit spins h = sum cos, s = sum
 * sin of the angle differences. Y is linear in the draws: its mean is the modulus. */
#include "measure/observable.h"

#include "measure/twist.h"

#include <math.h>

static bool turns(const kad_action *action)
{
    return action->n_comp >= 2 && action->n_comp <= 3 &&
           kad_observable_isotropic(action) && !isnan(kad_action_bond(action));
}

static size_t width(const kad_lattice *lattice)
{
    return (size_t)lattice->d;
}

static void bond(const kad_view *view, double *out)
{
    for (int mu = 0; mu < view->lattice->d; mu++)
        out[mu] = 2.0 / view->n_comp * view->G[view->lattice->nbr[2 * mu]];
}

const kad_observable_ops kad_observable_helicity_bond = {
    .name = "helicity_bond",
    .summary = "bond term of the helicity modulus, h_mu / N, per axis",
    .reference = "10.1103/PhysRevB.51.8961",
    .units = "",
    .estimator = "spins integrated out given the field",
    .applies = turns,
    .width = width,
    .axis = "axis",
    .evaluate = bond,
};

static void current(const kad_view *view, double *out)
{
    for (int mu = 0; mu < view->lattice->d; mu++)
        out[mu] = view->twist[mu] / view->lattice->n_sites;
}

const kad_observable_ops kad_observable_helicity_current = {
    .name = "helicity_current",
    .summary = "squared current of the helicity modulus, s_mu^2 / N, per axis",
    .reference = "10.1103/PhysRevB.51.8961",
    .units = "",
    .estimator = "spins integrated out given the field",
    .applies = turns,
    .width = width,
    .axis = "axis",
    .currents = true,
    .evaluate = current,
};

static void helicity(const kad_view *view, double *out)
{
    double h[KAD_MAX_DIM], s2[KAD_MAX_DIM];
    bond(view, h);
    current(view, s2);
    *out = 0.0;
    for (int mu = 0; mu < view->lattice->d; mu++)
        *out += view->J * (h[mu] - view->coupling * s2[mu]) / view->lattice->d;
}

const kad_observable_ops kad_observable_helicity = {
    .name = "helicity",
    .summary = "helicity modulus: its mean is Y, averaged over axes",
    .reference = "10.1103/PhysRevB.51.8961",
    .units = "",
    .estimator = "(J/(d N)) sum_mu (h_mu - K s_mu^2); spins integrated out",
    .applies = turns,
    .currents = true,
    .evaluate = helicity,
};

static bool has_drawn_current(const kad_action *action)
{
    return kad_observable_spins(action) && turns(action);
}

static void drawn_current(const kad_view *view, double *out)
{
    const kad_lattice *lattice = view->lattice;
    double s2[KAD_MAX_DIM];
    kad_twist_f64(lattice, view->n_comp, view->stride, view->s, NULL, view->scratch, s2);
    *out = 0.0;
    for (int mu = 0; mu < lattice->d; mu++)
        *out += s2[mu] / (lattice->n_sites * lattice->d);
}

const kad_observable_ops kad_observable_drawn_current = {
    .name = "drawn_current",
    .summary = "squared current of the spins drawn, s_mu^2 / N, averaged over axes",
    .reference = "10.1103/PhysRevB.51.8961",
    .units = "",
    .estimator = "spins drawn given the field; Y = J (2 b/n - K s^2) with their bonds b",
    .applies = has_drawn_current,
    .drawn = true,
    .evaluate = drawn_current,
};

static bool has_vortices(const kad_action *action)
{
    return action->n_comp == 2 && action->lattice->d >= 2 &&
           kad_observable_isotropic(action);
}

static void vortices(const kad_view *view, double *out)
{
    const int d = view->lattice->d;
    const double n_plaquettes = view->lattice->n_sites * d * (d - 1) / 2.0;
    *out = kad_vortices_f64(view->lattice, view->stride,
                            view->s != NULL ? view->s : view->phi, view->scratch) /
           n_plaquettes;
}

const kad_observable_ops kad_observable_vortices = {
    .name = "vortices",
    .summary = "density of vortices and antivortices, a plaquette",
    .reference = "10.1103/PhysRevB.20.3761",
    .units = "",
    .estimator = "windings of angle differences around plaquettes; spins drawn",
    .applies = has_vortices,
    .drawn = true,
    .evaluate = vortices,
};

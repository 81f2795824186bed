/* Energy of spins and of fields, its square, and the nearest-neighbour product. */
#include "measure/observable.h"
#include "measure/twist.h"

#include <string.h>

/* sum over axes of the nearest-neighbour correlator, both bonds of a pair at extent 2 */
static double neighbours(const kad_view *view)
{
    const kad_lattice *lattice = view->lattice;
    double sum = 0.0;
    for (int mu = 0; mu < lattice->d; mu++)
        sum += view->G[lattice->nbr[2 * mu]];
    return sum;
}

/* sum over the given pairs of J f_i . f_j */
static double given_bonds(const kad_view *view, const double *field)
{
    double sum = 0.0;
    for (size_t k = 0; k < view->n_pairs; k++) {
        const kad_pair *pair = &view->pairs[k];
        for (size_t a = 0; a < (size_t)view->n_comp; a++) {
            const double *f = field + a * view->stride;
            sum += pair->J * f[pair->i] * f[pair->j];
        }
    }
    return sum;
}

/* Energy per site of spins in external fields. */
static double external(const kad_view *view, const double *spins)
{
    const kad_action_spins *ops = view->action->ops->spins;
    if (ops->external == NULL) return 0.0;
    return ops->external(view->action, view->stride, spins) / view->lattice->n_sites;
}

static void energy(const kad_view *view, double *out)
{
    const double n_sites = view->lattice->n_sites;
    if (view->s == NULL) {
        *out = view->S / n_sites;
        return;
    }
    *out = view->pairs != NULL ? -given_bonds(view, view->phi) / n_sites
                               : -view->J * neighbours(view);
    *out += external(view, view->phi);
}

const kad_observable_ops kad_observable_energy = {
    .name = "energy",
    .summary = "energy per site: spins -sum J s.s / N and external fields, fields S / N",
    .reference = "10.1103/PhysRev.76.1232",
    .units = "",
    .estimator = "spins integrated out given the field; the action for fields",
    .applies = kad_observable_always,
    .evaluate = energy,
};

/* Variance of the spins' energy given x, E = -sum J s_i.s_j over the given pairs (twist.h
 * has the formula, and the uniform case). */
static double pairs_variance(const kad_view *view)
{
    const size_t n = (size_t)view->n_comp, stride = view->stride;
    double *p = view->scratch, *c = p + stride, *h = c + stride, sum = 0.0;
    kad_spin_covariance_f64(view->n_comp, view->lattice->n_sites, stride, view->phi,
                            view->x, p, c);
    memset(h, 0, n * stride * sizeof *h);
    for (size_t k = 0; k < view->n_pairs; k++) {
        const size_t i = (size_t)view->pairs[k].i, j = (size_t)view->pairs[k].j;
        const double J = view->pairs[k].J;
        double D = 0.0, q = 0.0, r = 0.0;
        for (size_t a = 0; a < n * stride; a += stride) {
            const double u = view->phi[a + i], v = view->phi[a + j];
            h[a + i] += J * v;
            h[a + j] += J * u;
            D += u * v;
            q += u * u;
            r += v * v;
        }
        sum += J * J *
               (view->n_comp * p[i] * p[j] + p[i] * c[j] * r + p[j] * c[i] * q +
                c[i] * c[j] * D * D);
    }
    for (size_t i = 0; i < (size_t)view->lattice->n_sites; i++) {
        double square = 0.0, along = 0.0;
        for (size_t a = 0; a < n * stride; a += stride) {
            square += h[a + i] * h[a + i];
            along += h[a + i] * view->phi[a + i];
        }
        sum += p[i] * square + c[i] * along * along;
    }
    return sum;
}

/* Energy per site of the spins drawn. */
static double drawn_energy(const kad_view *view)
{
    const kad_lattice *lattice = view->lattice;
    double sum = 0.0;
    if (view->pairs != NULL)
        return external(view, view->s) - given_bonds(view, view->s) / lattice->n_sites;
    for (size_t a = 0; a < (size_t)view->n_comp; a++) {
        const double *s = view->s + a * view->stride;
        for (int i = 0; i < lattice->n_sites; i++)
            for (int mu = 0; mu < lattice->d; mu++)
                sum += s[i] * s[lattice->nbr[2 * (i * lattice->d + mu)]];
    }
    return external(view, view->s) - view->J * sum / lattice->n_sites;
}

static void energy_of_drawn(const kad_view *view, double *out)
{
    *out = drawn_energy(view);
}

const kad_observable_ops kad_observable_drawn_energy = {
    .name = "drawn_energy",
    .summary = "energy per site of the spins drawn",
    .reference = "-sum J s.s / N",
    .units = "",
    .estimator = "spins drawn given the field",
    .applies = kad_observable_spins,
    .drawn = true,
    .evaluate = energy_of_drawn,
};

/* <E^2|x> = <E|x>^2 + variance */
static void energy2(const kad_view *view, double *out)
{
    const double n_sites = view->lattice->n_sites;
    double mean;
    const bool field = (view->action->flags & KAD_ACTION_AXIS) != 0;
    if (!kad_observable_isotropic(view->action) || view->direct || field) {
        mean = drawn_energy(view);
        *out = mean * mean;
        return;
    }
    energy(view, &mean);
    const double variance =
        view->pairs != NULL
            ? pairs_variance(view)
            : view->J * view->J *
                  kad_bonds_variance_f64(view->lattice, view->n_comp, view->stride,
                                         view->phi, view->x, view->scratch);
    *out = mean * mean + variance / (n_sites * n_sites);
}

const kad_observable_ops kad_observable_energy2 = {
    .name = "energy2",
    .summary = "square of the spins' energy per site",
    .reference = "(sum J s.s / N)^2",
    .units = "",
    .estimator = "spins integrated out given the field: mean squared and variance; "
                 "drawn unless on the sphere, and in a field",
    .applies = kad_observable_spins,
    .evaluate = energy2,
};

static void bond(const kad_view *view, double *out)
{
    *out = neighbours(view) / view->lattice->d;
}

const kad_observable_ops kad_observable_bond = {
    .name = "bond",
    .summary = "nearest-neighbour product, averaged over bonds",
    .reference = "sum_<ij> phi_i.phi_j / (d N)",
    .units = "",
    .estimator = "spins integrated out given the field",
    .applies = kad_observable_always,
    .evaluate = bond,
};

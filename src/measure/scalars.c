/* Observables with one value a configuration. M = sum_i phi_i, N sites, d dimensions; for
 * spin systems phi = m(x) and `self` restores the coincident terms (observable.h). */
#include "measure/observable.h"

#include "measure/shift_sum.h"

#include <math.h>

static bool always(const kad_action *action)
{
    (void)action;
    return true;
}

static bool is_field(const kad_action *action)
{
    return (action->flags & KAD_ACTION_DUAL) == 0;
}

/* M [n_comp] of a field; returns |M|^2 */
static double total(const kad_view *view, const double *field, double *M)
{
    double M2 = 0.0;
    for (int a = 0; a < view->n_comp; a++) {
        M[a] = 0.0;
        for (int i = 0; i < view->lattice->n_sites; i++)
            M[a] += field[i * view->n_comp + a];
        M2 += M[a] * M[a];
    }
    return M2;
}

enum { N_COMP_MAX = 64 };

/* sum over bonds of phi_i . phi_j */
static double bonds(const kad_view *view)
{
    double sum = 0.0;
    for (int mu = 0; mu < view->lattice->d; mu++) {
        int shift[KAD_MAX_DIM] = {0};
        shift[mu] = 1;
        sum += kad_shift_sum(view->lattice, view->n_comp, view->phi, shift);
    }
    return sum;
}

/* sum over the given pairs of J phi_i . phi_j */
static double given_bonds(const kad_view *view)
{
    double sum = 0.0;
    for (size_t k = 0; k < view->n_pairs; k++) {
        const kad_pair *pair = &view->pairs[k];
        const double *a = view->phi + pair->i * view->n_comp;
        const double *b = view->phi + pair->j * view->n_comp;
        for (int c = 0; c < view->n_comp; c++)
            sum += pair->J * a[c] * b[c];
    }
    return sum;
}

static void energy(const kad_view *view, double *out)
{
    const double n_sites = view->lattice->n_sites;
    if (view->s == NULL) {
        *out = view->S / n_sites;
        return;
    }
    *out = -(view->pairs != NULL ? given_bonds(view) : bonds(view)) / n_sites;
}

const kad_observable_ops kad_observable_energy = {
    .name = "energy",
    .summary = "energy per site: spins -sum J s.s / N, fields S / N",
    .reference = "10.1103/PhysRev.76.1232",
    .units = "",
    .estimator = "spins integrated out given the field; the action for fields",
    .applies = always,
    .evaluate = energy,
};

static void m(const kad_view *view, double *out)
{
    double M[N_COMP_MAX];
    (void)total(view, view->phi, M);
    *out = M[0] / view->lattice->n_sites;
}

const kad_observable_ops kad_observable_m = {
    .name = "m",
    .summary = "first component of the mean field or magnetisation",
    .reference = "M_0 / N",
    .units = "",
    .estimator = "spins integrated out given the field",
    .applies = always,
    .evaluate = m,
};

static void abs_m(const kad_view *view, double *out)
{
    double M[N_COMP_MAX];
    *out = sqrt(total(view, view->s != NULL ? view->s : view->phi, M)) /
           view->lattice->n_sites;
}

const kad_observable_ops kad_observable_abs_m = {
    .name = "abs_m",
    .summary = "length of the mean field or magnetisation",
    .reference = "|M| / N",
    .units = "",
    .estimator = "spins drawn given the field",
    .applies = always,
    .evaluate = abs_m,
};

static void m2(const kad_view *view, double *out)
{
    const double n_sites = view->lattice->n_sites;
    double M[N_COMP_MAX];
    *out = (total(view, view->phi, M) + view->self) / (n_sites * n_sites);
}

const kad_observable_ops kad_observable_m2 = {
    .name = "m2",
    .summary = "square of the mean field or magnetisation",
    .reference = "M^2 / N^2",
    .units = "",
    .estimator = "spins integrated out given the field",
    .applies = always,
    .evaluate = m2,
};

/* Independent +-1 spins of means m_i: fourth moment of their sum by its cumulants
 * k1 = sum m, k2 = sum (1 - m^2), k3 = sum (2 m^3 - 2 m), k4 = sum (8 m^2 - 6 m^4 - 2):
 * <M^4> = k4 + 4 k3 k1 + 3 k2^2 + 6 k2 k1^2 + k1^4. */
static double ising_fourth(const kad_view *view)
{
    double k1 = 0.0, k2 = 0.0, k3 = 0.0, k4 = 0.0;
    for (int i = 0; i < view->lattice->n_sites; i++) {
        const double mi = view->phi[i], sq = mi * mi;
        k1 += mi;
        k2 += 1.0 - sq;
        k3 += 2.0 * mi * (sq - 1.0);
        k4 += sq * (8.0 - 6.0 * sq) - 2.0;
    }
    return k4 + 4.0 * k3 * k1 + 3.0 * k2 * k2 + k1 * k1 * (6.0 * k2 + k1 * k1);
}

static void m4(const kad_view *view, double *out)
{
    const double n_sites = view->lattice->n_sites;
    double M[N_COMP_MAX], fourth;
    if (view->s != NULL && view->n_comp == 1) {
        fourth = ising_fourth(view);
    } else {
        const double M2 = total(view, view->s != NULL ? view->s : view->phi, M);
        fourth = M2 * M2;
    }
    *out = fourth / (n_sites * n_sites * n_sites * n_sites);
}

const kad_observable_ops kad_observable_m4 = {
    .name = "m4",
    .summary = "fourth power of the mean field or magnetisation",
    .reference = "M^4 / N^4",
    .units = "",
    .estimator = "Ising spins integrated out given the field, n > 1 drawn",
    .applies = always,
    .evaluate = m4,
};

static void phi2(const kad_view *view, double *out)
{
    const int n_rows = view->lattice->n_sites * view->n_comp;
    double sum = 0.0;
    for (int i = 0; i < n_rows; i++)
        sum += view->x[i] * view->x[i];
    *out = sum / view->lattice->n_sites;
}

const kad_observable_ops kad_observable_phi2 = {
    .name = "phi2",
    .summary = "square of the field at a site",
    .reference = "sum |phi|^2 / N",
    .units = "",
    .estimator = "site average",
    .applies = is_field,
    .evaluate = phi2,
};

static void phi4(const kad_view *view, double *out)
{
    double sum = 0.0;
    for (int i = 0; i < view->lattice->n_sites; i++) {
        double sq = 0.0;
        for (int a = 0; a < view->n_comp; a++) {
            const double v = view->x[i * view->n_comp + a];
            sq += v * v;
        }
        sum += sq * sq;
    }
    *out = sum / view->lattice->n_sites;
}

const kad_observable_ops kad_observable_phi4 = {
    .name = "phi4",
    .summary = "fourth power of the field at a site",
    .reference = "sum |phi|^4 / N",
    .units = "",
    .estimator = "site average",
    .applies = is_field,
    .evaluate = phi4,
};

static void bond(const kad_view *view, double *out)
{
    *out = bonds(view) / (view->lattice->n_sites * view->lattice->d);
}

const kad_observable_ops kad_observable_bond = {
    .name = "bond",
    .summary = "nearest-neighbour product, averaged over bonds",
    .reference = "sum_<ij> phi_i.phi_j / (d N)",
    .units = "",
    .estimator = "spins integrated out given the field",
    .applies = always,
    .evaluate = bond,
};

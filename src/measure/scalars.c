/* Observables with one value a configuration. M = sum_i phi_i, N sites, d dimensions; for
 * spin systems phi = m(x) and `self` restores the coincident terms (observable.h). */
#include "measure/observable.h"

#include <math.h>

static bool is_field(const kad_action *action)
{
    return action->ops->spins == NULL;
}

/* Sum over a component's sites (rows are zero beyond them). */
static double row_sum(const kad_view *view, const double *row)
{
    double sum[8] = {0.0};
    for (size_t i = 0; i < view->stride; i += 8)
        for (size_t j = 0; j < 8; j++)
            sum[j] += row[i + j];
    return ((sum[0] + sum[4]) + (sum[1] + sum[5])) +
           ((sum[2] + sum[6]) + (sum[3] + sum[7]));
}

/* |M|^2 / N^2 of the field, or of the spins drawn. */
static double drawn_m2(const kad_view *view)
{
    const double n_sites = view->lattice->n_sites;
    double square = 0.0;
    if (view->s == NULL) return view->P[0] / n_sites;
    for (size_t a = 0; a < (size_t)view->n_comp; a++) {
        const double M = row_sum(view, view->s + a * view->stride) / n_sites;
        square += M * M;
    }
    return square;
}

static void m(const kad_view *view, double *out)
{
    *out = row_sum(view, view->phi) / view->lattice->n_sites;
}

const kad_observable_ops kad_observable_m = {
    .name = "m",
    .summary = "first component of the mean field or magnetisation",
    .reference = "M_0 / N",
    .units = "",
    .estimator = "spins integrated out given the field",
    .applies = kad_observable_always,
    .evaluate = m,
};

static void abs_m(const kad_view *view, double *out)
{
    *out = sqrt(drawn_m2(view));
}

const kad_observable_ops kad_observable_abs_m = {
    .name = "abs_m",
    .summary = "length of the mean field or magnetisation",
    .reference = "|M| / N",
    .units = "",
    .estimator = "spins drawn given the field",
    .applies = kad_observable_always,
    .drawn = true,
    .evaluate = abs_m,
};

static void m2(const kad_view *view, double *out)
{
    *out = view->P[0] / view->lattice->n_sites;
}

const kad_observable_ops kad_observable_m2 = {
    .name = "m2",
    .summary = "square of the mean field or magnetisation",
    .reference = "M^2 / N^2",
    .units = "",
    .estimator = "spins integrated out given the field",
    .applies = kad_observable_always,
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
    if (view->s != NULL && view->n_comp == 1 && kad_observable_isotropic(view->action)) {
        *out = ising_fourth(view) / (n_sites * n_sites * n_sites * n_sites);
    } else {
        const double square = drawn_m2(view);
        *out = square * square;
    }
}

const kad_observable_ops kad_observable_m4 = {
    .name = "m4",
    .summary = "fourth power of the mean field or magnetisation",
    .reference = "M^4 / N^4",
    .units = "",
    .estimator = "Ising spins integrated out given the field, n > 1 drawn",
    .applies = kad_observable_always,
    .evaluate = m4,
};

static void phi2(const kad_view *view, double *out)
{
    *out = view->G[0];
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
    double *fourth = view->scratch;
    for (size_t i = 0; i < view->stride; i++) {
        double square = 0.0;
        for (size_t a = 0; a < (size_t)view->n_comp; a++) {
            const double value = view->x[a * view->stride + i];
            square += value * value;
        }
        fourth[i] = square * square;
    }
    *out = row_sum(view, fourth) / view->lattice->n_sites;
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

static bool has_clock(const kad_action *action)
{
    const kad_action_spins *spins = action->ops->spins;
    return spins != NULL && spins->clock_states != NULL &&
           spins->clock_states(action) > 0;
}

static void clock_order(const kad_view *view, double *out)
{
    const int p = view->action->ops->spins->clock_states(view->action);
    double sum = 0.0;
    for (int i = 0; i < view->lattice->n_sites; i++)
        sum += cos(p * atan2(view->s[view->stride + (size_t)i], view->s[i]));
    *out = sum / view->lattice->n_sites;
}

const kad_observable_ops kad_observable_clock = {
    .name = "clock",
    .summary = "mean of cos(p theta), where there is a clock term",
    .reference = "10.1103/PhysRevB.16.1217",
    .units = "",
    .estimator = "site average",
    .applies = has_clock,
    .drawn = true,
    .evaluate = clock_order,
};

#include "analysis/functions.h"

#include <math.h>

static double gk(size_t n, const double *C, double extent, double k)
{
    double sum = C[0];
    for (size_t r = 1; r < n; r++) {
        const double count = 2.0 * (double)r < extent ? 2.0 : 1.0;
        sum += count * C[r] * cos(k * (double)r);
    }
    return sum;
}

double kad_function_gk(size_t n, const double *C, const void *facts)
{
    const kad_lattice_facts *f = facts;
    return gk(n, C, f->extent, 2.0 * M_PI * (double)f->index / f->extent);
}

double kad_function_xi(size_t n, const double *C, const void *facts)
{
    const kad_lattice_facts *f = facts;
    const double ratio =
        gk(n, C, f->extent, 0.0) / gk(n, C, f->extent, 2.0 * M_PI / f->extent);
    return sqrt(ratio - 1.0) / (2.0 * sin(M_PI / f->extent));
}

double kad_function_xi_structure(size_t n, const double *mean, const void *facts)
{
    const kad_lattice_facts *f = facts;
    (void)n;
    return sqrt(f->n_sites * mean[0] / mean[1] - 1.0) / (2.0 * sin(M_PI / f->extent));
}

static double m_eff(size_t n, const double *C, double extent, size_t r)
{
    /* beyond L/2 the correlator is mirrored: C(r + 1) = C(L - r - 1) */
    const size_t next = r + 1 < n ? r + 1 : (size_t)extent - r - 1;
    return acosh((C[r - 1] + C[next]) / (2.0 * C[r]));
}

double kad_function_m_eff(size_t n, const double *C, const void *facts)
{
    const kad_lattice_facts *f = facts;
    return m_eff(n, C, f->extent, f->index);
}

double kad_function_mass(size_t n, const double *C, const void *facts)
{
    const kad_lattice_facts *f = facts;
    double sum = 0.0;
    for (size_t r = 1; r < n; r++)
        sum += m_eff(n, C, f->extent, r);
    return sum / (double)(n - 1);
}

double kad_function_chi(size_t n, const double *mean, const void *facts)
{
    const kad_lattice_facts *f = facts;
    (void)n;
    return f->n_sites * mean[0];
}

double kad_function_chi_connected(size_t n, const double *mean, const void *facts)
{
    const kad_lattice_facts *f = facts;
    (void)n;
    return f->n_sites * (mean[0] - mean[1] * mean[1]);
}

double kad_function_binder(size_t n, const double *mean, const void *facts)
{
    const kad_lattice_facts *f = facts;
    (void)n;
    return 1.0 -
           f->n_components / (f->n_components + 2.0) * mean[1] / (mean[0] * mean[0]);
}

double kad_function_specific_heat(size_t n, const double *mean, const void *facts)
{
    const kad_lattice_facts *f = facts;
    (void)n;
    return f->beta * f->beta * f->n_sites * (mean[1] - mean[0] * mean[0]);
}

double kad_function_last(size_t n, const double *G, const void *facts)
{
    (void)facts;
    return G[n - 1];
}

const kad_derived kad_derived_table[] = {
    {"chi", kad_function_chi, {"m2"}, NULL},
    {"chi_connected", kad_function_chi_connected, {"m2", "abs_m"}, NULL},
    {"binder", kad_function_binder, {"m2", "m4"}, NULL},
    {"specific_heat", kad_function_specific_heat, {"energy", "energy2"}, NULL},
    {"G_half", kad_function_last, {NULL}, "correlator_axis"},
    {"xi_2nd", kad_function_xi_structure, {"m2", "structure_kmin"}, NULL},
    {"xi_2nd", kad_function_xi, {NULL}, "correlator_slice"},
    {"mass", kad_function_mass, {NULL}, "correlator_slice"},
};
const size_t kad_n_derived = sizeof kad_derived_table / sizeof *kad_derived_table;

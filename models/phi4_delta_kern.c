/* Changes of phi^4, decimated or not (see delta.h), in double:
 *   all sites   dS = sum_C [V(now) - V(old)] - t sum over bonds that touch C of the
 *               change of phi_i.phi_j
 *   even sites  dS = sum_C [V(now) - V(old)] - sum over odd neighbours of C of the change
 *               of F(|h|^2)
 * with C the changed sites, V = mu |phi|^2 + lambda |phi|^4 - h phi^1. */
#include "models/delta.h"
#include "models/phi4.h"

#if KAD_PREC == 64
#include "models/radial_kern.h"

enum { MAX_NBR = 2 * KAD_MAX_DIM };

/* Rows of site i before the change. */
static const vreal *before(const kad_change *c, int i, size_t size)
{
    return (const vreal *)(c->changed[i] ? c->old : c->now) + (size_t)i * size;
}

static const vreal *after(const kad_change *c, int i, size_t size)
{
    return (const vreal *)c->now + (size_t)i * size;
}

static vreal potential(const kad_phi4 *phi4, const int n, const vreal *phi)
{
    vreal s = {0};
    for (int a = 0; a < n; a++)
        s += phi[a * KAD_NV] * phi[a * KAD_NV];
    return s * (phi4->now.mu + phi4->now.lambda * s) - phi4->now.h * phi[0];
}

/* sum over neighbours of weight phi_j, dotted with phi. */
static vreal bonds(const int n, int n_nbr, const vreal *const *nbr, const double *weight,
                   const vreal *phi, int v)
{
    vreal sum = {0};
    for (int a = 0; a < n; a++) {
        vreal h = {0};
        for (int b = 0; b < n_nbr; b++)
            h += weight[b] * nbr[b][a * KAD_NV + v];
        sum += h * phi[a * KAD_NV];
    }
    return sum;
}

/* Site i of the changed ones; bonds within them are met from both ends. */
static inline __attribute__((always_inline)) void
change_site(const kad_phi4 *phi4, const int n, const kad_change *c, int i, vreal *dS)
{
    const int n_nbr = 2 * phi4->action.lattice->d;
    const int *nbr = phi4->action.lattice->nbr + (size_t)i * (size_t)n_nbr;
    const size_t size = (size_t)n * KAD_NV;
    const vreal *was = before(c, i, size), *is = after(c, i, size);
    const vreal *nbr_was[MAX_NBR], *nbr_is[MAX_NBR];
    double weight[MAX_NBR];
    for (int b = 0; b < n_nbr; b++) {
        nbr_was[b] = before(c, nbr[b], size);
        nbr_is[b] = after(c, nbr[b], size);
        weight[b] = c->changed[nbr[b]] ? 0.5 * phi4->now.t : phi4->now.t;
    }
    for (int v = 0; v < KAD_NV; v++)
        dS[v] += potential(phi4, n, is + v) - potential(phi4, n, was + v) -
                 bonds(n, n_nbr, nbr_is, weight, is + v, v) +
                 bonds(n, n_nbr, nbr_was, weight, was + v, v);
}

/* Is bond b of i the one by which odd site j is counted: the first of i's to j, and i the
 * first changed neighbour of j? */
static bool counts(const kad_lattice *lattice, const kad_change *c, int i, int b)
{
    const int n_nbr = 2 * lattice->d;
    const int *mine = lattice->nbr + (size_t)i * (size_t)n_nbr;
    const int *his = lattice->nbr + (size_t)mine[b] * (size_t)n_nbr;
    for (int k = 0; k < b; k++)
        if (mine[k] == mine[b]) return false;
    for (int k = 0; k < n_nbr; k++)
        if (c->changed[his[k]]) return his[k] == i;
    return false;
}

static vreal field_squared(const kad_phi4 *phi4, const int n, int n_nbr,
                           const vreal *const *nbr, int v)
{
    vreal s = {0};
    for (int a = 0; a < n; a++) {
        vreal h = {0};
        for (int b = 0; b < n_nbr; b++)
            h += nbr[b][a * KAD_NV + v];
        h *= phi4->now.t;
        if (a == 0) h += phi4->now.h;
        s += h * h;
    }
    return s;
}

static inline __attribute__((always_inline)) void
change_odd(const kad_phi4 *phi4, const int n, const kad_change *c, int j, vreal *dS)
{
    const int n_nbr = 2 * phi4->action.lattice->d;
    const int *nbr = phi4->action.lattice->nbr + (size_t)j * (size_t)n_nbr;
    const size_t size = (size_t)n * KAD_NV;
    const vreal *nbr_was[MAX_NBR], *nbr_is[MAX_NBR];
    for (int b = 0; b < n_nbr; b++) {
        nbr_was[b] = before(c, nbr[b], size);
        nbr_is[b] = after(c, nbr[b], size);
    }
    for (int v = 0; v < KAD_NV; v++) {
        vreal is, was, unused;
        radial_eval(phi4->table, field_squared(phi4, n, n_nbr, nbr_is, v), &is, &unused);
        radial_eval(phi4->table, field_squared(phi4, n, n_nbr, nbr_was, v), &was,
                    &unused);
        dS[v] -= is - was;
    }
}

static inline __attribute__((always_inline)) void
change_even(const kad_phi4 *phi4, const int n, const kad_change *c, int i, vreal *dS)
{
    const kad_lattice *lattice = phi4->action.lattice;
    const size_t size = (size_t)n * KAD_NV;
    for (int v = 0; v < KAD_NV; v++)
        dS[v] += potential(phi4, n, after(c, i, size) + v) -
                 potential(phi4, n, before(c, i, size) + v);
    for (int b = 0; b < 2 * lattice->d; b++)
        if (counts(lattice, c, i, b))
            change_odd(phi4, n, c, lattice->nbr[i * 2 * lattice->d + b], dS);
}

static inline __attribute__((always_inline)) void body(const kad_action *action,
                                                       const bool decimated, const int n,
                                                       const kad_change *c, double *dS)
{
    const kad_phi4 *phi4 = action->self;
    vreal sum[KAD_NV];
    for (int v = 0; v < KAD_NV; v++)
        sum[v] = (vreal){0};
    for (int i = 0; i < c->n; i++)
        if (decimated)
            change_even(phi4, n, c, c->sites[i], sum);
        else
            change_site(phi4, n, c, c->sites[i], sum);
    for (int l = 0; l < KAD_W; l++)
        dS[l] = ((const real *)sum)[l];
}

static void change(const kad_action *action, const void *shared, const kad_change *c,
                   double *dS, void *state)
{
    (void)shared;
    (void)state;
    if (action->n_comp == 1)
        body(action, false, 1, c, dS);
    else if (action->n_comp == 2)
        body(action, false, 2, c, dS);
    else
        body(action, false, 3, c, dS);
}

static void change_decimated(const kad_action *action, const void *shared,
                             const kad_change *c, double *dS, void *state)
{
    (void)shared;
    (void)state;
    if (action->n_comp == 1)
        body(action, true, 1, c, dS);
    else if (action->n_comp == 2)
        body(action, true, 2, c, dS);
    else
        body(action, true, 3, c, dS);
}

const kad_action_delta kad_phi4_delta = {.cost = "changed sites and their neighbours",
                                         .change = change};
const kad_action_delta kad_phi4_decimated_delta = {
    .cost = "changed sites and their neighbours", .change = change_decimated};
#else
typedef int kad_phi4_delta_is_double_only;
#endif

/* Two-point functions of one configuration, r = 0 .. L/2 along the axes of the largest
 * extent L (averaged over those axes), for spin systems with the coincident terms
 * restored:
 *   axis      G(r) = (1/N) sum_i phi_i . phi_{i + r mu}
 *   diagonal  G(r, r), averaged over the planes of such axes and both diagonals
 *   slice     C(r) = sum over transverse separations of G at distance r along mu: the
 *             zero-momentum correlator; sum_{r=0}^{L-1} C(r) = N m2 */
#include "measure/observable.h"

#include "measure/shift_sum.h"

#include <string.h>

static int largest(const kad_lattice *lattice)
{
    int extent = 0;
    for (int mu = 0; mu < lattice->d; mu++)
        if (lattice->shape[mu] > extent) extent = lattice->shape[mu];
    return extent;
}

static size_t width(const kad_lattice *lattice)
{
    return (size_t)largest(lattice) / 2 + 1;
}

static bool always(const kad_action *action)
{
    (void)action;
    return true;
}

static int n_largest(const kad_lattice *lattice)
{
    int n = 0;
    for (int mu = 0; mu < lattice->d; mu++)
        n += lattice->shape[mu] == largest(lattice);
    return n;
}

static bool has_plane(const kad_action *action)
{
    return n_largest(action->lattice) > 1;
}

static void axis(const kad_view *view, double *out)
{
    const kad_lattice *lattice = view->lattice;
    const int extent = largest(lattice);
    const double weight = 1.0 / ((double)lattice->n_sites * n_largest(lattice));
    for (int r = 0; r <= extent / 2; r++) {
        double sum = 0.0;
        for (int mu = 0; mu < lattice->d; mu++) {
            int shift[KAD_MAX_DIM] = {0};
            if (lattice->shape[mu] != extent) continue;
            shift[mu] = r;
            sum += kad_shift_sum(lattice, view->n_comp, view->phi, shift);
        }
        out[r] = sum * weight;
    }
    out[0] += view->self / lattice->n_sites;
}

const kad_observable_ops kad_observable_axis = {
    .name = "correlator_axis",
    .summary = "two-point function along the axes, r = 0 .. L/2",
    .reference = "(1/N) sum_i phi_i.phi_{i+r mu}",
    .units = "",
    .estimator = "site average; spins integrated out given the field",
    .applies = always,
    .width = width,
    .evaluate = axis,
};

static void diagonal(const kad_view *view, double *out)
{
    const kad_lattice *lattice = view->lattice;
    const int extent = largest(lattice), n = n_largest(lattice);
    const double weight = 1.0 / ((double)lattice->n_sites * n * (n - 1));
    for (int r = 0; r <= extent / 2; r++) {
        double sum = 0.0;
        for (int mu = 0; mu < lattice->d; mu++)
            for (int nu = mu + 1; nu < lattice->d; nu++) {
                int shift[KAD_MAX_DIM] = {0};
                if (lattice->shape[mu] != extent || lattice->shape[nu] != extent)
                    continue;
                shift[mu] = shift[nu] = r;
                sum += kad_shift_sum(lattice, view->n_comp, view->phi, shift);
                shift[nu] = r > 0 ? extent - r : 0;
                sum += kad_shift_sum(lattice, view->n_comp, view->phi, shift);
            }
        out[r] = sum * weight;
    }
    out[0] += view->self / lattice->n_sites;
}

const kad_observable_ops kad_observable_diagonal = {
    .name = "correlator_diagonal",
    .summary = "two-point function along the plane diagonals (r, r), r = 0 .. L/2",
    .reference = "(1/N) sum_i phi_i.phi_{i+r mu+r nu}",
    .units = "",
    .estimator = "site average; spins integrated out given the field",
    .applies = has_plane,
    .width = width,
    .evaluate = diagonal,
};

/* sum_t P(t) . P(t + r) */
static double slice_product(int extent, int n_comp, const double *P, int r)
{
    double sum = 0.0;
    for (int t = 0; t < extent; t++)
        for (int a = 0; a < n_comp; a++)
            sum += P[t * n_comp + a] * P[(t + r) % extent * n_comp + a];
    return sum;
}

static void slice(const kad_view *view, double *out)
{
    const kad_lattice *lattice = view->lattice;
    const int extent = largest(lattice), n_comp = view->n_comp;
    const double weight = 1.0 / ((double)lattice->n_sites * n_largest(lattice));
    double *P = view->scratch;

    memset(out, 0, width(lattice) * sizeof *out);
    for (int mu = 0; mu < lattice->d; mu++) {
        if (lattice->shape[mu] != extent) continue;
        kad_slice_sums(lattice, n_comp, view->phi, mu, P);
        for (int r = 0; r <= extent / 2; r++)
            out[r] += weight * slice_product(extent, n_comp, P, r);
    }
    out[0] += view->self / lattice->n_sites;
}

const kad_observable_ops kad_observable_slice = {
    .name = "correlator_slice",
    .summary = "zero-momentum two-point function between slices, r = 0 .. L/2",
    .reference = "10.1007/978-3-642-01850-3",
    .units = "",
    .estimator = "slice sums; spins integrated out given the field",
    .applies = always,
    .width = width,
    .evaluate = slice,
};

/* Two-point functions of one configuration, read off G(r) and P(k) of the view. Along the
 * axes of the largest extent L (averaged over those axes), r = 0 .. L/2:
 *   axis      G(r mu)
 *   diagonal  G(r, r), averaged over the planes of such axes and both diagonals
 *   slice     C(r) = sum over transverse separations of G at distance r along mu: the
 *             zero-momentum correlator; sum_{r=0}^{L-1} C(r) = N m2
 *   kmin      P at the smallest momentum 2 pi / L along mu
 * and on all displacements or momenta up to symmetry (lattice/orbits.h). */
#include "measure/observable.h"

#include <math.h>
#include <string.h>

static size_t half_width(const kad_lattice *lattice)
{
    int n_axes;
    return (size_t)kad_observable_extent(lattice, &n_axes) / 2 + 1;
}

/* Sites between neighbours along an axis. */
static int site_step(const kad_lattice *lattice, int axis)
{
    int step = 1;
    for (int mu = axis + 1; mu < lattice->d; mu++)
        step *= lattice->shape[mu];
    return step;
}

/* Mode of the half spectrum at n steps along an axis, n <= L/2. */
static int mode_at(const kad_lattice *lattice, int axis, int n)
{
    const int last = lattice->shape[lattice->d - 1];
    if (axis == lattice->d - 1) return n;
    return n * (site_step(lattice, axis) / last) * (last / 2 + 1);
}

static void axis(const kad_view *view, double *out)
{
    const kad_lattice *lattice = view->lattice;
    int n_axes;
    const int extent = kad_observable_extent(lattice, &n_axes);
    memset(out, 0, half_width(lattice) * sizeof *out);
    for (int mu = 0; mu < lattice->d; mu++) {
        if (lattice->shape[mu] != extent) continue;
        const int step = site_step(lattice, mu);
        for (int r = 0; r <= extent / 2; r++)
            out[r] += view->G[r * step] / n_axes;
    }
}

const kad_observable_ops kad_observable_axis = {
    .name = "correlator_axis",
    .summary = "two-point function along the axes, r = 0 .. L/2",
    .reference = "(1/N) sum_i phi_i.phi_{i+r mu}",
    .units = "",
    .estimator = "site average; spins integrated out given the field",
    .applies = kad_observable_always,
    .width = half_width,
    .evaluate = axis,
};

static bool has_plane(const kad_action *action)
{
    int n_axes;
    (void)kad_observable_extent(action->lattice, &n_axes);
    return n_axes > 1;
}

static void diagonal(const kad_view *view, double *out)
{
    const kad_lattice *lattice = view->lattice;
    int n_axes;
    const int extent = kad_observable_extent(lattice, &n_axes);
    const double weight = 1.0 / (n_axes * (n_axes - 1));
    memset(out, 0, half_width(lattice) * sizeof *out);
    for (int mu = 0; mu < lattice->d; mu++)
        for (int nu = mu + 1; nu < lattice->d; nu++) {
            if (lattice->shape[mu] != extent || lattice->shape[nu] != extent) continue;
            const int a = site_step(lattice, mu), b = site_step(lattice, nu);
            for (int r = 0; r <= extent / 2; r++)
                out[r] += weight * (view->G[r * (a + b)] +
                                    view->G[r * a + (extent - r) % extent * b]);
        }
}

const kad_observable_ops kad_observable_diagonal = {
    .name = "correlator_diagonal",
    .summary = "two-point function along the plane diagonals (r, r), r = 0 .. L/2",
    .reference = "(1/N) sum_i phi_i.phi_{i+r mu+r nu}",
    .units = "",
    .estimator = "site average; spins integrated out given the field",
    .applies = has_plane,
    .width = half_width,
    .evaluate = diagonal,
};

/* C(r) = (1/L) sum_n P(n mu) cos(2 pi n r / L) */
static void slice(const kad_view *view, double *out)
{
    const kad_lattice *lattice = view->lattice;
    int n_axes;
    const int extent = kad_observable_extent(lattice, &n_axes);
    memset(out, 0, half_width(lattice) * sizeof *out);
    for (int n = 0; n <= extent / 2; n++) {
        const double twice = n == 0 || 2 * n == extent ? 1.0 : 2.0;
        double power = 0.0;
        for (int mu = 0; mu < lattice->d; mu++)
            if (lattice->shape[mu] == extent) power += view->P[mode_at(lattice, mu, n)];
        power *= twice / (n_axes * extent);
        for (int r = 0; r <= extent / 2; r++)
            out[r] += power * view->cosine[n * r % extent];
    }
}

const kad_observable_ops kad_observable_slice = {
    .name = "correlator_slice",
    .summary = "zero-momentum two-point function between slices, r = 0 .. L/2",
    .reference = "10.1007/978-3-642-01850-3",
    .units = "",
    .estimator = "from the power spectrum; spins integrated out given the field",
    .applies = kad_observable_always,
    .width = half_width,
    .evaluate = slice,
};

static void kmin(const kad_view *view, double *out)
{
    const kad_lattice *lattice = view->lattice;
    int n_axes;
    const int extent = kad_observable_extent(lattice, &n_axes);
    *out = 0.0;
    for (int mu = 0; mu < lattice->d; mu++)
        if (lattice->shape[mu] == extent)
            *out += view->P[mode_at(lattice, mu, 1)] / n_axes;
}

const kad_observable_ops kad_observable_kmin = {
    .name = "structure_kmin",
    .summary = "structure factor at the smallest momentum 2 pi / L along an axis",
    .reference = "10.1016/0550-3213(82)90240-1",
    .units = "",
    .estimator = "|phi_k|^2 / N; spins integrated out given the field",
    .applies = kad_observable_always,
    .evaluate = kmin,
};

/* |sum_x S_x exp(i k x)|^2 = sum_xy S_x S_y cos k (x - y) of sums S over the slices across
 * an axis. */
static double slices_power(const kad_view *view, const double *row, int mu)
{
    const int extent = view->lattice->shape[mu], step = site_step(view->lattice, mu);
    double *sum = view->scratch, power = 0.0;
    memset(sum, 0, (size_t)extent * sizeof *sum);
    for (int i = 0; i < view->lattice->n_sites; i += step)
        for (int k = 0; k < step; k++)
            sum[i / step % extent] += row[i + k];
    for (int x = 0; x < extent; x++) {
        power += sum[x] * sum[x];
        for (int y = 0; y < x; y++)
            power += 2.0 * sum[x] * sum[y] * view->cosine[x - y];
    }
    return power;
}

static void drawn_kmin(const kad_view *view, double *out)
{
    const kad_lattice *lattice = view->lattice;
    int n_axes;
    const int extent = kad_observable_extent(lattice, &n_axes);
    *out = 0.0;
    for (int mu = 0; mu < lattice->d; mu++)
        for (size_t a = 0; a < (size_t)view->n_comp && lattice->shape[mu] == extent; a++)
            *out += slices_power(view, view->s + a * view->stride, mu) /
                    (n_axes * lattice->n_sites);
}

const kad_observable_ops kad_observable_drawn_kmin = {
    .name = "drawn_structure_kmin",
    .summary = "structure_kmin of the spins drawn",
    .reference = "10.1016/0550-3213(82)90240-1",
    .units = "",
    .estimator = "|s_k|^2 / N; spins drawn given the field",
    .applies = kad_observable_spins,
    .drawn = true,
    .evaluate = drawn_kmin,
};

static void correlator(const kad_view *view, double *out)
{
    kad_orbits_of_sites(view->orbits, view->G, out);
}

const kad_observable_ops kad_observable_correlator = {
    .name = "correlator",
    .summary = "two-point function on all displacements up to symmetry",
    .reference = "(1/N) sum_i phi_i.phi_{i+r}",
    .units = "",
    .estimator = "site average by FFT; spins integrated out given the field",
    .applies = kad_observable_always,
    .width = kad_orbits_number,
    .axis = "displacement",
    .binned = true,
    .evaluate = correlator,
};

static void structure(const kad_view *view, double *out)
{
    kad_orbits_of_modes(view->orbits, view->P, out);
}

const kad_observable_ops kad_observable_structure = {
    .name = "structure",
    .summary = "structure factor C(k) on all momenta up to symmetry, C(0) = N m2",
    .reference = "(1/N) |sum_i phi_i exp(-i k.x_i)|^2",
    .units = "",
    .estimator = "FFT; spins integrated out given the field",
    .applies = kad_observable_always,
    .width = kad_orbits_number,
    .axis = "momentum",
    .binned = true,
    .evaluate = structure,
};

static bool has_momenta(const kad_action *action)
{
    const kad_action_spins *spins = action->ops->spins;
    return spins != NULL && spins->kernel != NULL && !isnan(spins->kernel(action, 0));
}

static void structure_dual(const kad_view *view, double *out)
{
    kad_orbits_of_modes(view->orbits, view->P_dual, out);
}

const kad_observable_ops kad_observable_structure_dual = {
    .name = "structure_dual",
    .summary = "the spins' structure factor from the dual field's",
    .reference = "C(k) = [|x_k|^2 / N - n A(k)] / A(k)^2",
    .units = "",
    .estimator =
        "exact identity of the dual; independent of the spins' conditional means",
    .applies = has_momenta,
    .width = kad_orbits_number,
    .axis = "momentum",
    .binned = true,
    .evaluate = structure_dual,
};

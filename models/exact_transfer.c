/* Ising spins with arbitrary nearest-neighbour couplings by transfer matrix. One axis is
 * time; a slice has W sites. The state is a matrix over (first slice, present slice),
 * 2^W x 2^(W-1) numbers (global Z2 fixes one spin of the first slice), advanced by one
 * bond at a time; the trace closes the torus. */
#include "base/memory.h"
#include "models/exact.h"

#include <math.h>

static int time_axis(const kad_lattice *lattice)
{
    int axis = 0;
    for (int a = 1; a < lattice->d; a++)
        if (lattice->shape[a] > lattice->shape[axis]) axis = a;
    return axis;
}

int kad_exact_slice(const kad_lattice *lattice)
{
    return lattice->n_sites / lattice->shape[time_axis(lattice)];
}

typedef struct slices {
    const kad_lattice *lattice;
    const double *bond;
    int axis, W;
    size_t n_states; /* 2^W */
    double *weight;  /* [2^W] weights of the bonds inside one slice */
} slices;

/* Site of position p (0 .. W-1, row-major without the time axis) in slice `time`. */
static int slice_site(const slices *sl, int p, int time)
{
    int x[KAD_MAX_DIM] = {0, 0, 0};
    for (int a = KAD_MAX_DIM - 1; a >= 0; a--) {
        if (a == sl->axis) continue;
        x[a] = p % sl->lattice->shape[a];
        p /= sl->lattice->shape[a];
    }
    x[sl->axis] = time;
    return kad_lattice_site(sl->lattice, x);
}

static int slice_position(const slices *sl, int site)
{
    int x[KAD_MAX_DIM], p = 0;
    kad_lattice_coords(sl->lattice, site, x);
    for (int a = 0; a < KAD_MAX_DIM; a++)
        if (a != sl->axis) p = p * sl->lattice->shape[a] + x[a];
    return p;
}

static double coupling(const slices *sl, int site, int axis)
{
    return sl->bond[site * sl->lattice->d + axis];
}

static int sign(size_t state, int i, int j)
{
    return ((state >> i) ^ (state >> j)) & 1 ? -1 : 1;
}

static void fill_weight(const slices *sl, int time)
{
    const int d = sl->lattice->d;
    for (size_t state = 0; state < sl->n_states; state++) {
        double sum = 0;
        for (int p = 0; p < sl->W; p++) {
            const int site = slice_site(sl, p, time);
            for (int a = 0; a < d; a++) {
                if (a == sl->axis) continue;
                const int q = slice_position(sl, sl->lattice->nbr[2 * (site * d + a)]);
                sum += coupling(sl, site, a) * sign(state, p, q);
            }
        }
        sl->weight[state] = exp(sum);
    }
}

/* psi[state] *= slice weight; then for each site the 2 x 2 matrix of its time bond
 * (divided by e^|K|); then rescale by the largest entry. Returns the logarithm taken out.
 */
static double advance(const slices *sl, int time, double *psi, size_t n_first)
{
    double ln = 0, top = 0;
    for (size_t f = 0; f < n_first; f++)
        for (size_t s = 0; s < sl->n_states; s++)
            psi[f * sl->n_states + s] *= sl->weight[s];
    for (int p = 0; p < sl->W; p++) {
        const double K = coupling(sl, slice_site(sl, p, time), sl->axis);
        const double same = exp(K - fabs(K)), other = exp(-K - fabs(K));
        const size_t bit = (size_t)1 << p;
        ln += fabs(K);
        for (size_t i = 0; i < n_first * sl->n_states; i++) {
            if (i & bit) continue;
            const double up = psi[i], down = psi[i | bit];
            psi[i] = same * up + other * down;
            psi[i | bit] = other * up + same * down;
        }
    }
    for (size_t i = 0; i < n_first * sl->n_states; i++)
        top = fmax(top, psi[i]);
    for (size_t i = 0; i < n_first * sl->n_states; i++)
        psi[i] /= top;
    return ln + log(top);
}

kad_status kad_exact_transfer(kad_ctx *ctx, const kad_lattice *lattice,
                              const double *bond, double *ln_z)
{
    kad_status status = KAD_OK;
    slices sl = {.lattice = lattice, .bond = bond, .axis = time_axis(lattice)};
    double *psi = NULL;
    sl.W = kad_exact_slice(lattice);
    if (sl.W > KAD_EXACT_SLICE_MAX)
        return kad_fail(ctx, KAD_ECONFIG,
                        "transfer matrix: a slice of %d sites exceeds %d", sl.W,
                        KAD_EXACT_SLICE_MAX);
    sl.n_states = (size_t)1 << sl.W;
    const size_t n_first = sl.n_states / 2;
    KAD_TRY(kad_new(ctx, sl.n_states, sizeof(double), &sl.weight));
    KAD_TRY(kad_new(ctx, n_first * sl.n_states, sizeof(double), &psi));
    for (size_t f = 0; f < n_first; f++)
        psi[f * sl.n_states + f] = 1;
    double ln = 0, trace = 0;
    for (int time = 0; time < lattice->shape[sl.axis]; time++) {
        fill_weight(&sl, time);
        ln += advance(&sl, time, psi, n_first);
    }
    for (size_t f = 0; f < n_first; f++)
        trace += psi[f * sl.n_states + f];
    *ln_z = ln + log(trace) + M_LN2;
done:
    kad_free(sl.weight);
    kad_free(psi);
    return status;
}

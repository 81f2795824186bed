/* Ising spins with arbitrary nearest-neighbour couplings by transfer matrix. One axis is
 * time; a slice has W sites. The state is a matrix over (first slice, present slice),
 * 2^W x 2^(W-1) numbers (global Z2 fixes one spin of the first slice), advanced by one
 * bond at a time; the trace closes the torus.
 *
 * Every term is positive, so nothing cancels. A number below e^-700 of the largest is
 * lost; what it could still contribute is larger than that by at most e^(2 sum |K|) over
 * the bonds of one step in time, for one step leads from any slice to any other. Where
 * that sum could make it matter the state is kept as logarithms. */
#include "base/memory.h"
#include "base/weights.h"
#include "models/exact.h"

#include <float.h>
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
    double *weight;  /* [2^W] ln of the weights of the bonds inside one slice */
    double step;     /* largest sum of |K| over the bonds of one step in time */
    double all;      /* sum of |K| */
    bool logs;       /* the state holds logarithms */
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
        sl->weight[state] = sum;
    }
}

static void measure_couplings(slices *sl)
{
    const int d = sl->lattice->d;
    for (int time = 0; time < sl->lattice->shape[sl->axis]; time++) {
        double sum = 0;
        for (int p = 0; p < sl->W; p++)
            for (int a = 0; a < d; a++)
                sum += fabs(coupling(sl, slice_site(sl, p, time), a));
        sl->step = fmax(sl->step, sum);
        sl->all += sum;
    }
    sl->logs = sl->step > 300;
}

/* For each site the 2 x 2 matrix of its time bond, divided by e^|K|. */
static void cross(const slices *sl, int p, double K, double *psi, size_t n)
{
    const size_t bit = (size_t)1 << p;
    const double same = fmin(0, 2 * K), other = fmin(0, -2 * K); /* K - |K|, -K - |K| */
    const double e_same = exp(same), e_other = exp(other);
    for (size_t i = 0; i < n; i++) {
        if (i & bit) continue;
        const double up = psi[i], down = psi[i | bit];
        psi[i] = sl->logs ? kad_log_add(same + up, other + down)
                          : e_same * up + e_other * down;
        psi[i | bit] = sl->logs ? kad_log_add(other + up, same + down)
                                : e_other * up + e_same * down;
    }
}

/* One slice further: its inner bonds, its bonds to the next slice, the largest entry taken
 * out. Returns the logarithm of what was taken out. */
static double advance(const slices *sl, int time, double *psi, size_t n_first)
{
    const size_t n = n_first * sl->n_states;
    double ln = sl->weight[0], top = -(double)INFINITY;
    for (size_t s = 1; s < sl->n_states; s++)
        ln = fmax(ln, sl->weight[s]);
    for (size_t i = 0; i < n; i++) {
        const double w = sl->weight[i % sl->n_states] - ln;
        psi[i] = sl->logs ? psi[i] + w : psi[i] * exp(w);
    }
    for (int p = 0; p < sl->W; p++) {
        const double K = coupling(sl, slice_site(sl, p, time), sl->axis);
        cross(sl, p, K, psi, n);
        ln += fabs(K);
    }
    for (size_t i = 0; i < n; i++)
        top = fmax(top, psi[i]);
    for (size_t i = 0; i < n; i++)
        psi[i] = sl->logs ? psi[i] - top : psi[i] / top;
    return ln + (sl->logs ? top : log(top));
}

/* ln of the trace over the first half of the slices. */
static double ln_trace(const slices *sl, const double *psi, size_t n_first)
{
    double sum = sl->logs ? -(double)INFINITY : 0;
    for (size_t f = 0; f < n_first; f++) {
        const double x = psi[f * sl->n_states + f];
        sum = sl->logs ? kad_log_add(sum, x) : sum + x;
    }
    return sl->logs ? sum : log(sum);
}

kad_status kad_exact_transfer(kad_ctx *ctx, const kad_lattice *lattice,
                              const double *bond, kad_exact_value *ln_z)
{
    KAD_SCOPE(scope, ctx);
    slices sl = {.lattice = lattice, .bond = bond, .axis = time_axis(lattice)};
    double *psi;
    sl.W = kad_exact_slice(lattice);
    if (sl.W > KAD_EXACT_SLICE_MAX)
        return kad_fail(ctx, KAD_ECONFIG,
                        "transfer matrix: a slice of %d sites exceeds %d", sl.W,
                        KAD_EXACT_SLICE_MAX);
    sl.n_states = (size_t)1 << sl.W;
    const size_t n_first = sl.n_states / 2;
    measure_couplings(&sl);
    KAD_CALL(kad_take(&scope, sl.n_states, &sl.weight));
    KAD_CALL(kad_take(&scope, n_first * sl.n_states, &psi));
    for (size_t i = 0; i < n_first * sl.n_states; i++)
        psi[i] = sl.logs ? -(double)INFINITY : 0;
    for (size_t f = 0; f < n_first; f++)
        psi[f * sl.n_states + f] = sl.logs ? 0 : 1;
    double ln = 0;
    for (int time = 0; time < lattice->shape[sl.axis]; time++) {
        fill_weight(&sl, time);
        ln += advance(&sl, time, psi, n_first);
    }
    ln_z->value = ln + ln_trace(&sl, psi, n_first) + M_LN2;
    /* each of the N d bonds rounds the numbers a few times, logarithms by their size */
    ln_z->error = 4 * DBL_EPSILON *
                  (lattice->n_sites * (lattice->d + (sl.logs ? 2 * sl.step : 0)) +
                   sl.all + fabs(ln_z->value));
    return KAD_OK;
}

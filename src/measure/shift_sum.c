#include "measure/shift_sum.h"

#include <string.h>

/* Eight partial sums, so that the loop vectorises without reassociation. */
static double dot(const double *a, const double *b, size_t n)
{
    double sum[8] = {0.0};
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (size_t j = 0; j < 8; j++)
            sum[j] += a[i + j] * b[i + j];
    for (; i < n; i++)
        sum[i % 8] += a[i] * b[i];
    return ((sum[0] + sum[4]) + (sum[1] + sum[5])) +
           ((sum[2] + sum[6]) + (sum[3] + sum[7]));
}

/* Blocks a and b hold the sites of axes `axis`, axis + 1, ...; b is already shifted along
 * the earlier axes. Along the last shifted axis the wrapped shift is two contiguous
 * runs. */
static double block_sum(const kad_lattice *lattice, size_t n_comp, const double *a,
                        const double *b, int axis, int last, const int *shift)
{
    const size_t extent = (size_t)lattice->shape[axis], r = (size_t)shift[axis];
    size_t stride = n_comp;
    double sum = 0.0;
    for (int mu = axis + 1; mu < lattice->d; mu++)
        stride *= (size_t)lattice->shape[mu];
    if (axis == last)
        return dot(a, b + r * stride, (extent - r) * stride) +
               dot(a + (extent - r) * stride, b, r * stride);
    for (size_t t = 0; t < extent; t++)
        sum += block_sum(lattice, n_comp, a + t * stride, b + (t + r) % extent * stride,
                         axis + 1, last, shift);
    return sum;
}

double kad_shift_sum(const kad_lattice *lattice, int n_comp, const double *phi,
                     const int shift[KAD_MAX_DIM])
{
    int last = 0;
    for (int mu = 0; mu < lattice->d; mu++)
        if (shift[mu] != 0) last = mu;
    return block_sum(lattice, (size_t)n_comp, phi, phi, 0, last, shift);
}

void kad_slice_sums(const kad_lattice *lattice, int n_comp, const double *phi, int axis,
                    double *P)
{
    const size_t nc = (size_t)n_comp, extent = (size_t)lattice->shape[axis];
    size_t stride = 1;
    for (int mu = axis + 1; mu < lattice->d; mu++)
        stride *= (size_t)lattice->shape[mu];
    const size_t n_outer = (size_t)lattice->n_sites / (extent * stride);

    memset(P, 0, extent * nc * sizeof *P);
    for (size_t o = 0; o < n_outer; o++)
        for (size_t t = 0; t < extent; t++)
            for (size_t i = 0; i < stride; i++)
                for (size_t a = 0; a < nc; a++)
                    P[t * nc + a] += phi[((o * extent + t) * stride + i) * nc + a];
}

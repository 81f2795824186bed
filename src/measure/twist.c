/* Periodic shifts of rows. */
#include "measure/twist.h"

#include <string.h>

void kad_shift(const kad_lattice *lattice, int axis, int direction, const double *row,
               double *out)
{
    size_t step = 1;
    for (int mu = axis + 1; mu < lattice->d; mu++)
        step *= (size_t)lattice->shape[mu];
    const size_t block = step * (size_t)lattice->shape[axis], rest = block - step;
    const size_t n_sites = (size_t)lattice->n_sites;
    for (size_t at = 0; at < n_sites; at += block)
        if (direction > 0) {
            memcpy(out + at, row + at + step, rest * sizeof *out);
            memcpy(out + at + rest, row + at, step * sizeof *out);
        } else {
            memcpy(out + at + step, row + at, rest * sizeof *out);
            memcpy(out + at, row + at + rest, step * sizeof *out);
        }
}

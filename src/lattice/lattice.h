/* Periodic hypercubic lattice in d = 1, 2, 3 dimensions, any extent >= 2.
 * Sites are numbered row-major, last axis fastest: site = (x0 * L1 + x1) * L2 + x2.
 * At extent 2 the two bonds between a pair of sites both count (two equal neighbour
 * entries).
 *
 * This folder holds the lattice and what needs nothing else:
 *   orbits                           what its symmetries make equal; separations
 *   fourier, hartley (hartley_plan)  transforms
 *   clusters                         Swendsen-Wang bonds and clusters on any graph */
#ifndef KAD_LATTICE_LATTICE_H
#define KAD_LATTICE_LATTICE_H

#include "base/memory.h"

#include <stdbool.h>
#include <stdint.h>

enum { KAD_MAX_DIM = 3 };

typedef struct kad_lattice {
    int d;
    int shape[KAD_MAX_DIM]; /* unused axes are 1 */
    int n_sites;
    int *nbr;        /* [n_sites][2 d]: +axis0, -axis0, +axis1, -axis1, ... */
    uint8_t *parity; /* [n_sites]: (x0 + x1 + x2) & 1 */
    bool bipartite;  /* every extent even: parity colours the lattice */
    int n_levels;    /* number of halvings while every extent is even and > 1; >= 0 */
} kad_lattice;

/* Errors: KAD_ECONFIG for d outside 1..3, an extent < 2, or more than 2^24 sites;
 * KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_lattice_create(kad_ctx *ctx, int d, const int *shape,
                                           kad_lattice **out);
void kad_lattice_destroy(kad_lattice *lattice);
KAD_LOCAL_OF(kad_lattice, kad_lattice_destroy)

/* Coordinates of a site, and the site at coordinates taken modulo the extents. */
void kad_lattice_coords(const kad_lattice *lattice, int site, int coords[KAD_MAX_DIM]);
int kad_lattice_site(const kad_lattice *lattice, const int coords[KAD_MAX_DIM]);

/* The two colours of a bipartite lattice: its sites in order, n_sites / 2 of each, and whether a
 * site is even [n_sites]. For the caller to kad_free, after a failure (KAD_ENOMEM) too. */
KAD_MUST_USE kad_status kad_lattice_halves(kad_ctx *ctx, const kad_lattice *lattice,
                                           uint8_t **is_even, int **even, int **odd);

/* Name of an axis of a d-dimensional lattice: x is the last one. */
const char *kad_axis_name(int d, int axis);

/* khat^2(k) = sum_mu 4 sin^2(k_mu / 2), k_mu = 2 pi n_mu / L_mu; modes numbered like
 * sites. */
double kad_lattice_khat2(const kad_lattice *lattice, int mode);

#endif

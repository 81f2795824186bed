/* Displacements (and momenta) up to the lattice's reflections and the permutations of its
 * axes of equal extent: r_mu in 0 .. L_mu / 2, descending among equal axes, in
 * lexicographic order. A translation-averaged correlator of a symmetric model is one
 * number an orbit. */
#ifndef KAD_LATTICE_ORBITS_H
#define KAD_LATTICE_ORBITS_H

#include "base/memory.h"
#include "lattice/lattice.h"

#include <stddef.h>
#include <stdint.h>

/* The representative of coordinates 0 .. L - 1 (of a displacement or a momentum), in place:
 * 0 .. L/2, descending among axes of equal extent, or ascending. */
void kad_orbit_fold(const kad_lattice *lattice, bool ascending, int r[KAD_MAX_DIM]);

typedef struct kad_orbits {
    const kad_lattice *lattice; /* borrowed */
    size_t n;                   /* orbits */
    size_t n_modes;             /* of a half spectrum (lattice/fourier.h) */
    int64_t *vector;            /* [n][d] representatives */
    int64_t *count;             /* [n] sites of an orbit; they sum to N */
    int32_t *of_site;           /* [n_sites] orbit of the displacement to a site */
    int32_t *of_mode;           /* [n_modes] orbit of a mode of the half spectrum */
    uint8_t *twice;             /* [n_modes] 2 where the mode stands for -k too, else 1 */
} kad_orbits;

KAD_MUST_USE kad_status kad_orbits_create(kad_ctx *ctx, const kad_lattice *lattice,
                                          kad_orbits **out);
void kad_orbits_destroy(kad_orbits *orbits);
KAD_LOCAL_OF(kad_orbits, kad_orbits_destroy)
/* Number of orbits of a lattice. */
size_t kad_orbits_number(const kad_lattice *lattice);

/* out[n]: means over orbits of G [n_sites], or of a half spectrum P [n_modes]. */
void kad_orbits_of_sites(const kad_orbits *orbits, const double *G, double *out);
void kad_orbits_of_modes(const kad_orbits *orbits, const double *P, double *out);

/* --- separations -------------------------------------------------------------------- */

/* Squared distance of two positions [d] in lattice steps, the shortest way around. */
double kad_lattice_distance2(const kad_lattice *lattice, const double *a,
                             const double *b);

/* Steps between two sites on the tree of 2^d-fold blocks: one of level h sits at the node
 * of its block of 2^(h+1) sites an axis; every step goes to a node's parent or child. Sites
 * of one node: 0. */
int kad_lattice_tree_distance(const kad_lattice *lattice, int site_a, int level_a,
                              int site_b, int level_b);

#endif

/* Renormalised fields: the map taken back level by level.
 *
 * Undoing the stages of the levels below h takes a configuration y to (x^(h), w): the
 * coarse field on the sublattice of stride 2^h, and latents w of the finer levels. What
 * is left of the action is
 *     S_h = S(y) - ln 2r - ln|det d y/d(x^(h), w)| + ln p(w | x^(h)),
 * a function of x^(h) alone, equal to the exact renormalised action (up to a constant),
 * where the map is exact: then w is a draw of the prior. In general S_h also depends on w
 * and its scatter tells how far the map is from decoupling the level. p(w | x^(h)) is the
 * prior of w; where a Fourier base stands before the levels (flow.spectrum: first) it is
 * the conditional density of that Gaussian field.
 *
 * Level 0 is the boundary field itself, with S(y) - ln 2r; where sites are integrated out
 * exactly S(y) is not a function of that field, and S_0 is left out. */
#ifndef KAD_BULK_COARSE_H
#define KAD_BULK_COARSE_H

#include "bulk/bulk.h"

typedef struct kad_coarse_level {
    int n_sites;             /* of the coarse lattice */
    int extent[KAD_MAX_DIM]; /* unused axes are 1 */
    int *site;               /* [n_sites] site of the boundary lattice */
    kad_lattice *lattice;    /* NULL where an extent is 1 */
    int n_stages;            /* stages of levels >= h come first: that many */
    const double *field;     /* [n][n_sites * n_comp] */
    double *own;             /* the same, freed with this; level 0: NULL */
    double *action;          /* [n] S_h; NULL where unknown */
} kad_coarse_level;

typedef struct kad_coarse {
    const kad_bulk *bulk;
    int n_levels; /* 0 .. n_levels - 1; the last is what halving leaves */
    int n_base;   /* stages of the Fourier base, first in generation order */
    kad_coarse_level level[KAD_BULK_LEVELS];
} kad_coarse;

/* Fields of every level and their S_h, of all configurations. In double. Errors:
 * KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_coarse_create(kad_ctx *ctx, const kad_bulk *bulk,
                                          kad_coarse **out);
void kad_coarse_destroy(kad_coarse *coarse);

#endif

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
KAD_MUST_USE kad_status kad_coarse_create(kad_scope *in, const kad_bulk *bulk,
                                          kad_coarse **out);

/* --- what is made of them (analysis `fields`) -------------------------------------- */

/* One-point densities, fourth cumulants and two-point functions, each field in units of
 * the root mean square s of its components. */

/* Bins of the density of a component over -4 s .. 4 s, and of the modulus over 0 .. 4 s
 * sqrt(n). */
enum { KAD_DENSITY_BINS = 64 };

/* /bulk/densities: series density [level][bin] (per unit of phi/s), modulus [level][bin]
 * (more than one component), kurtosis [level] = n/(n + 2) <|phi|^4>/<|phi|^2>^2 (1: a
 * Gaussian, n/(n + 2): fixed modulus), correlator [level][r] = G(r)/G(0) along the axes,
 * r in steps of the coarse lattice. */
KAD_MUST_USE kad_status kad_densities_write(kad_ctx *ctx, const kad_coarse *coarse,
                                            kad_h5 *file);

/* Configurations shown, evenly spaced over the chain of the first. */
enum { KAD_PICTURES = 3 };

/* /bulk/pictures: level_H [configuration][component][sites of the coarse lattice...],
 * H = 0 the boundary; latents [configuration][component][sites of the boundary
 * lattice...] (the latent of a site at its site), level [sites]. f32. */
KAD_MUST_USE kad_status kad_pictures_write(kad_ctx *ctx, const kad_coarse *coarse,
                                           kad_h5 *file);

/* --- the prior with a Fourier base, part of kad_coarse_create (coarse_base.c) ------- */

typedef struct kad_coarse_base kad_coarse_base;

KAD_MUST_USE kad_status kad_coarse_base_create(kad_scope *in, const kad_coarse *coarse,
                                               kad_coarse_base **out);
/* Is S_h known at this level? True without a base. */
bool kad_coarse_base_known(const kad_coarse_base *base, int level);
/* Doubles of scratch. */
size_t kad_coarse_base_scratch(const kad_coarse_base *base);
/* lnp[h][lane] (overwritten, h >= 1, n lanes) of a tile of u; the tile becomes z. */
void kad_coarse_base_densities(const kad_coarse_base *base, double *u, size_t n,
                               double lnp[][KAD_W_DOUBLE], double *work, void *scratch);

#endif

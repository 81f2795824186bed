/* Densities of levels as numbers in double precision: masses, distribution functions and
 * their inverse, for encoding and decoding (formulas: density_kern.h). All are functions of
 * one column's parameters and nothing else, to the bit.
 *
 * A level and a place u in (0, 1) within it are one number in (0, 1),
 *   t = F(v) + u P(v),  F(v) = sum of P below v,
 * kept as t and 1 - t, neither of which loses digits near its zero. */
#ifndef KAD_PIXEL_DENSITY_H
#define KAD_PIXEL_DENSITY_H

#include <stddef.h>
#include <stdint.h>

enum { KAD_PIXEL_LEVELS = 256 };

/* Weight of the uniform distribution in every mixture: 2^-16. */
#define KAD_PIXEL_EPS 0x1p-16

enum { KAD_PIXEL_COLUMNS = 64 }; /* of a call below */

/* Parameters of KAD_PIXEL_COLUMNS columns: rows of weights (sum 1), means and inverse
 * scales e^-ls, of n components. These arrays and those below are 64-byte aligned. Columns that are not used hold any finite numbers. */
typedef struct kad_pixel_density {
    int n;
    double *weight, *mean, *inverse; /* [n][KAD_PIXEL_COLUMNS] each */
} kad_pixel_density;

/* From a net's rows, pi, mu, ls [3n][KAD_PIXEL_COLUMNS], and a shift [KAD_PIXEL_COLUMNS] of
 * all means. Weights and scales are computed in double from the numbers as they are. */
void kad_pixel_density_set(const double *rows, const double *shift,
                           kad_pixel_density *density);
/* P(level) of every column. */
void kad_pixel_density_mass(const kad_pixel_density *density, const double *level,
                            double *mass);
/* t and 1 - t of levels and places within. */
void kad_pixel_density_infer(const kad_pixel_density *density, const double *level,
                             const double *u, double *t, double *rest);
/* The inverse: exact in the level where 2^-20 <= u <= 1 - 2^-20. */
void kad_pixel_density_generate(const kad_pixel_density *density, const double *t,
                                const double *rest, double *level, double *u);

#endif

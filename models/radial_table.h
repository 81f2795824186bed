/* A tabulated function of s = |h|^2 >= 0 for kernels: value and derivative by one
 * polynomial, so that the gradient of an action is the exact derivative of its value.
 *
 * The functions are F(s) = ln of the mean of exp(h.r) over an O(n)-invariant measure,
 * F(0) = 0: the spins' weight ln w_n(|h|), or ln Z_1(|h|) - ln Z_1(0) of a single phi^4
 * site. By the Lee-Yang property F(s) = sum_k ln(1 + s/s_k) with s_k > 0 (Newman 1974;
 * Dunlop and Newman 1975 for n = 2, 3), so with a = F'(0) = sum_k 1/s_k and v = 1 + a s
 * every singularity lies on v <= 0. In each octave 2^k <= v < 2^(k+1), y = v 2^(1-k) - 3
 * in [-1, 1], Chebyshev coefficients therefore fall at least like (3 + sqrt 8)^-j
 * = 5.83^-j whatever the parameters. Degree 9 in single precision (1e-8 relative to F's
 * variation), 19 in double (rounding). 128 octaves are tabulated: there is no clamping;
 * beyond
 * (|h| > 1e19 in natural units, or NaN) the value is NaN. */
#ifndef KAD_MODELS_RADIAL_TABLE_H
#define KAD_MODELS_RADIAL_TABLE_H

enum {
    KAD_RADIAL_OCTAVES = 128,
    KAD_RADIAL_STRIDE = 144, /* octaves, the NaN octave, padding to whole cache lines */
    KAD_RADIAL_TERMS_F32 = 10,
    KAD_RADIAL_TERMS_F64 = 20
};

typedef struct kad_radial_table {
    /* coefficient j of octave k, powers of y; 64-byte aligned when the table is */
    float c_f32[KAD_RADIAL_TERMS_F32][KAD_RADIAL_STRIDE];
    double c_f64[KAD_RADIAL_TERMS_F64][KAD_RADIAL_STRIDE];
    double slope; /* a = F'(0) */
} kad_radial_table;

/* F(s) of `arg`, accurate to rounding; F(0) = 0. */
typedef double (*kad_radial_function)(const void *arg, double s);

/* Fill the table (no allocation). slope = F'(0) > 0 (a rough value is enough). */
void kad_radial_build(kad_radial_table *table, kad_radial_function F, const void *arg,
                      double slope);

/* Scalar value and derivative dF/ds from the double table: the same polynomial as the
 * double kernels'. */
double kad_radial_value(const kad_radial_table *table, double s, double *dF);

#endif

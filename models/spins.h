/* Unit spins given the dual field: independent, p(s_i | x_i) ~ exp(s_i . x_i), i.e.
 * Bernoulli (n = 1), von Mises (n = 2), Fisher (n = 3) with mean direction x/|x| and
 * concentration |x|. Conditional mean m(x) = x/|x| w_n'(|x|)/w_n(|x|):
 *   n = 1: tanh r;  n = 2: I_1(r)/I_0(r);  n = 3: coth r - 1/r.
 * Kernels work on rows: n_lanes sites (a multiple of KAD_W_DOUBLE), component a of lane l
 * at [a * stride + l], 64-byte aligned; lanes in excess hold finite numbers.
 * Source: Fisher, Proc. R. Soc. A 217 (1953) 295. */
#ifndef KAD_MODELS_SPINS_H
#define KAD_MODELS_SPINS_H

#include "base/rng.h"
#include "models/radial_table.h"

#include <stddef.h>

enum { KAD_SPIN_MAX = 3 };

/* m [n_sites][n] of x [n_sites][n], the plain way; returns sum_i (1 - |m_i|^2). */
double kad_spins_mean(int n, size_t n_sites, const double *x, double *m);

/* m of rows x; table: of ln w_n (kad_spin_table), unused for n = 1. Returns sum (1 -
 * |m|^2) over all lanes; a lane of x = 0 has m = 0. */
double kad_spin_rows_mean_f64(const kad_radial_table *table, int n, size_t n_lanes,
                              size_t stride, const double *x, double *m);

/* Where the random numbers of spins come from: lane l uses sample + l, and of the
 * counters quad, quad + quad_stride, ... as many as its attempts need. */
typedef struct kad_spin_source {
    kad_rng rng;
    uint64_t step, sample; /* below 2^48 */
    uint32_t quad, quad_stride;
} kad_spin_source;

/* Spins s of rows x, drawn exactly. A lane's spin depends on its counters and its field
 * only. NaN in x gives NaN in s. */
void kad_spin_rows_draw_f64(int n, const kad_spin_source *source, size_t n_lanes,
                            size_t stride, const double *x, double *s);

#endif

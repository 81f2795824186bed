/* Inside of a Hartley plan, shared by its creation (hartley.c), its kernels
 * (hartley_kern.c) and FFTW (hartley_fftw.c).
 *
 * A dense axis folds x_n and x_{L-n} first: with e_n = x_n + x_{L-n} and o_n = x_n -
 * x_{L-n} (e_0 = x_0, e_{L/2} = x_{L/2}) and C_k = sum_n cos(2 pi k n / L) e_n, S_k =
 * sum_n sin(2 pi k n / L) o_n,
 *     y_k = C_k + S_k,  y_{L-k} = C_k - S_k,
 * which halves the arithmetic. Matrices carry the factor 1/sqrt(L). */
#ifndef KAD_LATTICE_HARTLEY_PLAN_H
#define KAD_LATTICE_HARTLEY_PLAN_H

#include "base/real.h"
#include "lattice/lattice.h"

#include <stddef.h>

/* Longest axis transformed by dense matrices. */
enum { KAD_HARTLEY_DENSE_MAX = 256 };

typedef struct kad_hartley_axis {
    int extent;
    size_t n_outer, n_inner; /* rows before and (with components) after the axis */
    /* dense: cosines [n_cos][n_cos] and sines [n_sin][n_sin], row k, column n */
    int n_cos, n_sin; /* L/2 + 1 and (L-1)/2; sines start at k = n = 1 */
    double *cos_f64, *sin_f64;
    float *cos_f32, *sin_f32;
    /* long axes */
    void *fftw[2]; /* plans by kad_prec; NULL: dense */
} kad_hartley_axis;

struct kad_hartley {
    int d;
    size_t n_rows;
    size_t scratch_bytes[2];
    kad_hartley_axis axis[KAD_MAX_DIM];
};

/* FFTW side (hartley_fftw.c). Planning is not thread-safe (FFTW's rule); execution is.
 * The transform is unnormalised. */
KAD_MUST_USE kad_status kad_hartley_fftw_plan(kad_ctx *ctx, kad_hartley_axis *axis);
void kad_hartley_fftw_destroy(kad_hartley_axis *axis);
void kad_hartley_fftw_apply_f32(const kad_hartley_axis *axis, float *x);
void kad_hartley_fftw_apply_f64(const kad_hartley_axis *axis, double *x);

#endif

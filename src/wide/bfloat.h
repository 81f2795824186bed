/* The products of wide.h with weights and inputs rounded to bfloat16 (sign, 8 bits of
 * exponent, 7 of mantissa; to nearest, ties to even, subnormal numbers to zero) and sums in
 * single precision. Processors with tiles (AMX-BF16) make them some eight times as fast as
 * float products; elsewhere the same sums are made by vectors, in the same order with the same
 * roundings: results are the same to the bit. A sum over n inputs goes by 32s,
 *
 *   c <- c + (e + o),  e = sum_{k even} w_k x_k,  o = sum_{k odd} w_k x_k,
 *
 * e and o rounded after every term, padded with zeros at the end.
 *
 * Arrays: weights are packed for the kernel; inputs and outputs are panels as in wide.h, in
 * single precision. As there, what a column gets is a function of that column alone. */
#ifndef KAD_WIDE_BFLOAT_H
#define KAD_WIDE_BFLOAT_H

#include "wide/wide.h"

#include <stdint.h>

typedef uint16_t kad_bfloat;

enum { KAD_BFLOAT_ROWS = 16, KAD_BFLOAT_DEPTH = 32 };

/* n rounded up to whole blocks of the inputs. */
static inline int kad_bfloat_deep(int n)
{
    return (n + KAD_BFLOAT_DEPTH - 1) / KAD_BFLOAT_DEPTH * KAD_BFLOAT_DEPTH;
}

/* Numbers of the packed weights; KAD_WIDE_PAD floats have room for two each. */
static inline size_t kad_bfloat_packed(int n_out, int n_in)
{
    return (size_t)kad_wide_padded(n_out) * (size_t)kad_bfloat_deep(n_in);
}

/* As kad_wide_pack, from the first inputs on; rows of blocks are to be zero before, where n_out ends
 * within one. */
void kad_bfloat_pack(int n_out, int n_in, const double *w, size_t so, size_t si,
                     int first, int n_total, kad_bfloat *packed);

/* As kad_wide_apply. scratch: kad_bfloat_apply_bytes(n_in). */
size_t kad_bfloat_apply_bytes(int n_in);
void kad_bfloat_apply(kad_wide_finish finish, int n_out, int n_in,
                      const kad_bfloat *packed, const float *bias, int n_panels,
                      const float *x, int x_rows, const kad_wide_output_f32 *out,
                      void *scratch);

/* c[m][n] = (add: +=) sum_k a[m][k] b[k][n], rows a_stride, ... apart; b and c have padded(n_n)
 * columns, c padded(n_m) rows. scratch: kad_bfloat_product_bytes. */
size_t kad_bfloat_product_bytes(int n_m, int n_k, int n_n);
void kad_bfloat_product(int n_m, int n_k, int n_n, const float *a, size_t a_stride,
                        const float *b, size_t b_stride, bool add, float *c,
                        size_t c_stride, void *scratch);

/* As kad_wide_outer; dw has padded(n_out) rows. scratch: kad_bfloat_outer_bytes. */
size_t kad_bfloat_outer_bytes(int n_out, int n_in);
void kad_bfloat_outer(int n_out, int n_in, int n_panels, const float *dy, int dy_rows,
                      const float *xt, size_t xt_stride, float *dw, void *scratch);

/* This build has the tiles, and this processor lets them be used. */
bool kad_bfloat_fast(void);
/* For tests: without the tiles until it is called with true again. */
void kad_bfloat_use_tiles(bool use);

#endif

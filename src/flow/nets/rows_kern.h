/* Thin dense products on scattered rows of a tile, lanes in registers, weights broadcast
 * from memory: what the nets of stages are made of.
 *
 *   rows_product   out[r] (+)= sum_k W[k][r] in[k]            (W row-major, [K][R])
 *   rows_outer     acc[a][b] += sum over vectors of A[a] B[b]  (lanes kept apart)
 *
 * A row is n_vec vectors (a multiple of 4: KAD_NV per component, the components of a site
 * being contiguous), found through a pointer, so that sites are read where they are.
 * Blocks of up to ROWS_R outputs by ROWS_V vectors, or ROWS_A by ROWS_B, stay in registers. */
#ifndef KAD_FLOW_NETS_ROWS_KERN_H
#define KAD_FLOW_NETS_ROWS_KERN_H

#include "flow/lanes_kern.h"

#include <stdbool.h>

/* Block sizes that fit the vector registers: 32 with AVX-512 and NEON, else 16. */
#if defined(__AVX512F__) || defined(__aarch64__)
enum { ROWS_R = 6, ROWS_V = 4, ROWS_A = 4, ROWS_B = 5 };
#else
enum { ROWS_R = 6, ROWS_V = 2, ROWS_A = 3, ROWS_B = 3 };
#endif

/* n_r outputs (a constant after inlining) on ROWS_V vectors from v0. With `add`, outputs are
 * added one after the other, so that two of them may be the same row. */
KAD_LANES_INLINE void product_block(const int n_r, int n_k, const real *w, size_t stride,
                                    const real *const *in, real *const *out, int v0,
                                    const bool add)
{
    vreal a[ROWS_R][ROWS_V];
    KAD_UNROLL(6)
    for (int r = 0; r < n_r; r++)
        KAD_UNROLL(4)
    for (int v = 0; v < ROWS_V; v++)
        a[r][v] = (vreal){0};
    for (int k = 0; k < n_k; k++) {
        const vreal *xk = (const vreal *)in[k] + v0;
        const real *wk = w + (size_t)k * stride;
        vreal x[ROWS_V];
        KAD_UNROLL(4)
        for (int v = 0; v < ROWS_V; v++)
            x[v] = xk[v];
        KAD_UNROLL(6)
        for (int r = 0; r < n_r; r++) {
            KAD_UNROLL(4)
            for (int v = 0; v < ROWS_V; v++)
                a[r][v] += wk[r] * x[v];
        }
    }
    KAD_UNROLL(6)
    for (int r = 0; r < n_r; r++) {
        vreal *y = (vreal *)out[r] + v0;
        KAD_UNROLL(4)
        for (int v = 0; v < ROWS_V; v++) {
            if (add) a[r][v] += y[v];
            y[v] = a[r][v];
        }
    }
}

KAD_LANES_INLINE void product_rows(const int n_r, int n_vec, int n_k, const real *w,
                                   size_t stride, const real *const *in, real *const *out,
                                   const bool add)
{
    for (int v0 = 0; v0 < n_vec; v0 += ROWS_V)
        product_block(n_r, n_k, w, stride, in, out, v0, add);
}

KAD_LANES_INLINE void product_any(int n_vec, int n_r, int n_k, const real *w,
                                  const real *const *in, real *const *out, const bool add)
{
    const size_t stride = (size_t)n_r;
    const int n_blocks = (n_r + ROWS_R - 1) / ROWS_R;
    for (int b = 0, r = 0; b < n_blocks; b++) {
        const int n = (n_r - r + n_blocks - b - 1) / (n_blocks - b);
        switch (n) {
        case 1:
            product_rows(1, n_vec, n_k, w + r, stride, in, out + r, add);
            break;
        case 2:
            product_rows(2, n_vec, n_k, w + r, stride, in, out + r, add);
            break;
        case 3:
            product_rows(3, n_vec, n_k, w + r, stride, in, out + r, add);
            break;
        case 4:
            product_rows(4, n_vec, n_k, w + r, stride, in, out + r, add);
            break;
        case 5:
            product_rows(5, n_vec, n_k, w + r, stride, in, out + r, add);
            break;
        case 6:
            product_rows(6, n_vec, n_k, w + r, stride, in, out + r, add);
            break;
        default:
            break;
        }
        r += n;
    }
}

/* out[r] = sum_k w[k * n_r + r] in[k] on rows of n_vec vectors. */
__attribute__((unused)) static void rows_product(int n_vec, int n_r, int n_k,
                                                 const real *w, const real *const *in,
                                                 real *const *out)
{
    product_any(n_vec, n_r, n_k, w, in, out, false);
}

/* The same, added to out; rows of out may coincide. */
__attribute__((unused)) static void rows_product_add(int n_vec, int n_r, int n_k,
                                                     const real *w, const real *const *in,
                                                     real *const *out)
{
    product_any(n_vec, n_r, n_k, w, in, out, true);
}

KAD_LANES_INLINE void outer_block(const int n_a, const int n_b, int n_vec,
                                  const real *const *pa, const real *const *pb,
                                  vreal *acc, size_t stride)
{
    vreal c[4][5];
    const vreal *ra[4], *rb[5];
    KAD_UNROLL(4)
    for (int a = 0; a < n_a; a++) {
        ra[a] = (const vreal *)pa[a];
        KAD_UNROLL(5)
        for (int b = 0; b < n_b; b++)
            c[a][b] = acc[(size_t)a * stride + (size_t)b];
    }
    KAD_UNROLL(5)
    for (int b = 0; b < n_b; b++)
        rb[b] = (const vreal *)pb[b];
    for (int v = 0; v < n_vec; v++) {
        vreal xa[4];
        KAD_UNROLL(4)
        for (int a = 0; a < n_a; a++)
            xa[a] = ra[a][v];
        KAD_UNROLL(5)
        for (int b = 0; b < n_b; b++) {
            const vreal xb = rb[b][v];
            KAD_UNROLL(4)
            for (int a = 0; a < n_a; a++)
                c[a][b] += xa[a] * xb;
        }
    }
    KAD_UNROLL(4)
    for (int a = 0; a < n_a; a++) {
        KAD_UNROLL(5)
        for (int b = 0; b < n_b; b++)
            acc[(size_t)a * stride + (size_t)b] = c[a][b];
    }
}

KAD_LANES_INLINE void outer_rows(const int n_a, int n_b, int n_vec, const real *const *pa,
                                 const real *const *pb, vreal *acc, size_t stride)
{
    const int n_blocks = (n_b + ROWS_B - 1) / ROWS_B;
    for (int i = 0, b = 0; i < n_blocks; i++) {
        const int n = (n_b - b + n_blocks - i - 1) / (n_blocks - i);
        switch (n) {
        case 1:
            outer_block(n_a, 1, n_vec, pa, pb + b, acc + b, stride);
            break;
        case 2:
            outer_block(n_a, 2, n_vec, pa, pb + b, acc + b, stride);
            break;
        case 3:
            outer_block(n_a, 3, n_vec, pa, pb + b, acc + b, stride);
            break;
        case 4:
            outer_block(n_a, 4, n_vec, pa, pb + b, acc + b, stride);
            break;
        case 5:
            outer_block(n_a, 5, n_vec, pa, pb + b, acc + b, stride);
            break;
        default:
            break;
        }
        b += n;
    }
}

/* acc[a * n_b + b] += sum over the vectors of rows pa[a], pb[b]. */
__attribute__((unused)) static void rows_outer(int n_vec, int n_a, int n_b,
                                               const real *const *pa,
                                               const real *const *pb, vreal *acc)
{
    const size_t stride = (size_t)n_b;
    const int n_blocks = (n_a + ROWS_A - 1) / ROWS_A;
    for (int i = 0, a = 0; i < n_blocks; i++) {
        const int n = (n_a - a + n_blocks - i - 1) / (n_blocks - i);
        vreal *to = acc + (size_t)a * stride;
        switch (n) {
        case 1:
            outer_rows(1, n_b, n_vec, pa + a, pb, to, stride);
            break;
        case 2:
            outer_rows(2, n_b, n_vec, pa + a, pb, to, stride);
            break;
        case 3:
            outer_rows(3, n_b, n_vec, pa + a, pb, to, stride);
            break;
        case 4:
            outer_rows(4, n_b, n_vec, pa + a, pb, to, stride);
            break;
        default:
            break;
        }
        a += n;
    }
}

#endif

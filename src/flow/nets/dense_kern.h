/* Thin dense layers on one tile row block, lanes in registers, weights broadcast from
 * memory. For widths up to about 64: at 10 x 10 BLAS reaches 5 to 10 % of the peak.
 *
 *   forward   y[o] = b[o] + sum_i w[o * so + i * si] x[i]
 *   outer     acc(o, i) += sum over vectors of d[o] * x[i]   (weight gradient, lanes kept
 * apart)
 *
 * Shapes: x [n_in][KAD_W], y [n_out][KAD_W], acc [n_out * n_in] vreal. Strides (so, si)
 * make the transpose the same kernel, on weights stored the same way. */
#ifndef KAD_FLOW_NETS_DENSE_KERN_H
#define KAD_FLOW_NETS_DENSE_KERN_H

#include "base/real.h"
#include "base/vmath.h"

#include <stdbool.h>
#include <stddef.h>

#define KAD_INLINE static inline __attribute__((always_inline))

/* What happens to an output before it is stored: nothing, the activation, or a product with the
 * derivative of the activation at h (vmath.h: kad_velu_lifted). */
enum { DENSE_PLAIN, DENSE_ELU, DENSE_ELU_ADJOINT };

KAD_INLINE vreal dense_finish(const int finish, vreal a, const real *h, int v)
{
    if (finish == DENSE_ELU) return kad_velu_lifted(a);
    if (finish == DENSE_ELU_ADJOINT)
        return a * kad_velu_lifted_grad(((const vreal *)h)[v]);
    return a;
}

/* n_o outputs (a constant after inlining), all vectors of the row: at most 6 x 4
 * accumulators. */
KAD_INLINE void dense_block(const int n_o, const int finish, int n_in, const real *w,
                            size_t so, size_t si, const real *b, const real *x,
                            const real *h, real *y)
{
    vreal a[6][KAD_NV];
    KAD_UNROLL(6)
    for (int o = 0; o < n_o; o++)
        KAD_UNROLL(4)
    for (int v = 0; v < KAD_NV; v++)
        a[o][v] = b ? kad_vset(b[o]) : (vreal){0};
    for (int i = 0; i < n_in; i++) {
        const vreal *xi = (const vreal *)(x + (size_t)i * KAD_W);
        const real *wi = w + (size_t)i * si;
        vreal xv[KAD_NV];
        KAD_UNROLL(4)
        for (int v = 0; v < KAD_NV; v++)
            xv[v] = xi[v];
        KAD_UNROLL(6)
        for (int o = 0; o < n_o; o++) {
            KAD_UNROLL(4)
            for (int v = 0; v < KAD_NV; v++)
                a[o][v] += wi[(size_t)o * so] * xv[v];
        }
    }
    KAD_UNROLL(6)
    for (int o = 0; o < n_o; o++) {
        KAD_UNROLL(4)
        for (int v = 0; v < KAD_NV; v++)
            ((vreal *)(y + (size_t)o * KAD_W))[v] =
                dense_finish(finish, a[o][v], h + (size_t)o * KAD_W, v);
    }
}

/* The next chunk of n rows, at most `most` and never a small rest: most while two more
 * are left, then halves. */
KAD_INLINE int dense_chunk(int n, const int most)
{
    return n <= most ? n : n < 2 * most ? (n + 1) / 2 : most;
}

/* y = finish(b + W x) for any sizes, in even chunks of at most 6 outputs; b may be
 * NULL, h is read by the adjoint finish alone. */
KAD_INLINE void dense_any(const int finish, int n_out, int n_in, const real *w, size_t so,
                          size_t si, const real *b, const real *x, const real *h, real *y)
{
    for (int o = 0, n = 0; o < n_out; o += n) {
        n = dense_chunk(n_out - o, 6);
        const real *wo = w + (size_t)o * so, *bo = b ? b + o : NULL;
        const real *ho = h + (size_t)o * KAD_W;
        real *yo = y + (size_t)o * KAD_W;
        switch (n) {
        case 1:
            dense_block(1, finish, n_in, wo, so, si, bo, x, ho, yo);
            break;
        case 2:
            dense_block(2, finish, n_in, wo, so, si, bo, x, ho, yo);
            break;
        case 3:
            dense_block(3, finish, n_in, wo, so, si, bo, x, ho, yo);
            break;
        case 4:
            dense_block(4, finish, n_in, wo, so, si, bo, x, ho, yo);
            break;
        case 5:
            dense_block(5, finish, n_in, wo, so, si, bo, x, ho, yo);
            break;
        default:
            dense_block(6, finish, n_in, wo, so, si, bo, x, ho, yo);
            break;
        }
    }
}

static void dense_forward(int n_out, int n_in, const real *w, size_t so, size_t si,
                          const real *b, const real *x, real *y)
{
    dense_any(DENSE_PLAIN, n_out, n_in, w, so, si, b, x, x, y);
}

static void dense_forward_elu(int n_out, int n_in, const real *w, size_t so, size_t si,
                              const real *b, const real *x, real *y)
{
    dense_any(DENSE_ELU, n_out, n_in, w, so, si, b, x, x, y);
}

/* y = (W x) * elu'(.), from the activations h [n_out]. */
static void dense_adjoint_elu(int n_out, int n_in, const real *w, size_t so, size_t si,
                              const real *x, const real *h, real *y)
{
    dense_any(DENSE_ELU_ADJOINT, n_out, n_in, w, so, si, NULL, x, h, y);
}

/* A few row blocks of the same layout, `stride` reals apart: the gradient sums are
 * loaded and stored once for all of them; the first begin them. */
typedef struct dense_panels {
    int n;
    bool first;
    size_t stride;
} dense_panels;

/* n_o x n_i accumulators in registers over the panels' vectors; n_o and n_i are constants after
 * inlining. */
KAD_INLINE void outer_block(const int n_o, const int n_i, dense_panels panels,
                            const real *d, const real *x, vreal *acc)
{
    vreal a[5][5];
    KAD_UNROLL(5)
    for (int o = 0; o < n_o; o++) {
        KAD_UNROLL(5)
        for (int i = 0; i < n_i; i++)
            if (panels.first)
                a[o][i] = (vreal){0};
            else
                a[o][i] = acc[o * n_i + i];
    }
    for (int p = 0; p < panels.n; p++, d += panels.stride, x += panels.stride)
        for (int v = 0; v < KAD_NV; v++) {
            vreal dv[5];
            KAD_UNROLL(5)
            for (int o = 0; o < n_o; o++)
                dv[o] = ((const vreal *)(d + o * KAD_W))[v];
            KAD_UNROLL(5)
            for (int i = 0; i < n_i; i++) {
                const vreal xv = ((const vreal *)(x + i * KAD_W))[v];
                KAD_UNROLL(5)
                for (int o = 0; o < n_o; o++)
                    a[o][i] += dv[o] * xv;
            }
        }
    KAD_UNROLL(5)
    for (int o = 0; o < n_o; o++) {
        KAD_UNROLL(5)
        for (int i = 0; i < n_i; i++)
            acc[o * n_i + i] = a[o][i];
    }
}

/* A stripe of n_o outputs over all inputs, in even blocks of at most 5, and its biases. */
KAD_INLINE void outer_rows(const int n_o, int n_in, dense_panels panels, const real *d,
                           const real *x, vreal *acc, vreal *bias)
{
    for (int i = 0, n = 0; i < n_in; i += n, x += n * KAD_W, acc += n_o * n) {
        n = dense_chunk(n_in - i, 5);
        switch (n) {
        case 1:
            outer_block(n_o, 1, panels, d, x, acc);
            break;
        case 2:
            outer_block(n_o, 2, panels, d, x, acc);
            break;
        case 3:
            outer_block(n_o, 3, panels, d, x, acc);
            break;
        case 4:
            outer_block(n_o, 4, panels, d, x, acc);
            break;
        default:
            outer_block(n_o, 5, panels, d, x, acc);
            break;
        }
    }
    if (!bias) return;
    vreal sum[5];
    KAD_UNROLL(5)
    for (int o = 0; o < n_o; o++)
        if (panels.first)
            sum[o] = (vreal){0};
        else
            sum[o] = bias[o];
    for (int p = 0; p < panels.n; p++, d += panels.stride) {
        KAD_UNROLL(5)
        for (int o = 0; o < n_o; o++) {
            vreal row = *(const vreal *)(d + o * KAD_W);
            for (int v = 1; v < KAD_NV; v++)
                row += ((const vreal *)(d + o * KAD_W))[v];
            sum[o] += row;
        }
    }
    KAD_UNROLL(5)
    for (int o = 0; o < n_o; o++)
        bias[o] = sum[o];
}

/* acc += (with the first panels =) sum over the panels' vectors of d[o] x[i]; bias[o]
 * += that of d[o] (NULL: no biases). Blocks of 5 x 5 weights: with their operands they
 * fill the registers. acc [n_out * n_in] is block after block, a block by rows;
 * dense_outer_sums knows the order. */
static void dense_outer(int n_out, int n_in, dense_panels panels, const real *d,
                        const real *x, vreal *acc, vreal *bias)
{
    for (int o = 0, n = 0; o < n_out; o += n, d += n * KAD_W, acc += n * n_in) {
        n = dense_chunk(n_out - o, 5);
        vreal *b = bias ? bias + o : NULL;
        switch (n) {
        case 1:
            outer_rows(1, n_in, panels, d, x, acc, b);
            break;
        case 2:
            outer_rows(2, n_in, panels, d, x, acc, b);
            break;
        case 3:
            outer_rows(3, n_in, panels, d, x, acc, b);
            break;
        case 4:
            outer_rows(4, n_in, panels, d, x, acc, b);
            break;
        default:
            outer_rows(5, n_in, panels, d, x, acc, b);
            break;
        }
    }
}

/* dw[i] += scale sums[i] - off, a row of a block. */
KAD_INLINE void outer_sums_row(int n, real scale, const real *sums, real off, real *dw)
{
    for (int i = 0; i < n; i++)
        dw[i] += scale * sums[i] - off;
}

/* dw[o][i] += scale sums(o, i) - less d[o], sums [n_out * n_in] in the order of
 * dense_outer's acc; d may be NULL. */
static void dense_outer_sums(int n_out, int n_in, const real *sums, const real *d,
                             real scale, real less, real *dw)
{
    for (int o = 0, n_o = 0; o < n_out; o += n_o, dw += n_o * n_in) {
        n_o = dense_chunk(n_out - o, 5);
        for (int i = 0, n_i = 0; i < n_in; i += n_i) {
            n_i = dense_chunk(n_in - i, 5);
            for (int p = 0; p < n_o; p++, sums += n_i) {
                const real off = d ? less * d[o + p] : 0;
                if (n_i == 5)
                    outer_sums_row(5, scale, sums, off, dw + p * n_in + i);
                else
                    outer_sums_row(n_i, scale, sums, off, dw + p * n_in + i);
            }
        }
    }
}

#endif

/* Dense matrix times the rows of a tile, for kernels: lanes in registers, the matrix
 * broadcast from memory, six outputs x four vectors = 24 accumulators at a time.
 *
 *   y[i] = sum_j m[i * si + j * sj] x[j]
 *
 * Shapes: x[j] and y[i] are rows of KAD_W lanes, x_stride and y_stride reals apart (rows
 * of a tile along any axis). Strides (si, sj) make the transpose the same kernel. y and x
 * may not overlap. */
#ifndef KAD_BASE_MATRIX_KERN_H
#define KAD_BASE_MATRIX_KERN_H

#include "base/real.h"

#include <stddef.h>

#define KAD_MATRIX_BLOCK 6
/* vectors of a row at a time: 24 accumulators of 32 registers, or 12 of 16 */
#define KAD_MATRIX_VECTORS (KAD_VBYTES == 64 ? 4 : 2)

static inline __attribute__((always_inline)) void
matrix_block(const int n_i, int n_j, const real *m, size_t si, size_t sj,
             const real *restrict x, size_t x_stride, real *restrict y, size_t y_stride)
{
    for (int first = 0; first < KAD_NV; first += KAD_MATRIX_VECTORS) {
        vreal acc[KAD_MATRIX_BLOCK][KAD_MATRIX_VECTORS];
        KAD_UNROLL(6)
        for (int i = 0; i < n_i; i++)
            KAD_UNROLL(4)
        for (int v = 0; v < KAD_MATRIX_VECTORS; v++)
            acc[i][v] = (vreal){0};
        for (int j = 0; j < n_j; j++) {
            const vreal *xj = (const vreal *)(x + (size_t)j * x_stride) + first;
            const real *mj = m + (size_t)j * sj;
            KAD_UNROLL(6)
            for (int i = 0; i < n_i; i++) {
                KAD_UNROLL(4)
                for (int v = 0; v < KAD_MATRIX_VECTORS; v++)
                    acc[i][v] += mj[(size_t)i * si] * xj[v];
            }
        }
        KAD_UNROLL(6)
        for (int i = 0; i < n_i; i++) {
            KAD_UNROLL(4)
            for (int v = 0; v < KAD_MATRIX_VECTORS; v++)
                ((vreal *)(y + (size_t)i * y_stride))[first + v] = acc[i][v];
        }
    }
}

/* Outputs in equal blocks of at most KAD_MATRIX_BLOCK: a short last block would leave the
 * multipliers idle. */
static inline void matrix_rows(int n_i, int n_j, const real *m, size_t si, size_t sj,
                               const real *restrict x, size_t x_stride, real *restrict y,
                               size_t y_stride)
{
    int blocks = (n_i + KAD_MATRIX_BLOCK - 1) / KAD_MATRIX_BLOCK;
    while (n_i > 0) {
        const int n = (n_i + blocks - 1) / blocks;
        switch (n) {
        case 1:
            matrix_block(1, n_j, m, si, sj, x, x_stride, y, y_stride);
            break;
        case 2:
            matrix_block(2, n_j, m, si, sj, x, x_stride, y, y_stride);
            break;
        case 3:
            matrix_block(3, n_j, m, si, sj, x, x_stride, y, y_stride);
            break;
        case 4:
            matrix_block(4, n_j, m, si, sj, x, x_stride, y, y_stride);
            break;
        case 5:
            matrix_block(5, n_j, m, si, sj, x, x_stride, y, y_stride);
            break;
        default:
            matrix_block(6, n_j, m, si, sj, x, x_stride, y, y_stride);
            break;
        }
        m += (size_t)n * si;
        y += (size_t)n * y_stride;
        n_i -= n;
        blocks--;
    }
}

#endif

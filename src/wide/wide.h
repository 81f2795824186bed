/* Wide nets on columns: matrix products for layers of some tens to some hundreds of
 * features, whose samples (sites, blocks) are the columns. This folder holds the products,
 * forwards and backwards, with the activation fused; what a net is made of them is its
 * user's. Single precision products are in product_kern, those in bfloat16 in bfloat, what becomes of the
 * sums in finish_kern.
 *
 * Columns lie in *panels* of KAD_W (base/real.h: 64 in single, 32 in double precision):
 * x[panel][row][KAD_W], a row of a panel being 256 bytes. Weights are packed for the kernel
 * once a step. Every element of a result is one sum in the order of the inputs, begun with
 * the bias: a column's result is a function of that column alone, to the bit, wherever it
 * stands and whoever computes it. Nothing here allocates or starts threads.
 *
 * Rows of a matrix whose columns are vectorised (`turn`, `product`) are padded to
 * KAD_WIDE_PAD elements. */
#ifndef KAD_WIDE_WIDE_H
#define KAD_WIDE_WIDE_H

#include "base/real.h"

#include <stdbool.h>
#include <stddef.h>

enum { KAD_WIDE_PAD = 16 };

/* n rounded up to a multiple of KAD_WIDE_PAD. */
static inline int kad_wide_padded(int n)
{
    return (n + KAD_WIDE_PAD - 1) / KAD_WIDE_PAD * KAD_WIDE_PAD;
}

/* What becomes of a = bias + W x, element by element.
 *   KAD_WIDE_PLAIN    y = a
 *   KAD_WIDE_ADD      y += a
 *   KAD_WIDE_SUM      y = old + a
 *   KAD_WIDE_SWISH    s = a sigmoid(slope a); y = a and d = ds/da where they are not NULL
 *   KAD_WIDE_RESIDUE  y = old + a, then s and d of the new y (d: where it is not NULL); old
 *                     is y where it is NULL. Slopes that are NULL are 1
 *   KAD_WIDE_ADJOINT  y = a d
 *   KAD_WIDE_ADJOINT_ADD  y += a d */
typedef enum kad_wide_finish {
    KAD_WIDE_PLAIN,
    KAD_WIDE_ADD,
    KAD_WIDE_SUM,
    KAD_WIDE_SWISH,
    KAD_WIDE_RESIDUE,
    KAD_WIDE_ADJOINT,
    KAD_WIDE_ADJOINT_ADD
} kad_wide_finish;

#define KAD_WIDE_DECLARE(real, suffix)                                                       \
    /* The layer's output: rows of a panel are n_out of y_rows (s_rows, ...) there are. */   \
    typedef struct kad_wide_output##suffix {                                                 \
        real *y, *s, *d;                                                                     \
        int y_rows, s_rows, d_rows;                                                          \
        const real *old;   /* rows of a panel as y's */                                      \
        const real *slope; /* [n_out] */                                                     \
    } kad_wide_output##suffix;                                                               \
    /* W of n_total inputs, of which first .. first + n_in - 1 are written: \
     * W[o][first + i] = w[o * so + i * si]. packed [n_out * n_total]. */                \
    void kad_wide_pack##suffix(int n_out, int n_in, const double *w, size_t so,              \
                               size_t si, int first, int n_total, real *packed);             \
    /* finish(bias + W x) over n_panels; x has x_rows rows a panel, of which the first     \
     * n_in are read. bias [n_out] may be NULL. */ \
    void kad_wide_apply##suffix(kad_wide_finish finish, int n_out, int n_in,                 \
                                const real *packed, const real *bias, int n_panels,          \
                                const real *x, int x_rows,                                   \
                                const kad_wide_output##suffix *out);                         \
    /* Columns to rows: xt[column][padded(n_rows)] of x[panel][n_rows of x_rows][KAD_W];   \
     * the padding is zero. */ \
    void kad_wide_turn##suffix(int n_rows, int n_panels, const real *x, int x_rows,          \
                               real *xt);                                                    \
    /* Rows to columns: the inverse of turn. */                                              \
    void kad_wide_unturn##suffix(int n_rows, int n_panels, const real *xt, real *x,          \
                                 int x_rows);                                                \
    /* to[j][i] = x[i][j] for i < rows, j < cols; both are multiples of KAD_WIDE_PAD. */     \
    void kad_wide_transpose##suffix(int rows, int cols, const real *x, size_t x_stride,      \
                                    real *to, size_t to_stride);                             \
    /* c[m][n] = (add: +=) sum_k a[m * am + k * ak] b[k * b_stride + n], n < padded(n_n);  \
     * strides of b and c are multiples of KAD_WIDE_PAD. */ \
    void kad_wide_product##suffix(int n_m, int n_k, int n_n, const real *a, size_t am,       \
                                  size_t ak, const real *b, size_t b_stride, bool add,       \
                                  real *c, size_t c_stride);                                 \
    /* Gradient of a layer's weights: dw[o][padded(n_in)] = sum over columns of            \
     * dy[o] xt[i], with xt from `turn`, whose columns are xt_stride apart. */ \
    void kad_wide_outer##suffix(int n_out, int n_in, int n_panels, const real *dy,           \
                                int dy_rows, const real *xt, size_t xt_stride,               \
                                real *dw);                                                   \
    /* Of its biases: db[o] = sum over columns of dy[o]. */                                  \
    void kad_wide_sums##suffix(int n_out, int n_panels, const real *dy, int dy_rows,         \
                               real *db);

KAD_WIDE_DECLARE(float, _f32)
KAD_WIDE_DECLARE(double, _f64)

#endif

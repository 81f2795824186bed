/* The products of src/wide/wide.h: ROWS outputs times VECTORS vectors of columns live in
 * registers, weights are broadcast from memory; 6 x 4 of 32 registers with AVX-512, 6 x 2 of
 * 16 elsewhere. Blocks at the edges are as even as they can be, and add in the same order as
 * any other. */
#include "wide/finish_kern.h"
#include "wide/wide.h"

#include "base/vmath.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum {
    ROWS = 6,
    VECTORS = KAD_VBYTES == 64 ? 4 : 2,
    /* Where rows of the right side lie such steps of bytes apart, their lines compete for a few
     * places of the first-level cache: what a block reads of them, of at most so many rows, is
     * copied to neighbouring lines. */
    COPY_STEP = 1024,
    COPY_ROWS = KAD_VBYTES == 64 ? 64 : 128
};

/* The next chunk of n, at most `most` and never a small rest. */
static inline int chunk(int n, int most)
{
    return n <= most ? n : n < 2 * most ? (n + 1) / 2 : most;
}

/* acc[m][v] += sum_k a[m am + k ak] b[k][v]; n_m and n_v are constants after inlining. */
KAD_VINLINE void block(const int n_m, const int n_v, int n_k, const real *a, size_t am,
                       size_t ak, const real *b, size_t b_stride,
                       vreal acc[ROWS][VECTORS])
{
    for (int k = 0; k < n_k; k++, a += ak, b += b_stride) {
        vreal bv[VECTORS];
        KAD_UNROLL(4)
        for (int v = 0; v < n_v; v++)
            bv[v] = ((const vreal *)b)[v];
        KAD_UNROLL(6)
        for (int m = 0; m < n_m; m++) {
            KAD_UNROLL(4)
            for (int v = 0; v < n_v; v++)
                acc[m][v] += a[(size_t)m * am] * bv[v];
        }
    }
}

/* Where the rows of a block go, at one vector column: NULL where not wanted. */
typedef struct target {
    real *y, *s, *d;
    const real *old, *slope;
} target;

KAD_VINLINE void apply_block(const int n_m, const kad_wide_finish finish, int n_in,
                             const real *packed, const real *bias, const real *x,
                             target to)
{
    for (int first = 0; first < KAD_NV; first += VECTORS) {
        vreal acc[ROWS][VECTORS];
        KAD_UNROLL(6)
        for (int m = 0; m < n_m; m++) {
            KAD_UNROLL(4)
            for (int v = 0; v < VECTORS; v++)
                acc[m][v] = bias ? kad_vset(bias[m]) : (vreal){0};
        }
        block(n_m, VECTORS, n_in, packed, 1, (size_t)n_m, x + first * KAD_V, KAD_W, acc);
        KAD_UNROLL(6)
        for (int m = 0; m < n_m; m++) {
            const vreal slope = kad_vset(to.slope ? to.slope[m] : 1);
            KAD_UNROLL(4)
            for (int v = 0; v < VECTORS; v++) {
                const ptrdiff_t at = m * KAD_W + (first + v) * KAD_V;
                finish_one(finish, acc[m][v], slope, to.y ? to.y + at : NULL,
                           to.old ? to.old + at : NULL, to.s ? to.s + at : NULL,
                           to.d ? to.d + at : NULL);
            }
        }
    }
}

KAD_VINLINE void apply_rows(const int n_m, const kad_wide_finish finish, int n_in,
                            const real *packed, const real *bias, const real *x,
                            target to)
{
#define ROWS_OF(kind) apply_block(n_m, kind, n_in, packed, bias, x, to)
    FINISH_EACH(finish, ROWS_OF)
#undef ROWS_OF
}

void KR(kad_wide_pack)(int n_out, int n_in, const double *w, size_t so, size_t si,
                       int first, int n_total, real *packed)
{
    for (int o = 0, n = 0; o < n_out; o += n, packed += (ptrdiff_t)n * n_total) {
        n = chunk(n_out - o, ROWS);
        for (int i = 0; i < n_in; i++)
            for (int m = 0; m < n; m++)
                packed[(first + i) * n + m] =
                    (real)w[(size_t)(o + m) * so + (size_t)i * si];
    }
}

void KR(kad_wide_apply)(kad_wide_finish finish, int n_out, int n_in, const real *packed,
                        const real *bias, int n_panels, const real *x, int x_rows,
                        const KR(kad_wide_output) * out)
{
    for (int p = 0; p < n_panels; p++, x += (size_t)x_rows * KAD_W) {
        const real *w = packed;
        for (int o = 0, n = 0; o < n_out; w += n * n_in, o += n) {
            const real *b = bias ? bias + o : NULL;
            const target to = {
                finish_row(out->y, p, out->y_rows, o),
                finish_row(out->s, p, out->s_rows, o),
                finish_row(out->d, p, out->d_rows, o),
                finish_row(out->old ? out->old : out->y, p, out->y_rows, o),
                out->slope ? out->slope + o : NULL};
            n = chunk(n_out - o, ROWS);
            switch (n) {
            case 1:
                apply_rows(1, finish, n_in, w, b, x, to);
                break;
            case 2:
                apply_rows(2, finish, n_in, w, b, x, to);
                break;
            case 3:
                apply_rows(3, finish, n_in, w, b, x, to);
                break;
            case 4:
                apply_rows(4, finish, n_in, w, b, x, to);
                break;
            case 5:
                apply_rows(5, finish, n_in, w, b, x, to);
                break;
            default:
                apply_rows(6, finish, n_in, w, b, x, to);
                break;
            }
        }
    }
}

KAD_VINLINE void product_block(const int n_m, const int n_v, int n_k, const real *a,
                               size_t am, size_t ak, const real *b, size_t b_stride,
                               bool add, real *c, size_t c_stride)
{
    vreal acc[ROWS][VECTORS];
    KAD_UNROLL(6)
    for (int m = 0; m < n_m; m++) {
        KAD_UNROLL(4)
        for (int v = 0; v < n_v; v++)
            if (add)
                acc[m][v] = ((const vreal *)(c + (size_t)m * c_stride))[v];
            else
                acc[m][v] = (vreal){0};
    }
    block(n_m, n_v, n_k, a, am, ak, b, b_stride, acc);
    KAD_UNROLL(6)
    for (int m = 0; m < n_m; m++) {
        KAD_UNROLL(4)
        for (int v = 0; v < n_v; v++)
            ((vreal *)(c + (size_t)m * c_stride))[v] = acc[m][v];
    }
}

KAD_VINLINE void product_rows(const int n_v, int n_m, int n_k, const real *a, size_t am,
                              size_t ak, const real *b, size_t b_stride, bool add,
                              real *c, size_t c_stride)
{
    vreal copy[COPY_ROWS][VECTORS];
    if (b_stride * sizeof *b % COPY_STEP == 0 && n_m > ROWS && n_k <= COPY_ROWS) {
        for (int k = 0; k < n_k; k++) {
            KAD_UNROLL(4)
            for (int v = 0; v < n_v; v++)
                copy[k][v] = ((const vreal *)(b + (size_t)k * b_stride))[v];
        }
        b = (const real *)copy;
        b_stride = VECTORS * KAD_V;
    }
    for (int m = 0, n = 0; m < n_m;
         m += n, a += (size_t)n * am, c += (size_t)n * c_stride) {
        n = chunk(n_m - m, ROWS);
        switch (n) {
        case 1:
            product_block(1, n_v, n_k, a, am, ak, b, b_stride, add, c, c_stride);
            break;
        case 2:
            product_block(2, n_v, n_k, a, am, ak, b, b_stride, add, c, c_stride);
            break;
        case 3:
            product_block(3, n_v, n_k, a, am, ak, b, b_stride, add, c, c_stride);
            break;
        case 4:
            product_block(4, n_v, n_k, a, am, ak, b, b_stride, add, c, c_stride);
            break;
        case 5:
            product_block(5, n_v, n_k, a, am, ak, b, b_stride, add, c, c_stride);
            break;
        default:
            product_block(6, n_v, n_k, a, am, ak, b, b_stride, add, c, c_stride);
            break;
        }
    }
}

void KR(kad_wide_product)(int n_m, int n_k, int n_n, const real *a, size_t am, size_t ak,
                          const real *b, size_t b_stride, bool add, real *c,
                          size_t c_stride)
{
    const int n_vectors = kad_wide_padded(n_n) / KAD_V;
    for (int v = 0, n = 0; v < n_vectors; v += n, b += n * KAD_V, c += n * KAD_V) {
        n = chunk(n_vectors - v, VECTORS);
        switch (n) {
        case 1:
            product_rows(1, n_m, n_k, a, am, ak, b, b_stride, add, c, c_stride);
            break;
        case 2:
            product_rows(2, n_m, n_k, a, am, ak, b, b_stride, add, c, c_stride);
            break;
#if KAD_VBYTES == 64
        case 3:
            product_rows(3, n_m, n_k, a, am, ak, b, b_stride, add, c, c_stride);
            break;
        default:
            product_rows(4, n_m, n_k, a, am, ak, b, b_stride, add, c, c_stride);
            break;
#endif
        }
    }
}

void KR(kad_wide_outer)(int n_out, int n_in, int n_panels, const real *dy, int dy_rows,
                        const real *xt, size_t xt_stride, real *dw)
{
    for (int p = 0; p < n_panels; p++)
        KR(kad_wide_product)
    (n_out, KAD_W, n_in, dy + (size_t)p * (size_t)dy_rows * KAD_W, KAD_W, 1,
     xt + (size_t)p * KAD_W * xt_stride, xt_stride, p > 0, dw,
     (size_t)kad_wide_padded(n_in));
}

void KR(kad_wide_sums)(int n_out, int n_panels, const real *dy, int dy_rows, real *db)
{
    for (int o = 0; o < n_out; o++) {
        vreal sum = {0};
        for (int p = 0; p < n_panels; p++)
            for (int v = 0; v < KAD_NV; v++)
                sum += ((const vreal *)(dy + ((size_t)p * (size_t)dy_rows + (size_t)o) *
                                                 KAD_W))[v];
        db[o] = kad_vsum(sum);
    }
}

#include "train/soap_kern.h"

#include "base/vmath.h"

#include <string.h>

#define INLINE KAD_VINLINE

/* A block's vectors have KAD_SOAP_LANES lanes, 64 bytes, whatever the machine's width;
 * the compiler splits them. */
typedef real svec __attribute__((vector_size(64), may_alias));
typedef ireal sint __attribute__((vector_size(64), may_alias));

INLINE sint sign_bit(void)
{
    return (sint)(RC(-0.0) - (svec){0});
}

INLINE svec lane_abs(svec x)
{
    return (svec)((sint)x & ~sign_bit());
}

INLINE svec lane_sqrt(svec x)
{
    union {
        svec all;
        vreal part[64 / KAD_VBYTES];
    } u = {x};
    for (int i = 0; i < 64 / KAD_VBYTES; i++)
        u.part[i] = kad_vsqrt(u.part[i]);
    return u.all;
}

/* C[i][j] = keep C[i][j] + scale sum_k A(i, k) B(k, j), strides in vectors:
 * A(i, k) = a[i ai + k ak], B(k, j) = b[k bk + j bj], C row-major with nj columns. */
typedef struct product {
    int ni, nj, nk;
    const svec *a, *b;
    int ai, ak, bk, bj;
    svec *c;
    real keep, scale;
} product;

INLINE void product_tile(const product *p, int i0, int j0, const int bi, const int bj)
{
    /* locals: stores through c may not alias the sizes and strides */
    const int nk = p->nk, ai = p->ai, ak = p->ak, bk = p->bk, step = p->bj, nj = p->nj;
    const svec *restrict a = p->a + i0 * ai, *restrict b = p->b + j0 * step;
    svec *restrict c = p->c + i0 * nj + j0;
    const real keep = p->keep, scale = p->scale;
    svec acc[4][4];
    for (int i = 0; i < bi; i++)
        for (int j = 0; j < bj; j++)
            acc[i][j] = (svec){0};
    for (int k = 0; k < nk; k++, a += ak, b += bk)
        for (int i = 0; i < bi; i++)
            for (int j = 0; j < bj; j++)
                acc[i][j] += a[i * ai] * b[j * step];
    if (keep == 0) {
        for (int i = 0; i < bi; i++)
            for (int j = 0; j < bj; j++)
                c[i * nj + j] = scale * acc[i][j];
    } else {
        for (int i = 0; i < bi; i++)
            for (int j = 0; j < bj; j++)
                c[i * nj + j] = keep * c[i * nj + j] + scale * acc[i][j];
    }
}

INLINE void product_rows(const product *p, int i, const int bi)
{
    int j = 0;
    for (; j + 4 <= p->nj; j += 4)
        product_tile(p, i, j, bi, 4);
    for (; j + 2 <= p->nj; j += 2)
        product_tile(p, i, j, bi, 2);
    for (; j < p->nj; j++)
        product_tile(p, i, j, bi, 1);
}

static void multiply(const product *p)
{
    int i = 0;
    for (; i + 4 <= p->ni; i += 4)
        product_rows(p, i, 4);
    for (; i + 2 <= p->ni; i += 2)
        product_rows(p, i, 2);
    for (; i < p->ni; i++)
        product_rows(p, i, 1);
}

/* x with its sign changed where s is negative. */
INLINE svec with_sign(svec x, svec s)
{
    return (svec)((sint)x ^ ((sint)s & sign_bit()));
}

/* Plane rotation of two vectors' elements: (x, y) <- (c x - s y, s x + c y). */
INLINE void rotate(svec *x, svec *y, svec c, svec s)
{
    const svec a = *x, b = *y;
    *x = c * a - s * b;
    *y = s * a + c * b;
}

/* Cyclic Jacobi on the symmetric a[n][n] (small angles: near-diagonal input keeps its
 * order), with q[n][n] <- q J, and J applied to two matrices x, y: along their rows'
 * index (x <- J^T x; step 1 = between entries of a row, stride = between the rows) or,
 * with the roles of the strides swapped, along the columns' (x <- x J). */
static void jacobi(int n, int sweeps, svec *a, svec *q, int n_other, int stride, int step,
                   svec *x, svec *y)
{
    const svec zero = {0};
    svec trace = zero;
    for (int i = 0; i < n; i++)
        trace += a[i * n + i];
    const svec tiny = zero + RC(1e-30);
    const svec unit = (real)n / (trace + tiny);
    for (int sweep = 0; sweep < sweeps; sweep++)
        for (int i = 0; i < n - 1; i++)
            for (int j = i + 1; j < n; j++) {
                /* t = tan(angle) of the smaller rotation that annuls a_ij */
                const svec off = a[i * n + j] * unit;
                const svec half = RC(0.5) * (a[j * n + j] - a[i * n + i]) * unit;
                const svec root = lane_sqrt(half * half + off * off);
                const svec t = with_sign(off, half) / (lane_abs(half) + root + tiny);
                const svec c = RC(1.0) / lane_sqrt(RC(1.0) + t * t), s = t * c;
                for (int k = 0; k < n; k++)
                    rotate(&a[k * n + i], &a[k * n + j], c, s);
                for (int k = 0; k < n; k++)
                    rotate(&a[i * n + k], &a[j * n + k], c, s);
                for (int k = 0; k < n; k++)
                    rotate(&q[k * n + i], &q[k * n + j], c, s);
                for (int k = 0; k < n_other; k++) {
                    rotate(&x[i * stride + k * step], &x[j * stride + k * step], c, s);
                    rotate(&y[i * stride + k * step], &y[j * stride + k * step], c, s);
                }
            }
}

/* G' = QL^T G QR, in place. */
static void project(const kad_soap_block *b, svec *g, svec *scratch)
{
    const int m = b->rows, n = b->cols;
    const svec *from = g;
    if (b->left) {
        multiply(&(product){m, n, m, b->ql, g, 1, m, n, 1, scratch, 0, 1});
        from = scratch;
    }
    if (b->right)
        multiply(
            &(product){m, n, n, from, b->qr, n, 1, n, 1, from == g ? scratch : g, 0, 1});
    if (b->left != b->right) memcpy(g, scratch, (size_t)m * (size_t)n * sizeof *g);
}

/* G = QL G' QR^T, in place. */
static void restore(const kad_soap_block *b, svec *g, svec *scratch)
{
    const int m = b->rows, n = b->cols;
    const svec *from = g;
    if (b->left) {
        multiply(&(product){m, n, m, b->ql, g, m, 1, n, 1, scratch, 0, 1});
        from = scratch;
    }
    if (b->right)
        multiply(
            &(product){m, n, n, from, b->qr, n, 1, 1, n, from == g ? scratch : g, 0, 1});
    if (b->left != b->right) memcpy(g, scratch, (size_t)m * (size_t)n * sizeof *g);
}

/* One Newton-Schulz step, Q <- Q (3 - Q^T Q)/2 row by row, undoes the drift of many
 * rotations; e [n][n] and row [n] are scratch. */
static void orthonormalise(int n, svec *q, svec *e, svec *row)
{
    multiply(&(product){n, n, n, q, q, 1, n, n, 1, e, 0, RC(-0.5)});
    for (int i = 0; i < n; i++)
        e[i * n + i] += RC(1.5);
    for (int i = 0; i < n; i++) {
        multiply(&(product){1, n, n, &q[i * n], e, n, 1, n, 1, row, 0, 1});
        memcpy(&q[i * n], row, (size_t)n * sizeof *row);
    }
}

static void update_factors(const kad_soap_block *b, const kad_soap_step *c, svec *g,
                           svec *scratch)
{
    const int m = b->rows, n = b->cols;
    const real keep = (real)c->beta2, add = (real)(1.0 - c->beta2);
    if (b->left) multiply(&(product){m, m, n, g, g, n, 1, 1, n, b->l, keep, add});
    if (b->right) multiply(&(product){n, n, m, g, g, 1, n, n, 1, b->r, keep, add});
    if (c->sweeps == 0) return;
    if (b->left) {
        jacobi(m, c->sweeps, b->l, b->ql, n, n, 1, b->m, g);
        orthonormalise(m, b->ql, scratch, scratch + m * m);
    }
    if (b->right) {
        jacobi(n, c->sweeps, b->r, b->qr, m, 1, n, b->m, g);
        orthonormalise(n, b->qr, scratch, scratch + n * n);
    }
}

void KR(kad_soap_block_step)(const kad_soap_block *b, const kad_soap_step *c, real *g_,
                             real *scratch_)
{
    svec *g = (svec *)g_, *scratch = (svec *)scratch_;
    svec *m = b->m, *v = b->v;
    const int size = b->rows * b->cols;
    project(b, g, scratch);
    update_factors(b, c, g, scratch);
    const real b1 = (real)c->beta1, a1 = (real)(1.0 - c->beta1);
    const real b2 = (real)c->beta2, a2 = (real)(1.0 - c->beta2);
    const real unbias1 = (real)c->unbias1, unbias2 = (real)c->unbias2;
    const real eps = (real)c->eps;
    for (int i = 0; i < size; i++) {
        m[i] = b1 * m[i] + a1 * g[i];
        v[i] = b2 * v[i] + a2 * g[i] * g[i];
        g[i] = unbias1 * m[i] / (lane_sqrt(unbias2 * v[i]) + eps);
    }
    restore(b, g, scratch);
}

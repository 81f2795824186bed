/* The hidden vectors of the equivariant net and what is made of them, in one pass over them:
 *
 *   o = v/sqrt(1 + |v|^2),  e = 1/(1 + |v|^2),  odd_j += sum_h Wo[j][h] o_h,
 *   even_i = b_i + sum_h We[i][h] e_h
 *
 * and its adjoint. The numbers of outputs are constants, so that their sums stay in registers
 * while the reciprocal roots, which take long, are under way. Instances stand in
 * HEADS_INSTANCES; other nets go by products of rows (equivariant_kern.h). */
#ifndef KAD_FLOW_NETS_HEADS_KERN_H
#define KAD_FLOW_NETS_HEADS_KERN_H

#include "flow/lanes_kern.h"

#include <stdbool.h>

/* Of n components, n_odd and n_even outputs. */
#define HEADS_INSTANCES(do) \
    do                      \
    (1, 2, 3) do(1, 2, 2) do(2, 3, 4) do(2, 3, 3) do(3, 3, 4)

enum { HEADS_ODD = 3, HEADS_EVEN = 4, HEADS_COMP = 3, HEADS_V = 4 };

/* Rows of one part; weights are [H][outputs]. */
typedef struct heads {
    int n_hidden;
    const real *wo, *we, *b;
    real *const *hid;   /* [H] v, then o; odd outputs behind them */
    real *const *norm;  /* [H] 1/sqrt(1 + |v|^2) */
    real *const *even;  /* [n_even] */
    real *const *ghid;  /* [H] cotangents of v; those of the odd outputs behind them */
    real *const *geven; /* [n_even] */
    vreal *acc_wo,
        *acc_we; /* [outputs][H] gradients of the weights, where they are asked for */
} heads;

KAD_LANES_INLINE void heads_load(const int rows, const int n, const int nv, int v0,
                                 real *const *from, vreal to[][HEADS_COMP][HEADS_V])
{
    KAD_UNROLL(4)
    for (int j = 0; j < rows; j++)
        KAD_UNROLL(3)
    for (int c = 0; c < n; c++)
        KAD_UNROLL(4)
    for (int v = 0; v < nv; v++)
        to[j][c][v] = ((const vreal *)from[j])[kad_at(c, v0 + v)];
}

KAD_LANES_INLINE void heads_store(const int rows, const int n, const int nv, int v0,
                                  vreal from[][HEADS_COMP][HEADS_V], real *const *to)
{
    KAD_UNROLL(4)
    for (int j = 0; j < rows; j++)
        KAD_UNROLL(3)
    for (int c = 0; c < n; c++)
        KAD_UNROLL(4)
    for (int v = 0; v < nv; v++)
        ((vreal *)to[j])[kad_at(c, v0 + v)] = from[j][c][v];
}

KAD_LANES_INLINE void heads_forward(const int n, const int n_odd, const int n_even,
                                    const heads *s)
{
    const int nv = 2;
    for (int v0 = 0; v0 < KAD_NV; v0 += nv) {
        vreal odd[HEADS_ODD][HEADS_COMP][HEADS_V], even[HEADS_EVEN][HEADS_COMP][HEADS_V];
        heads_load(n_odd, n, nv, v0, s->hid + s->n_hidden, odd);
        KAD_UNROLL(4)
        for (int i = 0; i < n_even; i++)
            KAD_UNROLL(4)
        for (int v = 0; v < nv; v++)
            even[i][0][v] = kad_vset(s->b[i]);
        for (int h = 0; h < s->n_hidden; h++) {
            vreal *row = (vreal *)s->hid[h], *norm = (vreal *)s->norm[h];
            const real *wo = s->wo + h * n_odd, *we = s->we + h * n_even;
            KAD_UNROLL(4)
            for (int v = 0; v < nv; v++) {
                vreal x[HEADS_COMP];
                KAD_UNROLL(3)
                for (int c = 0; c < n; c++)
                    x[c] = row[kad_at(c, v0 + v)];
                const vreal shrink = kad_lanes_rsqrt(RC(1.0) + kad_dot(n, x, x));
                const vreal e = shrink * shrink;
                norm[v0 + v] = shrink;
                KAD_UNROLL(3)
                for (int c = 0; c < n; c++) {
                    x[c] *= shrink;
                    row[kad_at(c, v0 + v)] = x[c];
                    KAD_UNROLL(3)
                    for (int j = 0; j < n_odd; j++)
                        odd[j][c][v] += wo[j] * x[c];
                }
                KAD_UNROLL(4)
                for (int i = 0; i < n_even; i++)
                    even[i][0][v] += we[i] * e;
            }
        }
        heads_store(n_odd, n, nv, v0, odd, s->hid + s->n_hidden);
        heads_store(n_even, 1, nv, v0, even, s->even);
    }
}

/* Of one hidden vector and one vector of lanes: its cotangent from those of the outputs, and
 * what it gives to the weights' gradients. */
KAD_LANES_INLINE void heads_back(const int n, const int n_odd, const int n_even,
                                 const int v, const real *wo, const real *we,
                                 vreal godd[][HEADS_COMP][HEADS_V],
                                 vreal geven[][HEADS_COMP][HEADS_V], const vreal *o,
                                 vreal norm, vreal *g, vreal *dwo, vreal *dwe)
{
    const vreal e = norm * norm;
    vreal ge = we[0] * geven[0][0][v];
    KAD_UNROLL(4)
    for (int i = 1; i < n_even; i++)
        ge += we[i] * geven[i][0][v];
    KAD_UNROLL(3)
    for (int c = 0; c < n; c++) {
        g[c] = wo[0] * godd[0][c][v];
        KAD_UNROLL(3)
        for (int j = 1; j < n_odd; j++)
            g[c] += wo[j] * godd[j][c][v];
    }
    if (dwo) {
        KAD_UNROLL(3)
        for (int j = 0; j < n_odd; j++)
            KAD_UNROLL(3)
        for (int c = 0; c < n; c++)
            dwo[j] += godd[j][c][v] * o[c];
        KAD_UNROLL(4)
        for (int i = 0; i < n_even; i++)
            dwe[i] += geven[i][0][v] * e;
    }
    const vreal along = RC(2.0) * e * ge + kad_dot(n, o, g);
    KAD_UNROLL(3)
    for (int c = 0; c < n; c++)
        g[c] = norm * (g[c] - o[c] * along);
}

KAD_LANES_INLINE void heads_adjoint(const int n, const int n_odd, const int n_even,
                                    const bool weights, const heads *s)
{
    const int nv = n == 1 ? 4 : 2; /* vectors held at once */
    const size_t H = (size_t)s->n_hidden;
    for (int v0 = 0; v0 < KAD_NV; v0 += nv) {
        vreal godd[HEADS_ODD][HEADS_COMP][HEADS_V],
            geven[HEADS_EVEN][HEADS_COMP][HEADS_V];
        heads_load(n_odd, n, nv, v0, s->ghid + s->n_hidden, godd);
        heads_load(n_even, 1, nv, v0, s->geven, geven);
        for (size_t h = 0; h < H; h++) {
            const vreal *row = (const vreal *)s->hid[h],
                        *norm = (const vreal *)s->norm[h];
            vreal *out = (vreal *)s->ghid[h];
            vreal dwo[HEADS_ODD], dwe[HEADS_EVEN];
            KAD_UNROLL(3)
            for (int j = 0; j < n_odd && weights; j++)
                dwo[j] = s->acc_wo[(size_t)j * H + h];
            KAD_UNROLL(4)
            for (int i = 0; i < n_even && weights; i++)
                dwe[i] = s->acc_we[(size_t)i * H + h];
            KAD_UNROLL(4)
            for (int v = 0; v < nv; v++) {
                vreal o[HEADS_COMP], g[HEADS_COMP];
                KAD_UNROLL(3)
                for (int c = 0; c < n; c++)
                    o[c] = row[kad_at(c, v0 + v)];
                heads_back(n, n_odd, n_even, v, s->wo + h * (size_t)n_odd,
                           s->we + h * (size_t)n_even, godd, geven, o, norm[v0 + v], g,
                           weights ? dwo : NULL, dwe);
                KAD_UNROLL(3)
                for (int c = 0; c < n; c++)
                    out[kad_at(c, v0 + v)] = g[c];
            }
            KAD_UNROLL(3)
            for (int j = 0; j < n_odd && weights; j++)
                s->acc_wo[(size_t)j * H + h] = dwo[j];
            KAD_UNROLL(4)
            for (int i = 0; i < n_even && weights; i++)
                s->acc_we[(size_t)i * H + h] = dwe[i];
        }
    }
}

#endif

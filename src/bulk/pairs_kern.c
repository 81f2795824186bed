/* Sums over pairs of latents, binned (bulk/pairs.h). */
#include "bulk/pairs.h"

#include <string.h>

enum {
    CHUNK = 4
}; /* vectors of a row summed at a time, so that sums stay in registers */
_Static_assert(KAD_NV % CHUNK == 0, "a row is whole chunks");

/* Plain and weighted sums of the rows z[partner], one component, vectors v .. v + CHUNK -
 * 1; times zk. */
static inline void add_chunk(const vreal *z, const vreal *zk, const real *weight,
                             const int32_t *partner, int n, int c, int v, vreal *weighted,
                             vreal *plain)
{
    vreal p[CHUNK] = {{0}}, w[CHUNK] = {{0}};
    for (int i = 0; i < n; i++) {
        const vreal *row = z + (size_t)partner[i] * (size_t)(c * KAD_NV) + v;
        const real factor = weight[(size_t)i * (size_t)(c * c)];
        KAD_UNROLL(4)
        for (int j = 0; j < CHUNK; j++) {
            p[j] += row[j];
            w[j] += factor * row[j];
        }
    }
    KAD_UNROLL(4)
    for (int j = 0; j < CHUNK; j++) {
        plain[v + j] += p[j] * zk[v + j];
        weighted[v + j] += w[j] * zk[v + j];
    }
}

void KR(kad_pair_sums)(const kad_pairs *pairs, const real *z, const real *weight,
                       real *out)
{
    const int c = pairs->n_comp;
    const size_t width = (size_t)(1 + c * c) * KAD_NV;
    const vreal *rows = (const vreal *)z;
    vreal *bins = (vreal *)out;
    memset(out, 0, (size_t)pairs->n_bins * width * sizeof *bins);
    for (int k = 0; k < pairs->n; k++)
        for (int32_t r = pairs->first_run[k]; r < pairs->first_run[k + 1]; r++) {
            const kad_pair_run *run = &pairs->run[r];
            const int n = run->end - run->begin;
            vreal *sums = bins + (size_t)run->bin * width;
            for (int a = 0; a < c; a++)
                for (int b = 0; b < c; b++)
                    for (int v = 0; v < KAD_NV; v += CHUNK)
                        add_chunk(rows + b * KAD_NV, rows + (size_t)(k * c + a) * KAD_NV,
                                  weight + (size_t)run->begin * (size_t)(c * c) + a * c +
                                      b,
                                  pairs->partner + run->begin, n, c, v, sums,
                                  sums + (1 + a * c + b) * KAD_NV);
        }
}

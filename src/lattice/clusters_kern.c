/* The cluster move of a tile (see clusters.h): one graph, KAD_W_DOUBLE configurations side
 * by side. Bonds are decided four at a time over all lanes; every lane then has its own
 * union-find. root[i][lane] is the place i' * KAD_W_DOUBLE + lane of a site i' <= i of the
 * same cluster, itself at the cluster's lowest site. Chains are kept in double, so this
 * file is empty in single. */
#include "lattice/clusters.h"

#if KAD_PREC == 64
#include "base/vmath.h"

enum { HALF = 16, FULL = KAD_W / HALF };

/* --- open bonds ---------------------------------------------------------------------- */

/* The lanes in which a bond of coupling K between two rows is open. */
static inline uint32_t open_bond(double K, const vreal *sigma_i, const vreal *sigma_j,
                                 const uint32_t *words)
{
    uint32_t open = 0;
    KAD_UNROLL(16)
    for (int v = 0; v < KAD_NV; v++) {
        const vreal a = K * sigma_i[v] * sigma_j[v], closed = kad_vexp(-2 * a);
        const kad_vmask yes = kad_vlt(closed, kad_vunit(words + v * KAD_V));
        open |= kad_vmask_bits(yes) << (v * KAD_V);
    }
    return open;
}

/* --- clusters ------------------------------------------------------------------------ */

static void separate(int n_sites, int32_t *root)
{
    for (int32_t place = 0; place < n_sites * KAD_W; place++)
        root[place] = place;
}

#ifdef KAD_VAVX512
/* Joins sites i and j in the lanes of `open`: from both, all lanes climb to their roots
 * together, the higher root is put under the lower one, and i and j are put there too. */
static inline void unite(int32_t *root, int i, int j, uint32_t open)
{
    KAD_UNROLL(2)
    for (int h = 0; h < FULL; h++) {
        int32_t *own_i = root + i * KAD_W + h * HALF,
                *own_j = root + j * KAD_W + h * HALF;
        __m512i a = _mm512_load_si512(own_i), b = _mm512_load_si512(own_j);
        __mmask16 apart =
            _mm512_mask_cmpneq_epi32_mask((__mmask16)(open >> h * HALF), a, b);
        if (apart == 0) continue;
        __mmask16 moving;
        do {
            const __m512i up_a = _mm512_mask_i32gather_epi32(a, apart, a, root, 4);
            const __m512i up_b = _mm512_mask_i32gather_epi32(b, apart, b, root, 4);
            moving =
                _mm512_cmpneq_epi32_mask(a, up_a) | _mm512_cmpneq_epi32_mask(b, up_b);
            a = up_a;
            b = up_b;
        } while (moving != 0);
        const __m512i low = _mm512_min_epi32(a, b), high = _mm512_max_epi32(a, b);
        _mm512_mask_i32scatter_epi32(root, apart, high, low, 4);
        _mm512_mask_store_epi32(own_i, apart, low);
        _mm512_mask_store_epi32(own_j, apart, low);
    }
}

/* Sites in order, so that what a site points to is decided: root becomes -1 or 0, flip or
 * not. bits [KAD_W]: those of this site are bit `shift`. */
static inline uint32_t decide(int32_t *root, int i, const uint32_t *bits, int shift)
{
    uint32_t flip = 0;
    for (int h = 0; h < FULL; h++) {
        int32_t *own = root + i * KAD_W + h * HALF;
        const __m512i a = _mm512_load_si512(own);
        const __m512i ramp =
            _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        const __m512i here =
            _mm512_add_epi32(_mm512_set1_epi32(i * KAD_W + h * HALF), ramp);
        const __mmask16 below = _mm512_cmpneq_epi32_mask(a, here);
        const __mmask16 heads =
            _mm512_test_epi32_mask(_mm512_load_si512(bits + h * HALF),
                                   _mm512_set1_epi32((int)(UINT32_C(1) << shift)));
        const __m512i mine = _mm512_maskz_set1_epi32(heads, -1);
        const __m512i all = _mm512_mask_i32gather_epi32(mine, below, a, root, 4);
        _mm512_store_si512(own, all);
        flip |= (uint32_t)_mm512_movepi32_mask(all) << h * HALF;
    }
    return flip;
}
#else
/* Paths are halved on the way. */
static inline int32_t climb(int32_t *root, int32_t place)
{
    while (root[place] != place)
        place = root[place] = root[root[place]];
    return place;
}

static inline void unite(int32_t *root, int i, int j, uint32_t open)
{
    for (int lane = 0; lane < KAD_W; lane++) {
        if (!(open >> lane & 1)) continue;
        const int32_t a = climb(root, i * KAD_W + lane);
        const int32_t b = climb(root, j * KAD_W + lane);
        if (a < b)
            root[b] = a;
        else
            root[a] = b;
    }
}

/* Sites in order, so that what a site points to is decided: root becomes -1 or 0, flip or
 * not. bits [KAD_W]: those of this site are bit `shift`. */
static inline uint32_t decide(int32_t *root, int i, const uint32_t *bits, int shift)
{
    uint32_t flip = 0;
    for (int lane = 0; lane < KAD_W; lane++) {
        int32_t *own = root + i * KAD_W + lane;
        *own =
            *own == i * KAD_W + lane ? -(int32_t)(bits[lane] >> shift & 1) : root[*own];
        flip |= (uint32_t)(*own & 1) << lane;
    }
    return flip;
}
#endif

void kad_clusters_flip(int n_sites, const kad_bonds *bonds, double k, const double *sigma,
                       const kad_coin *coin, int32_t *root, uint32_t *flip)
{
    _Alignas(KAD_VBYTES) uint32_t words[4][KAD_W];
    separate(n_sites, root);
    for (size_t b = 0; b < bonds->n; b++) {
        const int i = bonds->ends[2 * b], j = bonds->ends[2 * b + 1];
        const double K = bonds->J ? k * bonds->J[b] : k;
        if (b % 4 == 0) coin->toss(coin->self, KAD_TOSS_BOND, (uint32_t)(b / 4), *words);
        const uint32_t open = open_bond(K, (const vreal *)(sigma + i * KAD_W),
                                        (const vreal *)(sigma + j * KAD_W), words[b % 4]);
        unite(root, i, j, open);
    }
    for (int i = 0; i < n_sites; i++) {
        if (i % 128 == 0)
            coin->toss(coin->self, KAD_TOSS_FLIP, (uint32_t)(i / 128), *words);
        flip[i] = decide(root, i, words[i % 128 / 32], i % 32);
    }
}
#else
typedef int kad_clusters_are_double_only;
#endif

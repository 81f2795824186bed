/* The cluster move of src/lattice/clusters.h: every branch of the random decisions. */

#include "lattice/clusters.h"
#include "tests/support/claim.h"

enum { W = KAD_W_DOUBLE, SITES = 6, BONDS = 12 };

/* A coin with its words laid out beforehand: bond b of lane l, bit i of lane l. */
typedef struct replay {
    uint32_t bond[BONDS][W], flip[W];
} replay;

static void replay_toss(void *self, kad_toss kind, uint32_t block, uint32_t *out)
{
    const replay *r = self;
    for (uint32_t j = 0; j < 4; j++) {
        const uint32_t b = 4 * block + j;
        for (int lane = 0; lane < W; lane++)
            if (kind == KAD_TOSS_FLIP)
                out[j * W + (uint32_t)lane] = j == 0 ? r->flip[lane] : 0;
            else
                out[j * W + (uint32_t)lane] = b < BONDS ? r->bond[b][lane] : 0;
    }
}

typedef struct graph {
    int N;
    kad_bonds bonds;
    double k;
    const double *size; /* [N] |sigma| */
} graph;

/* States after a move of the states `from`, a lane each; bit i: sigma_i > 0. */
static void move(const graph *g, replay *r, const int from[W], int to[W])
{
    _Alignas(64) double sigma[SITES * W];
    _Alignas(64) int32_t root[SITES * W];
    uint32_t flip[SITES];
    const kad_coin coin = {replay_toss, r};
    for (int i = 0; i < g->N; i++)
        for (int lane = 0; lane < W; lane++)
            sigma[i * W + lane] = (from[lane] >> i & 1) ? g->size[i] : -g->size[i];
    kad_clusters_flip(g->N, &g->bonds, g->k, sigma, &coin, root, flip);
    for (int lane = 0; lane < W; lane++) {
        to[lane] = from[lane];
        for (int i = 0; i < g->N; i++)
            to[lane] ^= (int)(flip[i] >> lane & 1) << i;
    }
}

/* Probabilities that bonds open in a state, measured: with all other bonds closed and
 * only the lower end of bond b told to flip, its upper end does from a certain word on,
 * which W lanes at a time find. */
static void open_probabilities(const graph *g, int state, double p[BONDS])
{
    const uint64_t end = UINT64_C(1) << 32;
    for (size_t b = 0; b < g->bonds.n; b++) {
        const int i = g->bonds.ends[2 * b], j = g->bonds.ends[2 * b + 1];
        const int low = i < j ? i : j, high = i < j ? j : i;
        uint64_t first = 0; /* closed at all words below */
        for (uint64_t step = end / W; step > 0; step = step == 4 ? 1 : step / W) {
            replay r = {.flip = {0}};
            int from[W], to[W];
            uint64_t n_closed = 0;
            for (uint64_t lane = 0; lane < W; lane++) {
                const uint64_t word = first + step * (lane + 1) - 1;
                r.bond[b][lane] = (uint32_t)(word < end ? word : end - 1);
                r.flip[lane] = UINT32_C(1) << low;
                from[lane] = state;
            }
            move(g, &r, from, to);
            for (uint64_t lane = 0; lane < W; lane++) {
                const bool closed = !((to[lane] ^ state) >> high & 1);
                assert_true(!closed || n_closed == lane); /* monotonous */
                n_closed += closed;
            }
            first += step * n_closed;
        }
        p[b] = 1 - (double)(first < end ? first : end) / (double)end;
    }
}

/* exp(-S) of a state. */
static double weight(const graph *g, int state)
{
    double e = 0;
    for (size_t b = 0; b < g->bonds.n; b++) {
        const int i = g->bonds.ends[2 * b], j = g->bonds.ends[2 * b + 1];
        const double s = ((state >> i ^ state >> j) & 1) ? -1 : 1;
        e += g->k * (g->bonds.J ? g->bonds.J[b] : 1) * s * g->size[i] * g->size[j];
    }
    return exp(e);
}

/* All patterns of open bonds, with their probabilities in `from`, and of flips: adds the
 * flow out of `from`; closed bonds have their probability to the power `distort`. Returns
 * the number of leaves. */
static long leaves(const graph *g, int from, double distort, double flow[1 << SITES])
{
    double p[BONDS], total = 0;
    const int n_flip = 1 << g->N;
    long n = 0;
    open_probabilities(g, from, p);
    for (int open = 0; open < 1 << g->bonds.n; open++) {
        double p_leaf = weight(g, from) / n_flip;
        replay r;
        int start[W], to[W];
        for (size_t b = 0; b < g->bonds.n; b++) {
            const bool is_open = open >> b & 1;
            const double closed = pow(1 - p[b], distort);
            p_leaf *= is_open ? 1 - closed : closed;
            for (int lane = 0; lane < W; lane++)
                r.bond[b][lane] = is_open ? UINT32_MAX : 0;
        }
        if (p_leaf == 0) continue; /* a bond that never opens */
        for (int flip = 0; flip < n_flip; flip += W) {
            for (int lane = 0; lane < W; lane++) {
                r.flip[lane] = (uint32_t)(flip + lane);
                start[lane] = from;
            }
            move(g, &r, start, to);
            for (int lane = 0; lane < W && flip + lane < n_flip; lane++, n++)
                flow[to[lane]] += p_leaf;
        }
        total += p_leaf * n_flip;
    }
    assert_true(fabs(total / weight(g, from) - 1) < 1e-12);
    return n;
}

/* max |pi P - pi| / pi over the Ising states. */
static double worst_imbalance(const graph *g, double distort, long *n_leaves)
{
    double flow[1 << SITES] = {0}, worst = 0;
    for (int from = 0; from < 1 << g->N; from++)
        *n_leaves += leaves(g, from, distort, flow);
    for (int to = 0; to < 1 << g->N; to++)
        worst = fmax(worst, fabs(flow[to] / weight(g, to) - 1));
    return worst;
}

static void cluster_walks(double distort, double worst[3])
{
    kad_ctx ctx;
    kad_lattice *lattice;
    static const double ones[SITES] = {1, 1, 1, 1, 1, 1};
    static const double sizes[SITES] = {0.3, 1.7, 0.9, 1.1, 0.6, 1.3};
    static const double J[25] = {0, 1, -1,  0.5, 0, 1, 0,    1, 0,    -0.7, -1,   1, 0,
                                 1, 1, 0.5, 0,   1, 0, -0.2, 0, -0.7, 1,    -0.2, 0};
    graph g;
    long n_leaves = 0;
    kad_ctx_init(&ctx, 1);
    for (int rows = 2; rows < 4; rows++) {
        const int shape[2] = {2, rows};
        assert_int_equal(kad_lattice_create(&ctx, 2, shape, &lattice), KAD_OK);
        g = (graph){.N = lattice->n_sites, .k = 0.3, .size = rows == 2 ? ones : sizes};
        assert_int_equal(kad_bonds_of_lattice(&ctx, lattice, &g.bonds), KAD_OK);
        assert_int_equal(g.bonds.n, 2 * lattice->n_sites);
        worst[rows - 2] = worst_imbalance(&g, distort, &n_leaves);
        kad_bonds_clear(&g.bonds);
        kad_lattice_destroy(lattice);
    }
    g = (graph){.N = 5, .k = 0.6, .size = ones};
    assert_int_equal(kad_bonds_of_matrix(&ctx, 5, J, &g.bonds), KAD_OK);
    assert_int_equal(g.bonds.n, 8);
    worst[2] = worst_imbalance(&g, distort, &n_leaves);
    kad_bonds_clear(&g.bonds);
    print_message("# %ld leaves, imbalance %.1e %.1e %.1e\n", n_leaves, worst[0],
                  worst[1], worst[2]);
}

/* 2 x 2 (double bonds), 2 x 3 with moduli, five sites with frustrated couplings. At most
 * 12 bonds, whose probabilities, 0.1 at least, are resolved to 2^-32. */
static void clusters_balance(void **state)
{
    double worst[3];
    (void)state;
    cluster_walks(1, worst);
    for (int i = 0; i < 3; i++)
        assert_true(worst[i] < 3e-8);
}

/* 1 - exp(-a) and 1 - exp(-2.1 a) in place of 1 - exp(-2 a). */
static void mutants_are_caught(void **state)
{
    double worst[3];
    (void)state;
    cluster_walks(0.5, worst);
    for (int i = 0; i < 3; i++)
        assert_true(worst[i] > 1e-2);
    cluster_walks(1.05, worst);
    for (int i = 0; i < 3; i++)
        assert_true(worst[i] > 1e-3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("clusters: pi P = pi over every branch", clusters_balance),
        CLAIM("clusters: wrong bond probabilities are caught", mutants_are_caught),
    };
    return cmocka_run_group_tests_name("clusters", tests, NULL, NULL);
}

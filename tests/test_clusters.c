/* The cluster move of src/lattice/clusters.h: every branch of the random decisions. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lattice/clusters.h"

#define CLAIM(text, function)            \
    {                                    \
        text, function, NULL, NULL, NULL \
    }

/* A coin that replays the decisions of one leaf; the next leaf is found by backtracking.
 */
typedef struct oracle {
    int n, depth; /* decisions fixed, and asked for */
    bool heads[64];
    double p_leaf;
    double distort; /* exponent on the probability that a bond is closed; right: 1 */
} oracle;

static bool oracle_toss(void *self, kad_toss kind, uint32_t index, double p)
{
    oracle *o = self;
    (void)index;
    if (kind == KAD_TOSS_BOND) p = 1 - pow(1 - p, o->distort);
    assert_true(o->depth < 64 && p > 0 && p < 1);
    if (o->depth == o->n) o->heads[o->n++] = false;
    const bool heads = o->heads[o->depth++];
    o->p_leaf *= heads ? p : 1 - p;
    return heads;
}

static bool next_leaf(oracle *o)
{
    while (o->n > 0 && o->heads[o->n - 1])
        o->n--;
    if (o->n > 0) o->heads[o->n - 1] = true;
    return o->n > 0;
}

static double weight(const kad_bonds *bonds, double k, int state)
{
    double e = 0;
    for (size_t b = 0; b < bonds->n; b++) {
        const int i = bonds->ends[2 * b], j = bonds->ends[2 * b + 1];
        const double s = ((state >> i ^ state >> j) & 1) ? -1 : 1;
        e += k * (bonds->J ? bonds->J[b] : 1) * s;
    }
    return exp(e);
}

/* max |pi P - pi| / pi over the Ising states of N sites with moduli `size`. */
static double worst_imbalance(int N, const kad_bonds *bonds, double k, const double *size,
                              double distort, long *n_leaves)
{
    double flow[64] = {0}, worst = 0, sigma[8];
    int root[8];
    uint8_t flip[8];
    kad_bonds scaled = *bonds;
    double J[64];
    for (size_t b = 0; b < bonds->n; b++)
        J[b] = (bonds->J ? bonds->J[b] : 1) * size[bonds->ends[2 * b]] *
               size[bonds->ends[2 * b + 1]];
    scaled.J = J;
    for (int from = 0; from < 1 << N; from++) {
        oracle o = {.distort = distort};
        double total = 0;
        for (int i = 0; i < N; i++)
            sigma[i] = (from >> i & 1) ? size[i] : -size[i];
        do {
            const kad_coin coin = {oracle_toss, &o};
            int to = from;
            o.depth = 0;
            o.p_leaf = 1;
            kad_clusters_flip(N, bonds, k, sigma, &coin, root, flip);
            for (int i = 0; i < N; i++)
                to ^= flip[i] << i;
            flow[to] += weight(&scaled, k, from) * o.p_leaf;
            total += o.p_leaf;
            ++*n_leaves;
        } while (next_leaf(&o));
        assert_true(fabs(total - 1) < 1e-12);
    }
    for (int to = 0; to < 1 << N; to++)
        worst = fmax(worst, fabs(flow[to] / weight(&scaled, k, to) - 1));
    return worst;
}

static void cluster_walks(double distort, double worst[3])
{
    kad_ctx ctx;
    kad_lattice *lattice;
    kad_bonds bonds;
    static const double ones[6] = {1, 1, 1, 1, 1, 1};
    static const double sizes[6] = {0.3, 1.7, 0.9, 1.1, 0.6, 1.3};
    static const double J[25] = {0, 1, -1,  0.5, 0, 1, 0,    1, 0,    -0.7, -1,   1, 0,
                                 1, 1, 0.5, 0,   1, 0, -0.2, 0, -0.7, 1,    -0.2, 0};
    long n_leaves = 0;
    kad_ctx_init(&ctx, 1);
    for (int rows = 2; rows < 4; rows++) {
        const int shape[2] = {2, rows};
        assert_int_equal(kad_lattice_create(&ctx, 2, shape, &lattice), KAD_OK);
        assert_int_equal(kad_bonds_of_lattice(&ctx, lattice, &bonds), KAD_OK);
        assert_int_equal(bonds.n, 2 * lattice->n_sites);
        worst[rows - 2] = worst_imbalance(lattice->n_sites, &bonds, 0.3,
                                          rows == 2 ? ones : sizes, distort, &n_leaves);
        kad_bonds_clear(&bonds);
        kad_lattice_destroy(lattice);
    }
    assert_int_equal(kad_bonds_of_matrix(&ctx, 5, J, &bonds), KAD_OK);
    assert_int_equal(bonds.n, 8);
    worst[2] = worst_imbalance(5, &bonds, 0.6, ones, distort, &n_leaves);
    kad_bonds_clear(&bonds);
    print_message("# %ld leaves, imbalance %.1e %.1e %.1e\n", n_leaves, worst[0],
                  worst[1], worst[2]);
}

/* 2 x 2 (double bonds), 2 x 3 with moduli, five sites with frustrated couplings. */
static void clusters_balance(void **state)
{
    double worst[3];
    (void)state;
    cluster_walks(1, worst);
    for (int i = 0; i < 3; i++)
        assert_true(worst[i] < 1e-13);
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

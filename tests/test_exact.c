/* Exact results against published tables and against each other. */
#include "models/exact.h"
#include "models/single_site.h"
#include "models_util.h"

static const double T_C = 2.269185314213022;

static kad_ctx ctx;

static kad_lattice *lattice_of(int d, int a, int b, int c)
{
    kad_lattice *lattice;
    kad_ctx_init(&ctx, 1);
    assert_int_equal(kad_lattice_create(&ctx, d, (int[]){a, b, c}, &lattice), KAD_OK);
    return lattice;
}

/* All digits of the table are right: half a unit of the last one. */
static void kaufman_table(void **state)
{
    (void)state;
    static const struct {
        int L;
        double ln_z, energy, c, tol_c;
    } table[] = {{4, 15.5219154587553, -1.565623787638, 0.7832668259, 5.1e-11},
                 {8, 60.1417807890692, -1.491589107440, 1.14555924, 5.1e-9},
                 {16, 238.642256635133, -1.453064852813, 1.498704959, 5.1e-10}};
    for (int i = 0; i < 3; i++) {
        kad_exact_thermo t;
        kad_exact_kaufman(table[i].L, table[i].L, 1 / T_C, &t);
        assert_close(t.ln_z, table[i].ln_z, 5e-13 * table[i].ln_z);
        assert_close(t.energy, table[i].energy, 6e-13);
        assert_close(t.specific_heat, table[i].c, table[i].tol_c);
    }
}

/* Energy and specific heat are the derivatives of ln Z, at any size and temperature. */
static void kaufman_derivatives(void **state)
{
    (void)state;
    static const int sizes[][2] = {{2, 2}, {3, 5}, {16, 8}, {64, 64}, {1000, 1000}};
    for (int i = 0; i < 5; i++)
        for (double T = 0.4; T < 30; T *= 1.4) {
            const int lx = sizes[i][0], ly = sizes[i][1];
            const double K = 1 / T, e = 1e-5 * K, N = (double)lx * ly;
            kad_exact_thermo t, up, down;
            kad_exact_kaufman(lx, ly, K, &t);
            kad_exact_kaufman(lx, ly, K + e, &up);
            kad_exact_kaufman(lx, ly, K - e, &down);
            /* rounding of ln Z is about 1e-15 ln Z; differences divide it by 2e */
            const double noise = 1e-14 * fabs(t.ln_z) / (2 * e * N);
            assert_close(-(up.ln_z - down.ln_z) / (2 * e * N), t.energy, 1e-7 + noise);
            assert_close(-K * K * (up.energy - down.energy) / (2 * e), t.specific_heat,
                         1e-6 * (1 + t.specific_heat));
            kad_exact_kaufman(ly, lx, K, &up); /* the torus can be read either way */
            assert_close(up.ln_z, t.ln_z, 1e-13 * t.ln_z);
        }
}

/* 2^8 states: an independent computation above, at and below T_c. */
static void kaufman_against_transfer_matrix(void **state)
{
    (void)state;
    static const double T[] = {0.5, 1, 2.0, 2.269185314213022, 2.5, 3.1, 10, 100};
    static const int shapes[][2] = {{8, 8}, {4, 16}, {5, 7}, {2, 9}, {2, 2}, {3, 3}};
    for (int s = 0; s < 6; s++) {
        kad_lattice *l = lattice_of(2, shapes[s][0], shapes[s][1], 0);
        double *bond = kad_alloc((size_t)l->n_sites * 2, sizeof *bond);
        for (int i = 0; i < 8; i++) {
            double ln_z;
            kad_exact_thermo t;
            for (int b = 0; b < 2 * l->n_sites; b++)
                bond[b] = 1 / T[i];
            assert_int_equal(kad_exact_transfer(&ctx, l, bond, &ln_z), KAD_OK);
            kad_exact_kaufman(shapes[s][0], shapes[s][1], 1 / T[i], &t);
            assert_close(t.ln_z, ln_z, 1e-13 * ln_z);
        }
        kad_free(bond);
        kad_lattice_destroy(l);
    }
}

/* Random bonds on a 3 x 5 and a 2 x 2 x 3 lattice: transfer matrix against enumeration. */
static void random_bonds(void **state)
{
    (void)state;
    for (int d = 2; d <= 3; d++) {
        kad_lattice *l = d == 2 ? lattice_of(2, 3, 5, 0) : lattice_of(3, 2, 2, 3);
        const int N = l->n_sites;
        double *bond = kad_alloc((size_t)(N * d), sizeof *bond);
        double *K = kad_alloc((size_t)(N * N), sizeof *K);
        for (int i = 0; i < N; i++)
            for (int a = 0; a < d; a++) {
                const int j = l->nbr[2 * (i * d + a)];
                bond[i * d + a] = 0.7 * random_normal(11, 0, (uint32_t)(i * d + a));
                K[i * N + j] += bond[i * d + a];
                K[j * N + i] += bond[i * d + a];
            }
        double ln_z;
        kad_exact_spins spins;
        assert_int_equal(kad_exact_transfer(&ctx, l, bond, &ln_z), KAD_OK);
        assert_int_equal(kad_exact_enumerate(&ctx, N, K, &spins, NULL), KAD_OK);
        assert_close(spins.ln_z, ln_z, 1e-13 * ln_z);
        kad_free(bond);
        kad_free(K);
        kad_lattice_destroy(l);
    }
}

static void enumeration_table(void **state)
{
    (void)state;
    kad_lattice *l = lattice_of(2, 4, 4, 0);
    double K[256] = {0}, corr[256];
    kad_exact_spins s;
    for (int i = 0; i < 16; i++)
        for (int b = 0; b < 4; b++)
            K[i * 16 + l->nbr[4 * i + b]] += 1 / T_C;
    assert_int_equal(kad_exact_enumerate(&ctx, 16, K, &s, corr), KAD_OK);
    assert_close(s.ln_z, 15.5219154587553, 1e-12);
    assert_close(s.energy * T_C / 16, -1.565623787638, 1e-12);
    assert_close((s.energy2 - s.energy * s.energy) / 16, 0.7832668259, 5.1e-11);
    assert_close(s.m2, 0.761358908569, 6e-13);
    assert_close(s.abs_m, 0.84386044481342, 1e-13); /* 40-digit enumeration */
    assert_close(s.m4, 0.665691213267, 6e-13);
    assert_close(corr[0 * 16 + 4], 0.782811893819, 6e-13);
    assert_close(corr[0 * 16 + 5], 0.740520446097, 6e-13);
    assert_close(corr[0 * 16 + 10], 0.713754646840, 6e-13);
    assert_close(corr[5 * 16 + 5], 1, 1e-14);
    kad_lattice_destroy(l);
    assert_int_equal(kad_exact_enumerate(&ctx, 26, K, &s, NULL), KAD_ECONFIG);
}

static void free_field_table(void **state)
{
    (void)state;
    static const struct {
        int L;
        double m2, ln_z, phi2, g1;
    } table[] = {{8, 0.25, -4.33331455428, 0.19275059454, 0.07979750670},
                 {16, 0.1, -9.60115087504, 0.22841746758, 0.10912790427}};
    for (int i = 0; i < 2; i++) {
        kad_lattice *l = lattice_of(2, table[i].L, table[i].L, 0);
        double G[256];
        const double mu = table[i].m2 + 4;
        assert_close(kad_exact_free_gap(l, 2, mu), table[i].m2, 1e-13);
        assert_close(kad_exact_free_ln_z(l, 1, 2, mu), table[i].ln_z, 6e-12);
        assert_close(kad_exact_free_ln_z(l, 3, 2, mu), 3 * table[i].ln_z, 2e-11);
        kad_exact_free_propagator(l, 2, mu, G);
        assert_close(G[0], table[i].phi2, 6e-12);
        assert_close(G[1], table[i].g1, 6e-12);
        assert_close(G[table[i].L], table[i].g1, 6e-12);
        kad_lattice_destroy(l);
    }
}

static void rings(void **state)
{
    (void)state;
    double ln_z, factor;
    /* Ising ring: cosh^L + sinh^L */
    for (int L = 2; L < 9; L++)
        for (double beta = -1.3; beta < 2; beta += 0.37)
            assert_close(kad_exact_spin_ring(1, L, beta),
                         log(pow(cosh(beta), L) + pow(sinh(beta), L)), 1e-13);
    /* XY 2 x 2 and its tabulated value; n = 3 at L = 2: the mean of exp(2 beta s.s') */
    assert_close(kad_exact_spin_ring(2, 4, 2 * 0.5), 1.0203191668, 5.1e-11);
    for (double beta = 0.1; beta < 40; beta *= 2)
        assert_close(kad_exact_spin_ring(3, 2, beta), log(sinh(2 * beta) / (2 * beta)),
                     1e-12);
    for (double beta = 0.1; beta < 900; beta *= 3)
        assert_close(kad_exact_spin_ring(2, 2, beta), kad_spin_ln_weight(2, 2 * beta),
                     1e-11 * beta + 1e-13);
    /* phi^4: published values at 2 x 2 */
    assert_int_equal(kad_exact_phi4_ring(&ctx, 1, 4, 4, 0, 6.975, &ln_z), KAD_OK);
    assert_close(ln_z, 1.1731847108, 5.1e-11);
    assert_int_equal(kad_exact_phi4_ring(&ctx, 2, 4, 0.8, 0, 0.5, &ln_z), KAD_OK);
    assert_close(ln_z - 4 * 0.5, 3.9422590666, 5.1e-11);
    assert_int_equal(kad_exact_phi4_ring(&ctx, 2, 4, 1.2, -1, 1, &ln_z), KAD_OK);
    assert_close(ln_z - 4, 3.8573340633, 5.1e-11);
    /* an almost free field: first order in lambda, <|phi|^4> = (n^2 + 2n) G^2 */
    kad_lattice *l = lattice_of(1, 5, 0, 0);
    double G[5];
    kad_exact_free_propagator(l, 0.7, 1.4, G);
    for (int n = 1; n <= 3; n++) {
        const double lambda = 1e-6;
        assert_int_equal(kad_exact_phi4_ring(&ctx, n, 5, 0.7, 1.4, lambda, &ln_z),
                         KAD_OK);
        assert_close(ln_z,
                     kad_exact_free_ln_z(l, n, 0.7, 1.4) -
                         5 * lambda * (n * n + 2 * n) * G[0] * G[0],
                     1e-10);
    }
    assert_int_equal(kad_exact_ring_length(l, &factor), 5);
    kad_lattice_destroy(l);
    l = lattice_of(2, 2, 2, 0);
    assert_int_equal(kad_exact_ring_length(l, &factor), 4);
    assert_true(factor == 2);
    kad_lattice_destroy(l);
    l = lattice_of(2, 2, 4, 0);
    assert_int_equal(kad_exact_ring_length(l, &factor), 0);
    kad_lattice_destroy(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(kaufman_table),
                                       cmocka_unit_test(kaufman_derivatives),
                                       cmocka_unit_test(kaufman_against_transfer_matrix),
                                       cmocka_unit_test(random_bonds),
                                       cmocka_unit_test(enumeration_table),
                                       cmocka_unit_test(free_field_table),
                                       cmocka_unit_test(rings)};
    return cmocka_run_group_tests_name(
        "exact results: tables, and independent computations of the same", tests, NULL,
        NULL);
}

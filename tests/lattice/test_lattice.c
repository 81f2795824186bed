/* Lattice: numbering, neighbours, parity, levels, refusals. */
#include "lattice/orbits.h"
#include "tests/support/models_util.h"

static kad_lattice *make(int d, const int *shape)
{
    kad_ctx ctx;
    kad_lattice *lattice;
    kad_ctx_init(&ctx, 1);
    assert_int_equal(kad_lattice_create(&ctx, d, shape, &lattice), KAD_OK);
    return lattice;
}

static const int SHAPES[][KAD_MAX_DIM] = {{2},    {7},      {2, 2},    {3, 4},
                                          {6, 5}, {16, 16}, {2, 3, 4}, {4, 4, 4}};

static int dimension(const int *shape)
{
    return shape[1] == 0 ? 1 : shape[2] == 0 ? 2 : 3;
}

static void sites_and_coordinates(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof SHAPES / sizeof *SHAPES; i++) {
        kad_lattice *l = make(dimension(SHAPES[i]), SHAPES[i]);
        for (int s = 0; s < l->n_sites; s++) {
            int x[KAD_MAX_DIM];
            kad_lattice_coords(l, s, x);
            assert_int_equal(kad_lattice_site(l, x), s);
            assert_int_equal(s, (x[0] * l->shape[1] + x[1]) * l->shape[2] + x[2]);
            for (int a = 0; a < l->d; a++)
                x[a] -= 3 * l->shape[a];
            assert_int_equal(kad_lattice_site(l, x), s);
        }
        kad_lattice_destroy(l);
    }
}

static void neighbours_are_mutual(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof SHAPES / sizeof *SHAPES; i++) {
        kad_lattice *l = make(dimension(SHAPES[i]), SHAPES[i]);
        for (int s = 0; s < l->n_sites; s++)
            for (int a = 0; a < l->d; a++) {
                const int *nb = l->nbr + 2 * (s * l->d + a);
                int x[KAD_MAX_DIM], y[KAD_MAX_DIM];
                kad_lattice_coords(l, s, x);
                kad_lattice_coords(l, nb[0], y);
                assert_int_equal((x[a] + 1) % l->shape[a], y[a]);
                assert_int_equal(l->nbr[2 * (nb[0] * l->d + a) + 1], s);
                if (l->shape[a] == 2) assert_int_equal(nb[0], nb[1]);
                if (l->bipartite) assert_int_not_equal(l->parity[s], l->parity[nb[0]]);
            }
        kad_lattice_destroy(l);
    }
}

static void levels(void **state)
{
    (void)state;
    const struct {
        int shape[3], n_levels, bipartite;
    } cases[] = {{{16, 16}, 4, 1}, {{6, 6}, 1, 1},    {{14}, 1, 1},
                 {{7}, 0, 0},      {{16, 8}, 3, 1},   {{2}, 1, 1},
                 {{12, 6}, 1, 1},  {{4, 4, 2}, 1, 1}, {{4, 3}, 0, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kad_lattice *l = make(dimension(cases[i].shape), cases[i].shape);
        assert_int_equal(l->n_levels, cases[i].n_levels);
        assert_int_equal(l->bipartite, cases[i].bipartite);
        kad_lattice_destroy(l);
    }
}

static void khat2(void **state)
{
    (void)state;
    kad_lattice *l = make(2, (int[]){8, 6});
    for (int m = 0; m < l->n_sites; m++) {
        int k[KAD_MAX_DIM];
        kad_lattice_coords(l, m, k);
        const double e = 4 - 2 * cos(2 * M_PI * k[0] / 8) - 2 * cos(2 * M_PI * k[1] / 6);
        assert_close(kad_lattice_khat2(l, m), e, 1e-14);
    }
    kad_lattice_destroy(l);
}

/* The shortest way among all images; a representative is the least, or the largest, of
 * all that reflections and exchanges of equal axes make. */
static void separations(void **state)
{
    (void)state;
    kad_lattice *l = make(2, (int[]){6, 5});
    for (double x = 0; x < 6; x += 0.5)
        for (double y = 0; y < 5; y += 0.5) {
            const double a[2] = {1.5, 4}, b[2] = {x, y};
            double least = INFINITY;
            for (int i = -1; i <= 1; i++)
                for (int j = -1; j <= 1; j++)
                    least = fmin(least, pow(x - 1.5 + 6 * i, 2) + pow(y - 4 + 5 * j, 2));
            assert_true(kad_lattice_distance2(l, a, b) == least);
        }
    kad_lattice_destroy(l);
    l = make(2, (int[]){8, 8});
    /* (0,1) and (1,1): one block; (0,1) and (0,3): cousins; (0,1) and (0,7) by the root */
    assert_int_equal(kad_lattice_tree_distance(l, 1, 0, 9, 0), 0);
    assert_int_equal(kad_lattice_tree_distance(l, 1, 0, 3, 0), 2);
    assert_int_equal(kad_lattice_tree_distance(l, 1, 0, 7, 0), 4);
    assert_int_equal(kad_lattice_tree_distance(l, 1, 0, 2, 1), 1);
    assert_int_equal(kad_lattice_tree_distance(l, 1, 0, 4, 2), 2);
    kad_lattice_destroy(l);
    l = make(3, (int[]){4, 6, 4});
    int down[3] = {1, 5, 2}, up[3] = {3, 5, 1};
    kad_orbit_fold(l, false, down);
    kad_orbit_fold(l, true, up);
    assert_memory_equal(down, ((int[]){2, 1, 1}), sizeof down);
    assert_memory_equal(up, ((int[]){1, 1, 1}), sizeof up);
    down[0] = 1, down[2] = 2;
    kad_orbit_fold(l, true, down);
    assert_memory_equal(down, ((int[]){1, 1, 2}), sizeof down);
    kad_lattice_destroy(l);
}

static void refusals(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_lattice *l = (kad_lattice *)&ctx;
    kad_ctx_init(&ctx, 1);
    assert_int_equal(kad_lattice_create(&ctx, 0, (int[]){4}, &l), KAD_ECONFIG);
    assert_null(l);
    assert_int_equal(kad_lattice_create(&ctx, 4, (int[]){4, 4, 4, 4}, &l), KAD_ECONFIG);
    assert_int_equal(kad_lattice_create(&ctx, 2, (int[]){4, 1}, &l), KAD_ECONFIG);
    assert_int_equal(kad_lattice_create(&ctx, 2, (int[]){-4, -4}, &l), KAD_ECONFIG);
    assert_int_equal(kad_lattice_create(&ctx, 2, (int[]){4097, 4096}, &l), KAD_ECONFIG);
    assert_int_equal(kad_lattice_create(&ctx, 3, (int[]){65536, 65536, 4}, &l),
                     KAD_ECONFIG);
    assert_int_equal(
        kad_lattice_create(&ctx, 3, (int[]){2147483647, 2147483647, 2147483647}, &l),
        KAD_ECONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sites_and_coordinates),
                                       cmocka_unit_test(neighbours_are_mutual),
                                       cmocka_unit_test(levels),
                                       cmocka_unit_test(khat2),
                                       cmocka_unit_test(refusals),
                                       cmocka_unit_test(separations)};
    return cmocka_run_group_tests_name(
        "lattice: row-major sites, mutual neighbours, parity, levels, separations", tests,
        NULL, NULL);
}

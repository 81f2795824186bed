/* Densities averaged over images of the lattice. */
#include "tests/support/claim.h"
#include "tests/support/model_case.h"

#include "base/memory.h"
#include "base/tile.h"

enum { MAX_KEYS = 10 };
#define DUAL "action.name=on-dual", "action.temperature=2.269185314213022"
#define PHI4 "action.name=phi4", "action.form=albergo", "action.m2=-4", "action.lambda=6"

/* ln q [n] as the mean over images and signs of ln q0 at images made by hand: shifts by 0 or
 * 1, the last axis first. y [n][n_rows]. */
static void naive_average(kad_ctx *ctx, const kad_model *model, const kad_map *map,
                          int n_images, bool sign, const double *y, double *lnq)
{
    enum { N = 70 };
    const kad_lattice *l = model->lattice;
    const size_t n_comp = (size_t)model->flow->n_comp,
                 n_rows = (size_t)model->flow->n_rows;
    double *image = kad_alloc(N * n_rows, 8), one[N], sum[N] = {0};
    for (int k = 0; k < n_images * (sign ? 2 : 1); k++) {
        for (int site = 0; site < l->n_sites; site++) {
            int r[KAD_MAX_DIM] = {0};
            kad_lattice_coords(l, site, r);
            for (int mu = 0; mu < l->d; mu++)
                r[l->d - 1 - mu] += k >> mu & 1;
            const size_t from = (size_t)kad_lattice_site(l, r) * n_comp;
            for (size_t i = 0; i < N; i++)
                for (size_t c = 0; c < n_comp; c++)
                    image[i * n_rows + (size_t)site * n_comp + c] =
                        (k < n_images ? 1 : -1) * y[i * n_rows + from + c];
        }
        assert_int_equal(kad_map_lnq(ctx, map, N, KAD_DOUBLE, image, one, NULL), KAD_OK);
        for (int i = 0; i < N; i++)
            sum[i] += exp(one[i]) / (n_images * (sign ? 2 : 1));
    }
    for (int i = 0; i < N; i++)
        lnq[i] = log(sum[i]);
    kad_free(image);
}

/* q is the mean of q0 over the images, and a density: by draws of either,
 * E_q0[q/q0] = E_q[q0/q] = 1. */
static void averages_over_images_are_densities(void **state)
{
    (void)state;
    enum { N = 70, MANY = 4000, N_IMAGES = 4 };
    static const char *const keys[][MAX_KEYS] = {
        {DUAL, "lattice.shape=[3, 4]", "flow.recipe=neuralrg"},
        {DUAL, "lattice.shape=[4, 4]", "action.components=2", "flow.average=4"},
    };
    for (int i = 0; i < 4; i++) {
        kad_ctx ctx;
        kad_model *model;
        kad_map *map, *averaged;
        kad_mixture *mixture;
        const bool sign = i % 2 != 0;
        kad_ctx_init(&ctx, 2);
        assert_int_equal(test_model(&ctx, keys[i / 2], &model), KAD_OK);
        double *theta = test_theta(model->flow, 3, 0.02);
        double *y = kad_alloc(MANY * (size_t)model->flow->n_rows, 8);
        double *own = kad_alloc(MANY, 8), *other = kad_alloc(MANY, 8), naive[N];
        double *latents[2];
        for (int k = 0; k < 2; k++)
            latents[k] = kad_alloc(N * (size_t)model->flow->n_rows, 8);
        assert_int_equal(kad_mixture_create(&ctx, model->lattice, model->flow->active,
                                            N_IMAGES, sign, &mixture),
                         KAD_OK);
        assert_int_equal(kad_map_create(&ctx, model->flow, theta, NULL, &map), KAD_OK);
        assert_int_equal(kad_map_create(&ctx, model->flow, theta, mixture, &averaged),
                         KAD_OK);
        for (int k = 0; k < 2; k++) {
            double sum = 0, square = 0;
            assert_int_equal(kad_map_draw(&ctx, k == 0 ? map : averaged, 9, KAD_RNG_TEST,
                                          0, MANY, KAD_DOUBLE, k == 1, y, own, NULL),
                             KAD_OK);
            assert_int_equal(kad_map_lnq(&ctx, k == 0 ? averaged : map, MANY, KAD_DOUBLE,
                                         y, other, NULL),
                             KAD_OK);
            for (int s = 0; s < MANY; s++) {
                const double ratio = exp(other[s] - own[s]);
                sum += ratio / MANY;
                square += ratio * ratio / MANY;
            }
            const double err = sqrt((square - sum * sum) / MANY);
            if (!(err > 1e-4 && fabs(sum - 1) < 4.5 * err))
                fail_msg("case %d, draws of %s: mean ratio %g(%g)", i,
                         k == 0 ? "q0" : "q", sum, err);
            assert_int_equal(
                kad_map_lnq(&ctx, averaged, N, KAD_DOUBLE, y, naive, latents[0]), KAD_OK);
            assert_int_equal(
                kad_map_lnq(&ctx, averaged, N, KAD_DOUBLE, y, NULL, latents[1]), KAD_OK);
            assert_memory_equal(latents[0], latents[1],
                                N * (size_t)model->flow->n_rows * sizeof *y);
            naive_average(&ctx, model, map, N_IMAGES, sign, y, naive);
            const double worst = test_distance(N, naive, k == 0 ? other : own);
            if (!(worst < 1e-10)) fail_msg("case %d: ln q off by %g", i, worst);
        }
        kad_free(theta);
        kad_free(y);
        kad_free(own);
        kad_free(other);
        kad_free(latents[0]);
        kad_free(latents[1]);
        kad_map_destroy(map);
        kad_map_destroy(averaged);
        kad_mixture_destroy(mixture);
        kad_model_destroy(model);
    }
}

/* Images are permutations, no two alike, the first none, and leave a sublattice in place; of
 * a chain of two sites there are two. */
static void images_leave_active_sites_in_place(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_model *model;
    kad_mixture *mixture;
    const char *const keys[] = {PHI4, "lattice.shape=[4, 6]", "flow.average=8", NULL};
    const char *const chain[] = {DUAL, "lattice.shape=[2]", "flow.average=3", NULL};
    kad_ctx_init(&ctx, 1);
    assert_int_equal(test_model(&ctx, keys, &model), KAD_OK);
    mixture = model->mixture;
    assert_true(model->decimated);
    assert_int_equal(kad_mixture_terms(mixture), 8);
    for (int k = 0; k < 8; k++) {
        double y[24], work[24];
        int seen[24] = {0}, term[KAD_W_MAX];
        char *tile = kad_alloc(24, KAD_ROW_BYTES), *back = kad_alloc(24, KAD_ROW_BYTES);
        for (int i = 0; i < 24; i++) {
            const int from = mixture->from[24 * k + i];
            seen[from]++;
            assert_int_equal(model->flow->active[i], model->flow->active[from]);
            y[i] = i;
            if (k == 0) assert_int_equal(from, i);
        }
        for (int i = 0; i < 24; i++)
            assert_int_equal(seen[i], 1);
        for (int m = 0; m < k; m++)
            assert_memory_not_equal(mixture->from + 24 * k, mixture->from + 24 * m,
                                    24 * sizeof *mixture->from);
        for (int l = 0; l < KAD_W_MAX; l++)
            term[l] = k;
        kad_mixture_undo(mixture, k, 1, y, work);
        kad_tile_repeat(KAD_SINGLE, 24, 0, 1, y, tile);
        kad_mixture_apply(mixture, KAD_SINGLE, NULL, term, 1, tile, back);
        for (int i = 0; i < 24; i++)
            assert_true(((float *)back)[i * KAD_W_SINGLE + 5] == (float)i);
        kad_free(tile);
        kad_free(back);
    }
    kad_model_destroy(model);
    assert_int_equal(test_model(&ctx, chain, &model), KAD_ECONFIG);
    assert_non_null(strstr(ctx.message, "flow.average: 3, but this lattice has 2"));
}

/* Large lattices of the stencil recipe are averaged; not where sites differ. */
static void the_recipe_averages_large_lattices_and_seams(void **state)
{
    (void)state;
    static const struct {
        const char *keys[MAX_KEYS];
        int n;
    } all[] = {
        {{DUAL, "lattice.shape=[16, 16]"}, 4},
        {{PHI4, "lattice.shape=[16, 16]"}, 4},
        {{DUAL, "lattice.shape=[14, 16]"}, 4},
        {{DUAL, "lattice.shape=[3, 3, 2]"}, 4},
        {{PHI4, "lattice.shape=[6, 2]"}, 1},
        {{PHI4, "lattice.shape=[6, 2]", "flow.decimation=false"}, 4},
        {{PHI4, "lattice.shape=[3, 3]"}, 4},
        {{DUAL, "lattice.shape=[8, 4]"}, 1},
        {{DUAL, "lattice.shape=[256]"}, 1},
        {{DUAL, "lattice.shape=[3]"}, 1},
        {{DUAL, "lattice.shape=[16, 16]", "flow.recipe=neuralrg"}, 1},
        {{DUAL, "lattice.shape=[16, 16]", "flow.average=2"}, 2},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        kad_ctx ctx;
        kad_model *model;
        kad_ctx_init(&ctx, 1);
        assert_int_equal(test_model(&ctx, all[i].keys, &model), KAD_OK);
        assert_int_equal(model->mixture->n, all[i].n);
        kad_model_destroy(model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(averages_over_images_are_densities),
        cmocka_unit_test(images_leave_active_sites_in_place),
        cmocka_unit_test(the_recipe_averages_large_lattices_and_seams),
    };
    return cmocka_run_group_tests_name("averages over images", tests, NULL, NULL);
}

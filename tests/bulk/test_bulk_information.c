/* Information, receptive fields and densities where they are known: a free field under the
 * fixed Haar flow. */
#include "bulk/coarse.h"
#include "bulk/mutual.h"
#include "bulk/pairs.h"
#include "bulk/receptive.h"
#include "flow/cone.h"
#include "tests/bulk/haar_case.h"

/* --- information --------------------------------------------------------------------- */

/* Mean exact information of the pairs of every bin of levels and separation; those of the
 * analysis agree within their errors, Kraskov's estimate of the strongest class with the
 * largest exact one. */
static void information_of_a_free_field(void **state)
{
    (void)state;
    haar_case t;
    kad_pairs *pairs;
    kad_h5 *file;
    enum { MAX = 512 };
    size_t dims[KAD_H5_MAX_RANK];
    int rank;
    haar_open(&t);
    const size_t N = (size_t)t.model->lattice->n_sites;
    assert_int_equal(kad_pairs_create(&t.scope, t.bulk, 3, &pairs), KAD_OK);
    assert_int_equal(kad_h5_create(&t.ctx, &file), KAD_OK);
    if (kad_bulk_mutual(&t.ctx, t.bulk, file) != KAD_OK) fail_msg("%s", t.ctx.message);
    assert_int_equal(
        kad_h5_shape(&t.ctx, file, "/bulk/mutual/series/gaussian", &rank, dims), KAD_OK);
    assert_int_equal(rank, 3);
    const size_t n = dims[0], n_cells = dims[2];
    double *series = kad_alloc(n * n_cells, sizeof *series), r[MAX], knn[MAX],
           err_knn[MAX], null[MAX];
    int64_t a[MAX], b[MAX];
    assert_true(n < MAX && n > 5);
    assert_int_equal(kad_h5_read(&t.ctx, file, "/bulk/mutual/series/gaussian", KAD_H5_F64,
                                 3, dims, series),
                     KAD_OK);
    assert_int_equal(kad_h5_read(&t.ctx, file, "/bulk/mutual/r", KAD_H5_F64, 1, &n, r),
                     KAD_OK);
    assert_int_equal(
        kad_h5_read(&t.ctx, file, "/bulk/mutual/knn", KAD_H5_F64, 1, &n, knn), KAD_OK);
    assert_int_equal(
        kad_h5_read(&t.ctx, file, "/bulk/mutual/knn_err", KAD_H5_F64, 1, &n, err_knn),
        KAD_OK);
    assert_int_equal(
        kad_h5_read(&t.ctx, file, "/bulk/mutual/knn_null", KAD_H5_F64, 1, &n, null),
        KAD_OK);
    assert_int_equal(
        kad_h5_read(&t.ctx, file, "/bulk/mutual/level_a", KAD_H5_I64, 1, &n, a), KAD_OK);
    assert_int_equal(
        kad_h5_read(&t.ctx, file, "/bulk/mutual/level_b", KAD_H5_I64, 1, &n, b), KAD_OK);
    for (size_t i = 0; i < n; i++) {
        double exact = 0, count = 0, largest = 0, mean, err;
        for (int k = 0; k < pairs->n; k++)
            for (int l = k; l < pairs->n; l++) {
                const int32_t code = pairs->class_of[kad_pair_at(pairs, k, l)];
                const kad_pair_bin *bin = &pairs->bin[pairs->bin_of[code >> 1]];
                const size_t x = (size_t)pairs->site[k], y = (size_t)pairs->site[l];
                if (bin->self || bin->level_a != a[i] || bin->level_b != b[i] ||
                    bin->r != r[i])
                    continue;
                const double c2 =
                    t.C[x * N + y] * t.C[x * N + y] / (t.C[x * N + x] * t.C[y * N + y]);
                exact -= 0.5 * log(1 - c2);
                largest = fmax(largest, -0.5 * log(1 - c2));
                count++;
            }
        exact /= count;
        of_series(n_cells, series + i * n_cells, &mean, &err);
        print_message(
            "# %d %d r %.2f: %.6f +- %.6f, exact %.6f; %.4f +- %.4f, exact %.4f\n",
            (int)a[i], (int)b[i], r[i], mean, err, exact, knn[i], err_knn[i], largest);
        /* beside the linear error: the quadratic part, 1/(2 n) a pair at most */
        assert_true(fabs(mean - exact) < 5.85 * (err + 0.5 / N_FREE));
        /* Kraskov: 8 x 1000 points; beside the error its bias, below 0.02 */
        assert_true(fabs(knn[i] - largest) < 6 * err_knn[i] + 0.03);
        assert_true(fabs(null[i]) < 6 * err_knn[i] + 0.03);
    }
    kad_h5_close(file);
    kad_free(series);
    haar_close(&t);
}

static double gauss_of(kad_ctx *ctx, size_t n, const int *site, size_t n_a,
                       const haar_case *t, bool latents)
{
    const size_t N = (size_t)t->model->lattice->n_sites;
    double *cov = kad_alloc(n * n, sizeof *cov), out;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            int a[KAD_MAX_DIM], b[KAD_MAX_DIM];
            kad_lattice_coords(t->model->lattice, site[i], a);
            kad_lattice_coords(t->model->lattice, site[j], b);
            for (int mu = 0; mu < KAD_MAX_DIM; mu++)
                b[mu] -= a[mu];
            cov[i * n + j] = latents ? t->C[(size_t)site[i] * N + (size_t)site[j]]
                                     : t->G[kad_lattice_site(t->model->lattice, b)];
        }
    assert_int_equal(kad_mutual_gauss(ctx, n_a, n - n_a, cov, &out, NULL), KAD_OK);
    kad_free(cov);
    return out;
}

/* I(A:B) of the free field exactly, and of the four block sums that meet at the cut: the
 * Haar tree decouples nothing more, so the first is larger. */
static void bottleneck_of_a_free_field(void **state)
{
    (void)state;
    haar_case t;
    kad_h5 *file;
    int site[64], level;
    double boundary[1024], cut[1024], knn, knn_err, mean, err;
    size_t dims[KAD_H5_MAX_RANK];
    int rank;
    haar_open(&t);
    for (int i = 0; i < 64; i++)
        site[i] = i;
    const double exact = gauss_of(&t.ctx, 64, site, 32, &t, false);
    /* block sums over 4 x 4 sites: covariance from G */
    double cov[16] = {0}, exact_cut;
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++)
            for (int k = 0; k < 256; k++) {
                const int x[KAD_MAX_DIM] = {4 * (j / 2 - i / 2) + k / 64 - k / 16 % 4,
                                            4 * (j % 2 - i % 2) + k / 4 % 4 - k % 4};
                cov[4 * i + j] += t.G[kad_lattice_site(t.model->lattice, x)];
            }
    assert_int_equal(kad_mutual_gauss(&t.ctx, 2, 2, cov, &exact_cut, NULL), KAD_OK);
    assert_int_equal(kad_bottleneck_level(&t.ctx, t.model->flow, &level), KAD_OK);
    assert_int_equal(level, 2);
    assert_int_equal(kad_h5_create(&t.ctx, &file), KAD_OK);
    if (kad_bulk_bottleneck(&t.ctx, t.bulk, file) != KAD_OK)
        fail_msg("%s", t.ctx.message);
    assert_int_equal(
        kad_h5_shape(&t.ctx, file, "/bulk/bottleneck/series/cut", &rank, dims), KAD_OK);
    assert_int_equal(kad_h5_read(&t.ctx, file, "/bulk/bottleneck/series/cut", KAD_H5_F64,
                                 2, dims, cut),
                     KAD_OK);
    assert_int_equal(kad_h5_read(&t.ctx, file, "/bulk/bottleneck/series/boundary",
                                 KAD_H5_F64, 2, dims, boundary),
                     KAD_OK);
    assert_int_equal(
        kad_h5_read(&t.ctx, file, "/bulk/bottleneck/cut_knn", KAD_H5_F64, 0, NULL, &knn),
        KAD_OK);
    assert_int_equal(kad_h5_read(&t.ctx, file, "/bulk/bottleneck/cut_knn_err", KAD_H5_F64,
                                 0, NULL, &knn_err),
                     KAD_OK);
    of_series(dims[1], boundary, &mean, &err);
    print_message("# I(A:B) %.5f +- %.5f, exact %.5f\n", mean, err, exact);
    /* the bias of second order: 35 numbers C(r) of n samples each */
    assert_true(fabs(mean - exact) < 5.85 * err + 35.0 / N_FREE);
    of_series(dims[1], cut, &mean, &err);
    print_message("# I(a:b) %.5f +- %.5f, exact %.5f, Kraskov %.4f +- %.4f\n", mean, err,
                  exact_cut, knn, knn_err);
    assert_true(fabs(mean - exact_cut) < 5.85 * err + 4.0 / (2 * N_FREE));
    /* bias in 2 + 2 dimensions at 2000 points: a few per cent of I */
    assert_true(fabs(knn - exact_cut) < 6 * knn_err + 0.05 * exact_cut);
    assert_true(exact > exact_cut);
    kad_h5_close(file);
    haar_close(&t);
}

/* A network with disentanglers has no bottleneck, a spectrum neither. */
static void no_bottleneck(void **state)
{
    (void)state;
    const char *const mera[] = {FREE, "lattice.shape=[8,8]", "flow.recipe=neuralrg",
                                NULL};
    const char *const base[] = {FREE, "lattice.shape=[8,8]", "flow.recipe=fourier", NULL};
    const char *const *cases[] = {mera, base};
    for (int i = 0; i < 2; i++) {
        kad_ctx ctx;
        int level;
        kad_ctx_init(&ctx, 1);
        kad_model *model = open_model(&ctx, cases[i]);
        assert_int_equal(kad_bottleneck_level(&ctx, model->flow, &level), KAD_OK);
        assert_int_equal(level, 0);
        kad_model_destroy(model);
    }
}

/* --- receptive fields ---------------------------------------------------------------- */

/* Haar: a latent of level h reaches the 4^(h+1) sites of its block with +-2^-(h+1), all
 * others exactly not. */
static void receptive_fields_of_haar(void **state)
{
    (void)state;
    haar_case t;
    kad_receptive *r;
    haar_open(&t);
    assert_int_equal(kad_receptive_create(&t.scope, t.bulk, 8, true, &r), KAD_OK);
    assert_false(r->boundary);
    for (int h = 0; h < r->n_levels; h++) {
        const kad_receptive_level *level = &r->level[h];
        const int top = h == r->n_levels - 1, extent = top ? 8 : 2 << h;
        assert_int_equal(level->n_classes, top ? 1 : 3);
        for (int k = 0; k < level->n_classes; k++)
            for (int d = 0; d < 64; d++) {
                int x[KAD_MAX_DIM], j[KAD_MAX_DIM];
                kad_lattice_coords(t.model->lattice, d, x);
                kad_lattice_coords(t.model->lattice, level->site[k], j);
                const int inside =
                    (x[0] + j[0]) % 8 < extent && (x[1] + j[1]) % 8 < extent;
                const double s = level->strength[k * 64 + d],
                             w = level->wavelet[k * 64 + d];
                assert_true(level->count[k * 64 + d] > 0);
                if (inside) {
                    assert_true(fabs(s - 1.0 / extent) < 1e-14);
                    assert_true(fabs(fabs(w) - 1.0 / extent) < 1e-14);
                } else {
                    assert_true(s == 0 && w == 0);
                }
            }
    }
    haar_close(&t);
}

/* Random networks: exactly nothing outside the generation cone, and not nothing inside. */
static void receptive_fields_stay_in_the_cone(void **state)
{
    (void)state;
#define PHI4                                                                      \
    "action.name=phi4", "action.form=albergo", "action.m2=-4", "action.lambda=7", \
        "lattice.shape=[8,8]", "flow.spectrum=none", "flow.decimation=false"
    static const char *const mera[] = {PHI4, "flow.recipe=neuralrg", NULL};
    static const char *const stencil[] = {PHI4,
                                          "flow.recipe=stencil",
                                          "flow.sources=4",
                                          "flow.refinements=0",
                                          "flow.refinements_finest=0",
                                          NULL};
    const char *const *const cases[] = {mera, stencil};
    for (int i = 0; i < 2; i++) {
        kad_ctx ctx;
        kad_bulk *bulk;
        kad_receptive *r;
        kad_cone *cone;
        kad_cone_state *moving;
        int outside = 0, inside = 0, silent = 0;
        kad_ctx_init(&ctx, 2);
        KAD_SCOPE(scope, &ctx);
        kad_model *model = open_model(&ctx, cases[i]);
        double *theta = test_theta(model->flow, 11, 0.2);
        const size_t n_rows = (size_t)model->flow->n_rows;
        assert_int_equal(kad_bulk_create_null(&scope, NULL, model, theta, 64, &bulk),
                         KAD_OK);
        assert_int_equal(kad_receptive_create(&scope, bulk, 8, false, &r), KAD_OK);
        assert_int_equal(kad_cone_create(&ctx, model->flow, &cone), KAD_OK);
        assert_int_equal(kad_cone_state_create(
                             &ctx, cone, kad_map_packed(bulk->map, KAD_DOUBLE), &moving),
                         KAD_OK);
        double *z = kad_alloc(n_rows * W, sizeof *z), to[W], dld[W];
        const uint8_t keep[W] = {0};
        for (size_t q = 0; q < n_rows * W; q++)
            z[q] = test_normal(80, q, 0);
        kad_cone_begin(moving, z);
        for (int h = 0; h < r->n_levels; h++)
            for (int k = 0; k < r->level[h].n_classes; k++) {
                const int j = r->level[h].site[k];
                uint8_t reached[64] = {0};
                for (int l = 0; l < W; l++)
                    to[l] = z[(size_t)j * W + (size_t)l] + 0.5;
                kad_cone_move(moving, j, to, dld);
                for (int s = 0; s < moving->n_sites; s++)
                    reached[moving->sites[s]] = 1;
                kad_cone_settle(moving, keep);
                for (int d = 0; d < 64; d++) {
                    int x[KAD_MAX_DIM], y[KAD_MAX_DIM];
                    kad_lattice_coords(model->lattice, d, x);
                    kad_lattice_coords(model->lattice, j, y);
                    for (int mu = 0; mu < KAD_MAX_DIM; mu++)
                        x[mu] += y[mu];
                    const double s = r->level[h].strength[k * 64 + d];
                    if (reached[kad_lattice_site(model->lattice, x)]) {
                        inside++;
                        silent += s == 0;
                    } else {
                        outside++;
                        if (s != 0)
                            fail_msg("case %d: level %d, strength %g outside the cone", i,
                                     h, s);
                    }
                }
            }
        print_message("# case %d: %d inside (%d silent), %d outside\n", i, inside, silent,
                      outside);
        assert_true(inside > 100 && outside > 100 && silent == 0);
        kad_free(z);
        kad_cone_state_destroy(moving);
        kad_cone_destroy(cone);
        kad_model_destroy(model);
        kad_free(theta);
    }
}

/* --- densities ----------------------------------------------------------------------- */

static void read_series(kad_ctx *ctx, kad_h5 *file, const char *path, size_t *n,
                        size_t *n_cells, double **out)
{
    size_t dims[KAD_H5_MAX_RANK];
    int rank;
    assert_int_equal(kad_h5_shape(ctx, file, path, &rank, dims), KAD_OK);
    *n = 1;
    for (int i = 0; i < rank - 2; i++)
        *n *= dims[i];
    assert_int_equal(dims[rank - 2], 1);
    *n_cells = dims[rank - 1];
    *out = kad_alloc(*n * *n_cells, sizeof **out);
    assert_int_equal(kad_h5_read(ctx, file, path, KAD_H5_F64, rank, dims, *out), KAD_OK);
}

/* Fields of a linear flow of a free field are Gaussian at every level. */
static void densities_of_gaussians(void **state)
{
    (void)state;
    haar_case t;
    kad_h5 *file;
    double *series, mean, err;
    size_t n, n_cells, tested = 0;
    haar_open(&t);
    assert_int_equal(kad_h5_create(&t.ctx, &file), KAD_OK);
    if (kad_bulk_fields(&t.ctx, t.bulk, file) != KAD_OK) fail_msg("%s", t.ctx.message);
    read_series(&t.ctx, file, "/bulk/densities/series/density", &n, &n_cells, &series);
    assert_int_equal(n, 4 * KAD_DENSITY_BINS);
    for (size_t i = 0; i < n; i++) {
        const double lo = -4 + 0.125 * (double)(i % KAD_DENSITY_BINS), hi = lo + 0.125;
        const double exact = 0.5 * (erf(hi / sqrt(2)) - erf(lo / sqrt(2))) / 0.125;
        of_series(n_cells, series + i * n_cells, &mean, &err);
        if (exact * 0.125 * N_FREE < 200) continue; /* counts: not normal */
        tested++;
        /* the unit is estimated too: 2 / (n sites) of its square, seen by the tails */
        assert_true(fabs(mean - exact) < 5.85 * hypot(err, 0.01 * exact));
    }
    assert_true(tested > 100);
    kad_free(series);
    read_series(&t.ctx, file, "/bulk/densities/series/kurtosis", &n, &n_cells, &series);
    for (size_t i = 0; i < n; i++) {
        of_series(n_cells, series + i * n_cells, &mean, &err);
        assert_true(fabs(mean - 1) < 5.85 * err);
    }
    kad_free(series);
    read_series(&t.ctx, file, "/bulk/densities/series/correlator", &n, &n_cells, &series);
    for (size_t r = 0; r <= 4; r++) { /* level 0: the boundary */
        of_series(n_cells, series + r * n_cells, &mean, &err);
        assert_true(fabs(mean - t.G[r] / t.G[0]) < 5.85 * err + 1e-12);
    }
    kad_free(series);
    kad_h5_close(file);
    haar_close(&t);
}

int main(void)
{
    const struct CMUnitTest kad[] = {
        CLAIM("mutual: free field under the Haar flow", information_of_a_free_field),
        CLAIM("bottleneck: free field under the Haar tree", bottleneck_of_a_free_field),
        CLAIM("bottleneck: none with disentanglers or a spectrum", no_bottleneck),
        CLAIM("receptive: the Haar wavelets", receptive_fields_of_haar),
        CLAIM("receptive: exactly nothing outside the generation cone",
              receptive_fields_stay_in_the_cone),
        CLAIM("densities: Gaussian fields at every level", densities_of_gaussians),
    };
    return cmocka_run_group_tests(kad, NULL, NULL);
}

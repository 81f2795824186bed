/* Latents of boundary configurations and their correlations, against what is exact. */
#include "analysis/geodesics.h"
#include "bulk/correlators.h"
#include "tests/bulk/bulk_util.h"

/* Untrained maps: couplings start at the identity (zero_last), or at random weights. */
#define IDENTITY                                                                      \
    "flow: {recipe: custom, hierarchy: mera, haar: false, couplings: 2, decimation: " \
    "false}\n"
#define HAAR                                                                         \
    "flow: {recipe: custom, hierarchy: mera, haar: true, couplings: 2, decimation: " \
    "false}\n"
#define RANDOM(symmetry)                                                       \
    "flow: {recipe: custom, hierarchy: mera, couplings: 2, zero_last: false, " \
    "symmetry: " symmetry ", decimation: false}\n"
#define FREE "action: {name: phi4, form: albergo, m2: 0.25, lambda: 0}\n"

static void identity_is_the_boundary(void **state)
{
    (void)state;
    bulk_case b;
    kad_bulk *bulk;
    bulk_case_make(&b, "lattice: {shape: [8, 8]}\n" FREE IDENTITY);
    assert_ok(
        &b, kad_bulk_create_null(&b.scope, &b.options.bulk, b.model, b.theta, 40, &bulk));
    for (size_t i = 0; i < bulk->n * bulk->n_rows; i++)
        assert_true(fabs(bulk->z[i] - bulk->x[i]) < 1e-14);
    for (size_t i = 0; i < bulk->n; i++)
        assert_true(fabs(bulk->log_det[i]) < 1e-12);
    bulk_case_clear(&b);
}

/* S_eff(z) = S(y(z)) - ln|det|: the parts from inference are those of generation. */
static void parts_agree_with_generation(void **state)
{
    (void)state;
    static const char *const yaml[] = {
        "lattice: {shape: [4, 4]}\naction: {name: on-dual, beta: 0.4}\n" RANDOM(
            "mixture"),
        "lattice: {shape: [4, 4]}\naction: {name: on-dual, beta: 0.9, components: "
        "2}\n" RANDOM("none")};
    for (int k = 0; k < 2; k++) {
        enum { N = 600 }; /* more than are held at a time */
        bulk_case b;
        kad_bulk *bulk;
        double y[N * 32], ld[N], S[N];
        int n_minus = 0;
        bulk_case_make(&b, yaml[k]);
        assert_ok(&b, kad_bulk_create_null(&b.scope, &b.options.bulk, b.model, b.theta, N,
                                           &bulk));
        assert_ok(&b, kad_map_generate(&b.ctx, bulk->map, N, KAD_DOUBLE, bulk->z, y, ld));
        assert_ok(&b, kad_action_values(&b.ctx, b.model->action, N, y, S));
        for (size_t i = 0; i < N; i++) {
            assert_true(fabs(ld[i] - bulk->log_det[i]) < 1e-9);
            assert_true(fabs(S[i] - bulk->S[i]) < 1e-9 * (1 + fabs(S[i])));
            n_minus += bulk->sign[i] < 0;
        }
        for (size_t i = 0; i < N * bulk->n_rows; i++)
            assert_true(fabs(y[i] - bulk->y[i]) < 1e-9);
        assert_true(k == 0 ? n_minus > 200 && n_minus < 400 : n_minus == 0);
        bulk_case_clear(&b);
    }
}

/* Level-h blocks repeat every 2^(h+1) sites; a Fourier base in front of them mixes
 * positions, and couplings given at random have no symmetry at all. */
static void cells_are_found(void **state)
{
    (void)state;
    bulk_case b;
    kad_bulk *bulk;
    bulk_case_make(&b, "lattice: {shape: [16, 16]}\n" FREE RANDOM("none"));
    assert_ok(
        &b, kad_bulk_create_null(&b.scope, &b.options.bulk, b.model, b.theta, 8, &bulk));
    assert_int_equal(bulk->n_levels, 5);
    for (int h = 0; h < 4; h++)
        assert_int_equal(bulk->period[h], 2 << h);
    assert_int_equal(bulk->period[4], 0);
    bulk_case_clear(&b);
}

/* The latent of site (1, 1) of a 4 x 4 lattice, made with its block (0 .. 1)^2, and that of
 * (2, 2), with the whole: in the blocks' middles where a wavelet makes the sites of a
 * block, at the sites themselves where coarse sites are kept. */
static void latents_have_positions(void **state)
{
    (void)state;
#define SMALL                                                               \
    "lattice: {shape: [4, 4]}\naction: {name: phi4, form: albergo, m2: 1, " \
    "lambda: 1}\n"
#define FLOW(keys) SMALL "flow: {recipe: custom, decimation: false, " keys "}\n"
    static const struct {
        const char *yaml;
        bool kept;
    } cases[] = {{FLOW("hierarchy: mera"), false},
                 {FLOW("hierarchy: conditional, details: fill"), true},
                 {FLOW("hierarchy: conditional, details: wavelet"), false},
                 {FLOW("hierarchy: conditional, details: wavelet, ring: true"), false},
                 {FLOW("hierarchy: conditional, spectrum: first"), false}};
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        bulk_case b;
        kad_bulk *bulk;
        bulk_case_make(&b, cases[k].yaml);
        assert_ok(&b, kad_bulk_create_null(&b.scope, &b.options.bulk, b.model, b.theta, 8,
                                           &bulk));
        for (int mu = 0; mu < 2; mu++) {
            assert_true(bulk->position[5 * 2 + mu] == (cases[k].kept ? 1 : 0.5));
            assert_true(bulk->position[10 * 2 + mu] == (cases[k].kept ? 2 : 1.5));
        }
        bulk_case_clear(&b);
    }
}

/* --- sums -------------------------------------------------------------------------- */

/* The kernel against loops over all pairs; two components, no symmetry. */
static void kernel_is_the_naive_sum(void **state)
{
    (void)state;
    bulk_case b;
    kad_bulk *bulk;
    kad_pairs *pairs;
    bulk_case_make(&b, "lattice: {shape: [4, 4]}\naction: {name: on-dual, components: 2, "
                       "beta: 1}\n" IDENTITY);
    assert_ok(
        &b, kad_bulk_create_null(&b.scope, &b.options.bulk, b.model, b.theta, 1, &bulk));
    assert_ok(&b, kad_pairs_create(&b.scope, bulk, 3, &pairs));
    const size_t n_pairs = (size_t)pairs->n * (size_t)(pairs->n + 1) / 2,
                 n_z = (size_t)pairs->n * 2 * KAD_W_DOUBLE,
                 n_out = (size_t)pairs->n_bins * 5 * KAD_W_DOUBLE;
    double *z = kad_alloc(n_z, sizeof *z), *w = kad_alloc(4 * n_pairs, sizeof *w),
           *out = kad_alloc(n_out, sizeof *out), *want = kad_alloc(n_out, sizeof *want);
    for (size_t i = 0; i < n_z; i++)
        z[i] = sin(0.3 + 1.7 * (double)i);
    for (size_t i = 0; i < 4 * n_pairs; i++)
        w[i] = cos(0.9 * (double)i);
    kad_pair_sums_f64(pairs, z, w, out);
    size_t seen = 0;
    for (int k = 0; k < pairs->n; k++)
        for (int32_t r = pairs->first_run[k]; r < pairs->first_run[k + 1]; r++)
            for (int32_t i = pairs->run[r].begin; i < pairs->run[r].end; i++, seen++)
                for (int ab = 0; ab < 4; ab++)
                    for (int lane = 0; lane < KAD_W_DOUBLE; lane++) {
                        const double p =
                            z[(2 * k + ab / 2) * KAD_W_DOUBLE + lane] *
                            z[(2 * pairs->partner[i] + ab % 2) * KAD_W_DOUBLE + lane];
                        double *own =
                            want + (size_t)pairs->run[r].bin * 5 * KAD_W_DOUBLE + lane;
                        own[0] += w[4 * i + ab] * p;
                        own[(1 + ab) * KAD_W_DOUBLE] += p;
                    }
    assert_int_equal(seen, n_pairs);
    for (size_t i = 0; i < n_out; i++)
        assert_true(fabs(out[i] - want[i]) < 1e-11);
    kad_free(z);
    kad_free(w);
    kad_free(out);
    kad_free(want);
    bulk_case_clear(&b);
}

/* Three panels of columns, the last a quarter full; two components. Means of 301
 * products below 1e2 are rounded by less than 301 x 1e2 x 1.1e-16 = 4e-12 each way. */
static void class_sums_are_the_naive_sums(void **state)
{
    (void)state;
    bulk_case b;
    kad_bulk *bulk;
    kad_pairs *pairs;
    kad_class_sums sums;
    bulk_case_make(&b, "lattice: {shape: [6, 6]}\naction: {name: on-dual, components: 2, "
                       "beta: 1}\n" RANDOM("mixture"));
    assert_ok(&b, kad_bulk_create_null(&b.scope, &b.options.bulk, b.model, b.theta, 301,
                                       &bulk));
    assert_ok(&b, kad_pairs_create(&b.scope, bulk, 3, &pairs));
    double *mean = kad_alloc(bulk->n_rows, sizeof *mean),
           *want = kad_alloc(4 * (size_t)pairs->n_classes, sizeof *want);
    for (size_t r = 0; r < bulk->n_rows; r++)
        mean[r] = 0.1 * (double)r;
    assert_ok(&b, kad_class_sums_create(&b.scope, bulk, pairs, mean, &sums));
    for (int k = 0; k < pairs->n; k++)
        for (int l = k; l < pairs->n; l++) {
            const int32_t code = pairs->class_of[kad_pair_at(pairs, k, l)];
            for (int ab = 0; ab < 4; ab++) {
                const size_t i = (size_t)(2 * pairs->site[k] + ab / 2),
                             j = (size_t)(2 * pairs->site[l] + ab % 2);
                double sum = 0;
                for (size_t t = 0; t < bulk->n; t++)
                    sum += (bulk->z[t * bulk->n_rows + i] - mean[i]) *
                           (bulk->z[t * bulk->n_rows + j] - mean[j]);
                const int swapped = code & 1 ? ab % 2 * 2 + ab / 2 : ab;
                want[code / 2 * 4 + swapped] +=
                    sum / ((double)bulk->n * pairs->n_in[code / 2]);
            }
        }
    for (int i = 0; i < 4 * pairs->n_classes; i++)
        assert_true(fabs(sums.corr[i] - want[i]) < 1e-11);
    kad_free(mean);
    kad_free(want);
    bulk_case_clear(&b);
}

/* Every pair is in one bin and one class, and classes do not straddle bins. */
static void pairs_are_complete(void **state)
{
    (void)state;
    bulk_case b;
    kad_bulk *bulk;
    kad_pairs *pairs;
    int64_t n_binned = 0, n_classed = 0, n_classes = 0;
    bulk_case_make(&b, "lattice: {shape: [8, 4]}\n" FREE RANDOM("none"));
    assert_ok(
        &b, kad_bulk_create_null(&b.scope, &b.options.bulk, b.model, b.theta, 1, &bulk));
    assert_ok(&b, kad_pairs_create(&b.scope, bulk, 2, &pairs));
    for (int i = 0; i < pairs->n_bins; i++) {
        n_binned += pairs->bin[i].n_pairs;
        n_classes += pairs->bin[i].n_classes;
        assert_true(!pairs->bin[i].self || pairs->bin[i].r_hi <= 0);
        assert_true(pairs->bin[i].r_lo <= pairs->bin[i].r * (1 + 1e-12));
        assert_true(pairs->bin[i].r_hi >= pairs->bin[i].r * (1 - 1e-12));
    }
    for (int i = 0; i < pairs->n_classes; i++)
        n_classed += pairs->n_in[i];
    assert_int_equal(n_binned, 32 * 33 / 2);
    assert_int_equal(n_classed, 32 * 33 / 2);
    assert_int_equal(n_classes, pairs->n_classes);
    for (int k = 0; k < pairs->n; k++)
        for (int32_t r = pairs->first_run[k]; r < pairs->first_run[k + 1]; r++)
            for (int32_t i = pairs->run[r].begin; i < pairs->run[r].end; i++) {
                const int32_t code =
                    pairs->class_of[kad_pair_at(pairs, k, pairs->partner[i])];
                assert_int_equal(pairs->bin_of[code / 2], pairs->run[r].bin);
            }
    bulk_case_clear(&b);
}

/* --- exact correlations -------------------------------------------------------------
 */

/* G(r) of the free field S = phi(-laplacian + m2)phi. */
static double propagator(const kad_lattice *lattice, double m2, int site)
{
    int r[KAD_MAX_DIM], k[KAD_MAX_DIM];
    double sum = 0;
    kad_lattice_coords(lattice, site, r);
    for (int mode = 0; mode < lattice->n_sites; mode++) {
        double phase = 0;
        kad_lattice_coords(lattice, mode, k);
        for (int mu = 0; mu < lattice->d; mu++)
            phase += 2 * 3.14159265358979323846 * k[mu] * r[mu] / lattice->shape[mu];
        sum += cos(phase) / (2 * (m2 + kad_lattice_khat2(lattice, mode)));
    }
    return sum / lattice->n_sites;
}

static int difference(const kad_lattice *lattice, int a, int b)
{
    int x[KAD_MAX_DIM], y[KAD_MAX_DIM];
    kad_lattice_coords(lattice, a, x);
    kad_lattice_coords(lattice, b, y);
    for (int mu = 0; mu < lattice->d; mu++)
        x[mu] -= y[mu];
    return kad_lattice_site(lattice, x);
}

/* R G R^T for a map that is linear, R from the inference of unit vectors. */
static double *exact_latents(bulk_case *b, double m2)
{
    const kad_lattice *lattice = b->model->lattice;
    const size_t n = (size_t)lattice->n_sites;
    kad_map *map;
    double *unit = kad_alloc(n * n, sizeof *unit), *z = kad_alloc(n * n, sizeof *z),
           *lnq = kad_alloc(n, sizeof *lnq), *RG = kad_alloc(n * n, sizeof *RG),
           *C = kad_alloc(n * n, sizeof *C);
    for (size_t i = 0; i < n; i++)
        unit[i * n + i] = 1;
    assert_ok(b, kad_map_create(&b->ctx, b->model->flow, b->theta, NULL, &map));
    assert_ok(b, kad_map_lnq(&b->ctx, map, n, KAD_DOUBLE, unit, lnq, z));
    for (size_t r = 0; r < n; r++) /* z[i][l] = R_li */
        for (size_t l = 0; l < n; l++)
            for (size_t i = 0; i < n; i++)
                RG[l * n + r] +=
                    z[i * n + l] *
                    propagator(lattice, m2, difference(lattice, (int)i, (int)r));
    for (size_t l = 0; l < n; l++)
        for (size_t m = 0; m < n; m++)
            for (size_t r = 0; r < n; r++)
                C[l * n + m] += RG[l * n + r] * z[r * n + m];
    kad_map_destroy(map);
    kad_free(unit);
    kad_free(z);
    kad_free(lnq);
    kad_free(RG);
    return C;
}

/* n independent configurations of the free field, by its own Fourier base. */
static double *draw_free(bulk_case *b, size_t n)
{
    bulk_case fourier;
    kad_bulk *draws;
    bulk_case_make(&fourier,
                   "lattice: {shape: [8, 8]}\n" FREE "flow: {recipe: fourier}\n");
    assert_ok(b, kad_bulk_create_null(&fourier.scope, &fourier.options.bulk,
                                      fourier.model, fourier.theta, n, &draws));
    double *x = kad_alloc(n * draws->n_rows, sizeof *x);
    memcpy(x, draws->x, n * draws->n_rows * sizeof *x);
    bulk_case_clear(&fourier);
    return x;
}

/* Mean over the pairs of every bin of the exact C^2 and C. */
static void exact_bins(const kad_bulk *bulk, const double *C, double *square,
                       double *mean)
{
    kad_ctx ctx;
    kad_pairs *pairs;
    kad_ctx_init(&ctx, 1);
    KAD_SCOPE(scope, &ctx);
    assert_int_equal(kad_pairs_create(&scope, bulk, 3, &pairs), KAD_OK);
    for (int k = 0; k < pairs->n; k++)
        for (int32_t r = pairs->first_run[k]; r < pairs->first_run[k + 1]; r++)
            for (int32_t i = pairs->run[r].begin; i < pairs->run[r].end; i++) {
                const double c =
                    C[pairs->site[k] * pairs->n + pairs->site[pairs->partner[i]]];
                const double share = 1 / (double)pairs->bin[pairs->run[r].bin].n_pairs;
                square[pairs->run[r].bin] += share * c * c;
                mean[pairs->run[r].bin] += share * c;
            }
}

/* Pulls of two columns: none above 6 (some 80 of them), their mean square near 1: with at
 * least 30 of them between 0.4 and 2 (errors neither forgotten nor inflated). */
static void check_pulls(const char *what, size_t n, const double *got, const double *want,
                        const double *err)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        const double pull = (got[i] - want[i]) / err[i];
        if (!(fabs(pull) < 6))
            fail_msg("%s %zu: %g +- %g, exact %g", what, i, got[i], err[i], want[i]);
        sum += pull * pull / (double)n;
    }
    print_message("# %s: %zu bins, mean square pull %.2f\n", what, n, sum);
    assert_true(sum > 0.4 && sum < 2);
}

static void free_field_in_haar_wavelets(void **state)
{
    (void)state;
    enum { N = 6000 };
    bulk_case b;
    kad_bulk *bulk;
    kad_h5 *file;
    bulk_case_make(&b, "lattice: {shape: [8, 8]}\n" FREE HAAR);
    double *x = draw_free(&b, N), *C = exact_latents(&b, 0.25), square[200] = {0},
           mean[200] = {0};
    assert_ok(&b, kad_bulk_create_from(&b.scope, &b.options.bulk, b.model, b.theta, 4,
                                       N / 4, x, &bulk));
    snprintf(bulk->sampler, sizeof bulk->sampler, "free");
    assert_int_equal(bulk->period[0], 2);
    assert_ok(&b, kad_h5_create(&b.ctx, &file));
    assert_ok(&b, kad_bulk_correlators(&b.ctx, bulk, file));
    assert_ok(&b, kad_analyse_bulk(&b.ctx, file));
    exact_bins(bulk, C, square, mean);
    kad_values s2 = bulk_read(&b, file, "/correlators/bulk/strength2"),
               s2_err = bulk_read(&b, file, "/correlators/bulk/strength2_err"),
               corr = bulk_read(&b, file, "/correlators/bulk/corr"),
               corr_err = bulk_read(&b, file, "/correlators/bulk/corr_err");
    assert_true(s2.n < 200);
    check_pulls("strength2", s2.n, s2.data, square, s2_err.data);
    check_pulls("corr", corr.n, corr.data, mean, corr_err.data);
    kad_h5_close(file);
    kad_free(x);
    kad_free(C);
    bulk_case_clear(&b);
}

/* Draws of the map, inferred again, are the prior: variance 1, no correlation, whatever
 * the map; the squares are unbiased where the naive ones are not. */
static void null_is_the_prior(void **state)
{
    (void)state;
    static const char *const yaml[] = {
        "lattice: {shape: [8, 8]}\n" FREE RANDOM("none"),
        "lattice: {shape: [8, 8]}\naction: {name: on-dual, beta: 0.4}\n" RANDOM(
            "mixture"),
        "lattice: {shape: [8, 8]}\naction: {name: phi4, form: albergo, m2: -4, lambda: "
        "6.975}\nflow: {recipe: stencil}\n",
        "lattice: {shape: [4, 4]}\naction: {name: on-dual, components: 2, beta: "
        "1}\n" RANDOM("none")};
    for (size_t k = 0; k < sizeof yaml / sizeof yaml[0]; k++) {
        bulk_case b;
        kad_bulk *bulk;
        kad_h5 *file;
        double expected[300], naive = 0, unbiased = 0;
        bulk_case_make(&b, yaml[k]);
        assert_ok(&b, kad_bulk_create_null(&b.scope, &b.options.bulk, b.model, b.theta,
                                           3000, &bulk));
        snprintf(bulk->sampler, sizeof bulk->sampler, "map");
        assert_ok(&b, kad_h5_create(&b.ctx, &file));
        assert_ok(&b, kad_bulk_correlators(&b.ctx, bulk, file));
        assert_ok(&b, kad_analyse_bulk(&b.ctx, file));
        kad_values self = bulk_read(&b, file, "/correlators/bulk/self"),
                   corr = bulk_read(&b, file, "/correlators/bulk/corr"),
                   err = bulk_read(&b, file, "/correlators/bulk/corr_err"),
                   s2 = bulk_read(&b, file, "/correlators/bulk/strength2"),
                   s2_err = bulk_read(&b, file, "/correlators/bulk/strength2_err"),
                   plain = bulk_read(&b, file, "/bulk/correlators/strength2_naive");
        assert_true(corr.n < 300);
        for (size_t i = 0; i < corr.n; i++) {
            expected[i] = self.data[i];
            if (self.data[i] > 0) continue;
            naive += plain.data[i] / s2_err.data[i] / sqrt((double)corr.n);
            unbiased += s2.data[i] / s2_err.data[i] / sqrt((double)corr.n);
        }
        check_pulls("null", corr.n, corr.data, expected, err.data);
        print_message("# squares: naive %.1f, unbiased %.1f errors off zero\n", naive,
                      unbiased);
        assert_true(fabs(unbiased) < 5.5 && naive > 4);
        kad_h5_close(file);
        bulk_case_clear(&b);
    }
}

/* The same bytes whatever the number of threads. */
static void threads_do_not_matter(void **state)
{
    (void)state;
    bulk_case b;
    kad_values series[2];
    bulk_case_make(&b, "lattice: {shape: [8, 8]}\n" FREE RANDOM("none"));
    for (int k = 0; k < 2; k++) {
        kad_bulk *bulk;
        kad_h5 *file;
        b.ctx.n_threads = 1 + 2 * k;
        assert_ok(&b, kad_bulk_create_null(&b.scope, &b.options.bulk, b.model, b.theta,
                                           300, &bulk));
        assert_ok(&b, kad_h5_create(&b.ctx, &file));
        assert_ok(&b, kad_bulk_correlators(&b.ctx, bulk, file));
        series[k] = bulk_read(&b, file, "/bulk/null/series/strength2");
        kad_h5_close(file);
    }
    assert_memory_equal(series[0].data, series[1].data, series[0].n * sizeof(double));
    bulk_case_clear(&b);
}

int main(void)
{
    const struct CMUnitTest kad[] = {
        CLAIM("bulk: with the identity flow the latents are the boundary",
              identity_is_the_boundary),
        CLAIM("bulk: the parts of S_eff from inference are those of generation",
              parts_agree_with_generation),
        CLAIM("bulk: the shifts that carry latents along are found", cells_are_found),
        CLAIM("bulk: latents are at their blocks, kept sites at themselves",
              latents_have_positions),
        CLAIM("bulk: the kernel of pair sums is the naive sum", kernel_is_the_naive_sum),
        CLAIM("bulk: second moments by classes are the naive sums",
              class_sums_are_the_naive_sums),
        CLAIM("bulk: bins and classes hold every pair once", pairs_are_complete),
        CLAIM("bulk: <zz> of the free field in Haar wavelets is exact within errors",
              free_field_in_haar_wavelets),
        CLAIM("bulk: draws of the map give back the prior (null test)",
              null_is_the_prior),
        CLAIM("bulk: any number of threads gives the same series", threads_do_not_matter),
    };
    return cmocka_run_group_tests(kad, NULL, NULL);
}

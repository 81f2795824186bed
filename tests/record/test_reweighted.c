/* Full two-point functions of weighted draws: the bins they are kept in, and what comes out
 * at the end of a run, against exact values, the chain's and the draws' own. */
#include "analysis/analyse.h"
#include "record/store.h"
#include "sample/sampler.h"
#include "tests/support/sample_util.h"

enum { L = 4, N = L * L };

/* --- bins ------------------------------------------------------------------------------ */

enum { CHAINS = 3, DRAWS = 103, BINS = 9, WIDTH_A = 4, WIDTH_B = 3 };

static double value(size_t chain, size_t draw, size_t i)
{
    return sin(1.7 * (double)draw + (double)i) + (double)chain;
}

/* Over 700 units of ln w: no sum of exponentials holds them. Some have no weight, all of
 * the first bin of chain 1 among them. */
static double log_w(size_t chain, size_t draw)
{
    if (draw % 7 == 3 || (chain == 1 && draw < 12)) return -INFINITY;
    return 800.0 * sin(0.01 * (double)draw) + cos(2.3 * (double)draw + (double)chain);
}

static kad_column *make(kad_ctx *ctx, kad_store **store)
{
    kad_column *sums = NULL;
    const kad_column of_sums = {
        .name = "w", .type = KAD_H5_F64, .mean = true, .n_weighted = 2};
    kad_column a = {.name = "a",
                    .type = KAD_H5_F64,
                    .rank = 1,
                    .dims = {WIDTH_A},
                    .axis = {"r"},
                    .mean = true};
    assert_int_equal(kad_store_create(ctx, CHAINS, DRAWS, store), KAD_OK);
    assert_int_equal(kad_store_add(ctx, *store, &of_sums, BINS, &sums), KAD_OK);
    assert_int_equal(kad_store_add(ctx, *store, &a, BINS, NULL), KAD_OK);
    a.name[0] = 'b';
    a.dims[0] = WIDTH_B;
    assert_int_equal(kad_store_add(ctx, *store, &a, BINS, NULL), KAD_OK);
    return sums;
}

static void put(const kad_column *columns, size_t first, size_t end)
{
    for (size_t chain = 0; chain < CHAINS; chain++)
        for (size_t draw = first; draw < end; draw++) {
            double row[WIDTH_A + WIDTH_B];
            for (size_t i = 0; i < WIDTH_A + WIDTH_B; i++)
                row[i] = value(chain, draw, i);
            kad_columns_add_weighted(columns, chain, draw, log_w(chain, draw), row);
        }
}

/* One bin against sums of weights less the bin's largest. */
static void check_bin(const kad_column *columns, size_t chain, size_t bin)
{
    const size_t begin = bin * columns->stride, at = chain * columns->n_stored + bin;
    const double found = ((const double *)columns[0].data)[at];
    double top = -INFINITY, sum = 0.0, mean[WIDTH_A + WIDTH_B] = {0};
    for (size_t draw = begin; draw < begin + columns->stride; draw++)
        top = fmax(top, log_w(chain, draw));
    for (size_t draw = begin; isfinite(top) && draw < begin + columns->stride; draw++) {
        const double w = exp(log_w(chain, draw) - top);
        sum += w;
        for (size_t i = 0; i < WIDTH_A + WIDTH_B; i++)
            mean[i] += w * value(chain, draw, i);
    }
    if (isfinite(top))
        assert_true(fabs(found - top - log(sum)) < 1e-12 * fmax(1.0, fabs(top)));
    else
        assert_true(found == -INFINITY);
    for (size_t i = 0; i < WIDTH_A + WIDTH_B; i++) {
        const kad_column *column = &columns[i < WIDTH_A ? 1 : 2];
        const size_t k = i < WIDTH_A ? i : i - WIDTH_A;
        const double own = ((const double *)column->data)[at * column->width + k];
        assert_true(fabs(own - (sum > 0.0 ? mean[i] / sum : 0.0)) < 1e-13);
    }
}

static void bins_are_weighted_means(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_store *store;
    kad_ctx_init(&ctx, 1);
    const kad_column *columns = make(&ctx, &store);
    put(columns, 0, DRAWS);
    assert_true(columns->n_stored > 1 && columns->stride > 1);
    for (size_t chain = 0; chain < CHAINS; chain++)
        for (size_t bin = 0; bin < columns->n_stored; bin++)
            check_bin(columns, chain, bin);
    kad_store_destroy(store);
}

static void bins_survive_cuts(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_store *whole, *part, *rest;
    kad_h5 *file;
    kad_ctx_init(&ctx, 1);
    const kad_column *a = make(&ctx, &whole);
    put(a, 0, DRAWS);
    for (size_t cut = 1; cut < DRAWS; cut += 5) {
        put(make(&ctx, &part), 0, cut);
        assert_int_equal(kad_h5_create(&ctx, &file), KAD_OK);
        assert_int_equal(kad_store_save(&ctx, part, 0, cut, file), KAD_OK);
        const kad_column *b = make(&ctx, &rest);
        assert_int_equal(kad_store_load(&ctx, rest, 0, cut, file), KAD_OK);
        put(b, cut, DRAWS);
        for (int k = 0; k < 3; k++)
            assert_memory_equal(a[k].data, b[k].data,
                                CHAINS * a->n_stored * a[k].width * sizeof(double));
        kad_h5_close(file);
        kad_store_destroy(part);
        kad_store_destroy(rest);
    }
    kad_store_destroy(whole);
}

/* --- runs ------------------------------------------------------------------------------ */

static const char samplers[] = "sample:\n"
                               "  - {name: mis, draws: 4096}\n"
                               "  - {name: direct, draws: 4096}\n";

/* <s_0 s_r> of the 4 x 4 torus at the temperature of `ising`, from its 2^16 states. */
static void ising_correlator(double *G)
{
    const double K = 1.0 / 2.269185314213022;
    double Z = 0.0;
    memset(G, 0, N * sizeof *G);
    for (unsigned state = 0; state < 1u << N; state++) {
        double bonds = 0.0;
#define SPIN(i) (state >> (i)&1u ? 1.0 : -1.0)
        for (int i = 0; i < N; i++)
            bonds += SPIN(i) * (SPIN(i / L * L + (i + 1) % L) + SPIN((i + L) % N));
        const double w = exp(K * bonds);
        Z += w;
        for (int r = 0; r < N; r++)
            G[r] += w * SPIN(0) * SPIN(r);
#undef SPIN
    }
    for (int r = 0; r < N; r++)
        G[r] /= Z;
}

/* sum_k exp(i k r) / (2 N (m2 + khat^2)) with m2 = 0.5 */
static void free_correlator(double *G)
{
    memset(G, 0, N * sizeof *G);
    for (int k = 0; k < N; k++) {
        const double x = 2.0 * M_PI * (k % L) / L, y = 2.0 * M_PI * (k / L) / L;
        const double khat2 = 4.0 - 2.0 * cos(x) - 2.0 * cos(y);
        for (int r = 0; r < N; r++)
            G[r] += cos(x * (r % L) + y * (r / L)) / (2.0 * N * (0.5 + khat2));
    }
}

/* Dataset NAME of /correlators/boundary/SERIES. */
static kad_values of(scene *s, const char *series, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "/correlators/boundary/%s/%s", series, name);
    return scene_read(s, path);
}

/* 144 pulls below 6: probability 2e-9 each, a little more for the tails of weights. Errors
 * below a tenth of the largest value mean something. */
static void check(scene *s, const char *series, bool momentum, const double *G)
{
    kad_values mean = of(s, series, momentum ? "full/Gk" : "full/G");
    kad_values err = of(s, series, momentum ? "full/Gk_err" : "full/G_err");
    kad_values at = of(s, series, momentum ? "full/k_vector" : "full/r_vector");
    assert_int_equal(at.n, 2 * mean.n);
    assert_true(mean.n == 6); /* of 4 x 4, up to symmetry */
    for (size_t i = 0; i < mean.n; i++) {
        const int y = (int)at.data[2 * i], x = (int)at.data[2 * i + 1];
        double exact = momentum ? 0.0 : G[y * L + x];
        for (int r = 0; momentum && r < N; r++)
            exact += G[r] * cos(2.0 * M_PI * (y * (r / L) + x * (r % L)) / L);
        print_message("# %s %s(%d,%d) %.6f +- %.6f exact %.6f (%+.2f)\n", series,
                      momentum ? "C" : "G", y, x, mean.data[i], err.data[i], exact,
                      (mean.data[i] - exact) / err.data[i]);
        assert_true(fabs(mean.data[i] - exact) <= 6.0 * err.data[i] + 1e-12);
        assert_true(err.data[i] < 0.1 * mean.data[0]);
    }
}

/* The same from every draw (floats) and from 512 bins of them, whose errors are known to
 * 1/sqrt(2 * 512) = 3 %, for weights of a fair map. */
static void check_axis(scene *s, const char *series)
{
    kad_values full = of(s, series, "full/G"), full_err = of(s, series, "full/G_err");
    kad_values axis = of(s, series, "G"), axis_err = of(s, series, "G_err");
    kad_values at = of(s, series, "full/r_vector");
    size_t n = 0;
    for (size_t i = 0; i < full.n; i++) {
        if (at.data[2 * i + 1] != 0.0) continue;
        const size_t r = (size_t)at.data[2 * i];
        assert_true(fabs(full.data[i] - axis.data[r]) < 1e-6);
        if (axis_err.data[r] > 1e-9)
            assert_true(fabs(full_err.data[i] / axis_err.data[r] - 1.0) < 0.2);
        n++;
    }
    assert_int_equal(n, L / 2 + 1);
}

static void run(const char *model, const double *G)
{
    static const char *const series[] = {"mis", "mis_reweighted", "direct_reweighted"};
    char yaml[512];
    scene s;
    snprintf(yaml, sizeof yaml,
             "lattice: {shape: [4, 4]}\naction: {%s}\nflow: {recipe: stencil}\n%s", model,
             samplers);
    scene_make(&s, yaml, 100);
    assert_ok(&s, kad_sample(&s.ctx, s.run, &s.options.sample, s.model, NULL));
    assert_ok(&s, kad_analyse(&s.ctx, s.run));
    for (size_t i = 0; i < sizeof series / sizeof *series; i++) {
        check(&s, series[i], false, G);
        check(&s, series[i], true, G);
        if (i > 0) check_axis(&s, series[i]);
    }
    scene_clear(&s);
}

static void ising_is_exact(void **state)
{
    double G[N];
    (void)state;
    ising_correlator(G);
    assert_true(fabs(G[1] - 0.782811893819) < 1e-12);
    run("name: on-dual, temperature: 2.269185314213022", G);
}

static void free_field_is_exact(void **state)
{
    double G[N];
    (void)state;
    free_correlator(G);
    run("name: phi4, form: albergo, lambda: 0, m2: 0.5", G);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("reweighted: every bin is the weighted mean of its draws",
              bins_are_weighted_means),
        CLAIM("reweighted: bins cut anywhere bring back the same bits",
              bins_survive_cuts),
        CLAIM("reweighted: G(r) and C(k) of Ising, 4 x 4, match enumeration",
              ising_is_exact),
        CLAIM("reweighted: G(r) and C(k) of the free field match sums over momenta",
              free_field_is_exact),
    };
    return cmocka_run_group_tests_name("reweighted", tests, NULL, NULL);
}

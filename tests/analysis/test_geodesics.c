/* Fits of distances in the bulk: toys whose geometry is known. */

#include "analysis/geodesics.h"
#include "analysis/results.h"
#include "base/memory.h"
#include "base/rng.h"
#include "tests/support/claim.h"

enum { LEVELS = 5, PER_PAIR = 5, MOST = LEVELS * (LEVELS + 1) / 2 * PER_PAIR };

static void assert_ok_(kad_ctx *ctx, kad_status status, const char *what)
{
    if (status != KAD_OK) fail_msg("%s: %d %s", what, status, ctx->message);
}
#define must(expr) assert_ok_(&ctx, (expr), #expr)

/* Bins of all pairs of levels, r from 2^level_b to 2^(level_b + 3.5). */
static size_t make_points(kad_geodesic_point *out)
{
    size_t n = 0;
    for (int a = 0; a < LEVELS; a++)
        for (int b = a; b < LEVELS; b++)
            for (int i = 0; i < PER_PAIR; i++)
                out[n++] = (kad_geodesic_point){a, b, ldexp(exp2(0.5 * i), b),
                                                2 * (b + floor(0.5 * i)) - a - b};
    return n;
}

static double normal(int replica, size_t i)
{
    double two[2];
    kad_rng_normal2(kad_rng_stream(7, KAD_RNG_TEST, 1), 0, (uint64_t)replica, (uint32_t)i,
                    two);
    return two[0];
}

/* y from model m at `truth`, with independent noise `sigma` and a common one as large:
 * cov = sigma^2 (1 + 1 1^T). */
static void make_data(int m, const double *truth, double sigma, int replica,
                      const kad_geodesic_point *points, size_t n, double *y, double *cov)
{
    const double common = sigma * normal(replica, 100000);
    for (size_t i = 0; i < n; i++) {
        y[i] = kad_geodesic_models[m].value(points, i, truth) +
               sigma * normal(replica, i) + common;
        for (size_t j = 0; j < n; j++)
            cov[i * n + j] = sigma * sigma * (i == j ? 2 : 1);
    }
}

/* 30 replicas a model, 2 or 3 parameters each: pulls below 5.5 (false alarm below 1e-5 of
 * a fixed seed), their mean square and that of chi^2/dof within 5 of their errors. */
static void toys_are_recovered(void **state)
{
    (void)state;
    enum { REPLICAS = 30 };
    static const double truth[KAD_GEODESIC_MODELS][3] = {
        {0.7, 1.3, 0.4}, {-0.2, 0.15, 6}, {0.5, 0.8, 0}};
    kad_ctx ctx;
    kad_geodesic_point points[MOST];
    double y[MOST];
    double *cov = kad_alloc((size_t)MOST * MOST, sizeof *cov);
    const size_t n = make_points(points);
    kad_ctx_init(&ctx, 1);
    for (int m = 0; m < KAD_GEODESIC_MODELS; m++) {
        const kad_fit_model *model = &kad_geodesic_models[m];
        double chi2 = 0, square = 0;
        for (int replica = 0; replica < REPLICAS; replica++) {
            kad_fit fit;
            make_data(m, truth[m], 0.05, replica, points, n, y, cov);
            must(kad_fit_run(&ctx, model, points, n, y, cov, &fit));
            assert_true(fit.ok);
            chi2 += fit.chi2 / (double)fit.dof / REPLICAS;
            for (size_t a = 0; a < model->n_parameters; a++) {
                const double pull = (fit.p[a] - truth[m][a]) / fit.err[a];
                assert_true(fabs(pull) < 5.5);
                square += pull * pull / (double)(REPLICAS * model->n_parameters);
            }
            assert_true(fit.p_value > 1e-7 && fit.p_value < 1 - 1e-7);
        }
        print_message("# %s: chi2/dof %.3f, mean square pull %.2f\n", model->name, chi2,
                      square);
        assert_true(fabs(chi2 - 1) < 5 * sqrt(2.0 / (double)n / REPLICAS));
        assert_true(fabs(square - 1) < 5 * sqrt(2.0 / REPLICAS));
    }
    kad_free(cov);
}

/* AIC of the fits with scatter prefers the geometry the data come from, by far, and chi^2
 * refuses the others. */
static void the_right_geometry_is_preferred(void **state)
{
    (void)state;
    static const double truth[KAD_GEODESIC_MODELS][3] = {
        {0.7, 1.3, 0.4}, {-0.2, 0.15, 6}, {0.5, 0.8, 0}};
    kad_ctx ctx;
    kad_geodesic_point points[MOST];
    double y[MOST];
    double *cov = kad_alloc((size_t)MOST * MOST, sizeof *cov);
    const size_t n = make_points(points);
    kad_ctx_init(&ctx, 1);
    for (int m = 0; m < KAD_GEODESIC_MODELS; m++) {
        kad_fit full[KAD_GEODESIC_MODELS], stat;
        make_data(m, truth[m], 0.05, 99, points, n, y, cov);
        for (int k = 0; k < KAD_GEODESIC_MODELS; k++)
            must(kad_fit_scatter(&ctx, &kad_geodesic_models[k], points, n, y, cov,
                                 &full[k]));
        for (int k = 0; k < KAD_GEODESIC_MODELS; k++) {
            if (k == m) continue;
            assert_true(full[k].ok && full[k].aic > full[m].aic + 20);
            must(kad_fit_run(&ctx, &kad_geodesic_models[k], points, n, y, cov, &stat));
            assert_true(stat.p_value < 1e-10);
        }
    }
    kad_free(cov);
}

/* Bins scatter by 0.3 beyond errors of 0.02: the scatter is found, the parameters'
 * errors allow for it where those of the plain fit do not. */
static void scatter_is_found(void **state)
{
    (void)state;
    static const double truth[3] = {0.7, 1.3, 0.4};
    kad_ctx ctx;
    kad_geodesic_point points[MOST];
    double y[MOST];
    double *cov = kad_alloc((size_t)MOST * MOST, sizeof *cov);
    const size_t n = make_points(points);
    kad_fit full, stat;
    kad_ctx_init(&ctx, 1);
    make_data(0, truth, 0.02, 5, points, n, y, cov);
    for (size_t i = 0; i < n; i++)
        y[i] += 0.3 * normal(6, i);
    must(kad_fit_scatter(&ctx, &kad_geodesic_models[0], points, n, y, cov, &full));
    must(kad_fit_run(&ctx, &kad_geodesic_models[0], points, n, y, cov, &stat));
    print_message("# scatter %.3f, rms %.3f, plain chi2/dof %.0f\n", full.scatter,
                  full.rms, stat.chi2 / (double)stat.dof);
    /* relative error of a standard deviation from 75 points: 8 % */
    assert_true(fabs(full.scatter / 0.3 - 1) < 0.45);
    assert_true(fabs(full.chi2 / (double)full.dof - 1) < 1e-3);
    for (int a = 0; a < 3; a++)
        assert_true(fabs(full.p[a] - truth[a]) < 5 * full.err[a] &&
                    full.err[a] > 3 * stat.err[a]);
    kad_free(cov);
}

/* Shrunk correlations of two groups of series, correlated by 0.8 within a group. */
static void correlations_are_shrunk(void **state)
{
    (void)state;
    enum { N = 10, T = 4000 };
    kad_ctx ctx;
    double corr[N * N], shrinkage;
    size_t n_bins;
    float *a = kad_alloc((size_t)N * T, sizeof *a);
    kad_ctx_init(&ctx, 1);
    for (int t = 0; t < T; t++)
        for (size_t i = 0; i < N; i++)
            a[(size_t)t * N + i] =
                (float)(sqrt(0.8) * normal(t, 1000 + i / 5) + sqrt(0.2) * normal(t, i));
    must(kad_shrunk_correlation(&ctx, 2, T / 2, N, a, 4, corr, &n_bins, &shrinkage));
    assert_int_equal(n_bins, T / 4);
    assert_true(shrinkage > 0 && shrinkage < 0.02);
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++) {
            const double want = i == j ? 1 : i / 5 == j / 5 ? 0.8 : 0;
            /* error 1/sqrt(1000) */
            assert_true(fabs(corr[i * N + j] - want) < 6 / sqrt(1000.0));
        }
    /* three bins: hardly anything is known, and little is claimed */
    must(kad_shrunk_correlation(&ctx, 1, 12, N, a, 4, corr, &n_bins, &shrinkage));
    assert_true(n_bins == 3 && shrinkage > 0.05);
    kad_free(a);
}

/* --- a file of a known geometry ----------------------------------------------------- */

/* /bulk/correlators as src/bulk writes it, of a hyperbolic space, with series of AR(1)
 * noise of decay `rho` a configuration. */
static void write_toy(kad_ctx *ctx, kad_h5 *file, const double *truth, double rho,
                      double noise)
{
    enum { CHAINS = 4, T = 1500 };
    kad_geodesic_point points[MOST];
    const size_t n = make_points(points), dims[5] = {CHAINS, T, n, 1, 1};
    int64_t *whole = kad_alloc(5 * n, sizeof *whole);
    double *real = kad_alloc(6 * n, sizeof *real);
    float *series = kad_alloc(CHAINS * T * n, sizeof *series);
    static const char *const wholes[] = {"level_a", "level_b", "self", "n_pairs",
                                         "n_classes"};
    static const char *const reals[] = {"r", "r_lo", "r_hi", "tree", "strength2"};
    char path[96];
    for (size_t i = 0; i < n; i++) {
        const double y = kad_geodesic_models[0].value(points, i, truth);
        const double s2 = exp(-2 * y);
        double sum = 0;
        for (size_t c = 0; c < CHAINS; c++) {
            double x = normal((int)c, 50000 + i);
            for (size_t t = 0; t < T; t++) {
                x = rho * x + sqrt(1 - rho * rho) * normal((int)(c * T + t), i);
                sum += x / (CHAINS * T);
                series[(c * T + t) * n + i] = (float)(s2 * noise * x);
            }
        }
        whole[i] = points[i].level_a;
        whole[n + i] = points[i].level_b;
        whole[3 * n + i] = whole[4 * n + i] = 10;
        real[i] = real[n + i] = real[2 * n + i] = points[i].r;
        real[3 * n + i] = points[i].tree;
        real[4 * n + i] = s2 * (1 + noise * sum);
    }
    for (size_t k = 0; k < 5; k++) {
        snprintf(path, sizeof path, "/bulk/correlators/%s", wholes[k]);
        assert_ok_(ctx, kad_h5_write(ctx, file, path, KAD_H5_I64, 1, &n, whole + k * n),
                   path);
        snprintf(path, sizeof path, "/bulk/correlators/%s", reals[k]);
        assert_ok_(ctx, kad_h5_write(ctx, file, path, KAD_H5_F64, 1, &n, real + k * n),
                   path);
    }
    assert_ok_(ctx,
               kad_h5_write(ctx, file, "/bulk/correlators/series/strength2", KAD_H5_F32,
                            3, dims, series),
               "strength2");
    assert_ok_(ctx,
               kad_h5_write(ctx, file, "/bulk/correlators/series/mean", KAD_H5_F32, 5,
                            dims, series),
               "mean");
    assert_ok_(ctx,
               kad_h5_attr_set_int(ctx, file, "/bulk/correlators", "n_levels", LEVELS),
               "n_levels");
    kad_free(whole);
    kad_free(real);
    kad_free(series);
}

/* The whole analysis: the fit finds radius and zeta0; the errors know the
 * autocorrelation (rho = 0.8: tau_int 4.5). */
static void a_file_is_analysed(void **state)
{
    (void)state;
    static const double truth[3] = {0.3, 0.9, 0.5};
    const double noise = 1.0, rho = 0.8, tau = 0.5 * (1 + rho) / (1 - rho);
    const char *const p = "/geodesics/fits/hyperbolic";
    kad_ctx ctx;
    kad_h5 *file;
    kad_values s2, err, value, value_err, used, threshold, radius;
    double mean_ratio = 0;
    char *preferred;
    kad_ctx_init(&ctx, 1);
    KAD_SCOPE(scope, &ctx);
    must(kad_h5_create(&ctx, &file));
    write_toy(&ctx, file, truth, rho, noise);
    must(kad_analyse_bulk(&ctx, file));
    must(kad_values_read(&scope, file, "/correlators/bulk/strength2", &s2));
    must(kad_values_read(&scope, file, "/correlators/bulk/strength2_err", &err));
    for (size_t i = 0; i < s2.n; i++)
        mean_ratio += err.data[i] / s2.data[i] / (double)s2.n;
    const double want = noise * sqrt(2 * tau / 6000);
    print_message("# relative error %.4f, exact %.4f\n", mean_ratio, want);
    assert_true(fabs(mean_ratio / want - 1) < 0.1);
    must(kad_values_read_in(&scope, file, p, "value", &value));
    must(kad_values_read_in(&scope, file, p, "err", &value_err));
    assert_int_equal(value.n, 3);
    for (int a = 0; a < 3; a++) {
        print_message("# %g +- %g, truth %g\n", value.data[a], value_err.data[a],
                      truth[a]);
        assert_true(fabs(value.data[a] - truth[a]) < 5.5 * value_err.data[a]);
    }
    assert_true(value_err.data[1] < 0.02);
    /* the table of the rule: every threshold once, its own row the fit */
    must(kad_values_read(&scope, file, "/geodesics/rule/threshold", &threshold));
    must(kad_values_read(&scope, file, "/geodesics/rule/radius", &radius));
    assert_int_equal(threshold.n, 5);
    for (size_t i = 1; i < threshold.n; i++)
        assert_true(threshold.data[i] > threshold.data[i - 1]);
    assert_true(threshold.data[2] == 3 && radius.data[2] == value.data[1]);
    must(kad_h5_attr_string(&scope, file, "/geodesics", "preferred", &preferred));
    assert_string_equal(preferred, "hyperbolic");
    must(kad_values_read(&scope, file, "/geodesics/used", &used));
    for (size_t i = 0; i < used.n; i++)
        assert_true(used.data[i] > 0);
    kad_h5_close(file);
}

int main(void)
{
    const struct CMUnitTest kad[] = {
        CLAIM("geodesics: toys of known geometry are recovered, errors cover",
              toys_are_recovered),
        CLAIM("geodesics: the geometry the data come from is preferred",
              the_right_geometry_is_preferred),
        CLAIM("geodesics: a scatter beyond the errors is found", scatter_is_found),
        CLAIM("fit: correlations of few bins are shrunk", correlations_are_shrunk),
        CLAIM("geodesics: a file of a hyperbolic space, autocorrelated",
              a_file_is_analysed),
    };
    return cmocka_run_group_tests(kad, NULL, NULL);
}

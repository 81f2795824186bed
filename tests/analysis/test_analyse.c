/* The analysis of a whole results file: synthetic samplers of known answers. */
#include "analysis/advice.h"
#include "analysis/analyse.h"
#include "analysis/diagnostics.h"
#include "analysis/estimates.h"
#include "analysis/table.h"
#include "base/signals.h"
#include "tests/support/analysis_util.h"

enum { CHAINS = 2, DRAWS = 4000, N_ALL = CHAINS * DRAWS, WIDTH = 5 };

#define ok(expr) assert_int_equal((expr), KAD_OK)

static void put(kad_ctx *ctx, kad_h5 *file, const char *group, const char *name,
                size_t width, const double *data)
{
    const size_t dims[3] = {CHAINS, DRAWS, width};
    char path[128];
    snprintf(path, sizeof path, "%s/%s", group, name);
    ok(kad_h5_write(ctx, file, path, KAD_H5_F64, width > 1 ? 3 : 2, dims, data));
}

static void header(kad_ctx *ctx, kad_h5 *file, const char *group, int weighted,
                   int proposals)
{
    const struct {
        const char *name;
        int64_t value;
    } attrs[] = {{"n_chains", CHAINS}, {"n_draws", DRAWS},     {"n_sites", 64},
                 {"extent", 8},        {"weighted", weighted}, {"proposals", proposals},
                 {"symmetric", 1}};
    ok(kad_h5_group(ctx, file, group));
    for (size_t i = 0; i < sizeof attrs / sizeof *attrs; i++)
        ok(kad_h5_attr_set_int(ctx, file, group, attrs[i].name, attrs[i].value));
    ok(kad_h5_attr_set_real(ctx, file, group, "seconds_per_draw", 0.5));
}

/* An hmc-like sampler "chain": energy an AR(1) of mean -1.5, sigma 1, tau 4; m2 and m4 of
 * Gaussian m; C(r) = e^{-r} + noise. */
static void add_chain(kad_ctx *ctx, kad_h5 *file)
{
    static double a[N_ALL * WIDTH];
    static const char group[] = "/samplers/chain";
    header(ctx, file, group, 0, 0);
    for (size_t c = 0; c < CHAINS; c++)
        test_ar1(30, c, 4.0, -1.5, DRAWS, a + c * DRAWS);
    put(ctx, file, group, "observables/energy", 1, a);
    for (size_t i = 0; i < N_ALL; i++)
        a[i] = test_normal(31, 0, i);
    put(ctx, file, group, "observables/m", 1, a);
    for (size_t i = 0; i < N_ALL; i++)
        a[i] *= a[i];
    put(ctx, file, group, "observables/m2", 1, a);
    for (size_t i = 0; i < N_ALL; i++)
        a[i] *= a[i];
    put(ctx, file, group, "observables/m4", 1, a);
    for (size_t i = 0; i < N_ALL; i++)
        for (size_t r = 0; r < WIDTH; r++)
            a[i * WIDTH + r] = cosh(0.5 * (4.0 - (double)r)) +
                               0.1 * test_normal(32, r, i) + 0.1 * test_normal(32, 9, i);
    put(ctx, file, group, "observables/correlator_axis", WIDTH, a);
    put(ctx, file, group, "observables/correlator_slice", WIDTH, a);
    put(ctx, file, group, "observables/correlator_diagonal", WIDTH, a);
}

typedef enum fate { FAIR, ALL_REJECTED, ONE_WEIGHS_ALL } fate;

/* "mis": proposals x ~ N(0, 1), target N(0, 0.8), so Z = sqrt 0.8 with w = e^{-x^2/8};
 * energy = x^2, <energy> = 0.8. */
static void add_mis(kad_ctx *ctx, kad_h5 *file, fate how)
{
    static double log_w[N_ALL], accepted[N_ALL], chain[N_ALL], proposal[N_ALL];
    static const char group[] = "/samplers/mis";
    const kad_rng rng = kad_rng_stream(6, KAD_RNG_TEST, 40);
    double now = 0.0, log_w_now = 1e9;
    header(ctx, file, group, 1, 1);
    for (size_t i = 0; i < N_ALL; i++) {
        const double x = test_normal(33, 0, i);
        log_w[i] = -0.125 * x * x;
        if (how == ONE_WEIGHS_ALL && i == N_ALL / 2) log_w[i] += 15.0;
        proposal[i] = x * x;
        if (i % DRAWS == 0 && how != ALL_REJECTED) log_w_now = -1e9;
        accepted[i] = log(kad_rng_uniform(rng, 0, i, 0)) < log_w[i] - log_w_now;
        if (accepted[i] != 0.0) {
            log_w_now = log_w[i];
            now = proposal[i];
        }
        chain[i] = now;
    }
    put(ctx, file, group, "proposals/log_weight", 1, log_w);
    put(ctx, file, group, "accepted", 1, accepted);
    put(ctx, file, group, "observables/energy", 1, chain);
    put(ctx, file, group, "proposals/energy", 1, proposal);
}

static void add_exact(kad_ctx *ctx, kad_h5 *file, const char *name, double value)
{
    char path[64];
    snprintf(path, sizeof path, "/exact/%s", name);
    ok(kad_h5_write(ctx, file, path, KAD_H5_F64, 0, NULL, &value));
}

static double look_up(kad_ctx *ctx, kad_h5 *file, const char *group, const char *name,
                      double *err, double *exact)
{
    KAD_SCOPE(scope, ctx);
    kad_table table;
    double value = NAN;
    ok(kad_table_read(&scope, file, group, &table));
    for (size_t i = 0; i < table.n; i++) {
        if (strcmp(table.observable[i], name) != 0) continue;
        value = table.mean.data[i];
        *err = table.err.data[i];
        *exact = table.exact.data[i];
    }
    return value;
}

static bool has_code(const kad_diagnostics *d, const char *code)
{
    for (size_t i = 0; i < d->n; i++)
        if (strcmp(d->item[i].code, code) == 0) return true;
    return false;
}

static void show(const kad_diagnostics *d)
{
    for (size_t i = 0; i < d->n; i++)
        print_message("# %s: %s: %s\n", kad_severity_name(d->item[i].severity),
                      d->item[i].code, d->item[i].message);
}

static void known_answers_come_out(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_h5 *file;
    double err, exact, value;
    kad_diagnostics *d = kad_alloc(1, sizeof *d);
    kad_ctx_init(&ctx, 1);
    ok(kad_h5_create(&ctx, &file));
    add_chain(&ctx, file);
    add_mis(&ctx, file, FAIR);
    add_exact(&ctx, file, "energy", -1.5);
    add_exact(&ctx, file, "log_z", 0.5 * log(0.8));
    ok(kad_analyse_file(&ctx, file));
    ok(kad_analyse_file(&ctx, file)); /* twice is harmless */

    value = look_up(&ctx, file, "/analysis/chain", "energy", &err, &exact);
    assert_true(fabs(value + 1.5) < 5 * err && exact == -1.5);
    /* sqrt(2 tau / N) = sqrt(8 / 8000), known to 10 % or so */
    assert_true(fabs(err / sqrt(8.0 / N_ALL) - 1.0) < 0.3);
    /* Gaussian m: Binder 0, chi 64; errors of order 1/sqrt(N) */
    value = look_up(&ctx, file, "/analysis/chain", "binder", &err, &exact);
    assert_true(fabs(value) < 5 * err && err > 0.005 && err < 0.05);
    value = look_up(&ctx, file, "/analysis/chain", "chi", &err, &exact);
    assert_true(fabs(value - 64.0) < 5 * err);
    value = look_up(&ctx, file, "/analysis/chain", "mass", &err, &exact);
    assert_true(fabs(value - 0.5) < 5 * err && err < 0.01);

    value = look_up(&ctx, file, "/analysis/mis", "energy", &err, &exact);
    assert_true(fabs(value - 0.8) < 5 * err);
    value = look_up(&ctx, file, "/analysis/mis_reweighted", "energy", &err, &exact);
    assert_true(fabs(value - 0.8) < 5 * err);
    value = look_up(&ctx, file, "/analysis/log_z", "log_z", &err, &exact);
    assert_true(fabs(value - 0.5 * log(0.8)) < 5 * err);
    assert_true(fabs(exact - 0.5 * log(0.8)) < 1e-15);

    ok(kad_diagnostics_read(&ctx, file, d));
    show(d);
    /* the mis energies are not -1.5 */
    assert_true(has_code(d, "exact"));
    assert_false(has_code(d, "small-ess") || has_code(d, "all-rejected"));
    kad_h5_close(file);
    kad_free(d);
}

/* The solver's error of ln q against that of ln Z: nothing below a fifth of it, then a
 * warning, then an error. */
static void solver_errors_are_weighed(void **state)
{
    (void)state;
    const double share[] = {0.1, 0.5, 2, INFINITY}, tolerance = 1e-4;
    for (int i = 0; i < 4; i++) {
        kad_ctx ctx;
        kad_h5 *file;
        double err, exact;
        kad_diagnostics *d = kad_alloc(1, sizeof *d);
        char advice[KAD_ADVICE] = "";
        kad_ctx_init(&ctx, 1);
        ok(kad_h5_create(&ctx, &file));
        add_mis(&ctx, file, FAIR);
        ok(kad_analyse_file(&ctx, file));
        look_up(&ctx, file, "/analysis/log_z", "log_z", &err, &exact);
        ok(kad_h5_group(&ctx, file, "/training"));
        ok(kad_h5_attr_set_real(&ctx, file, "/training", "solver_error", share[i] * err));
        ok(kad_h5_attr_set_real(&ctx, file, "/training", "solver_tolerance", tolerance));
        ok(kad_analyse_file(&ctx, file));
        ok(kad_diagnostics_read(&ctx, file, d));
        assert_int_equal(has_code(d, "solver-error"), i > 0);
        for (size_t k = 0; k < d->n; k++) {
            if (strcmp(d->item[k].code, "solver-error") != 0) continue;
            assert_int_equal(d->item[k].severity, i == 1 ? KAD_WARNING : KAD_ERROR);
            kad_advice_of(&ctx, file, &d->item[k], advice);
            assert_string_equal(advice, "flow.tolerance=0.00001");
        }
        kad_h5_close(file);
        kad_free(d);
    }
}

/* An inverse that misses is noted, and so is one that is no number. */
static void inverse_errors_are_noted(void **state)
{
    (void)state;
    const double last[] = {1e-6, 0.1, (double)NAN};
    const size_t n = 2;
    for (int i = 0; i < 3; i++) {
        kad_ctx ctx;
        kad_h5 *file;
        kad_diagnostics *d = kad_alloc(1, sizeof *d);
        const double errors[] = {1e-6, last[i]};
        kad_ctx_init(&ctx, 1);
        ok(kad_h5_create(&ctx, &file));
        add_mis(&ctx, file, FAIR);
        ok(kad_h5_group(&ctx, file, "/training"));
        ok(kad_h5_group(&ctx, file, "/training/eval"));
        ok(kad_h5_write(&ctx, file, "/training/eval/inverse_error", KAD_H5_F64, 1, &n,
                        errors));
        ok(kad_analyse_file(&ctx, file));
        ok(kad_diagnostics_read(&ctx, file, d));
        assert_int_equal(has_code(d, "inverse-error"), i > 0);
        kad_h5_close(file);
        kad_free(d);
    }
}

/* Positions, momenta and the covariance of a correlator with a common noise: correlation
 * 1/2 between any two points. */
static void correlators_are_written(void **state)
{
    (void)state;
    static const char *const names[] = {"r", "G", "G_err", "k", "Gk", "Gk_err", "m_eff"};
    kad_ctx ctx;
    kad_h5 *file;
    kad_values values, err;
    kad_ctx_init(&ctx, 1);
    KAD_SCOPE(scope, &ctx);
    ok(kad_h5_create(&ctx, &file));
    add_chain(&ctx, file);
    ok(kad_analyse_file(&ctx, file));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        ok(kad_values_read_in(&scope, file, "/correlators/boundary/chain", names[i],
                              &values));
        assert_int_equal(values.n, WIDTH);
    }
    ok(kad_values_read(&scope, file, "/correlators/boundary/chain/cov", &values));
    ok(kad_values_read(&scope, file, "/correlators/boundary/chain/G_err", &err));
    assert_int_equal(values.n, WIDTH * WIDTH);
    for (size_t r = 0; r < WIDTH; r++) {
        assert_true(fabs(err.data[r] / sqrt(0.02 / N_ALL) - 1.0) < 0.15);
        for (size_t s = 0; s < WIDTH; s++) {
            const double c = values.data[r * WIDTH + s] / err.data[r] / err.data[s];
            /* 400 bins know a correlation of 1/2 to 0.04 */
            assert_true(fabs(c - (r == s ? 1.0 : 0.5)) < 5 * 0.04);
        }
    }
    kad_h5_close(file);
}

/* Bins of an AR(1) chain: their means' error is that of the draws. 2 x 100 bins of 40
 * draws, tau 4: err = sqrt(2 * 4 / 8000), known to about 5 %; bins of ten tau are almost
 * independent. */
static void binned_functions_have_errors(void **state)
{
    (void)state;
    enum { BINS = 100, SIZE = DRAWS / BINS, COLUMNS = 3 };
    static double a[DRAWS], bins[CHAINS * BINS * COLUMNS];
    const size_t dims[3] = {CHAINS, BINS, COLUMNS}, width = COLUMNS;
    const double r[COLUMNS] = {0.0, 1.0, 2.0};
    kad_ctx ctx;
    kad_h5 *file;
    kad_values mean, err;
    for (size_t k = 1; k < COLUMNS; k++)
        for (size_t c = 0; c < CHAINS; c++) {
            test_ar1(34, 10 * k + c, 4.0, 0.5, DRAWS, a);
            for (size_t i = 0; i < DRAWS; i++)
                bins[(c * BINS + i / SIZE) * COLUMNS + k] += a[i] / SIZE;
        }
    for (size_t i = 0; i < CHAINS * BINS; i++)
        bins[i * COLUMNS] = 1.0;
    kad_ctx_init(&ctx, 1);
    KAD_SCOPE(scope, &ctx);
    ok(kad_h5_create(&ctx, &file));
    add_chain(&ctx, file);
    ok(kad_h5_write(&ctx, file, "/samplers/chain/binned/correlator", KAD_H5_F64, 3, dims,
                    bins));
    ok(kad_h5_write(&ctx, file, "/samplers/chain/displacement", KAD_H5_F64, 1, &width,
                    r));
    ok(kad_analyse_file(&ctx, file));
    ok(kad_values_read(&scope, file, "/correlators/boundary/chain/full/G", &mean));
    ok(kad_values_read(&scope, file, "/correlators/boundary/chain/full/G_err", &err));
    assert_int_equal(mean.n, COLUMNS);
    assert_true(mean.data[0] == 1.0 && err.data[0] == 0.0);
    for (size_t k = 1; k < COLUMNS; k++) {
        assert_true(fabs(mean.data[k] - 0.5) < 5 * err.data[k]);
        assert_true(fabs(err.data[k] / sqrt(8.0 / N_ALL) - 1.0) < 0.3);
    }
    assert_true(kad_h5_exists(file, "/correlators/boundary/chain/full/r"));
    kad_h5_close(file);
}

static void a_dead_chain_says_so(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_h5 *file;
    double err, exact;
    kad_diagnostics *d = kad_alloc(1, sizeof *d);
    kad_ctx_init(&ctx, 1);
    ok(kad_h5_create(&ctx, &file));
    add_mis(&ctx, file, ALL_REJECTED);
    ok(kad_analyse_file(&ctx, file));
    ok(kad_diagnostics_read(&ctx, file, d));
    show(d);
    assert_true(has_code(d, "all-rejected"));
    assert_int_equal(kad_diagnostics_worst(d), KAD_ERROR);
    (void)look_up(&ctx, file, "/analysis/mis", "energy", &err, &exact);
    assert_true(err != err); /* never 0 +- 0 */
    kad_h5_close(file);
    kad_free(d);
}

/* A mode of period two and a constant, in a chain and among weighted draws: no error bar,
 * never 0, and a line that says why. */
static void what_does_not_scatter_says_so(void **state)
{
    (void)state;
    static double a[N_ALL];
    static const char *const groups[] = {"/analysis/hmc", "/analysis/mis_reweighted"};
    kad_ctx ctx;
    kad_h5 *file;
    kad_table table;
    kad_diagnostics *d = kad_alloc(1, sizeof *d);
    kad_ctx_init(&ctx, 1);
    KAD_SCOPE(scope, &ctx);
    ok(kad_h5_create(&ctx, &file));
    header(&ctx, file, "/samplers/hmc", 0, 0);
    for (size_t i = 0; i < N_ALL; i++)
        a[i] = (i % 2 == 0 ? 0.3 : -0.3) * (i < DRAWS ? 1.0 : 1.5);
    put(&ctx, file, "/samplers/hmc", "observables/m", 1, a);
    for (size_t i = 0; i < N_ALL; i++)
        a[i] = 0.1 * test_normal(35, 0, i);
    put(&ctx, file, "/samplers/hmc", "delta_h", 1, a);
    add_mis(&ctx, file, FAIR);
    for (size_t i = 0; i < N_ALL; i++)
        a[i] = 0.7;
    put(&ctx, file, "/samplers/hmc", "observables/phi2", 1, a);
    put(&ctx, file, "/samplers/mis", "observables/phi2", 1, a);
    put(&ctx, file, "/samplers/mis", "proposals/phi2", 1, a);
    ok(kad_analyse_file(&ctx, file));
    ok(kad_diagnostics_read(&ctx, file, d));
    show(d);
    assert_true(has_code(d, "periodic") && !has_code(d, "replicas"));
    for (int g = 0; g < 2; g++) {
        double err = 0.0, exact;
        assert_true(fabs(look_up(&ctx, file, groups[g], "phi2", &err, &exact) - 0.7) <
                    1e-12);
        assert_true(isnan(err));
    }
    ok(kad_table_read(&scope, file, "/analysis/hmc", &table));
    const size_t m = kad_table_find(&table, "m");
    assert_true(m < table.n && isnan(table.err.data[m]) && isnan(table.tau.data[m]));
    assert_string_equal(table.flag[m], "negative");
    kad_h5_close(file);
    kad_free(d);
}

/* Weights worth one draw: neither they nor the chains that accept by them know an error,
 * although most chains look well. */
static void few_weights_have_no_errors(void **state)
{
    static const char *const groups[] = {"/analysis/mis", "/analysis/mis_reweighted",
                                         "/analysis/mis_reshuffled", "/analysis/log_z"};
    static const char *const names[] = {"energy", "energy", "energy", "log_z"};
    (void)state;
    kad_ctx ctx;
    kad_h5 *file;
    kad_diagnostics *d = kad_alloc(1, sizeof *d);
    kad_ctx_init(&ctx, 1);
    ok(kad_h5_create(&ctx, &file));
    add_mis(&ctx, file, ONE_WEIGHS_ALL);
    ok(kad_analyse_file(&ctx, file));
    ok(kad_diagnostics_read(&ctx, file, d));
    show(d);
    assert_true(has_code(d, "few-effective-draws"));
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        double err = 0, exact;
        assert_true(isfinite(look_up(&ctx, file, groups[i], names[i], &err, &exact)));
        assert_true(isnan(err));
    }
    kad_h5_close(file);
    kad_free(d);
}

static void an_empty_run_is_fine(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_h5 *file;
    kad_ctx_init(&ctx, 1);
    ok(kad_h5_create(&ctx, &file));
    ok(kad_analyse_file(&ctx, file));
    assert_true(kad_h5_exists(file, "/diagnostics"));
    header(&ctx, file, "/samplers/mis", 1, 1);
    assert_int_equal(kad_analyse_file(&ctx, file), KAD_EDATA);
    kad_h5_close(file);
}

/* More than fit are counted, an error among them is not lost. */
static void messages_beyond_the_list_are_counted(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_h5 *file;
    kad_diagnostics *d = kad_alloc(1, sizeof *d);
    kad_ctx_init(&ctx, 1);
    for (int i = 0; i < KAD_DIAGNOSTICS_MAX + 9; i++)
        kad_diagnostics_add(d, i == KAD_DIAGNOSTICS_MAX + 3 ? KAD_ERROR : KAD_NOTE,
                            "some", i == 3 ? "mis" : NULL, "message %d", i)
            ->burn_in = 100 + i;
    ok(kad_h5_create(&ctx, &file));
    ok(kad_diagnostics_write(&ctx, file, d));
    ok(kad_diagnostics_read(&ctx, file, d));
    assert_int_equal(d->n, KAD_DIAGNOSTICS_MAX);
    assert_int_equal(kad_diagnostics_worst(d), KAD_ERROR);
    assert_string_equal(d->item[KAD_DIAGNOSTICS_MAX - 2].message, "message 62");
    /* 63 are listed, 10 are not */
    assert_string_equal(d->item[KAD_DIAGNOSTICS_MAX - 1].message,
                        "10 more messages do not fit into the list of 64");
    assert_string_equal(d->item[3].sampler, "mis");
    assert_string_equal(d->item[4].sampler, "");
    assert_int_equal(d->item[3].burn_in, 103);
    kad_h5_close(file);
    kad_free(d);
}

/* A correlator of one sign change has no mass: its row is missing, and a note says why;
 * with 1300 columns the others are there (a ring of 2600 sites). */
static void rows_left_out_are_named(void **state)
{
    (void)state;
    enum { R = 1300 };
    static double c[CHAINS * DRAWS * 5];
    kad_ctx ctx;
    kad_h5 *file;
    double err, exact;
    kad_diagnostics *d = kad_alloc(1, sizeof *d);
    kad_ctx_init(&ctx, 1);
    ok(kad_h5_create(&ctx, &file));
    header(&ctx, file, "/samplers/chain", 0, 0);
    for (size_t i = 0; i < CHAINS * DRAWS; i++)
        for (size_t r = 0; r < WIDTH; r++)
            c[i * WIDTH + r] = (r % 2 == 0 ? 1.0 : -1.0) + 0.1 * test_normal(35, r, i);
    put(&ctx, file, "/samplers/chain", "observables/correlator_slice", WIDTH, c);
    ok(kad_analyse_file(&ctx, file));
    ok(kad_diagnostics_read(&ctx, file, d));
    show(d);
    assert_true(has_code(d, "undefined"));
    assert_true(isnan(look_up(&ctx, file, "/analysis/chain", "mass", &err, &exact)));
    kad_h5_close(file);

    const size_t dims[3] = {1, 30, R};
    double *wide = kad_alloc(30 * R, sizeof *wide);
    for (size_t i = 0; i < 30 * R; i++)
        wide[i] = 1.0 + test_normal(36, 0, i);
    ok(kad_h5_create(&ctx, &file));
    header(&ctx, file, "/samplers/chain", 0, 0);
    ok(kad_h5_attr_set_int(&ctx, file, "/samplers/chain", "n_chains", 1));
    ok(kad_h5_attr_set_int(&ctx, file, "/samplers/chain", "n_draws", 30));
    ok(kad_h5_write(&ctx, file, "/samplers/chain/observables/correlator_axis", KAD_H5_F64,
                    3, dims, wide));
    ok(kad_analyse_file(&ctx, file));
    assert_true(isfinite(look_up(&ctx, file, "/analysis/chain", "G_half", &err, &exact)));
    kad_h5_close(file);
    kad_free(wide);
    kad_free(d);
}

static void lines_read_well(void **state)
{
    (void)state;
    kad_text text = {0};
    kad_row row = {.name = "log_z",
                   .mean = 59.93,
                   .err = 0.12,
                   .exact = 60.14178,
                   .tau_int = NAN,
                   .tau_int_err = NAN};
    kad_row_print(&row, &text);
    print_message("# %s\n", text.data);
    assert_non_null(strstr(text.data, "59.93(12)"));
    assert_non_null(strstr(text.data, "60.14178"));
    assert_non_null(strstr(text.data, "(-1.8 sigma)"));
    kad_text_clear(&text);
    row.err = NAN;
    row.flag = KAD_GAMMA_CONSTANT;
    kad_row_print(&row, &text);
    assert_non_null(strstr(text.data, "never moved"));
    kad_text_clear(&text);
    row.flag = KAD_GAMMA_NEGATIVE;
    kad_row_print(&row, &text);
    assert_non_null(strstr(text.data, "sum to nothing"));
    kad_text_clear(&text);
}

/* The work is stored whole at its end: a stop is an error, and says which. */
static void a_stop_ends_it(void **state)
{
    kad_ctx ctx;
    kad_h5 *file = NULL;
    (void)state;
    kad_ctx_init(&ctx, 1);
    ok(kad_h5_create(&ctx, &file));
    add_chain(&ctx, file);
    kad_signals_deadline(1e-9);
    assert_int_equal(kad_analyse_file(&ctx, file), KAD_EINTERRUPTED);
    assert_string_equal(ctx.message, "analysis: stopped by time limit");
    kad_signals_deadline(0);
    ok(kad_analyse_file(&ctx, file));
    kad_h5_close(file);
}

static void an_exact_value_has_an_error_too(void **state)
{
    (void)state;
    kad_row row = {.mean = 1.0 + 3e-13, .err = 4e-13, .exact = 1.0};
    assert_true(fabs(kad_row_pull(&row) - 0.75) < 1e-3);
    row.err = 1e-16; /* a perfect map: no scatter but rounding */
    assert_true(kad_row_pull(&row) > 1000.0);
    row.exact_err = 3e-13;
    assert_true(fabs(kad_row_pull(&row) - 1.0) < 1e-3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("analysis: known answers come out of a results file",
              known_answers_come_out),
        CLAIM("analysis: the solver's error of ln q is weighed against that of ln Z",
              solver_errors_are_weighed),
        CLAIM("analyse: a warning for an inverse that misses or is no number",
              inverse_errors_are_noted),
        CLAIM("analysis: a pull counts the error of the exact value",
              an_exact_value_has_an_error_too),
        CLAIM("analysis: correlators with covariance", correlators_are_written),
        CLAIM("analysis: binned functions have the errors of their draws",
              binned_functions_have_errors),
        CLAIM("analysis: an all-rejected chain says so, never 0 +- 0",
              a_dead_chain_says_so),
        CLAIM("analysis: what does not scatter has no error bar, never 0",
              what_does_not_scatter_says_so),
        CLAIM("analysis: few weights leave accepted chains without error bars too",
              few_weights_have_no_errors),
        CLAIM("analysis: a run without samples is fine, a broken one is refused",
              an_empty_run_is_fine),
        CLAIM("analysis: a stop ends it at once", a_stop_ends_it),
        CLAIM("analysis: messages beyond the list are counted, the worst of them kept",
              messages_beyond_the_list_are_counted),
        CLAIM("analysis: rows that are left out are named, wide correlators are not left "
              "out",
              rows_left_out_are_named),
        CLAIM("analysis: result lines carry error, exact value and pull",
              lines_read_well),
    };
    return cmocka_run_group_tests_name("analyse", tests, NULL, NULL);
}

/* Samplers against each other: the comparison's false alarms and its power, and what a
 * map's weights say at configurations that it did not make. */
#include "analysis/agreement.h"
#include "analysis/analyse.h"
#include "analysis/table.h"
#include "analysis/warn.h"
#include "base/weights.h"
#include "tests/support/analysis_util.h"

#include <gsl/gsl_cdf.h>

#define ok(expr) assert_int_equal((expr), KAD_OK)

/* Mean and standard error of n independent numbers. */
static double mean_of(size_t n, const double *a, double *err)
{
    double mean = 0.0, square = 0.0;
    for (size_t i = 0; i < n; i++)
        mean += a[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        square += (a[i] - mean) * (a[i] - mean);
    *err = sqrt(square / (double)(n * (n - 1)));
    return mean;
}

/* Two estimates: Student's t with Satterthwaite's degrees. Errors known exactly: chi^2. */
static void known_cases_come_out(void **state)
{
    (void)state;
    const double value[3] = {0.3, 1.4, 0.9}, err[3] = {0.2, 0.35, 0.5};
    const double dof[3] = {10.0, 20.0, 7.0}, sure[3] = {INFINITY, NAN, INFINITY};
    double chi2;
    const double p = kad_welch(2, value, err, dof, &chi2);
    const double a = err[0] * err[0], b = err[1] * err[1];
    const double t = (value[0] - value[1]) / sqrt(a + b);
    const double nu = (a + b) * (a + b) / (a * a / dof[0] + b * b / dof[1]);
    assert_true(fabs(chi2 / (t * t) - 1.0) < 1e-12);
    assert_true(fabs(p / (2.0 * gsl_cdf_tdist_Q(fabs(t), nu)) - 1.0) < 1e-10);
    assert_true(fabs(p / kad_pull_p(t, nu) - 1.0) < 1e-10);
    const double q = kad_welch(3, value, err, sure, &chi2);
    assert_true(fabs(q / gsl_cdf_chisq_Q(chi2, 2.0) - 1.0) < 1e-10);
    assert_true(fabs(kad_pull_p(2.0, NAN) / 0.0455002638964 - 1.0) < 1e-9);
    /* far out nothing overflows */
    const double far[2] = {0.0, 1e6}, unit[2] = {1.0, 1.0};
    assert_true(kad_welch(2, far, unit, sure, &chi2) == 0.0);
    assert_true(kad_welch(2, far, unit, dof, &chi2) < 1e-50);
}

/* Three samplers of 8, 12 and 30 independent draws with spreads 1, 3 and 0.5. 20000
 * replicas know a rate of 0.05 to 0.0015 and of 0.002 to 0.0003: five of those; Welch's
 * approximation is good to a tenth of the rate besides. Without the errors' own errors
 * alarms are twice to ten times as frequent. */
static void small_samples_raise_no_more_alarms(void **state)
{
    (void)state;
    enum { REPLICAS = 20000, MOST = 30 };
    static const size_t n[3] = {8, 12, 30};
    static const double spread[3] = {1.0, 3.0, 0.5}, sure[3] = {NAN, NAN, NAN};
    double often = 0, rarely = 0, naive = 0;
    for (uint64_t r = 0; r < REPLICAS; r++) {
        double value[3], err[3], dof[3], a[MOST], chi2;
        for (size_t k = 0; k < 3; k++) {
            for (size_t i = 0; i < n[k]; i++)
                a[i] = spread[k] * test_normal(70 + (uint32_t)k, r, i);
            value[k] = mean_of(n[k], a, &err[k]);
            dof[k] = (double)n[k] - 1.0;
        }
        const double p = kad_welch(3, value, err, dof, &chi2);
        often += p < 0.05;
        rarely += p < 0.002;
        naive += kad_welch(3, value, err, sure, &chi2) < 0.002;
    }
    print_message("# rates %.4f of 0.05, %.5f of 0.002 (%.4f by chi^2 alone)\n",
                  often / REPLICAS, rarely / REPLICAS, naive / REPLICAS);
    assert_true(fabs(often / REPLICAS - 0.05) < 5 * 0.0015 + 0.005);
    assert_true(fabs(rarely / REPLICAS - 0.002) < 5 * 0.0003 + 0.0002);
    assert_true(naive / REPLICAS > 0.008);
}

/* Sums over replicas of what an error was and of what it said about itself. */
typedef struct scatter {
    double err2, err4, noise;
} scatter;

static void add_error(scatter *s, double err, double dof)
{
    s->err2 += err * err;
    s->err4 += pow(err, 4);
    s->noise += 2.0 / dof;
}

/* The degrees of freedom that errors come with predict how much they scatter:
 * Var(err^2)/<err^2>^2 = 2/dof. Chains of tau_int 4, their squares (kurtosis 15), and
 * weighted draws of squares. 800 replicas know a variance to 5 % or, of what is skew, to
 * 15 %; a sample's own kurtosis is too small where tails are heavy: a factor of 1.5. */
static void degrees_of_freedom_are_honest(void **state)
{
    (void)state;
    enum { REPLICAS = 800, N = 3000 };
    scatter s[3] = {{0}};
    for (uint64_t r = 0; r < REPLICAS; r++) {
        static double a[N], log_w[N];
        kad_ctx ctx;
        kad_gamma gamma;
        double mean, err, dof;
        kad_ctx_init(&ctx, 1);
        test_ar1(80, r, 4.0, 0.0, N, a);
        for (int k = 0; k < 2; k++) {
            ok(kad_gamma_analyse(&ctx, 1, N, a, 1.5, &gamma));
            add_error(&s[k], gamma.err, gamma.err_dof);
            for (size_t i = 0; i < N; i++)
                a[i] *= a[i];
        }
        for (size_t i = 0; i < N; i++) {
            a[i] = pow(test_normal(81, r, i), 2);
            log_w[i] = 0.3 * test_normal(82, r, i);
        }
        ok(kad_reweight(&ctx, N, log_w, 1, a, &mean, &err, &dof, NULL));
        add_error(&s[2], err, dof);
    }
    for (int k = 0; k < 3; k++) {
        const double mean = s[k].err2 / REPLICAS;
        const double found = s[k].err4 / REPLICAS / mean / mean - 1.0;
        const double said = s[k].noise / REPLICAS;
        print_message("# Var(err^2)/err^4: %.4f, from the degrees of freedom %.4f\n",
                      found, said);
        assert_true(said / found < 1.5 && said / found > 1 / 1.5);
    }
}

/* --- a run's tables ------------------------------------------------------------------ */

enum { ROWS = 20, CHAIN = 1000 };

/* An estimate of `observable` from a chain of tau_int 4, or from weighted draws. */
static void add_estimate(kad_agreement *a, int observable, int sampler, uint64_t replica,
                         double shift)
{
    static double x[CHAIN], log_w[CHAIN];
    static const char *const names[3] = {"hmc", "metropolis", "mis_reweighted"};
    const uint32_t index = (uint32_t)(100 + 3 * observable + sampler);
    char name[16];
    kad_ctx ctx;
    kad_gamma gamma;
    double mean, err, dof;
    kad_ctx_init(&ctx, 1);
    test_ar1(index, replica, sampler < 2 ? 4.0 : 0.5, 1.0, CHAIN, x);
    if (sampler < 2) {
        kad_row row;
        ok(kad_gamma_analyse(&ctx, 1, CHAIN, x, 1.5, &gamma));
        kad_row_set_gamma(&row, &gamma);
        mean = row.mean;
        err = row.err;
        dof = row.err_dof;
    } else {
        for (size_t i = 0; i < CHAIN; i++)
            log_w[i] = 0.7 * test_normal(200 + (uint32_t)observable, replica, i);
        ok(kad_reweight(&ctx, CHAIN, log_w, 1, x, &mean, &err, &dof, NULL));
    }
    snprintf(name, sizeof name, "o%d", observable);
    kad_agreement_add(a, name, names[sampler], mean + shift * err, err, dof);
}

/* 150 runs of 20 observables of three samplers, two of them chains of 250 tau_int: p of
 * the 3000 rows is uniform, and no run is refuted (0.15 are expected to be). A rate of
 * 0.01 is known to 0.0018 from 3000; the window's own bias makes errors 3 % small, and so
 * the rate 1.2 times as large. */
static void good_runs_are_left_alone(void **state)
{
    (void)state;
    enum { RUNS = 150 };
    kad_agreement *a = kad_alloc(1, sizeof *a);
    double low = 0.0, refuted = 0.0, mean = 0.0;
    for (uint64_t r = 0; r < RUNS; r++) {
        memset(a, 0, sizeof *a);
        for (int o = 0; o < ROWS; o++)
            for (int s = 0; s < 3; s++)
                add_estimate(a, o, s, r, 0.0);
        kad_agreement_finish(a);
        assert_int_equal(a->n_compared, ROWS);
        /* any of n rows: 1 - (1 - limit)^n = alpha */
        assert_true(fabs(-expm1(ROWS * log1p(-a->limit)) / KAD_AGREEMENT_ALPHA - 1.0) <
                    1e-9);
        refuted += a->n_refuted > 0;
        for (int o = 0; o < ROWS; o++) {
            low += a->row[o].p < 0.01;
            mean += a->row[o].p / ROWS / RUNS;
        }
    }
    print_message("# p below 0.01: %.4f, mean %.3f, refuted runs %.0f\n",
                  low / ROWS / RUNS, mean, refuted);
    assert_true(low / ROWS / RUNS < 0.01 * 1.2 + 5 * 0.0018);
    assert_true(fabs(mean - 0.5) < 5 * 0.289 / sqrt(ROWS * RUNS) + 0.02);
    assert_true(refuted < 3);
    kad_free(a);
}

static const kad_diagnostic *find_code(const kad_diagnostics *d, const char *code)
{
    for (size_t i = 0; i < d->n; i++)
        if (strcmp(d->item[i].code, code) == 0) return &d->item[i];
    return NULL;
}

/* A sampler eight of its errors off in one of 20 observables is found, named, and an
 * error; what is written comes back. */
static void a_sampler_apart_is_named(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_h5 *file;
    kad_agreement *a = kad_alloc(2, sizeof *a), *b = a + 1;
    kad_diagnostics *d = kad_alloc(1, sizeof *d);
    kad_ctx_init(&ctx, 1);
    memset(a, 0, sizeof *a);
    for (int o = 0; o < ROWS; o++)
        for (int s = 0; s < 3; s++)
            add_estimate(a, o, s, 1000, o == 7 && s == 1 ? 8.0 : 0.0);
    kad_agreement_add(a, "lonely", "hmc", 1.0, 0.1, 10.0);
    kad_agreement_add(a, "o3", "broken", 1.0, NAN,
                      10.0); /* no error bar: no part in it */
    kad_agreement_finish(a);
    assert_int_equal(a->n_refuted, 1);
    assert_int_equal(a->n_compared, ROWS);
    assert_true(a->row[7].refuted);
    assert_string_equal(a->sampler[a->row[7].apart], "metropolis");
    memset(d, 0, sizeof *d);
    kad_agreement_warn(a, d);
    assert_int_equal(d->n, 1);
    assert_int_equal(kad_diagnostics_worst(d), KAD_ERROR);
    print_message("# %s\n", d->item[0].message);
    assert_non_null(strstr(d->item[0].message, "o7: metropolis has"));
    ok(kad_h5_create(&ctx, &file));
    ok(kad_agreement_write(&ctx, file, a));
    ok(kad_agreement_read(&ctx, file, b));
    assert_int_equal(b->n_refuted, 1);
    assert_true(b->row[7].p == a->row[7].p && b->row[7].chi2 == a->row[7].chi2);
    kad_h5_close(file);
    kad_free(a);
    kad_free(d);
}

/* Of a map that is exact everything agrees to rounding, with errors smaller than that. */
static void rounding_is_no_disagreement(void **state)
{
    (void)state;
    kad_agreement *a = kad_alloc(1, sizeof *a);
    kad_agreement_add(a, "overlap", "mis_reweighted", 0.5, 1e-17, 4000.0);
    kad_agreement_add(a, "overlap", "hmc", 0.5 + 6e-14, 3e-15, 63.0);
    kad_agreement_add(a, "overlap", "metropolis", 0.5 - 2e-8, 1e-9, 63.0);
    kad_agreement_add(a, "m2", "hmc", 0.5, 1e-5, 63.0);
    kad_agreement_add(a, "m2", "metropolis", 0.501, 1e-5, 63.0);
    kad_agreement_finish(a);
    assert_false(a->row[0].refuted);
    assert_true(a->row[1].refuted);
    kad_free(a);
}

/* --- a map that misses modes --------------------------------------------------------- */

enum { CHAINS = 16, CONFIGS = 32, PROPOSALS = 4000 };

/* The target, two equal modes: |x| ~ N(5, 1), Z = 1; the map draws N(5, 1.1^2), of the
 * first mode only, or of both. ln w = ln pi - ln q: overlap 1/2 where the map is, 0 in the
 * other mode, which ln w = 25 + ... there betrays. */
static double log_normal_density(double x, double mean, double sigma)
{
    return -0.5 * pow((x - mean) / sigma, 2) - log(sigma * sqrt(2 * M_PI));
}

static double log_weight(double x, bool both)
{
    const double pi = log(0.5 * exp(log_normal_density(x, 5, 1)) +
                          0.5 * exp(log_normal_density(x, -5, 1)));
    const double q = both ? log(0.5 * exp(log_normal_density(x, 5, 1.1)) +
                                0.5 * exp(log_normal_density(x, -5, 1.1)))
                          : log_normal_density(x, 5, 1.1);
    return pi - q;
}

static void set_group(kad_ctx *ctx, kad_h5 *file, const char *group, size_t n_chains,
                      size_t n_draws, int weighted)
{
    ok(kad_h5_group(ctx, file, group));
    ok(kad_h5_attr_set_int(ctx, file, group, "n_chains", (int64_t)n_chains));
    ok(kad_h5_attr_set_int(ctx, file, group, "n_draws", (int64_t)n_draws));
    ok(kad_h5_attr_set_int(ctx, file, group, "n_sites", 1));
    ok(kad_h5_attr_set_int(ctx, file, group, "weighted", weighted));
}

static void make_run(kad_ctx *ctx, kad_h5 *file, uint64_t replica, bool both)
{
    static double log_w[PROPOSALS], other[CHAINS * CONFIGS], series[CHAINS * CONFIGS];
    const size_t dims[2] = {1, PROPOSALS}, few[2] = {CHAINS, CONFIGS};
    for (size_t i = 0; i < PROPOSALS; i++) {
        const double sign = both && i % 2 > 0 ? -1.0 : 1.0;
        log_w[i] = log_weight(sign * (5.0 + 1.1 * test_normal(300, replica, i)), both);
    }
    for (size_t i = 0; i < CHAINS * CONFIGS; i++) {
        const double sign = test_normal(301, replica, i) > 0 ? 1.0 : -1.0;
        const double x = sign * (5.0 + test_normal(302, replica, i));
        other[i] = log_weight(x, both);
        series[i] = x * x;
    }
    set_group(ctx, file, "/samplers/direct", 1, PROPOSALS, 1);
    ok(kad_h5_write(ctx, file, "/samplers/direct/proposals/log_weight", KAD_H5_F64, 2,
                    dims, log_w));
    set_group(ctx, file, "/samplers/hmc", CHAINS, CONFIGS, 0);
    ok(kad_h5_write(ctx, file, "/samplers/hmc/observables/r2", KAD_H5_F64, 2, few,
                    series));
    ok(kad_h5_write(ctx, file, "/samplers/hmc/map_log_weight", KAD_H5_F64, 2, few,
                    other));
    const double zero = 0.0;
    ok(kad_h5_write(ctx, file, "/exact/log_z", KAD_H5_F64, 0, NULL, &zero));
}

static double look_up(kad_ctx *ctx, kad_h5 *file, const char *group, const char *name,
                      double *err)
{
    KAD_SCOPE(scope, ctx);
    kad_table table;
    ok(kad_table_read(&scope, file, group, &table));
    const size_t i = kad_table_find(&table, name);
    const double value = kad_table_at(&table, &table.mean, i);
    *err = kad_table_at(&table, &table.err, i);
    return value;
}

/* The weights see nothing (ESS 0.98, ln Z = -ln 2 and sure of it, an upper bound below
 * the truth); the other sampler does: its bound holds, ln Z from both is right, half of
 * the distribution is missed, and that is an error. */
static void half_a_distribution_is_found_missing(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_h5 *file;
    double err;
    kad_diagnostics *d = kad_alloc(1, sizeof *d);
    kad_ctx_init(&ctx, 1);
    ok(kad_h5_create(&ctx, &file));
    make_run(&ctx, file, 0, false);
    ok(kad_analyse_file(&ctx, file));
    assert_true(look_up(&ctx, file, "/analysis/log_z", "ess", &err) > 0.95);
    const double alone = look_up(&ctx, file, "/analysis/log_z", "log_z", &err);
    assert_true(fabs(alone + log(2)) < 5 * err);
    assert_true(look_up(&ctx, file, "/analysis/log_z", "log_z_upper", &err) < -0.5);
    /* half of the configurations: E ln w = (1/2)(-ln 2 + O(0.01)) + (1/2)(about 40) */
    const double upper = look_up(&ctx, file, "/analysis/log_z_hmc", "log_z_upper", &err);
    assert_true(upper > 5.0 && err < 3.0);
    const double both = look_up(&ctx, file, "/analysis/log_z_hmc", "log_z", &err);
    print_message("# ln Z %.3f by the map, %.3f(%.3f) by both, bound %.1f\n", alone, both,
                  err, upper);
    assert_true(fabs(both) < 5 * err && err < 0.1);
    ok(kad_diagnostics_read(&ctx, file, d));
    assert_non_null(find_code(d, "lost-modes"));
    assert_non_null(find_code(d, "upper-gap"));
    assert_int_equal(find_code(d, "lost-modes")->severity, KAD_ERROR);
    assert_int_equal(find_code(d, "upper-gap")->severity, KAD_WARNING);
    assert_int_equal(find_code(d, "exact")->severity, KAD_ERROR); /* 70 errors off */
    assert_non_null(strstr(find_code(d, "lost-modes")->message, " 5"));
    kad_h5_close(file);
    kad_free(d);
}

/* The same with a map of both modes, 60 runs: ln Z from both is unbiased with the error
 * it states, and nothing is said. */
static void a_whole_map_is_left_alone(void **state)
{
    (void)state;
    enum { RUNS = 60 };
    kad_ctx ctx;
    kad_diagnostics *d = kad_alloc(1, sizeof *d);
    double pull2 = 0.0;
    kad_ctx_init(&ctx, 1);
    for (uint64_t r = 0; r < RUNS; r++) {
        kad_h5 *file;
        double err;
        ok(kad_h5_create(&ctx, &file));
        make_run(&ctx, file, 1 + r, true);
        ok(kad_analyse_file(&ctx, file));
        ok(kad_diagnostics_read(&ctx, file, d));
        const double both = look_up(&ctx, file, "/analysis/log_z_hmc", "log_z", &err);
        pull2 += both * both / err / err / RUNS;
        assert_null(find_code(d, "lost-modes"));
        assert_null(find_code(d, "upper-gap"));
        kad_h5_close(file);
    }
    /* a mean of 60 squares of unit pulls: 1, known to sqrt(2/60) = 0.18 */
    print_message("# <pull^2> of ln Z from both %.2f\n", pull2);
    assert_true(fabs(pull2 - 1.0) < 5 * 0.18);
    kad_free(d);
}

/* Without the other sampler nothing but a note says that nobody looked. */
static void a_map_alone_is_noted(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_h5 *file;
    kad_diagnostics *d = kad_alloc(1, sizeof *d);
    kad_ctx_init(&ctx, 1);
    ok(kad_h5_create(&ctx, &file));
    make_run(&ctx, file, 0, true);
    ok(kad_h5_remove(&ctx, file, "/samplers/hmc"));
    ok(kad_analyse_file(&ctx, file));
    ok(kad_diagnostics_read(&ctx, file, d));
    assert_non_null(find_code(d, "no-witness"));
    assert_int_equal(kad_diagnostics_worst(d), KAD_NOTE);
    kad_h5_close(file);
    kad_free(d);
}

/* Beyond four errors a warning, beyond five an error; but not where the error bar is made
 * of so few numbers that five of it are nothing rare: of Student's t with four degrees
 * 0.8 % lie beyond 5. */
static void pulls_from_exact_values(void **state)
{
    static const struct {
        double pull, dof;
        kad_severity severity;
    } cases[] = {{4.5, 1000.0, KAD_WARNING},
                 {-5.5, 1000.0, KAD_ERROR},
                 {5.5, NAN, KAD_ERROR},
                 {5.5, 4.0, KAD_WARNING}};
    (void)state;
    kad_ctx ctx;
    kad_diagnostics *d = kad_alloc(1, sizeof *d);
    kad_ctx_init(&ctx, 1);
    KAD_SCOPE(scope, &ctx);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kad_estimates *estimates;
        ok(kad_estimates_create(&scope, "hmc", "", &estimates));
        kad_row *row = kad_estimates_add(estimates, "energy");
        row->exact = 1.0;
        row->err = 0.1;
        row->mean = 1.0 + 0.1 * cases[i].pull;
        row->err_dof = cases[i].dof;
        row = kad_estimates_add(estimates, "m2"); /* fine */
        row->exact = row->mean = 1.0;
        row->err = 0.1;
        memset(d, 0, sizeof *d);
        kad_warn_exact(d, "mis", estimates);
        assert_int_equal(d->n, 1);
        assert_int_equal(d->item[0].severity, cases[i].severity);
    }
    kad_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("agreement: Welch's p, Student's t and chi^2 where they are known",
              known_cases_come_out),
        CLAIM("agreement: few draws raise no more false alarms than many",
              small_samples_raise_no_more_alarms),
        CLAIM("agreement: errors' degrees of freedom are their scatter",
              degrees_of_freedom_are_honest),
        CLAIM("agreement: runs in which all is well are left alone",
              good_runs_are_left_alone),
        CLAIM("agreement: a sampler apart is found, named and written",
              a_sampler_apart_is_named),
        CLAIM("agreement: rounding is no disagreement", rounding_is_no_disagreement),
        CLAIM("weights: half a distribution is found missing",
              half_a_distribution_is_found_missing),
        CLAIM("weights: a whole map is left alone", a_whole_map_is_left_alone),
        CLAIM("weights: a map that ran alone is noted", a_map_alone_is_noted),
        CLAIM("exact: beyond four errors a warning, beyond five an error",
              pulls_from_exact_values)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

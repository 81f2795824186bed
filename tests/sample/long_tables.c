/* Every sampler against the values of tables.h, in float and double, as a user would find
 * out: train a little, sample, analyse, and read means and errors from the results file.
 * Maps are trained in float and used in both precisions. Seeds are fresh every day and for
 * every commit; they are printed, and so is where the time goes.
 *
 * Within a run the estimates are correlated: with z_k = (mean - exact)/error from the
 * analysis, R the correlations of the estimates over blocks of draws, and v_p, lambda_p
 * its eigenvectors and eigenvalues,
 *     chi^2 = sum_p (v_p.z)^2 / lambda_p,
 * one degree of freedom a term. Terms of lambda < 0.05 are left out: there the estimates say
 * the same, and their difference is known to less than the errors themselves are. The sum
 * over the tables must be neither too large (a bias, or errors too small) nor too small
 * (errors too large), nor may a bias hide in one row of them.
 *
 *   KAD_TABLE=TEXT   only rows whose name contains TEXT */
#include "analysis/analyse.h"
#include "analysis/table.h"
#include "sample/sampler.h"
#include "tests/sample/tables.h"
#include "tests/support/fresh.h"
#include "tests/support/sample_util.h"
#include "train/params.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_eigen.h>
#include <time.h>

enum { N_CHAINS = 32, N_BLOCKS = 8, N_SERIES = 12, N_SAMPLERS = 10 };
/* Two-sided, of the whole table and of one sampler's rows; one-sided, of a single row. */
static const double P_TABLE = 1e-4, P_SAMPLER = 1e-5, P_ROW = 1e-7;
static const double LAMBDA_LEAST = 0.05;

/* What is compared: a table of the analysis, and the series it was made from. */
static const struct series {
    const char *table, *sampler;
    bool weighted, again; /* again: made from draws that another line has used */
} series[N_SERIES] = {
    {"mis", "mis", false, false},
    {"mis_reweighted", "mis", true, true},
    {"direct_reweighted", "direct", true, false},
    {"hmc", "hmc", false, false},
    {"latent-hmc", "latent-hmc", false, false},
    {"latent-metropolis", "latent-metropolis", false, false},
    {"metropolis", "metropolis", false, false},
    {"cluster", "cluster", false, false},
    {"cycle", "cycle", false, false},
    {"tempering", "tempering", false, false},
    {"annealed", "annealed", false, false},
    {"annealed_reweighted", "annealed", true, true},
};

typedef struct score {
    double chi2;
    int n; /* 0: no error bar was stated */
} score;

typedef score row_scores[2][N_SERIES]; /* of one table: float, double */
static row_scores scores[N_TABLES];
static bool finished[N_TABLES];
static score log_z_score;
static const char *const precisions[2] = {"single", "double"};

/* --- a run --------------------------------------------------------------------------- */

/* Samplers that generate the field in every update make fewer draws, after a shorter
 * burn-in: their chains start from the map. Local ones make many updates a draw. */
static const struct plan {
    const char *name;
    bool costly;
    int updates; /* a draw: 1 + the table's thin / this; 0: 1 */
} plans[N_SAMPLERS] = {
    {"mis", false, 0},
    {"direct", false, 0},
    {"hmc", false, 10},
    {"latent-hmc", true, 0},
    {"latent-metropolis", true, 0},
    {"metropolis", false, 1},
    {"cluster", false, 0},
    {"cycle", true, 0},
    {"tempering", false, 4},
    {"annealed", false, 0},
};

static void write_config(const table *t, const char *precision, uint64_t seed, char *yaml,
                         size_t size)
{
    int at =
        snprintf(yaml, size,
                 "seed: %llu\n"
                 "lattice: {shape: [%s]}\n"
                 "action: {%s}\n"
                 "flow: {precision: %s%s}\n"
                 "sample:\n",
                 (unsigned long long)seed, t->lattice, t->action, precision, t->flow);
    for (int i = 0; i < N_SAMPLERS; i++) {
        const struct plan *p = &plans[i];
        at += snprintf(yaml + at, size - (size_t)at,
                       "  - {name: %s, chains: %d, draws: %d, burn_in: %d, tuning: %d, "
                       "thin: %d}\n",
                       p->name, N_CHAINS, p->costly ? t->n_latent : t->n_draws,
                       p->costly ? 30 : 100, p->costly ? 40 : 100,
                       p->updates > 0 ? 1 + t->thin / p->updates : 1);
    }
}

/* The map of a run: out of the results of one, into those of another. */
static double *read_map(scene *s)
{
    kad_h5 *file = NULL;
    double *theta = kad_alloc(s->model->flow->n_theta, sizeof *theta);
    assert_ok(s, kad_results_open(&s->ctx, s->run, &file));
    assert_ok(s, kad_params_read(&s->ctx, file, s->model->flow, s->model->action, theta));
    kad_h5_close(file);
    return theta;
}

static void write_map(scene *s, const double *theta)
{
    kad_h5 *file = NULL;
    assert_ok(s, kad_results_open(&s->ctx, s->run, &file));
    assert_ok(s, kad_params_write(&s->ctx, file, s->model->flow, s->model->prec,
                                  &s->model->family, theta));
    assert_ok(s, kad_results_save(&s->ctx, s->run, file));
    kad_h5_close(file);
}

/* --- where the time goes --------------------------------------------------------------- */

static double cpu_seconds(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

/* CPU seconds by sampler: wall time as stored, times the share of it that was ours. */
static void print_seconds(scene *s, kad_h5 *file, double share)
{
    printf("#   seconds:");
    for (int i = 0; i < N_SAMPLERS; i++) {
        char group[64];
        snprintf(group, sizeof group, "/samplers/%s", plans[i].name);
        const double n = N_CHAINS * (double)kad_attr_int(&s->ctx, file, group, "n_draws");
        const double before = kad_attr_real(&s->ctx, file, group, "tuning_seconds");
        const double draws = kad_attr_real(&s->ctx, file, group, "seconds_per_draw") * n;
        printf(" %s %.1f+%.1f", plans[i].name, share * before, share * draws);
    }
    printf("\n");
}

/* --- chi^2 --------------------------------------------------------------------------- */

/* Sum over the principal components of R that are known; R is overwritten. */
static score chi_squared(int n, double R[TABLE_VALUES][TABLE_VALUES], const double *z)
{
    double lambda[TABLE_VALUES], v[TABLE_VALUES * TABLE_VALUES];
    gsl_matrix_view matrix =
        gsl_matrix_view_array_with_tda(&R[0][0], (size_t)n, (size_t)n, TABLE_VALUES);
    gsl_vector_view values = gsl_vector_view_array(lambda, (size_t)n);
    gsl_matrix_view vectors = gsl_matrix_view_array(v, (size_t)n, (size_t)n);
    gsl_eigen_symmv_workspace *work = gsl_eigen_symmv_alloc((size_t)n);
    score sum = {0};
    assert_non_null(work);
    assert_int_equal(
        gsl_eigen_symmv(&matrix.matrix, &values.vector, &vectors.matrix, work), 0);
    gsl_eigen_symmv_free(work);
    for (int p = 0; p < n; p++) {
        double dot = 0;
        if (lambda[p] < LAMBDA_LEAST) continue;
        for (int k = 0; k < n; k++)
            dot += v[k * n + p] * z[k];
        sum.chi2 += dot * dot / lambda[p];
        sum.n++;
    }
    return sum;
}

/* A dataset of results that are open. */
static kad_values read_values(scene *s, kad_h5 *file, const char *path)
{
    kad_values values;
    assert_ok(s, kad_values_read(&s->scope, file, path, &values));
    if (values.n == 0) fail_msg("%s is missing", path);
    return values;
}

/* What blocks of a chain's draws of an observable add to the deviation from the mean. */
static void residuals(scene *s, kad_h5 *file, const struct series *line,
                      const char *observable, double *out)
{
    char path[128];
    snprintf(path, sizeof path, "/samplers/%s/%s/%s", line->sampler,
             line->weighted ? "proposals" : "observables", observable);
    kad_values a = read_values(s, file, path), w = {0};
    double total = 0, top = -INFINITY, mean = 0;
    assert_int_equal(a.dims[0], N_CHAINS);
    if (line->weighted) {
        snprintf(path, sizeof path, "/samplers/%s/proposals/log_weight", line->sampler);
        w = read_values(s, file, path);
        for (size_t i = 0; i < a.n; i++)
            top = fmax(top, w.data[i]);
    }
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < a.n; i++) {
            const double weight = line->weighted ? exp(w.data[i] - top) : 1;
            if (pass == 0) {
                total += weight;
                mean += weight * a.data[i];
            } else {
                out[i * N_CHAINS * N_BLOCKS / a.n] += weight * (a.data[i] - mean / total);
            }
        }
}

static void correlations(int n, double (*r)[N_CHAINS * N_BLOCKS],
                         double R[TABLE_VALUES][TABLE_VALUES])
{
    for (int i = 0; i < n; i++)
        for (int j = 0; j <= i; j++) {
            double ij = 0, ii = 0, jj = 0;
            for (int b = 0; b < N_CHAINS * N_BLOCKS; b++) {
                ij += r[i][b] * r[j][b];
                ii += r[i][b] * r[i][b];
                jj += r[j][b] * r[j][b];
            }
            R[i][j] = R[j][i] = ij / sqrt(ii * jj);
        }
}

static score compare(scene *s, kad_h5 *file, const table *t, const struct series *line)
{
    double z[TABLE_VALUES], r[TABLE_VALUES][N_CHAINS * N_BLOCKS] = {{0}};
    double R[TABLE_VALUES][TABLE_VALUES];
    char group[64];
    kad_table found;
    score sum = {0};
    bool known = true;
    int n = 0;
    snprintf(group, sizeof group, "/analysis/%s", line->table);
    assert_ok(s, kad_table_read(&s->scope, file, group, &found));
    printf("#   %-18s", line->table);
    for (; n < TABLE_VALUES && t->value[n].observable != NULL; n++) {
        const table_value *v = &t->value[n];
        const size_t row = kad_table_find(&found, v->observable);
        if (row == found.n) fail_msg("%s has no %s", group, v->observable);
        const double mean = found.mean.data[row], err = found.err.data[row];
        z[n] = (mean - v->exact) / hypot(err, v->error);
        printf(" %s %.6f(%.6f) %+.2f ", v->observable, mean, err, z[n]);
        if (!isfinite(z[n])) known = false;
        residuals(s, file, line, v->observable, r[n]);
    }
    if (known) {
        correlations(n, r, R);
        sum = chi_squared(n, R, z);
    }
    printf(known ? " chi2 %.1f/%d\n" : " NO ERROR BAR\n", sum.chi2, sum.n);
    return sum;
}

static void compare_log_z(scene *s, kad_h5 *file, const table *t)
{
    kad_table found;
    assert_ok(s, kad_table_read(&s->scope, file, "/analysis/log_z", &found));
    const size_t row = kad_table_find(&found, "log_z"),
                 ess = kad_table_find(&found, "ess");
    assert_true(row < found.n && ess < found.n);
    printf("#   ESS %.3f, log_z %.6f(%.6f)", found.mean.data[ess], found.mean.data[row],
           found.err.data[row]);
    if (!isnan(t->log_z)) {
        const double z = (found.mean.data[row] - t->log_z) / found.err.data[row];
        printf(" %+.2f", z);
        log_z_score.chi2 += z * z;
        log_z_score.n++;
    }
    printf("\n");
}

/* --- the claims ---------------------------------------------------------------------- */

/* Sample, analyse, compare; the map is there. */
static void run_samplers(scene *s, const table *t, score *out)
{
    kad_h5 *file = NULL;
    const double wall = kad_wall_seconds(), start = cpu_seconds();
    assert_ok(s, kad_sample(&s->ctx, s->run, &s->options.sample, s->model, NULL));
    const double sampled = cpu_seconds() - start;
    const double share = sampled / (kad_wall_seconds() - wall);
    assert_ok(s, kad_analyse(&s->ctx, s->run));
    printf("#   sampling %.1f s, analysis %.1f s\n", sampled,
           cpu_seconds() - start - sampled);
    assert_ok(s, kad_results_open(&s->ctx, s->run, &file));
    print_seconds(s, file, share);
    for (int i = 0; i < N_SERIES; i++)
        out[i] = compare(s, file, t, &series[i]);
    compare_log_z(s, file, t);
    kad_h5_close(file);
}

/* False: not asked for. */
static bool run_table(const table *t, row_scores out)
{
    const char *only = getenv("KAD_TABLE");
    char yaml[2048];
    double *theta = NULL;
    scene s;
    if (only != NULL && strstr(t->name, only) == NULL) return false;
    for (int prec = 0; prec < 2; prec++) {
        const uint64_t seed = fresh_seed(t->name, precisions[prec]);
        const double start = cpu_seconds();
        write_config(t, precisions[prec], seed, yaml, sizeof yaml);
        scene_make(&s, yaml, prec == 0 ? t->steps : 0);
        if (prec == 0)
            theta = read_map(&s);
        else
            write_map(&s, theta);
        printf("#   training %.1f s\n", cpu_seconds() - start);
        run_samplers(&s, t, out[prec]);
        scene_clear(&s);
    }
    kad_free(theta);
    return true;
}

static void every_table_is_finished(void **state)
{
    (void)state;
    for (int i = 0; i < N_TABLES; i++)
        finished[i] = run_table(&tables[i], scores[i]);
}

/* Whether chi^2 is likely, from both sides. */
static bool likely(const char *name, score s, double limit)
{
    const double p = gsl_cdf_chisq_Q(s.chi2, s.n);
    printf("# %-18s chi^2 %7.1f of %3d, p %.5f\n", name, s.chi2, s.n, p);
    return p > limit && p < 1 - limit;
}

static score sum_of(int i_series)
{
    score sum = {0};
    for (int i = 0; i < N_TABLES; i++)
        for (int prec = 0; prec < 2; prec++) {
            sum.chi2 += scores[i][prec][i_series].chi2;
            sum.n += scores[i][prec][i_series].n;
        }
    return sum;
}

static void errors_are_right(void **state)
{
    score all = {0};
    bool right = true;
    (void)state;
    for (int i = 0; i < N_SERIES; i++) {
        const score sum = sum_of(i);
        if (sum.n == 0) continue;
        right = likely(series[i].table, sum, P_SAMPLER) && right;
        if (series[i].again) continue;
        all.chi2 += sum.chi2;
        all.n += sum.n;
    }
    if (log_z_score.n > 0) right = likely("log_z", log_z_score, P_SAMPLER) && right;
    if (all.n > 0) right = likely("all samplers", all, P_TABLE) && right;
    assert_true(right);
}

/* Prints chi^2 / degrees of freedom of every row, float and double. */
static void no_row_is_off(void **state)
{
    bool right = true;
    (void)state;
    printf("# | table |");
    for (int i = 0; i < N_SERIES; i++)
        printf(" %s |", series[i].table);
    printf("\n");
    for (int k = 0; k < N_TABLES; k++) {
        if (!finished[k]) continue;
        printf("# | %s |", tables[k].name);
        for (int i = 0; i < N_SERIES; i++) {
            for (int prec = 0; prec < 2; prec++) {
                const score s = scores[k][prec][i];
                printf(" %.1f/%d", s.chi2, s.n);
                right = right && s.n > 0 && gsl_cdf_chisq_Q(s.chi2, s.n) > P_ROW;
            }
            printf(" |");
        }
        printf("\n");
    }
    assert_true(right);
}

/* Nothing in the registry is left out. */
static void every_sampler_is_compared(void **state)
{
    (void)state;
    for (int i = 0; kad_samplers[i] != NULL; i++) {
        bool found = false;
        for (int k = 0; k < N_SERIES; k++)
            found = found || strcmp(kad_samplers[i]->name, series[k].sampler) == 0;
        if (!found) fail_msg("%s is not compared", kad_samplers[i]->name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("tables: every sampler is compared", every_sampler_is_compared),
        CLAIM("tables: every sampler finishes every table in float and double",
              every_table_is_finished),
        CLAIM("tables: every row has error bars and none is off", no_row_is_off),
        CLAIM("tables: chi^2 over the table is neither large nor small",
              errors_are_right),
    };
    setvbuf(stdout, NULL, _IOLBF, 0); /* seen as they come */
    return cmocka_run_group_tests_name("tables", tests, NULL, NULL);
}

/* Every sampler against the values of tables.h, in float and double, as a user would find
 * out: train a little, sample, analyse, and read means and errors from the results file.
 * Seeds are fresh every day and for every commit; they are printed.
 *
 * Within a run the estimates are correlated: with z_k = (mean - exact)/error from the
 * analysis, and R the correlations of the estimates over the chains,
 *     chi^2 = z^T R^-1 z
 * has as many degrees of freedom as there are values. Its sum over the table must be
 * neither too large (a bias, or errors too small) nor too small (errors too large).
 *
 *   KAD_TABLE=TEXT   only rows whose name contains TEXT */
#include "analysis/analyse.h"
#include "analysis/table.h"
#include "fresh.h"
#include "sample/sampler.h"
#include "sample_util.h"
#include "tables.h"

#include <gsl/gsl_cdf.h>

enum { N_CHAINS = 128, N_SERIES = 9 };
/* Two-sided, of the whole table and of one sampler's rows. */
static const double P_TABLE = 1e-4, P_SAMPLER = 1e-5;

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
};

typedef struct score {
    double chi2;
    int n;
} score;

static score scores[N_SERIES], log_z_score;

/* --- a run --------------------------------------------------------------------------- */

static int sites_of(const char *lattice)
{
    int n = 1;
    for (char *next; *lattice; lattice = *next ? next + 1 : next)
        n *= (int)strtol(lattice, &next, 10);
    return n;
}

/* Draws of latent-metropolis, whose sweep grows with the sites that a cone holds: enough for its errors,
 * no more beyond 32 sites. */
static int costly_draws(const table *t)
{
    const int n = t->n_draws / 2, fewer = n * 32 / sites_of(t->lattice);
    return fewer > n ? n : fewer < 100 ? 100 : fewer;
}

static void write_config(const table *t, const char *precision, uint64_t seed, char *yaml,
                         size_t size)
{
    const int n = t->n_draws;
    snprintf(yaml, size,
             "seed: %llu\n"
             "lattice: {shape: [%s]}\n"
             "action: {%s}\n"
             "flow: {precision: %s}\n"
             "sample:\n"
             "  - {name: mis, chains: %d, draws: %d}\n"
             "  - {name: direct, chains: %d, draws: %d}\n"
             "  - {name: hmc, chains: %d, draws: %d}\n"
             "  - {name: latent-hmc, chains: %d, draws: %d}\n"
             "  - {name: latent-metropolis, chains: %d, draws: %d}\n"
             "  - {name: metropolis, chains: %d, draws: %d, thin: %d}\n"
             "  - {name: cluster, chains: %d, draws: %d}\n"
             "  - {name: cycle, chains: %d, draws: %d}\n",
             (unsigned long long)seed, t->lattice, t->action, precision, N_CHAINS, n,
             N_CHAINS, n, N_CHAINS, n, N_CHAINS, n / 2, N_CHAINS, costly_draws(t),
             N_CHAINS, n, t->thin, N_CHAINS, n, N_CHAINS, n / 2);
}

/* --- chi^2 --------------------------------------------------------------------------- */

/* z^T R^-1 z by Cholesky; R is overwritten. */
static double quadratic(int n, double R[TABLE_VALUES][TABLE_VALUES], double *z)
{
    double sum = 0;
    for (int i = 0; i < n; i++) {
        for (int j = 0; j <= i; j++) {
            double a = R[i][j];
            for (int k = 0; k < j; k++)
                a -= R[i][k] * R[j][k];
            if (i == j && a < 1e-9) fail_msg("estimates are not independent: %g", a);
            R[i][j] = i == j ? sqrt(a) : a / R[j][j];
        }
        for (int k = 0; k < i; k++)
            z[i] -= R[i][k] * z[k];
        z[i] /= R[i][i];
        sum += z[i] * z[i];
    }
    return sum;
}

/* What a chain's draws of an observable add to the deviation from the mean. */
static void residuals(scene *s, const struct series *line, const char *observable,
                      double *out)
{
    char path[128];
    snprintf(path, sizeof path, "/samplers/%s/%s/%s", line->sampler,
             line->again ? "proposals" : "observables", observable);
    kad_values a = scene_read(s, path), w = {0};
    const size_t n = a.n / N_CHAINS;
    double total = 0, top = -INFINITY, mean = 0;
    assert_int_equal(a.dims[0], N_CHAINS);
    if (line->weighted) {
        snprintf(path, sizeof path, "/samplers/%s/log_weight", line->sampler);
        w = scene_read(s, path);
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
                out[i / n] += weight * (a.data[i] - mean / total);
            }
        }
    kad_values_clear(&a);
    kad_values_clear(&w);
}

static void correlations(int n, double (*r)[N_CHAINS],
                         double R[TABLE_VALUES][TABLE_VALUES])
{
    for (int i = 0; i < n; i++)
        for (int j = 0; j <= i; j++) {
            double ij = 0, ii = 0, jj = 0;
            for (int chain = 0; chain < N_CHAINS; chain++) {
                ij += r[i][chain] * r[j][chain];
                ii += r[i][chain] * r[i][chain];
                jj += r[j][chain] * r[j][chain];
            }
            R[i][j] = R[j][i] = ij / sqrt(ii * jj);
        }
}

static void compare(scene *s, kad_h5 *file, const table *t, int i_series)
{
    const struct series *line = &series[i_series];
    double z[TABLE_VALUES], r[TABLE_VALUES][N_CHAINS] = {{0}};
    double R[TABLE_VALUES][TABLE_VALUES];
    char group[64];
    kad_table found;
    int n = 0;
    snprintf(group, sizeof group, "/analysis/%s", line->table);
    assert_ok(s, kad_table_read(&s->ctx, file, group, &found));
    printf("#   %-18s", line->table);
    for (; n < TABLE_VALUES && t->value[n].observable != NULL; n++) {
        const table_value *v = &t->value[n];
        const size_t row = kad_table_find(&found, v->observable);
        if (row == found.n) fail_msg("%s has no %s", group, v->observable);
        const double mean = found.mean.data[row], err = found.err.data[row];
        z[n] = (mean - v->exact) / hypot(err, v->error);
        printf(" %s %.6f(%.6f) %+.2f ", v->observable, mean, err, z[n]);
        if (!isfinite(z[n]))
            fail_msg("%s, %s: no error bar (tau_int %g)", t->name, line->table,
                     found.tau.data[row]);
        residuals(s, line, v->observable, r[n]);
    }
    correlations(n, r, R);
    const double chi2 = quadratic(n, R, z);
    printf(" chi2 %.1f/%d\n", chi2, n);
    fflush(stdout);
    scores[i_series].chi2 += chi2;
    scores[i_series].n += n;
    kad_table_clear(&found);
}

static void compare_log_z(scene *s, kad_h5 *file, const table *t)
{
    kad_table found;
    if (isnan(t->log_z)) return;
    assert_ok(s, kad_table_read(&s->ctx, file, "/analysis/log_z", &found));
    const size_t row = kad_table_find(&found, "log_z");
    assert_true(row < found.n);
    const double z = (found.mean.data[row] - t->log_z) / found.err.data[row];
    printf("#   log_z %.6f(%.6f) %+.2f\n", found.mean.data[row], found.err.data[row], z);
    log_z_score.chi2 += z * z;
    log_z_score.n++;
    kad_table_clear(&found);
}

/* --- the claims ---------------------------------------------------------------------- */

static void run_table(const table *t, const char *precision)
{
    const char *only = getenv("KAD_TABLE");
    char yaml[2048];
    scene s;
    kad_h5 *file = NULL;
    if (only != NULL && strstr(t->name, only) == NULL) return;
    const uint64_t seed = fresh_seed(t->name, precision);
    write_config(t, precision, seed, yaml, sizeof yaml);
    scene_make(&s, yaml, t->steps);
    assert_ok(&s, kad_sample(&s.ctx, s.run, s.config, s.model, NULL));
    assert_ok(&s, kad_analyse(&s.ctx, s.run));
    assert_ok(&s, kad_results_open(&s.ctx, s.run, &file));
    for (int i = 0; i < N_SERIES; i++)
        compare(&s, file, t, i);
    compare_log_z(&s, file, t);
    kad_h5_close(file);
    scene_clear(&s);
}

static void in_float(void **state)
{
    (void)state;
    for (int i = 0; i < N_TABLES; i++)
        run_table(&tables[i], "single");
}

static void in_double(void **state)
{
    (void)state;
    for (int i = 0; i < N_TABLES; i++)
        run_table(&tables[i], "double");
}

/* Whether chi^2 is likely, from both sides. */
static bool likely(const char *name, score s, double limit)
{
    const double p = gsl_cdf_chisq_Q(s.chi2, s.n);
    printf("# %-18s chi^2 %7.1f of %3d, p %.5f\n", name, s.chi2, s.n, p);
    return p > limit && p < 1 - limit;
}

static void errors_are_right(void **state)
{
    score all = {0};
    bool right = true;
    (void)state;
    for (int i = 0; i < N_SERIES; i++) {
        if (scores[i].n == 0) continue;
        right = likely(series[i].table, scores[i], P_SAMPLER) && right;
        if (series[i].again) continue;
        all.chi2 += scores[i].chi2;
        all.n += scores[i].n;
    }
    if (log_z_score.n > 0) right = likely("log_z", log_z_score, P_SAMPLER) && right;
    if (all.n > 0) right = likely("all samplers", all, P_TABLE) && right;
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
        CLAIM("tables: every sampler finishes every table in float", in_float),
        CLAIM("tables: every sampler finishes every table in double", in_double),
        CLAIM("tables: chi^2 over the table is neither large nor small",
              errors_are_right),
    };
    return cmocka_run_group_tests_name("tables", tests, NULL, NULL);
}

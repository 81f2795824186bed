/* Observables of chains of the cluster sampler against exact tables: many short
 * independent chains, so that errors need no autocorrelation time. */
#include "sample/sampler.h"
#include "tests/support/observable_util.h"

enum { CHAINS = 256, BURN_IN = 30, LENGTH = 400, VALUES_MAX = 32 };

/* Values taken from a measured row; returns how many. */
typedef int (*observe)(const kad_measure *measure, const double *row, double *out);

typedef struct result {
    int n;
    double mean[VALUES_MAX], err[VALUES_MAX];
} result;

/* Means of every value over the draws of every chain, then over chains. */
static void run(fixture *f, observe values, result *out)
{
    const kad_sampler_setup setup = {.action = f->action,
                                     .seed = 7,
                                     .n_chains = CHAINS,
                                     .n_draws = LENGTH,
                                     .n_burn_in = BURN_IN,
                                     .n_batch_max = LENGTH};
    kad_sampler *sampler = NULL;
    kad_measure *measure = NULL;
    const size_t n = (size_t)CHAINS * LENGTH;
    kad_draws draws = {.n = BURN_IN,
                       .number = kad_alloc(n, sizeof(uint64_t)),
                       .x = kad_alloc(n, f->n_rows * sizeof(double)),
                       .action = kad_alloc(n, sizeof(double)),
                       .accepted = kad_alloc(n, 1)};
    assert_int_equal(kad_sampler_create(&f->ctx, "cluster", &setup, &sampler), KAD_OK);
    assert_int_equal(kad_measure_create(&f->ctx, f->action, 7, 0, &measure), KAD_OK);
    assert_int_equal(sampler->ops->advance(&f->ctx, sampler->self, &draws), KAD_OK);
    draws.n = LENGTH;
    assert_int_equal(sampler->ops->advance(&f->ctx, sampler->self, &draws), KAD_OK);
    double *rows = kad_alloc(n, measure->n_columns * sizeof *rows);
    kad_measure_rows(measure, n, draws.number, draws.x, draws.action, rows);
    memset(out, 0, sizeof *out);
    for (size_t chain = 0; chain < CHAINS; chain++) {
        double one[VALUES_MAX], mean[VALUES_MAX] = {0};
        for (size_t i = 0; i < LENGTH; i++) {
            out->n =
                values(measure, rows + (chain * LENGTH + i) * measure->n_columns, one);
            for (int v = 0; v < out->n; v++)
                mean[v] += one[v] / LENGTH;
        }
        for (int v = 0; v < out->n; v++) {
            out->mean[v] += mean[v] / CHAINS;
            out->err[v] += mean[v] * mean[v] / CHAINS;
        }
    }
    for (int v = 0; v < out->n; v++)
        out->err[v] = sqrt((out->err[v] - out->mean[v] * out->mean[v]) / (CHAINS - 1));
    kad_free(rows);
    kad_free(draws.number);
    kad_free(draws.x);
    kad_free(draws.action);
    kad_free(draws.accepted);
    kad_measure_destroy(measure);
    kad_sampler_destroy(sampler);
}

/* 40 pulls of 256 chains below 6: Student's t beyond 6 has probability 7e-9. Errors below
 * `relative` of a value other than 0 mean something. */
static void compare(const result *found, int v, const char *name, double exact,
                    double relative)
{
    print_message("# %s %.6f +- %.6f, exact %.6f (%+.2f)\n", name, found->mean[v],
                  found->err[v], exact, (found->mean[v] - exact) / found->err[v]);
    assert_close(found->mean[v], exact, 6.0 * found->err[v] + 1e-12);
    if (exact != 0.0) assert_true(found->err[v] <= relative * fabs(exact));
}

/* Energy, Y, <|m|^2>, the same of drawn spins; then differences of the two structure
 * factors at every momentum. */
static int xy_values(const kad_measure *measure, const double *row, double *out)
{
    const int n = (int)measure->orbits->n;
    const double abs_m = *value_of(measure, row, "abs_m");
    out[0] = *value_of(measure, row, "energy");
    out[1] = *value_of(measure, row, "helicity");
    out[2] = *value_of(measure, row, "m2");
    out[3] = abs_m * abs_m;
    for (int k = 0; k < n; k++)
        out[4 + k] = value_of(measure, row, "structure_dual")[k] -
                     value_of(measure, row, "structure")[k];
    return 4 + n;
}

static void xy_table(void **state)
{
    (void)state;
    static const struct {
        const char *yaml;
        double energy, helicity, m2;
    } table[] = {{"action: {name: on-dual, components: 2, beta: 0.5}\n", -0.607408941,
                  0.107425967, 0.239950147},
                 {"action: {name: on-dual, components: 2, beta: 1.0}\n", -1.411729120,
                  0.655523435, 0.671849169},
                 /* epsilon, a constant of the dual only, drops out */
                 {"action: {name: on-dual, components: 2, beta: 1.0, epsilon: 0.7}\n",
                  -1.411729120, 0.655523435, 0.671849169}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        fixture f;
        result found;
        fixture_make(&f, table[i].yaml, 2, (const int[]){4, 4}, false);
        run(&f, xy_values, &found);
        compare(&found, 0, "energy", table[i].energy, 0.01);
        compare(&found, 1, "helicity", table[i].helicity, 0.05);
        compare(&found, 2, "m2", table[i].m2, 0.01);
        compare(&found, 3, "drawn m2", table[i].m2, 0.01);
        for (int v = 4; v < found.n; v++)
            compare(&found, v, "structure_dual - structure", 0.0, 0.0);
        fixture_clear(&f);
    }
}

static int complex_values(const kad_measure *measure, const double *row, double *out)
{
    out[0] = *value_of(measure, row, "phi2");
    out[1] = *value_of(measure, row, "bond");
    out[2] = *value_of(measure, row, "m2");
    out[3] = *value_of(measure, row, "helicity");
    return 4;
}

/* At extent 2 no current flows: the helicity modulus is the bond term. */
static void complex_table(void **state)
{
    (void)state;
    static const struct {
        const char *yaml;
        double phi2, bond, m2;
    } table[] = {{"action: {name: phi4, components: 2, form: hopping, lambda: 0.5, "
                  "kappa: 0.2}\n",
                  0.9107870277, 0.3225148766, 0.4363064728},
                 {"action: {name: phi4, components: 2, form: hopping, lambda: 1, "
                  "kappa: 0.3}\n",
                  0.9883827574, 0.5263439188, 0.6105831750}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        fixture f;
        result found;
        fixture_make(&f, table[i].yaml, 2, (const int[]){2, 2}, false);
        run(&f, complex_values, &found);
        compare(&found, 0, "phi2", table[i].phi2, 0.01);
        compare(&found, 1, "bond", table[i].bond, 0.02);
        compare(&found, 2, "m2", table[i].m2, 0.02);
        compare(&found, 3, "helicity", table[i].bond, 0.02);
        fixture_clear(&f);
    }
}

/* A free complex field phi = (a, b): s = sum_i (a_i b_j - b_i a_j), j = i + mu, has by Wick's
 * theorem <s^2>/N = 2 sum_r [G(r)^2 - G(r + mu) G(r - mu)]. */
static int free_values(const kad_measure *measure, const double *row, double *out)
{
    out[0] = value_of(measure, row, "helicity_current")[0];
    out[1] = value_of(measure, row, "helicity_bond")[0];
    return 2;
}

static void free_currents(void **state)
{
    (void)state;
    enum { L = 4, N = L * L };
    fixture f;
    result found;
    double G[N] = {0}, s2 = 0.0;
    fixture_make(&f,
                 "action: {name: phi4, components: 2, form: seed, t: 1, mu: 2.5, "
                 "lambda: 0}\n",
                 2, (const int[]){L, L}, false);
    for (int k = 0; k < N; k++)
        for (int r = 0; r < N; r++)
            G[r] += cos(2 * M_PI * (k / L * (r / L) + k % L * (r % L)) / L) /
                    (N * 2.0 *
                     (2.5 - cos(2 * M_PI * (k / L) / L) - cos(2 * M_PI * (k % L) / L)));
    for (int r = 0; r < N; r++) {
        const int up = (r / L + 1) % L * L + r % L,
                  down = (r / L + L - 1) % L * L + r % L;
        s2 += 2.0 * (G[r] * G[r] - G[up] * G[down]);
    }
    run(&f, free_values, &found);
    compare(&found, 0, "current", s2, 0.05);
    compare(&found, 1, "bond", 2.0 * G[L], 0.05);
    fixture_clear(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("observed chains: XY on 4 x 4 sites, energy, helicity modulus, spectra",
              xy_table),
        CLAIM_OF_NUMBERS("observed chains: complex phi^4 on 2 x 2 sites", complex_table),
        CLAIM("observed chains: currents of the free field obey Wick's theorem",
              free_currents),
    };
    return cmocka_run_group_tests_name("observed_chains", tests, NULL, NULL);
}

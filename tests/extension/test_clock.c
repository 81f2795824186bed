/* A spin system that is not O(n), registered by this test alone: the program measures it
 * by the slots of its table, as it does the models it ships. */
#include "analysis/analyse.h"
#include "analysis/table.h"
#include "tests/extension/clock_model.h"
#include "tests/support/observable_util.h"
#include "tests/support/sample_util.h"

/* The one list of actions, in place of models/registry.c. */
const kad_action_ops *const kad_actions[] = {&clock_action, NULL};

enum { N = 8, STATES = 1 << (2 * N) };
static const int shape[2] = {2, 4};

/* Means over all 4^8 states of independent spins given x. */
typedef struct given {
    double energy, energy2, m2, m4, abs_m, bond, axis[3];
} given;

static void add_state(const kad_lattice *lattice, int state, double p, given *g)
{
    double s[2 * N], M[2] = {0, 0}, sum = 0, axis[3];
    for (int i = 0; i < N; i++)
        for (int a = 0; a < 2; a++)
            M[a] += s[2 * i + a] = clock_spin[state >> (2 * i) & 3][a];
    for (int mu = 0; mu < 2; mu++)
        sum += N * pair_mean(lattice, 2, s, (const int[3]){mu == 0, mu == 1, 0});
    for (int r = 0; r <= 2; r++)
        axis[r] = pair_mean(lattice, 2, s, (const int[3]){0, r, 0});
    const double m2 = (M[0] * M[0] + M[1] * M[1]) / (N * N),
                 energy = -clock_exchange * sum / N;
    g->energy += p * energy;
    g->energy2 += p * energy * energy;
    g->m2 += p * m2;
    g->m4 += p * m2 * m2;
    g->abs_m += p * sqrt(m2);
    g->bond += p * sum / (2 * N);
    for (int r = 0; r <= 2; r++)
        g->axis[r] += p * axis[r];
}

static given enumerate_given(const kad_lattice *lattice, const double *x)
{
    double p[N][CLOCK_STATES];
    given g = {0};
    for (int i = 0; i < N; i++)
        clock_probabilities(x + 2 * i, p[i]);
    for (int state = 0; state < STATES; state++) {
        double product = 1;
        for (int i = 0; i < N; i++)
            product *= p[i][state >> (2 * i) & 3];
        add_state(lattice, state, product, &g);
    }
    return g;
}

static void set_scene(fixture *f, double *x)
{
    fixture_make(f, "action: {name: clock, components: 2, beta: 0.32}", 2, shape, false);
    for (int i = 0; i < 2 * N; i++)
        x[i] = 1.5 * random_normal(0, 7, (uint32_t)i);
}

/* Sums of 65536 terms: rounding below 1e-11. */
static void means_are_those_of_all_states(void **state)
{
    (void)state;
    fixture f;
    kad_measure *measure;
    double x[2 * N], *row;
    set_scene(&f, x);
    const given g = enumerate_given(f.lattice, x);
    measure_one(&f, x, 0, &measure, &row);
    assert_close(*value_of(measure, row, "energy"), g.energy, 1e-11);
    assert_close(*value_of(measure, row, "m2"), g.m2, 1e-11);
    assert_close(*value_of(measure, row, "bond"), g.bond, 1e-11);
    for (int r = 0; r <= 2; r++)
        assert_close(value_of(measure, row, "correlator_axis")[r], g.axis[r], 1e-11);
    kad_free(row);
    kad_measure_destroy(measure);
    fixture_clear(&f);
}

/* What is no polynomial with a closed form: over draws of the spins, within 5 standard
 * errors. */
static void drawn_spins_have_the_means_of_all_states(void **state)
{
    (void)state;
    enum { DRAWS = 20000 };
    static const char *const names[3] = {"energy2", "m4", "abs_m"};
    fixture f;
    kad_measure *measure;
    double x[2 * N], sum[3] = {0}, squares[3] = {0}, *row;
    const double S = 0;
    set_scene(&f, x);
    const given g = enumerate_given(f.lattice, x);
    const double wanted[3] = {g.energy2, g.m4, g.abs_m};
    measure_one(&f, x, 0, &measure, &row);
    for (uint64_t number = 0; number < DRAWS; number++) {
        kad_measure_rows(measure, 1, &number, x, &S, row);
        for (int i = 0; i < 3; i++) {
            const double value = *value_of(measure, row, names[i]);
            sum[i] += value;
            squares[i] += value * value;
        }
    }
    for (int i = 0; i < 3; i++) {
        const double mu = sum[i] / DRAWS;
        assert_close(mu, wanted[i], 5 * sqrt((squares[i] / DRAWS - mu * mu) / DRAWS));
    }
    kad_free(row);
    kad_measure_destroy(measure);
    fixture_clear(&f);
}

static void spins_off_the_sphere_have_no_helicity(void **state)
{
    (void)state;
    fixture f;
    kad_measure *measure;
    double x[2 * N], *row;
    set_scene(&f, x);
    measure_one(&f, x, 0, &measure, &row);
    for (int i = 0; i < measure->n; i++) {
        assert_null(strstr(measure->ops[i]->name, "helicity"));
        assert_null(strstr(measure->ops[i]->name, "vortices"));
    }
    kad_free(row);
    kad_measure_destroy(measure);
    fixture_clear(&f);
}

/* Means of a sampler's group with a known value, within 5 standard errors. */
static int check_group(scene *s, const char *group)
{
    kad_h5 *file = NULL;
    kad_table table;
    int n = 0;
    assert_ok(s, kad_results_open(&s->ctx, s->run, &file));
    assert_ok(s, kad_table_read(&s->scope, file, group, &table));
    for (size_t i = 0; i < table.n; i++) {
        if (!isfinite(table.exact.data[i])) continue;
        print_message("# %s %s %.6f +- %.6f exact %.6f\n", group, table.observable[i],
                      table.mean.data[i], table.err.data[i], table.exact.data[i]);
        assert_close(table.mean.data[i], table.exact.data[i], 5 * table.err.data[i]);
        n++;
    }
    kad_h5_close(file);
    return n;
}

/* C(0) = N m2 by the identity of the dual field, which knows nothing of the spins'
 * conditional means; error from the chains, which are independent. */
static void check_structure(scene *s, const char *path)
{
    kad_h5 *file = NULL;
    double m2;
    kad_values spectrum = scene_read(s, path);
    const size_t n_chains = spectrum.dims[0], n_bins = spectrum.dims[1];
    const size_t n = spectrum.dims[2];
    double sum = 0, squares = 0;
    assert_ok(s, kad_results_open(&s->ctx, s->run, &file));
    assert_ok(s, kad_h5_read(&s->ctx, file, "/exact/m2", KAD_H5_F64, 0, NULL, &m2));
    kad_h5_close(file);
    for (size_t chain = 0; chain < n_chains; chain++) {
        double own = 0;
        for (size_t i = chain * n_bins; i < (chain + 1) * n_bins; i++)
            own += spectrum.data[i * n] / (double)n_bins;
        sum += own;
        squares += own * own;
    }
    const double mu = sum / (double)n_chains;
    const double error =
        sqrt((squares / (double)n_chains - mu * mu) / (double)(n_chains - 1));
    print_message("# C(0) %.5f +- %.5f exact %.5f\n", mu, error, N * m2);
    assert_close(mu, N * m2, 5 * error);
}

static void a_run_has_the_enumerated_values(void **state)
{
    (void)state;
    scene s;
    scene_make(&s,
               "lattice: {shape: [2, 4]}\n"
               "action: {name: clock, components: 2, beta: 0.32}\n"
               "sample:\n"
               "  - {name: hmc, draws: 400, burn_in: 100, tuning: 100}\n",
               0);
    assert_ok(&s, kad_sample(&s.ctx, s.run, &s.options.sample, s.model, NULL));
    assert_ok(&s, kad_analyse(&s.ctx, s.run));
    assert_true(check_group(&s, "/analysis/hmc") >= 2);
    check_structure(&s, "/samplers/hmc/binned/structure_dual");
    scene_clear(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("means of clock spins given the field are those of all states",
              means_are_those_of_all_states),
        CLAIM("drawn clock spins have the means of all states",
              drawn_spins_have_the_means_of_all_states),
        CLAIM("spins off the sphere have no helicity modulus and no vortices",
              spins_off_the_sphere_have_no_helicity),
        CLAIM("a run of a model that only the test registers has the enumerated values",
              a_run_has_the_enumerated_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

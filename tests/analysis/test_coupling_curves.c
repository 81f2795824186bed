/* Claims about curves over a coupling: what may be reweighted, and that it is right then. */
#include "analysis/analyse.h"
#include "analysis/curves.h"
#include "models/exact.h"
#include "tests/support/sample_util.h"

/* Chains of the 2 x 2 Ising model at beta = 0.3, analysed. */
static void make_scene(scene *s, kad_h5 **file)
{
    scene_make(s,
               "lattice: {shape: [2, 2]}\naction: {name: on-dual, beta: 0.3}\n"
               "sample: [{name: cluster, chains: 16, draws: 5000, burn_in: 50}]\n",
               0);
    assert_ok(s, kad_sample(&s->ctx, s->run, &s->options.sample, s->model, NULL));
    assert_ok(s, kad_analyse(&s->ctx, s->run));
    assert_ok(s, kad_results_open(&s->ctx, s->run, file));
}

static kad_curve_theta theta_of(double beta)
{
    return (kad_curve_theta){
        .value = beta, .c = {4 * beta}, .beta = beta, .K = beta, .J = 1};
}

static double exact_m2(scene *s, double beta)
{
    kad_exact_means known = {0};
    assert_ok(s, kad_action_set(&s->ctx, s->model->action, "beta", beta));
    assert_ok(s, s->model->action->ops->exact(&s->ctx, s->model->action, &known));
    for (int i = 0; i < known.n; i++)
        if (strcmp(known.row[i].name, "m2") == 0) return known.row[i].x.value;
    fail();
    return NAN;
}

/* From beta = 0.3 to 0.4: m2 is 0.8351. The column m2, a mean given the field, would give
 * 0.7837 by the weights of the energies drawn: 60 errors away. */
static void drawn_columns_are_reweighted(void **state)
{
    static const char *const energy[] = {"drawn_energy"};
    (void)state;
    scene s;
    kad_h5 *file;
    kad_curve_series series;
    kad_curves curves;
    char reason[KAD_CURVE_REASON];
    make_scene(&s, &file);
    const kad_curve_theta at = theta_of(0.3), to = theta_of(0.4);
    const double exact = exact_m2(&s, 0.4);
    assert_true(fabs(exact - 0.8351) < 1e-4);
    assert_ok(
        &s, kad_curve_series_read(&s.scope, file, "cluster", 1, energy, &series, reason));
    assert_string_equal(reason, "");
    assert_ok(&s, kad_curves_make(&s.scope, 1, &series, &at, 1, 2, 1, &to, &curves));
    const int m2 = 4;
    assert_string_equal(kad_curve_names[m2], "m2");
    assert_non_null(curves.mean[m2]);
    print_message("# m2 %.4f(%.4f), exactly %.4f\n", curves.mean[m2][0],
                  curves.err[m2][0], exact);
    assert_true(fabs(curves.mean[m2][0] - exact) < 4.5 * curves.err[m2][0]);
    assert_true(curves.err[m2][0] < 0.004);

    /* what the refusal is for */
    const kad_values given = scene_read(&s, "/samplers/cluster/observables/m2");
    double w = 0, wm = 0;
    assert_int_equal(given.n, series.n);
    for (size_t i = 0; i < series.n; i++) {
        const double weight = exp(-0.4 * series.statistic[0][i]);
        w += weight;
        wm += weight * given.data[i];
    }
    assert_true(fabs(wm / w - 0.7837) < 0.004);
    kad_h5_close(file);
    scene_clear(&s);
}

/* Columns that are means given the field are refused, and those that are not there. */
static void means_given_the_field_are_refused(void **state)
{
    static const char *const wrong[] = {"energy", "m2", "phi2"};
    static const char *const why[] = {"a mean given the field", "a mean given the field",
                                      "has no column phi2"};
    (void)state;
    scene s;
    kad_h5 *file;
    make_scene(&s, &file);
    for (size_t i = 0; i < 3; i++) {
        kad_curve_series series;
        char reason[KAD_CURVE_REASON];
        assert_ok(&s, kad_curve_series_read(&s.scope, file, "cluster", 1, &wrong[i],
                                            &series, reason));
        assert_non_null(strstr(reason, why[i]));
    }
    kad_h5_close(file);
    scene_clear(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("curves: m2 of the spins drawn by the energy drawn is right",
              drawn_columns_are_reweighted),
        CLAIM("curves: means given the field are refused",
              means_given_the_field_are_refused),
    };
    return cmocka_run_group_tests_name("curves", tests, NULL, NULL);
}

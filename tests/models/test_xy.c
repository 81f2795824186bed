/* O(n) spins lifted to R^n: ln Z on rings and on 2 x 2 with and without fields, decimation,
 * updates that keep the weight, and what is measured. Numbers of 4 x 4: xy_reference.py. */
#include "measure/measure.h"
#include "models/exact.h"
#include "models/local.h"
#include "models/xy.h"
#include "tests/support/models_util.h"

#include <gsl/gsl_sf_bessel.h>

enum { W = KAD_W_DOUBLE };

/* --- exact values ---------------------------------------------------------------------- */

/* Sums over the angles of up to four sites by the trapezoidal rule, M points each: exact to
 * rounding once M is beyond the harmonics that matter, those of the clock term too (M prime:
 * p quanta do not add up to M). mean [3]: of bonds/(d N), cos theta, cos p theta. */
enum { M = 31 };

static double sum_over_angles(const kad_xy *xy, double mean[3])
{
    const kad_lattice *lattice = xy->action.lattice;
    const int N = lattice->n_sites, d = lattice->d;
    const double n_bonds = (double)(d * N);
    int total = 1;
    double Z = 0;
    assert_true(N <= 4);
    for (int i = 0; i < N; i++)
        total *= M;
    for (int a = 0; a < 3; a++)
        mean[a] = 0;
    for (int state = 0; state < total; state++) {
        double angle[4], value[3] = {0};
        for (int i = 0, rest = state; i < N; i++, rest /= M)
            angle[i] = 2 * M_PI * (rest % M) / M;
        for (int i = 0; i < N; i++) {
            value[1] += cos(angle[i]) / N;
            value[2] += cos(xy->p * angle[i]) / N;
            for (int mu = 0; mu < d; mu++)
                value[0] +=
                    cos(angle[i] - angle[lattice->nbr[2 * (i * d + mu)]]) / n_bonds;
        }
        const double w = exp(xy->beta * (xy->J * n_bonds * value[0] +
                                         N * (xy->h * value[1] + xy->h_p * value[2])));
        Z += w;
        for (int a = 0; a < 3; a++)
            mean[a] += w * value[a];
    }
    for (int a = 0; a < 3; a++)
        mean[a] /= Z;
    return log(Z / total);
}

static const struct few {
    const char *yaml;
    int d, shape[3];
} FEW[] = {
    {"action: {name: xy, components: 2, beta: 1}", 2, {2, 2}},
    {"action: {name: xy, components: 2, temperature: 1.6}", 1, {3}},
    {"action: {name: xy, components: 2, beta: 0.8, field: 0.7}", 2, {2, 2}},
    {"action: {name: xy, components: 2, beta: 0.8, field: -0.4, coupling: -1.2}", 1, {3}},
    {"action: {name: xy, components: 2, beta: 0.6, clock: 0.9}", 2, {2, 2}},
    {"action: {name: xy, components: 2, beta: 0.7, clock: 0.5, clock_states: 3, field: "
     "0.2}",
     1,
     {4}},
};
enum { N_FEW = sizeof FEW / sizeof *FEW };

static void few_angles(void **state)
{
    (void)state;
    for (int i = 0; i < N_FEW; i++) {
        fixture f;
        double mean[3];
        fixture_make(&f, FEW[i].yaml, FEW[i].d, FEW[i].shape, false);
        assert_non_null(f.action->log_z_source);
        assert_close(f.action->log_z_exact, sum_over_angles(f.action->self, mean), 1e-12);
        fixture_clear(&f);
    }
}

/* 2 x 2: sum_n I_n(2 beta)^4. */
static void two_by_two(void **state)
{
    (void)state;
    fixture f;
    double sum = 0;
    fixture_make(&f, "action: {name: xy, components: 2, beta: 1.3}", 2, (int[]){2, 2},
                 false);
    for (int n = -40; n <= 40; n++)
        sum += pow(gsl_sf_bessel_In(n, 2.6), 4);
    assert_close(f.action->log_z_exact, log(sum), 1e-13);
    fixture_clear(&f);
}

/* Without bonds or a field: (I_0)^N, (sinh x / x)^N. */
static void free_spins(void **state)
{
    (void)state;
    fixture f;
    fixture_make(&f,
                 "action: {name: xy, components: 2, beta: 0.5, coupling: 0, field: 3}", 2,
                 (int[]){4, 4}, false);
    assert_close(f.action->log_z_exact, 16 * log(gsl_sf_bessel_I0(1.5)), 1e-12);
    fixture_clear(&f);
    fixture_make(&f,
                 "action: {name: xy, components: 3, beta: 0.5, coupling: 0, field: 3}", 2,
                 (int[]){4, 4}, false);
    assert_close(f.action->log_z_exact, 16 * log(sinh(1.5) / 1.5), 1e-12);
    fixture_clear(&f);
}

/* exp(beta h) is beyond a double here; bonds are too weak to matter. Steeper fields, and a clock
 * term too fine for the grids, are not stated, with a reason. */
static void strong_fields(void **state)
{
    static const char *const none[] = {
        "action: {name: xy, components: 2, beta: 1, clock: 1, clock_states: 64}",
        "action: {name: xy, components: 2, beta: 10, field: 500}"};
    (void)state;
    fixture f;
    fixture_make(
        &f, "action: {name: xy, components: 2, beta: 1, field: -800, coupling: 1e-12}", 1,
        (int[]){3}, false);
    assert_close(f.action->log_z_exact, 3 * (800 + log(gsl_sf_bessel_I0_scaled(800))),
                 1e-10);
    fixture_clear(&f);
    for (int i = 0; i < 2; i++) {
        fixture_make(&f, none[i], 1, (int[]){3}, false);
        assert_true(isnan(f.action->log_z_exact));
        assert_non_null(f.action->log_z_unknown);
        assert_non_null(strstr(f.action->log_z_unknown, "angles"));
        fixture_clear(&f);
    }
}

/* --- decimation ------------------------------------------------------------------------ */

static const char *const DECIMATED[] = {
    "action: {name: xy, components: %d, beta: 1}",
    "action: {name: xy, components: %d, beta: 0.7, field: -0.8}",
    "action: {name: xy, components: %d, beta: 1.2, coupling: -1, field: 0.3}",
};

static void decimation(void **state)
{
    (void)state;
    static const int shapes[][3] = {{6}, {2, 2}, {4, 6}, {2, 4, 2}};
    for (int k = 0; k < 3 * 2 * 4 * 2; k++) {
        const int i = k % 3, n = 2 + k / 3 % 2, s = k / 6 % 4, prec = k / 24;
        const int d = shapes[s][1] == 0 ? 1 : shapes[s][2] == 0 ? 2 : 3;
        fixture full, half;
        char yaml[128];
        snprintf(yaml, sizeof yaml, DECIMATED[i], n);
        fixture_make(&full, yaml, d, shapes[s], false);
        fixture_make(&half, yaml, d, shapes[s], true);
        check_decimated(&full, &half, (kad_prec)prec);
        fixture_clear(&full);
        fixture_clear(&half);
    }
}

/* --- forces of fields ------------------------------------------------------------------ */

/* Of a clock term and of fields. */
static void forces(void **state)
{
    static const char *const yaml[] = {
        "action: {name: xy, components: 2, beta: 0.7, clock: 0.5, field: 0.3}",
        "action: {name: xy, components: 2, beta: 0.7, clock: -0.5, clock_states: 5}",
        "action: {name: xy, components: 3, beta: 0.7, field: 0.3}"};
    (void)state;
    for (int k = 0; k < 3; k++) {
        fixture f;
        tile t;
        fixture_make(&f, yaml[k], 2, (int[]){3, 4}, false);
        tile_make(&t, &f, KAD_DOUBLE);
        tile_fill(&t, 1, 9);
        check_forces(&t, 1e-6);
        tile_clear(&t);
        fixture_clear(&f);
    }
}

/* What breaks the sign and what does not. */
static void symmetry(void **state)
{
    static const struct {
        const char *yaml;
        bool symmetric;
    } cases[] = {
        {"action: {name: xy, components: 2, beta: 1}", true},
        {"action: {name: xy, components: 2, beta: 1, field: 0.1}", false},
        {"action: {name: xy, components: 2, beta: 1, clock: 0.1}", true},
        {"action: {name: xy, components: 2, beta: 1, clock: 0.1, clock_states: 3}",
         false},
    };
    (void)state;
    for (int k = 0; k < 4; k++) {
        fixture f;
        tile t;
        double S[KAD_W_MAX], change = 0;
        fixture_make(&f, cases[k].yaml, 2, (int[]){4, 4}, false);
        tile_make(&t, &f, KAD_DOUBLE);
        tile_fill(&t, 1, 2);
        tile_value(&t);
        memcpy(S, t.S, sizeof S);
        for (size_t row = 0; row < f.n_rows; row++)
            for (int lane = 0; lane < t.lanes; lane++)
                tile_set(&t, t.y, row, lane, -tile_get(&t, t.y, row, lane));
        tile_value(&t);
        for (int lane = 0; lane < t.lanes; lane++)
            change = fmax(change, fabs(t.S[lane] - S[lane]));
        assert_true((change < 1e-12) == cases[k].symmetric);
        assert_true(((f.action->flags & KAD_ACTION_SYMMETRIC) != 0) ==
                    cases[k].symmetric);
        tile_clear(&t);
        fixture_clear(&f);
    }
}

/* --- updates --------------------------------------------------------------------------- */

typedef struct chains {
    fixture f;
    const kad_action_local *local;
    kad_rng rng[KAD_LOCAL_STREAMS];
    kad_bonds bonds;
    double *x;
    void *scratch;
} chains;

static void chains_make(chains *c, const char *yaml, int d, const int *shape)
{
    *c = (chains){0};
    fixture_make(&c->f, yaml, d, shape, false);
    c->local = c->f.action->ops->local;
    for (uint32_t i = 0; i < KAD_LOCAL_STREAMS; i++)
        c->rng[i] = kad_rng_stream(17, KAD_RNG_TEST, i);
    c->x = kad_alloc(c->f.n_rows, KAD_ROW_BYTES);
    c->scratch = kad_alloc(1, c->local->scratch_bytes(c->f.action));
    const kad_turn turn = {.rng = c->rng, .n_lanes = W};
    c->local->start(c->f.action, &turn, true, c->x, c->scratch);
}

static void chains_clear(chains *c)
{
    kad_bonds_clear(&c->bonds);
    kad_free(c->x);
    kad_free(c->scratch);
    fixture_clear(&c->f);
}

static void measure(const chains *c, int lane, double out[4])
{
    const kad_xy *xy = c->f.action->self;
    const kad_lattice *lattice = c->f.lattice;
    const int N = lattice->n_sites, d = lattice->d, n = c->f.action->n_comp;
    for (int a = 0; a < 4; a++)
        out[a] = 0;
    for (int i = 0; i < N; i++) {
        const double *s = c->x + i * n * W + lane;
        const double r2 = s[0] * s[0] + s[W] * s[W];
        out[1] += s[0] / sqrt(r2) / N;
        out[2] += cos(xy->p * atan2(s[W], s[0])) / N;
        out[3] += r2 / N;
        for (int mu = 0; mu < d; mu++) {
            const double *t = c->x + lattice->nbr[2 * (i * d + mu)] * n * W + lane;
            out[0] += (s[0] * t[0] + s[W] * t[W]) /
                      sqrt(r2 * (t[0] * t[0] + t[W] * t[W])) / (d * N);
        }
    }
}

/* Means over STEPS steps of W chains, with the error of the chains' means, against the sums
 * over angles; <|y|^2> = 2 where lengths are drawn. */
static void check_means(const char *yaml, int d, const int *shape, bool clusters,
                        bool reflections)
{
    enum { STEPS = 3000, SKIP = 50 };
    chains c;
    double exact[4] = {0}, mean[W][4] = {{0}};
    chains_make(&c, yaml, d, shape);
    sum_over_angles(c.f.action->self, exact);
    exact[3] = 2;
    if (clusters)
        assert_int_equal(c.local->bonds(&c.f.ctx, c.f.action, &c.bonds), KAD_OK);
    for (uint64_t step = 1; step <= STEPS + SKIP; step++) {
        const kad_turn turn = {.rng = c.rng, .step = step, .n_lanes = W};
        if (clusters) c.local->cluster(c.f.action, &turn, &c.bonds, 2, c.x, c.scratch);
        /* lengths need heat baths, and so does ergodicity under reflections */
        if (!clusters || step % 4 == 0)
            c.local->sweep(c.f.action, &turn, 1, c.x, NULL, c.scratch);
        if (reflections) c.local->reflect(c.f.action, c.x);
        for (int lane = 0; lane < W && step > SKIP; lane++) {
            double value[4];
            measure(&c, lane, value);
            for (int a = 0; a < 4; a++)
                mean[lane][a] += value[a] / STEPS;
        }
    }
    for (int a = 0; a < 4; a++) {
        double sum = 0, square = 0;
        for (int lane = 0; lane < W; lane++) {
            sum += mean[lane][a] / W;
            square += mean[lane][a] * mean[lane][a] / W;
        }
        const double err = sqrt((square - sum * sum) / (W - 1)) + 1e-12;
        /* 4 means of a dozen runs: beyond 5 errors once in 10^4 */
        if (!(fabs(sum - exact[a]) < 5 * err))
            fail_msg("%s, clusters %d: mean %d is %g, expected %g, error %g", yaml,
                     clusters, a, sum, exact[a], err);
        assert_true(err < 0.02);
    }
    chains_clear(&c);
}

static void updates_keep_the_weight(void **state)
{
    (void)state;
    for (int i = 0; i < N_FEW; i++) {
        check_means(FEW[i].yaml, FEW[i].d, FEW[i].shape, false, false);
        if (strstr(FEW[i].yaml, "clock") != NULL) continue;
        check_means(FEW[i].yaml, FEW[i].d, FEW[i].shape, false, true);
        check_means(FEW[i].yaml, FEW[i].d, FEW[i].shape, true, false);
    }
}

/* Reflections leave S and the lengths alone. */
static void reflections(void **state)
{
    (void)state;
    chains c;
    double S[2][W];
    chains_make(&c, "action: {name: xy, components: 3, beta: 1, field: 0.4}", 3,
                (int[]){2, 3, 4});
    double *before = kad_alloc(c.f.n_rows, KAD_ROW_BYTES);
    memcpy(before, c.x, c.f.n_rows * KAD_ROW_BYTES);
    c.local->value(c.f.action, c.x, S[0], c.scratch);
    c.local->reflect(c.f.action, c.x);
    c.local->value(c.f.action, c.x, S[1], c.scratch);
    for (int lane = 0; lane < W; lane++)
        assert_close(S[0][lane], S[1][lane], 1e-11);
    assert_true(memcmp(before, c.x, c.f.n_rows * KAD_ROW_BYTES) != 0);
    kad_free(before);
    chains_clear(&c);
}

/* With a clock term draws are refused: as many are counted as spins have turned, and no
 * more. Without one nothing is. */
static void acceptances_are_counted(void **state)
{
    enum { STEPS = 20 };
    (void)state;
    for (int clock = 0; clock < 2; clock++) {
        chains c;
        _Alignas(64) double accepted[W] = {0}, turned[W] = {0};
        chains_make(&c,
                    clock ? "action: {name: xy, components: 2, beta: 1, clock: 2}"
                          : "action: {name: xy, components: 2, beta: 1}",
                    2, (int[]){4, 4});
        assert_true((c.local->refuses(c.f.action)) == (clock == 1));
        double *before = kad_alloc(c.f.n_rows, KAD_ROW_BYTES);
        for (uint64_t step = 1; step <= STEPS; step++) {
            const kad_turn turn = {.rng = c.rng, .step = step, .n_lanes = W};
            memcpy(before, c.x, c.f.n_rows * KAD_ROW_BYTES);
            c.local->sweep(c.f.action, &turn, 1, c.x, accepted, c.scratch);
            for (size_t i = 0; i < c.f.n_rows / 2; i++)
                for (size_t lane = 0; lane < W; lane++) {
                    const double *a = before + 2 * i * W + lane,
                                 *b = c.x + 2 * i * W + lane;
                    turned[lane] += fabs(atan2(a[W], a[0]) - atan2(b[W], b[0])) > 1e-12;
                }
        }
        for (int lane = 0; lane < W; lane++) {
            assert_close(accepted[lane], clock ? turned[lane] : 0, 0);
            assert_true(!clock || (turned[lane] > 1 && turned[lane] < 15.5 * STEPS));
        }
        kad_free(before);
        chains_clear(&c);
    }
}

/* The clock term has no clusters. */
static void no_clusters_with_a_clock_term(void **state)
{
    (void)state;
    chains c;
    chains_make(&c, "action: {name: xy, components: 2, beta: 1, clock: 0.4}", 2,
                (int[]){4, 4});
    assert_int_equal(c.local->bonds(&c.f.ctx, c.f.action, &c.bonds), KAD_ECONFIG);
    assert_non_null(strstr(c.f.ctx.message, "clock"));
    chains_clear(&c);
}

/* --- 4 x 4 ----------------------------------------------------------------------------- */

static double row_of(const kad_measure *m, const char *name, const double *row)
{
    for (int i = 0; i < m->n; i++)
        if (!strcmp(m->ops[i]->name, name)) return row[m->offset[i]];
    fail_msg("no observable %s", name);
    return 0;
}

/* Energy and helicity modulus of clusters and heat baths against xy_reference.py. */
static void four_by_four(void **state)
{
    static const struct {
        double beta, ln_z, energy, helicity;
    } known[] = {
        {0.5, 2.1972402060, -0.607408941, 0.107425967},
        {1.0, 10.6474813406, -1.411729120, 0.655523435},
    };
    enum { STEPS = 600, SKIP = 20 };
    (void)state;
    for (int k = 0; k < 2; k++) {
        chains c;
        char yaml[96];
        kad_measure *m;
        snprintf(yaml, sizeof yaml, "action: {name: xy, components: 2, beta: %.1f}",
                 known[k].beta);
        chains_make(&c, yaml, 2, (int[]){4, 4});
        assert_int_equal(c.local->bonds(&c.f.ctx, c.f.action, &c.bonds), KAD_OK);
        assert_int_equal(kad_measure_create(&c.f.ctx, c.f.action, 1, 0, &m), KAD_OK);
        double mean[W][2] = {{0}}, *row = kad_alloc(m->n_columns, sizeof *row);
        for (uint64_t step = 1; step <= STEPS + SKIP; step++) {
            const kad_turn turn = {.rng = c.rng, .step = step, .n_lanes = W};
            c.local->cluster(c.f.action, &turn, &c.bonds, 2, c.x, c.scratch);
            c.local->sweep(c.f.action, &turn, 1, c.x, NULL, c.scratch);
            for (int lane = 0; lane < W && step > SKIP; lane++) {
                double x[32];
                for (size_t r = 0; r < 32; r++)
                    x[r] = c.x[r * W + (size_t)lane];
                kad_measure_rows(m, 1, &step, x, &(double){0}, row);
                assert_true(row_of(m, "energy", row) == row_of(m, "drawn_energy", row) ||
                            fabs(row_of(m, "energy", row) -
                                 row_of(m, "drawn_energy", row)) < 1e-12);
                mean[lane][0] += row_of(m, "energy", row) / STEPS;
                mean[lane][1] += row_of(m, "helicity", row) / STEPS;
            }
        }
        for (int a = 0; a < 2; a++) {
            const double exact = a ? known[k].helicity : known[k].energy;
            double sum = 0, square = 0;
            for (int lane = 0; lane < W; lane++) {
                sum += mean[lane][a] / W;
                square += mean[lane][a] * mean[lane][a] / W;
            }
            const double err = sqrt((square - sum * sum) / (W - 1));
            print_message("# beta %g: %s %.4f(%.4f), exact %.4f\n", known[k].beta,
                          a ? "helicity" : "energy", sum, err, exact);
            assert_true(fabs(sum - exact) < 5 * err && err < 0.01);
        }
        kad_free(row);
        kad_measure_destroy(m);
        chains_clear(&c);
    }
}

/* Fields are in the energy; the clock term has its own mean. */
static void energies(void **state)
{
    (void)state;
    fixture f;
    kad_measure *m;
    fixture_make(
        &f,
        "action: {name: xy, components: 2, beta: 0.7, clock: 0.5, clock_states: 3, "
        "field: 0.2}",
        1, (int[]){2}, false);
    assert_int_equal(kad_measure_create(&f.ctx, f.action, 1, 0, &m), KAD_OK);
    double *row = kad_alloc(m->n_columns, sizeof *row);
    const double x[] = {0, 2, -3, 0}; /* angles pi/2 and pi */
    kad_measure_rows(m, 1, &(uint64_t){0}, x, &(double){0}, row);
    /* two bonds of cos(pi/2); cos theta: 0, -1; cos 3 theta: 0, -1 */
    assert_close(row_of(m, "energy", row), (0.2 + 0.5) / 2, 1e-14);
    assert_close(row_of(m, "energy2", row), 0.35 * 0.35, 1e-14);
    assert_close(row_of(m, "clock", row), -0.5, 1e-14);
    assert_close(row_of(m, "m", row), -0.5, 1e-14);
    kad_free(row);
    kad_measure_destroy(m);
    fixture_clear(&f);
}

static void refusals(void **state)
{
    static const struct {
        const char *yaml, *message;
    } bad[] = {
        {"action: {name: xy, beta: 1}", "action.components"},
        {"action: {name: xy, components: 2, beta: 1, temperature: 2}", "temperature"},
        {"action: {name: xy, components: 3, beta: 1, clock: 1}", "action.clock"},
        {"action: {name: xy, components: 2, beta: 1, clock_states: 0}", "clock_states"},
        {"action: {name: xy, components: 2, beta: 1, clock_states: 6}", "no effect"},
    };
    (void)state;
    fixture f;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(fixture_try(&f, bad[i].yaml, 2, (int[]){4, 4}, false),
                         KAD_ECONFIG);
        assert_non_null(strstr(f.ctx.message, bad[i].message));
        fixture_clear(&f);
    }
    assert_int_equal(fixture_try(&f,
                                 "action: {name: xy, components: 2, beta: 1, clock: 1}",
                                 2, (int[]){4, 4}, true),
                     KAD_ECONFIG);
    fixture_clear(&f);
    fixture_make(&f, "action: {name: xy, components: 2, beta: 1, field: 0.1}", 2,
                 (int[]){4, 4}, false);
    assert_int_equal(kad_action_set(&f.ctx, f.action, "field", 0.2), KAD_OK);
    assert_int_equal(kad_action_set(&f.ctx, f.action, "clock", 0.2), KAD_ECONFIG);
    fixture_clear(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_angles),
        cmocka_unit_test(two_by_two),
        cmocka_unit_test(free_spins),
        cmocka_unit_test(strong_fields),
        cmocka_unit_test(decimation),
        cmocka_unit_test(forces),
        cmocka_unit_test(symmetry),
        cmocka_unit_test(updates_keep_the_weight),
        cmocka_unit_test(reflections),
        cmocka_unit_test(no_clusters_with_a_clock_term),
        cmocka_unit_test(four_by_four),
        cmocka_unit_test(energies),
        cmocka_unit_test(acceptances_are_counted),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests_name("O(n) spins lifted to R^n", tests, NULL, NULL);
}

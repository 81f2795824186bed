/* Claims about finite-size scaling on made-up data whose T_c, nu and exponents are known:
 * values without noise, and errors over many repeats. */
#include "analysis/collapse.h"
#include "analysis/combine.h"
#include "analysis/crossing.h"
#include "analysis/fss.h"
#include "tests/support/analysis_util.h"

enum { SIZES = 5, TEMPERATURES = 8, POINTS = SIZES * TEMPERATURES, BLOCKS = 100 };
static const double sizes[SIZES] = {8, 12, 16, 24, 32};
static const double T_C = 2.269, NU = 1.1, GAMMA = 1.9, OMEGA = 1.75;

/* The scaling field is u + b u^2, u = (t - T_C)/T_C. */
static double z_of(double L, double t, double b)
{
    const double u = (t - T_C) / T_C;
    return (u + b * u * u) * pow(L, 1 / NU);
}

/* U = F(z) + L^{-omega} G, a step from 2/3 to 0; O = L^{gamma/nu} of another curve. */
static double binder(double L, double t, double correction, double b)
{
    const double z = z_of(L, t, b);
    return 0.4 - 0.2 * tanh(0.8 * z) + correction * pow(L, -OMEGA) * (1 + 0.2 * z);
}

static double chi(double L, double t, double b)
{
    const double z = z_of(L, t, b);
    return pow(L, GAMMA / NU) * (1 - 0.6 * tanh(0.8 * z) + 0.05 * z * z);
}

typedef struct fixture {
    kad_ctx ctx;
    kad_scope scope;
    double size[POINTS], t[POINTS], b; /* b: of the scaling field */
    kad_replicas binder, chi;
} fixture;

static int setup(void **state)
{
    static fixture f;
    f = (fixture){0};
    kad_ctx_init(&f.ctx, 1);
    f.scope.ctx = &f.ctx;
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    kad_scope_end(&f->scope);
    return 0;
}

/* Means of BLOCKS blocks of relative error `err`; `shared`: the share of the noise that all
 * temperatures of a lattice have in common, as chains of one seed do. */
static void make(fixture *f, uint64_t repeat, double err, double shared,
                 double correction)
{
    kad_scope_end(&f->scope);
    f->scope.ctx = &f->ctx;
    kad_replicas *of[2] = {&f->binder, &f->chi};
    for (size_t o = 0; o < 2; o++)
        assert_ok(f, kad_replicas_take(&f->scope, POINTS, BLOCKS, of[o]));
    for (size_t i = 0; i < POINTS; i++) {
        const size_t s = i / TEMPERATURES, k = i % TEMPERATURES;
        const double width = 4 / sizes[s];
        f->size[i] = sizes[s];
        f->t[i] = 2.27 + width * ((double)k / (TEMPERATURES - 1) - 0.5);
        for (size_t o = 0; o < 2; o++) {
            const double exact = o == 0 ? binder(sizes[s], f->t[i], correction, f->b)
                                        : chi(sizes[s], f->t[i], f->b);
            double block[BLOCKS], mean = 0;
            for (size_t b = 0; b < BLOCKS; b++) {
                const double own = test_normal((uint32_t)(10 + o), repeat, b * 1000 + i);
                const double all = test_normal((uint32_t)(12 + o), repeat, b * 1000 + s);
                block[b] =
                    exact * (1 + err * sqrt(BLOCKS) *
                                     (sqrt(1 - shared) * own + sqrt(shared) * all));
                mean += block[b] / BLOCKS;
            }
            of[o]->value[i] = mean;
            for (size_t b = 0; b < BLOCKS; b++)
                of[o]->replica[b * POINTS + i] =
                    (BLOCKS * mean - block[b]) / (BLOCKS - 1);
        }
    }
}

/* The points of one lattice as a curve. */
static void curve_of(fixture *f, const kad_replicas *all, size_t s, kad_sized *out)
{
    kad_replicas own;
    assert_ok(f, kad_replicas_take(&f->scope, TEMPERATURES, BLOCKS, &own));
    for (size_t k = 0; k < TEMPERATURES; k++) {
        own.value[k] = all->value[s * TEMPERATURES + k];
        for (size_t b = 0; b < BLOCKS; b++)
            own.replica[b * TEMPERATURES + k] =
                all->replica[b * POINTS + s * TEMPERATURES + k];
    }
    out->size = sizes[s];
    assert_ok(f, kad_smooth_fit(&f->scope, f->t + s * TEMPERATURES, &own, &out->curve));
}

/* Pairs of the ratio 2: (8, 16), (12, 24), (16, 32). */
enum { PAIRS = 3 };
static const size_t pair[PAIRS][2] = {{0, 2}, {1, 3}, {2, 4}};

static void crossings(fixture *f, kad_sized curve[SIZES], kad_crossing out[PAIRS])
{
    for (size_t s = 0; s < SIZES; s++)
        curve_of(f, &f->binder, s, &curve[s]);
    for (size_t p = 0; p < PAIRS; p++) {
        assert_ok(f, kad_crossing_find(&f->scope, &curve[pair[p][0]], &curve[pair[p][1]],
                                       &out[p]));
        assert_true(out[p].found);
    }
}

/* --- combined ------------------------------------------------------------------------
 */

static void test_combine(void **state)
{
    (void)state;
    const kad_estimate two[] = {{1, 0.1}, {2, 0.2}, {7, NAN}, {NAN, 1}, {3, 0}};
    const kad_combined c = kad_combine(5, two);
    /* weights 100 and 25; chi^2 = (0.2/0.1)^2 + (0.8/0.2)^2 = 20 */
    assert_int_equal(c.n, 2);
    assert_close(c.value, 1.2, 1e-12);
    assert_close(c.chi2, 20, 1e-9);
    assert_close(c.err, sqrt(20) / sqrt(125), 1e-12);
    assert_close(c.p_value, erfc(sqrt(10)), 1e-12);
    const kad_combined one = kad_combine(1, two);
    assert_true(one.value == 1 && fabs(one.err - 0.1) < 1e-15 && isnan(one.p_value));
    assert_true(isnan(kad_combine(0, two).value));
    const double exact[] = {1.05, 2.3, 0, 0, NAN};
    double pull;
    assert_int_equal(kad_worst_pull(5, two, exact, &pull), 1);
    assert_close(pull, -1.5, 1e-12);
    assert_int_equal(kad_worst_pull(1, two, (const double[]){NAN}, &pull), 1);
    assert_true(isnan(pull));
}

/* p is uniform and the pull of variance 1 where errors are right; where they are half of what
 * they should be, the combined one is right all the same, on the average of many. */
static void test_combine_errors(void **state)
{
    enum { REPEATS = 2000, N = 5 };
    (void)state;
    double square[2] = {0}, low = 0;
    for (uint64_t r = 0; r < REPEATS; r++) {
        kad_estimate e[N], half[N];
        for (size_t i = 0; i < N; i++) {
            const double s = 1 + (double)i;
            e[i] = (kad_estimate){3 + s * test_normal(1, r, i), s};
            half[i] = (kad_estimate){e[i].value, s / 2};
        }
        const kad_combined c = kad_combine(N, e), h = kad_combine(N, half);
        square[0] += (c.value - 3) * (c.value - 3) / (c.err * c.err) / REPEATS;
        square[1] += (h.value - 3) * (h.value - 3) / (h.err * h.err) / REPEATS;
        low += (c.p_value < 0.1) / (double)REPEATS;
    }
    /* 4 sigma: sqrt(0.1 0.9/2000) = 0.0067; scaled errors are 1.2 on average at most, and
     * Student's t of 4 degrees has variance 2 */
    assert_close(low, 0.1, 0.027);
    assert_true(square[0] > 0.6 && square[0] < 1.1);
    assert_true(square[1] > 0.8 && square[1] < 2.4);
}

/* --- curves --------------------------------------------------------------------------
 */

static void test_smooth(void **state)
{
    fixture *f = *state;
    const double t[6] = {1, 1.2, 1.5, 1.6, 1.9, 2};
    kad_replicas y;
    kad_smooth s;
    assert_ok(f, kad_replicas_take(&f->scope, 6, BLOCKS, &y));
    for (size_t i = 0; i < 6; i++) {
        y.value[i] = 3 - t[i] + 2 * t[i] * t[i];
        for (size_t b = 0; b < BLOCKS; b++)
            y.replica[b * 6 + i] = y.value[i] + 1e-5 * test_normal(3, b, i);
    }
    assert_ok(f, kad_smooth_fit(&f->scope, t, &y, &s));
    assert_int_equal(s.coefficient.n, 5); /* a degree of freedom is left */
    assert_close(kad_smooth_value(&s, kad_smooth_of(&s, BLOCKS), 1.7), 7.08, 1e-10);
    assert_close(kad_smooth_slope(&s, kad_smooth_of(&s, BLOCKS), 1.7), 5.8, 1e-9);
    assert_true(kad_smooth_of(&s, 3) == s.coefficient.replica + 15);
    y.n = 2;
    assert_int_equal(kad_smooth_fit(&f->scope, t, &y, &s), KAD_EDATA);
    y.n = 6;
    for (size_t b = 0; b < BLOCKS; b++)
        y.replica[b * 6 + 2] = y.value[2];
    assert_int_equal(kad_smooth_fit(&f->scope, t, &y, &s), KAD_EDATA);
}

/* --- crossings -----------------------------------------------------------------------
 */

/* Without corrections all curves meet at T_c, and slopes and quotients give nu and gamma:
 * to what a polynomial of fifth degree leaves of the curves, 1e-4. */
static void test_crossings_are_exact(void **state)
{
    fixture *f = *state;
    kad_sized curve[SIZES], other[SIZES];
    kad_crossing at[PAIRS];
    make(f, 0, 1e-9, 0, 0);
    crossings(f, curve, at);
    for (size_t p = 0; p < PAIRS; p++) {
        const double *v = at[p].of.value;
        kad_replicas x;
        assert_close(v[KAD_CROSSING_AT], T_C, 1e-4);
        assert_close(v[KAD_CROSSING_VALUE], 0.4, 1e-4);
        assert_close(v[KAD_CROSSING_INV_NU], 1 / NU, 1e-3);
        for (size_t e = 0; e < 2; e++)
            curve_of(f, &f->chi, pair[p][e], &other[pair[p][e]]);
        assert_ok(f, kad_crossing_exponent(&f->scope, &at[p], &other[pair[p][0]].curve,
                                           &other[pair[p][1]].curve, &x));
        assert_close(x.value[0], GAMMA / NU, 1e-3);
    }
}

/* Curves that do not meet where both are known are said not to. */
static void test_no_crossing(void **state)
{
    fixture *f = *state;
    kad_sized curve[SIZES];
    kad_crossing c;
    make(f, 0, 1e-3, 0, 0);
    curve_of(f, &f->binder, 0, &curve[0]);
    curve_of(f, &f->binder, 2, &curve[2]);
    for (size_t b = 0; b <= BLOCKS; b++)
        ((double *)kad_smooth_of(&curve[2].curve, b))[0] += 1; /* above */
    assert_ok(f, kad_crossing_find(&f->scope, &curve[0], &curve[2], &c));
    assert_false(c.found);
    curve[2].curve.lo += 10;
    curve[2].curve.hi += 10;
    assert_ok(f, kad_crossing_find(&f->scope, &curve[0], &curve[2], &c));
    assert_false(c.found);
    kad_critical critical;
    assert_ok(f, kad_crossing_extrapolate(&f->scope, 1, &c, 1, NAN, &critical));
    assert_int_equal(critical.how, KAD_EXTRAPOLATED_NONE);
}

/* With corrections the crossings drift, and both extrapolations find T_c; without noise in
 * the drift the exponent is found too. */
static void test_extrapolation(void **state)
{
    fixture *f = *state;
    kad_sized curve[SIZES];
    kad_crossing at[PAIRS];
    kad_critical given, fitted;
    make(f, 0, 1e-6, 0, 0.5);
    crossings(f, curve, at);
    assert_true(fabs(at[0].of.value[KAD_CROSSING_AT] - T_C) > 0.01);
    assert_ok(f, kad_crossing_extrapolate(&f->scope, PAIRS, at, 1 / NU, OMEGA, &given));
    assert_int_equal(given.how, KAD_EXTRAPOLATED_GIVEN);
    assert_int_equal(given.dof, 1);
    /* next order in the drift: the square of 0.01 */
    assert_close(given.tc.value[0], T_C, 1e-3);
    assert_ok(f, kad_crossing_extrapolate(&f->scope, PAIRS, at, 1 / NU, NAN, &fitted));
    assert_int_equal(fitted.how, KAD_EXTRAPOLATED_FITTED);
    assert_close(fitted.tc.value[0], T_C, 1e-3);
    assert_close(fitted.exponent.value, 1 / NU + OMEGA, 0.3);
    assert_ok(f, kad_crossing_extrapolate(&f->scope, 2, at, 1 / NU, NAN, &fitted));
    assert_int_equal(fitted.how, KAD_EXTRAPOLATED_LAST);
    assert_true(fitted.tc.value[0] == at[1].of.value[KAD_CROSSING_AT]);
}

/* Pulls of what crossings give, mean 0 and variance 1: with independent points and with such
 * that share their seed. */
static void coverage(fixture *f, double shared)
{
    enum { REPEATS = 100, PULLS = 4 };
    double sum[PULLS] = {0}, square[PULLS] = {0};
    for (uint64_t r = 0; r < REPEATS; r++) {
        kad_sized curve[SIZES], other[2];
        kad_crossing at[PAIRS];
        kad_critical critical;
        kad_replicas x;
        make(f, 1 + r, 2e-3, shared, 0);
        crossings(f, curve, at);
        curve_of(f, &f->chi, 2, &other[0]);
        curve_of(f, &f->chi, 4, &other[1]);
        assert_ok(f, kad_crossing_exponent(&f->scope, &at[2], &other[0].curve,
                                           &other[1].curve, &x));
        assert_ok(
            f, kad_crossing_extrapolate(&f->scope, PAIRS, at, 1 / NU, OMEGA, &critical));
        const kad_estimate e[PULLS] = {
            kad_replicas_estimate(&at[2].of, KAD_CROSSING_AT),
            kad_replicas_estimate(&at[2].of, KAD_CROSSING_INV_NU),
            kad_replicas_estimate(&x, 0), kad_replicas_estimate(&critical.tc, 0)};
        const double exact[PULLS] = {T_C, 1 / NU, GAMMA / NU, T_C};
        for (size_t k = 0; k < PULLS; k++) {
            const double pull = (e[k].value - exact[k]) / e[k].err;
            sum[k] += pull / REPEATS;
            square[k] += pull * pull / REPEATS;
        }
    }
    /* Student's t of 99 degrees: variance 99/97; the mean of 100 pulls is known to 0.1, of
     * their squares to 0.15; 4 sigma, and the polynomials' own bias */
    for (size_t k = 0; k < PULLS; k++) {
        if (fabs(sum[k]) > 0.4) fail_msg("pull %zu: mean %g", k, sum[k]);
        if (square[k] < 0.6 || square[k] > 1.6)
            fail_msg("pull %zu: square %g", k, square[k]);
    }
}

static void test_errors_of_crossings(void **state)
{
    coverage(*state, 0);
}

static void test_errors_with_one_seed(void **state)
{
    coverage(*state, 0.8);
}

/* --- collapse ------------------------------------------------------------------------
 */

static void collapse(fixture *f, const kad_replicas *y, bool dimensionless, double omega,
                     kad_collapse *out)
{
    const kad_collapse_points points = {f->size, f->t, *y};
    const kad_collapse_options options = {.tc = 2.275,
                                          .nu = 1,
                                          .x = dimensionless ? 0 : 1.7,
                                          .dimensionless = dimensionless,
                                          .omega = omega,
                                          .z_max = 2};
    assert_ok(f, kad_collapse_fit(&f->scope, &points, &options, out));
    assert_true(out->ok);
}

/* Without noise: what the spline leaves of tanh, 1e-3. */
static void test_collapse_is_exact(void **state)
{
    fixture *f = *state;
    kad_collapse c;
    make(f, 0, 1e-4, 0, 0);
    collapse(f, &f->binder, true, NAN, &c);
    assert_close(c.of.value[KAD_COLLAPSE_TC], T_C, 1e-3);
    assert_close(c.of.value[KAD_COLLAPSE_NU], NU, 1e-2);
    assert_true(c.of.value[KAD_COLLAPSE_X] == 0);
    collapse(f, &f->chi, false, NAN, &c);
    assert_close(c.of.value[KAD_COLLAPSE_TC], T_C, 1e-3);
    assert_close(c.of.value[KAD_COLLAPSE_NU], NU, 1e-2);
    assert_close(c.of.value[KAD_COLLAPSE_X], GAMMA, 2e-2);
    make(f, 0, 1e-4, 0, 0.5);
    collapse(f, &f->binder, true, OMEGA, &c);
    assert_close(c.of.value[KAD_COLLAPSE_TC], T_C, 1e-3);
    assert_close(c.of.value[KAD_COLLAPSE_NU], NU, 2e-2);
    assert_true(c.p_value > 1e-4);
    collapse(f, &f->binder, true, NAN,
             &c); /* the correction is missed, and chi^2 says so */
    assert_true(c.p_value < 1e-9);
}

/* A window of 4/L reaches t = 0.11 on 8 x 8: a term b t^2 of the scaling field is found, and
 * bends neither T_c nor nu. */
static void test_collapse_of_a_bent_field(void **state)
{
    fixture *f = *state;
    kad_collapse c;
    f->b = -0.7;
    make(f, 0, 1e-4, 0, 0.5);
    collapse(f, &f->binder, true, OMEGA, &c);
    assert_close(c.of.value[KAD_COLLAPSE_TC], T_C, 1e-3);
    assert_close(c.of.value[KAD_COLLAPSE_NU], NU, 2e-2);
    assert_close(c.of.value[KAD_COLLAPSE_B], f->b, 0.1);
}

/* Pulls of T_c, nu, x, b (those that are fitted) and chi^2/dof over repeats. */
static void pulls_of_collapse(fixture *f, bool dimensionless, double omega, bool *fitted)
{
    enum { REPEATS = 30 };
    const double exact[KAD_COLLAPSE_N] = {T_C, NU, GAMMA, f->b};
    double square[KAD_COLLAPSE_N] = {0}, sum[KAD_COLLAPSE_N] = {0}, chi2 = 0;
    for (uint64_t r = 0; r < REPEATS; r++) {
        kad_collapse c;
        make(f, 500 + r, 2e-3, 0, isfinite(omega) ? 0.5 : 0);
        collapse(f, dimensionless ? &f->binder : &f->chi, dimensionless, omega, &c);
        chi2 += c.chi2 / (double)c.dof / REPEATS;
        for (size_t k = 0; k < KAD_COLLAPSE_N; k++) {
            const kad_estimate e = kad_replicas_estimate(&c.of, k);
            const double pull = (e.value - exact[k]) / e.err;
            sum[k] += pull / REPEATS;
            square[k] += pull * pull / REPEATS;
        }
    }
    /* means of 30 pulls are known to 0.18, of squares to 0.26, chi^2/dof of 25 to 28 degrees to
     * 0.05; 4 sigma */
    for (size_t k = 0; k < KAD_COLLAPSE_N; k++) {
        if (!fitted[k]) continue;
        if (fabs(sum[k]) > 0.73) fail_msg("%zu: mean pull %g", k, sum[k]);
        if (square[k] < 0.3 || square[k] > 2.05) fail_msg("%zu: square %g", k, square[k]);
    }
    assert_close(chi2, 1.04, 0.2);
}

static void test_errors_of_collapse(void **state)
{
    pulls_of_collapse(*state, false, NAN, (bool[]){true, true, true, false});
}

static void test_errors_of_a_bent_field(void **state)
{
    fixture *f = *state;
    f->b = -0.7;
    pulls_of_collapse(f, true, OMEGA, (bool[]){true, true, false, true});
}

static void test_collapse_needs_points(void **state)
{
    fixture *f = *state;
    kad_collapse c;
    make(f, 0, 1e-3, 0, 0);
    const kad_collapse_points points = {f->size, f->t, f->binder};
    const kad_collapse_options options = {.tc = T_C,
                                          .nu = NU,
                                          .dimensionless = true,
                                          .omega = NAN,
                                          .z_max = 2,
                                          .l_min = 33};
    assert_ok(f, kad_collapse_fit(&f->scope, &points, &options, &c));
    assert_false(c.ok);
    assert_int_equal(c.n, 0);
}

/* --- all of it -----------------------------------------------------------------------
 */

/* Runs as they are read: U and chi are known, the rest is not. */
static void runs(fixture *f, kad_fss_point point[POINTS])
{
    for (size_t i = 0; i < POINTS; i++) {
        point[i] = (kad_fss_point){.size = f->size[i], .tune = f->t[i]};
        assert_ok(f,
                  kad_replicas_take(&f->scope, KAD_FSS_QUANTITIES, BLOCKS, &point[i].of));
        for (size_t q = 0; q < KAD_FSS_QUANTITIES; q++) {
            const kad_replicas *y = q == KAD_FSS_BINDER ? &f->binder : &f->chi;
            const bool known = q == KAD_FSS_BINDER || q == KAD_FSS_CHI;
            point[i].of.value[q] = known ? y->value[i] : (double)NAN;
            for (size_t b = 0; b < BLOCKS; b++)
                point[i].of.replica[b * KAD_FSS_QUANTITIES + q] =
                    known ? y->replica[b * POINTS + i] : (double)NAN;
        }
    }
}

static const kad_fss_options defaults = {.omega = NAN, .z_max = NAN};

static const kad_fss_result *result(const kad_fss *fss, const char *name,
                                    const char *method)
{
    for (size_t i = 0; i < fss->n_results; i++)
        if (strcmp(fss->result[i].name, name) == 0 &&
            strcmp(fss->result[i].method, method) == 0)
            return &fss->result[i];
    fail_msg("no %s by %s", name, method);
    return NULL;
}

static void assert_within(const kad_fss *fss, const char *name, const char *method,
                          double exact)
{
    const kad_estimate e = result(fss, name, method)->estimate;
    if (!(fabs(e.value - exact) < 4 * e.err && e.err > 0))
        fail_msg("%s by %s: %g(%g), expected %g", name, method, e.value, e.err, exact);
}

/* From runs in any order to T_c, nu and gamma/nu, by both ways, and the pairs of one ratio. */
static void test_fss(void **state)
{
    fixture *f = *state;
    kad_fss_point point[POINTS], swapped;
    kad_fss *fss;
    char reason[KAD_FSS_REASON];
    make(f, 7, 2e-3, 0, 0);
    runs(f, point);
    swapped = point[3];
    point[3] = point[30];
    point[30] = swapped;
    assert_ok(f, kad_take(&f->scope, 1, &fss));
    assert_ok(f, kad_fss_analyse(&f->scope, POINTS, point, &defaults, fss, reason));
    assert_string_equal(reason, "");
    assert_int_equal(fss->n_sizes, SIZES);
    assert_int_equal(fss->n_pairs, PAIRS);
    for (size_t p = 0; p < PAIRS; p++)
        assert_close(fss->size[fss->pair[p].j] / fss->size[fss->pair[p].i], 2, 1e-12);
    assert_within(fss, "T_c", "crossings of binder", T_C);
    assert_within(fss, "nu", "crossings of binder", NU);
    assert_within(fss, "gamma/nu", "crossings of binder", GAMMA / NU);
    assert_within(fss, "T_c", "collapse of binder", T_C);
    assert_within(fss, "nu", "collapse of chi", NU);
    assert_within(fss, "gamma/nu", "collapse of chi", GAMMA / NU);
    assert_false(fss->collapse[KAD_FSS_XI].ok);
    assert_int_equal(fss->n_jumps, 0);
    size_t stated = 0;
    for (size_t i = 0; i < fss->n_scans; i++)
        stated += fss->scan[i].chosen;
    assert_int_equal(stated, 2);
}

static void test_what_is_missing(void **state)
{
    fixture *f = *state;
    kad_fss_point point[POINTS];
    kad_fss *fss;
    char reason[KAD_FSS_REASON];
    make(f, 7, 2e-3, 0, 0);
    runs(f, point);
    assert_ok(f, kad_take(&f->scope, 1, &fss));
    assert_ok(f, kad_fss_analyse(&f->scope, TEMPERATURES, point, &defaults, fss, reason));
    assert_non_null(strstr(reason, "one lattice size (L = 8)"));
    assert_ok(
        f, kad_fss_analyse(&f->scope, TEMPERATURES + 2, point, &defaults, fss, reason));
    assert_non_null(strstr(reason, "L = 12 has 2 complete points: it needs 3"));
    assert_ok(f, kad_fss_analyse(&f->scope, 0, point, &defaults, fss, reason));
    assert_true(reason[0] != 0);
}

/* Two seeds of errors 0.1 and 0.2: weights 4/5 and 1/5; errors are widened by sqrt(chi^2), as
 * these are sqrt(5) apart. */
static void test_seeds(void **state)
{
    fixture *f = *state;
    kad_fss_point seed[2], both;
    for (size_t i = 0; i < 2; i++) {
        seed[i] = (kad_fss_point){.size = 8, .tune = 2};
        assert_ok(f, kad_replicas_take(&f->scope, KAD_FSS_QUANTITIES, 2, &seed[i].of));
        for (size_t q = 0; q < KAD_FSS_QUANTITIES; q++) {
            /* of two replicas e apart the error is sqrt(1/2 (e^2 + e^2)) = e */
            const double err = i == 0 ? 0.1 : 0.2, value = i == 0 ? 1 : 1.5;
            seed[i].of.value[q] = value;
            seed[i].of.replica[q] = value + err;
            seed[i].of.replica[KAD_FSS_QUANTITIES + q] = value - err;
        }
    }
    assert_ok(f, kad_fss_merge(&f->scope, 2, seed, &both));
    for (size_t q = 0; q < KAD_FSS_QUANTITIES; q++) {
        assert_close(both.of.value[q], 1.1, 1e-12);
        assert_close(both.of.replica[q], 1.1 + sqrt(5) * (0.8 * 0.1 + 0.2 * 0.2), 1e-12);
    }
    assert_ok(f, kad_fss_merge(&f->scope, 1, seed, &both));
    assert_close(both.of.replica[0], 1.1, 1e-12);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_combine),
        TEST(test_combine_errors),
        TEST(test_smooth),
        TEST(test_crossings_are_exact),
        TEST(test_no_crossing),
        TEST(test_extrapolation),
        TEST(test_errors_of_crossings),
        TEST(test_errors_with_one_seed),
        TEST(test_collapse_is_exact),
        TEST(test_collapse_of_a_bent_field),
        TEST(test_errors_of_collapse),
        TEST(test_errors_of_a_bent_field),
        TEST(test_collapse_needs_points),
        TEST(test_fss),
        TEST(test_what_is_missing),
        TEST(test_seeds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The continuous flow against its equation: naive sums, free fields, the order of the
 * method, symmetries, the error of ln q and the steps that are chosen for it. */
#include "base/matrix.h"
#include "base/memory.h"
#include "tests/flow/ode_case.h"
#include "tests/support/claim.h"
#include "tests/support/model_case.h"

static void solves_its_equation(void **state)
{
    (void)state;
    for (int k = 0; k < 18; k++) {
        rig r;
        double ld[W], want = 0, phi[ODE_CASE_ROWS];
        const int lane = 5;
        rig_case(&r, k);
        for (int x = 0; x < r.stage.n_rows; x++)
            phi[x] = r.z[x * W + lane];
        for (int i = 0; i < 2; i++)
            want += rig_naive_step(&r, 0.5 * i, 0.5, phi, NULL);
        rig_generate(&r, 2, ld);
        for (int x = 0; x < r.stage.n_rows; x++)
            assert_true(fabs(r.x[x * W + lane] - phi[x]) < 1e-12);
        assert_true(fabs(ld[lane] - want) < 1e-11);
        rig_close(&r);
    }
}

/* Without sines, and the same at all times, modes grow by e^{w_k}: those of a single site's
 * unit vector are all alike. */
static void is_exact_for_free_fields(void **state)
{
    (void)state;
    const int shape[] = {4, 4};
    rig r;
    double ld[W], want = 0;
    rig_open(&r, 2, shape, ode_case_options(1, 1, false), 0.2);
    for (int o = 0; o < r.s->modes.n_orbits; o++)
        r.theta[r.s->weights + (size_t)o * 2 + 1] = 0;
    r.stage.ops->kern[KAD_DOUBLE]->pack(&r.stage, r.theta, r.packed);
    memset(r.z, 0, r.size * sizeof *r.z);
    r.z[0] = 1;
    rig_generate(&r, 24, ld);
    for (int x = 0; x < 16; x++) {
        int a[KAD_MAX_DIM], k[KAD_MAX_DIM];
        double y = 0;
        kad_lattice_coords(r.lattice, x, a);
        for (int mode = 0; mode < 16; mode++) {
            kad_lattice_coords(r.lattice, mode, k);
            y += exp(rig_weight(&r, 0, mode, 0)) * cos(M_PI / 2 * k[0] * a[0]) *
                 cos(M_PI / 2 * k[1] * a[1]) / 16;
        }
        assert_true(fabs(r.x[x * W] - y) < 1e-10);
    }
    for (int mode = 0; mode < 16; mode++)
        want += rig_weight(&r, 0, mode, 0);
    assert_true(fabs(ld[3] - want) < 1e-12);
    rig_close(&r);
}

/* Mean error of x and ld against many more steps. */
static void errors(rig *r, int n, const double *x, const double *ld, double *of_x,
                   double *of_ld)
{
    double found[W];
    rig_generate(r, n, found);
    *of_x = *of_ld = 0;
    for (size_t i = 0; i < r->size; i++)
        *of_x += fabs(r->x[i] - x[i]) / (double)r->size;
    for (int l = 0; l < W; l++)
        *of_ld += fabs(found[l] - ld[l]) / W;
}

/* 2^5 a doubling, and in the range of steps that is used no less than a half of it. */
static void errors_fall_with_the_fifth_power(void **state)
{
    (void)state;
    const int shape[] = {6, 4};
    rig r;
    double ld[W], e[2][2];
    rig_open(&r, 2, shape, ode_case_options(3, 2, false), 0.25);
    double *x = kad_alloc(r.size, sizeof *x);
    assert_non_null(x);
    rig_generate(&r, 200, ld);
    memcpy(x, r.x, r.size * sizeof *x);
    for (int i = 0; i < 2; i++)
        errors(&r, 8 << i, x, ld, &e[i][0], &e[i][1]);
    print_message("# errors of 8 steps: field %.1e, ln det %.1e; of 16 a %.0fth and a "
                  "%.0fth\n",
                  e[0][0], e[0][1], e[0][0] / e[1][0], e[0][1] / e[1][1]);
    assert_true(e[0][0] > 16 * e[1][0] && e[0][1] > 16 * e[1][1]);
    assert_true(e[0][1] > 1e-9); /* there was something to fall */
    kad_free(x);
    rig_close(&r);
}

/* ---- symmetries ---------------------------------------------------------------------*/

/* Where a site goes: a shift, a reflection, the exchange of the axes. */
static int moved(const kad_lattice *l, int which, int site)
{
    int a[KAD_MAX_DIM];
    kad_lattice_coords(l, site, a);
    const int first = a[0];
    if (which == 0) a[1] = (a[1] + 3) % l->shape[1];
    if (which == 1) a[0] = (l->shape[0] - a[0]) % l->shape[0];
    if (which == 2) {
        a[0] = a[1];
        a[1] = first;
    }
    return kad_lattice_site(l, a);
}

static void commutes_with_symmetries(void **state)
{
    (void)state;
    const int shape[] = {5, 5};
    for (int which = 0; which < 4; which++) { /* 3: the sign */
        rig r;
        double ld[2][W];
        rig_open(&r, 2, shape, ode_case_options(2, 2, false), 0.2);
        double *y = kad_alloc(r.size, sizeof *y), *z = kad_alloc(r.size, sizeof *z);
        assert_true(y && z);
        rig_generate(&r, 3, ld[0]);
        memcpy(y, r.x, r.size * sizeof *y);
        memcpy(z, r.z, r.size * sizeof *z);
        for (int i = 0; i < r.lattice->n_sites; i++)
            for (int l = 0; l < W; l++)
                r.z[(which < 3 ? moved(r.lattice, which, i) : i) * W + l] =
                    (which < 3 ? 1 : -1) * z[i * W + l];
        rig_generate(&r, 3, ld[1]);
        for (int i = 0; i < r.lattice->n_sites; i++)
            for (int l = 0; l < W; l++) {
                const int to = which < 3 ? moved(r.lattice, which, i) : i;
                const double want = (which < 3 ? 1 : -1) * y[i * W + l];
                assert_true(fabs(r.x[to * W + l] - want) < 1e-12);
            }
        for (int l = 0; l < W; l++)
            assert_true(fabs(ld[0][l] - ld[1][l]) < 1e-11);
        kad_free(y);
        kad_free(z);
        rig_close(&r);
    }
}

/* A rotation of two components goes through; ln det does not notice. */
static void commutes_with_rotations(void **state)
{
    (void)state;
    const int shape[] = {4, 3};
    const double c = cos(0.7), s = sin(0.7);
    rig r;
    double ld[2][W];
    rig_open_of(&r, 2, shape, 2, ode_case_options(2, 2, true), 0.2);
    double *y = kad_alloc(r.size, sizeof *y);
    assert_non_null(y);
    rig_generate(&r, 3, ld[0]);
    memcpy(y, r.x, r.size * sizeof *y);
    for (int i = 0; i < r.lattice->n_sites; i++)
        for (int l = 0; l < W; l++) {
            double *z = r.z + 2 * i * W + l;
            const double one = c * z[0] - s * z[W], two = s * z[0] + c * z[W];
            z[0] = one;
            z[W] = two;
        }
    rig_generate(&r, 3, ld[1]);
    for (int i = 0; i < r.lattice->n_sites; i++)
        for (int l = 0; l < W; l++) {
            const double *a = y + 2 * i * W + l, *b = r.x + 2 * i * W + l;
            assert_true(fabs(b[0] - (c * a[0] - s * a[W])) < 1e-12);
            assert_true(fabs(b[W] - (s * a[0] + c * a[W])) < 1e-12);
        }
    for (int l = 0; l < W; l++)
        assert_true(fabs(ld[0][l] - ld[1][l]) < 1e-11);
    kad_free(y);
    rig_close(&r);
}

/* Marks leave shifts by two sites, and not those by one. */
static void marks_leave_the_unit_cell(void **state)
{
    (void)state;
    const int shape[] = {4, 6};
    for (int by = 1; by <= 2; by++) {
        rig r;
        double ld[2][W], off = 0;
        rig_open(&r, 2, shape, ode_case_options(2, 2, true), 0.2);
        double *y = kad_alloc(r.size, sizeof *y), *z = kad_alloc(r.size, sizeof *z);
        assert_true(y && z);
        rig_generate(&r, 3, ld[0]);
        memcpy(y, r.x, r.size * sizeof *y);
        memcpy(z, r.z, r.size * sizeof *z);
        for (int pass = 0; pass < 2; pass++) { /* move z, then compare */
            for (int i = 0; i < r.lattice->n_sites; i++) {
                int a[KAD_MAX_DIM];
                kad_lattice_coords(r.lattice, i, a);
                a[1] = (a[1] + by) % 6;
                const int to = kad_lattice_site(r.lattice, a);
                for (int l = 0; l < W; l++)
                    if (pass == 0)
                        r.z[to * W + l] = z[i * W + l];
                    else
                        off = fmax(off, fabs(r.x[to * W + l] - y[i * W + l]));
            }
            if (pass == 0) rig_generate(&r, 3, ld[1]);
        }
        if (by == 1)
            assert_true(off > 1e-3);
        else
            assert_true(off < 1e-12);
        kad_free(y);
        kad_free(z);
        rig_close(&r);
    }
}

/* The equation of every other site is that of a lattice of half the extents; the other
 * sites are left alone. */
static void a_stride_is_a_lattice_of_its_own(void **state)
{
    (void)state;
    const int half[] = {3, 2}, whole[] = {6, 4};
    rig a, b;
    double ld[2][W];
    kad_ode_options o = ode_case_options(2, 2, true);
    rig_open(&a, 2, half, o, 0.2);
    o.stride = 2;
    rig_open(&b, 2, whole, o, 0.2);
    assert_int_equal(a.stage.n_theta, b.stage.n_theta);
    for (int i = 0; i < a.lattice->n_sites; i++) {
        int at[KAD_MAX_DIM];
        kad_lattice_coords(a.lattice, i, at);
        at[0] *= 2;
        at[1] *= 2;
        memcpy(a.z + i * W, b.z + kad_lattice_site(b.lattice, at) * W, W * sizeof *a.z);
    }
    rig_generate(&a, 3, ld[0]);
    rig_generate(&b, 3, ld[1]);
    assert_memory_equal(ld[0], ld[1], sizeof ld[0]);
    for (int i = 0; i < b.lattice->n_sites; i++) {
        int at[KAD_MAX_DIM];
        kad_lattice_coords(b.lattice, i, at);
        const bool own = at[0] % 2 == 0 && at[1] % 2 == 0;
        at[0] /= 2;
        at[1] /= 2;
        const int j = kad_lattice_site(a.lattice, at);
        assert_memory_equal(b.x + i * W, own ? a.x + j * W : b.z + i * W,
                            W * sizeof *b.x);
    }
    rig_close(&a);
    rig_close(&b);
}

/* ---- the error of ln q --------------------------------------------------------------*/

/* ln|det| of the steps themselves at one point, by central differences. */
static double jacobian(rig *r, const double *point, int n_steps)
{
    const int n = r->stage.n_rows;
    const double h = 1e-4;
    double *m = kad_alloc((size_t)(n * n), sizeof *m), ld[W];
    assert_non_null(m);
    for (int j = 0; j < n; j++) {
        for (int i = 0; i < n; i++)
            for (int l = 0; l < W; l++)
                r->z[i * W + l] = point[i] + (i == j && l < 2 ? (l ? -h : h) : 0);
        rig_generate(r, n_steps, ld);
        for (int i = 0; i < n; i++)
            m[i * n + j] = (r->x[i * W] - r->x[i * W + 1]) / (2 * h);
    }
    const double det = kad_log_abs_det((size_t)n, m);
    kad_free(m);
    return det;
}

/* From x = generate(z): the latents of another number of steps, with their ld. */
static void infer_finer(rig *r, int n, double *ld)
{
    memset(ld, 0, W * sizeof *ld);
    r->stage.ops->solver->set_steps(&r->stage, r->packed, n);
    r->stage.ops->kern[KAD_DOUBLE]->infer(&r->stage, r->packed, r->x, ld, r->scratch);
}

/* What ln q misses of the density of the steps is what twice the steps say, up to a factor
 * of three: mean over a few points. */
static void twice_the_steps_measure_the_error(void **state)
{
    (void)state;
    enum { POINTS = 8, ROWS = 16 };
    const int shape[] = {4, 4};
    for (int n = 4; n <= 8; n += 2) {
        rig r;
        double ld[2][W], z[POINTS][ROWS], true_error = 0, stated = 0;
        rig_open(&r, 2, shape, ode_case_options(3, 2, false), 0.25);
        for (int p = 0; p < POINTS; p++)
            for (int i = 0; i < ROWS; i++)
                z[p][i] = r.z[i * W + p];
        rig_generate(&r, n, ld[0]);
        infer_finer(&r, 2 * n, ld[1]);
        for (int p = 0; p < POINTS; p++) {
            double lnp = 0; /* ln p(z) of the finer steps over that of these */
            for (int i = 0; i < ROWS; i++)
                lnp += 0.5 * (z[p][i] * z[p][i] - r.x[i * W + p] * r.x[i * W + p]);
            stated += fabs(lnp + ld[1][p] + ld[0][p]) / POINTS;
        }
        for (int p = 0; p < POINTS; p++)
            true_error += fabs(ld[0][p] - jacobian(&r, z[p], n)) / POINTS;
        print_message("# %d steps: ln q off by %.2e, stated %.2e\n", n, true_error,
                      stated);
        assert_true(true_error < 3 * stated && stated < 3 * true_error);
        rig_close(&r);
    }
}

#define PHI4 "action.name=phi4", "action.m2=-4", "action.lambda=6", "flow.hierarchy=ode"

/* Steps and mean error of a flow with weights of a size; double and single alike. */
static int settle(const char *tolerance, double size, double *error)
{
    enum { DRAWS = 64 };
    const char *keys[] = {PHI4, "lattice.shape=[6, 6]", tolerance, NULL};
    kad_ctx ctx;
    kad_model *model;
    kad_map *map;
    double lnq[2][DRAWS];
    kad_ctx_init(&ctx, 1);
    assert_int_equal(test_model(&ctx, keys, &model), KAD_OK);
    double *theta = test_theta(model->flow, 4, size);
    double *y = kad_alloc((size_t)model->flow->n_rows * DRAWS, sizeof *y);
    assert_non_null(y);
    assert_int_equal(kad_map_create(&ctx, model->flow, theta, NULL, &map), KAD_OK);
    const int n = kad_map_steps(map);
    assert_int_equal(
        n, kad_flow_steps(model->flow, KAD_SINGLE, kad_map_packed(map, KAD_SINGLE)));
    assert_int_equal(kad_map_draw(&ctx, map, 5, KAD_RNG_TEST, 0, DRAWS, KAD_DOUBLE, true,
                                  y, lnq[0], NULL),
                     KAD_OK);
    kad_map_refine(map, 4);
    assert_int_equal(kad_map_steps(map), 4 * n);
    assert_int_equal(kad_map_lnq(&ctx, map, DRAWS, KAD_DOUBLE, y, lnq[1], NULL), KAD_OK);
    *error = 0;
    for (int i = 0; i < DRAWS; i++)
        *error += fabs(lnq[0][i] - lnq[1][i]) / DRAWS;
    kad_free(theta);
    kad_free(y);
    kad_map_destroy(map);
    kad_model_destroy(model);
    return n;
}

static void steps_keep_the_tolerance(void **state)
{
    (void)state;
    static const char *const tolerance[] = {"flow.tolerance=1e-2", "flow.tolerance=1e-4",
                                            "flow.tolerance=1e-7"};
    const double value[] = {1e-2, 1e-4, 1e-7};
    int n[2][3];
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < 3; i++) {
            double error;
            n[k][i] = settle(tolerance[i], k == 0 ? 0.03 : 0.3, &error);
            print_message("# size %d, tolerance %g: %d steps, error %.1e\n", k, value[i],
                          n[k][i], error);
            assert_true(error < 2 * value[i]);
        }
    assert_true(n[0][1] <= n[1][1] && n[0][2] < n[1][2]); /* more for more */
    assert_true(n[1][0] < n[1][1] && n[1][1] < n[1][2]);
}

static void given_steps_are_kept(void **state)
{
    (void)state;
    double error;
    assert_int_equal(settle("flow.steps=7", 0.3, &error), 7);
}

static void weights_are_transferred_by_momentum(void **state)
{
    (void)state;
    const char *small[] = {PHI4, "lattice.shape=[4, 4]", NULL};
    const char *large[] = {PHI4, "lattice.shape=[8, 8]", NULL};
    kad_ctx ctx;
    kad_model *from, *to;
    kad_ctx_init(&ctx, 1);
    assert_int_equal(test_model(&ctx, small, &from), KAD_OK);
    assert_int_equal(test_model(&ctx, large, &to), KAD_OK);
    double *a = test_theta(from->flow, 4, 0.3), *b = test_theta(to->flow, 5, 0.3);
    const kad_stage *s = &from->flow->stages[from->flow->n_stages - 1],
                    *l = &to->flow->stages[to->flow->n_stages - 1];
    const kad_tensor *t = &s->tensors[1], *u = &l->tensors[1];
    assert_string_equal(t->name, "weights");
    kad_flow_transfer(from->flow, a, to->flow, b);
    for (int i = 0; i < u->rows; i++)
        for (int j = 0; j < t->rows; j++)
            for (int c = 0; u->modes[i] == t->modes[j] && c < t->cols; c++)
                assert_true(fabs(b[l->theta + u->offset + (size_t)(i * u->cols + c)] -
                                 a[s->theta + t->offset + (size_t)(j * t->cols + c)]) <
                            1e-14);
    kad_free(a);
    kad_free(b);
    kad_model_destroy(from);
    kad_model_destroy(to);
}

/* Where steps are so long that nothing undoes them the latents are NaN, lane by lane, and so
 * is ln q; what is found is the inverse to rounding. */
static void lost_inverses_are_not_numbers(void **state)
{
    (void)state;
    const int shape[] = {4, 4};
    int n_lost = 0, n_found = 0;
    for (int i = 0; i < 12; i++) {
        rig r;
        double ld[2][W] = {{0}};
        rig_open(&r, 2, shape, ode_case_options(3, 2, false), 0.05 + 0.03 * i);
        for (size_t k = 0; k < r.size; k++) /* lanes of growing size */
            r.z[k] *= 0.05 * (double)(1 + k % W);
        rig_generate(&r, 1, ld[0]);
        r.stage.ops->kern[KAD_DOUBLE]->infer(&r.stage, r.packed, r.x, ld[1], r.scratch);
        for (size_t lane = 0; lane < W; lane++) {
            double off = 0, size = 0;
            bool lost = false;
            for (size_t k = lane; k < r.size; k += W) {
                lost |= isnan(r.x[k]);
                off = fmax(off, fabs(r.x[k] - r.z[k]));
                size = fmax(size, fabs(r.z[k]));
            }
            n_lost += lost;
            n_found += !lost;
            assert_true(lost || off < 1e-6 * size);
        }
        rig_close(&r);
    }
    print_message("# %d lost, %d found\n", n_lost, n_found);
    assert_true(n_lost > 0 && n_found > 0);
}

static void what_it_cannot_do_is_refused(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_lattice *lattice;
    kad_stage stage;
    const int shape[] = {4, 3};
    kad_ctx_init(&ctx, 1);
    assert_int_equal(kad_lattice_create(&ctx, 2, shape, &lattice), KAD_OK);
    const kad_ode_options fine = ode_case_options(2, 2, false),
                          none = ode_case_options(0, 2, false);
    kad_ode_options nan = fine, apart = fine, many = fine;
    nan.tolerance = NAN;
    apart.stride = 2;
    many.time_modes = KAD_ODE_TIME_MODES + 1;
    assert_int_equal(kad_ode_create(&ctx, lattice, 1, true, &fine, &stage), KAD_EUSAGE);
    assert_int_equal(kad_ode_create(&ctx, lattice, 1, false, &none, &stage), KAD_EUSAGE);
    assert_int_equal(kad_ode_create(&ctx, lattice, 1, false, &nan, &stage), KAD_EUSAGE);
    assert_int_equal(kad_ode_create(&ctx, lattice, 1, false, &apart, &stage), KAD_EUSAGE);
    assert_int_equal(kad_ode_create(&ctx, lattice, 1, false, &many, &stage), KAD_EUSAGE);
    kad_lattice_destroy(lattice);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("ode: steps are those of naive sums over sites, d = 1, 2, 3, to 1e-12, of "
              "one "
              "to three components",
              solves_its_equation),
        CLAIM("ode: free fields grow by e^{w_k}", is_exact_for_free_fields),
        CLAIM("ode: errors fall with the fifth power of the step",
              errors_fall_with_the_fifth_power),
        CLAIM("ode: commutes with shifts, reflections, exchanged axes and the sign",
              commutes_with_symmetries),
        CLAIM("ode: of two components, with rotations", commutes_with_rotations),
        CLAIM("ode: marks leave shifts by the unit cell", marks_leave_the_unit_cell),
        CLAIM("ode: a stride is a lattice of its own", a_stride_is_a_lattice_of_its_own),
        CLAIM("ode: twice the steps say what ln q misses of the density of the steps",
              twice_the_steps_measure_the_error),
        CLAIM("ode: the chosen steps keep the tolerance, alike in both precisions",
              steps_keep_the_tolerance),
        CLAIM("ode: flow.steps is kept", given_steps_are_kept),
        CLAIM("ode: weights go to a larger lattice by momentum",
              weights_are_transferred_by_momentum),
        CLAIM("ode: an inverse that is not found is no number",
              lost_inverses_are_not_numbers),
        CLAIM("ode: what it cannot do is refused", what_it_cannot_do_is_refused),
    };
    return cmocka_run_group_tests_name("continuous flow", tests, NULL, NULL);
}

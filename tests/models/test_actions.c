/* Conformance suite of the actions: every registered action, n = 1, 2, 3, d = 1, 2, 3,
 * decimated or not, both precisions. One without a line in CASES is tested with its
 * defaults. KAD_ACTION=NAME tests one action only. */
#include "tests/support/models_util.h"

#include <stdlib.h>

typedef struct model {
    const char *name; /* of the registered action */
    const char *yaml; /* with %d for the components */
    const char *key;  /* a real parameter, and another value for it */
    double value;
    bool decimate;
    int least;   /* components */
    bool broken; /* a field points somewhere: neither a sign nor rotations */
} model;

static const model CASES[] = {
    {"phi4",
     "action: {name: phi4, components: %d, form: seed, t: 1.3, mu: -0.7, lambda: 0.4}",
     "mu", 0.3, false, 1, false},
    {"phi4", "action: {name: phi4, components: %d, m2: -4, lambda: 6.975}", "m2", -3.5,
     false, 1, false},
    {"phi4", "action: {name: phi4, components: %d, kappa: 0.5, lambda: 1}", "kappa", 0.3,
     false, 1, false},
    {"phi4",
     "action: {name: phi4, components: %d, form: nicoli, kappa: 0.3, lambda: 0.022}",
     "lambda", 0.5, false, 1, false},
    {"phi4", "action: {name: phi4, components: %d, m2: 0.25, lambda: 0}", "m2", 0.5,
     false, 1, false},
    {"phi4",
     "action: {name: phi4, components: %d, form: seed, t: -1.1, mu: -0.7, lambda: 0.4}",
     "t", 0.4, true, 1, false},
    {"phi4", "action: {name: phi4, components: %d, m2: -4, lambda: 6.975}", "m2", -3.5,
     true, 1, false},
    {"phi4", "action: {name: phi4, components: %d, kappa: 0.5, lambda: 1}", "kappa", 0.3,
     true, 1, false},
    {"phi4", "action: {name: phi4, components: %d, m2: 0.25, lambda: 0}", "m2", 0.5, true,
     1, false},
    {"phi4", "action: {name: phi4, components: %d, m2: -4, lambda: 6.975, field: 0.6}",
     "field", -0.3, false, 1, true},
    {"phi4", "action: {name: phi4, components: %d, kappa: 0.5, lambda: 1, field: -0.6}",
     "field", 0.2, true, 1, true},
    {"phi4", "action: {name: phi4, components: %d, m2: 0.25, lambda: 0, field: 0.2}",
     "m2", 0.5, true, 1, true},
    {"on-dual", "action: {name: on-dual, components: %d, beta: 0.44}", "beta", 0.3, false,
     1, false},
    {"on-dual", "action: {name: on-dual, components: %d, beta: 0.44, field: 0.3}",
     "field", -0.2, false, 1, true},
    {"on-dual",
     "action: {name: on-dual, components: %d, beta: 0.4, field: 0.3, representation: "
     "field}",
     "beta", 0.3, false, 1, true},
    {"on-dual",
     "action: {name: on-dual, components: %d, temperature: 2.5, representation: field}",
     "temperature", 3, false, 1, false},
    {"on-dual", "action: {name: on-dual, components: %d, beta: 1.2, epsilon: 0.3}",
     "epsilon", 0.2, false, 1, false},
    {"on-dual", "action: {name: on-dual, components: %d, beta: 0, representation: field}",
     "beta", 0.2, false, 1, false},
    {"xy", "action: {name: xy, components: %d, beta: 1}", "beta", 0.7, false, 2, false},
    {"xy", "action: {name: xy, components: %d, beta: 1}", "beta", 0.7, true, 2, false},
    {"xy", "action: {name: xy, components: %d, temperature: 2, coupling: -1, field: 0.3}",
     "field", -0.2, false, 2, true},
    {"xy", "action: {name: xy, components: %d, temperature: 2, coupling: -1, field: 0.3}",
     "temperature", 3, true, 2, true},
};
enum { N_CASES = sizeof CASES / sizeof *CASES, N_ACTIONS_MAX = 16 };

static const int SHAPES[][KAD_MAX_DIM] = {{6}, {2, 2}, {4, 6}, {16, 16}, {2, 4, 6}};
static const int ODD_SHAPES[][KAD_MAX_DIM] = {{3}, {3, 5}, {3, 2, 5}};
enum { N_SHAPES = 5, N_ODD = 3 };

static int dimension(const int *shape)
{
    return shape[1] == 0 ? 1 : shape[2] == 0 ? 2 : 3;
}

/* One fixture per case, n and shape (odd extents where the action allows them), made
 * once.
 */
enum { N_FIXTURES = (N_CASES + N_ACTIONS_MAX) * 3 * (N_SHAPES + N_ODD) };
typedef struct suite {
    int n, n_defaults;
    model defaults[N_ACTIONS_MAX]; /* cases of actions that have no line above */
    char yaml[N_ACTIONS_MAX][128];
    const model *model[N_FIXTURES];
    fixture fixture[N_FIXTURES];
} suite;

/* False: the action refuses so many components. */
static bool add_case(suite *all, const model *m, int n)
{
    for (int s = 0; s < N_SHAPES + (m->decimate ? 0 : N_ODD); s++) {
        const int *shape = s < N_SHAPES ? SHAPES[s] : ODD_SHAPES[s - N_SHAPES];
        fixture *f = &all->fixture[all->n];
        char yaml[256];
        snprintf(yaml, sizeof yaml, m->yaml, n);
        const kad_status status =
            fixture_try(f, yaml, dimension(shape), shape, m->decimate);
        if (status == KAD_ECONFIG && n > 1 && s == 0 && m >= all->defaults &&
            m < all->defaults + N_ACTIONS_MAX) {
            fixture_clear(f);
            return false;
        }
        if (status != KAD_OK) fail_msg("%s: %s", yaml, f->ctx.message);
        assert_int_equal(f->action->n_comp, n);
        all->model[all->n++] = m;
    }
    return true;
}

static bool has_case(const char *name)
{
    for (int i = 0; i < N_CASES; i++)
        if (strcmp(CASES[i].name, name) == 0) return true;
    return false;
}

/* Its defaults, and another value of its first real parameter. */
static const model *default_case(suite *all, const kad_action_ops *ops)
{
    assert_true(all->n_defaults < N_ACTIONS_MAX);
    model *m = &all->defaults[all->n_defaults];
    char *yaml = all->yaml[all->n_defaults++];
    fixture f;
    snprintf(yaml, sizeof all->yaml[0], "action: {name: %s, components: %%d}", ops->name);
    *m = (model){.name = ops->name, .yaml = yaml};
    char first[128];
    snprintf(first, sizeof first, yaml, 1);
    fixture_make(&f, first, 2, SHAPES[1], false);
    for (size_t i = 0; i < ops->n_keys && m->key == NULL; i++) {
        const char *key = strchr(ops->keys[i].key, '.') + 1;
        const double value = kad_action_get(f.action, key);
        if (isnan(value)) continue;
        m->key = key;
        m->value = 1.25 * value + 0.1;
    }
    assert_non_null(m->key);
    fixture_clear(&f);
    return m;
}

static int suite_make(void **state)
{
    suite *all = kad_alloc(1, sizeof *all);
    assert_non_null(all);
    for (int i = 0; i < N_CASES; i++)
        for (int n = CASES[i].least; n <= 3 && !left_out("KAD_ACTION", CASES[i].name);
             n++)
            add_case(all, &CASES[i], n);
    for (int i = 0; kad_actions[i]; i++) {
        if (has_case(kad_actions[i]->name) ||
            left_out("KAD_ACTION", kad_actions[i]->name))
            continue;
        const model *m = default_case(all, kad_actions[i]);
        for (int n = 1; n <= 3; n++)
            if (!add_case(all, m, n)) break;
    }
    *state = all;
    return 0;
}

static int suite_clear(void **state)
{
    suite *all = *state;
    for (int i = 0; i < all->n; i++)
        fixture_clear(&all->fixture[i]);
    kad_free(all);
    return 0;
}

static void for_all(void **state, void (*check)(const model *, fixture *))
{
    suite *all = *state;
    for (int i = 0; i < all->n; i++)
        check(all->model[i], &all->fixture[i]);
}

static bool is_active(const fixture *f, size_t row)
{
    return !f->action->active || f->action->active[row / (size_t)f->action->n_comp];
}

static void every_action_is_complete(void **state)
{
    (void)state;
    for (int i = 0; kad_actions[i]; i++) {
        assert_ptr_equal(kad_action_find(kad_actions[i]->name), kad_actions[i]);
        assert_non_null(kad_actions[i]->summary);
        assert_non_null(kad_actions[i]->reference);
        assert_true((kad_actions[i]->options_size > 0) == (kad_actions[i]->n_keys > 0));
    }
    assert_null(kad_action_find("no such action"));
}

/* Remainder S(y + e u) - S(y) - e g.u of two steps: slope 2. Exactly quadratic where the
 * action is; else e is small enough for the cubic term to move the slope by < 0.05, also
 * where it is divided by a length of 0.01. The error of S is 1e-13, the remainders are >
 * 1e-10. */
static void check_taylor(const model *m, fixture *f)
{
    tile t;
    (void)m;
    tile_make(&t, f, KAD_DOUBLE);
    tile_fill(&t, 0.8, 1);
    double dot[KAD_W_MAX] = {0}, rest[2][KAD_W_MAX], S0[KAD_W_MAX];
    double *y0 = kad_alloc(f->n_rows, KAD_ROW_BYTES);
    memcpy(y0, t.y, f->n_rows * KAD_ROW_BYTES);
    tile_gradient(&t);
    memcpy(S0, t.S, sizeof S0);
    for (size_t row = 0; row < f->n_rows; row++)
        for (int lane = 0; lane < t.lanes; lane++)
            dot[lane] += tile_get(&t, t.g, row, lane) *
                         random_normal(2, (uint64_t)lane, (uint32_t)row);
    for (int half = 0; half < 2; half++) {
        const double e = half ? 1e-4 : 2e-4;
        for (size_t row = 0; row < f->n_rows; row++)
            for (int lane = 0; lane < t.lanes; lane++)
                tile_set(&t, t.y, row, lane,
                         tile_get(&t, y0, row, lane) +
                             e * random_normal(2, (uint64_t)lane, (uint32_t)row));
        tile_value(&t);
        for (int lane = 0; lane < t.lanes; lane++)
            rest[half][lane] = t.S[lane] - S0[lane] - e * dot[lane];
    }
    /* the curvature along u can vanish on a lane: judge the tile by its sum of squares */
    double sum[2] = {0};
    for (int half = 0; half < 2; half++)
        for (int lane = 0; lane < t.lanes; lane++)
            sum[half] += rest[half][lane] * rest[half][lane];
    assert_close(0.5 * log2(sum[0] / sum[1]), 2.0, 0.05);
    kad_free(y0);
    tile_clear(&t);
}

static void gradients(void **state)
{
    for_all(state, check_taylor);
}

/* Single precision: terms of size one are summed over 8 sites in float, so the error of S
 * is about 1e-7 x sqrt(8 x sites) and more where A^(1/2) mixes; thirty times the largest
 * error measured (see the printed line) would be a bug. */
static double worst_S, worst_g;

static void check_precisions(const model *m, fixture *f)
{
    tile t, u;
    (void)m;
    tile_make(&t, f, KAD_DOUBLE);
    tile_make(&u, f, KAD_SINGLE);
    tile_fill(&t, 0.8, 3);
    tile_fill(&u, 0.8, 3);
    tile_gradient(&t);
    tile_gradient(&u);
    const double root = sqrt((double)f->n_rows);
    for (int lane = 0; lane < t.lanes; lane++) {
        const double dS = fabs(t.S[lane] - u.S[lane]) / root;
        if (dS > worst_S) worst_S = dS;
        assert_true(dS < 1e-4); /* 4e-5 measured without fused multiply-add */
        for (size_t row = 0; row < f->n_rows; row++) {
            const double g = tile_get(&t, t.g, row, lane);
            const double dg = fabs(g - tile_get(&u, u.g, row, lane)) / (1 + fabs(g));
            if (dg > worst_g) worst_g = dg;
            assert_true(dg < 2e-5);
        }
    }
    /* value and gradient return the same S, bit for bit */
    double S[KAD_W_MAX];
    memcpy(S, u.S, sizeof S);
    tile_value(&u);
    for (int lane = 0; lane < u.lanes; lane++)
        assert_close(u.S[lane], S[lane], 1e-5 * root);
    tile_clear(&t);
    tile_clear(&u);
}

static void precisions(void **state)
{
    worst_S = worst_g = 0;
    for_all(state, check_precisions);
    print_message("# single against double: S within %.1e sqrt(N n), gradient %.1e\n",
                  worst_S, worst_g);
}

static void check_inactive(const model *m, fixture *f)
{
    if (!m->decimate) {
        assert_null(f->action->active);
        assert_int_equal(f->action->n_active, f->lattice->n_sites);
        return;
    }
    assert_int_equal(2 * f->action->n_active, f->lattice->n_sites);
    for (int prec = 0; prec < 2; prec++) {
        tile t;
        double S[KAD_W_MAX];
        tile_make(&t, f, (kad_prec)prec);
        tile_fill(&t, 0.8, 4);
        tile_value(&t);
        memcpy(S, t.S, sizeof S);
        for (size_t row = 0; row < f->n_rows; row++)
            for (int lane = 0; lane < t.lanes; lane++) {
                if (!is_active(f, row)) tile_set(&t, t.y, row, lane, (double)NAN);
                tile_set(&t, t.g, row, lane, 7);
            }
        tile_gradient(&t);
        for (int lane = 0; lane < t.lanes; lane++) {
            assert_true(t.S[lane] == S[lane]);
            for (size_t row = 0; row < f->n_rows; row++)
                if (!is_active(f, row)) assert_true(tile_get(&t, t.g, row, lane) == 0);
        }
        tile_clear(&t);
    }
}

static void inactive_rows(void **state)
{
    for_all(state, check_inactive);
}

/* y -> -y, a rotation of components 0 and 1, and translations by two sites. */
static void transform(const fixture *f, int kind, const tile *from, tile *to)
{
    const size_t n = (size_t)f->action->n_comp;
    for (int site = 0; site < f->lattice->n_sites; site++) {
        int x[KAD_MAX_DIM];
        kad_lattice_coords(f->lattice, site, x);
        x[0] += 2;
        if (f->lattice->d > 1) {
            x[0]--;
            x[1]++;
        }
        const size_t s = (size_t)site, moved = (size_t)kad_lattice_site(f->lattice, x);
        for (size_t c = 0; c < n; c++)
            for (int lane = 0; lane < from->lanes; lane++) {
                const double v = tile_get(from, from->y, s * n + c, lane);
                if (kind == 0) tile_set(to, to->y, s * n + c, lane, -v);
                if (kind == 1) tile_set(to, to->y, moved * n + c, lane, v);
                if (kind == 2 && c < 2) {
                    const double w = tile_get(from, from->y, s * n + 1 - c, lane);
                    tile_set(to, to->y, s * n + c, lane,
                             c ? 0.6 * v - 0.8 * w : 0.6 * v + 0.8 * w);
                } else if (kind == 2) {
                    tile_set(to, to->y, s * n + c, lane, v);
                }
            }
    }
}

static void check_symmetry(const model *m, fixture *f)
{
    tile t, u;
    tile_make(&t, f, KAD_DOUBLE);
    tile_make(&u, f, KAD_DOUBLE);
    tile_fill(&t, 0.8, 5);
    tile_value(&t);
    assert_true(((f->action->flags & KAD_ACTION_SYMMETRIC) != 0) == !m->broken);
    assert_true(f->action->flags & KAD_ACTION_TRANSLATION);
    for (int kind = 0; kind < (f->action->n_comp > 1 ? 3 : 2); kind++) {
        if (m->broken && kind != 1) continue;
        transform(f, kind, &t, &u);
        tile_value(&u);
        for (int lane = 0; lane < t.lanes; lane++)
            assert_close(u.S[lane], t.S[lane], 1e-12 * (double)(f->n_rows + 10));
    }
    tile_clear(&t);
    tile_clear(&u);
}

static void symmetries(void **state)
{
    for_all(state, check_symmetry);
}

static void check_boundary(const model *m, fixture *f)
{
    (void)m;
    for (int prec = 0; prec < 2; prec++) {
        const kad_action_kern *kern = f->action->ops->kern[prec];
        assert_true(!kern->to_boundary == !kern->from_boundary);
        if (!kern->to_boundary) return;
        tile t;
        tile_make(&t, f, (kad_prec)prec);
        tile_fill(&t, 1, 6);
        void *back = kad_alloc(f->n_rows, KAD_ROW_BYTES);
        kern->to_boundary(f->action, t.y, t.g, t.scratch);
        kern->from_boundary(f->action, t.g, back, t.scratch);
        /* condition number of A^(1/2): at most sqrt(A_max / epsilon) < 40 */
        for (size_t row = 0; row < f->n_rows; row++)
            for (int lane = 0; lane < t.lanes; lane++)
                assert_close(tile_get(&t, back, row, lane), tile_get(&t, t.y, row, lane),
                             prec == KAD_DOUBLE ? 1e-12 : 3e-4);
        kad_free(back);
        tile_clear(&t);
    }
}

static void boundary_and_back(void **state)
{
    for_all(state, check_boundary);
}

/* Annealing: set allocates nothing, equals a fresh action, and returns bit for bit. */
static void check_set(const model *m, fixture *f)
{
    tile t;
    double S[KAD_W_MAX];
    tile_make(&t, f, KAD_DOUBLE);
    tile_fill(&t, 0.8, 7);
    tile_value(&t);
    memcpy(S, t.S, sizeof S);
    const double old = kad_action_get(f->action, m->key);
    const double exact = f->action->log_z_exact, offset = f->action->log_z_offset;
    char key[64];
    snprintf(key, sizeof key, "action.%s", m->key);
    assert_true(kad_action_get(f->action, key) == old);
    const uint64_t n = kad_memory_n_allocations();
    assert_int_equal(kad_action_set(&f->ctx, f->action, key, m->value), KAD_OK);
    assert_true(kad_memory_n_allocations() == n);
    assert_true(kad_action_get(f->action, m->key) == m->value);
    tile_value(&t);
    for (int lane = 0; lane < t.lanes; lane++)
        assert_true(t.S[lane] != S[lane]);
    assert_int_equal(kad_action_set(&f->ctx, f->action, m->key, old), KAD_OK);
    tile_value(&t);
    for (int lane = 0; lane < t.lanes; lane++)
        assert_true(t.S[lane] == S[lane]);
    assert_true(f->action->log_z_offset == offset);
    assert_true(f->action->log_z_exact == exact || isnan(exact));
    assert_int_equal(kad_action_set(&f->ctx, f->action, "nothing", 1), KAD_ECONFIG);
    assert_int_equal(kad_action_set(&f->ctx, f->action, m->key, (double)NAN),
                     KAD_ECONFIG);
    tile_clear(&t);
}

/* A copy at another value is the action set to it, and leaves the action alone. */
static void check_copy(const model *m, fixture *f)
{
    tile t;
    double S[3][KAD_W_MAX];
    kad_action *copy = NULL, *const action = f->action;
    const kad_status status = kad_action_at(&f->ctx, action, m->key, m->value, &copy);
    if (action->ops->copy == NULL) {
        assert_int_equal(status, KAD_ECONFIG);
        return;
    }
    if (status != KAD_OK) fail_msg("%s", f->ctx.message);
    const double old = kad_action_get(action, m->key), offset = action->log_z_offset;
    tile_make(&t, f, KAD_DOUBLE);
    tile_fill(&t, 0.8, 7);
    tile_value(&t);
    memcpy(S[0], t.S, sizeof t.S);
    copy->ops->kern[KAD_DOUBLE]->value(copy, t.y, S[1], t.scratch);
    assert_true(kad_action_get(action, m->key) == old);
    assert_int_equal(kad_action_set(&f->ctx, action, m->key, m->value), KAD_OK);
    tile_value(&t);
    for (int lane = 0; lane < t.lanes; lane++)
        assert_true(t.S[lane] == S[1][lane] && t.S[lane] != S[0][lane]);
    assert_true(copy->log_z_offset == action->log_z_offset);
    assert_int_equal(kad_action_set(&f->ctx, action, m->key, old), KAD_OK);
    kad_action_destroy(copy);
    tile_value(&t);
    for (int lane = 0; lane < t.lanes; lane++)
        assert_true(t.S[lane] == S[0][lane]);
    assert_true(action->log_z_offset == offset);
    assert_int_equal(kad_action_at(&f->ctx, action, "nothing", 1, &copy), KAD_ECONFIG);
    assert_int_equal(kad_action_at(&f->ctx, action, m->key, (double)NAN, &copy),
                     KAD_ECONFIG);
    tile_clear(&t);
}

static void copies(void **state)
{
    for_all(state, check_copy);
}

static void set_and_get(void **state)
{
    for_all(state, check_set);
}

static void check_values(const model *m, fixture *f)
{
    enum { N = 75 }; /* two full tiles and a part */
    (void)m;
    tile t;
    tile_make(&t, f, KAD_DOUBLE);
    double *y = kad_alloc(N * f->n_rows, sizeof *y),
           *x = kad_alloc(N * f->n_rows, sizeof *x);
    double S[2][N];
    for (size_t i = 0; i < N * f->n_rows; i++)
        y[i] = 0.8 * random_normal(8, 0, (uint32_t)i);
    for (int threads = 1; threads <= 2; threads++) {
        f->ctx.n_threads = threads;
        assert_int_equal(kad_action_values(&f->ctx, f->action, N, y, S[threads - 1]),
                         KAD_OK);
    }
    assert_memory_equal(S[0], S[1], sizeof *S);
    assert_int_equal(kad_action_boundary(&f->ctx, f->action, N, y, x), KAD_OK);
    for (size_t i = 0; i < N; i++) {
        for (size_t row = 0; row < f->n_rows; row++)
            tile_set(&t, t.y, row, 3, y[i * f->n_rows + row]);
        tile_value(&t);
        assert_true(t.S[3] == S[0][i]);
        const kad_action_kern *kern = f->action->ops->kern[KAD_DOUBLE];
        if (kern->to_boundary) kern->to_boundary(f->action, t.y, t.g, t.scratch);
        for (size_t row = 0; row < f->n_rows; row++)
            assert_true(x[i * f->n_rows + row] ==
                        tile_get(&t, kern->to_boundary ? t.g : t.y, row, 3));
    }
    kad_free(y);
    kad_free(x);
    tile_clear(&t);
}

static void values_of_samples(void **state)
{
    for_all(state, check_values);
}

/* Every action says at least one coupling, in full, as `get` knows it. */
static void check_couplings(const model *m, fixture *f)
{
    kad_parameter coupling[KAD_ACTION_COUPLINGS];
    const int n = kad_action_parameters(f->action, KAD_ACTION_COUPLINGS, coupling);
    (void)m;
    assert_true(n >= 1);
    for (int i = 0; i < n; i++)
        assert_true(coupling[i].value == kad_action_get(f->action, coupling[i].key));
    assert_int_equal(kad_action_parameters(f->action, 1, coupling), 1);
}

static void couplings(void **state)
{
    for_all(state, check_couplings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_action_is_complete),
                                       cmocka_unit_test(gradients),
                                       cmocka_unit_test(precisions),
                                       cmocka_unit_test(inactive_rows),
                                       cmocka_unit_test(symmetries),
                                       cmocka_unit_test(boundary_and_back),
                                       cmocka_unit_test(set_and_get),
                                       cmocka_unit_test(copies),
                                       cmocka_unit_test(values_of_samples),
                                       cmocka_unit_test(couplings)};
    return cmocka_run_group_tests_name(
        "actions: gradients, precisions, symmetries, annealing", tests, suite_make,
        suite_clear);
}

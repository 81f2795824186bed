/* Conformance suite of the bijectors: every property for every registered bijector, every
 * example variant, lattices in one to three dimensions, both precisions. */
#include "base/matrix.h"
#include "tests/support/bijector_case.h"
#include "tests/support/claim.h"

/* Float errors: a few tens of roundings of 6e-8 on numbers of order one to ten, in maps
 * whose slopes reach about ten. */
static const double tolerance[2] = {1e-5, 1e-11};

typedef void (*property_fn)(instance *t);

static void inverse_undoes_forward(instance *t)
{
    for (int p = 0; p < 2; p++) {
        const size_t n = tile_size(t, (kad_prec)p),
                     lanes = (size_t)kad_lanes((kad_prec)p);
        double *z = normals(n, 1), *x = normals(n, 1), ld[KAD_W_MAX] = {0};
        for (size_t i = 0; i < n && p == KAD_SINGLE; i++)
            z[i] = x[i] = (float)z[i];
        apply(t, GENERATE, (kad_prec)p, x, NULL, 0, NULL, ld);
        const double size = 1.0 + max_abs(n, x), det = 1.0 + max_abs(lanes, ld);
        apply(t, INFER, (kad_prec)p, x, NULL, 0, NULL, ld);
        const double error = max_abs_difference(n, x, z) / size;
        const double open = max_abs(lanes, ld) / det;
        if (!(error < tolerance[p]) || !(open < tolerance[p]))
            fail_msg("%s: precision %d: inverse error %g, log-det %g", t->label, p, error,
                     open);
        kad_free(z);
        kad_free(x);
    }
}

/* To what the stage states (kad_stage.tolerance). Central differences at one point, all coordinates spread over the lanes: truncation
 * h^2 and rounding 1e-16/h, both about 1e-10 an entry. */
static void log_det_matches_jacobian(instance *t)
{
    const int n = t->stage.n_rows, w = KAD_W_DOUBLE;
    const double h = 1e-5;
    const size_t size = tile_size(t, KAD_DOUBLE);
    double *jacobian = kad_alloc((size_t)n * (size_t)n, sizeof *jacobian);
    double *point = normals((size_t)n, 2), *x = kad_alloc(size, sizeof *x);
    double ld[KAD_W_MAX] = {0};
    assert_non_null(jacobian);
    assert_non_null(x);
    for (int first = 0; first < n; first += w / 2) {
        for (int r = 0; r < n; r++)
            for (int l = 0; l < w; l++) {
                const double sign = l % 2 ? -h : h;
                x[r * w + l] = point[r] + (r == first + l / 2 ? sign : 0.0);
            }
        apply(t, GENERATE, KAD_DOUBLE, x, NULL, 0, NULL, NULL);
        for (int j = first; j < n && j < first + w / 2; j++)
            for (int r = 0; r < n; r++) {
                const double *y = x + r * w + 2 * (j - first);
                jacobian[r * n + j] = (y[0] - y[1]) / (2.0 * h);
            }
    }
    for (int r = 0; r < n; r++)
        for (int l = 0; l < w; l++)
            x[r * w + l] = point[r];
    apply(t, GENERATE, KAD_DOUBLE, x, NULL, 0, NULL, ld);
    const double want = kad_log_abs_det((size_t)n, jacobian);
    const double allowed = 1e-7 * n + t->stage.tolerance;
    if (!(fabs(ld[0] - want) < allowed) || ld[w - 1] != ld[0])
        fail_msg("%s: log-det %.12g, by differences %.12g", t->label, ld[0], want);
    kad_free(jacobian);
    kad_free(point);
    kad_free(x);
}

/* The loss of the gradient tests: sum over lanes of c.out + |out|^2/2 + gl ld, for a
 * direction (dx, dtheta) and a step. */
typedef struct line {
    instance *t;
    operation op; /* GENERATE or INFER */
    double gl;
    double *x, *dx, *dtheta, *c;
} line;

static double loss(const line *l, double step)
{
    const size_t n = tile_size(l->t, KAD_DOUBLE);
    double *x = kad_alloc(n, sizeof *x), ld[KAD_W_MAX] = {0}, sum = 0.0;
    assert_non_null(x);
    for (size_t i = 0; i < n; i++)
        x[i] = l->x[i] + step * l->dx[i];
    instance_pack(l->t, step, l->dtheta);
    apply(l->t, l->op, KAD_DOUBLE, x, NULL, 0, NULL, ld);
    for (size_t i = 0; i < n; i++)
        sum += (l->c[i] + 0.5 * x[i]) * x[i];
    for (int i = 0; i < KAD_W_DOUBLE; i++)
        sum += l->gl * ld[i];
    instance_pack(l->t, 0.0, NULL);
    kad_free(x);
    return sum;
}

/* The derivative along the line, by the adjoint. */
static double slope(const line *l)
{
    const size_t n = tile_size(l->t, KAD_DOUBLE), n_theta = l->t->stage.n_theta;
    double *x = kad_alloc(n, sizeof *x), *g = kad_alloc(n, sizeof *g);
    double *dtheta = kad_alloc(n_theta, sizeof *dtheta), sum = 0.0;
    assert_non_null(x);
    assert_non_null(g);
    assert_non_null(dtheta);
    memcpy(x, l->x, n * sizeof *x);
    apply(l->t, l->op, KAD_DOUBLE, x, NULL, 0, NULL, NULL);
    for (size_t i = 0; i < n; i++)
        g[i] = l->c[i] + x[i];
    apply(l->t, l->op == GENERATE ? GENERATE_ADJOINT : INFER_ADJOINT, KAD_DOUBLE, x, g,
          l->gl, dtheta, NULL);
    for (size_t i = 0; i < n; i++)
        sum += g[i] * l->dx[i];
    for (size_t i = 0; i < n_theta; i++)
        sum += dtheta[i] * l->dtheta[i];
    kad_free(x);
    kad_free(g);
    kad_free(dtheta);
    return sum;
}

/* Remainder of the first-order expansion over the square of the step, with the next order
 * eliminated by halving it once: c2 + O(step^2); an error d of the gradient adds
 * 3 d/step. */
static double curvature(const line *l, double h, double at, double first)
{
    const double full = loss(l, h) - at - h * first;
    const double half = loss(l, 0.5 * h) - at - 0.5 * h * first;
    return 8.0 * half / (h * h) - full / (h * h);
}

/* The remainder falls like step^2 (the step is small because elu's second derivative jumps).
 * A map that is linear along the line leaves only rounding, about 1e-15 of the loss. */
static void check_taylor(const line *l, const char *what)
{
    const double at = loss(l, 0.0), first = slope(l);
    double h = 1e-4, order = 0, full = 0;
    /* a jump within the step on one side is none on the other; a wrong slope has order 1
     * on both */
    for (int side = 0; side < 2; side++, h = -h) {
        full = curvature(l, h, at, first);
        if (fabs(full) * h * h < 1e-12 * (1.0 + fabs(at))) return;
        order = 2.0 + log2(fabs(full / curvature(l, 0.5 * h, at, first)));
        if (fabs(order - 2.0) < 0.05) return;
    }
    fail_msg("%s: %s: Taylor slope %.4f (curvature %g)", l->t->label, what, order, full);
}

/* Central difference along the line: error h^2 relative, more where elu's second derivative
 * jumps within the step; rounding about 1e-16/h of the loss. */
static void check_derivative(const line *l, const char *what)
{
    const double h = 3e-6, first = slope(l);
    const double want = (loss(l, h) - loss(l, -h)) / (2.0 * h);
    const double scale = fabs(want) + 1e-4 * fabs(loss(l, 0.0)) + 1.0;
    if (!(fabs(first - want) < 5e-6 * scale))
        fail_msg("%s: %s: derivative %.10g, by differences %.10g", l->t->label, what,
                 first, want);
}

static void check_line(instance *t, operation op, double gl, double on_x, double on_theta,
                       double linear, const char *what)
{
    const size_t n = tile_size(t, KAD_DOUBLE);
    line l = {t,
              op,
              gl,
              normals(n, 3),
              normals(n, 4),
              normals(t->stage.n_theta, 5),
              normals(n, 6)};
    for (size_t i = 0; i < n; i++) {
        l.dx[i] *= on_x;
        l.c[i] *= linear;
    }
    for (size_t i = 0; i < t->stage.n_theta; i++)
        l.dtheta[i] *= on_theta;
    check_taylor(&l, what);
    check_derivative(&l, what);
    kad_free(l.x);
    kad_free(l.dx);
    kad_free(l.dtheta);
    kad_free(l.c);
}

static void generate_adjoint_is_gradient(instance *t)
{
    check_line(t, GENERATE, 0.0, 1, 0, 1, "generate, latents");
    check_line(t, GENERATE, -1.3, 1, 0, 1, "generate, latents and log-det");
    check_line(t, GENERATE, 0.7, 1, 1, 30, "generate, latents and parameters");
    if (t->stage.n_theta == 0) return;
    check_line(t, GENERATE, 0.0, 0, 1, 1, "generate, parameters");
    check_line(t, GENERATE, 1.1, 0, 1, 1, "generate, parameters and log-det");
}

static void infer_adjoint_is_gradient(instance *t)
{
    check_line(t, INFER, 0.0, 1, 0, 1, "infer, fields");
    check_line(t, INFER, -1.3, 1, 0, 1, "infer, fields and log-det");
    check_line(t, INFER, 0.7, 1, 1, 30, "infer, fields and parameters");
    if (t->stage.n_theta == 0) return;
    check_line(t, INFER, 0.0, 0, 1, 1, "infer, parameters");
    check_line(t, INFER, 1.1, 0, 1, 1, "infer, parameters and log-det");
}

/* <g, J d> = <J^T g, d>, J d by central differences, for both directions; and the two
 * adjoints undo each other without log-det: J^-T J^T g = g. */
static void adjoints_are_transposes(instance *t)
{
    const size_t n = tile_size(t, KAD_DOUBLE);
    for (int op = GENERATE; op <= INFER; op++) {
        const double h = 1e-5;
        double *x = normals(n, 7), *up = normals(n, 7), *down = normals(n, 7);
        double *d = normals(n, 8), *g = normals(n, 9), *jt = normals(n, 9);
        for (size_t i = 0; i < n; i++) {
            up[i] += h * d[i];
            down[i] -= h * d[i];
        }
        apply(t, (operation)op, KAD_DOUBLE, up, NULL, 0, NULL, NULL);
        apply(t, (operation)op, KAD_DOUBLE, down, NULL, 0, NULL, NULL);
        apply(t, (operation)op, KAD_DOUBLE, x, NULL, 0, NULL, NULL);
        apply(t, op == GENERATE ? GENERATE_ADJOINT : INFER_ADJOINT, KAD_DOUBLE, x, jt, 0,
              NULL, NULL);
        double left = 0.0, right = 0.0, scale = 0.0;
        for (size_t i = 0; i < n; i++) {
            left += g[i] * (up[i] - down[i]) / (2.0 * h);
            right += jt[i] * d[i];
            scale += fabs(jt[i] * d[i]);
        }
        if (!(fabs(left - right) < 1e-7 * (1.0 + scale)))
            fail_msg("%s: %s: <g, J d> = %.12g, <J^T g, d> = %.12g", t->label,
                     op == GENERATE ? "generate" : "infer", left, right);
        apply(t, op == GENERATE ? INFER_ADJOINT : GENERATE_ADJOINT, KAD_DOUBLE, x, jt, 0,
              NULL, NULL);
        const double round = max_abs_difference(n, jt, g);
        if (!(round < 1e-10 * (1.0 + scale / (double)n)))
            fail_msg("%s: cotangent off by %g after both adjoints", t->label, round);
        double *all[] = {x, up, down, d, g, jt};
        for (int i = 0; i < 6; i++)
            kad_free(all[i]);
    }
}

/* Each adjoint gives the other side of the map, with its log-determinant. */
static void adjoints_rebuild_the_other_side(instance *t)
{
    for (int p = 0; p < 2; p++)
        for (int op = GENERATE; op <= INFER; op++) {
            const kad_prec prec = (kad_prec)p;
            const size_t n = tile_size(t, prec), lanes = (size_t)kad_lanes(prec);
            double *in = normals(n, 10), *x = normals(n, 10), *g = normals(n, 11);
            double ld[KAD_W_MAX] = {0};
            for (size_t i = 0; i < n && p == KAD_SINGLE; i++)
                in[i] = x[i] = (float)in[i];
            apply(t, (operation)op, prec, x, NULL, 0, NULL, ld);
            const double size = 1.0 + max_abs(n, x), det = 1.0 + max_abs(lanes, ld);
            apply(t, op == GENERATE ? GENERATE_ADJOINT : INFER_ADJOINT, prec, x, g, 0.4,
                  NULL, ld);
            const double error = max_abs_difference(n, x, in) / size;
            const double open = max_abs(lanes, ld) / det;
            if (!(error < tolerance[p]) || !(open < tolerance[p]))
                fail_msg("%s: precision %d, %s: rebuilt to %g, log-det to %g", t->label,
                         p, op == GENERATE ? "generate" : "infer", error, open);
            kad_free(in);
            kad_free(x);
            kad_free(g);
        }
}

/* dtheta is added to; NULL dtheta and ld change nothing else (but roundings: compilers
 * contract the two loops differently). */
static void adjoints_accumulate(instance *t)
{
    const size_t n = tile_size(t, KAD_DOUBLE), n_theta = t->stage.n_theta;
    for (int op = GENERATE_ADJOINT; op <= INFER_ADJOINT; op++) {
        double *x[3], *g[3], *d[2] = {normals(n_theta, 12), normals(n_theta, 13)};
        double *before[2] = {normals(n_theta, 12), normals(n_theta, 13)};
        for (int i = 0; i < 3; i++) {
            double ld[KAD_W_MAX] = {0};
            x[i] = normals(n, 14);
            g[i] = normals(n, 15);
            apply(t, (operation)op, KAD_DOUBLE, x[i], g[i], 0.9, i < 2 ? d[i] : NULL,
                  i < 2 ? ld : NULL);
        }
        for (size_t i = 0; i < n_theta; i++) {
            const double a = d[0][i] - before[0][i], b = d[1][i] - before[1][i];
            if (!(fabs(a - b) < 1e-12 * (1e3 + fabs(a))))
                fail_msg("%s: parameter %zu: adds %.15g or %.15g", t->label, i, a, b);
        }
        assert_true(max_abs_difference(n, x[0], x[2]) < 1e-13 * (1.0 + max_abs(n, x[0])));
        assert_true(max_abs_difference(n, g[0], g[2]) < 1e-13 * (1.0 + max_abs(n, g[0])));
        for (int i = 0; i < 3; i++) {
            kad_free(x[i]);
            kad_free(g[i]);
        }
        for (int i = 0; i < 2; i++) {
            kad_free(d[i]);
            kad_free(before[i]);
        }
    }
}

/* Rows that generating leaves alone keep their bits in every operation, in both
 * precisions; and the other way round some rows do change. */
static void other_rows_keep_their_bits(instance *t)
{
    for (int p = 0; p < 2; p++) {
        const kad_prec prec = (kad_prec)p;
        const size_t n = tile_size(t, prec), w = (size_t)kad_lanes(prec);
        double *in = normals(n, 16), *y = normals(n, 16);
        for (size_t i = 0; i < n && p == KAD_SINGLE; i++)
            in[i] = y[i] = (float)in[i];
        apply(t, GENERATE, prec, y, NULL, 0, NULL, NULL);
        assert_memory_not_equal(y, in, n * sizeof(double));
        for (int op = INFER; op <= INFER_ADJOINT; op++) {
            double *x = kad_alloc(n, sizeof *x), *g = normals(n, 17);
            assert_non_null(x);
            memcpy(x, in, n * sizeof *x);
            apply(t, (operation)op, prec, x, op > INFER ? g : NULL, 0.2, NULL, NULL);
            for (size_t r = 0; r < n / w; r++)
                if (!memcmp(y + r * w, in + r * w, w * sizeof *y) &&
                    memcmp(x + r * w, in + r * w, w * sizeof *x))
                    fail_msg("%s: operation %d changes row %zu", t->label, op, r);
            kad_free(x);
            kad_free(g);
        }
        kad_free(in);
        kad_free(y);
    }
}

/* What the other lanes hold is nothing to a sample, also where a solution is iterated: it is the
 * same in whatever tile it lies. */
static void lanes_are_their_own(instance *t)
{
    for (int p = 0; p < 2; p++) {
        const kad_prec prec = (kad_prec)p;
        const size_t n = tile_size(t, prec), w = (size_t)kad_lanes(prec);
        for (int op = GENERATE; op <= INFER_ADJOINT; op++) {
            double ld[2][KAD_W_MAX] = {{0}}, *x[2], *g[2];
            for (int k = 0; k < 2; k++) { /* all lanes as the first */
                x[k] = normals(n, 20);
                g[k] = normals(n, 21);
                for (size_t i = 0; i < n && k == 1; i++) {
                    x[k][i] = x[k][i / w * w];
                    g[k][i] = g[k][i / w * w];
                }
                apply(t, (operation)op, prec, x[k], op > INFER ? g[k] : NULL, 0.2, NULL,
                      ld[k]);
            }
            for (size_t r = 0; r < n; r += w)
                if (x[0][r] != x[1][r] || (op > INFER && g[0][r] != g[1][r]))
                    fail_msg("%s: operation %d: row %zu of a lane depends on others",
                             t->label, op, r / w);
            if (ld[0][0] != ld[1][0])
                fail_msg("%s: operation %d: ld of a lane depends on others", t->label,
                         op);
            for (int k = 0; k < 2; k++) {
                kad_free(x[k]);
                kad_free(g[k]);
            }
        }
    }
}

/* One sample of a float tile in double: values and gradients to float rounding. */
static void precisions_agree(instance *t)
{
    const size_t n_rows = (size_t)t->stage.n_rows, n_theta = t->stage.n_theta;
    double *point = normals(n_rows, 18), *cot = normals(n_rows, 19);
    for (int op = GENERATE_ADJOINT; op <= INFER_ADJOINT; op++) {
        double *x[2], *g[2], *d[2], ld[2][KAD_W_MAX] = {{0}};
        for (int p = 0; p < 2; p++) {
            const size_t w = (size_t)kad_lanes((kad_prec)p);
            x[p] = kad_alloc(n_rows * w, sizeof(double));
            g[p] = kad_alloc(n_rows * w, sizeof(double));
            d[p] = kad_alloc(n_theta, sizeof(double));
            for (size_t i = 0; i < n_rows * w; i++) {
                x[p][i] = point[i / w];
                g[p][i] = cot[i / w];
            }
            apply(t, (operation)op, (kad_prec)p, x[p], g[p], 0.8, d[p], ld[p]);
            for (size_t r = 0; r < n_rows; r++) { /* first lane in front */
                x[p][r] = x[p][r * w];
                g[p][r] = g[p][r * w];
            }
            for (size_t i = 0; i < n_theta; i++)
                d[p][i] /= (double)w;
        }
        const double ex =
            max_abs_difference(n_rows, x[0], x[1]) / (1 + max_abs(n_rows, x[1]));
        const double eg =
            max_abs_difference(n_rows, g[0], g[1]) / (1 + max_abs(n_rows, g[1]));
        const double ed =
            max_abs_difference(n_theta, d[0], d[1]) / (1 + max_abs(n_theta, d[1]));
        const double el = fabs(ld[0][0] - ld[1][0]) / (1 + fabs(ld[1][0]));
        if (!(ex < 1e-5) || !(eg < 1e-4) || !(ed < 1e-4) || !(el < 1e-5))
            fail_msg(
                "%s: float and double differ by %g (x), %g (g), %g (dtheta), %g (ld)",
                t->label, ex, eg, ed, el);
        for (int p = 0; p < 2; p++) {
            kad_free(x[p]);
            kad_free(g[p]);
            kad_free(d[p]);
        }
    }
    kad_free(point);
    kad_free(cot);
}

static const struct {
    const char *claim;
    property_fn check;
    bool numbers; /* CLAIM_OF_NUMBERS */
} properties[] = {
    {"inverse undoes forward to 1e-5 (float), 1e-11 (double)", inverse_undoes_forward,
     false},
    {"log-det is that of the Jacobian by differences", log_det_matches_jacobian, true},
    {"generate_adjoint is the gradient, Taylor slope 2", generate_adjoint_is_gradient,
     true},
    {"infer_adjoint is the gradient, Taylor slope 2", infer_adjoint_is_gradient, true},
    {"adjoints are transposed Jacobians", adjoints_are_transposes, true},
    {"adjoints rebuild the other side", adjoints_rebuild_the_other_side, false},
    {"adjoints add to the parameters' gradient", adjoints_accumulate, false},
    {"rows of other sites keep their bits", other_rows_keep_their_bits, false},
    {"a sample's result is its own", lanes_are_their_own, true},
    {"float and double agree", precisions_agree, false},
};
enum { N_PROPERTIES = sizeof properties / sizeof *properties, N_BIJECTORS_MAX = 32 };

typedef struct claim {
    const kad_bijector_ops *ops;
    property_fn check;
    char name[160];
} claim;

static void run_claim(void **state)
{
    const claim *c = *state;
    int n = 0;
    for (int i = 0; i < N_LATTICES; i++) {
        instance t;
        for (int v = 0; instance_open(&t, c->ops, i, v); v++, n++) {
            c->check(&t);
            instance_close(&t);
        }
    }
    assert_true(n >= N_LATTICES); /* at least one variant on every lattice */
}

int main(void)
{
    static claim claims[N_BIJECTORS_MAX * N_PROPERTIES];
    static struct CMUnitTest tests[N_BIJECTORS_MAX * N_PROPERTIES];
    size_t n = 0;
    for (int b = 0; kad_bijectors[b] && b < N_BIJECTORS_MAX; b++)
        for (int p = 0; p < N_PROPERTIES; p++, n++) {
            claims[n].ops = kad_bijectors[b];
            claims[n].check = properties[p].check;
            const bool numbers = properties[p].numbers;
            snprintf(claims[n].name, sizeof claims[n].name, "%s: %s%s",
                     kad_bijectors[b]->name, properties[p].claim,
                     numbers ? CLAIM_LEFT_OUT : "");
            tests[n].name = claims[n].name;
            tests[n].test_func = CLAIM_NUMBERS || !numbers ? run_claim : claim_left_out;
            tests[n].initial_state = &claims[n];
        }
    return _cmocka_run_group_tests("bijectors", tests, n, NULL, NULL);
}

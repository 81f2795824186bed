/* Mutual information and local operators against closed forms and differences. */
#include "bulk/mutual.h"
#include "bulk/operators.h"
#include "tests/support/analysis_util.h"

/* Normal pairs of correlation c. */
static void normal_pairs(uint32_t index, size_t n, size_t d, double c, double *x,
                         double *y)
{
    for (size_t i = 0; i < n * d; i++) {
        double g[2];
        kad_rng_normal2(kad_rng_stream(20240, KAD_RNG_TEST, index), 0, i, 0, g);
        x[i] = g[0];
        y[i] = c * g[0] + sqrt(1 - c * c) * g[1];
    }
}

static double gauss(size_t n_a, size_t n_b, const double *cov, double *slope)
{
    kad_ctx ctx;
    double out;
    kad_ctx_init(&ctx, 1);
    assert_int_equal(kad_mutual_gauss(&ctx, n_a, n_b, cov, &out, slope), KAD_OK);
    return out;
}

static void gauss_closed_forms(void **state)
{
    (void)state;
    const double c = 0.6, pair[4] = {2, c * sqrt(6.0), c * sqrt(6.0), 3};
    assert_true(fabs(gauss(1, 1, pair, NULL) + 0.5 * log(1 - c * c)) < 1e-14);
    /* two complex numbers with <a b*> = |c| e^{i phi} */
    const double re = 0.3, im = 0.4;
    const double complex[16] = {1, 0, re, im, 0, 1, -im, re, re, -im, 1, 0, im, re, 0, 1};
    assert_true(fabs(gauss(2, 2, complex, NULL) + log(1 - re * re - im * im)) < 1e-14);
    /* invariant under any invertible map of one side */
    const double mixed[9] = {1, 0.5, 0.2, 0.5, 2, 0.1, 0.2, 0.1, 1};
    double scaled[9];
    const double t[9] = {1, 0, 0, 0, 3, 0, 0, -2, 0.5}; /* b -> (3 b0, -2 b0 + b1/2) */
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            scaled[3 * i + j] = 0;
            for (int k = 0; k < 3; k++)
                for (int l = 0; l < 3; l++)
                    scaled[3 * i + j] += t[3 * i + k] * mixed[3 * k + l] * t[3 * j + l];
        }
    assert_true(fabs(gauss(1, 2, mixed, NULL) - gauss(1, 2, scaled, NULL)) < 1e-13);
    const double bad[4] = {1, 2, 2, 1};
    assert_true(isnan(gauss(1, 1, bad, NULL)));
}

static void gauss_slope(void **state)
{
    (void)state;
    const double cov[9] = {1, 0.5, 0.2, 0.5, 2, 0.1, 0.2, 0.1, 1};
    double slope[9], h = 1e-5;
    gauss(1, 2, cov, slope);
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            double up[9], down[9]; /* symmetric steps: both entries */
            for (int k = 0; k < 9; k++)
                up[k] = down[k] = cov[k];
            up[3 * i + j] += h;
            down[3 * i + j] -= h;
            if (i != j) up[3 * j + i] += h, down[3 * j + i] -= h;
            const double difference =
                (gauss(1, 2, up, NULL) - gauss(1, 2, down, NULL)) / (2 * h);
            const double expected =
                i == j ? slope[3 * i + i] : slope[3 * i + j] + slope[3 * j + i];
            assert_true(fabs(difference - expected) < 1e-8);
        }
}

static double knn(size_t n, size_t dx, const double *x, size_t dy, const double *y, int k)
{
    kad_ctx ctx;
    double out;
    kad_ctx_init(&ctx, 1);
    assert_int_equal(kad_mutual_knn(&ctx, n, dx, x, dy, y, k, &out), KAD_OK);
    return out;
}

/* The same by definition: all pairs. */
static double knn_naive(size_t n, size_t dx, const double *x, size_t dy, const double *y,
                        int k)
{
    double *d = kad_alloc(n, sizeof *d), sum = 0;
    const double gamma_e = 0.57721566490153286;
    for (size_t i = 0; i < n; i++) {
        double nx = 0, ny = 0, eps = 0;
        for (int turn = 0; turn < 2; turn++) {
            size_t m = 0;
            for (size_t j = 0; j < n; j++) {
                double a = 0, b = 0;
                if (j == i) continue;
                for (size_t c = 0; c < dx; c++)
                    a = fmax(a, fabs(x[i * dx + c] - x[j * dx + c]));
                for (size_t c = 0; c < dy; c++)
                    b = fmax(b, fabs(y[i * dy + c] - y[j * dy + c]));
                d[m++] = fmax(a, b);
                nx += turn == 1 && a < eps;
                ny += turn == 1 && b < eps;
            }
            for (int r = 0; r < k && turn == 0; r++) {
                size_t at = 0;
                for (size_t j = 0; j < m; j++)
                    if (d[j] < d[at]) at = j;
                eps = d[at];
                d[at] = HUGE_VAL;
            }
        }
        for (int m = 1; m <= (int)nx; m++)
            sum += 1.0 / m;
        for (int m = 1; m <= (int)ny; m++)
            sum += 1.0 / m;
        sum -= 2 * gamma_e;
    }
    double value = -2 * gamma_e - sum / (double)n;
    for (int m = 1; m < k; m++)
        value += 1.0 / m;
    for (size_t m = 1; m < n; m++)
        value += 1.0 / (double)m;
    kad_free(d);
    return value;
}

static void knn_by_definition(void **state)
{
    (void)state;
    enum { N = 300 };
    double x[2 * N], y[2 * N];
    for (size_t d = 1; d <= 2; d++)
        for (int k = 1; k <= 5; k += 2) {
            normal_pairs(3, N, d, 0.7, x, y);
            const double fast = knn(N, d, x, d, y, k), slow = knn_naive(N, d, x, d, y, k);
            if (!(fabs(fast - slow) < 1e-12))
                fail_msg("d = %zu, k = %d: %.15g, %.15g", d, k, fast, slow);
        }
}

/* Kraskov et al., figs. 4 and 6: at n = 4000 the systematic error is below 0.01 and the
 * standard deviation about 0.02 for k = 4; six of those. */
static void knn_of_normals(void **state)
{
    (void)state;
    enum { N = 4000 };
    static const double c[] = {0, 0.3, 0.6, 0.9};
    double *x = kad_alloc(2 * N, sizeof *x), *y = kad_alloc(2 * N, sizeof *y);
    for (int i = 0; i < 4; i++)
        for (size_t d = 1; d <= 2; d++) {
            normal_pairs(10 + (uint32_t)i, N, d, c[i], x, y);
            const double exact = -0.5 * (double)d * log(1 - c[i] * c[i]);
            const double found = knn(N, d, x, d, y, 4);
            print_message("# c %.1f, %zu dimensions: %.4f, exact %.4f\n", c[i], d, found,
                          exact);
            assert_true(fabs(found - exact) < 0.12);
        }
    kad_free(x);
    kad_free(y);
}

/* x uniform on (-1, 1) and y uniform on (0, 1), negative where |x| < 1/2: uncorrelated,
 * but the sign of y is a bit of x: I = ln 2. */
static void knn_sees_what_a_line_does_not(void **state)
{
    (void)state;
    enum { N = 4000 };
    double *x = kad_alloc(N, sizeof *x), *y = kad_alloc(N, sizeof *y);
    const kad_rng rng = kad_rng_stream(7, KAD_RNG_TEST, 0);
    double xx = 0, xy = 0, yy = 0;
    for (size_t i = 0; i < N; i++) {
        x[i] = 2 * kad_rng_uniform(rng, 0, i, 0) - 1;
        y[i] = copysign(kad_rng_uniform(rng, 1, i, 0), fabs(x[i]) - 0.5);
        xx += x[i] * x[i];
        xy += x[i] * y[i];
        yy += y[i] * y[i];
    }
    const double c = xy / sqrt(xx * yy), found = knn(N, 1, x, 1, y, 4);
    print_message("# correlation %.3f, information %.4f, exact %.4f\n", c, found, log(2));
    assert_true(fabs(c) < 5.85 / sqrt(N));
    assert_true(fabs(found - log(2)) < 0.12);
    /* repetitions, as of rejected proposals, do not look like information */
    for (size_t i = 1; i < N; i += 2) {
        x[i] = x[i - 1] = kad_rng_uniform(rng, 2, i, 0);
        y[i] = y[i - 1] = kad_rng_uniform(rng, 3, i, 0);
    }
    assert_true(fabs(knn(N, 1, x, 1, y, 4)) < 0.15);
    kad_free(x);
    kad_free(y);
}

/* --- operators ----------------------------------------------------------------------- */

static double value_of(const kad_operators *o, const double *phi, int which)
{
    double O[KAD_N_OPERATORS];
    kad_operators_values(o, phi, O);
    return O[which];
}

/* Gradients and Laplacians by differences: sum_i grad O_a . grad O_b and sum_i laplace
 * O_a. Steps of 1e-3: operators are polynomials of degree 6, error h^2 f''' / 6. */
static void moments_by_differences(void **state)
{
    (void)state;
    static const int shapes[][3] = {{5, 1, 1}, {4, 6, 1}, {2, 2, 1},
                                    {2, 3, 4}, {1, 1, 1}, {2, 4, 1}};
    static const int dims[] = {1, 2, 2, 3, 2, 2};
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    KAD_SCOPE(scope, &ctx);
    for (int s = 0; s < 6; s++)
        for (int n_comp = 1; n_comp <= 3; n_comp++) {
            kad_operators *o;
            enum { MAX = 24 * 3 };
            double phi[MAX], grad[KAD_N_OPERATORS][MAX], laplace[KAD_N_OPERATORS] = {0};
            double A[KAD_N_OPERATORS * KAD_N_OPERATORS] = {0}, b[KAD_N_OPERATORS] = {0};
            double O[KAD_N_OPERATORS];
            const double h = 1e-3;
            assert_int_equal(kad_operators_create(&scope, dims[s], shapes[s], n_comp, &o),
                             KAD_OK);
            const int n_rows = o->n_sites * n_comp;
            for (int r = 0; r < n_rows; r++)
                phi[r] = test_normal(40, (uint64_t)s, (uint64_t)r);
            kad_operators_moments(o, phi, O, A, b);
            for (int u = 0; u < o->n; u++)
                assert_true(O[u] == value_of(o, phi, u));
            for (int u = 0; u < o->n; u++)
                for (int r = 0; r < n_rows; r++) {
                    double f[5];
                    const double x = phi[r];
                    for (int k = 0; k < 5; k++) {
                        phi[r] = x + (k - 2) * h;
                        f[k] = value_of(o, phi, u);
                    }
                    phi[r] = x;
                    grad[u][r] = (f[0] - 8 * f[1] + 8 * f[3] - f[4]) / (12 * h);
                    laplace[u] +=
                        (-f[0] + 16 * f[1] - 30 * f[2] + 16 * f[3] - f[4]) / (12 * h * h);
                }
            for (int u = 0; u < o->n; u++) {
                if (!(fabs(laplace[u] - b[u]) < 1e-4 * (1 + fabs(b[u]))))
                    fail_msg("%s: laplace %g, expected %g", kad_operator_names[o->op[u]],
                             b[u], laplace[u]);
                for (int v = 0; v < o->n; v++) {
                    double sum = 0;
                    for (int r = 0; r < n_rows; r++)
                        sum += grad[u][r] * grad[v][r];
                    if (!(fabs(sum - A[u * o->n + v]) < 1e-6 * (1 + fabs(sum))))
                        fail_msg("%s.%s: %g, expected %g", kad_operator_names[o->op[u]],
                                 kad_operator_names[o->op[v]], A[u * o->n + v], sum);
                }
            }
        }
}

static void values_by_hand(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_operators *o;
    const int shape[2] = {4, 6}, two[2] = {2, 2}, one[1] = {1};
    double phi[24], O[KAD_N_OPERATORS];
    kad_ctx_init(&ctx, 1);
    KAD_SCOPE(scope, &ctx);
    assert_int_equal(kad_operators_create(&scope, 2, shape, 1, &o), KAD_OK);
    assert_int_equal(o->n, KAD_N_OPERATORS);
    for (int i = 0; i < 24; i++)
        phi[i] = 2;
    kad_operators_values(o, phi, O);
    /* 48 bonds, 48 diagonals, 48 (2, 0) pairs, 24 plaquettes */
    const double expected[KAD_N_OPERATORS] = {48 * 4,  48 * 4,  48 * 4,  24 * 4, 24 * 16,
                                              24 * 64, 48 * 32, 48 * 16, 24 * 16};
    for (int u = 0; u < o->n; u++)
        assert_true(fabs(O[u] - expected[u]) < 1e-9);
    assert_int_equal(kad_operators_create(&scope, 2, two, 1, &o), KAD_OK);
    assert_int_equal(o->n, KAD_N_OPERATORS - 1); /* no (2, 0) pairs */
    kad_operators_values(o, phi, O);
    assert_true(fabs(O[0] - 8 * 4) < 1e-12);
    assert_int_equal(kad_operators_create(&scope, 1, one, 1, &o), KAD_OK);
    assert_int_equal(o->n, 3); /* powers */
}

int main(void)
{
    const struct CMUnitTest kad[] = {
        CLAIM("mutual: closed forms of Gaussian information", gauss_closed_forms),
        CLAIM("mutual: its slope agrees with differences", gauss_slope),
        CLAIM("mutual: Kraskov's estimate is its definition", knn_by_definition),
        CLAIM("mutual: Kraskov's estimate of normal pairs", knn_of_normals),
        CLAIM("mutual: Kraskov sees what correlation does not",
              knn_sees_what_a_line_does_not),
        CLAIM("operators: counts of bonds, diagonals and plaquettes", values_by_hand),
        CLAIM("operators: gradients and Laplacians agree with differences",
              moments_by_differences),
    };
    return cmocka_run_group_tests(kad, NULL, NULL);
}

/* Functions of means. */
#include "analysis/derived.h"
#include "analysis/functions.h"
#include "tests/support/analysis_util.h"

/* A product of means of two correlated AR(1) series; the Gamma method's error and the
 * weighted one against the scatter. */
static double product(size_t n, const double *mean, const void *self)
{
    (void)n;
    (void)self;
    return mean[0] * mean[1];
}

static void derived_errors(void **state)
{
    (void)state;
    enum { N = 1000, REPLICAS = 200 };
    static double a[2 * N], log_w[N];
    double square[2] = {0, 0}, err2[2] = {0, 0};
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    for (int r = 0; r < REPLICAS; r++) {
        static double x[N], y[N];
        test_ar1(15, (uint64_t)r, 2.0, 2.0, N, x);
        test_ar1(16, (uint64_t)r, 2.0, 3.0, N, y);
        for (size_t i = 0; i < N; i++) {
            a[2 * i] = x[i];
            a[2 * i + 1] = y[i] + x[i];
            log_w[i] = 0.0;
        }
        const kad_input inputs[2] = {{a, 2, 0}, {a, 2, 1}};
        kad_gamma g;
        double value, err, dof;
        assert_int_equal(kad_derived_chain(&ctx, 1, N, 2, inputs, product, NULL, &g),
                         KAD_OK);
        assert_int_equal(kad_derived_weighted(&ctx, N, log_w, 2, inputs, product, NULL,
                                              &value, &err, &dof),
                         KAD_OK);
        assert_true(fabs(value / g.mean - 1.0) < 1e-12);
        square[0] += (g.mean - 10.0) * (g.mean - 10.0);
        err2[0] += g.err * g.err;
        /* with equal weights the weighted error is the naive one */
        err2[1] += err * err;
        square[1] += g.err_naive * g.err_naive;
    }
    assert_true(fabs(sqrt(square[0] / err2[0]) - 1.0) < 0.3);
    assert_true(fabs(sqrt(square[1] / err2[1]) - 1.0) < 0.02);
}

/* A free field's slice correlator on a ring, C(r) = cosh(m (L/2 - r)): the effective mass
 * is m everywhere; G(k) and xi follow by a direct sum. */
static void functions_of_correlators(void **state)
{
    (void)state;
    for (int L = 7; L <= 8; L++) {
        double C[5], full[8], g0 = 0, g1 = 0;
        const size_t n = (size_t)L / 2 + 1;
        for (int r = 0; r < L; r++)
            full[r] = cosh(0.6 * (L / 2.0 - r));
        for (size_t r = 0; r < n; r++)
            C[r] = full[r];
        for (int r = 0; r < L; r++) {
            g0 += full[r];
            g1 += full[r] * cos(2 * M_PI * r / L);
        }
        kad_lattice_facts facts = {.n_sites = 64.0, .extent = L, .n_components = 1};
        assert_true(fabs(kad_function_gk(n, C, &facts) - g0) < 1e-12);
        facts.index = 1;
        assert_true(fabs(kad_function_gk(n, C, &facts) - g1) < 1e-12);
        assert_true(fabs(kad_function_xi(n, C, &facts) -
                         sqrt(g0 / g1 - 1) / (2 * sin(M_PI / L))) < 1e-12);
        for (size_t r = 1; r < n; r++) {
            facts.index = r;
            assert_true(fabs(kad_function_m_eff(n, C, &facts) - 0.6) < 1e-12);
        }
        assert_true(fabs(kad_function_mass(n, C, &facts) - 0.6) < 1e-12);
        const double m[2] = {0.5, 0.75};
        assert_true(kad_function_chi(1, m, &facts) == 32.0);
        assert_true(fabs(kad_function_binder(2, m, &facts)) < 1e-15);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("derived: errors of a product match the scatter", derived_errors),
        CLAIM("functions: masses, G(k) and xi of a known correlator",
              functions_of_correlators),
    };
    return cmocka_run_group_tests_name("derived", tests, NULL, NULL);
}

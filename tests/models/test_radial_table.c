/* Radial tables: ln w_n and ln Z_1 against direct evaluation, from 0 to fields of 1e9, and
 * the derivative as the exact derivative of the tabulated value; the vector kernel in
 * single precision (this file is compiled without kernel flags: the portable path). */
#define KAD_PREC 32
#include "models/radial_kern.h"

#include "models/single_site.h"
#include "tests/support/models_util.h"

static const struct {
    double mu, lambda;
} SITES[] = {{0, 6.975}, {-1, 1},      {-4, 0.5},     {-199, 100}, {4.25, 0},
             {2, 1e-3},  {-0.1, 1e-4}, {-1999, 1000}, {3, 1e6},    {1, 1}};
enum { N_SITES = sizeof SITES / sizeof *SITES };

/* ln Z_1(h) - ln Z_1(0) = ln of the mean of w_n(h r): by trapezoid in r over all r where
 * the weight matters, 20000 points, with the moment <|phi|^2>; an independent rule. */
static double brute(int n, double mu, double lambda, double h, double *ln_z)
{
    enum { N = 20000 };
    const double hi =
        sqrt((-mu + sqrt(mu * mu + 4 * lambda * 200)) / (2 * lambda)) + cbrt(h / lambda);
    double z[2] = {0}, top = -(double)INFINITY;
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < N; i++) {
            const double r = hi * (i + 0.5) / N;
            const double g = (n - 1) * log(r) - (mu + lambda * r * r) * r * r;
            const double gh = g + kad_spin_ln_weight(n, h * r);
            if (pass == 0) {
                top = fmax(top, gh);
            } else {
                z[0] += exp(g - top);
                z[1] += exp(gh - top);
            }
        }
    const double sphere = n == 1 ? 2 : n == 2 ? 2 * M_PI : 4 * M_PI;
    *ln_z = log(sphere * z[1] * hi / N) + top;
    return log(z[1] / z[0]);
}

static void ln_z1_against_trapezoid(void **state)
{
    (void)state;
    for (int n = 1; n <= 3; n++)
        for (int i = 0; i < N_SITES; i++) {
            kad_single_site site;
            if (SITES[i].lambda == 0) continue;
            kad_single_site_init(&site, n, SITES[i].mu, SITES[i].lambda, NULL);
            for (double h = 0; h < 30; h += 4.7) {
                double ln_z;
                brute(n, SITES[i].mu, SITES[i].lambda, h, &ln_z);
                /* midpoint rule on [0, inf): the integrand's odd derivatives at 0 vanish
                 * for n = 1 and 3; for n = 2 the error is hi^2/24 N^2 relative */
                const double tolerance = n == 2 ? 3e-7 : 2e-13;
                assert_close(kad_single_site_ln_z(&site, h, NULL), ln_z,
                             tolerance * fmax(1, fabs(ln_z)));
            }
        }
}

/* 1e-12 is promised; 1e-14 is usual, but ln Z_1(0) itself may be 1000, so that rounding of
 * the difference is 2e-13. */
static void check_table(const kad_radial_table *table, kad_radial_function F,
                        const void *arg, double size)
{
    for (double h = 1e-4; h < 1e9; h *= 1.31) {
        const double s = h * h, f = F(arg, s);
        double df, df1;
        const double g = kad_radial_value(table, s, &df);
        assert_close(g, f, 1e-14 * fmax(fmax(1, size), fabs(f)));
        /* inside an octave the table is one polynomial: its central difference is the
         * derivative up to third order */
        const double v = 1 + table->slope * s, e = 1e-4 * v / table->slope;
        if (ilogb(v * 1.001) != ilogb(v * 0.999)) continue;
        df1 = (kad_radial_value(table, s + e, NULL) -
               kad_radial_value(table, s - e, NULL)) /
              (2 * e);
        assert_close(df1, df, 1e-7 * df + 1e-11 * fmax(1, fabs(f)) / e);
    }
}

static double site_function(const void *arg, double s)
{
    const kad_single_site *site = arg;
    return kad_single_site_ln_z(site, sqrt(s), NULL) - site->ln_z0;
}

static double spin_function(const void *n, double s)
{
    return kad_spin_ln_weight(*(const int *)n, sqrt(s));
}

static void tables(void **state)
{
    (void)state;
    kad_radial_table *table = kad_alloc(1, sizeof *table),
                     *spin = kad_alloc(1, sizeof *spin);
    for (int n = 1; n <= 3; n++) {
        kad_spin_table(spin, n);
        check_table(spin, spin_function, &n, 1);
        for (int i = 0; i < N_SITES; i++) {
            kad_single_site site;
            kad_single_site_init(&site, n, SITES[i].mu, SITES[i].lambda,
                                 n == 2 ? spin : NULL);
            kad_single_site_table(&site, table);
            check_table(table, site_function, &site, 3 * fabs(site.ln_z0));
        }
    }
    kad_free(table);
    kad_free(spin);
}

/* The mean spin from the table is w'/w; and both are known functions. */
static void spin_means(void **state)
{
    (void)state;
    kad_radial_table *spin = kad_alloc(1, sizeof *spin);
    for (int n = 1; n <= 3; n++) {
        kad_spin_table(spin, n);
        for (double r = 1e-5; r < 1e3; r *= 1.17) {
            double df;
            kad_radial_value(spin, r * r, &df);
            assert_close(2 * df * r, kad_spin_mean(n, r), 2e-13);
            if (n == 1) {
                assert_close(kad_spin_mean(n, r), tanh(r), 1e-15);
                if (r < 300) assert_close(kad_spin_ln_weight(n, r), log(cosh(r)), 2e-13);
            } else if (n == 3 && r > 0.1) {
                assert_close(kad_spin_mean(n, r), 1 / tanh(r) - 1 / r, 1e-14);
                if (r < 300)
                    assert_close(kad_spin_ln_weight(n, r), log(sinh(r) / r), 2e-13);
            }
        }
    }
    kad_free(spin);
}

/* Single precision kernel: 1e-7 relative (of the value, or 1) and 2e-6 of the slope. */
static void single_kernel(void **state)
{
    (void)state;
    kad_radial_table *table = kad_alloc(1, sizeof *table);
    double worst_f = 0, worst_df = 0;
    for (int n = 1; n <= 3; n++) {
        kad_spin_table(table, n);
        for (double r = 1e-5; r < 1e9; r *= 1.07) {
            vreal s = {0}, f, df;
            double exact_df;
            for (int l = 0; l < KAD_V; l++)
                s[l] = (float)(r * r * (1 + l));
            radial_eval(table, s, &f, &df);
            for (int l = 0; l < KAD_V; l++) {
                const double exact = kad_radial_value(table, (double)s[l], &exact_df);
                worst_f =
                    fmax(worst_f, fabs((double)f[l] - exact) / fmax(1, fabs(exact)));
                worst_df = fmax(worst_df, fabs((double)df[l] / exact_df - 1));
            }
        }
    }
    print_message("# single precision: value %.1e, derivative %.1e\n", worst_f, worst_df);
    assert_true(worst_f < 3e-7);
    assert_true(worst_df < 3e-6);
    kad_free(table);
}

static void beyond_everything(void **state)
{
    (void)state;
    kad_radial_table *table = kad_alloc(1, sizeof *table);
    kad_spin_table(table, 1);
    vreal s = {0}, f, df;
    s[0] = (float)NAN;
    s[1] = (float)INFINITY;
    s[2] = 3e38f;
    radial_eval(table, s, &f, &df);
    assert_true(isnan(f[0]) && isnan(f[1]) && isfinite(f[2]));
    assert_true(isnan(kad_radial_value(table, (double)NAN, NULL)));
    assert_true(isnan(kad_radial_value(table, (double)INFINITY, NULL)));
    assert_true(isnan(kad_radial_value(table, 1e60, NULL)));
    kad_free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ln_z1_against_trapezoid), cmocka_unit_test(tables),
        cmocka_unit_test(spin_means), cmocka_unit_test(single_kernel),
        cmocka_unit_test(beyond_everything)};
    return cmocka_run_group_tests_name(
        "radial tables: ln w_n and ln Z_1 to rounding at any field", tests, NULL, NULL);
}

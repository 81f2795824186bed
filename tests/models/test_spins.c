/* Spins given the dual field: conditional draws against their exact moments. */
#include "models/single_site.h"
#include "models/spins.h"
#include "tests/support/claim.h"
#include "tests/support/models_util.h"

enum { N = 1000000 / 32 * 32 };

/* N spins of one field x, component by component. */
static double *draw(int n, const double *x, uint64_t number)
{
    const kad_spin_source source = {
        .rng = kad_rng_stream(3, KAD_RNG_SPINS, 0), .step = number, .quad_stride = 1};
    double *field = kad_alloc((size_t)N * (size_t)n, sizeof *field);
    double *s = kad_alloc((size_t)N * (size_t)n, sizeof *s);
    assert_true(field && s);
    for (int i = 0; i < N * n; i++)
        field[i] = x[i / N];
    kad_spin_rows_draw_f64(n, &source, N, N, field, s);
    kad_free(field);
    return s;
}

/* First two moments along the mean direction and the first of each transverse component,
 * over N sites in one field x. <c> = m(r), <c^2> = 1 - (n - 1) m(r)/r. Sums of N bounded
 * draws: z below 5.5. */
static void check_field(int n, const double *x, uint64_t number)
{
    double r = 0.0, sum = 0.0, square = 0.0, fourth = 0.0, across = 0.0, along = 0.0;
    double *s = draw(n, x, number);
    for (int a = 0; a < n; a++)
        r += x[a] * x[a];
    r = sqrt(r);
    for (int i = 0; i < N; i++) {
        double c = 0.0, length = 0.0;
        for (int a = 0; a < n; a++) {
            c += s[a * N + i] * (r > 0 ? x[a] / r : a == 0);
            length += s[a * N + i] * s[a * N + i];
        }
        assert_close(length, 1.0, 1e-12);
        /* a transverse direction: perpendicular to x in the first two components */
        const double t =
            n > 1 && r > 0 ? (s[N + i] * x[0] - s[i] * x[1]) / hypot(x[0], x[1]) : 0.0;
        sum += c / N;
        square += c * c / N;
        fourth += c * c * c * c / N;
        across += isfinite(t) ? t / N : 0.0;
        along += isfinite(t) ? t * c / N : 0.0;
    }
    const double m = r > 0 ? kad_spin_mean(n, r) : 0.0;
    const double c2 = r > 0 ? 1.0 - (n - 1) * m / r : 1.0 / n;
    const double sd = sqrt(fmax(c2 - m * m, 1e-12) / N);
    const double sd_t = sqrt(fmax(1.0 - c2, 1e-12) / N);
    assert_close(sum, m, 5.5 * sd + 1e-9);
    assert_close(square, c2, 5.5 * sqrt(fmax(fourth - square * square, 0) / N) + 1e-9);
    if (n > 1) {
        assert_close(across, 0.0, 5.5 * sd_t + 1e-9);
        assert_close(along, 0.0, 5.5 * sd_t + 1e-9);
    }
    kad_free(s);
}

static void draws_have_their_moments(void **state)
{
    (void)state;
    static const double fields[][3] = {{0.0, 0.0, 0.0},  {0.2, -0.1, 0.3},
                                       {-0.7, 0.5, 0.1}, {1.5, 2.0, -1.0},
                                       {0.0, 0.0, 9.0},  {30.0, 0.0, 0.0}};
    for (int n = 1; n <= 3; n++)
        for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
            check_field(n, fields[i], i);
}

/* m(r) against numerical derivatives of ln w_n. */
static void means_are_derivatives(void **state)
{
    (void)state;
    for (int n = 1; n <= 3; n++)
        for (double r = 0.01; r < 40.0; r *= 1.7) {
            const double h = 1e-4 * r;
            const double slope =
                (kad_spin_ln_weight(n, r + h) - kad_spin_ln_weight(n, r - h)) / (2 * h);
            assert_close(kad_spin_mean(n, r), slope, 1e-7);
        }
}

static void means_of_a_field(void **state)
{
    (void)state;
    const double x[6] = {3.0, 4.0, 0.0, 0.0, -1.0, 0.0};
    double m[6];
    const double self = kad_spins_mean(2, 3, x, m);
    const double m5 = kad_spin_mean(2, 5.0), m1 = kad_spin_mean(2, 1.0);
    assert_close(m[0], 0.6 * m5, 1e-15);
    assert_close(m[1], 0.8 * m5, 1e-15);
    assert_close(m[2], 0.0, 0.0);
    assert_close(m[4], -m1, 1e-15);
    assert_close(self, 3.0 - m5 * m5 - m1 * m1, 1e-14);
}

/* n = 2: counts of the angle to the mean direction in 32 bins of [-pi, pi], against
 * integrals of the density (Simpson, 200 points a bin). chi^2 of 31 degrees of freedom
 * exceeds 95 with probability 1e-8. */
static void check_angles(double kappa, uint64_t number)
{
    enum { BINS = 32, POINTS = 200 };
    const double x[2] = {-0.6 * kappa, 0.8 * kappa};
    double count[BINS] = {0}, weight[BINS], total = 0.0, chi2 = 0.0;
    double *s = draw(2, x, number);
    for (int i = 0; i < N; i++) {
        const double angle =
            atan2(s[N + i] * x[0] - s[i] * x[1], s[i] * x[0] + s[N + i] * x[1]);
        const int bin = (int)floor((angle + M_PI) / (2 * M_PI) * BINS);
        count[bin < 0 ? 0 : bin >= BINS ? BINS - 1 : bin]++;
    }
    for (int b = 0; b < BINS; b++) {
        weight[b] = 0.0;
        for (int p = 0; p <= POINTS; p++) {
            const double angle = 2 * M_PI * (b + (double)p / POINTS) / BINS - M_PI;
            const double simpson = p == 0 || p == POINTS ? 1 : p % 2 ? 4 : 2;
            weight[b] += simpson * exp(kappa * (cos(angle) - 1.0));
        }
        total += weight[b];
    }
    for (int b = 0; b < BINS; b++) {
        const double expected = N * weight[b] / total;
        if (expected > 5.0)
            chi2 += (count[b] - expected) * (count[b] - expected) / expected;
    }
    assert_true(chi2 < 95.0);
    kad_free(s);
}

static void angles_are_von_mises(void **state)
{
    (void)state;
    static const double kappa[] = {0.1, 0.99, 1.01, 2.0, 7.0, 40.0};
    for (size_t i = 0; i < sizeof kappa / sizeof *kappa; i++)
        check_angles(kappa[i], 100 + i);
}

/* Rows against the plain scalar means, |x| from 1e-4 to 300. The derivative of a polynomial
 * of degree 19 multiplies rounding by up to 19^2. */
static void rows_have_the_plain_means(void **state)
{
    (void)state;
    enum { LANES = 64 };
    for (int n = 1; n <= 3; n++) {
        _Alignas(64) double x[3 * LANES] = {0}, m[3 * LANES];
        kad_radial_table *table = kad_alloc(1, sizeof *table);
        double plain[3], self = 0.0;
        kad_spin_table(table, n);
        for (int l = 1; l < LANES; l++)
            for (int a = 0; a < n; a++)
                x[a * LANES + l] =
                    pow(10, 0.1 * l - 4) * random_normal(30, (uint64_t)l, (uint32_t)a);
        const double sum = kad_spin_rows_mean_f64(table, n, LANES, LANES, x, m);
        for (int l = 0; l < LANES; l++) {
            double xl[3] = {x[l], n > 1 ? x[LANES + l] : 0, n > 2 ? x[2 * LANES + l] : 0};
            self += kad_spins_mean(n, 1, xl, plain);
            for (int a = 0; a < n; a++)
                assert_close(m[a * LANES + l], plain[a], 2e-12);
        }
        assert_close(sum, self, 1e-11);
        kad_free(table);
    }
}

/* A lane's spin depends on its counters only; NaN stays visible. */
static void draws_are_keyed(void **state)
{
    (void)state;
    _Alignas(64) double x[3 * 256], s[3 * 256], few[3 * 256], other[3 * 256];
    for (int i = 0; i < 3 * 256; i++)
        x[i] = 3 * sin(1.0 + i);
    for (int n = 1; n <= 3; n++) {
        kad_spin_source source = {
            .rng = kad_rng_stream(3, KAD_RNG_SPINS, 0), .step = 8, .quad_stride = 1};
        kad_spin_rows_draw_f64(n, &source, 256, 256, x, s);
        kad_spin_rows_draw_f64(n, &source, 32, 256, x, few);
        source.step = 9;
        kad_spin_rows_draw_f64(n, &source, 256, 256, x, other);
        for (size_t a = 0; a < (size_t)n; a++) {
            assert_memory_equal(s + a * 256, few + a * 256, 32 * sizeof *s);
            assert_true(memcmp(s + a * 256, other + a * 256, 256 * sizeof *s) != 0);
        }
        const double kept = x[7];
        x[7] = NAN;
        kad_spin_rows_draw_f64(n, &source, 32, 256, x, few);
        assert_true(isnan(few[7]));
        assert_true(isfinite(few[6]));
        x[7] = kept;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("spins: a million draws have their exact moments, n = 1, 2, 3",
              draws_have_their_moments),
        CLAIM("spins: angles to the field follow von Mises' density, n = 2",
              angles_are_von_mises),
        CLAIM("spins: conditional means are derivatives of ln w_n",
              means_are_derivatives),
        CLAIM("spins: means and coincident term of a field", means_of_a_field),
        CLAIM("spins: rows have the plain means", rows_have_the_plain_means),
        CLAIM("spins: a draw is a function of its counters and field", draws_are_keyed),
    };
    return cmocka_run_group_tests_name("spins", tests, NULL, NULL);
}

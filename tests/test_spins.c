/* Spins given the dual field: conditional draws against their exact moments. */
#include "models/single_site.h"
#include "models/spins.h"
#include "models_util.h"

#define CLAIM(text, function)            \
    {                                    \
        text, function, NULL, NULL, NULL \
    }

enum { N = 1000000 };

/* First two moments along the mean direction and the mean square of each transverse
 * component, over N sites in one field x. <c> = m(r), <c^2> = 1 - (n - 1) m(r)/r. Sums of
 * N bounded draws: z below 5.5. */
static void check_field(int n, const double *x, uint64_t number)
{
    const kad_rng rng = kad_rng_stream(3, KAD_RNG_SPINS, 0);
    double *field = kad_alloc((size_t)N * (size_t)n, sizeof *field);
    double *s = kad_alloc((size_t)N * (size_t)n, sizeof *s);
    double r = 0.0, sum = 0.0, square = 0.0, fourth = 0.0, across = 0.0, along = 0.0;
    assert_true(field && s);
    for (int a = 0; a < n; a++)
        r += x[a] * x[a];
    r = sqrt(r);
    for (int i = 0; i < N * n; i++)
        field[i] = x[i % n];
    kad_spins_draw(n, rng, number, N, field, s);
    for (int i = 0; i < N; i++) {
        const double *si = s + i * n;
        double c = 0.0, length = 0.0;
        for (int a = 0; a < n; a++) {
            c += si[a] * (r > 0 ? x[a] / r : a == 0);
            length += si[a] * si[a];
        }
        assert_close(length, 1.0, 1e-12);
        /* a transverse direction: perpendicular to x in the first two components */
        const double t = n > 1 && r > 0 ? (si[1] * x[0] - si[0] * x[1]) / r : 0.0;
        sum += c / N;
        square += c * c / N;
        fourth += c * c * c * c / N;
        across += t / N;
        along += t * c / N;
    }
    const double m = r > 0 ? kad_spin_mean(n, r) : 0.0;
    const double c2 = r > 0 ? 1.0 - (n - 1) * m / r : 1.0 / n;
    const double sd = sqrt(fmax(c2 - m * m, 1e-12) / N);
    assert_close(sum, m, 5.5 * sd + 1e-9);
    assert_close(square, c2, 5.5 * sqrt(fmax(fourth - square * square, 0) / N) + 1e-9);
    if (n > 1) {
        assert_close(across, 0.0, 5.5 / sqrt(N));
        assert_close(along, 0.0, 5.5 / sqrt(N));
    }
    kad_free(field);
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

/* A site's spin depends on the draw's number and the site only. */
static void draws_are_keyed(void **state)
{
    (void)state;
    const kad_rng rng = kad_rng_stream(3, KAD_RNG_SPINS, 0);
    double x[12], s[12], few[4], other[12];
    for (int i = 0; i < 12; i++)
        x[i] = sin(1.0 + i);
    kad_spins_draw(2, rng, 8, 6, x, s);
    kad_spins_draw(2, rng, 8, 2, x, few);
    kad_spins_draw(2, rng, 9, 6, x, other);
    assert_memory_equal(s, few, sizeof few);
    assert_true(memcmp(s, other, sizeof s) != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("spins: a million draws have their exact moments, n = 1, 2, 3",
              draws_have_their_moments),
        CLAIM("spins: conditional means are derivatives of ln w_n",
              means_are_derivatives),
        CLAIM("spins: means and coincident term of a field", means_of_a_field),
        CLAIM("spins: a draw is a function of its number and site", draws_are_keyed),
    };
    return cmocka_run_group_tests_name("spins", tests, NULL, NULL);
}

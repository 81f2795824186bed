/* Claims about random numbers: Philox as published, vectors equal to scalars, moments. */
#include "base/rng.h"
#include "tests/support/claim.h"

#include <stdalign.h>

/* philox4x32-10 of Random123's kat_vectors: counter, key, result. */
static const uint32_t known[3][10] = {
    {0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
    {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x408f276d,
     0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
    {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09,
     0x94fdcceb, 0x5001e420, 0x24126ea1}};

static void test_known_answers(void **state)
{
    (void)state;
    for (int k = 0; k < 3; k++) {
        const uint32_t *c = known[k];
        kad_rng rng = {{c[4], c[5]}};
        /* the words as base/rng.h lays them out */
        uint64_t sample = (uint64_t)(c[3] & 0xffff) << 32 | c[0];
        uint64_t step = (uint64_t)(c[3] >> 16) << 32 | c[2];
        uint32_t out[4];
        kad_rng_u32x4(rng, step, sample, c[1], out);
        assert_memory_equal(out, c + 6, sizeof out);
    }
}

static void test_streams(void **state)
{
    (void)state;
    kad_rng a = kad_rng_stream(1, KAD_RNG_TRAIN, 0),
            all[6] = {kad_rng_stream(1, KAD_RNG_TRAIN, 0),
                      kad_rng_stream(2, KAD_RNG_TRAIN, 0),
                      kad_rng_stream(1, KAD_RNG_DRAW, 0),
                      kad_rng_stream(1, KAD_RNG_TRAIN, 1),
                      kad_rng_stream((uint64_t)1 << 32 | 1, KAD_RNG_TRAIN, 0),
                      kad_rng_stream(0, KAD_RNG_TRAIN, 0)};
    assert_memory_equal(&a, &all[0], sizeof a);
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < i; j++)
            assert_memory_not_equal(&all[i], &all[j], sizeof a);
}

enum { LANES = 64, STRIDE = 80 };

/* Words behind the double at row j: 64 bits each, rows 2 and 3 from a second counter. */
static uint64_t word64(kad_rng rng, uint64_t step, uint64_t sample, uint32_t site, int j)
{
    uint32_t w[4];
    kad_rng_u32x4(rng, step, sample, site | (j > 1 ? 0x80000000u : 0), w);
    return (uint64_t)w[2 * (j & 1) + 1] << 32 | w[2 * (j & 1)];
}

static void compare_rows(kad_rng rng, uint64_t step, uint64_t first, uint32_t site,
                         size_t n_lanes)
{
    alignas(64) static float x[4 * STRIDE], z[4 * STRIDE];
    alignas(64) static double y[4 * STRIDE], v[4 * STRIDE];
    kad_rng_uniform_rows_f32(rng, step, first, site, n_lanes, STRIDE, x);
    kad_rng_uniform_rows_f64(rng, step, first, site, n_lanes, STRIDE, y);
    kad_rng_normal_rows_f32(rng, step, first, site, n_lanes, STRIDE, z);
    kad_rng_normal_rows_f64(rng, step, first, site, n_lanes, STRIDE, v);
    const double pi = 3.14159265358979323846;
    for (size_t l = 0; l < n_lanes; l++) {
        uint32_t w[4];
        kad_rng_u32x4(rng, step, first + l, site, w);
        for (int j = 0; j < 4; j++) {
            size_t at = (size_t)j * STRIDE + l;
            uint64_t w64 = word64(rng, step, first + l, site, j);
            assert_true(x[at] == ((float)(w[j] >> 9) + 0.5f) * 0x1p-23f);
            assert_true(y[at] == ((double)(w64 >> 12) + 0.5) * 0x1p-52);
            /* Box-Muller: pairs (0, 1) and (2, 3); the first word is the radius, the two
             * top bits of the second the quadrant around which the angle lies */
            int p = j & ~1;
            double r = sqrt(-2 * log(((double)(w[p] >> 1) + 0.5) * 0x1p-31));
            double a = pi / 2 * (w[p + 1] >> 30) +
                       pi / 2 * (double)(int32_t)(w[p + 1] << 2) * 0x1p-32;
            double expected = r * (j & 1 ? sin(a) : cos(a));
            if (!(fabs((double)z[at] - expected) <= 2e-6 * (1 + r)))
                fail_msg("lane %zu row %d: %g, not %g", l, j, (double)z[at], expected);
            uint64_t w1 = word64(rng, step, first + l, site, p);
            uint64_t w2 = word64(rng, step, first + l, site, p + 1);
            r = sqrt(-2 * log(((double)(w1 >> 12) + 0.5) * 0x1p-52));
            a = pi / 2 * (double)(w2 >> 62) +
                pi / 2 * (((double)(w2 << 2 >> 12) + 0.5) * 0x1p-52 - 0.5);
            expected = r * (j & 1 ? sin(a) : cos(a));
            if (!(fabs(v[at] - expected) <= 4e-15 * (1 + r)))
                fail_msg("lane %zu row %d: %g, not %g", l, j, v[at], expected);
        }
    }
}

/* The words themselves, and normals from one word a pair: 40 bits of radius, two of the
 * quadrant, 22 within it. */
static void compare_lean_rows(kad_rng rng, uint64_t step, uint64_t first, uint32_t site)
{
    alignas(64) static uint32_t word[4 * STRIDE];
    alignas(64) static double x[4 * STRIDE];
    const double pi = 3.14159265358979323846;
    kad_rng_word_rows(rng, step, first, site, LANES, STRIDE, word);
    kad_rng_lean_normal_rows_f64(rng, step, first, site, LANES, STRIDE, x);
    for (size_t l = 0; l < LANES; l++) {
        uint32_t w[4];
        kad_rng_u32x4(rng, step, first + l, site, w);
        for (size_t j = 0; j < 4; j++) {
            const size_t p = j & 2;
            const uint64_t pair = (uint64_t)w[p + 1] << 32 | w[p];
            const double r = sqrt(-2 * log(((double)(pair >> 24) + 0.5) * 0x1p-40));
            const double a = pi / 2 * (double)(pair >> 22 & 3) +
                             pi / 2 * (((double)(pair & 0x3fffff) + 0.5) * 0x1p-22 - 0.5);
            const double expected = r * (j & 1 ? sin(a) : cos(a));
            assert_int_equal(word[j * STRIDE + l], w[j]);
            if (!(fabs(x[j * STRIDE + l] - expected) <= 4e-15 * (1 + r)))
                fail_msg("lane %zu row %zu: %g, not %g", l, j, x[j * STRIDE + l],
                         expected);
        }
    }
}

static void test_vector_is_scalar(void **state)
{
    (void)state;
    for (uint32_t k = 0; k < 40; k++) {
        kad_rng rng = kad_rng_stream(k, KAD_RNG_TEST, k);
        compare_rows(rng, k * 77, 64 * k, k * 1000003u % (1u << 31), LANES);
        compare_lean_rows(rng, k * 77, 64 * k, k * 1000003u);
    }
    kad_rng rng = kad_rng_stream(7, KAD_RNG_TEST, 0);
    compare_rows(rng, 0xfffffffffff0, 0xffffffe8, 5, LANES); /* samples cross 2^32 */
    compare_lean_rows(rng, 0xfffffffffff0, 0xffffffe8, 5);
    compare_rows(rng, (uint64_t)1 << 32, (uint64_t)77 << 32, 5, 16);
}

/* Raw moments and the correlations that a bad generator would show. */
typedef struct sums {
    double n, m[8], neighbour, pair, squares;
} sums;

static void add(sums *s, double x, double before, double partner)
{
    double p = 1;
    s->n++;
    for (int k = 0; k < 8; k++)
        s->m[k] += p *= x;
    s->neighbour += x * before;
    s->pair += x * partner;
    s->squares += (x * x - 1) * (partner * partner - 1);
}

/* |z| < 6 for each of 11 statistics of four generators: false alarm 9e-8. The variance of
 * the k-th raw moment is E x^2k - (E x^k)^2. */
static void check_normal(const sums *s, const char *what)
{
    static const double even[9] = {1, 1, 3, 15, 105, 945, 10395, 135135, 2027025};
    for (int k = 1; k <= 8; k++) {
        double mean = k % 2 ? 0 : even[k / 2];
        double z = (s->m[k - 1] / s->n - mean) / sqrt((even[k] - mean * mean) / s->n);
        if (fabs(z) > 6) fail_msg("%s: moment %d is off by %.1f sigma", what, k, z);
    }
    double z = s->neighbour / sqrt(s->n);
    if (fabs(z) > 6) fail_msg("%s: neighbours correlate, %.1f sigma", what, z);
    z = s->pair / sqrt(s->n);
    if (fabs(z) > 6) fail_msg("%s: pairs correlate, %.1f sigma", what, z);
    z = s->squares / sqrt(4 * s->n);
    if (fabs(z) > 6) fail_msg("%s: squares of pairs correlate, %.1f sigma", what, z);
}

static void test_moments(void **state)
{
    (void)state;
    alignas(64) float x[4 * LANES];
    alignas(64) double y[4 * LANES];
    alignas(64) double z[4 * LANES];
    sums f = {0}, d = {0}, lean = {0};
    kad_rng rng = kad_rng_stream(42, KAD_RNG_TEST, 0);
    for (uint32_t k = 0; k < 8000; k++) {
        kad_rng_normal_rows_f32(rng, k / 64, 0, k % 64, LANES, LANES, x);
        kad_rng_normal_rows_f64(rng, k / 64, 0, k % 64, LANES, LANES, y);
        kad_rng_lean_normal_rows_f64(rng, k / 64, 0, k % 64, LANES, LANES, z);
        for (int i = 0; i < 4 * LANES; i += 2) {
            /* each value enters `pair` once: with its partner two rows on or back */
            int partner = (i + LANES) % (4 * LANES);
            add(&f, (double)x[i], (double)x[i + 1], (double)x[partner]);
            add(&d, y[i], y[i + 1], y[partner]);
            add(&lean, z[i], z[i + 1], z[partner]);
        }
    }
    check_normal(&f, "float rows");
    check_normal(&d, "double rows");
    check_normal(&lean, "lean rows");
}

static void test_scalars(void **state)
{
    (void)state;
    kad_rng rng = kad_rng_stream(43, KAD_RNG_TEST, 0);
    sums s = {0};
    double mean = 0, before = 0;
    enum { N = 200000 };
    for (uint64_t i = 0; i < N; i++) {
        double u = kad_rng_uniform(rng, 1, i, 0), z[2];
        assert_true(u > 0 && u < 1);
        mean += u - 0.5;
        kad_rng_normal2(rng, 2, i, 0, z);
        add(&s, z[0], before, z[1]);
        before = z[1];
    }
    assert_true(fabs(mean / sqrt(N / 12.0)) < 6);
    check_normal(&s, "scalar normals");
}

/* Ends of the range: all bits zero and all bits one stay inside (0, 1). The formulas of
 * rng_kern.c at those words, in the same arithmetic. */
static void test_open_interval(void **state)
{
    (void)state;
    float top = (float)(0xffffffffu >> 9) * 0x1p-23f + 0x1p-24f, bottom = 0x1p-24f;
    double dtop = ((double)(UINT64_MAX >> 12) + 0.5) * 0x1p-52;
    assert_true(top < 1 && bottom > 0 && dtop < 1);
}

/* Numbers of samples named one by one are those of rows. */
static void test_named_samples(void **state)
{
    (void)state;
    const kad_rng rng = kad_rng_stream(4, KAD_RNG_TEST, 2);
    _Alignas(64) double rows[4 * 64], some[4 * 16];
    uint64_t sample[16];
    const uint64_t first = ((uint64_t)1 << 33) + 5;
    kad_rng_uniform_rows_f64(rng, 77, first, 9, 64, 64, rows);
    for (uint64_t i = 0; i < 16; i++)
        sample[i] = first + i * 37 % 64;
    kad_rng_uniform_at_f64(rng, 77, sample, 9, 16, 16, some);
    for (uint64_t j = 0; j < 4; j++)
        for (uint64_t i = 0; i < 16; i++)
            assert_true(some[j * 16 + i] == rows[j * 64 + i * 37 % 64]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answers),    cmocka_unit_test(test_streams),
        cmocka_unit_test(test_vector_is_scalar), cmocka_unit_test(test_moments),
        cmocka_unit_test(test_scalars),          cmocka_unit_test(test_open_interval),
        cmocka_unit_test(test_named_samples),
    };
    return cmocka_run_group_tests_name("philox: matches the published known answers",
                                       tests, NULL, NULL);
}

/* Claims about the universal jump of the helicity modulus on made-up data whose T_KT is known. */
#include "analysis/jump.h"
#include "tests/support/analysis_util.h"

enum { TEMPERATURES = 8, BLOCKS = 100 };

typedef struct fixture {
    kad_ctx ctx;
    kad_scope scope;
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

static const double T_KT = 0.893;

/* beta Y of the XY model: J + A/(ln L + C) at T_KT, where it falls the faster the larger L. */
static double beta_y(double L, double t)
{
    const double ln = log(L) + 1.2;
    return 0.63650817819 + 0.318899454 / ln - (t - T_KT) * (1 + 0.3 * ln) -
           2 * (t - T_KT) * (t - T_KT);
}

/* Eight temperatures of one lattice. */
static void make_jump(fixture *f, double L, uint64_t repeat, double err, kad_sized *out)
{
    double t[TEMPERATURES];
    kad_replicas y;
    assert_ok(f, kad_replicas_take(&f->scope, TEMPERATURES, BLOCKS, &y));
    for (size_t k = 0; k < TEMPERATURES; k++) {
        double block[BLOCKS], mean = 0;
        t[k] = 0.82 + 0.03 * (double)k;
        for (size_t b = 0; b < BLOCKS; b++) {
            block[b] = beta_y(L, t[k]) +
                       err * sqrt(BLOCKS) *
                           test_normal(20 + (uint32_t)L, repeat, b * TEMPERATURES + k);
            mean += block[b] / BLOCKS;
        }
        y.value[k] = mean;
        for (size_t b = 0; b < BLOCKS; b++)
            y.replica[b * TEMPERATURES + k] = (BLOCKS * mean - block[b]) / (BLOCKS - 1);
    }
    out->size = L;
    assert_ok(f, kad_smooth_fit(&f->scope, t, &y, &out->curve));
}

/* Pairs find T_KT whatever C; each lattice alone meets 2/pi far above it, and more so the
 * smaller. */
static void test_jump(void **state)
{
    fixture *f = *state;
    kad_sized curve[3];
    kad_crossing at, meets[2];
    for (size_t s = 0; s < 3; s++)
        make_jump(f, 4 << s, 0, 1e-8, &curve[s]);
    for (size_t s = 0; s < 2; s++) {
        assert_ok(f, kad_jump_pair(&f->scope, &curve[s], &curve[s + 1], &at));
        assert_true(at.found);
        assert_close(at.of.value[KAD_CROSSING_AT], T_KT, 1e-5);
        assert_close(at.of.value[KAD_CROSSING_VALUE], beta_y(8 << s, T_KT), 1e-5);
        assert_ok(f, kad_jump_meet(&f->scope, &curve[s + 1], &meets[s]));
        assert_true(meets[s].found);
    }
    const double *first = meets[0].of.value, *second = meets[1].of.value;
    assert_true(second[KAD_CROSSING_AT] > T_KT + 0.02);
    assert_true(first[KAD_CROSSING_AT] > second[KAD_CROSSING_AT]);
    curve[1].curve.hi = 0.88; /* both are known below T_KT only */
    assert_ok(f, kad_jump_pair(&f->scope, &curve[1], &curve[2], &at));
    assert_false(at.found);
}

static void test_errors_of_jump(void **state)
{
    enum { REPEATS = 100 };
    fixture *f = *state;
    double sum = 0, square = 0;
    for (uint64_t r = 0; r < REPEATS; r++) {
        kad_sized curve[2];
        kad_crossing at;
        for (size_t s = 0; s < 2; s++)
            make_jump(f, 8 << s, 1 + r, 1e-3, &curve[s]);
        assert_ok(f, kad_jump_pair(&f->scope, &curve[0], &curve[1], &at));
        assert_true(at.found);
        const kad_estimate e = kad_replicas_estimate(&at.of, KAD_CROSSING_AT);
        const double pull = (e.value - T_KT) / e.err;
        sum += pull / REPEATS;
        square += pull * pull / REPEATS;
    }
    /* a hundred repeats: the mean to 0.1, the square to 0.14 */
    if (fabs(sum) > 0.4 || square < 0.6 || square > 1.6)
        fail_msg("mean %g, square %g", sum, square);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_jump),
        TEST(test_errors_of_jump),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

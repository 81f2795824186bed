/* Claims about the vector functions: errors as base/vmath.h and base/vtrig.h document
 * them, limits and NaN too. Compiled for each precision with the kernels' flags and
 * without. */
#include "base/real.h"
#include "base/vtrig.h"
#include "tests/support/claim.h"

typedef long double wide;

#if KAD_PREC == 32
enum { MANTISSA = 23, MIN_EXPONENT = -126 };
#define PICK(single, twice) (single)
#define INF __builtin_inff()
#define NOT_A_NUMBER __builtin_nanf("")
#define TINY 0x1p-149f
#define HUGE_FINITE 3.4028235e38f
#else
enum { MANTISSA = 52, MIN_EXPONENT = -1022 };
#define PICK(single, twice) (twice)
#define INF __builtin_inf()
#define NOT_A_NUMBER __builtin_nan("")
#define TINY 0x1p-1074
#define HUGE_FINITE 1.7976931348623157e308
#endif

/* Functions through a uniform, non-inlined interface. */
#define WRAP(name)                                  \
    static void call_##name(const real *x, real *y) \
    {                                               \
        vreal v;                                    \
        memcpy(&v, x, sizeof v);                    \
        v = kad_v##name(v);                         \
        memcpy(y, &v, sizeof v);                    \
    }
WRAP(exp)
WRAP(exp_fast)
WRAP(expm1)
WRAP(log)
WRAP(log_normal)
WRAP(log1p)
WRAP(tanh)
WRAP(tanh_fast)
WRAP(recip)
WRAP(sigmoid)
WRAP(softplus)
WRAP(elu_lifted)
WRAP(sin)
WRAP(cos)
WRAP(sqrt)

static wide ref_sigmoid(wide x)
{
    return 1 / (1 + expl(-x));
}

static wide ref_softplus(wide x)
{
    return x > 0 ? x + log1pl(expl(-x)) : log1pl(expl(x));
}

static wide ref_recip(wide x)
{
    return 1 / x;
}

/* s (elu(x) + 1) of s (x + 1), s = log2 e */
static wide ref_elu_lifted(wide a)
{
    const wide s = 1.44269504088896340735992468100189214L;
    return a > s ? a : s * expl(a / s - 1);
}

typedef void vector_call(const real *x, real *y);
typedef wide reference(wide x);

/* Distance between neighbouring numbers at y. */
static wide ulp(wide y)
{
    int e = y == 0 ? MIN_EXPONENT : ilogbl(y);
    if (e < MIN_EXPONENT) e = MIN_EXPONENT;
    return ldexpl(1, e - MANTISSA);
}

typedef struct claim {
    const char *name;
    vector_call *call;
    reference *truth;
    real lo, hi;
    bool geometric;         /* points spread over the magnitudes */
    double ulps;            /* largest error in units of the result's last place, or */
    double absolute, slope; /* |error| <= absolute, or relative <= absolute + slope |x| */
} claim;

static const claim claims[] = {
    {"exp", call_exp, expl, PICK(-87.3f, -708.3), PICK(88.72f, 709.78), false, 2, 0, 0},
    {"exp", call_exp, expl, PICK(-1.f, -1.), PICK(1.f, 1.), false, 2, 0, 0},
    {"exp, subnormal results", call_exp, expl, PICK(-104.f, -745.), PICK(-87.f, -708.),
     false, 2, 0, 0},
    {"exp_fast", call_exp_fast, expl, -20, 20, false, 0, PICK(2e-7, 4.5e-16),
     PICK(7.5e-8, 0)},
    {"exp_fast", call_exp_fast, expl, PICK(-87.f, -700.), PICK(88.f, 700.), false, 0,
     PICK(2e-7, 4.5e-16), PICK(7.5e-8, 0)},
    {"expm1", call_expm1, expm1l, PICK(-104.f, -745.), PICK(88.72f, 709.78), false, 3, 0,
     0},
    {"expm1, small", call_expm1, expm1l, PICK(1e-30f, 1e-300), 1, true, 3, 0, 0},
    {"log", call_log, logl, TINY, HUGE_FINITE, true, 2, 0, 0},
    {"log near 1", call_log, logl, PICK(.5f, .5), 2, false, 2, 0, 0},
    {"log_normal", call_log_normal, logl, PICK(1e-37f, 1e-307), 1, true, 2, 0, 0},
    {"log1p", call_log1p, log1pl, PICK(1e-37f, 1e-307), PICK(1e37f, 1e307), true, 4, 0,
     0},
    {"log1p", call_log1p, log1pl, PICK(-.999f, -.999), 1, false, 4, 0, 0},
    {"tanh", call_tanh, tanhl, -12, 12, false, 4, 0, 0},
    {"tanh, small", call_tanh, tanhl, PICK(1e-37f, 1e-307), 1, true, 4, 0, 0},
    {"tanh_fast", call_tanh_fast, tanhl, -50, 50, false, 0, PICK(5e-7, 1e-15), -1},
    {"recip", call_recip, ref_recip, PICK(1e-37f, 1e-307), PICK(1e37f, 1e307), true, 2, 0,
     0},
    {"sigmoid", call_sigmoid, ref_sigmoid, PICK(-86.f, -700.), PICK(86.f, 700.), false, 4,
     0, 0},
    {"softplus", call_softplus, ref_softplus, PICK(-86.f, -700.), PICK(86.f, 700.), false,
     4, 0, 0},
    {"elu, lifted", call_elu_lifted, ref_elu_lifted, -30, 30, false, 0,
     PICK(2.9e-7, 5.8e-16), -1},
    {"elu, lifted, at its kink", call_elu_lifted, ref_elu_lifted, PICK(1.44f, 1.44),
     PICK(1.445f, 1.445), false, 0, PICK(2.9e-7, 5.8e-16), -1},
    {"sin", call_sin, sinl, -10000, 10000, false, 0, PICK(1.5e-7, 2.5e-16), -1},
    {"cos", call_cos, cosl, -10000, 10000, false, 0, PICK(1.5e-7, 2.5e-16), -1},
    {"sin", call_sin, sinl, -7, 7, false, 0, PICK(1.5e-7, 2.5e-16), -1},
    {"cos", call_cos, cosl, -7, 7, false, 0, PICK(1.5e-7, 2.5e-16), -1},
    {"sqrt", call_sqrt, sqrtl, TINY, HUGE_FINITE, true, 0.5000001, 0, 0},
};

enum { POINTS = 1 << 17 };

/* A low-discrepancy number on (0, 1): sweeps are even and never the same binary grid. */
static double spread(size_t i)
{
    double u = 0.5 + 0.61803398874989484820 * (double)i;
    return u - floor(u);
}

static real point(const claim *c, size_t i)
{
    double u = spread(i);
    if (!c->geometric) return (real)((double)c->lo + u * (double)(c->hi - c->lo));
    wide x = expl(logl((wide)c->lo) + (wide)u * (logl((wide)c->hi) - logl((wide)c->lo)));
    return x > (wide)c->hi ? c->hi : (real)x;
}

/* The error of one point in units of what is allowed. */
static double excess(const claim *c, real x, real y)
{
    wide truth = c->truth((wide)x), error = fabsl((wide)y - truth);
    if (c->ulps > 0) return (double)(error / (ulp(truth) * (wide)c->ulps));
    if (c->slope < 0)
        return (double)(error / ((wide)c->absolute + (x > 0 ? ulp(truth) : 0)));
    wide allowed = (wide)c->absolute + (wide)c->slope * fabsl((wide)x);
    return (double)(error / (allowed * fabsl(truth)));
}

static void test_errors(void **state)
{
    (void)state;
    int broken = 0;
    for (size_t k = 0; k < sizeof claims / sizeof *claims; k++) {
        const claim *c = &claims[k];
        double worst = 0;
        real where = 0;
        for (size_t i = 0; i < POINTS; i += KAD_V) {
            real x[KAD_V], y[KAD_V];
            for (size_t l = 0; l < KAD_V; l++)
                x[l] = point(c, i + l);
            c->call(x, y);
            for (size_t l = 0; l < KAD_V; l++) {
                double e = excess(c, x[l], y[l]);
                if (e > worst || isnan(e)) {
                    worst = isnan(e) ? 1e300 : e;
                    where = x[l];
                }
            }
        }
        print_message("# %-24s largest error %.3g of what is allowed, at %.9g\n", c->name,
                      worst, (double)where);
        broken += worst > 1;
    }
    assert_int_equal(broken, 0);
}

typedef struct limit {
    vector_call *call;
    real x, y;
} limit;

static const limit limits[] = {
    {call_exp, 0, 1},
    {call_exp, INF, INF},
    {call_exp, -INF, 0},
    {call_exp, HUGE_FINITE, INF},
    {call_exp, -HUGE_FINITE, 0},
    {call_exp_fast, 0, 1},
    {call_exp_fast, INF, INF},
    {call_exp_fast, -INF, 0},
    {call_exp_fast, HUGE_FINITE, INF},
    {call_exp_fast, -HUGE_FINITE, 0},
    {call_expm1, 0, 0},
    {call_expm1, INF, INF},
    {call_expm1, -INF, -1},
    {call_expm1, HUGE_FINITE, INF},
    {call_expm1, -HUGE_FINITE, -1},
    {call_log, 1, 0},
    {call_log, 0, -INF},
    {call_log, INF, INF},
    {call_log1p, 0, 0},
    {call_log1p, -1, -INF},
    {call_log1p, INF, INF},
    {call_tanh, 0, 0},
    {call_tanh, INF, 1},
    {call_tanh, -INF, -1},
    {call_tanh, HUGE_FINITE, 1},
    {call_tanh, -HUGE_FINITE, -1},
    {call_sigmoid, 0, PICK(0.5f, 0.5)},
    {call_sigmoid, INF, 1},
    {call_sigmoid, -INF, 0},
    {call_sigmoid, HUGE_FINITE, 1},
    {call_sigmoid, -HUGE_FINITE, 0},
    {call_softplus, INF, INF},
    {call_softplus, -INF, 0},
    {call_softplus, HUGE_FINITE, HUGE_FINITE},
    {call_softplus, -HUGE_FINITE, 0},
    {call_tanh_fast, INF, 1},
    {call_tanh_fast, -INF, -1},
    {call_tanh_fast, HUGE_FINITE, 1},
    {call_tanh_fast, -HUGE_FINITE, -1},
    {call_elu_lifted, KAD_VLIFT, KAD_VLIFT},
    {call_elu_lifted, INF, INF},
    {call_elu_lifted, -INF, 0},
    {call_elu_lifted, HUGE_FINITE, HUGE_FINITE},
    {call_elu_lifted, -HUGE_FINITE, 0},
    {call_sin, 0, 0},
    {call_cos, 0, 1},
    {call_sqrt, 0, 0},
    {call_sqrt, INF, INF},
};

static real one(vector_call *call, real argument)
{
    real x[KAD_V], y[KAD_V];
    for (int i = 0; i < KAD_V; i++)
        x[i] = argument;
    call(x, y);
    for (int i = 1; i < KAD_V; i++)
        if (memcmp(&y[i], &y[0], sizeof y[0]) != 0) fail_msg("lanes differ");
    return y[0];
}

static void test_limits(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof limits / sizeof *limits; k++) {
        real y = one(limits[k].call, limits[k].x);
        if (!(y == limits[k].y))
            fail_msg("case %zu: f(%g) = %g, not %g", k, (double)limits[k].x, (double)y,
                     (double)limits[k].y);
    }
    static vector_call *const all[] = {
        call_exp,  call_exp_fast,  call_expm1,   call_log,      call_log1p,
        call_tanh, call_tanh_fast, call_sigmoid, call_softplus, call_elu_lifted,
        call_sin,  call_cos,       call_sqrt};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        if (!isnan(one(all[k], NOT_A_NUMBER))) fail_msg("function %zu loses NaN", k);
    assert_true(isnan(one(call_log, -1)));
    assert_true(isnan(one(call_log, -INF)));
    assert_true(isnan(one(call_log1p, -2)));
    assert_true(isnan(one(call_sqrt, -1)));
    assert_true(isnan(one(call_sin, INF)));
    assert_true(isnan(one(call_cos, -INF)));
}

static void test_odd(void **state)
{
    (void)state;
    for (size_t i = 0; i < 20000; i++) {
        real x = (real)exp(80 * (spread(i) - 0.8)), plus = one(call_tanh, x);
        assert_true(one(call_tanh, -x) == -plus);
    }
    assert_true(signbit(one(call_tanh, PICK(-0.0f, -0.0))));
}

static void test_elu_gradient(void **state)
{
    (void)state;
    for (size_t i = 0; i < 20000; i++) {
        const vreal y = kad_velu_lifted(kad_vset((real)(40 * (spread(i) - 0.5))));
        const vreal d = kad_velu_lifted_grad(y);
        assert_true(d[0] == (y[0] > KAD_VLIFT ? KAD_VLIFT : y[0]));
    }
    assert_true(isnan(kad_velu_lifted_grad(kad_vset(NOT_A_NUMBER))[0]));
}

/* A full turn in steps that float holds exactly, against the exact quadrants. */
static void test_turn(void **state)
{
    (void)state;
    for (int k = -64; k <= 64; k++) {
        vreal s, c;
        kad_vsincos_2pi(kad_vset((real)k / 16), &s, &c);
        wide angle = 2 * 3.14159265358979323846264338327950288L * (wide)k / 16;
        assert_true(fabsl((wide)s[0] - sinl(angle)) < PICK(1.5e-7L, 2.5e-16L));
        assert_true(fabsl((wide)c[0] - cosl(angle)) < PICK(1.5e-7L, 2.5e-16L));
        if (k % 8 == 0) assert_true(s[0] == 0);
        if (k % 8 == 4 || k % 8 == -4) assert_true(c[0] == 0);
    }
}

static void test_helpers(void **state)
{
    (void)state;
    vreal a = kad_vset(2), b = kad_vset(-3), nan = kad_vset(NOT_A_NUMBER);
    assert_true(kad_vmax(a, b)[0] == 2 && kad_vmin(a, b)[0] == -3);
    assert_true(isnan(kad_vmax(a, nan)[0]) && kad_vmax(nan, a)[0] == 2);
    assert_true(isnan(kad_vmin(a, nan)[0]) && kad_vmin(nan, a)[0] == 2);
    assert_true(kad_vabs(b)[0] == 3 && kad_vcopysign(a, b)[0] == -2);
    assert_true(kad_vselect(kad_vlt(b, a), a, b)[0] == 2);
    assert_true(kad_vselect(kad_vgt(b, a), a, b)[0] == -3);
    assert_true(kad_vselect(kad_vlt(nan, a), a, b)[0] == -3);
    assert_true(kad_vround(kad_vset(PICK(2.5f, 2.5)))[0] == 2);
    assert_true(kad_vround(kad_vset(PICK(-1.7f, -1.7)))[0] == -2);
    assert_true(kad_vldexp(kad_vset(PICK(1.5f, 1.5)), kad_vset(-3))[0] ==
                PICK(0.1875f, 0.1875));
    vreal ramp;
    for (int i = 0; i < KAD_V; i++)
        ramp[i] = (real)i;
    assert_true(kad_vsum(ramp) == (real)(KAD_V * (KAD_V - 1) / 2));
    vreal rows[KAD_V];
    for (int l = 0; l < KAD_V; l++)
        rows[l] = ramp * (real)(l + 1) + (real)(l * l);
    const vreal sums = kad_vsums(rows);
    for (int l = 0; l < KAD_V; l++)
        assert_true(sums[l] == kad_vsum(rows[l]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors), cmocka_unit_test(test_limits),
        cmocka_unit_test(test_odd),    cmocka_unit_test(test_elu_gradient),
        cmocka_unit_test(test_turn),   cmocka_unit_test(test_helpers),
    };
    return cmocka_run_group_tests_name("vmath: errors and limits are as documented",
                                       tests, NULL, NULL);
}

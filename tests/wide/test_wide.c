/* Products on columns. */
#include "wide/wide.h"

#include "base/memory.h"
#include "base/rng.h"
#include "tests/support/claim.h"

enum { PANELS = 3 };

/* Sizes at the edges of blocks, and those of nets. */
static const int sizes[][2] = {{1, 1},  {5, 7},   {6, 16},   {7, 17},   {12, 3},
                               {13, 9}, {64, 64}, {67, 113}, {96, 100}, {192, 192}};
#define N_SIZES (sizeof sizes / sizeof sizes[0])

static double uniform(uint64_t i, uint32_t what)
{
    return 2 * kad_rng_uniform(kad_rng_stream(5, KAD_RNG_TEST, what), 0, i, 0) - 1;
}

static double *numbers(size_t n, uint32_t what)
{
    double *x = kad_alloc(n, sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = uniform(i, what);
    return x;
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

/* The same claims in both precisions; EPS: of the precision, W: its lanes. */
#define CLAIMS(real, suffix, W, EPS)                                                        \
    static real *copy##suffix(size_t n, const double *x)                                    \
    {                                                                                       \
        real *y = kad_alloc(n, sizeof *y);                                                  \
        for (size_t i = 0; i < n; i++)                                                      \
            y[i] = (real)x[i];                                                              \
        return y;                                                                           \
    }                                                                                       \
                                                                                            \
    /* |rounding| <= (n_in + 8) eps sum |w x|, and |w|, |x| <= 1; the activations have a  \
     * relative error of some eps more, and slopes of at most 1.1 (twice that for d) */ \
    static void applies##suffix(void **state)                                               \
    {                                                                                       \
        (void)state;                                                                        \
        for (size_t k = 0; k < N_SIZES; k++)                                                \
            for (int finish = KAD_WIDE_PLAIN; finish <= KAD_WIDE_ADJOINT_ADD;               \
                 finish++) {                                                                \
                const int n_out = sizes[k][0], n_in = sizes[k][1], x_rows = n_in + 2;       \
                const size_t n_y = (size_t)PANELS * (size_t)(n_out + 1) * W,                \
                             n_x = (size_t)PANELS * (size_t)x_rows * W;                     \
                double *w = numbers((size_t)n_out * (size_t)n_in, 0);                       \
                double *xs = numbers(n_x, 1), *ys = numbers(n_y, 2);                        \
                double *bs = numbers((size_t)n_out, 3), *ds = numbers(n_y, 4);              \
                real *x = copy##suffix(n_x, xs), *y = copy##suffix(n_y, ys);                \
                real *d = copy##suffix(n_y, ds), *s = copy##suffix(n_y, ds);                \
                real *b = copy##suffix((size_t)n_out, bs);                                  \
                real *packed = kad_alloc((size_t)n_out * (size_t)n_in, sizeof *packed);     \
                for (int h = 0; h < 2; h++) /* in two halves */                             \
                    kad_wide_pack##suffix(n_out, h ? n_in - n_in / 2 : n_in / 2,            \
                                          w + (h ? n_in / 2 * n_out : 0), 1,                \
                                          (size_t)n_out, h ? n_in / 2 : 0, n_in,            \
                                          packed);                                          \
                /* slopes, and old rows elsewhere, or neither */                            \
                const bool more = k % 2 == 1;                                               \
                double *olds = numbers(n_y, more ? 5 : 2),                                  \
                       *ks = numbers((size_t)n_out, 6);                                     \
                real *old = copy##suffix(n_y, olds),                                        \
                     *slopes = copy##suffix((size_t)n_out, ks);                             \
                const kad_wide_output##suffix out = {.y = y,                                \
                                                     .s = s,                                \
                                                     .d = d,                                \
                                                     .y_rows = n_out + 1,                   \
                                                     .s_rows = n_out + 1,                   \
                                                     .d_rows = n_out + 1,                   \
                                                     .old = more ? old : NULL,              \
                                                     .slope = more ? slopes : NULL};        \
                kad_wide_apply##suffix((kad_wide_finish)finish, n_out, n_in, packed, b,     \
                                       PANELS, x, x_rows, &out);                            \
                const double most = (n_in + 8) * (n_in + 8) * EPS;                          \
                for (int p = 0; p < PANELS; p++)                                            \
                    for (int o = 0; o < n_out; o++)                                         \
                        for (int l = 0; l < W; l++) {                                       \
                            const size_t at =                                               \
                                (size_t)(p * (n_out + 1) + o) * W + (size_t)l;              \
                            double a = bs[o];                                               \
                            for (int i = 0; i < n_in; i++)                                  \
                                a += w[i * n_out + o] * xs[(p * x_rows + i) * W + l];       \
                            const double was = ys[at], slope = ds[at];                      \
                            if (finish == KAD_WIDE_ADD) a += was;                           \
                            if (finish == KAD_WIDE_SUM || finish == KAD_WIDE_RESIDUE)       \
                                a += olds[at];                                              \
                            if (finish == KAD_WIDE_ADJOINT) a *= slope;                     \
                            if (finish == KAD_WIDE_ADJOINT_ADD) a = was + a * slope;        \
                            assert_close((double)y[at], a, most);                           \
                            if (finish != KAD_WIDE_SWISH && finish != KAD_WIDE_RESIDUE)     \
                                continue;                                                   \
                            const double b1 = more ? ks[o] : 1, g = sigmoid(b1 * a);        \
                            assert_close((double)s[at], a *g, 2 * most);                    \
                            assert_close((double)d[at], g *(1 + b1 * a * (1 - g)),          \
                                         4 * most);                                         \
                        }                                                                   \
                kad_free(w), kad_free(xs), kad_free(ys), kad_free(bs), kad_free(ds);        \
                kad_free(x), kad_free(y), kad_free(d), kad_free(s), kad_free(b);            \
                kad_free(packed), kad_free(olds), kad_free(ks), kad_free(old);              \
                kad_free(slopes);                                                           \
            }                                                                               \
    }                                                                                       \
                                                                                            \
    static void gradients##suffix(void **state)                                             \
    {                                                                                       \
        (void)state;                                                                        \
        for (size_t k = 0; k < N_SIZES; k++) {                                              \
            const int n_out = sizes[k][0], n_in = sizes[k][1];                              \
            const size_t stride = (size_t)kad_wide_padded(n_in);                            \
            const size_t n_y = (size_t)PANELS * (size_t)n_out * W,                          \
                         n_x = (size_t)PANELS * (size_t)n_in * W;                           \
            double *xs = numbers(n_x, 1), *ys = numbers(n_y, 2);                            \
            real *x = copy##suffix(n_x, xs), *dy = copy##suffix(n_y, ys);                   \
            real *xt = kad_alloc((size_t)PANELS * W * stride, sizeof *xt);                  \
            real *again = kad_alloc(n_x, sizeof *again);                                    \
            real *dw = kad_alloc((size_t)n_out * stride, sizeof *dw);                       \
            real *db = kad_alloc((size_t)n_out, sizeof *db);                                \
            kad_wide_turn##suffix(n_in, PANELS, x, n_in, xt);                               \
            kad_wide_unturn##suffix(n_in, PANELS, xt, again, n_in);                         \
            assert_memory_equal(x, again, n_x * sizeof *x);                                 \
            kad_wide_outer##suffix(n_out, n_in, PANELS, dy, n_out, xt, stride, dw);         \
            kad_wide_sums##suffix(n_out, PANELS, dy, n_out, db);                            \
            const double n = PANELS * W, most = n * n * EPS;                                \
            for (int o = 0; o < n_out; o++) {                                               \
                double bias = 0;                                                            \
                for (int i = 0; i < (int)stride; i++) {                                     \
                    double sum = 0;                                                         \
                    for (int p = 0; p < PANELS && i < n_in; p++)                            \
                        for (int l = 0; l < W; l++)                                         \
                            sum += ys[(p * n_out + o) * W + l] *                            \
                                   xs[(p * n_in + i) * W + l];                              \
                    assert_close((double)dw[(size_t)o * stride + (size_t)i], sum, most);    \
                }                                                                           \
                for (int p = 0; p < PANELS; p++)                                            \
                    for (int l = 0; l < W; l++)                                             \
                        bias += ys[(p * n_out + o) * W + l];                                \
                assert_close((double)db[o], bias, most);                                    \
            }                                                                               \
            kad_free(xs), kad_free(ys), kad_free(x), kad_free(dy), kad_free(xt);            \
            kad_free(again), kad_free(dw), kad_free(db);                                    \
        }                                                                                   \
    }                                                                                       \
                                                                                            \
    static void transposes##suffix(void **state)                                            \
    {                                                                                       \
        (void)state;                                                                        \
        enum { ROWS = 48, COLS = 80, APART = 96 };                                          \
        double *xs = numbers(ROWS * APART, 1);                                              \
        real *x = copy##suffix(ROWS * APART, xs);                                           \
        real *to = kad_alloc(COLS * ROWS, sizeof *to);                                      \
        kad_wide_transpose##suffix(ROWS, COLS, x, APART, to, ROWS);                         \
        for (int i = 0; i < ROWS; i++)                                                      \
            for (int j = 0; j < COLS; j++)                                                  \
                assert_true(to[j * ROWS + i] == x[i * APART + j]);                          \
        kad_free(xs), kad_free(x), kad_free(to);                                            \
    }                                                                                       \
                                                                                            \
    /* Columns in another order, among others and in fewer panels: the same bits. */        \
    static void columns##suffix(void **state)                                               \
    {                                                                                       \
        (void)state;                                                                        \
        for (size_t k = 0; k < N_SIZES; k++) {                                              \
            const int n_out = sizes[k][0], n_in = sizes[k][1];                              \
            const size_t n_y = (size_t)PANELS * (size_t)n_out * W,                          \
                         n_x = (size_t)PANELS * (size_t)n_in * W;                           \
            double *w = numbers((size_t)n_out * (size_t)n_in, 0);                           \
            double *xs = numbers(n_x, 1);                                                   \
            real *x = copy##suffix(n_x, xs), *y = kad_alloc(n_y, sizeof *y);                \
            real *d = kad_alloc(n_y, sizeof *d);                                            \
            real *one = kad_alloc((size_t)n_in * W, sizeof *one);                           \
            real *s = kad_alloc((size_t)n_out * W, sizeof *s);                              \
            real *packed = kad_alloc((size_t)n_out * (size_t)n_in, sizeof *packed);         \
            kad_wide_pack##suffix(n_out, n_in, w, (size_t)n_in, 1, 0, n_in, packed);        \
            const kad_wide_output##suffix out = {.s = y, .s_rows = n_out};                  \
            const kad_wide_output##suffix alone = {.s = s, .s_rows = n_out};                \
            kad_wide_apply##suffix(KAD_WIDE_SWISH, n_out, n_in, packed, NULL, PANELS, x,    \
                                   n_in, &out);                                             \
            for (int c = 0; c < PANELS * W;                                                 \
                 c += 5) { /* column c alone, at lane c / 5 */                              \
                const int p = c / W, l = c % W, lane = c / 5 % W;                           \
                for (int i = 0; i < n_in; i++)                                              \
                    one[i * W + lane] = x[(p * n_in + i) * W + l];                          \
                kad_wide_apply##suffix(KAD_WIDE_SWISH, n_out, n_in, packed, NULL, 1,        \
                                       one, n_in, &alone);                                  \
                for (int o = 0; o < n_out; o++)                                             \
                    assert_memory_equal(&s[o * W + lane], &y[(p * n_out + o) * W + l],      \
                                        sizeof *s);                                         \
            }                                                                               \
            kad_free(w), kad_free(xs), kad_free(x), kad_free(y), kad_free(d);               \
            kad_free(one), kad_free(s), kad_free(packed);                                   \
        }                                                                                   \
    }

CLAIMS(float, _f32, KAD_W_SINGLE, 0x1p-23)
CLAIMS(double, _f64, KAD_W_DOUBLE, 0x1p-52)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("wide: layers are what their formulas say, in single precision",
              applies_f32),
        CLAIM("wide: layers are what their formulas say, in double precision",
              applies_f64),
        CLAIM("wide: gradients of weights and biases are sums over columns (single)",
              gradients_f32),
        CLAIM("wide: gradients of weights and biases are sums over columns (double)",
              gradients_f64),
        CLAIM("wide: transposes are what they say (single)", transposes_f32),
        CLAIM("wide: transposes are what they say (double)", transposes_f64),
        CLAIM("wide: a column's result does not depend on its neighbours (single)",
              columns_f32),
        CLAIM("wide: a column's result does not depend on its neighbours (double)",
              columns_f64),
    };
    return cmocka_run_group_tests_name("wide", tests, NULL, NULL);
}

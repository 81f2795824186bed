/* Products in bfloat16 on columns: against sums that are written out, with and without the
 * processor's tiles. */
#include "wide/bfloat.h"

#include "base/memory.h"
#include "base/rng.h"
#include "tests/support/claim.h"

#include <math.h>
#include <string.h>

enum { PANELS = 3, W = KAD_W_SINGLE };

static const int sizes[][2] = {{1, 1},   {5, 7},   {16, 32},  {17, 33},
                               {32, 64}, {64, 64}, {67, 113}, {96, 100}};
#define N_SIZES (sizeof sizes / sizeof sizes[0])

static double uniform(size_t i, uint32_t what)
{
    return 2 * kad_rng_uniform(kad_rng_stream(5, KAD_RNG_TEST, what), 0, i, 0) - 1;
}

/* Values of all sizes between 2^-40 and 2^40 times at most `most`. */
static float value(size_t i, uint32_t what)
{
    return (float)ldexp(uniform(i, what), (int)(80 * uniform(i, what + 100)) / 2);
}

/* To nearest with 8 significant bits, ties to even: by the exponent, in double. */
static float rounded(float x)
{
    if (x == 0 || fabsf(x) < 0x1p-126f || !isfinite(x)) return isfinite(x) ? 0 * x : x;
    int e;
    const double m = frexp((double)x, &e);
    return (float)ldexp(nearbyint(ldexp(m, 8)), e - 8);
}

/* The sum that the header promises, of w[i sw] x[i sx]. */
static float sum_of(int n, float start, const float *w, size_t sw, const float *x,
                    size_t sx)
{
    float c = start;
    for (int k = 0; k < n; k += KAD_BFLOAT_DEPTH) {
        float part[2] = {0, 0};
        for (int i = k; i < k + KAD_BFLOAT_DEPTH && i < n; i++)
            part[i % 2] =
                fmaf(rounded(w[(size_t)i * sw]), rounded(x[(size_t)i * sx]), part[i % 2]);
        c += part[0] + part[1];
    }
    return c;
}

typedef struct layer {
    int n_out, n_in;
    double *w;
    float *single, *x, *bias, *y;
    kad_bfloat *packed;
    void *scratch;
} layer;

static layer layer_of(int n_out, int n_in)
{
    const size_t n_w = (size_t)n_out * (size_t)n_in, n_x = (size_t)(PANELS * n_in) * W,
                 packed = kad_bfloat_packed(n_out, n_in);
    layer l = {.n_out = n_out, .n_in = n_in};
    l.w = kad_alloc(n_w, sizeof *l.w);
    l.single = kad_alloc(n_w, sizeof *l.single);
    l.x = kad_alloc(n_x, sizeof *l.x);
    l.bias = kad_alloc((size_t)n_out, sizeof *l.bias);
    l.y = kad_alloc((size_t)(PANELS * n_out) * W, sizeof *l.y);
    l.packed = kad_alloc(packed, sizeof *l.packed);
    l.scratch = kad_alloc(kad_bfloat_apply_bytes(n_in), 1);
    memset(l.packed, 0, packed * sizeof *l.packed);
    for (size_t i = 0; i < n_w; i++)
        l.w[i] = (double)(l.single[i] = value(i, 1));
    for (size_t i = 0; i < n_x; i++)
        l.x[i] = value(i, 2);
    for (int i = 0; i < n_out; i++)
        l.bias[i] = value((size_t)i, 3);
    const int half = n_in / 2; /* in two parts */
    kad_bfloat_pack(n_out, half, l.w, (size_t)n_in, 1, 0, n_in, l.packed);
    kad_bfloat_pack(n_out, n_in - half, l.w + half, (size_t)n_in, 1, half, n_in,
                    l.packed);
    return l;
}

static void layer_free(layer *l)
{
    kad_free(l->w), kad_free(l->single), kad_free(l->x), kad_free(l->bias),
        kad_free(l->y);
    kad_free(l->packed), kad_free(l->scratch);
}

static void apply(const layer *l, kad_wide_finish finish, int n_panels, const float *x,
                  const kad_wide_output_f32 *out)
{
    kad_bfloat_apply(finish, l->n_out, l->n_in, l->packed, l->bias, n_panels, x, l->n_in,
                     out, l->scratch);
}

/* As the tiles do and as vectors do. */
static void sums(void **state)
{
    (void)state;
    for (int tiles = 0; tiles < 2; tiles++)
        for (size_t k = 0; k < N_SIZES; k++) {
            layer l = layer_of(sizes[k][0], sizes[k][1]);
            const kad_wide_output_f32 out = {.y = l.y, .y_rows = l.n_out};
            kad_bfloat_use_tiles(tiles);
            apply(&l, KAD_WIDE_PLAIN, PANELS, l.x, &out);
            for (int p = 0; p < PANELS; p++)
                for (int o = 0; o < l.n_out; o++)
                    for (int c = 0; c < W; c++) {
                        const float want = sum_of(l.n_in, 0, l.single + o * l.n_in, 1,
                                                  l.x + p * l.n_in * W + c, W) +
                                           l.bias[o];
                        assert_true(l.y[(p * l.n_out + o) * W + c] == want);
                    }
            layer_free(&l);
        }
    kad_bfloat_use_tiles(true);
}

/* What becomes of the sums is that of wide.h: swish and its slope, residues, adjoints, of
 * inputs that are bfloats already. */
static void finishes(void **state)
{
    (void)state;
    enum { N_OUT = 37, N_IN = 45, N_Y = PANELS * N_OUT * W };
    layer l = layer_of(N_OUT, N_IN);
    float *packed = kad_alloc(N_OUT * N_IN, sizeof *packed);
    for (int i = 0; i < N_OUT * N_IN; i++)
        l.w[i] = (double)rounded((float)uniform((size_t)i, 1) / 8);
    for (int i = 0; i < PANELS * N_IN * W; i++)
        l.x[i] = rounded((float)uniform((size_t)i, 2));
    kad_bfloat_pack(N_OUT, N_IN, l.w, N_IN, 1, 0, N_IN, l.packed);
    kad_wide_pack_f32(N_OUT, N_IN, l.w, N_IN, 1, 0, N_IN, packed);
    for (int finish = KAD_WIDE_PLAIN; finish <= KAD_WIDE_ADJOINT_ADD; finish++) {
        float *rows[2][4];
        for (int b = 0; b < 2; b++) {
            for (int j = 0; j < 4; j++) {
                rows[b][j] = kad_alloc(N_Y, sizeof(float));
                for (size_t i = 0; i < N_Y; i++)
                    rows[b][j][i] = (float)uniform(i, (uint32_t)(10 + j));
            }
            const kad_wide_output_f32 out = {.y = rows[b][0],
                                             .s = rows[b][1],
                                             .d = rows[b][2],
                                             .old = rows[b][3],
                                             .y_rows = N_OUT,
                                             .s_rows = N_OUT,
                                             .d_rows = N_OUT};
            if (b)
                apply(&l, (kad_wide_finish)finish, PANELS, l.x, &out);
            else
                kad_wide_apply_f32((kad_wide_finish)finish, N_OUT, N_IN, packed, l.bias,
                                   PANELS, l.x, N_IN, &out);
        }
        for (int j = 0; j < 4; j++) {
            for (size_t i = 0; i < N_Y; i++)
                assert_close((double)rows[1][j][i], (double)rows[0][j][i],
                             1e-5 * (1 + fabs((double)rows[0][j][i])));
            kad_free(rows[0][j]), kad_free(rows[1][j]);
        }
    }
    kad_free(packed);
    layer_free(&l);
}

static void gradients(void **state)
{
    (void)state;
    for (int tiles = 0; tiles < 2; tiles++)
        for (size_t k = 0; k < N_SIZES; k++) {
            const int n_out = sizes[k][0], n_in = sizes[k][1];
            const size_t stride = (size_t)kad_wide_padded(n_in),
                         n_y = (size_t)(PANELS * n_out) * W;
            layer l = layer_of(n_out, n_in);
            float *dy = kad_alloc(n_y, sizeof *dy);
            float *xt = kad_alloc((size_t)PANELS * W * stride, sizeof *xt);
            float *dw = kad_alloc((size_t)kad_wide_padded(n_out) * stride, sizeof *dw);
            void *scratch = kad_alloc(kad_bfloat_outer_bytes(n_out, n_in), 1);
            for (size_t i = 0; i < n_y; i++)
                dy[i] = value(i, 4);
            kad_wide_turn_f32(n_in, PANELS, l.x, n_in, xt);
            kad_bfloat_use_tiles(tiles);
            kad_bfloat_outer(n_out, n_in, PANELS, dy, n_out, xt, stride, dw, scratch);
            for (int o = 0; o < n_out; o++)
                for (int i = 0; i < n_in; i++) {
                    float want = 0;
                    for (int p = 0; p < PANELS; p++)
                        want = sum_of(W, want, dy + (p * n_out + o) * W, 1,
                                      l.x + (p * n_in + i) * W, 1);
                    assert_true(dw[(size_t)o * stride + (size_t)i] == want);
                }
            kad_free(dy), kad_free(xt), kad_free(dw), kad_free(scratch);
            layer_free(&l);
        }
    kad_bfloat_use_tiles(true);
}

/* A column alone, at another lane. */
static void columns(void **state)
{
    (void)state;
    layer l = layer_of(40, 70);
    float *one = kad_alloc((size_t)l.n_in * W, sizeof *one);
    float *s = kad_alloc((size_t)l.n_out * W, sizeof *s);
    const kad_wide_output_f32 out = {.s = l.y, .s_rows = l.n_out},
                              alone = {.s = s, .s_rows = l.n_out};
    memset(one, 0, (size_t)l.n_in * W * sizeof *one);
    apply(&l, KAD_WIDE_SWISH, PANELS, l.x, &out);
    for (int c = 0; c < PANELS * W; c += 5) {
        const int p = c / W, from = c % W, lane = c / 5 % W;
        for (int i = 0; i < l.n_in; i++)
            one[i * W + lane] = l.x[(p * l.n_in + i) * W + from];
        apply(&l, KAD_WIDE_SWISH, 1, one, &alone);
        for (int o = 0; o < l.n_out; o++)
            assert_memory_equal(&s[o * W + lane], &l.y[(p * l.n_out + o) * W + from],
                                sizeof *s);
    }
    kad_free(one), kad_free(s);
    layer_free(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM(
            "wide: sums of bfloats are those promised, to the bit, by tiles and vectors",
            sums),
        CLAIM("wide: what becomes of them is what becomes of float sums", finishes),
        CLAIM("wide: gradients in bfloat are the sums promised, to the bit", gradients),
        CLAIM("wide: a column's result in bfloat does not depend on its neighbours",
              columns),
    };
    return cmocka_run_group_tests_name("bfloat", tests, NULL, NULL);
}

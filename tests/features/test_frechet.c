/* The Frechet distance of features, and the fixed features of images. */
#include "base/rng.h"
#include "features/frechet.h"
#include "features/pyramid.h"
#include "image/generator.h"
#include "tests/support/claim.h"
#include "wide/wide.h"

typedef struct frechet_case {
    kad_ctx ctx;
    kad_scope scope;
} frechet_case;

static void start(frechet_case *s, int n_threads)
{
    kad_ctx_init(&s->ctx, n_threads);
    s->scope = (kad_scope){.ctx = &s->ctx};
}

static void stop(frechet_case *s)
{
    kad_scope_end(&s->scope);
}

static kad_features room(frechet_case *s, size_t n, int d)
{
    kad_features f = {.n = n, .d = d, .stride = (size_t)kad_wide_padded(d)};
    assert_ok(s, kad_take(&s->scope, n * f.stride, &f.x));
    return f;
}

/* As in frechet.py. */
static kad_features waves(frechet_case *s, int n, int d, int which)
{
    kad_features f = room(s, (size_t)n, d);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < d; k++)
            f.x[(size_t)i * f.stride + (size_t)k] =
                sin(0.7 * i + 1.3 * k * k + which) * (k % 7 + 1) +
                0.3 * ((i * (2 * k + 3) + which) % 17) + 0.1 * which * k;
    return f;
}

static kad_features noise(frechet_case *s, size_t n, int d, uint32_t which)
{
    kad_features f = room(s, n, d);
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < d; k++) {
            double sum = -6; /* of 12 uniform numbers: variance 1 */
            for (int j = 0; j < 12; j++)
                sum += kad_rng_uniform(kad_rng_stream(3, KAD_RNG_TEST, which), i,
                                       (uint64_t)k, (uint32_t)j);
            f.x[i * f.stride + (size_t)k] = sum;
        }
    return f;
}

static kad_frechet distance(frechet_case *s, const kad_features *a, const kad_features *b,
                            int n_blocks)
{
    kad_frechet d;
    assert_ok(s, kad_frechet_distance(&s->ctx, a, b, n_blocks, &d));
    return d;
}

/* tests/features/frechet.py: the matrix square root agrees to 12 digits where covariances are
 * not singular; where they are, as of the second and third sets, it and its roots of rounded
 * zeros are good to 7, ours to 9. */
static void agrees_with_a_matrix_square_root(void **state)
{
    static const struct {
        int n_a, n_b, d;
        double value, within;
    } cases[] = {{200, 300, 6, 0.8476852622195707, 1e-10},
                 {500, 100, 33, 149.36235497439304, 1e-8},
                 {40, 60, 50, 480.311710495037, 1e-8}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        frechet_case s;
        start(&s, 2);
        const kad_features a = waves(&s, cases[i].n_a, cases[i].d, 0),
                           b = waves(&s, cases[i].n_b, cases[i].d, 1);
        const kad_frechet d = distance(&s, &a, &b, 4), back = distance(&s, &b, &a, 4);
        assert_close(d.value / cases[i].value, 1, cases[i].within);
        assert_close(back.value / d.value, 1, cases[i].within);
        stop(&s);
    }
}

static void is_zero_of_a_set_and_itself(void **state)
{
    frechet_case s;
    (void)state;
    start(&s, 1);
    const kad_features a = waves(&s, 300, 20, 0);
    assert_close(distance(&s, &a, &a, 4).value, 0, 1e-9);
    stop(&s);
}

/* Standard deviations s_k scaled by c_k along the axes, means moved by m: sum of
 * (c_k - 1)^2 s_k^2 + m^2 for uncorrelated features, which centred waves are not quite; a scale
 * of all of them needs no more. */
static void knows_a_scale_and_a_shift(void **state)
{
    frechet_case s;
    double variance = 0;
    (void)state;
    start(&s, 1);
    const kad_features a = waves(&s, 400, 12, 0), b = waves(&s, 400, 12, 0);
    for (size_t k = 0; k < 12; k++) {
        double mean = 0, square = 0;
        for (size_t i = 0; i < 400; i++)
            mean += a.x[i * a.stride + k] / 400;
        for (size_t i = 0; i < 400; i++) {
            double *y = &b.x[i * b.stride + k];
            square += (*y - mean) * (*y - mean);
            *y = mean + 3 * (*y - mean) + 0.5;
        }
        variance += square / 399;
    }
    const kad_frechet d = distance(&s, &a, &b, 4);
    assert_close(d.value / (4 * variance + 12 * 0.25), 1, 1e-10);
    assert_close(d.of_means, 12 * 0.25, 1e-10);
    stop(&s);
}

/* Pairs of sets of one normal distribution. Means alone are apart by d (1/n + 1/n); what is left
 * after the extrapolation is of order d^2/n^2. */
static void extrapolates_to_zero_between_equals(void **state)
{
    enum { PAIRS = 40, N = 300, D = 8 };
    double raw = 0, left = 0, squares = 0, errors = 0;
    (void)state;
    for (uint32_t p = 0; p < PAIRS; p++) {
        frechet_case s;
        start(&s, 1);
        const kad_features a = noise(&s, N, D, 2 * p), b = noise(&s, N, D, 2 * p + 1);
        const kad_frechet d = distance(&s, &a, &b, 20);
        raw += d.value / PAIRS;
        left += d.extrapolated / PAIRS;
        squares += d.extrapolated * d.extrapolated / PAIRS;
        errors += d.error * d.error / PAIRS;
        stop(&s);
    }
    assert_true(raw > 2.0 * D / N);
    /* four standard errors of the mean over pairs; a tenth of what was taken away */
    assert_close(left, 0, 4 * sqrt(squares / PAIRS));
    assert_close(left, 0, raw / 10);
    /* the error is that of the distance, to a factor: few pairs, and at its least */
    assert_true(errors > squares / 4 && errors < 4 * squares);
}

static void counts_on_any_threads_alike(void **state)
{
    kad_frechet d[2];
    (void)state;
    for (int i = 0; i < 2; i++) {
        frechet_case s;
        start(&s, 1 + 3 * i);
        const kad_features a = waves(&s, 700, 60, 0), b = waves(&s, 600, 60, 1);
        d[i] = distance(&s, &a, &b, 5);
        stop(&s);
    }
    assert_memory_equal(&d[0], &d[1], sizeof d[0]);
}

static void refuses_what_has_no_distance(void **state)
{
    frechet_case s;
    kad_frechet d;
    (void)state;
    start(&s, 1);
    kad_features a = waves(&s, 20, 5, 0), b = waves(&s, 20, 6, 1),
                 few = waves(&s, 3, 5, 1);
    assert_int_equal(kad_frechet_distance(&s.ctx, &a, &b, 4, &d), KAD_EDATA);
    assert_int_equal(kad_frechet_distance(&s.ctx, &a, &few, 4, &d), KAD_EDATA);
    b = waves(&s, 20, 5, 1);
    b.x[7] = NAN;
    assert_int_equal(kad_frechet_distance(&s.ctx, &a, &b, 4, &d), KAD_EDATA);
    stop(&s);
}

/* --- fixed features ---------------------------------------------------------------------- */

enum { SIDE = 32, TILE = 8, TILES = 16, PLANE = SIDE * SIDE, SIZE = 3 * PLANE };

static kad_images generated(frechet_case *s, const char *name, bool held_out, size_t n,
                            uint8_t **pixels)
{
    const kad_image_generator *g = kad_image_generator_find(name);
    double labels[128];
    assert_ok(s, kad_scope_take(&s->scope, n, SIZE, pixels));
    for (size_t i = 0; i < n; i++)
        g->make(1, held_out, i, *pixels + i * SIZE, labels);
    return (kad_images){
        .n = n, .n_channels = 3, .height = SIDE, .width = SIDE, .pixels = *pixels};
}

/* Tile t of image i of `to` is that of image i + step t of `from`, at another place: of one
 * image where step is 0. Both cut ovals that reach over a tile's edge alike. */
static void shuffle(const uint8_t *from, size_t n, size_t step, uint8_t *to)
{
    for (size_t i = 0; i < n; i++)
        for (size_t t = 0; t < TILES; t++) {
            const size_t other = (i + step * t) % n, there = (t * 5 + 3) % TILES;
            for (size_t c = 0; c < 3; c++)
                for (size_t y = 0; y < TILE; y++)
                    memcpy(to + i * SIZE + c * PLANE + (t / 4 * TILE + y) * SIDE +
                               t % 4 * TILE,
                           from + other * SIZE + c * PLANE +
                               (there / 4 * TILE + y) * SIDE + there % 4 * TILE,
                           TILE);
        }
}

static kad_features pyramid(frechet_case *s, const kad_images *images)
{
    kad_features f;
    size_t *index;
    assert_ok(s, kad_take(&s->scope, images->n, &index));
    for (size_t i = 0; i < images->n; i++)
        index[i] = i;
    assert_ok(s, kad_pyramid_features(&s->scope, images, images->n, index, &f));
    return f;
}

/* What one image's ovals have in common, and those of sixteen do not: the colour in MSDS1, the
 * direction in MSDS2. Against the distance of sets that have it alike. */
static void see_global_colour_and_orientation(void **state)
{
    enum { N = 800 };
    static const char *const names[] = {"msds1", "msds2"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        frechet_case s;
        uint8_t *x, *y, *one, *many;
        start(&s, 2);
        kad_images a = generated(&s, names[i], false, N, &x),
                   b = generated(&s, names[i], true, N, &y);
        assert_ok(&s, kad_scope_take(&s.scope, N, SIZE, &one));
        assert_ok(&s, kad_scope_take(&s.scope, N, SIZE, &many));
        shuffle(y, N, 0, one);
        shuffle(y, N, 1, many);
        shuffle(x, N, 0, y); /* the images compared with */
        const kad_features like = pyramid(&s, &b);
        b.pixels = one;
        const kad_features global = pyramid(&s, &b);
        b.pixels = many;
        const kad_features local = pyramid(&s, &b);
        const kad_frechet same = distance(&s, &global, &like, 20),
                          apart = distance(&s, &local, &like, 20);
        assert_int_equal(a.n, N);
        assert_true(fabs(same.extrapolated) < 5 * same.error);
        print_message("# %s: %.4g +- %.2g alike, %.4g +- %.2g apart\n", names[i],
                      same.value, same.error, apart.value, apart.error);
        assert_true(apart.value > 1.5 * same.value);
        assert_true(apart.extrapolated > 8 * apart.error);
        stop(&s);
    }
}

/* By hand: columns of one grey level, 10 x from left to right in 4 x 4 of one channel. */
static void are_what_they_are_called(void **state)
{
    frechet_case s;
    uint8_t x[16];
    size_t index = 0;
    kad_features f;
    (void)state;
    start(&s, 1);
    for (int i = 0; i < 16; i++)
        x[i] = (uint8_t)(10 * (i % 4));
    const kad_images im = {.n = 1, .n_channels = 1, .height = 4, .width = 4, .pixels = x};
    assert_int_equal(kad_pyramid_width(1, 4, 4), 16 + 3 + 1);
    assert_int_equal(kad_pyramid_width(3, 32, 32), 66);
    assert_ok(&s, kad_pyramid_features(&s.scope, &im, 1, &index, &f));
    for (int i = 0; i < 16; i++)
        assert_close(f.x[i], 10 * (i % 4), 0);
    assert_close(f.x[16], sqrt(125), 1e-12); /* standard deviation of 0, 10, 20, 30 */
    assert_close(f.x[17], 10, 1e-12);
    assert_close(f.x[18], 0, 0);
    assert_close(f.x[19], 0, 0);
    for (int i = 0; i < 16; i++)
        x[i] = (uint8_t)(10 * (i % 4) + 10 * (i / 4)); /* along the diagonal */
    assert_ok(&s, kad_pyramid_features(&s.scope, &im, 1, &index, &f));
    assert_close(f.x[17], 10, 1e-12);
    assert_close(f.x[18], 10, 1e-12);
    assert_close(f.x[19], 100 / sqrt(200), 1e-12);
    stop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("frechet: agrees with a matrix square root",
              agrees_with_a_matrix_square_root),
        CLAIM("frechet: is zero of a set and itself", is_zero_of_a_set_and_itself),
        CLAIM("frechet: knows a scale and a shift", knows_a_scale_and_a_shift),
        CLAIM("frechet: extrapolates to zero between equal distributions",
              extrapolates_to_zero_between_equals),
        CLAIM("frechet: the same bytes on any threads", counts_on_any_threads_alike),
        CLAIM("frechet: refuses what has no distance", refuses_what_has_no_distance),
        CLAIM("features: are what they are called", are_what_they_are_called),
        CLAIM("features: see what a whole image shares, colour and orientation",
              see_global_colour_and_orientation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

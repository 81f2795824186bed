/* Errors of the bulk's series, and its pictures. */
#include "analysis/bulk_bins.h"
#include "analysis/report/bulk_paint.h"
#include "tests/support/analysis_util.h"
#include "tests/support/scratch.h"

static double scalar(kad_ctx *ctx, kad_h5 *file, const char *path, size_t n, size_t at)
{
    double data[16];
    if (kad_h5_read(ctx, file, path, KAD_H5_F64, 1, &n, data) != KAD_OK)
        fail_msg("%s", ctx->message);
    return data[at];
}

/* Series of autocorrelation tau = 3 over two chains: mean and error as the Gamma method's
 * own tests promise (error to 10 % at 4000 draws); constants and NaN have no error. */
static void series_become_errors(void **state)
{
    (void)state;
    enum { N = 2000 };
    kad_ctx ctx;
    kad_h5 *file;
    const size_t dims[3] = {3, 2, N};
    const char *path = "/bulk/thing/series/quantity";
    double *a = kad_alloc(3 * 2 * N, sizeof *a);
    kad_ctx_init(&ctx, 1);
    for (uint64_t chain = 0; chain < 2; chain++)
        test_ar1(1, chain, 3.0, 5.0, N, a + chain * N);
    for (size_t i = 0; i < 2 * N; i++) {
        a[2 * N + i] = 7;
        a[4 * N + i] = i == 3 ? (double)NAN : 1;
    }
    assert_int_equal(kad_h5_create(&ctx, &file), KAD_OK);
    assert_int_equal(kad_bulk_series(&ctx, file), KAD_OK); /* no group: nothing */
    assert_int_equal(kad_h5_write(&ctx, file, path, KAD_H5_F64, 3, dims, a), KAD_OK);
    assert_int_equal(kad_bulk_series(&ctx, file), KAD_OK);
    assert_false(kad_h5_exists(file, "/bulk/thing/quantity")); /* not marked as cells */
    assert_int_equal(kad_h5_attr_set_int(&ctx, file, path, "cell", 4), KAD_OK);
    assert_int_equal(kad_bulk_series(&ctx, file), KAD_OK);
    const double mean = scalar(&ctx, file, "/bulk/thing/quantity", 3, 0),
                 err = scalar(&ctx, file, "/bulk/thing/quantity_err", 3, 0),
                 exact = sqrt(2 * 3.0 / (2 * N));
    assert_true(fabs(mean - 5) < 5.85 * err);
    if (!(fabs(err / exact - 1) < 0.25)) fail_msg("error %g, expected %g", err, exact);
    assert_true(scalar(&ctx, file, "/bulk/thing/quantity", 3, 1) == 7);
    assert_true(isnan(scalar(&ctx, file, "/bulk/thing/quantity_err", 3, 1)));
    assert_true(isnan(scalar(&ctx, file, "/bulk/thing/quantity", 3, 2)));
    kad_h5_close(file);
    kad_free(a);
}

typedef struct seen {
    int n, row, column, w, h;
    unsigned char rgb[3 * 64];
} seen;

static kad_status look(kad_ctx *ctx, void *self, const kad_picture *p)
{
    seen *s = self;
    (void)ctx;
    s->n++;
    s->row = p->row;
    s->column = p->column;
    s->w = p->w;
    s->h = p->h;
    assert_true(p->w * p->h <= 64);
    memcpy(s->rgb, p->rgb, 3 * (size_t)(p->w * p->h));
    return KAD_OK;
}

static bool is_red(const seen *s, int y, int x)
{
    const unsigned char *p = s->rgb + 3 * (y * s->w + x);
    return p[0] > p[2] + 50;
}

/* Latents of 4 x 4 sites: the one at site (1, 2) is of level 0 and lies, by its place (1,
 * 0) in the block (0, 1), at (2, 1); the top, (0, 0), in the corner; (2, 2) of level 1 at
 * (1, 1). */
static void make_latents(kad_ctx *ctx, kad_h5 *file, int y, int x)
{
    const size_t dims[4] = {1, 1, 4, 4};
    float latents[16] = {0};
    int64_t level[16];
    for (int i = 0; i < 16; i++)
        level[i] = (i / 4 | i % 4) & 1 ? 0 : (i / 4 | i % 4) & 2 ? 1 : 2;
    latents[4 * y + x] = 2;
    assert_int_equal(
        kad_h5_write(ctx, file, "/bulk/pictures/latents", KAD_H5_F32, 4, dims, latents),
        KAD_OK);
    assert_int_equal(
        kad_h5_write(ctx, file, "/bulk/pictures/level", KAD_H5_I64, 2, dims + 2, level),
        KAD_OK);
}

static void latents_make_a_pyramid(void **state)
{
    (void)state;
    static const int from[][2] = {{1, 2}, {0, 0}, {2, 2}, {3, 3}, {0, 2}},
                     to[][2] = {{2, 1}, {0, 0}, {1, 1}, {3, 3}, {0, 1}};
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    for (int k = 0; k < 5; k++) {
        kad_h5 *file;
        seen s = {0};
        assert_int_equal(kad_h5_create(&ctx, &file), KAD_OK);
        assert_int_equal(kad_bulk_paint(&ctx, file, KAD_PICTURE_LATENTS, look, &s),
                         KAD_OK);
        assert_int_equal(s.n, 0);
        make_latents(&ctx, file, from[k][0], from[k][1]);
        assert_int_equal(kad_bulk_paint(&ctx, file, KAD_PICTURE_LATENTS, look, &s),
                         KAD_OK);
        assert_int_equal(s.n, 1);
        for (int i = 0; i < 16; i++)
            assert_int_equal(is_red(&s, i / 4, i % 4), i == 4 * to[k][0] + to[k][1]);
        kad_h5_close(file);
    }
}

/* A response at displacement (0, 1) stands right of the middle. */
static void wavelets_are_centred(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_h5 *file;
    seen s = {0};
    const size_t dims[3] = {2, 8, 8};
    float wavelet[128] = {0};
    wavelet[64 + 1] = 0.1f;
    kad_ctx_init(&ctx, 1);
    assert_int_equal(kad_h5_create(&ctx, &file), KAD_OK);
    assert_int_equal(kad_h5_write(&ctx, file, "/bulk/receptive/wavelet_0", KAD_H5_F32, 3,
                                  dims, wavelet),
                     KAD_OK);
    assert_int_equal(kad_bulk_paint(&ctx, file, KAD_PICTURE_WAVELET, look, &s), KAD_OK);
    assert_int_equal(s.n, 2);
    assert_int_equal(s.w, 8);
    for (int i = 0; i < 64; i++)
        assert_int_equal(is_red(&s, i / 8, i % 8), i == 4 * 8 + 5);
    kad_h5_close(file);
}

static void pictures_become_files(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_h5 *file;
    int n = 0;
    char dir[512];
    scratch folder;
    scratch_make(&folder);
    snprintf(dir, sizeof dir, "%s", scratch_file(&folder, "pictures"));
    kad_ctx_init(&ctx, 1);
    assert_int_equal(kad_h5_create(&ctx, &file), KAD_OK);
    make_latents(&ctx, file, 0, 0);
    const kad_status status = kad_bulk_write_png(&ctx, file, dir, 64, &n);
    if (status == KAD_ECONFIG) { /* built without libpng: says so */
        assert_non_null(strstr(ctx.message, "libpng"));
    } else {
        assert_int_equal(status, KAD_OK);
        assert_int_equal(n, 1);
        assert_int_equal(scratch_count(dir), 1);
        size_t size;
        unsigned char *png =
            scratch_slurp(scratch_file(&folder, "pictures/latents_0.png"), &size);
        assert_true(size > 8 && memcmp(png, "\x89PNG", 4) == 0);
        free(png);
    }
    scratch_remove(&folder);
    kad_h5_close(file);
}

int main(void)
{
    const struct CMUnitTest kad[] = {
        CLAIM("series: means and errors with autocorrelation", series_become_errors),
        CLAIM("pictures: latents as a pyramid", latents_make_a_pyramid),
        CLAIM("pictures: wavelets around their latent", wavelets_are_centred),
        CLAIM("pictures: PNG files", pictures_become_files),
    };
    return cmocka_run_group_tests(kad, NULL, NULL);
}

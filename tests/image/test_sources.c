/* Claims about sources of images: pictures of every format give their levels; sides, windows,
 * borders and the cache. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "image/picture.h"
#include "io/h5.h"
#include "tests/image/image_case.h"

#include <fcntl.h>
#include <sys/stat.h>

enum { N = IMAGE_N, H = 4, W = 6 };

/* Every kind of file in one folder: PNG to the level, alpha on black, 16 bits rounded; JPEG
 * near to what was written. */
static void test_pictures(void **state)
{
    image_case *c = *state;
    for (int kind = 0; kind < N_PICTURE_KINDS; kind++) {
        kad_image_store *store;
        char path[512];
        snprintf(path, sizeof path, "%s", image_path(c, "p/odd name \xc3\xa4"));
        if (!image_write(path, (picture_kind)kind, kind, 16, 24)) continue;
        kad_image_options o = image_options(path);
        o.held_out = 0;
        assert_ok(c, image_open(c, &o, &store));
        const kad_images *im = image_side(store, 0);
        const bool grey = kind == PNG_GREY || kind == PNG_GREY_16 || kind == JPEG_GREY;
        assert_int_equal(im->n, 1);
        assert_int_equal(im->n_channels, grey ? 1 : 3);
        assert_int_equal(im->height, 16);
        assert_int_equal(im->width, 24);
        const uint8_t *p = im->pixels;
        for (int k = 0; k < im->n_channels; k++)
            for (int y = 0; y < 16; y++)
                for (int x = 0; x < 24; x++, p++) {
                    const int v = kind == PNG_PALETTE
                                      ? (image_level(kind, 0, y, x) + 90 * k) % 256
                                      : image_level(kind, k, y, x);
                    if (kind >= JPEG_GREY)
                        assert_close(*p, 40 * k + kind + 2 * x + y, 3);
                    else if (kind == PNG_RGBA)
                        assert_int_equal(*p, (v * 128 + 127) / 255);
                    else
                        assert_int_equal(*p, v);
                }
        kad_image_store_close(store);
    }
}

/* Means over areas in whole numbers: against double, for sides that divide and that do
 * not, with a border; brightness by its formula. */
static void test_fit(void **state)
{
    (void)state;
    enum { h = 7, w = 11 };
    uint8_t pixels[h * w * 3], out[3 * 20 * 20];
    uint64_t sums[3 * 20];
    for (int i = 0; i < h * w * 3; i++)
        pixels[i] = (uint8_t)(i * i * 31 % 256);
    const kad_picture p = {3, h, w, 3 * w, 3, 1, pixels};
    const kad_window window = {2, 1, 9, 6};
    const struct {
        int height, width, channels;
    } cases[] = {{3, 3, 3}, {6, 9, 3}, {4, 5, 3}, {12, 13, 3}, {4, 5, 1}, {1, 1, 1}};
    for (size_t t = 0; t < sizeof cases / sizeof cases[0]; t++) {
        const int oh = cases[t].height, ow = cases[t].width, c = cases[t].channels,
                  pad = 2;
        const int line = ow + 2 * pad, plane = line * (oh + 2 * pad);
        kad_picture_fit(&p, window, c, oh, ow, pad, sums, out);
        for (int k = 0; k < c; k++)
            for (int y = -pad; y < oh + pad; y++)
                for (int x = -pad; x < ow + pad; x++) {
                    const uint8_t got = out[k * plane + (y + pad) * line + x + pad];
                    double sum = 0, all = 0;
                    if (y < 0 || y >= oh || x < 0 || x >= ow) {
                        assert_int_equal(got, 0);
                        continue;
                    }
                    for (int j = 0; j < window.height; j++)
                        for (int i = 0; i < window.width; i++) {
                            const double dy =
                                fmin((j + 1.) / window.height, (y + 1.) / oh) -
                                fmax((double)j / window.height, (double)y / oh);
                            const double dx =
                                fmin((i + 1.) / window.width, (x + 1.) / ow) -
                                fmax((double)i / window.width, (double)x / ow);
                            const uint8_t *v =
                                pixels + ((window.y + j) * w + window.x + i) * 3;
                            const double level =
                                c == 3 ? v[k]
                                       : floor((19595. * v[0] + 38470. * v[1] +
                                                7471. * v[2] + 32768) /
                                               65536);
                            if (dy > 0 && dx > 0) sum += dx * dy * level, all += dx * dy;
                        }
                    assert_close(got, sum / all, 0.5 + 1e-9);
                }
    }
}

/* A folder: whose pictures are held out hangs on their names alone; folders are classes;
 * test/ is held out. */
static void test_sides(void **state)
{
    image_case *c = *state;
    kad_image_store *store;
    char name[64], folder[512];
    bool held[40] = {false};
    size_t n_held = 0;
    snprintf(folder, sizeof folder, "%s/f", c->folder.path);
    kad_image_options o = image_options(folder);
    o.held_out = 0.25;
    for (int round = 0; round < 2; round++) {
        for (int i = round; i < 40; i += 2) {
            snprintf(name, sizeof name, "f/%s/%02d", i % 3 ? "odd" : "even", i);
            if (!image_write(image_path(c, name), PNG_GREY, i, 4, 4)) skip();
        }
        assert_ok(c, image_open(c, &o, &store));
        const kad_images *out = image_side(store, 1), *in = image_side(store, 0);
        assert_int_equal(out->n + in->n, round ? 40 : 20);
        for (size_t k = 0; k < out->n; k++) {
            const int i = atoi(strchr(out->name[k], '/') + 1);
            assert_true(out->labels[k] == (i % 3 ? 1 : 0));
            if (round == 0) held[i] = true;
            if (round == 1 && i % 2 == 0) assert_true(held[i]);
            n_held += round == 0;
        }
        for (size_t k = 0; k < in->n; k++)
            assert_false(held[atoi(strchr(in->name[k], '/') + 1)]);
        kad_image_store_close(store);
    }
    assert_true(n_held > 0);
    o.held_out = NAN;
    image_write(image_path(c, "f/test/odd/7"), PNG_GREY, 3, 4, 4);
    image_write(image_path(c, "f/train/odd/8"), PNG_GREY, 3, 4, 4);
    assert_ok(c, image_open(c, &o, &store));
    const kad_images *out = image_side(store, 1);
    assert_string_equal(out->name[out->n - 1], "test/odd/7");
    assert_true(out->labels[out->n - 1] == 1);
    kad_image_store_close(store);
}

/* Pictures for validation are taken from those to train on, whole, and no other changes. */
static void test_validation(void **state)
{
    image_case *c = *state;
    kad_image_store *plain, *some;
    for (int i = 0; i < 60; i++) {
        char name[32];
        snprintf(name, sizeof name, "chosen/%02d.png", i);
        if (!image_write(image_path(c, name), PNG_RGB, i, 6, 7)) skip();
    }
    kad_image_options o = image_options(image_path(c, "chosen"));
    o.held_out = 0.3;
    o.size = 4;
    o.crops = 3;
    assert_ok(c, image_open(c, &o, &plain));
    o.validation = 0.4;
    o.flip = true;
    assert_ok(c, image_open(c, &o, &some));
    const kad_image_set *a = kad_image_store_set(plain), *b = kad_image_store_set(some);
    assert_int_equal(a->validation.n, 0);
    assert_int_equal(a->held_out.n, b->held_out.n);
    assert_memory_equal(a->held_out.pixels, b->held_out.pixels,
                        a->held_out.n * kad_image_size(&a->held_out));
    assert_int_equal(b->train.n / 2 + b->validation.n, a->train.n);
    assert_true(b->validation.n > 0 && b->validation.n % 3 == 0);
    for (size_t i = 0; i < b->validation.n; i++)
        for (size_t k = 0; k < b->train.n; k++)
            assert_string_not_equal(b->validation.name[i], b->train.name[k]);
    assert_non_null(strstr(b->description, "to choose by"));
    kad_image_store_close(plain);
    kad_image_store_close(some);
    o.validation = 1e-9;
    image_refused(c, &o, KAD_EDATA, "data.validation");
}

/* Mirror images follow their images, of those to train on alone. */
static void test_flip(void **state)
{
    image_case *c = *state;
    kad_image_store *store;
    uint8_t *x = image_levels(3, H, W, true);
    char path[512];
    snprintf(path, sizeof path, "%s", image_path(c, "x.npy"));
    image_write_npy(path, "(12, 3, 4, 6)", x, N * H * W * 3);
    kad_image_options o = image_options(path);
    o.held_out = 0.3;
    o.flip = true;
    assert_ok(c, image_open(c, &o, &store));
    const kad_images *im = image_side(store, 0);
    const size_t n_held = image_side(store, 1)->n;
    assert_int_equal(im->n, 2 * (N - n_held));
    for (size_t i = 0; i < im->n; i += 2) {
        const uint8_t *p = kad_image_at(im, i), *q = kad_image_at(im, i + 1);
        for (int line = 0; line < 3 * H; line++, p += W, q += W)
            for (int k = 0; k < W; k++)
                assert_int_equal(p[k], q[W - 1 - k]);
    }
    kad_image_store_close(store);
    free(x);
}

/* Squares at random: of the picture, others with another seed, the same with the same. */
static void test_crops(void **state)
{
    image_case *c = *state;
    kad_image_store *store;
    char digest[2][65];
    char folder[512];
    snprintf(folder, sizeof folder, "%s/big", c->folder.path);
    for (int i = 0; i < 8; i++) {
        char name[32];
        snprintf(name, sizeof name, "big/%d", i);
        if (!image_write(image_path(c, name), PNG_RGB, i, 40, 60)) skip();
    }
    kad_image_options o = image_options(folder);
    o.held_out = 0.5;
    o.size = 8;
    o.crops = 20;
    o.scales = 3;
    o.flip = true;
    for (int round = 0; round < 3; round++) {
        o.seed = round == 2 ? 5 : 4;
        if (round == 1) unlink(image_path(c, "cache/images.h5"));
        assert_ok(c, image_open(c, &o, &store));
        const kad_images *im = image_side(store, 0);
        assert_int_equal(im->n / 2 + image_side(store, 1)->n, 160);
        assert_int_equal(im->n % 40, 0);
        /* the first scale is cut as it is: levels of a picture rise by 5 along a row */
        const uint8_t *p = kad_image_at(im, 0);
        for (int x = 1; x < 8; x++)
            assert_int_equal((uint8_t)(p[x] - p[x - 1]), 5);
        /* a picture is a file */
        for (int side = 0; side < 2; side++) {
            const kad_images *all = image_side(store, side);
            for (size_t i = 1; i < all->n; i++)
                assert_int_equal(kad_image_picture(all, i) ==
                                     kad_image_picture(all, i - 1),
                                 strcmp(all->name[i], all->name[i - 1]) == 0);
        }
        if (round < 2) strcpy(digest[round], kad_image_store_set(store)->digest);
        if (round == 1) assert_string_equal(digest[0], digest[1]);
        if (round == 2)
            assert_string_not_equal(digest[0], kad_image_store_set(store)->digest);
        kad_image_store_close(store);
    }
}

/* The second run reads no source; another option, file or a damaged cache reads it again;
 * a shared cache holds both. */
static void test_cache(void **state)
{
    image_case *c = *state;
    kad_image_store *store;
    size_t n;
    uint8_t *x = image_levels(1, H, W, false);
    const char *source = image_path(c, "s/x.npy");
    char path[512], cache[512], digest[65];
    image_write_npy(source, "(12, 4, 6)", x, N * H * W);
    snprintf(path, sizeof path, "%s", source);
    kad_image_options o = image_options(path);
    o.held_out = 0.3;
    assert_ok(c, image_open(c, &o, &store));
    strcpy(digest, kad_image_store_set(store)->digest);
    const kad_image_facts *facts = kad_image_store_facts(store);
    double mean = 0, zeros = 0;
    const kad_images *im = image_side(store, 0);
    for (size_t i = 0; i < im->n * H * W; i++) {
        mean += im->pixels[i] / (double)(im->n * H * W);
        zeros += (im->pixels[i] == 0) / (double)(im->n * H * W);
    }
    assert_close(facts->mean[0], mean, 1e-9);
    assert_close(facts->zeros, zeros, 1e-12);
    kad_image_store_close(store);
    /* a flip of any byte of its arrays is found, said, and repaired */
    unsigned char *file = scratch_slurp(image_path(c, "cache/images.h5"), &n);
    unsigned char *at = NULL;
    for (size_t i = 0; i + 24 < n && at == NULL; i++)
        if (memcmp(file + i, "\x93", 1) != 0 && memcmp(file + i, x, 24) == 0)
            at = file + i;
    if (at == NULL) at = file + n - 1;
    *at ^= 4;
    scratch_spill(image_path(c, "cache/images.h5"), file, n);
    assert_ok(c, image_open(c, &o, &store));
    assert_true(image_noted(c, "damaged: its bytes are not those written"));
    assert_string_equal(kad_image_store_set(store)->digest, digest);
    kad_image_store_close(store);
    o.sha256 = "00";
    image_refused(c, &o, KAD_EDATA, "data.source_sha256 is 00");
    o.sha256 = digest;
    snprintf(cache, sizeof cache, "%s/shared/deep", c->folder.path);
    o.cache = cache;
    for (int i = 0; i < 3; i++) {
        o.pad = i % 2;
        if (i == 1) o.sha256 = NULL;
        assert_ok(c, image_open(c, &o, &store));
        assert_int_equal(scratch_count(cache), i == 0 ? 1 : 2);
        kad_image_store_close(store);
    }
    x[0] ^= 1;
    image_write_npy(path, "(12, 4, 6)", x, N * H * W);
    struct timespec other[2] = {{1, 0}, {1, 0}};
    utimensat(AT_FDCWD, path, other, 0);
    assert_ok(c, image_open(c, &o, &store));
    assert_int_equal(scratch_count(cache), 3);
    assert_string_not_equal(kad_image_store_set(store)->digest, digest);
    kad_image_store_close(store);
    free(file);
    free(x);
}

/* Any number of threads gives the same images; data.limit the first ones. */
static void test_threads(void **state)
{
    image_case *c = *state;
    char digest[2][65];
    kad_image_options o = image_options("msds1");
    o.limit = 300;
    for (int threads = 1; threads <= 2; threads++) {
        kad_image_store *store;
        c->ctx.n_threads = threads == 1 ? 1 : 3;
        unlink(image_path(c, "cache/images.h5"));
        assert_ok(c, image_open(c, &o, &store));
        assert_int_equal(image_side(store, 0)->n, 300);
        assert_int_equal(image_side(store, 1)->n, 300);
        strcpy(digest[threads - 1], kad_image_store_set(store)->digest);
        kad_image_store_close(store);
    }
    assert_string_equal(digest[0], digest[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IMAGE("image: PNG and JPEG of every kind", test_pictures),
        IMAGE("image: resizing takes means over areas", test_fit),
        IMAGE("image: names say what is held out, folders the class", test_sides),
        IMAGE("image: pictures for validation are whole ones of those to train on",
              test_validation),
        IMAGE("image: mirror images follow their images", test_flip),
        IMAGE("image: random squares belong to picture and seed", test_crops),
        IMAGE("image: the cache is used, checked, and made again", test_cache),
        IMAGE("image: threads move no byte", test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

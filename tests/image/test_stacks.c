/* Claims about stacks of images in one file: .npy, HDF5, idx and CIFAR give their levels, whatever
 * the order of their axes. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "io/h5.h"
#include "tests/image/image_case.h"

#include <unistd.h>

#ifdef HAVE_ZLIB
#include <zlib.h>
#endif

enum { N = IMAGE_N, H = 4, W = 6 };

/* Both sides of a store are the tests' pictures, each once. */
static void check_levels(const kad_image_store *store, int n, int channels, int height,
                         int width)
{
    bool seen[64] = {false};
    const kad_image_set *set = kad_image_store_set(store);
    assert_int_equal(set->train.n + set->held_out.n, n);
    for (int side = 0; side < 2; side++) {
        const kad_images *im = image_side(store, side);
        assert_int_equal(im->n_channels, channels);
        assert_int_equal(im->height, height);
        assert_int_equal(im->width, width);
        for (size_t j = 0; j < im->n; j++) {
            const uint8_t *p = kad_image_at(im, j);
            int i = 0;
            while (i < n && image_level(i, 0, 0, 0) != p[0])
                i++;
            assert_true(i < n);
            assert_false(seen[i]);
            seen[i] = true;
            for (int k = 0; k < channels; k++)
                for (int y = 0; y < height; y++)
                    for (int x = 0; x < width; x++)
                        assert_int_equal(*p++, image_level(i, k, y, x));
        }
    }
}

static void check_file(image_case *c, const char *path, int channels)
{
    kad_image_store *store;
    kad_image_options o = image_options(path);
    o.held_out = 0.3;
    assert_ok(c, image_open(c, &o, &store));
    check_levels(store, N, channels, H, W);
    kad_image_store_close(store);
}

static void test_npy(void **state)
{
    image_case *c = *state;
    const char *path = image_path(c, "x.npy");
    uint8_t *last = image_levels(3, H, W, false), *first = image_levels(3, H, W, true);
    image_write_npy(path, "(12, 4, 6, 3)", last, N * H * W * 3);
    check_file(c, path, 3);
    image_write_npy(path, "(12, 3, 4, 6)", first, N * H * W * 3);
    check_file(c, path, 3);
    free(last);
    last = image_levels(1, H, W, false);
    image_write_npy(path, "(12, 4, 6)", last, N * H * W);
    check_file(c, path, 1);
    free(last);
    free(first);
}

static void test_hdf5(void **state)
{
    image_case *c = *state;
    const char *path = image_path(c, "x.h5");
    const size_t dims[4] = {N, 3, H, W};
    uint8_t *x = image_levels(3, H, W, true);
    const double other[2] = {1, 2};
    const size_t two = 2;
    bool images;
    kad_h5 *file;
    assert_ok(c, kad_h5_create(&c->ctx, &file));
    assert_ok(c, kad_h5_write(&c->ctx, file, "/a/b", KAD_H5_U8, 4, dims, x));
    assert_ok(c, kad_h5_write(&c->ctx, file, "/other", KAD_H5_F64, 1, &two, other));
    assert_ok(c, kad_h5_save(&c->ctx, file, path, false));
    check_file(c, path, 3); /* the only one of bytes */
    assert_ok(c, kad_image_source_is_one(&c->ctx, path, NULL, &images));
    assert_true(images);
    /* a field beside it is what a file without a name means */
    assert_ok(c, kad_h5_write(&c->ctx, file, "/configs", KAD_H5_F64, 1, &two, other));
    assert_ok(c, kad_h5_save(&c->ctx, file, path, false));
    assert_ok(c, kad_image_source_is_one(&c->ctx, path, NULL, &images));
    assert_false(images);
    assert_ok(c, kad_image_source_is_one(&c->ctx, path, "/a/b", &images));
    assert_true(images);
    assert_ok(c, kad_h5_write(&c->ctx, file, "/c", KAD_H5_U8, 4, dims, x));
    assert_ok(c, kad_h5_save(&c->ctx, file, path, false));
    kad_image_options o = image_options(path);
    image_refused(c, &o, KAD_EDATA, "found 2: name it by data.dataset");
    o.dataset = "other";
    image_refused(c, &o, KAD_EDATA, "/other");
    kad_h5_close(file);
    free(x);
}

/* Big end first. */
static void put_idx(FILE *file, int rank, const int *dims, const uint8_t *data, size_t n)
{
    const uint8_t magic[4] = {0, 0, 8, (uint8_t)rank};
    fwrite(magic, 1, 4, file);
    for (int i = 0; i < rank; i++) {
        const uint8_t word[4] = {0, 0, (uint8_t)(dims[i] >> 8), (uint8_t)dims[i]};
        fwrite(word, 1, 4, file);
    }
    fwrite(data, 1, n, file);
    fclose(file);
}

static void pack(const char *path)
{
#ifdef HAVE_ZLIB
    size_t n;
    char packed[512];
    unsigned char *data = scratch_slurp(path, &n);
    snprintf(packed, sizeof packed, "%s.gz", path);
    gzFile out = gzopen(packed, "wb");
    assert_int_equal(gzwrite(out, data, (unsigned)n), (int)n);
    gzclose(out);
    unlink(path);
    free(data);
#else
    (void)path;
#endif
}

/* Images with their labels, each packed or not; the second file of a set is held out. */
static void test_idx(void **state)
{
    image_case *c = *state;
    uint8_t *x = image_levels(1, H, W, false), labels[N];
    const int dims[3] = {N, H, W};
    kad_image_store *store;
    char folder[512];
    for (int i = 0; i < N; i++)
        labels[i] = (uint8_t)(i % 10);
    for (int packed = 0; packed < 4; packed++)
        for (int side = 0; side < 2; side++) {
            char name[64];
            const char *of = side ? "t10k" : "train";
            snprintf(name, sizeof name, "m/%s-images-idx3-ubyte", of);
            const char *path = image_path(c, name);
            put_idx(fopen(path, "wb"), 3, dims, x, N * H * W);
            if (side == 0) check_file(c, path, 1);
            if (packed & 1) pack(path);
            snprintf(name, sizeof name, "m/%s-labels-idx1-ubyte", of);
            path = image_path(c, name);
            put_idx(fopen(path, "wb"), 1, dims, labels, N);
            if (packed & 2) pack(path);
            snprintf(folder, sizeof folder, "%s/m", c->folder.path);
            if (side == 0) continue;
            const kad_image_options o = image_options(folder);
            assert_ok(c, image_open(c, &o, &store));
            for (int s = 0; s < 2; s++) {
                const kad_images *im = image_side(store, s);
                assert_int_equal(im->n, N);
                assert_int_equal(im->n_labels, 1);
                assert_string_equal(im->label_name[0], "class");
                for (int i = 0; i < N; i++) {
                    assert_true(im->labels[i] == labels[i]);
                    assert_memory_equal(kad_image_at(im, (size_t)i), x + i * H * W,
                                        H * W);
                }
            }
            kad_image_store_close(store);
        }
    free(x);
}

/* 16 bytes and 24 images of 32 x 32 are as long as eight records of CIFAR-100, whose first labels
 * could be 0, 0. */
static void test_idx_as_long_as_cifar(void **state)
{
    image_case *c = *state;
    enum { MANY = 24, SIDE = 32 };
    const int dims[3] = {MANY, SIDE, SIDE};
    static uint8_t x[MANY * SIDE * SIDE]; /* black */
    kad_image_store *store;
    const char *path = image_path(c, "long-images-idx3-ubyte");
    put_idx(fopen(path, "wb"), 3, dims, x, sizeof x);
    const kad_image_options o = image_options(path);
    assert_ok(c, image_open(c, &o, &store));
    assert_int_equal(image_side(store, 0)->n_channels, 1);
    assert_int_equal(image_side(store, 0)->n + image_side(store, 1)->n, MANY);
    kad_image_store_close(store);
}

static void test_cifar(void **state)
{
    image_case *c = *state;
    uint8_t *x = image_levels(3, 32, 32, true);
    kad_image_store *store;
    char folder[512];
    static const char *const names[2][2] = {{"a/data_batch_1.bin", "a/test_batch.bin"},
                                            {"b/train.bin", "b/test.bin"}};
    for (int kind = 0; kind < 2; kind++) {
        for (int side = 0; side < 2; side++) {
            FILE *file = fopen(image_path(c, names[kind][side]), "wb");
            for (int i = 0; i < N; i++) {
                if (kind == 1) fputc(i % 20, file);
                fputc(i % 10, file);
                fwrite(x + i * 3072, 1, 3072, file);
            }
            fclose(file);
        }
        snprintf(folder, sizeof folder, "%s/%c", c->folder.path, 'a' + kind);
        const kad_image_options o = image_options(folder);
        assert_ok(c, image_open(c, &o, &store));
        for (int side = 0; side < 2; side++) {
            const kad_images *im = image_side(store, side);
            assert_int_equal(im->n, N);
            assert_int_equal(im->n_labels, kind + 1);
            assert_memory_equal(im->pixels, x, N * 3072);
            for (size_t i = 0; i < N; i++)
                assert_true(im->labels[i * im->n_labels + im->n_labels - 1] ==
                            (double)(i % 10));
        }
        kad_image_store_close(store);
    }
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IMAGE("image: .npy, channels first, last or none", test_npy),
        IMAGE("image: HDF5, the only data set of bytes, or that named", test_hdf5),
        IMAGE("image: idx with labels, packed or not, and what it holds out", test_idx),
        IMAGE("image: an idx file as long as one of CIFAR", test_idx_as_long_as_cifar),
        IMAGE("image: CIFAR-10 and CIFAR-100 as they are published", test_cifar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

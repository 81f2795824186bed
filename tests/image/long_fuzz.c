/* Every truncation of small files of images, and flips of their bits: each is read, or
 * refused with one printable line, and nothing else happens (best under the address
 * sanitizer). */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "io/h5.h"
#include "tests/image/image_case.h"

enum { SIDE = 8, MOST_FLIPS = 1000 };

static void try_it(image_case *c, const char *path, const unsigned char *data, size_t n)
{
    kad_image_store *store = NULL;
    kad_image_options o = image_options(path);
    o.held_out = 0;
    scratch_spill(path, data, n);
    c->ctx.message[0] = 0;
    const kad_status status = image_open(c, &o, &store);
    kad_image_store_close(store);
    if (status != KAD_OK && (c->ctx.message[0] == 0 || !kad_is_printable(c->ctx.message)))
        fail_msg("status %d: \"%s\"", status, c->ctx.message);
    if (status != KAD_OK && status != KAD_EDATA)
        fail_msg("status %d: %s", status, c->ctx.message);
}

static void fuzz(image_case *c, const char *name)
{
    char path[512];
    size_t n;
    snprintf(path, sizeof path, "%s", image_path(c, name));
    unsigned char *data = scratch_slurp(path, &n);
    assert_non_null(data);
    for (size_t cut = 0; cut < n; cut += 1 + n / 1000)
        try_it(c, path, data, cut);
    const size_t step = 1 + 8 * n / MOST_FLIPS;
    for (size_t bit = 0; bit < 8 * n; bit += step) {
        data[bit / 8] ^= (unsigned char)(1u << bit % 8);
        try_it(c, path, data, n);
        data[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    free(data);
}

static void test_pictures(void **state)
{
    image_case *c = *state;
    for (int kind = 0; kind < N_PICTURE_KINDS; kind++)
        if (image_write(image_path(c, "x"), (picture_kind)kind, kind, SIDE, SIDE))
            fuzz(c, "x");
}

static void test_stacks(void **state)
{
    image_case *c = *state;
    static const char npy[] =
        "\x93NUMPY\1\0\x40\0{'descr': '|u1', 'fortran_order': False, "
        "'shape': (4, 2, 2)}      \n0123456789abcdef";
    static const char idx[] = "\0\0\x8\3\0\0\0\4\0\0\0\2\0\0\0\2"
                              "0123456789abcdef";
    scratch_spill(image_path(c, "x"), npy, sizeof npy - 1);
    fuzz(c, "x");
    scratch_spill(image_path(c, "x"), idx, sizeof idx - 1);
    fuzz(c, "x");
}

static void test_hdf5(void **state)
{
    image_case *c = *state;
    const size_t dims[3] = {4, SIDE, SIDE};
    uint8_t x[4 * SIDE * SIDE];
    kad_h5 *file;
    for (size_t i = 0; i < sizeof x; i++)
        x[i] = (uint8_t)i;
    assert_ok(c, kad_h5_create(&c->ctx, &file));
    assert_ok(c, kad_h5_write(&c->ctx, file, "/x", KAD_H5_U8, 3, dims, x));
    assert_ok(c, kad_h5_save(&c->ctx, file, image_path(c, "x"), false));
    kad_h5_close(file);
    fuzz(c, "x");
}

/* The cache itself: damaged or not, what comes out are the images. */
static void test_cache(void **state)
{
    image_case *c = *state;
    kad_image_store *store;
    kad_image_options o = image_options("pinwheel");
    char path[512], digest[65];
    size_t n;
    o.limit = 20;
    assert_ok(c, image_open(c, &o, &store));
    strcpy(digest, kad_image_store_set(store)->digest);
    kad_image_store_close(store);
    snprintf(path, sizeof path, "%s", image_path(c, "cache/images.h5"));
    unsigned char *data = scratch_slurp(path, &n);
    for (size_t bit = 0; bit < 8 * n; bit += 7) {
        data[bit / 8] ^= (unsigned char)(1u << bit % 8);
        scratch_spill(path, data, n);
        data[bit / 8] ^= (unsigned char)(1u << bit % 8);
        assert_ok(c, image_open(c, &o, &store));
        assert_string_equal(kad_image_store_set(store)->digest, digest);
        kad_image_store_close(store);
    }
    for (size_t cut = 0; cut < n; cut += 97) {
        scratch_spill(path, data, cut);
        assert_ok(c, image_open(c, &o, &store));
        assert_string_equal(kad_image_store_set(store)->digest, digest);
        kad_image_store_close(store);
    }
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IMAGE("image: PNG and JPEG, cut and flipped", test_pictures),
        IMAGE("image: .npy and idx, cut and flipped", test_stacks),
        IMAGE("image: HDF5, cut and flipped", test_hdf5),
        IMAGE("image: the cache, cut and flipped", test_cache),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Claims about sources of ill will: every file that cannot be read is named in a line, what
 * it claims takes no memory, the others are read or not as data.on_error says, and nothing
 * stays behind. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "tests/image/image_case.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum { GOOD = 6 };

/* A folder of good pictures; false: this program was built without libpng. */
static bool good_folder(image_case *c, char *folder, size_t size)
{
    bool done = true;
    snprintf(folder, size, "%s/f", c->folder.path);
    for (int i = 0; i < GOOD; i++) {
        char name[32];
        snprintf(name, sizeof name, "f/good%d.png", i);
        done = done && image_write(image_path(c, name), PNG_RGB, i, 16, 16);
    }
    return done;
}

/* Refused with its name; skipped, with the good ones read and a notice. */
static void check_bad(image_case *c, const char *folder, const char *why)
{
    kad_image_store *store;
    kad_image_options o = image_options(folder);
    o.held_out = 0.5;
    o.size = 8;
    image_refused(c, &o, KAD_EDATA, "1 of 7 files cannot be read, the first bad");
    assert_true(image_noted(c, why));
    assert_int_equal(scratch_count(image_path(c, "cache")), 0);
    memset(c->notices, 0, sizeof c->notices);
    c->n_notices = 0;
    o.on_error = KAD_IMAGE_SKIP;
    assert_ok(c, image_open(c, &o, &store));
    assert_int_equal(c->n_notices, 1);
    assert_true(image_noted(c, why) && image_noted(c, "/f/bad"));
    assert_int_equal(image_side(store, 0)->n + image_side(store, 1)->n, GOOD);
    assert_int_equal(kad_image_store_facts(store)->n_unread, 1);
    kad_image_store_close(store);
    unlink(image_path(c, "cache/images.h5"));
}

/* IHDR's width and height are at 16 and 20; its CRC, which is libpng's business, at 29. */
static uint32_t crc(const unsigned char *data, size_t n)
{
    uint32_t c = 0xffffffffu;
    for (size_t i = 0; i < n; i++) {
        c ^= data[i];
        for (int k = 0; k < 8; k++)
            c = c & 1 ? 0xedb88320u ^ (c >> 1) : c >> 1;
    }
    return ~c;
}

static void claim_size(unsigned char *png, uint32_t width, uint32_t height)
{
    for (int k = 0; k < 4; k++) {
        png[16 + k] = (unsigned char)(width >> (24 - 8 * k));
        png[20 + k] = (unsigned char)(height >> (24 - 8 * k));
    }
    const uint32_t sum = crc(png + 12, 17);
    for (int k = 0; k < 4; k++)
        png[29 + k] = (unsigned char)(sum >> (24 - 8 * k));
}

static void test_files(void **state)
{
    image_case *c = *state;
    char folder[512], bad[512];
    size_t n;
    if (!good_folder(c, folder, sizeof folder)) skip();
    unsigned char *good = scratch_slurp(image_path(c, "f/good0.png"), &n);
    snprintf(bad, sizeof bad, "%s", image_path(c, "f/bad"));
    scratch_spill(bad, "", 0);
    check_bad(c, folder, "is empty");
    scratch_spill(bad, "hello", 5);
    check_bad(c, folder, "neither PNG nor JPEG");
    scratch_spill(bad, good, n / 2);
    check_bad(c, folder, "damaged PNG");
    scratch_spill(bad, good, 20);
    check_bad(c, folder, "damaged PNG");
    good[n / 2] ^= 16;
    scratch_spill(bad, good, n);
    check_bad(c, folder, "damaged PNG");
    good[n / 2] ^= 16;
    claim_size(good, 60000, 60000); /* 10 GB in 1 kB */
    scratch_spill(bad, good, n);
    check_bad(c, folder, "claims 60000 x 60000 pixels");
    claim_size(good, 0x7fffffff, 1);
    scratch_spill(bad, good, n);
    check_bad(c, folder, "damaged PNG");
    claim_size(good, 0, 4);
    scratch_spill(bad, good, n);
    check_bad(c, folder, "damaged PNG");
    claim_size(good, 8000, 8000); /* rows that are not there */
    scratch_spill(bad, good, n);
    check_bad(c, folder, "damaged PNG");
    unlink(bad);
    if (image_write(bad, JPEG_RGB, 0, 16, 16)) {
        size_t m;
        unsigned char *jpeg = scratch_slurp(bad, &m);
        scratch_spill(bad, jpeg, m / 2);
        check_bad(c, folder, "damaged JPEG");
        scratch_spill(bad, jpeg, 4);
        check_bad(c, folder, "damaged JPEG");
        for (size_t i = 0; i + 8 < m; i++) /* SOF0: height and width */
            if (jpeg[i] == 0xff && jpeg[i + 1] == 0xc0) memset(jpeg + i + 5, 0xfe, 4);
        scratch_spill(bad, jpeg, m);
        check_bad(c, folder, "claims 65278 x 65278 pixels");
        free(jpeg);
    }
    unlink(bad);
    assert_int_equal(symlink("nowhere", bad), 0);
    check_bad(c, folder, "No such file");
    unlink(bad);
    assert_int_equal(symlink("bad", bad), 0);
    check_bad(c, folder, "symbolic links");
    unlink(bad);
    assert_int_equal(mkfifo(bad, 0666), 0);
    check_bad(c, folder, "not a regular file");
    unlink(bad);
    const int fd = open(bad, O_CREAT | O_WRONLY, 0666);
    assert_int_equal(ftruncate(fd, (off_t)1 << 40), 0); /* a terabyte of nothing */
    close(fd);
    check_bad(c, folder, "bytes, at most");
    free(good);
}

/* What compresses a thousandfold is decoded within the limit on pixels, and refused beyond
 * it before a row is read: memory stays below 400 MB in all. */
static void test_bomb(void **state)
{
    image_case *c = *state;
    char folder[512];
    struct rusage usage;
    if (!good_folder(c, folder, sizeof folder)) skip();
    kad_image_options o = image_options(folder);
    o.size = 8;
    o.held_out = 0.5;
    size_t n;
    unsigned char *good = scratch_slurp(image_path(c, "f/good0.png"), &n);
    claim_size(good, 65000, 65000);
    scratch_spill(image_path(c, "f/bad"), good, n);
    free(good);
    image_refused(c, &o, KAD_EDATA, "cannot be read");
    getrusage(RUSAGE_SELF, &usage);
#if !defined(__SANITIZE_ADDRESS__)
    assert_true(usage.ru_maxrss < 400 << 10);
#endif
}

/* A link to a folder that holds it is passed over with a notice; so is one that two links
 * make together. Names with control characters stay on one line. */
static void test_folders(void **state)
{
    image_case *c = *state;
    kad_image_store *store;
    char folder[512];
    if (!good_folder(c, folder, sizeof folder)) skip();
    image_path(c, "f/a/x");
    image_path(c, "f/b/x");
    assert_int_equal(symlink("..", image_path(c, "f/a/up")), 0);
    assert_int_equal(symlink("../a", image_path(c, "f/b/across")), 0);
    image_write(image_path(c, "f/a/\033[31mred\n"), PNG_RGB, 7, 16, 16);
    scratch_spill(image_path(c, "f/.hidden"), "not a picture", 13);
    kad_image_options o = image_options(folder);
    o.held_out = 0.5;
    assert_ok(c, image_open(c, &o, &store));
    assert_true(image_noted(c, "f/a/up: not followed"));
    /* a/red, and again by b/across */
    assert_int_equal(image_side(store, 0)->n + image_side(store, 1)->n, GOOD + 2);
    for (int side = 0; side < 2; side++)
        for (size_t i = 0; i < image_side(store, side)->n; i++)
            assert_true(kad_is_printable(image_side(store, side)->name[i]));
    kad_image_store_close(store);
    for (int depth = 0; depth < 2; depth++) {
        char deep[480] = "d";
        for (int i = 0; i < 40 * depth; i++)
            strcat(deep, "/d");
        snprintf(folder, sizeof folder, "%s/d", c->folder.path);
        strcat(deep, "/x");
        image_path(c, deep);
        o = image_options(folder);
        image_refused(c, &o, KAD_EDATA, "no images in it");
    }
    o = image_options("/nowhere/at/all");
    image_refused(c, &o, KAD_ENOINPUT, "/nowhere/at/all");
}

/* Pictures that differ, or are too small, and options that contradict each other. */
static void test_shapes(void **state)
{
    image_case *c = *state;
    char folder[512];
    if (!good_folder(c, folder, sizeof folder)) skip();
    kad_image_options o = image_options(folder);
    image_write(image_path(c, "f/small.png"), PNG_RGB, 1, 8, 20);
    image_refused(c, &o, KAD_EDATA, "data.size makes them alike");
    o.crop = 16;
    image_refused(c, &o, KAD_EDATA, "1 of 7 files cannot be read, the first small.png");
    assert_true(image_noted(c, "20 x 8 pixels, smaller than data.crop 16"));
    o.crop = 0;
    o.crops = 3;
    image_refused(c, &o, KAD_ECONFIG, "data.crops: 3, but data.size");
    o.crops = 0;
    o.size = 8;
    o.held_out = 0.0001;
    image_refused(c, &o, KAD_EDATA, "7 images to train on and 0 held out");
}

/* Files of many images: whatever their headers claim is held against their lengths. */
static void test_stacks(void **state)
{
    image_case *c = *state;
    char path[512];
    static const struct {
        const char *header, *why;
        int n;
    } npy[] = {
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (9, 2, 2)}", "damaged: of",
         5},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (9, 2, 2)}", "damaged: of",
         99},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999, 9, 9)}",
         "damaged: of", 9},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (4611686018427387904, 4, 4)}",
         "damaged: of", 9},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (0, 2, 2)}", "no images", 0},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (1, 0, 2)}", "no pixels", 0},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (1, 2, 2, 4)}", "3 channels",
         16},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2, 2)}", "unsigned bytes",
         32},
        {"{'descr': '|u1', 'fortran_order': True, 'shape': (1, 2, 2)}", "Fortran", 4},
        {"{}", "expected an array", 4},
        {"{'descr': '|u1', 'shape': (", "expected an array", 4},
    };
    snprintf(path, sizeof path, "%s", image_path(c, "x"));
    const kad_image_options o = image_options(path);
    for (size_t i = 0; i < sizeof npy / sizeof npy[0]; i++) {
        FILE *file = fopen(path, "wb");
        fwrite("\x93NUMPY\1\0", 1, 8, file);
        fputc((int)strlen(npy[i].header), file);
        fputc(0, file);
        fputs(npy[i].header, file);
        for (int k = 0; k < npy[i].n; k++)
            fputc(k, file);
        fclose(file);
        image_refused(c, &o, KAD_EDATA, npy[i].why);
    }
    scratch_spill(path, "\x93NUMPY\1\0\xff\xff", 10);
    image_refused(c, &o, KAD_EDATA, "damaged");
    scratch_spill(path, "\0\0\x8\3\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 16);
    image_refused(c, &o, KAD_EDATA, "claims");
    scratch_spill(path, "\0\0\x8\3\0\0\xff\xff\0\0\0\4\0\0\0\4", 16);
    image_refused(c, &o, KAD_EDATA, "damaged: of 16 bytes");
    scratch_spill(path, "", 0);
    image_refused(c, &o, KAD_EDATA, "is empty");
    scratch_spill(path, "\x1f\x8b garbage garbage", 18);
    image_refused(c, &o, KAD_EDATA, "no images known here");
    scratch_spill(path, "\x89HDF\r\n\x1a\n and nothing more", 25);
    image_refused(c, &o, KAD_EDATA, "HDF5");
    unsigned char *cifar = calloc(3, 3073); /* a folder of one that is cut short */
    scratch_spill(image_path(c, "c/data_batch_1.bin"), cifar, 2 * 3073 + 100);
    free(cifar);
    snprintf(path, sizeof path, "%s/c", c->folder.path);
    image_refused(c, &o, KAD_EDATA, "no whole number of CIFAR's records");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IMAGE("image: a bad file is named, refused or passed over", test_files),
        IMAGE("image: what a file claims takes no memory", test_bomb),
        IMAGE("image: folders in circles, odd names", test_folders),
        IMAGE("image: pictures that differ or are too small", test_shapes),
        IMAGE("image: headers are held against lengths", test_stacks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

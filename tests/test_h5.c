/* Claims about HDF5 files: what is written comes back, damage is found, nothing in a file
 * is trusted. */
#include "base/memory.h"
#include "base/signals.h"
#include "io/h5.h"
#include "scratch.h"

#include <hdf5.h>
#include <hdf5_hl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cmocka.h>

#define OK(expr)                                                  \
    do {                                                          \
        kad_status s_ = (expr);                                   \
        if (s_ != KAD_OK) fail_msg("%s: %s", #expr, ctx.message); \
    } while (0)

static kad_ctx ctx;
static scratch folder;

static int set_up(void **state)
{
    (void)state;
    kad_ctx_init(&ctx, 1);
    scratch_make(&folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scratch_remove(&folder);
    return 0;
}

enum { ROWS = 300, COLS = 40 };
static const size_t big_dims[2] = {ROWS, COLS};

static void fill(double *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = sin(0.1 * (double)i) + 1e-9 * (double)i;
}

/* A file with some of everything. */
static kad_h5 *sample_file(void)
{
    static double big[ROWS * COLS];
    static const char *const words[] = {"energy", "", "|m| \xc3\xbc"};
    int64_t counts[4] = {1, -2, INT64_MAX, INT64_MIN};
    uint64_t words64[1] = {UINT64_MAX};
    uint8_t flags[3] = {0, 1, 255};
    float small[2] = {1.5f, -0.0f};
    double r[COLS];
    size_t d4 = 4, d3 = 3, d2 = 2, d1 = 1, d0 = 0, dc = COLS;
    kad_h5 *file;
    fill(big, ROWS * COLS);
    for (int i = 0; i < COLS; i++)
        r[i] = i;
    OK(kad_h5_create(&ctx, &file));
    OK(kad_h5_write(&ctx, file, "/a/b/big", KAD_H5_F64, 2, big_dims, big));
    OK(kad_h5_write(&ctx, file, "/a/r", KAD_H5_F64, 1, &dc, r));
    OK(kad_h5_write(&ctx, file, "/counts", KAD_H5_I64, 1, &d4, counts));
    OK(kad_h5_write(&ctx, file, "/key", KAD_H5_U64, 1, &d1, words64));
    OK(kad_h5_write(&ctx, file, "/flags", KAD_H5_U8, 1, &d3, flags));
    OK(kad_h5_write(&ctx, file, "/small", KAD_H5_F32, 1, &d2, small));
    OK(kad_h5_write(&ctx, file, "/scalar", KAD_H5_F64, 0, NULL, big + 3));
    OK(kad_h5_write(&ctx, file, "/none", KAD_H5_F64, 1, &d0, NULL));
    OK(kad_h5_write_strings(&ctx, file, "/words", 3, words));
    OK(kad_h5_group(&ctx, file, "/empty"));
    OK(kad_h5_attr_set_string(&ctx, file, "/", "status", "running"));
    OK(kad_h5_attr_set_real(&ctx, file, "/a", "beta", 0.44));
    OK(kad_h5_attr_set_int(&ctx, file, "/a/b/big", "step", -7));
    OK(kad_h5_describe(&ctx, file, "/a/b/big", "1", "a long name", NULL));
    OK(kad_h5_axis(&ctx, file, "/a/b/big", 1, "r", "/a/r"));
    OK(kad_h5_axis(&ctx, file, "/a/b/big", 0, "row", NULL));
    return file;
}

static void check_sample(kad_h5 *file)
{
    static double big[ROWS * COLS], expected[ROWS * COLS];
    int64_t counts[4], step;
    uint64_t key;
    uint8_t flags[3];
    float small[2];
    double scalar, beta;
    char *words[3], *text;
    size_t d4 = 4, d3 = 3, d2 = 2, d1 = 1, d0 = 0;
    fill(expected, ROWS * COLS);
    OK(kad_h5_read(&ctx, file, "/a/b/big", KAD_H5_F64, 2, big_dims, big));
    assert_memory_equal(big, expected, sizeof big);
    OK(kad_h5_read(&ctx, file, "/counts", KAD_H5_I64, 1, &d4, counts));
    assert_true(counts[2] == INT64_MAX && counts[3] == INT64_MIN && counts[1] == -2);
    OK(kad_h5_read(&ctx, file, "/key", KAD_H5_U64, 1, &d1, &key));
    assert_true(key == UINT64_MAX);
    OK(kad_h5_read(&ctx, file, "/flags", KAD_H5_U8, 1, &d3, flags));
    assert_int_equal(flags[2], 255);
    OK(kad_h5_read(&ctx, file, "/small", KAD_H5_F32, 1, &d2, small));
    assert_true(small[0] == 1.5f && signbit(small[1]));
    OK(kad_h5_read(&ctx, file, "/scalar", KAD_H5_F64, 0, NULL, &scalar));
    assert_true(scalar == expected[3]);
    OK(kad_h5_read(&ctx, file, "/none", KAD_H5_F64, 1, &d0, NULL));
    OK(kad_h5_read_strings(&ctx, file, "/words", 3, words));
    assert_string_equal(words[0], "energy");
    assert_string_equal(words[1], "");
    assert_string_equal(words[2], "|m| \xc3\xbc");
    for (int i = 0; i < 3; i++)
        kad_free(words[i]);
    OK(kad_h5_attr_string(&ctx, file, "/", "status", &text));
    assert_string_equal(text, "running");
    kad_free(text);
    OK(kad_h5_attr_real(&ctx, file, "/a", "beta", &beta));
    assert_true(beta == 0.44);
    OK(kad_h5_attr_int(&ctx, file, "/a/b/big", "step", &step));
    assert_int_equal(step, -7);
    assert_true(kad_h5_attr_exists(file, "/a/b/big", "units"));
    assert_false(kad_h5_attr_exists(file, "/a/b/big", "estimator"));
    assert_true(kad_h5_exists(file, "/empty"));
    assert_false(kad_h5_exists(file, "/a/c"));
}

static void test_round_trip(void **state)
{
    (void)state;
    for (int digest = 0; digest < 2; digest++) {
        const char *path = scratch_file(&folder, "trip.h5");
        kad_h5 *file = sample_file(), *again;
        check_sample(file);
        OK(kad_h5_save(&ctx, file, path, digest));
        check_sample(file); /* saving does not disturb */
        kad_h5_close(file);
        OK(kad_h5_open(&ctx, path, digest, 0, &again));
        check_sample(again);
        kad_h5_close(again);
        hid_t id = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT); /* as others open it */
        assert_true(id >= 0);
        H5Fclose(id);
    }
}

static void expect_same_bytes(const char *a, const char *b)
{
    size_t n, m;
    unsigned char *x = scratch_slurp(a, &n), *y = scratch_slurp(b, &m);
    assert_non_null(x);
    assert_non_null(y);
    assert_int_equal(n, m);
    assert_memory_equal(x, y, n);
    free(x);
    free(y);
}

static void test_same_bytes(void **state)
{
    (void)state;
    const char *a = scratch_file(&folder, "a.h5"), *b = scratch_file(&folder, "b.h5");
    for (int digest = 0; digest < 2; digest++) {
        kad_h5 *x = sample_file();
        OK(kad_h5_save(&ctx, x, a, digest));
        kad_h5_close(x);
        usleep(1100000 * !digest); /* a timestamp of seconds would show */
        x = sample_file();
        OK(kad_h5_save(&ctx, x, b, digest));
        kad_h5_close(x);
        expect_same_bytes(a, b);
    }
    /* and whatever the history: detours, saving, reopening, replacing */
    kad_h5 *x = sample_file();
    double junk[5000] = {1};
    size_t n = 5000;
    OK(kad_h5_save(&ctx, x, a, false));
    OK(kad_h5_write(&ctx, x, "/a/junk", KAD_H5_F64, 1, &n, junk));
    OK(kad_h5_write(&ctx, x, "/scalar", KAD_H5_F64, 1, &n, junk));
    OK(kad_h5_axis(&ctx, x, "/scalar", 0, "x", "/a/junk"));
    OK(kad_h5_attr_set_string(&ctx, x, "/", "status", "a much longer state than that"));
    OK(kad_h5_save(&ctx, x, b, false));
    kad_h5_close(x);
    OK(kad_h5_open(&ctx, b, false, 0, &x));
    double value = sin(0.1 * 3) + 1e-9 * 3;
    OK(kad_h5_remove(&ctx, x, "/a/junk"));
    OK(kad_h5_write(&ctx, x, "/scalar", KAD_H5_F64, 0, NULL, &value));
    OK(kad_h5_attr_set_string(&ctx, x, "/", "status", "running"));
    check_sample(x);
    OK(kad_h5_save(&ctx, x, b, false));
    kad_h5_close(x);
    expect_same_bytes(a, b);
}

static void test_scales(void **state)
{
    (void)state;
    const char *path = scratch_file(&folder, "scales.h5");
    kad_h5 *file = sample_file();
    for (int round = 0; round < 3; round++) {
        OK(kad_h5_save(&ctx, file, path, false));
        kad_h5_close(file);
        hid_t id = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
        hid_t big = H5Dopen2(id, "/a/b/big", H5P_DEFAULT);
        hid_t r = H5Dopen2(id, "/a/r", H5P_DEFAULT);
        char label[20];
        assert_true(H5DSis_scale(r) > 0);
        assert_true(H5DSis_attached(big, r, 1) > 0);
        assert_true(H5DSget_label(big, 0, label, sizeof label) == 3);
        assert_string_equal(label, "row");
        H5Dclose(big);
        H5Dclose(r);
        H5Fclose(id);
        OK(kad_h5_open(&ctx, path, false, 0, &file));
    }
    assert_int_equal(kad_h5_axis(&ctx, file, "/a/b/big", 2, "x", NULL), KAD_EINTERNAL);
    assert_int_equal(kad_h5_axis(&ctx, file, "/a/b/big", 0, "x", "/a/r"), KAD_EINTERNAL);
    /* a scale that goes away leaves no dangling reference */
    OK(kad_h5_remove(&ctx, file, "/a/r"));
    OK(kad_h5_save(&ctx, file, path, false));
    kad_h5_close(file);
    hid_t id = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t big = H5Dopen2(id, "/a/b/big", H5P_DEFAULT);
    assert_true(H5DSget_num_scales(big, 1) == 0);
    H5Dclose(big);
    H5Fclose(id);
}

static void test_list_remove(void **state)
{
    (void)state;
    kad_h5 *file = sample_file();
    size_t n;
    char **names;
    OK(kad_h5_list(&ctx, file, "/", &n, &names));
    static const char *const expected[] = {"a",    "counts", "empty", "flags", "key",
                                           "none", "scalar", "small", "words"};
    assert_int_equal(n, 9);
    for (size_t i = 0; i < n; i++)
        assert_string_equal(names[i], expected[i]);
    kad_h5_free_names(n, names);
    OK(kad_h5_remove(&ctx, file, "/a"));
    OK(kad_h5_remove(&ctx, file, "/a"));
    assert_false(kad_h5_exists(file, "/a/b/big"));
    OK(kad_h5_list(&ctx, file, "/empty", &n, &names));
    assert_int_equal(n, 0);
    kad_h5_free_names(n, names);
    assert_int_equal(kad_h5_list(&ctx, file, "/key", &n, &names), KAD_EDATA);
    assert_int_equal(kad_h5_list(&ctx, file, "/nothing", &n, &names), KAD_EDATA);
    kad_h5_close(file);
}

static void expect(kad_status status, kad_status wanted, const char *fragment)
{
    assert_int_equal(status, wanted);
    if (!strstr(ctx.message, fragment))
        fail_msg("\"%s\" lacks \"%s\"", ctx.message, fragment);
}

static void test_mismatch(void **state)
{
    (void)state;
    kad_h5 *file = sample_file();
    static double x[ROWS * COLS];
    size_t swapped[2] = {COLS, ROWS}, three[3] = {ROWS, COLS, 1}, d4 = 4, d3 = 3;
    int64_t count;
    double real;
    char *text[3];
    expect(kad_h5_read(&ctx, file, "/a/b/big", KAD_H5_F64, 2, swapped, x), KAD_EDATA,
           "/a/b/big: expected float64[40,300], found float64[300,40]");
    expect(kad_h5_read(&ctx, file, "/a/b/big", KAD_H5_F64, 3, three, x), KAD_EDATA,
           "expected float64[300,40,1]");
    expect(kad_h5_read(&ctx, file, "/a/b/big", KAD_H5_I64, 2, big_dims, x), KAD_EDATA,
           "expected int64[300,40], found float64[300,40]");
    expect(kad_h5_read(&ctx, file, "/counts", KAD_H5_F64, 1, &d4, x), KAD_EDATA,
           "expected float64[4], found int64[4]");
    expect(kad_h5_read(&ctx, file, "/words", KAD_H5_F64, 1, &d3, x), KAD_EDATA,
           "expected numbers, found string");
    expect(kad_h5_read(&ctx, file, "/a", KAD_H5_F64, 1, &d3, x), KAD_EDATA,
           "expected a dataset, found a group");
    expect(kad_h5_read(&ctx, file, "/a/no", KAD_H5_F64, 1, &d3, x), KAD_EDATA,
           "there is no such object");
    expect(kad_h5_read(&ctx, file, "/a//b", KAD_H5_F64, 1, &d3, x), KAD_EDATA, "no such");
    expect(kad_h5_read(&ctx, file, "/a/../a/r", KAD_H5_F64, 1, &d3, x), KAD_EDATA, "no");
    expect(kad_h5_read_strings(&ctx, file, "/words", 2, text), KAD_EDATA,
           "expected 2 texts, found 3");
    expect(kad_h5_read_strings(&ctx, file, "/counts", 4, (char *[4]){0}), KAD_EDATA,
           "expected text");
    expect(kad_h5_attr_int(&ctx, file, "/a", "nothing", &count), KAD_EDATA,
           "attribute nothing is missing");
    expect(kad_h5_attr_int(&ctx, file, "/a", "beta", &count), KAD_EDATA,
           "is not one integer");
    expect(kad_h5_attr_real(&ctx, file, "/", "status", &real), KAD_EDATA,
           "not one number");
    expect(kad_h5_attr_string(&ctx, file, "/a", "beta", text), KAD_EDATA,
           "expected text");
    expect(kad_h5_group(&ctx, file, "/counts/x"), KAD_EDATA, "expected a group");
    kad_h5_close(file);
    expect(kad_h5_open(&ctx, scratch_file(&folder, "no.h5"), false, 0, &file),
           KAD_ENOINPUT, "no.h5");
    assert_null(file);
}

/* Conversions among floats and among integers are exact where they can be. */
static void test_conversion(void **state)
{
    (void)state;
    kad_h5 *file = sample_file();
    double as_double[2];
    int64_t flags[3];
    float x[ROWS * COLS];
    size_t d2 = 2, d3 = 3;
    OK(kad_h5_read(&ctx, file, "/small", KAD_H5_F64, 1, &d2, as_double));
    assert_true(as_double[0] == 1.5);
    OK(kad_h5_read(&ctx, file, "/flags", KAD_H5_I64, 1, &d3, flags));
    assert_int_equal(flags[2], 255);
    OK(kad_h5_read(&ctx, file, "/a/b/big", KAD_H5_F32, 2, big_dims, x));
    assert_true(x[7] == (float)(sin(0.1 * 7) + 7e-9));
    kad_h5_close(file);
}

/* ---- damage ---- */

static void test_digest_finds_every_flip(void **state)
{
    (void)state;
    const char *path = scratch_file(&folder, "flip.h5");
    kad_h5 *file;
    double x[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    size_t n_x = 8, n;
    OK(kad_h5_create(&ctx, &file));
    OK(kad_h5_write(&ctx, file, "/x", KAD_H5_F64, 1, &n_x, x));
    OK(kad_h5_save(&ctx, file, path, true));
    kad_h5_close(file);
    unsigned char *data = scratch_slurp(path, &n);
    int fd = -1;
    FILE *handle = fopen(path, "r+b");
    assert_non_null(handle);
    fd = fileno(handle);
    for (size_t bit = 0; bit < 8 * n; bit++) {
        unsigned char byte = data[bit / 8] ^ (unsigned char)(1u << bit % 8);
        assert_int_equal(pwrite(fd, &byte, 1, (off_t)(bit / 8)), 1);
        if (kad_h5_check_digest(&ctx, path, 0) != KAD_EDATA)
            fail_msg("flip of bit %zu not found", bit);
        assert_int_equal(pwrite(fd, &data[bit / 8], 1, (off_t)(bit / 8)), 1);
    }
    OK(kad_h5_check_digest(&ctx, path, 0));
    for (size_t cut = 0; cut < n; cut += 37) {
        assert_int_equal(ftruncate(fd, (off_t)(n - 1 - cut)), 0);
        expect(kad_h5_open(&ctx, path, true, 0, &file), KAD_EDATA, "damaged");
    }
    fclose(handle);
    /* appended bytes and a plain file are no checkpoints either */
    unsigned char *longer = calloc(1, n + 1);
    memcpy(longer, data, n);
    scratch_spill(path, longer, n + 1);
    expect(kad_h5_open(&ctx, path, true, 0, &file), KAD_EDATA, "length");
    scratch_spill(path, data + 512, n - 512);
    expect(kad_h5_open(&ctx, path, true, 0, &file), KAD_EDATA, "no digest");
    OK(kad_h5_open(&ctx, path, false, 0, &file));
    kad_h5_close(file);
    free(longer);
    free(data);
}

/* Reads everything of a possibly damaged file; only that it returns matters. */
static void read_everything(const char *path)
{
    kad_h5 *file;
    double *x = malloc(sizeof *x * ROWS * COLS);
    size_t dims[KAD_H5_MAX_RANK], n, d3 = 3;
    int rank;
    char **names, *words[3], *text;
    int64_t step;
    uint8_t flags[3];
    if (kad_h5_open(&ctx, path, false, 0, &file) != KAD_OK) {
        free(x);
        return;
    }
    if (kad_h5_shape(&ctx, file, "/a/b/big", &rank, dims) == KAD_OK)
        (void)!kad_h5_read(&ctx, file, "/a/b/big", KAD_H5_F64, 2, big_dims, x);
    (void)!kad_h5_read(&ctx, file, "/flags", KAD_H5_U8, 1, &d3, flags);
    if (kad_h5_read_strings(&ctx, file, "/words", 3, words) == KAD_OK)
        for (int i = 0; i < 3; i++)
            kad_free(words[i]);
    if (kad_h5_attr_string(&ctx, file, "/", "status", &text) == KAD_OK) kad_free(text);
    (void)!kad_h5_attr_int(&ctx, file, "/a/b/big", "step", &step);
    if (kad_h5_list(&ctx, file, "/a", &n, &names) == KAD_OK) kad_h5_free_names(n, names);
    kad_h5_close(file);
    free(x);
}

/* In a child, with little memory: a crash or an allocation bomb shows in its status. */
static void expect_survives(const unsigned char *data, size_t n, size_t seed)
{
    const char *path = scratch_file(&folder, "hostile.h5");
    scratch_spill(path, data, n);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm(120);
        read_everything(path);
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("damage %zu: status %x", seed, (unsigned)status);
}

static void test_damaged_results(void **state)
{
    (void)state;
    const char *path = scratch_file(&folder, "plain.h5");
    kad_h5 *file = sample_file();
    size_t n;
    OK(kad_h5_save(&ctx, file, path, false));
    kad_h5_close(file);
    unsigned char *data = scratch_slurp(path, &n), *bad = malloc(n);
    uint64_t random = 12345;
    for (size_t trial = 0; trial < 40; trial++) {
        memcpy(bad, data, n);
        for (int k = 0; k < 4; k++) { /* mostly in the metadata at the front */
            random = random * 6364136223846793005u + 1442695040888963407u;
            size_t where = (random >> 33) % (trial % 3 ? 4096 : n);
            bad[where] ^= (unsigned char)(1u << (random >> 29 & 7));
        }
        expect_survives(bad, n, trial);
        expect_survives(data, (random >> 33) % n, trial);
    }
    free(bad);
    free(data);
}

/* A dataset that claims a shape, never written. */
static void make_claim(const char *path, int rank, const hsize_t *dims, bool chunked)
{
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t space = H5Screate_simple(rank, dims, NULL);
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
    hsize_t chunk[3] = {16, 16, 16};
    if (chunked) H5Pset_chunk(plist, rank, chunk);
    H5Pset_alloc_time(plist, chunked ? H5D_ALLOC_TIME_INCR : H5D_ALLOC_TIME_LATE);
    hid_t set =
        H5Dcreate2(file, "x", H5T_IEEE_F64LE, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    if (set >= 0) H5Dclose(set);
    H5Pclose(plist);
    H5Sclose(space);
    H5Fclose(file);
}

static void test_claims(void **state)
{
    (void)state;
    static const hsize_t claims[][3] = {{(hsize_t)1 << 60, 1, 1},
                                        {(hsize_t)1 << 32, (hsize_t)1 << 32, 2},
                                        {1000000, 1, 1}};
    static const int ranks[] = {1, 3, 1};
    const char *path = scratch_file(&folder, "claim.h5");
    for (int i = 0; i < 3; i++)
        for (int chunked = 0; chunked < 2; chunked++) {
            kad_h5 *file;
            int rank;
            size_t dims[KAD_H5_MAX_RANK];
            make_claim(path, ranks[i], claims[i], chunked);
            if (kad_h5_open(&ctx, path, false, 0, &file) != KAD_OK) continue;
            if (kad_h5_exists(file, "/x"))
                expect(kad_h5_shape(&ctx, file, "/x", &rank, dims), KAD_EDATA, "claims");
            kad_h5_close(file);
        }
}

static void test_links(void **state)
{
    (void)state;
    const char *path = scratch_file(&folder, "links.h5");
    hid_t id = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t group = H5Gcreate2(id, "g", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_soft("/g", id, "soft", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_external("/etc/passwd", "/x", id, "external", H5P_DEFAULT, H5P_DEFAULT);
    hsize_t four = 4;
    hid_t space = H5Screate_simple(1, &four, NULL), plist = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(plist, "/etc/passwd", 0, 32);
    hid_t set =
        H5Dcreate2(id, "outside", H5T_IEEE_F64LE, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    assert_true(set >= 0);
    H5Dclose(set);
    H5Pclose(plist);
    plist = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(plist, 1, &four);
    H5Pset_scaleoffset(plist, H5Z_SO_INT, 0);
    set =
        H5Dcreate2(id, "filtered", H5T_STD_I64LE, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    assert_true(set >= 0);
    H5Dclose(set);
    H5Pclose(plist);
    H5Sclose(space);
    H5Gclose(group);
    H5Fclose(id);
    kad_h5 *file;
    double x[4];
    int64_t k[4];
    size_t n, d4 = 4;
    char **names;
    OK(kad_h5_open(&ctx, path, false, 0, &file));
    expect(kad_h5_list(&ctx, file, "/soft", &n, &names), KAD_EDATA, "soft or external");
    expect(kad_h5_read(&ctx, file, "/external", KAD_H5_F64, 1, &d4, x), KAD_EDATA,
           "soft or external");
    expect(kad_h5_read(&ctx, file, "/outside", KAD_H5_F64, 1, &d4, x), KAD_EDATA,
           "another file");
    expect(kad_h5_read(&ctx, file, "/filtered", KAD_H5_I64, 1, &d4, k), KAD_EDATA,
           "compression");
    kad_h5_close(file);
}

/* ---- full disk ---- */

static void test_full_disk(void **state)
{
    (void)state;
    const char *path = scratch_file(&folder, "full.h5");
    kad_h5 *file = sample_file(), *old;
    size_t n, m;
    OK(kad_h5_save(&ctx, file, path, true));
    unsigned char *before = scratch_slurp(path, &n), *after;
    int entries = scratch_count(folder.path);
    pid_t child = fork();
    if (child == 0) {
        struct rlimit limit = {8192, 8192};
        kad_signals_install();
        setrlimit(RLIMIT_FSIZE, &limit);
        kad_status status = kad_h5_save(&ctx, file, path, true);
        _exit(status == KAD_EIO && strstr(ctx.message, "cannot be written") ? 0 : 1);
    }
    int status;
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(scratch_count(folder.path), entries);
    after = scratch_slurp(path, &m);
    assert_int_equal(n, m);
    assert_memory_equal(before, after, n);
    OK(kad_h5_open(&ctx, path, true, 0, &old));
    kad_h5_close(old);
    expect(kad_h5_save(&ctx, file, "/nonexistent/x.h5", true), KAD_ECREATE,
           "/nonexistent/x.h5");
    kad_h5_close(file);
    free(before);
    free(after);
}

/* ---- out of memory ---- */

/* Every allocation of ours fails once, while a file is changed, saved and read back. */
static kad_status exercise(const char *path)
{
    kad_status status;
    kad_h5 *file = NULL;
    double x[COLS] = {1}, y;
    size_t n = COLS, n_names;
    char **names, *text;
    KAD_TRY(kad_h5_create(&ctx, &file));
    KAD_TRY(kad_h5_write(&ctx, file, "/a/x", KAD_H5_F64, 1, &n, x));
    KAD_TRY(kad_h5_write(&ctx, file, "/a/r", KAD_H5_F64, 1, &n, x));
    KAD_TRY(kad_h5_attr_set_string(&ctx, file, "/a", "status", "fine"));
    KAD_TRY(kad_h5_axis(&ctx, file, "/a/x", 0, "r", "/a/r"));
    KAD_TRY(kad_h5_save(&ctx, file, path, false));
    kad_h5_close(file);
    file = NULL;
    KAD_TRY(kad_h5_open(&ctx, path, false, 0, &file));
    KAD_TRY(kad_h5_remove(&ctx, file, "/a/r"));
    KAD_TRY(kad_h5_save(&ctx, file, path, true));
    kad_h5_close(file);
    file = NULL;
    KAD_TRY(kad_h5_open(&ctx, path, true, 0, &file));
    KAD_TRY(kad_h5_list(&ctx, file, "/a", &n_names, &names));
    kad_h5_free_names(n_names, names);
    KAD_TRY(kad_h5_attr_string(&ctx, file, "/a", "status", &text));
    kad_free(text);
    KAD_TRY(kad_h5_read(&ctx, file, "/a/x", KAD_H5_F64, 1, &n, x));
    y = x[0];
    assert_true(y == 1);
done:
    kad_h5_close(file);
    return status;
}

static void test_exhaustion(void **state)
{
    (void)state;
    const char *path = scratch_file(&folder, "memory.h5");
    int64_t n = 0;
    for (;; n++) {
        kad_memory_fail_after(n);
        kad_status status = exercise(path);
        kad_memory_fail_after(-1);
        if (status == KAD_OK) break;
        assert_true(status == KAD_ENOMEM || status == KAD_EDATA);
    }
    assert_true(n > 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_same_bytes),
        cmocka_unit_test(test_scales),
        cmocka_unit_test(test_list_remove),
        cmocka_unit_test(test_mismatch),
        cmocka_unit_test(test_conversion),
        cmocka_unit_test(test_digest_finds_every_flip),
        cmocka_unit_test(test_damaged_results),
        cmocka_unit_test(test_claims),
        cmocka_unit_test(test_links),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_exhaustion),
    };
    return cmocka_run_group_tests_name("h5: what is written comes back, damage is found",
                                       tests, set_up, tear_down);
}

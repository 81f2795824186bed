/* Claims about HDF5 files: what is written comes back, with the same bytes; what does not
 * fit is said. */
#include "tests/io/h5_case.h"

#include <hdf5.h>
#include <hdf5_hl.h>
#include <math.h>

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
    /* a scale that goes away leaves no dangling reference, but a bare dimension */
    OK(kad_h5_remove(&ctx, file, "/a/r"));
    OK(kad_h5_save(&ctx, file, path, false));
    kad_h5_close(file);
    hid_t id = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t big = H5Dopen2(id, "/a/b/big", H5P_DEFAULT);
    hid_t r = H5Dopen2(id, "/a/b/r", H5P_DEFAULT);
    assert_true(H5DSget_num_scales(big, 1) == 1);
    assert_true(H5DSis_attached(big, r, 1) > 0);
    H5Dclose(r);
    H5Dclose(big);
    H5Fclose(id);
}

/* The name of the scale of an axis, as netCDF reads it. */
static herr_t get_scale(hid_t dataset, unsigned axis, hid_t scale, void *name)
{
    (void)dataset;
    (void)axis;
    return H5Iget_name(scale, name, 64) > 0 ? 1 : -1;
}

static void expect_scale(hid_t id, const char *path, unsigned axis, const char *expected)
{
    char name[64] = "";
    hid_t dataset = H5Dopen2(id, path, H5P_DEFAULT);
    assert_true(dataset >= 0);
    assert_true(H5DSget_num_scales(dataset, axis) == 1);
    assert_true(H5DSiterate_scales(dataset, axis, NULL, get_scale, name) == 1);
    assert_string_equal(name, expected);
    H5Dclose(dataset);
}

/* coupling is its own axis and value's; a matrix's axes have two names; an axis of a name
 * that is something else in the group gets its length behind; without a name n and it. */
static void test_dimensions(void **state)
{
    (void)state;
    KAD_SCOPE(scope, &ctx);
    const char *path = scratch_file(&folder, "dims.h5");
    const char *again = scratch_file(&folder, "dims2.h5");
    static const char *const words[] = {"m2", "lambda", "kappa"};
    const double x[9] = {0};
    const size_t dims[2] = {3, 3}, four = 4;
    size_t n;
    char **names;
    kad_h5 *file;
    OK(kad_h5_create(&ctx, &file));
    OK(kad_h5_write_strings(&ctx, file, "/g/coupling", 3, words));
    OK(kad_h5_write_string(&ctx, file, "/g/alone", "one"));
    OK(kad_h5_write(&ctx, file, "/g/value", KAD_H5_F64, 1, dims, x));
    OK(kad_h5_axes(&ctx, file, "/g/value", "coupling"));
    OK(kad_h5_write(&ctx, file, "/g/cov", KAD_H5_F64, 2, dims, x));
    OK(kad_h5_axes(&ctx, file, "/g/cov", "coupling coupling"));
    OK(kad_h5_write(&ctx, file, "/g/tensor", KAD_H5_F64, 2, dims, x));
    OK(kad_h5_write(&ctx, file, "/g/short", KAD_H5_F64, 1, &four, x));
    OK(kad_h5_axes(&ctx, file, "/g/short", "value"));
    assert_int_equal(kad_h5_axes(&ctx, file, "/g/cov", "one"), KAD_EINTERNAL);
    assert_int_equal(kad_h5_axes(&ctx, file, "/g/cov", "one two three"), KAD_EINTERNAL);
    OK(kad_h5_save(&ctx, file, path, false));
    kad_h5_close(file);
    hid_t id = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    expect_scale(id, "/g/value", 0, "/g/coupling");
    expect_scale(id, "/g/cov", 0, "/g/coupling");
    expect_scale(id, "/g/cov", 1, "/g/coupling_2");
    expect_scale(id, "/g/tensor", 0, "/g/n3");
    expect_scale(id, "/g/tensor", 1, "/g/n3_2");
    expect_scale(id, "/g/short", 0, "/g/value_n4");
    H5Fclose(id);
    /* they do not exist for this program, and saving again changes nothing */
    OK(kad_h5_open(&ctx, path, false, 0, &file));
    OK(kad_h5_list(&scope, file, "/g", &n, &names));
    assert_int_equal(n, 6);
    OK(kad_h5_count(&ctx, file, "/g", &n));
    assert_int_equal(n, 3 + 1 + 3 + 9 + 9 + 4);
    assert_false(kad_h5_exists(file, "/g/n3"));
    OK(kad_h5_save(&ctx, file, again, false));
    expect_same_bytes(path, again);
    /* and give way: to a dataset or a group of that name */
    OK(kad_h5_write(&ctx, file, "/g/n3", KAD_H5_F64, 1, dims, x));
    OK(kad_h5_group(&ctx, file, "/g/n3_2"));
    OK(kad_h5_save(&ctx, file, again, false));
    kad_h5_close(file);
    id = H5Fopen(again, H5F_ACC_RDONLY, H5P_DEFAULT);
    expect_scale(id, "/g/tensor", 0, "/g/n3");
    expect_scale(id, "/g/tensor", 1, "/g/n3_n3");
    H5Fclose(id);
}

static void test_list_remove(void **state)
{
    (void)state;
    KAD_SCOPE(scope, &ctx);
    kad_h5 *file = sample_file();
    size_t n;
    char **names;
    OK(kad_h5_list(&scope, file, "/", &n, &names));
    static const char *const expected[] = {"a",    "counts", "empty", "flags", "key",
                                           "none", "scalar", "small", "words"};
    assert_int_equal(n, 9);
    for (size_t i = 0; i < n; i++)
        assert_string_equal(names[i], expected[i]);
    OK(kad_h5_remove(&ctx, file, "/a"));
    OK(kad_h5_remove(&ctx, file, "/a"));
    assert_false(kad_h5_exists(file, "/a/b/big"));
    OK(kad_h5_list(&scope, file, "/empty", &n, &names));
    assert_int_equal(n, 0);
    assert_int_equal(kad_h5_list(&scope, file, "/key", &n, &names), KAD_EDATA);
    assert_int_equal(kad_h5_list(&scope, file, "/nothing", &n, &names), KAD_EDATA);
    kad_h5_close(file);
}

static void test_mismatch(void **state)
{
    (void)state;
    KAD_SCOPE(scope, &ctx);
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
    expect(kad_h5_read_strings(&scope, file, "/words", 2, text), KAD_EDATA,
           "expected 2 texts, found 3");
    expect(kad_h5_read_strings(&scope, file, "/counts", 4, (char *[4]){0}), KAD_EDATA,
           "expected text");
    expect(kad_h5_attr_int(&ctx, file, "/a", "nothing", &count), KAD_EDATA,
           "attribute nothing is missing");
    expect(kad_h5_attr_int(&ctx, file, "/a", "beta", &count), KAD_EDATA,
           "is not one integer");
    expect(kad_h5_attr_real(&ctx, file, "/", "status", &real), KAD_EDATA,
           "not one number");
    expect(kad_h5_attr_string(&scope, file, "/a", "beta", text), KAD_EDATA,
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),  cmocka_unit_test(test_same_bytes),
        cmocka_unit_test(test_scales),      cmocka_unit_test(test_dimensions),
        cmocka_unit_test(test_list_remove), cmocka_unit_test(test_mismatch),
        cmocka_unit_test(test_conversion),
    };
    return cmocka_run_group_tests_name("h5: what is written comes back", tests, h5_set_up,
                                       h5_tear_down);
}

/* Claims about the writer of groups: what is described comes back with its axes; the first
 * failure sticks. */
#include "io/writer.h"

#include "base/memory.h"
#include "tests/io/h5_case.h"

#include <hdf5.h>
#include <hdf5_hl.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static void expect_text(kad_h5 *file, const char *path, const char *name,
                        const char *wanted)
{
    KAD_SCOPE(scope, &ctx);
    char *text = NULL;
    OK(kad_h5_attr_string(&scope, file, path, name, &text));
    assert_string_equal(text, wanted);
}

static void test_data_sets(void **state)
{
    (void)state;
    kad_h5 *file;
    const double x[6] = {0, 1, 2, 3, 4, 5}, scalar = 0.25;
    double got[6];
    const size_t dims[2] = {2, 3};
    int64_t integer;
    double real;
    OK(kad_h5_create(&ctx, &file));
    kad_writer w = kad_write_into(&ctx, file, "/group");
    kad_write(&w, "x", KAD_H5_F64, "row column", "", "a matrix", dims, x);
    kad_write(&w, "scalar", KAD_H5_F64, "", "nats", "a number", NULL, &scalar);
    kad_write_word(&w, "word", "a text", "text");
    kad_write_int(&w, "n", 7);
    kad_write_real(&w, "x@spacing", 0.5);
    kad_write_text(&w, "x@estimator", "mean");
    OK(kad_write_end(&w));
    OK(kad_h5_read(&ctx, file, "/group/x", KAD_H5_F64, 2, dims, got));
    assert_memory_equal(got, x, sizeof x);
    OK(kad_h5_read(&ctx, file, "/group/scalar", KAD_H5_F64, 0, NULL, got));
    assert_true(got[0] == scalar);
    OK(kad_h5_attr_int(&ctx, file, "/group", "n", &integer));
    assert_int_equal(integer, 7);
    OK(kad_h5_attr_real(&ctx, file, "/group/x", "spacing", &real));
    assert_true(real == 0.5);
    expect_text(file, "/group/x", "units", "1");
    expect_text(file, "/group/x", "long_name", "a matrix");
    expect_text(file, "/group/x", "estimator", "mean");
    expect_text(file, "/group/scalar", "units", "nats");
    const char *label;
    OK(kad_h5_axis_label(&ctx, file, "/group/x", 1, &label));
    assert_string_equal(label, "column");
    w = kad_write_anew(&ctx, file, "/group");
    assert_false(kad_write_has(&w, "x"));
    OK(kad_write_end(&w));
    kad_h5_close(file);
}

/* Of the writer's group where it lies above, by name and length. */
static void test_shared_scales(void **state)
{
    (void)state;
    kad_h5 *file;
    const double x[3] = {1, 2, 4};
    const char *const names[2] = {"a", "b"};
    const size_t n = 3, two = 2;
    const char *path = scratch_file(&folder, "shared.h5");
    OK(kad_h5_create(&ctx, &file));
    kad_writer w = kad_write_into(&ctx, file, "/group");
    kad_write(&w, "r", KAD_H5_F64, "r", "lattice steps", "separation", &n, x);
    kad_write_names(&w, "kind", "kind", "of what", 2, names);
    kad_write(&w, "series/y", KAD_H5_F64, "r", "1", "on r", &n, x);
    kad_write(&w, "series/short", KAD_H5_F64, "r", "1", "on another r", &two, x);
    kad_write(&w, "series/z", KAD_H5_F64, "kind", "1", "of kinds", &two, x);
    OK(kad_write_end(&w));
    OK(kad_h5_save(&ctx, file, path, false));
    kad_h5_close(file);
    const hid_t id = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    static const struct {
        const char *set, *scale;
    } pairs[] = {{"/group/series/y", "/group/r"},
                 {"/group/series/short", "/group/series/r"},
                 {"/group/series/z", "/group/kind"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const hid_t set = H5Dopen2(id, pairs[i].set, H5P_DEFAULT);
        const hid_t scale = H5Dopen2(id, pairs[i].scale, H5P_DEFAULT);
        assert_true(set >= 0 && scale >= 0);
        if (H5DSis_attached(set, scale, 0) <= 0)
            fail_msg("%s is no scale of %s", pairs[i].scale, pairs[i].set);
        H5Dclose(set);
        H5Dclose(scale);
    }
    H5Fclose(id);
}

static void test_columns(void **state)
{
    (void)state;
    typedef struct row {
        bool flag;
        double x;
        int level;
        int64_t n;
        size_t size;
    } row;
    static const kad_write_column columns[] = {
        {"flag", KAD_CELL_BOOL, offsetof(row, flag), "1", "a flag"},
        {"x", KAD_CELL_REAL, offsetof(row, x), "nats", "a number"},
        {"level", KAD_CELL_INT, offsetof(row, level), "1", "a level"},
        {"n", KAD_CELL_I64, offsetof(row, n), "1", "a count"},
        {"size", KAD_CELL_SIZE, offsetof(row, size), "1", "a size"}};
    const row rows[2] = {{true, 0.5, -3, INT64_MIN, 8}, {false, NAN, 4, INT64_MAX, 0}};
    const size_t n = 2;
    kad_h5 *file;
    double x[2];
    int64_t k[2];
    OK(kad_h5_create(&ctx, &file));
    kad_writer w = kad_write_into(&ctx, file, "/t");
    kad_write_columns(&w, "row", 5, columns, n, rows, sizeof *rows);
    OK(kad_write_end(&w));
    OK(kad_h5_read(&ctx, file, "/t/x", KAD_H5_F64, 1, &n, x));
    assert_true(x[0] == 0.5 && isnan(x[1]));
    OK(kad_h5_read(&ctx, file, "/t/flag", KAD_H5_I64, 1, &n, k));
    assert_true(k[0] == 1 && k[1] == 0);
    OK(kad_h5_read(&ctx, file, "/t/level", KAD_H5_I64, 1, &n, k));
    assert_true(k[0] == -3 && k[1] == 4);
    OK(kad_h5_read(&ctx, file, "/t/n", KAD_H5_I64, 1, &n, k));
    assert_true(k[0] == INT64_MIN && k[1] == INT64_MAX);
    OK(kad_h5_read(&ctx, file, "/t/size", KAD_H5_I64, 1, &n, k));
    assert_true(k[0] == 8 && k[1] == 0);
    kad_h5_close(file);
}

/* Nothing is written behind the first failure, whose message stays. */
static void test_failure_sticks(void **state)
{
    (void)state;
    kad_h5 *file;
    const double x = 1;
    const size_t n = 1;
    char name[2 * KAD_WRITER_PATH];
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    OK(kad_h5_create(&ctx, &file));
    kad_writer w = kad_write_into(&ctx, file, "/t");
    kad_write(&w, "before", KAD_H5_F64, "row", "1", "fine", &n, &x);
    kad_write_real(&w, "absent@value", 1.0);
    kad_write(&w, "behind", KAD_H5_F64, "row", "1", "not written", &n, &x);
    kad_write_int(&w, "behind", 1);
    assert_null(kad_write_scratch(&w, 1, 1));
    expect(kad_write_end(&w), KAD_EDATA, "/t/absent: there is no such object");
    assert_true(kad_h5_exists(file, "/t/before"));
    assert_false(kad_h5_exists(file, "/t/behind"));
    assert_false(kad_h5_attr_exists(file, "/t", "behind"));
    w = kad_write_into(&ctx, file, "/t");
    kad_write(&w, name, KAD_H5_F64, "row", "1", "no place", &n, &x);
    expect(kad_write_end(&w), KAD_EINTERNAL, "too long a path");
    w = kad_write_into(&ctx, file, "/t/before");
    expect(kad_write_end(&w), KAD_EDATA, "expected a group");
    kad_h5_close(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_data_sets),
        cmocka_unit_test(test_shared_scales),
        cmocka_unit_test(test_columns),
        cmocka_unit_test(test_failure_sticks),
    };
    return cmocka_run_group_tests_name("writer: groups of a results file", tests,
                                       h5_set_up, h5_tear_down);
}

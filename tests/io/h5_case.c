#include "tests/io/h5_case.h"

#include "base/memory.h"

#include <math.h>

kad_ctx ctx;
scratch folder;
const size_t big_dims[2] = {ROWS, COLS};

int h5_set_up(void **state)
{
    (void)state;
    kad_ctx_init(&ctx, 1);
    scratch_make(&folder);
    return 0;
}

int h5_tear_down(void **state)
{
    (void)state;
    scratch_remove(&folder);
    return 0;
}

static void fill(double *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = sin(0.1 * (double)i) + 1e-9 * (double)i;
}

kad_h5 *sample_file(void)
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

void check_sample(kad_h5 *file)
{
    KAD_SCOPE(scope, &ctx);
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
    OK(kad_h5_read_strings(&scope, file, "/words", 3, words));
    assert_string_equal(words[0], "energy");
    assert_string_equal(words[1], "");
    assert_string_equal(words[2], "|m| \xc3\xbc");
    OK(kad_h5_attr_string(&scope, file, "/", "status", &text));
    assert_string_equal(text, "running");
    OK(kad_h5_attr_real(&ctx, file, "/a", "beta", &beta));
    assert_true(beta == 0.44);
    OK(kad_h5_attr_int(&ctx, file, "/a/b/big", "step", &step));
    assert_int_equal(step, -7);
    assert_true(kad_h5_attr_exists(file, "/a/b/big", "units"));
    assert_false(kad_h5_attr_exists(file, "/a/b/big", "estimator"));
    assert_true(kad_h5_exists(file, "/empty"));
    assert_false(kad_h5_exists(file, "/a/c"));
}

void expect(kad_status status, kad_status wanted, const char *fragment)
{
    assert_int_equal(status, wanted);
    if (!strstr(ctx.message, fragment))
        fail_msg("\"%s\" lacks \"%s\"", ctx.message, fragment);
}

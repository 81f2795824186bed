/* The report's text buffer, plots and page. */
#include "analysis/report.h"
#include "analysis/results.h"
#include "analysis/svg.h"
#include "base/memory.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_base64(void **state)
{
    /* RFC 4648, section 10 */
    static const char *const cases[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        kad_text text = {0};
        kad_text_base64(&text, (const unsigned char *)cases[i][0], strlen(cases[i][0]));
        assert_false(text.failed);
        assert_string_equal(text.data != NULL ? text.data : "", cases[i][1]);
        kad_text_clear(&text);
    }
}

static void test_text(void **state)
{
    kad_text text = {0};
    (void)state;
    kad_text_escape(&text, "<a href=\"x\"> & y");
    assert_string_equal(text.data, "&lt;a href=&quot;x&quot;&gt; &amp; y");
    kad_text_clear(&text);
    size_t length = 0;
    for (int i = 0; i < 5000; i++) {
        kad_text_add(&text, "%d,", i);
        length += (size_t)snprintf(NULL, 0, "%d,", i);
    }
    assert_int_equal(text.n, length);
    assert_int_equal(strlen(text.data), length);
    kad_text_add(&text, "%2000d", 1); /* longer than the small buffer */
    assert_int_equal(text.n, length + 2000);
    kad_text_clear(&text);
}

/* Ticks lie inside, are equidistant, are 1, 2 or 5 times a power of ten apart. */
static void test_ticks(void **state)
{
    static const double ranges[][2] = {{0, 1},      {-3.2, 7.9}, {0.00012, 0.00034},
                                       {99.9, 101}, {-2e6, 5e6}, {1e-9, 1}};
    (void)state;
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        double tick[16], lo = ranges[i][0], hi = ranges[i][1];
        int n = kad_ticks(lo, hi, 5, 16, tick);
        assert_in_range(n, 2, 12);
        double step = tick[1] - tick[0], slack = 1e-6 * step;
        double lead = step / pow(10, floor(log10(step * (1 + 1e-9))));
        assert_true(fabs(lead - 1) < 1e-6 || fabs(lead - 2) < 1e-6 ||
                    fabs(lead - 5) < 1e-6);
        for (int k = 0; k < n; k++) {
            assert_true(tick[k] >= lo - slack && tick[k] <= hi + slack);
            if (k > 0) assert_true(fabs(tick[k] - tick[k - 1] - step) < slack);
        }
    }
    double none[4];
    assert_int_equal(kad_ticks(1, 1, 5, 4, none), 0);
    assert_int_equal(kad_ticks(NAN, 1, 5, 4, none), 0);
}

/* Numbers that are not finite, or not positive on a logarithmic axis, never reach the
 * drawing. */
static void test_bad_points(void **state)
{
    double x[5] = {0, 1, 2, 3, NAN}, y[5] = {1, NAN, INFINITY, -1, 2};
    double err[5] = {0.5, 1, 1, 9, NAN};
    (void)state;
    for (int mark = KAD_MARK_LINE; mark <= KAD_MARK_LEVEL; mark++)
        for (int log = 0; log < 2; log++) {
            kad_text out = {0};
            kad_plot plot = {.y = {.log = log}};
            kad_plot_add(&plot, (kad_series){.mark = (kad_mark)mark,
                                             .n = 5,
                                             .x = x,
                                             .y = y,
                                             .err = err,
                                             .label = "s"});
            kad_plot_render(&out, &plot);
            if (out.data != NULL) {
                assert_null(strstr(out.data, "nan"));
                assert_null(strstr(out.data, "inf"));
            }
            kad_text_clear(&out);
        }
    kad_text out = {0};
    kad_plot empty = {0};
    kad_plot_render(&out, &empty);
    assert_int_equal(out.n, 0);
}

static void write_series(kad_ctx *ctx, kad_h5 *file)
{
    enum { N = 500 };
    size_t dims[2] = {1, N}, n = 3, cube[5] = {1, 2, 1, 8, 8};
    double weight[N], action[N], step[N], loss[N], field[128];
    for (int i = 0; i < N; i++) {
        weight[i] = 0.3 * sin(i * 1.7);
        action[i] = 10 + cos(i * 0.9);
        step[i] = i;
        loss[i] = i == 7 ? NAN : -60 + 50 * exp(-i / 30.0);
    }
    weight[3] = -INFINITY;
    for (int i = 0; i < 128; i++)
        field[i] = sin(i);
    size_t steps = N;
    static const char *const names[3] = {"energy", "<b>", "log_z"};
    double mean[3] = {-1.4, 0.1, 60}, err[3] = {0.01, 0.2, 0},
           exact[3] = {-1.41, NAN, 61};
    assert_int_equal(
        kad_h5_write(ctx, file, "/training/step", KAD_H5_F64, 1, &steps, step), KAD_OK);
    assert_int_equal(
        kad_h5_write(ctx, file, "/training/free_energy", KAD_H5_F64, 1, &steps, loss),
        KAD_OK);
    assert_int_equal(kad_h5_attr_set_real(ctx, file, "/training", "log_z_exact", 60.1),
                     KAD_OK);
    assert_int_equal(
        kad_h5_write(ctx, file, "/samplers/mis/log_weight", KAD_H5_F64, 2, dims, weight),
        KAD_OK);
    assert_int_equal(
        kad_h5_write(ctx, file, "/samplers/mis/action", KAD_H5_F64, 2, dims, action),
        KAD_OK);
    assert_int_equal(
        kad_h5_write(ctx, file, "/samplers/mis/configs", KAD_H5_F64, 5, cube, field),
        KAD_OK);
    assert_int_equal(
        kad_h5_write_strings(ctx, file, "/analysis/mis/observable", n, names), KAD_OK);
    assert_int_equal(
        kad_h5_write(ctx, file, "/analysis/mis/mean", KAD_H5_F64, 1, &n, mean), KAD_OK);
    assert_int_equal(kad_h5_write(ctx, file, "/analysis/mis/err", KAD_H5_F64, 1, &n, err),
                     KAD_OK);
    assert_int_equal(
        kad_h5_write(ctx, file, "/analysis/mis/exact", KAD_H5_F64, 1, &n, exact), KAD_OK);
}

static void test_page(void **state)
{
    kad_ctx ctx;
    kad_h5 *file = NULL;
    kad_text empty = {0}, page = {0};
    (void)state;
    kad_ctx_init(&ctx, 1);
    assert_int_equal(kad_h5_create(&ctx, &file), KAD_OK);
    assert_int_equal(kad_report_html(&ctx, file, &empty), KAD_OK);
    assert_non_null(strstr(empty.data, "</html>"));
    write_series(&ctx, file);
    assert_int_equal(kad_report_html(&ctx, file, &page), KAD_OK);
    assert_non_null(strstr(page.data, "</html>"));
    assert_non_null(strstr(page.data, "exact bound"));
    assert_non_null(strstr(page.data, "level 2"));
    assert_non_null(strstr(page.data, "&lt;b&gt;")); /* names are escaped */
    assert_null(strstr(page.data, "<b>&"));
    assert_non_null(strstr(page.data, "-1.400(10)"));
    /* self-contained: nothing is fetched, nothing runs */
    assert_null(strstr(page.data, "http"));
    assert_null(strstr(page.data, "<script"));
    assert_null(strstr(page.data, "nan"));
    kad_text_clear(&empty);
    kad_text_clear(&page);
    kad_h5_close(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base64), cmocka_unit_test(test_text),
        cmocka_unit_test(test_ticks),  cmocka_unit_test(test_bad_points),
        cmocka_unit_test(test_page),
    };
    return cmocka_run_group_tests_name(
        "report: self-contained, escaped, free of numbers that are not", tests, NULL,
        NULL);
}

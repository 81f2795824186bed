/* Claims about the live view of a run, and about values with their errors as they are shown. */
#include "base/memory.h"
#include "io/progress.h"
#include "io/run_folder.h"
#include "tests/io/h5_case.h"

#include <jansson.h>

static void test_progress(void **state)
{
    (void)state;
    kad_run *run;
    kad_progress *progress;
    OK(kad_run_open(&ctx, folder.path, KAD_RUN_WRITE, &run));
    char *path = kad_run_file(run, "progress.jsonl"), *text;
    scratch_spill(path, "{\"half a li", 11); /* of a killed run */
    OK(kad_progress_create(&ctx, run, true, &progress));
    kad_progress_begin(progress, "train L=16", 10, 100);
    assert_true(kad_progress_due(progress));
    kad_field fields[] = {{"loss", -1.5, 0.02}, {"ess", 0.5, NAN}, {"gap", NAN, NAN}};
    for (int step = 11; step <= 100; step++)
        kad_progress_update(progress, step, 3, fields);
    assert_false(kad_progress_due(progress));
    kad_progress_end(progress);
    kad_progress_destroy(progress);
    OK(kad_run_read_text(&ctx, run, "progress.jsonl", 100000, &text));
    int n = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), n++) {
        json_error_t error;
        json_t *object = json_loads(line, 0, &error);
        if (n == 0) {
            assert_null(object); /* the old half line stands alone */
            continue;
        }
        assert_non_null(object);
        assert_string_equal(json_string_value(json_object_get(object, "stage")),
                            "train L=16");
        assert_int_equal(json_integer_value(json_object_get(object, "step")),
                         n == 1 ? 11 : 100);
        assert_true(json_real_value(json_object_get(object, "loss_err")) == 0.02);
        assert_null(json_object_get(object, "ess_err"));
        assert_true(json_is_null(json_object_get(object, "gap")));
        assert_true((json_object_get(object, "finished") != NULL) == (n == 2));
        json_decref(object);
    }
    assert_int_equal(n, 3); /* 90 updates within a second are one line */
    kad_free(text);
    kad_free(path);
    kad_run_close(run);
    OK(kad_progress_create(&ctx, NULL, true, &progress));
    kad_progress_begin(progress, "x", 0, 0);
    assert_false(kad_progress_due(progress));
    kad_progress_end(progress);
    kad_progress_destroy(progress);
    kad_progress_destroy(NULL);
}

typedef struct shown {
    double value, err;
    const char *text;
} shown;

static const shown shown_values[] = {
    {0.8163, 0.0213, "0.82(2)"},
    {59.934, 0.1234, "59.93(12)"},
    {1.23e-5, 3.1e-6, "1.2(3)e-05"},
    {0.5, 0, "0.5"},
    {0.5, -1, "0.5"},
    {0.5, NAN, "0.5"},
    {0.5, INFINITY, "0.5"},
    {NAN, 0.1, "nan"},
    {1234, 56, "1230(60)"},
    {120.43, 1.23, "120.4(12)"},
    {120.43, 3.2, "120(3)"},
    {-1.5, 0.0196, "-1.50(2)"},
    {-1.5, 0.0194, "-1.500(19)"},
    {0.999, 0.0951, "1.00(10)"},
    {0, 0.003, "0.000(3)"},
    {0, 3e-7, "0(3)e-07"},
    {2.5e7, 3e5, "2.50(3)e+07"},
    {9.996e-5, 1e-7, "9.996(10)e-05"},
    {9.9996e-5, 1.2e-8, "9.9996(12)e-05"},
    {9.99999e-5, 3e-8, "1.0000(3)e-04"},
    {1e300, 1e298, "1.000(10)e+300"},
    {5, 100, "10(100)"},
    {5, 3000, "0(3000)"},
};

static void test_format_error(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof shown_values / sizeof *shown_values; i++) {
        const shown *s = &shown_values[i];
        char text[64];
        kad_format_error(text, sizeof text, s->value, s->err);
        if (strcmp(text, s->text) != 0)
            fail_msg("%g +- %g: \"%s\", not \"%s\"", s->value, s->err, text, s->text);
    }
    char tiny[5];
    kad_format_error(tiny, sizeof tiny, 59.934, 0.1234);
    assert_int_equal(strlen(tiny), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_progress, h5_set_up, h5_tear_down),
        cmocka_unit_test(test_format_error),
    };
    return cmocka_run_group_tests_name("progress: the live view says what happens", tests,
                                       NULL, NULL);
}

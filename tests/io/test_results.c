/* Claims about results files: older formats, and what a complete run says of itself. */
#include "base/memory.h"
#include "io/run_folder.h"
#include "tests/io/h5_case.h"

/* Results of an older format are read and saved in the present one; of a newer one: a
 * line that says so, and the file as it was. */
static void test_format_version(void **state)
{
    (void)state;
    kad_run *run;
    kad_h5 *file;
    int64_t version;
    OK(kad_run_open(&ctx, folder.path, KAD_RUN_WRITE, &run));
    OK(kad_h5_create(&ctx, &file));
    OK(kad_h5_attr_set_int(&ctx, file, "/", "format_version", 1));
    OK(kad_h5_save(&ctx, file, scratch_file(&folder, "run.h5"), false));
    kad_h5_close(file);
    OK(kad_results_open(&ctx, run, &file));
    OK(kad_results_save(&ctx, run, file));
    kad_h5_close(file);
    OK(kad_results_open(&ctx, run, &file));
    OK(kad_h5_attr_int(&ctx, file, "/", "format_version", &version));
    assert_int_equal(version, KAD_FORMAT_VERSION);
    OK(kad_h5_attr_set_int(&ctx, file, "/", "format_version", KAD_FORMAT_VERSION + 1));
    OK(kad_h5_save(&ctx, file, scratch_file(&folder, "run.h5"), false));
    kad_h5_close(file);
    assert_int_equal(kad_results_open(&ctx, run, &file), KAD_EDATA);
    assert_null(file);
    assert_non_null(strstr(ctx.message, "newer kadanoff"));
    kad_run_close(run);
}

/* Version 2 as it was: weights beside the chain's series, draws of `direct` among the
 * observables, scales upon them. */
static void test_upgrade(void **state)
{
    (void)state;
    static const char *const moved[] = {"mis/proposals/log_weight",
                                        "mis/proposals/action",
                                        "mis/proposals/m",
                                        "mis/observables/m",
                                        "direct/proposals/log_weight",
                                        "direct/proposals/action",
                                        "direct/proposals/m"};
    static const char *const old[] = {
        "mis/log_weight",       "mis/action",
        "mis/proposals/m",      "mis/observables/m",
        "direct/log_weight",    "direct/action",
        "direct/observables/m", "direct/observables/action"};
    kad_run *run;
    kad_h5 *file;
    char path[96];
    const size_t n = 3;
    OK(kad_run_open(&ctx, folder.path, KAD_RUN_WRITE, &run));
    OK(kad_h5_create(&ctx, &file));
    OK(kad_h5_attr_set_int(&ctx, file, "/", "format_version", 2));
    for (size_t i = 0; i < sizeof old / sizeof *old; i++) {
        const double values[3] = {(double)i, 0.5, -1};
        snprintf(path, sizeof path, "/samplers/%s", old[i]);
        OK(kad_h5_write(&ctx, file, path, KAD_H5_F64, 1, &n, values));
        OK(kad_h5_axes(&ctx, file, path, "draw"));
    }
    OK(kad_h5_save(&ctx, file, scratch_file(&folder, "run.h5"), false));
    kad_h5_close(file);
    OK(kad_results_open(&ctx, run, &file));
    for (int saved = 0; saved < 2; saved++) {
        for (size_t i = 0; i < sizeof moved / sizeof *moved; i++) {
            double values[3];
            const char *label;
            snprintf(path, sizeof path, "/samplers/%s", moved[i]);
            OK(kad_h5_read(&ctx, file, path, KAD_H5_F64, 1, &n, values));
            assert_true(values[0] == (double)i && values[2] == -1.0);
            OK(kad_h5_axis_label(&ctx, file, path, 0, &label));
            assert_string_equal(label, "draw");
        }
        assert_false(kad_h5_exists(file, "/samplers/mis/log_weight"));
        assert_false(kad_h5_exists(file, "/samplers/mis/action"));
        assert_false(kad_h5_exists(file, "/samplers/direct/observables"));
        if (saved) break;
        OK(kad_results_save(&ctx, run, file));
        kad_h5_close(file);
        OK(kad_h5_open(&ctx, scratch_file(&folder, "run.h5"), false, 0, &file));
    }
    kad_h5_close(file);
    kad_run_close(run);
}

/* What a complete run says of its config is read without opening it, and goes with the state. */
static void test_complete(void **state)
{
    (void)state;
    static const struct {
        const char *status, *config, *word;
        bool complete;
    } cases[] = {{"running", NULL, "", false},
                 {"complete", NULL, "", true},
                 {"complete", "aZ0-_12", "aZ0-_12", true},
                 {"running", "aZ0-_12", "", false},
                 {"complete", "", "", true}};
    KAD_LOCAL(kad_run, run);
    const char *path = scratch_file(&folder, "run");
    char word[KAD_WORD_CHARS];
    OK(kad_run_open(&ctx, path, KAD_RUN_WRITE, &run));
    assert_false(kad_results_complete(&ctx, run, word));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        KAD_LOCAL(kad_h5, file);
        OK(kad_results_open(&ctx, run, &file));
        OK(kad_h5_attr_set_string(&ctx, file, "/", "status", cases[i].status));
        if (cases[i].config != NULL)
            OK(kad_h5_attr_set_string(&ctx, file, "/", KAD_RESULTS_WORD,
                                      cases[i].config));
        OK(kad_results_save(&ctx, run, file));
        assert_int_equal(kad_results_complete(&ctx, run, word), cases[i].complete);
        assert_string_equal(word, cases[i].word);
    }
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, h5_set_up, h5_tear_down)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_format_version),
        IN_FOLDER(test_upgrade),
        IN_FOLDER(test_complete),
    };
    return cmocka_run_group_tests_name("results: old ones are read, complete ones known",
                                       tests, NULL, NULL);
}

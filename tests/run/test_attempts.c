/* Claims about /attempts: earlier rows stay, a killed one is told from one that ended. */
#include "run/attempts.h"
#include "tests/support/claim.h"
#include "tests/support/scratch.h"

typedef struct fixture {
    kad_ctx ctx;
    scratch folder;
    kad_run *run;
    kad_h5 *file;
    char noted[KAD_MESSAGE_MAX];
    int n_noted;
} fixture;

static void take_note(void *sink, const char *line)
{
    fixture *f = sink;
    snprintf(f->noted, sizeof f->noted, "%s", line);
    f->n_noted++;
}

static int setup(void **state)
{
    static fixture f;
    f = (fixture){0};
    kad_ctx_init(&f.ctx, 1);
    f.ctx.log = take_note;
    f.ctx.sink = &f;
    scratch_make(&f.folder);
    assert_ok(&f, kad_run_open(&f.ctx, f.folder.path, KAD_RUN_WRITE, &f.run));
    assert_ok(&f, kad_h5_create(&f.ctx, &f.file));
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    kad_h5_close(f->file);
    kad_run_close(f->run);
    scratch_remove(&f->folder);
    return 0;
}

static kad_attempt attempt(const char *host, const char *cpu)
{
    return (kad_attempt){.started = "then",
                         .ended = "",
                         .status = "running",
                         .host = host,
                         .job = "",
                         .cpu = cpu,
                         .kernels = "avx2",
                         .version = "1",
                         .command_line = "kadanoff run x",
                         .threads = 2};
}

static void begin(fixture *f, const char *host, const char *cpu)
{
    const kad_attempt a = attempt(host, cpu);
    assert_ok(f, kad_attempts_begin(&f->ctx, f->run, f->file, &a));
}

static void check_texts(fixture *f, const char *name, size_t n,
                        const char *const *expected)
{
    KAD_SCOPE(scope, &f->ctx);
    char path[64], *text[8];
    snprintf(path, sizeof path, "/attempts/%s", name);
    assert_ok(f, kad_h5_read_strings(&scope, f->file, path, n, text));
    for (size_t i = 0; i < n; i++)
        assert_string_equal(text[i], expected[i]);
}

static void test_rows_stay(void **state)
{
    fixture *f = *state;
    static const char line[] = "{\"stage\":\"train\",\"step\":30,\"total\":60}\n{\"sta";
    begin(f, "a", "x86-64-v3");
    assert_ok(f,
              kad_attempts_end(
                  &f->ctx, f->file,
                  &(kad_attempt){.ended = "now",
                                 .status = "SIGTERM",
                                 .seconds = 2.5,
                                 .place = {.stage = "train", .step = 20, .total = 60}}));
    begin(f, "b", "x86-64-v3"); /* is killed, in the middle of a line of its progress */
    scratch_spill(scratch_file(&f->folder, "progress.jsonl"), line, sizeof line - 1);
    begin(f, "c", "x86-64-v3");
    assert_int_equal(f->n_noted, 0);
    check_texts(f, "status", 3, (const char *[]){"SIGTERM", "killed", "running"});
    check_texts(f, "host", 3, (const char *[]){"a", "b", "c"});
    check_texts(f, "ended", 3, (const char *[]){"now", "", ""});
    check_texts(f, "stage", 3, (const char *[]){"train", "train", ""});
    int64_t step[3];
    double seconds[3];
    const size_t n = 3;
    assert_ok(f,
              kad_h5_read(&f->ctx, f->file, "/attempts/step", KAD_H5_I64, 1, &n, step));
    assert_true(step[0] == 20 && step[1] == 30 && step[2] == 0);
    assert_ok(f, kad_h5_read(&f->ctx, f->file, "/attempts/seconds", KAD_H5_F64, 1, &n,
                             seconds));
    assert_true(seconds[0] == 2.5 && isnan(seconds[1]) && isnan(seconds[2]));
}

static void test_another_processor_is_said(void **state)
{
    fixture *f = *state;
    begin(f, "a", "x86-64-v4");
    begin(f, "b", "x86-64-v3");
    assert_int_equal(f->n_noted, 1);
    assert_non_null(
        strstr(f->noted, "was begun on x86-64-v4 (avx2), goes on on x86-64-v3"));
    assert_null(strchr(f->noted, '\n'));
}

/* A table of another program is refused, not written over. */
static void test_strange_table(void **state)
{
    fixture *f = *state;
    const kad_attempt a = attempt("a", "x86-64-v3");
    const size_t n = 2;
    assert_ok(f, kad_h5_write(&f->ctx, f->file, "/attempts/started", KAD_H5_F64, 1, &n,
                              (double[]){1, 2}));
    assert_int_equal(kad_attempts_begin(&f->ctx, f->run, f->file, &a), KAD_EDATA);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {TEST(test_rows_stay),
                                       TEST(test_another_processor_is_said),
                                       TEST(test_strange_table)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

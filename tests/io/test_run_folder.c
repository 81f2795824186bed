/* Claims about run folders: one writer at a time, checkpoints survive any kill. */
#include "base/memory.h"
#include "base/signals.h"
#include "io/progress.h"
#include "io/run_folder.h"
#include "tests/support/claim.h"
#include "tests/support/scratch.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <utime.h>

#define OK(expr)                                                  \
    do {                                                          \
        kad_status s_ = (expr);                                   \
        if (s_ != KAD_OK) fail_msg("%s: %s", #expr, ctx.message); \
    } while (0)

static kad_ctx ctx;
static scratch folder;
static char noted[KAD_MESSAGE_MAX];

static void take_note(void *sink, const char *line)
{
    (void)sink;
    snprintf(noted, sizeof noted, "%s", line);
}

static int set_up(void **state)
{
    (void)state;
    kad_ctx_init(&ctx, 1);
    ctx.log = take_note;
    noted[0] = 0;
    scratch_make(&folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scratch_remove(&folder);
    return 0;
}

/* A checkpoint that says `step` in many places, so that a mixture would show. */
enum { N = 3000 };

static kad_h5 *checkpoint(int64_t step)
{
    static int64_t x[N];
    size_t n = N;
    kad_h5 *file;
    OK(kad_h5_create(&ctx, &file));
    for (int i = 0; i < N; i++)
        x[i] = step;
    OK(kad_h5_write(&ctx, file, "/state/x", KAD_H5_I64, 1, &n, x));
    OK(kad_h5_attr_set_int(&ctx, file, "/", "step", step));
    return file;
}

static int64_t step_of(kad_h5 *file)
{
    static int64_t x[N];
    size_t n = N;
    int64_t step;
    OK(kad_h5_attr_int(&ctx, file, "/", "step", &step));
    OK(kad_h5_read(&ctx, file, "/state/x", KAD_H5_I64, 1, &n, x));
    for (int i = 0; i < N; i++)
        assert_true(x[i] == step);
    return step;
}

static void save(const kad_run *run, int64_t step)
{
    kad_h5 *file = checkpoint(step);
    OK(kad_checkpoint_save(&ctx, run, file));
    kad_h5_close(file);
}

static int64_t load(const kad_run *run)
{
    kad_h5 *file;
    OK(kad_checkpoint_load(&ctx, run, &file));
    if (!file) return -1;
    int64_t step = step_of(file);
    kad_h5_close(file);
    return step;
}

static kad_run *open_run(void)
{
    kad_run *run;
    OK(kad_run_open(&ctx, scratch_file(&folder, "deep/er/run/"), KAD_RUN_WRITE, &run));
    return run;
}

static void test_texts(void **state)
{
    (void)state;
    kad_run *run = open_run(), *reader;
    kad_h5 *file;
    char *text;
    OK(kad_run_write_text(&ctx, run, "config.yaml", "seed: 1\n"));
    OK(kad_run_write_text(&ctx, run, "config.yaml", "seed: 2\n"));
    OK(kad_run_read_text(&ctx, run, "config.yaml", 100, &text));
    assert_string_equal(text, "seed: 2\n");
    kad_free(text);
    assert_int_equal(kad_run_read_text(&ctx, run, "config.yaml", 7, &text), KAD_EDATA);
    assert_int_equal(kad_run_read_text(&ctx, run, "absent", 7, &text), KAD_ENOINPUT);
    assert_null(text);
    assert_int_equal(scratch_count(kad_run_path(run)), 2); /* it and checkpoint/ */
    /* a run is what has results in it; a reader of one needs no lock */
    assert_int_equal(kad_run_open(&ctx, kad_run_path(run), KAD_RUN_READ, &reader),
                     KAD_ENOINPUT);
    file = checkpoint(1);
    OK(kad_results_save(&ctx, run, file));
    kad_h5_close(file);
    OK(kad_run_open(&ctx, kad_run_path(run), KAD_RUN_READ, &reader));
    OK(kad_run_read_text(&ctx, reader, "config.yaml", 100, &text));
    kad_free(text);
    kad_run_close(reader);
    kad_run_close(run);
    assert_int_equal(
        kad_run_open(&ctx, scratch_file(&folder, "none"), KAD_RUN_READ, &reader),
        KAD_ENOINPUT);
    assert_null(reader);
    assert_int_equal(kad_run_open(&ctx, "", KAD_RUN_WRITE, &reader), KAD_EUSAGE);
    scratch_spill(scratch_file(&folder, "file"), "x", 1);
    assert_int_equal(
        kad_run_open(&ctx, scratch_file(&folder, "file"), KAD_RUN_WRITE, &reader),
        KAD_ECREATE);
}

static void test_lock(void **state)
{
    (void)state;
    kad_run *run = open_run();
    int status;
    pid_t child = fork();
    if (child == 0) {
        kad_run *second;
        char holder[64];
        snprintf(holder, sizeof holder, "process %ld on host ", (long)getppid());
        kad_status s = kad_run_open(&ctx, kad_run_path(run), KAD_RUN_WRITE, &second);
        _exit(s == KAD_EINUSE && !second && strstr(ctx.message, holder) ? 0 : 1);
    }
    waitpid(child, &status, 0);
    if (status != 0) fail_msg("the second process was let in, or not told by whom");
    kad_run_close(run);
    /* a holder that is killed leaves no lock behind */
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    child = fork();
    if (child == 0) {
        (void)!open_run();
        (void)!write(ends[1], "x", 1);
        pause();
    }
    char byte;
    assert_int_equal(read(ends[0], &byte, 1), 1);
    kad_run *none;
    assert_int_equal(
        kad_run_open(&ctx, scratch_file(&folder, "deep/er/run"), KAD_RUN_WRITE, &none),
        KAD_EINUSE);
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    run = open_run();
    kad_run_close(run);
    close(ends[0]);
    close(ends[1]);
}

/* Where locks are each machine's own, the lock's text and the age of the progress decide. */
static void test_lock_of_another_machine(void **state)
{
    (void)state;
    static const struct {
        const char *lock;
        time_t age; /* of progress.jsonl, in seconds; < 0: there is none */
        kad_status status;
    } cases[] = {
        {"4711 elsewhere\n", 10, KAD_EINUSE},
        {"4711 elsewhere\n", 110, KAD_EINUSE},
        {"4711 elsewhere\n", 130, KAD_OK},
        {"4711 elsewhere\n", -1, KAD_OK},
        {"hello\n", 10, KAD_OK},
        {"", 10, KAD_OK},
    };
    char path[512];
    snprintf(path, sizeof path, "%s", scratch_file(&folder, "deep/er/run"));
    char lock[600], progress[600];
    snprintf(lock, sizeof lock, "%s/checkpoint/lock", path);
    snprintf(progress, sizeof progress, "%s/progress.jsonl", path);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct stat info;
        unlink(progress);
        kad_run *run = open_run();
        kad_h5 *file = checkpoint(1);
        OK(kad_results_save(&ctx, run, file));
        kad_h5_close(file);
        kad_run_close(run);
        assert_int_equal(stat(lock, &info), 0);
        assert_int_equal(info.st_size, 0); /* nobody holds it */
        scratch_spill(lock, cases[i].lock, strlen(cases[i].lock));
        if (cases[i].age >= 0) {
            const time_t then = time(NULL) - cases[i].age;
            scratch_spill(progress, "{}\n", 3);
            utime(progress, &(struct utimbuf){then, then});
        }
        OK(kad_run_open(&ctx, path, KAD_RUN_READ, &run));
        assert_int_equal(kad_run_is_held(run), cases[i].status == KAD_EINUSE);
        kad_run_close(run);
        assert_int_equal(kad_run_open(&ctx, path, KAD_RUN_WRITE, &run), cases[i].status);
        if (cases[i].status == KAD_EINUSE) {
            assert_non_null(strstr(ctx.message, "process 4711 on host elsewhere"));
            assert_null(strchr(ctx.message, '\n'));
        }
        kad_run_close(run);
    }
}

static void damage(const kad_run *run, const char *name)
{
    char *path = kad_run_file(run, name);
    size_t n;
    unsigned char *data = scratch_slurp(path, &n);
    data[n / 2] ^= 4;
    scratch_spill(path, data, n);
    free(data);
    kad_free(path);
}

static void test_checkpoints(void **state)
{
    (void)state;
    kad_run *run = open_run();
    kad_h5 *file;
    assert_int_equal(load(run), -1); /* none yet */
    save(run, 1);
    assert_int_equal(load(run), 1);
    save(run, 2);
    save(run, 3);
    assert_int_equal(load(run), 3);
    assert_string_equal(noted, "");
    damage(run, "checkpoint/current.h5");
    assert_int_equal(load(run), 2);
    assert_non_null(strstr(noted, "continuing from the previous checkpoint"));
    assert_non_null(strstr(noted, "current.h5: damaged"));
    /* the damaged one does not push out the good one */
    save(run, 4);
    assert_int_equal(load(run), 4);
    damage(run, "checkpoint/current.h5");
    assert_int_equal(load(run), 2);
    damage(run, "checkpoint/previous.h5");
    assert_int_equal(kad_checkpoint_load(&ctx, run, &file), KAD_EDATA);
    assert_null(file);
    assert_non_null(strstr(ctx.message, "no usable checkpoint"));
    assert_non_null(strstr(ctx.message, "move both away"));
    char *only = kad_run_file(run, "checkpoint/previous.h5");
    unlink(only);
    assert_int_equal(kad_checkpoint_load(&ctx, run, &file), KAD_EDATA);
    assert_non_null(strstr(ctx.message, "move it away"));
    kad_free(only);
    /* only one of them there */
    char *current = kad_run_file(run, "checkpoint/current.h5");
    save(run, 5);
    save(run, 6);
    unlink(current);
    assert_int_equal(load(run), 5);
    kad_free(current);
    kad_run_close(run);
}

static void test_full_disk(void **state)
{
    (void)state;
    kad_run *run = open_run();
    save(run, 1);
    save(run, 2);
    char *checkpoints = kad_run_file(run, "checkpoint");
    int entries = scratch_count(checkpoints), status;
    pid_t child = fork();
    if (child == 0) {
        struct rlimit limit = {600, 600};
        kad_signals_install();
        setrlimit(RLIMIT_FSIZE, &limit);
        kad_h5 *file = checkpoint(3);
        _exit(kad_checkpoint_save(&ctx, run, file) == KAD_EIO ? 0 : 1);
    }
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    assert_int_equal(scratch_count(checkpoints), entries);
    assert_int_equal(load(run), 2);
    kad_free(checkpoints);
    kad_run_close(run);
}

/* Kill -9 at random moments of endless saving: what was acknowledged is never lost, what
 * is there is always whole. */
static void test_kills(void **state)
{
    (void)state;
    uint64_t random = 99;
    int64_t next = 1;
    for (int round = 0; round < 40; round++) {
        int ends[2], status;
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        if (child == 0) {
            kad_run *run = open_run();
            for (int64_t step = next;; step++) {
                save(run, step);
                (void)!write(ends[1], &step, sizeof step); /* acknowledged */
            }
        }
        close(ends[1]);
        int64_t acknowledged = next - 1, step;
        /* wait for the first save, then up to 20 ms more */
        if (read(ends[0], &step, sizeof step) == sizeof step) acknowledged = step;
        random = random * 6364136223846793005u + 1442695040888963407u;
        usleep((useconds_t)((random >> 33) % 20000));
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
        while (read(ends[0], &step, sizeof step) == sizeof step)
            acknowledged = step;
        close(ends[0]);
        kad_run *run = open_run();
        int64_t found = load(run);
        assert_true(found == acknowledged || found == acknowledged + 1);
        assert_string_equal(noted, "");
        char *previous = kad_run_file(run, "checkpoint/previous.h5");
        if (found > 1) OK(kad_h5_check_digest(&ctx, previous));
        kad_free(previous);
        kad_run_close(run);
        next = found + 1;
    }
    assert_true(next > 40);
}

/* A file outside that a run folder from elsewhere points at. */
static void check_victim(const char *victim)
{
    size_t n;
    unsigned char *data = scratch_slurp(victim, &n);
    assert_int_equal(n, 8);
    assert_memory_equal(data, "precious", 8);
    free(data);
}

static void test_links(void **state)
{
    (void)state;
    static const char *const names[] = {"checkpoint/lock", "progress.jsonl",
                                        "config.yaml.tmp", "checkpoint/current.h5.tmp"};
    char victim[512];
    snprintf(victim, sizeof victim, "%s", scratch_file(&folder, "victim"));
    scratch_spill(victim, "precious", 8);
    for (int hard = 0; hard < 2; hard++)
        for (int i = 0; i < 4; i++) {
            kad_run *run = open_run();
            kad_progress *progress;
            char *path = kad_run_file(run, names[i]);
            kad_run_close(run);
            unlink(path);
            assert_int_equal((hard ? link : symlink)(victim, path), 0);
            kad_status status = kad_run_open(&ctx, scratch_file(&folder, "deep/er/run"),
                                             KAD_RUN_WRITE, &run);
            assert_int_equal(status, i == 0 ? KAD_ECREATE : KAD_OK);
            if (status == KAD_OK) {
                OK(kad_run_write_text(&ctx, run, "config.yaml", "seed: 1\n"));
                save(run, 1);
                OK(kad_progress_create(&ctx, run, true, &progress));
                kad_progress_begin(progress, "train", 0, 1);
                kad_progress_update(progress, 1, 0, NULL);
                kad_progress_end(progress);
                kad_progress_destroy(progress);
                kad_run_close(run);
            }
            check_victim(victim);
            unlink(path);
            kad_free(path);
        }
    /* nor a folder */
    scratch_remove_tree(scratch_file(&folder, "deep/er/run/checkpoint"));
    mkdir(scratch_file(&folder, "elsewhere"), 0777);
    assert_int_equal(symlink(scratch_file(&folder, "elsewhere"),
                             scratch_file(&folder, "deep/er/run/checkpoint")),
                     0);
    kad_run *run;
    assert_int_equal(
        kad_run_open(&ctx, scratch_file(&folder, "deep/er/run"), KAD_RUN_WRITE, &run),
        KAD_ECREATE);
    assert_int_equal(scratch_count(scratch_file(&folder, "elsewhere")), 0);
}

static void test_no_run(void **state)
{
    (void)state;
    kad_run *run;
    const char *path = scratch_file(&folder, "holiday");
    mkdir(path, 0777);
    assert_int_equal(kad_run_open(&ctx, path, KAD_RUN_UPDATE, &run), KAD_ENOINPUT);
    assert_int_equal(kad_run_open(&ctx, path, KAD_RUN_READ, &run), KAD_ENOINPUT);
    assert_int_equal(scratch_count(path), 0);
    scratch_spill(scratch_file(&folder, "holiday/run.h5"), "a photo", 7);
    assert_int_equal(kad_run_open(&ctx, path, KAD_RUN_UPDATE, &run), KAD_EDATA);
    assert_int_equal(scratch_count(path), 1);
}

/* Something that cannot be opened is not nothing: it is neither replaced nor passed over. */
static void test_unreadable(void **state)
{
    (void)state;
    kad_run *run = open_run();
    kad_h5 *file;
    char *text, *results = kad_run_file(run, "run.h5"),
                *config = kad_run_file(run, "config.yaml"),
                *current = kad_run_file(run, "checkpoint/current.h5"),
                *segment = kad_run_file(run, "checkpoint/mis.000001.h5");
    mkdir(results, 0777); /* no permission would stop the superuser, a folder does */
    mkdir(config, 0777);
    assert_int_equal(kad_results_open(&ctx, run, &file), KAD_EIO);
    assert_int_equal(kad_run_read_text(&ctx, run, "config.yaml", 100, &text), KAD_EIO);
    save(run, 1);
    save(run, 2);
    unlink(current);
    mkdir(current, 0777);
    assert_int_equal(kad_checkpoint_load(&ctx, run, &file), KAD_EIO);
    mkdir(segment, 0777);
    assert_int_equal(kad_segment_open(&ctx, run, "mis", 1, &file), KAD_EIO);
    assert_int_equal(kad_segment_open(&ctx, run, "mis", 2, &file), KAD_ENOINPUT);
    /* a link that leads nowhere was made by someone */
    rmdir(results);
    assert_int_equal(symlink("/nonexistent/disk/run.h5", results), 0);
    assert_int_equal(kad_results_open(&ctx, run, &file), KAD_EIO);
    kad_free(results);
    kad_free(config);
    kad_free(current);
    kad_free(segment);
    kad_run_close(run);
}

static void test_segments(void **state)
{
    (void)state;
    kad_run *run = open_run();
    kad_h5 *file;
    for (int i = 0; i < 5; i++) {
        file = checkpoint(i);
        OK(kad_segment_save(&ctx, run, "mis", i, file));
        OK(kad_segment_save(&ctx, run, "mis.x", i, file));
        kad_h5_close(file);
    }
    OK(kad_segment_remove_from(&ctx, run, "mis", 3));
    OK(kad_segment_open(&ctx, run, "mis", 2, &file));
    assert_int_equal(step_of(file), 2);
    kad_h5_close(file);
    assert_int_equal(kad_segment_open(&ctx, run, "mis", 3, &file), KAD_ENOINPUT);
    assert_null(file);
    OK(kad_segment_open(&ctx, run, "mis.x", 4, &file)); /* another name: kept */
    kad_h5_close(file);
    damage(run, "checkpoint/mis.000001.h5");
    assert_int_equal(kad_segment_open(&ctx, run, "mis", 1, &file), KAD_EDATA);
    assert_int_equal(kad_segment_open(&ctx, run, "../mis", 1, &file), KAD_EINTERNAL);
    kad_run_close(run);
}

static void test_results(void **state)
{
    (void)state;
    kad_run *run = open_run();
    kad_h5 *file;
    OK(kad_results_open(&ctx, run, &file));
    OK(kad_h5_attr_set_string(&ctx, file, "/", "status", "running"));
    OK(kad_results_save(&ctx, run, file));
    kad_h5_close(file);
    OK(kad_results_open(&ctx, run, &file));
    OK(kad_h5_group(&ctx, file, "/training"));
    OK(kad_results_save(&ctx, run, file));
    kad_h5_close(file);
    OK(kad_results_open(&ctx, run, &file));
    assert_true(kad_h5_exists(file, "/training"));
    assert_true(kad_h5_attr_exists(file, "/", "status"));
    kad_h5_close(file);
    damage(run, "run.h5");
    assert_int_equal(kad_results_open(&ctx, run, &file), KAD_EDATA);
    kad_run_close(run);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_texts),
        IN_FOLDER(test_lock),
        IN_FOLDER(test_lock_of_another_machine),
        IN_FOLDER(test_checkpoints),
        IN_FOLDER(test_full_disk),
        IN_FOLDER(test_kills),
        IN_FOLDER(test_links),
        IN_FOLDER(test_no_run),
        IN_FOLDER(test_unreadable),
        IN_FOLDER(test_segments),
        IN_FOLDER(test_results),
    };
    return cmocka_run_group_tests_name("run folder: no kill and no full disk loses work",
                                       tests, NULL, NULL);
}

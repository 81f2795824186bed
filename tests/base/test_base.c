/* Claims about status codes, messages, memory, fixed sums and signals. */
#include "base/isa.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/signals.h"
#include "base/tile.h"
#include "tests/support/claim.h"
#include "tests/support/scratch.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>

static void test_status(void **state)
{
    (void)state;
    static const int codes[] = {0, 64, 65, 66, 69, 70, 71, 73, 74, 75, 78};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        assert_string_not_equal(kad_status_text((kad_status)codes[i]), "unknown status");
    assert_string_equal(kad_status_text(KAD_EDATA), "bad data");
    assert_string_equal(kad_status_text((kad_status)3), "unknown status");
}

static void collect(void *sink, const char *line)
{
    strcpy(sink, line);
}

static void test_messages(void **state)
{
    (void)state;
    kad_ctx ctx;
    char line[KAD_MESSAGE_MAX];
    kad_ctx_init(&ctx, 3);
    assert_int_equal(ctx.n_threads, 3);
    assert_int_equal(kad_fail(&ctx, KAD_EDATA, "bad \"%s\"", "a\nb\033[2J"), KAD_EDATA);
    assert_string_equal(ctx.message, "bad \"a?b?[2J\"");
    assert_int_equal(kad_fail(&ctx, KAD_EIO, "%s; again", ctx.message), KAD_EIO);
    assert_string_equal(ctx.message, "bad \"a?b?[2J\"; again");
    char *longer = malloc(5000);
    memset(longer, 'x', 4999);
    longer[4999] = 0;
    kad_fail(&ctx, KAD_EIO, "%s", longer);
    assert_int_equal(strlen(ctx.message), KAD_MESSAGE_MAX - 1);
    assert_string_equal(ctx.message + KAD_MESSAGE_MAX - 4, "...");
    free(longer);
    kad_note(&ctx, "unheard");
    ctx.log = collect;
    ctx.sink = line;
    kad_note(&ctx, "number %d", 5);
    assert_string_equal(line, "number 5");
    kad_ctx_init(&ctx, 0);
    assert_true(ctx.n_threads >= 1);
}

/* A name that isa.c does not know counts as missing: none can be recorded without a check. */
static void test_isa(void **state)
{
    (void)state;
    kad_ctx ctx;
    char name[32];
    kad_ctx_init(&ctx, 1);
    assert_int_equal(kad_isa_check(&ctx), KAD_OK);
    assert_false(kad_isa_lacks("", sizeof name, name));
    assert_false(kad_isa_lacks(kad_kernel_isa_f64, sizeof name, name));
    assert_true(kad_isa_lacks(" no-such-set avx", sizeof name, name));
    assert_string_equal(name, "no-such-set");
}

static void test_allocation(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    size_t product;
    assert_true(kad_size_mul(3, 5, &product) && product == 15);
    assert_false(kad_size_mul(SIZE_MAX / 2, 3, &product));
    static const size_t sizes[] = {0, 1, 63, 64, 65, 4096, 1 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        unsigned char *block = kad_alloc(sizes[i], 1);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % KAD_ALIGN, 0);
        for (size_t k = 0; k < sizes[i]; k++)
            assert_int_equal(block[k], 0);
        memset(block, 0xff, sizes[i]);
        kad_free(block);
    }
    assert_null(kad_alloc(SIZE_MAX / 4, 8));
    assert_null(kad_alloc(SIZE_MAX, 1));
    void *block = &ctx;
    assert_int_equal(kad_new(&ctx, SIZE_MAX / 4, 8, &block), KAD_ENOMEM);
    assert_null(block);
    assert_non_null(strstr(ctx.message, "of 8 bytes"));
    uint64_t before = kad_memory_n_allocations();
    char *copy = kad_strdup("text");
    assert_string_equal(copy, "text");
    assert_true(kad_memory_n_allocations() == before + 1);
    kad_free(copy);
    kad_free(NULL);
    kad_memory_fail_after(1);
    copy = kad_strdup("a");
    assert_non_null(copy);
    assert_null(kad_alloc(1, 1));
    block = kad_alloc(1, 1);
    assert_non_null(block);
    kad_memory_fail_after(-1);
    kad_free(block);
    kad_free(copy);
}

static void test_scope_blocks(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    KAD_SCOPE(scope, &ctx);
    unsigned char *blocks[200];
    for (int i = 0; i < 200; i++) {
        size_t n = (size_t)i * 37 + (i == 77 ? 1000000 : 0);
        assert_int_equal(kad_take(&scope, n, &blocks[i]), KAD_OK);
        assert_int_equal((uintptr_t)blocks[i] % KAD_ALIGN, 0);
        for (size_t k = 0; k < n; k++)
            assert_int_equal(blocks[i][k], 0);
        memset(blocks[i], i, n);
    }
    for (int i = 0; i < 200; i++)
        for (size_t k = 0; k < (size_t)i * 37; k++)
            assert_int_equal(blocks[i][k], i);
    const char *copy;
    assert_int_equal(kad_take_text(&scope, "text", &copy), KAD_OK);
    assert_string_equal(copy, "text");
    double *huge = (double *)&ctx;
    assert_int_equal(kad_take(&scope, SIZE_MAX / 4, &huge), KAD_ENOMEM);
    assert_null(huge);
    assert_non_null(strstr(ctx.message, "of 8 bytes"));
    assert_int_equal(kad_take(&scope, SIZE_MAX / 16, &huge), KAD_ENOMEM);
    kad_scope_end(&scope);
    assert_int_equal(kad_take(&scope, 1, &huge), KAD_OK); /* it can be used again */
}

/* What was closed, in order. */
static char closed[16];

static void close_letter(void *what)
{
    const size_t n = strlen(closed);
    closed[n] = *(const char *)what;
    closed[n + 1] = '\0';
}

/* Two blocks and three things to close, one of them in a loop's own scope. */
static kad_status take_and_return(kad_ctx *ctx, kad_scope *in, kad_status outcome)
{
    KAD_SCOPE(scope, ctx);
    int *a, *b;
    KAD_CALL(kad_take(&scope, 1000, &a));
    KAD_CALL(kad_defer(&scope, close_letter, "a"));
    for (int i = 0; i < 2; i++) {
        KAD_SCOPE(each, ctx);
        KAD_CALL(kad_defer(&each, close_letter, "l"));
    }
    KAD_CALL(kad_take(in, 1000, &b));
    KAD_CALL(kad_defer(in, close_letter, "c"));
    KAD_CALL(kad_defer(&scope, close_letter, "b"));
    KAD_CALL(outcome);
    close_letter("!");
    return KAD_OK;
}

static void test_scope_ends_however_left(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    KAD_SCOPE(scope, &ctx);
    closed[0] = '\0';
    assert_int_equal(take_and_return(&ctx, &scope, KAD_OK), KAD_OK);
    assert_string_equal(closed, "ll!ba"); /* the last first; c belongs to the caller */
    kad_scope_end(&scope);
    assert_string_equal(closed, "ll!bac");
    closed[0] = '\0';
    assert_int_equal(take_and_return(&ctx, &scope, KAD_EDATA), KAD_EDATA);
    assert_string_equal(closed, "llba");
    kad_scope_end(&scope);
    /* whichever allocation fails, what was to be closed is, once; LeakSanitizer sees blocks */
    static const char *const expected[] = {"", "a", "la", "lla", "lla", "llca", "llbac"};
    for (size_t k = 0; k < sizeof expected / sizeof *expected; k++) {
        closed[0] = '\0';
        kad_memory_fail_after((int64_t)k);
        assert_int_equal(take_and_return(&ctx, &scope, KAD_OK), KAD_ENOMEM);
        kad_memory_fail_after(-1);
        assert_non_null(strstr(ctx.message, "out of memory"));
        kad_scope_end(&scope);
        assert_string_equal(closed, expected[k]);
    }
}

/* ---- memory limits, in made-up /proc and /sys trees ---- */

static void put(const scratch *top, const char *path, const char *text)
{
    char full[1024];
    snprintf(full, sizeof full, "%s%s", top->path, path);
    for (char *c = full + strlen(top->path) + 1; *c; c++)
        if (*c == '/') {
            *c = 0;
            mkdir(full, 0777);
            *c = '/';
        }
    scratch_spill(full, text, strlen(text));
}

static void test_memory_limits(void **state)
{
    (void)state;
    scratch top;
    scratch_make(&top);
    assert_true(kad_memory_available_below(top.path) == SIZE_MAX); /* nothing known */
    put(&top, "/proc/meminfo", "MemTotal: 9 kB\nMemAvailable:   1000000 kB\n");
    assert_true(kad_memory_available_below(top.path) == 1024000000);
    /* version 2: the tightest of the group and its parents, page cache counted as free */
    put(&top, "/proc/self/cgroup", "0::/a/b\n");
    put(&top, "/sys/fs/cgroup/a/b/memory.max", "max\n");
    put(&top, "/sys/fs/cgroup/a/memory.max", "500000\n");
    put(&top, "/sys/fs/cgroup/a/memory.current", "300000\n");
    put(&top, "/sys/fs/cgroup/a/memory.stat", "anon 1\ninactive_file 100000\n");
    assert_true(kad_memory_available_below(top.path) == 300000);
    put(&top, "/sys/fs/cgroup/memory.max", "1000\n"); /* a container's own root */
    put(&top, "/sys/fs/cgroup/memory.current", "2000\n");
    assert_true(kad_memory_available_below(top.path) == 1); /* over it: never 0 */
    /* version 1 */
    put(&top, "/proc/self/cgroup", "5:cpu,cpuacct:/\n9:memory:/job\n");
    put(&top, "/sys/fs/cgroup/memory/job/memory.limit_in_bytes", "700000\n");
    put(&top, "/sys/fs/cgroup/memory/job/memory.usage_in_bytes", "100000\n");
    assert_true(kad_memory_available_below(top.path) == 600000);
    /* "no limit" of version 1 is a huge number */
    put(&top, "/sys/fs/cgroup/memory/job/memory.limit_in_bytes", "9223372036854771712\n");
    assert_true(kad_memory_available_below(top.path) == 1024000000);
    scratch_remove(&top);
}

static void test_memory_require(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    size_t available = kad_memory_available_bytes();
    assert_true(available > 0);
    assert_int_equal(kad_memory_require(&ctx, 1, "the batch"), KAD_OK);
    assert_int_equal(kad_memory_require(&ctx, SIZE_MAX - 1, "the batch"),
                     available == SIZE_MAX ? KAD_OK : KAD_ECONFIG);
#ifndef __SANITIZE_ADDRESS__ /* which maps more than any limit */
    pid_t child = fork();
    if (child == 0) { /* a limit on the address space counts */
        struct rlimit limit = {(rlim_t)1 << 30, (rlim_t)1 << 30};
        size_t before = kad_memory_available_bytes();
        if (setrlimit(RLIMIT_AS, &limit) != 0) _exit(0);
        size_t after = kad_memory_available_bytes();
        _exit(after <= before && after < ((size_t)1 << 30) ? 0 : 1);
    }
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
#endif
}

/* ---- sums ---- */

static void test_tree_sum(void **state)
{
    (void)state;
    enum { PARTS = 37, N = 300 };
    static double data[PARTS][N], out[N];
    const double *parts[PARTS];
    for (int p = 0; p < PARTS; p++) {
        parts[p] = data[p];
        for (int i = 0; i < N; i++)
            data[p][i] = sin(p * 1000 + i) * pow(10, p % 9);
    }
    for (size_t n_parts = 0; n_parts <= PARTS; n_parts++) {
        kad_tree_sum(parts, n_parts, N, out);
        for (int i = 0; i < N; i++) {
            double expected = 0, scale = 0;
            for (size_t p = 0; p < n_parts; p++) {
                expected += data[p][i];
                scale += fabs(data[p][i]);
            }
            assert_true(fabs(out[i] - expected) <= 1e-15 * PARTS * scale);
        }
    }
    /* ((0 + 1) + (2 + 3)) + 4, whatever the range of i that one call is given */
    double x[5] = {1e16, 1, -1e16, 1, 3};
    for (int p = 0; p < 5; p++)
        data[p][200] = x[p];
    kad_tree_sum(parts, 5, N, out);
    double expected = ((x[0] + x[1]) + (x[2] + x[3])) + x[4];
    assert_true(out[200] == expected);
    kad_tree_sum(parts, 1, N, data[0]); /* in place */
    assert_true(data[0][200] == 1e16);
    double many[1000], direct = 0;
    for (int i = 0; i < 1000; i++)
        direct += many[i] = i;
    assert_true(kad_tree_sum1(many, 1000) == direct);
    assert_true(kad_tree_sum1(many, 0) == 0);
}

/* ---- signals ---- */

static void test_signals(void **state)
{
    (void)state;
    static const int stopping[] = {SIGTERM, SIGINT, SIGUSR1, SIGXCPU};
    static const char *const names[] = {"SIGTERM", "SIGINT", "SIGUSR1", "SIGXCPU"};
    kad_signals_install();
    kad_stop_clear();
    assert_false(kad_stop_requested());
    assert_string_equal(kad_stop_reason(), "none");
    for (int i = 0; i < 4; i++) {
        raise(stopping[i]);
        assert_true(kad_stop_requested());
        assert_string_equal(kad_stop_reason(), names[i]);
        kad_stop_clear();
        assert_false(kad_stop_requested());
    }
    raise(SIGPIPE);
    raise(SIGXFSZ);
    assert_false(kad_stop_requested());
    kad_signals_deadline(-1);
    assert_false(kad_stop_requested());
    kad_signals_deadline(0.02);
    assert_false(kad_stop_requested());
    double start = kad_wall_seconds();
    while (!kad_stop_requested())
        usleep(2000);
    assert_true(kad_wall_seconds() - start >= 0.015);
    assert_string_equal(kad_stop_reason(), "time limit");
    kad_stop_clear();
    pid_t child = fork();
    if (child == 0) {
        raise(SIGINT);
        raise(SIGINT);
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 130);
}

/* Every number of rows and of samples that leaves a block or a tile incomplete. */
static void test_tile(void **state)
{
    (void)state;
    enum { ROWS = 19, SAMPLES = 70 };
    _Alignas(KAD_ALIGN) char tile[ROWS * KAD_ROW_BYTES];
    double y[SAMPLES * ROWS], back[KAD_W_MAX * 2 * ROWS];
    for (size_t i = 0; i < SAMPLES * ROWS; i++)
        y[i] = (double)i / 64; /* exact in single */
    for (int prec = 0; prec < 2; prec++)
        for (size_t rows = 1; rows <= ROWS; rows++)
            for (size_t n = 1; n <= (size_t)kad_lanes((kad_prec)prec); n++) {
                const size_t lanes = (size_t)kad_lanes((kad_prec)prec);
                kad_tile_load((kad_prec)prec, rows, n, y, tile);
                kad_tile_store((kad_prec)prec, rows, lanes, tile, 2 * rows, back);
                for (size_t l = 0; l < lanes; l++)
                    for (size_t r = 0; r < rows; r++)
                        assert_true(back[2 * l * rows + r] ==
                                    (l < n ? y[l * rows + r] : 0));
                kad_tile_repeat((kad_prec)prec, rows, 3, n, y, tile);
                kad_tile_store((kad_prec)prec, rows, lanes, tile, rows, back);
                for (size_t l = 0; l < lanes; l++)
                    for (size_t r = 0; r < rows; r++)
                        assert_true(back[l * rows + r] == y[(3 + l) % n * rows + r]);
            }
}

/* What is not finite in a row that is not active is gone; the others turn their sign. */
static void test_tile_rows(void **state)
{
    (void)state;
    enum { ROWS = 6, W = KAD_W_DOUBLE };
    static const uint8_t active[] = {1, 0, 1};
    _Alignas(KAD_ALIGN) double tile[ROWS * W];
    double y[W * ROWS];
    for (size_t i = 0; i < W * ROWS; i++)
        y[i] = i % ROWS / 2 == 1 ? (double)NAN : (double)i;
    kad_tile_load(KAD_DOUBLE, ROWS, W, y, tile);
    kad_tile_clear_inactive(ROWS, 2, NULL, tile);
    assert_true(isnan(tile[2 * W]));
    kad_tile_clear_inactive(ROWS, 2, active, tile);
    kad_tile_negate(KAD_DOUBLE, ROWS, tile, tile);
    for (size_t r = 0; r < ROWS; r++)
        for (size_t l = 0; l < W; l++)
            assert_true(tile[r * W + l] == (r / 2 == 1 ? 0 : -y[l * ROWS + r]));
}

enum { PIECES = 1000, LAST = 17 };

typedef struct pieces {
    atomic_int n_done[PIECES];
    atomic_bool wrong;
    int n_threads;
    size_t gives_up; /* this piece */
} pieces;

static bool do_piece(void *self, size_t i, int thread)
{
    pieces *p = self;
    if (thread < 0 || thread >= p->n_threads) p->wrong = true;
    if (i == p->gives_up) return false;
    p->n_done[i]++;
    return true;
}

/* Memory is zeroed before a thread's first piece and its own from then on. */
static bool do_tile(void *self, size_t i, void *memory)
{
    pieces *p = self;
    char *at = memory;
    double *a = kad_cut(&at, 3, sizeof *a), *b = kad_cut(&at, LAST, sizeof *b);
    if ((uintptr_t)a % KAD_ALIGN || (uintptr_t)b % KAD_ALIGN) p->wrong = true;
    if (a[2] != b[LAST - 1]) p->wrong = true;
    a[2] = b[LAST - 1] = (double)i + 1;
    return do_piece(self, i, 0);
}

static void test_parallel(void **state)
{
    (void)state;
    static pieces p;
    kad_ctx ctx;
    for (int n_threads = 1; n_threads <= 5; n_threads++) {
        kad_ctx_init(&ctx, n_threads);
        memset(&p, 0, sizeof p);
        p.n_threads = n_threads;
        p.gives_up = PIECES;
        const size_t bytes =
            kad_cut_bytes(3, sizeof(double)) + kad_cut_bytes(LAST, sizeof(double));
        assert_true(kad_parallel_for(n_threads, PIECES, do_piece, &p));
        assert_int_equal(kad_for_tiles(&ctx, "work", PIECES, bytes, do_tile, &p), KAD_OK);
        assert_int_equal(kad_for_tiles(&ctx, "work", 0, bytes, do_tile, &p), KAD_OK);
        for (size_t i = 0; i < PIECES; i++)
            assert_int_equal(p.n_done[i], 2);
        p.gives_up = 3;
        assert_false(kad_parallel_for(n_threads, PIECES, do_piece, &p));
        assert_int_equal(kad_for_tiles(&ctx, "work", PIECES, bytes, do_tile, &p),
                         KAD_EINTERRUPTED);
        assert_string_equal(ctx.message, "work: stopped by none");
        assert_int_equal(p.n_done[3], 2);
        assert_false(p.wrong);
    }
}

static _Thread_local bool is_known;

/* Counts threads when they first come by. */
static bool meet(void *self, size_t i, void *memory)
{
    atomic_int *n_met = self;
    (void)i;
    (void)memory;
    if (!is_known) atomic_fetch_add(n_met, 1);
    is_known = true;
    return true;
}

/* A loop with little work leaves the team of the next one as it was. */
static void test_parallel_keeps_its_threads(void **state)
{
    (void)state;
    enum { THREADS = 4, LOOPS = 200 };
    kad_ctx ctx;
    atomic_int n_met = 0;
    kad_ctx_init(&ctx, THREADS);
    for (int k = 0; k < LOOPS; k++)
        assert_int_equal(
            kad_for_tiles(&ctx, "work", k % 2 ? 2 : PIECES, 64, meet, &n_met), KAD_OK);
    assert_in_range(n_met, 1, THREADS);
}

/* Once a stop is overdue no piece begins; before, all are finished. */
static void test_parallel_stops(void **state)
{
    (void)state;
    static pieces p;
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    memset(&p, 0, sizeof p);
    p.n_threads = 1;
    p.gives_up = PIECES;
    kad_signals_deadline(1e-9);
    assert_int_equal(kad_for_tiles(&ctx, "work", 1, 1024, do_tile, &p), KAD_OK);
    kad_stop_grace(-1);
    assert_int_equal(kad_for_tiles(&ctx, "work", PIECES, 1024, do_tile, &p),
                     KAD_EINTERRUPTED);
    assert_string_equal(ctx.message, "work: stopped by time limit");
    assert_int_equal(p.n_done[0], 1);
    kad_stop_grace(1);
    kad_stop_clear();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status),
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_isa),
        cmocka_unit_test(test_allocation),
        cmocka_unit_test(test_scope_blocks),
        cmocka_unit_test(test_scope_ends_however_left),
        cmocka_unit_test(test_memory_limits),
        cmocka_unit_test(test_memory_require),
        cmocka_unit_test(test_tree_sum),
        cmocka_unit_test(test_parallel),
        cmocka_unit_test(test_parallel_keeps_its_threads),
        cmocka_unit_test(test_parallel_stops),
        cmocka_unit_test(test_tile),
        cmocka_unit_test(test_tile_rows),
        cmocka_unit_test(test_signals),
    };
    return cmocka_run_group_tests_name("base: sizes are checked, signals are heard",
                                       tests, NULL, NULL);
}

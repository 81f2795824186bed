/* Ranks: shares, sums, and above all that nobody waits for ever. Each rank is a process. */
#include "base/parallel.h"
#include "base/signals.h"
#include "tests/support/claim.h"
#include "tests/support/forked_ranks.h"

#include <signal.h>

enum { MOST = 8 };

static void all_are(int n, const int *statuses, int expected)
{
    for (int r = 0; r < n; r++)
        assert_int_equal(statuses[r], expected);
}

/* For ranks: what is not so is an internal failure. */
#define WANT(ctx, so)                                                        \
    do {                                                                     \
        if (!(so)) return kad_fail((ctx), KAD_EINTERNAL, "not so: %s", #so); \
    } while (0)

/* --- shares ---------------------------------------------------------------------------- */

typedef struct items {
    size_t n, unit;
} items;

static double item(size_t i)
{
    return 1.0 / (double)(i + 1);
}

static kad_status share(kad_ctx *ctx, int rank, void *self)
{
    const items *all = self;
    KAD_SCOPE(scope, ctx);
    double *x;
    (void)rank;
    KAD_CALL(kad_take(&scope, all->n + 1, &x));
    const kad_rank_items mine = kad_ranks_part(ctx, all->n, all->unit);
    for (size_t i = mine.first; i < mine.first + mine.n; i++)
        x[i] = item(i);
    const kad_shared both[] = {{x, all->n, all->unit, sizeof *x}, {NULL, 3, 1, 8}};
    KAD_CALL(kad_ranks_join(ctx, KAD_OK, 2, both));
    for (size_t i = 0; i < all->n; i++)
        WANT(ctx, x[i] == item(i));
    WANT(ctx, x[all->n] == 0);
    WANT(ctx, mine.first % all->unit == 0 || mine.n == 0);
    return KAD_OK;
}

static void shares(void **state)
{
    static const items cases[] = {{0, 1}, {1, 1}, {3, 1}, {100, 1}, {64, 64}, {1000, 64}};
    int statuses[MOST];
    (void)state;
    for (int n = 2; n <= MOST; n *= 2)
        for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
            items all = cases[k];
            run_ranks(n, true, share, &all, statuses);
            all_are(n, statuses, KAD_OK);
        }
}

/* --- sums ------------------------------------------------------------------------------ */

enum { LEAVES = 16, WIDTH = 5000 };

static double leaf(size_t k, size_t i)
{
    return sin((double)(k * WIDTH + i)) * exp((double)(k % 5));
}

/* The tree in which k is added to k + m/2, then to k + m/4, ... */
static double tree(size_t i, size_t first, size_t step)
{
    double sum[LEAVES];
    size_t m = 0;
    for (size_t k = first; k < LEAVES; k += step)
        sum[m++] = leaf(k, i);
    for (m /= 2; m > 0; m /= 2)
        for (size_t k = 0; k < m; k++)
            sum[k] += sum[k + m];
    return sum[0];
}

static kad_status add(kad_ctx *ctx, int rank, void *self)
{
    static double x[WIDTH];
    (void)self;
    for (size_t i = 0; i < WIDTH; i++)
        x[i] = tree(i, (size_t)rank, (size_t)kad_ranks_n(ctx));
    kad_ranks_sum(ctx, WIDTH, x);
    for (size_t i = 0; i < WIDTH; i++)
        WANT(ctx, x[i] == tree(i, 0, 1));
    return KAD_OK;
}

static void sums(void **state)
{
    int statuses[MOST];
    (void)state;
    for (int n = 2; n <= MOST; n *= 2) {
        run_ranks(n, true, add, NULL, statuses);
        all_are(n, statuses, KAD_OK);
    }
}

/* --- failures -------------------------------------------------------------------------- */

static kad_status join(kad_ctx *ctx, kad_status status)
{
    kad_ranks_part(ctx, 8, 1);
    return kad_ranks_join(ctx, status, 0, NULL);
}

/* In its share of the work. */
static kad_status fail_within(kad_ctx *ctx, int rank, void *self)
{
    const int *who = self;
    kad_status status = KAD_OK;
    if (rank == *who) status = kad_fail(ctx, KAD_ENOMEM, "no memory on rank %d", rank);
    status = join(ctx, status);
    WANT(ctx, status == KAD_ENOMEM);
    WANT(ctx, strncmp(ctx->message, "no memory on rank ", 18) == 0);
    WANT(ctx, ctx->message[18] == '0' + *who);
    return join(ctx, KAD_OK); /* they are still together */
}

/* In what everybody does: it is not there when the others meet. */
static kad_status fail_between(kad_ctx *ctx, int rank, void *self)
{
    const int *who = self;
    KAD_CALL(join(ctx, KAD_OK));
    if (rank == *who) return kad_fail(ctx, KAD_EIO, "the disk of rank %d", rank);
    for (int i = 0; i < 3; i++)
        KAD_CALL(join(ctx, KAD_OK));
    return KAD_OK;
}

/* It fails while the first works alone. */
static kad_status fail_apart(kad_ctx *ctx, int rank, void *self)
{
    const int *who = self;
    kad_ranks_part_ways(ctx);
    if (rank == *who) return kad_fail(ctx, KAD_ECONFIG, "alone");
    return join(ctx, KAD_OK);
}

static kad_status fail_reading(kad_ctx *ctx, int rank, void *self)
{
    KAD_LOCAL(char, text);
    size_t n = 6;
    (void)self;
    if (rank == 0) text = kad_strdup("what is");
    const kad_status status = rank == 0 ? kad_fail(ctx, KAD_ENOINPUT, "gone") : KAD_OK;
    WANT(ctx, kad_ranks_give(ctx, status, &text, &n) == KAD_ENOINPUT);
    WANT(ctx, strcmp(ctx->message, "gone") == 0);
    if (rank == 0) n = strlen(text);
    KAD_CALL(kad_ranks_give(ctx, KAD_OK, &text, &n));
    WANT(ctx, n == 7 && strcmp(text, "what is") == 0);
    return KAD_OK;
}

/* Two kinds of meeting at once. */
static kad_status misunderstand(kad_ctx *ctx, int rank, void *self)
{
    int value = rank;
    (void)self;
    const kad_status status =
        rank == 1 ? kad_ranks_give_int(ctx, KAD_OK, &value) : join(ctx, KAD_OK);
    WANT(ctx, status == KAD_EINTERNAL);
    return KAD_OK;
}

static void failures(void **state)
{
    int statuses[MOST];
    (void)state;
    for (int n = 2; n <= 4; n *= 2)
        for (int who = 0; who < n; who++) {
            run_ranks(n, true, fail_within, &who, statuses);
            all_are(n, statuses, KAD_OK);
            run_ranks(n, true, fail_between, &who, statuses);
            all_are(n, statuses, KAD_EIO);
            run_ranks(n, true, fail_apart, &who, statuses);
            all_are(n, statuses, KAD_ECONFIG);
        }
    run_ranks(4, false, fail_reading, NULL, statuses);
    all_are(4, statuses, KAD_OK);
    run_ranks(4, true, misunderstand, NULL, statuses);
    all_are(4, statuses, KAD_OK);
}

/* --- stops ----------------------------------------------------------------------------- */

/* The signal of one is not in force before they have met, then on all of them. */
static kad_status stop_one(kad_ctx *ctx, int rank, void *self)
{
    const int *who = self;
    kad_signals_install();
    if (rank == *who) raise(SIGUSR1);
    WANT(ctx, !kad_stop_requested());
    const double before = kad_stop_clock();
    WANT(ctx, kad_stop_clock() == before);
    KAD_CALL(join(ctx, KAD_OK));
    WANT(ctx, kad_stop_requested());
    WANT(ctx, strcmp(kad_stop_reason(), "SIGUSR1") == 0);
    WANT(ctx, kad_stop_clock() > before);
    return kad_stop_check(ctx, "work");
}

/* Within its share a rank hears of it, though it was another's. */
static kad_status stop_within(kad_ctx *ctx, int rank, void *self)
{
    const int *who = self;
    kad_signals_install();
    kad_stop_grace(0);
    kad_ranks_part(ctx, 8, 1);
    const double begun = kad_stop_clock();
    if (rank == *who) raise(SIGTERM);
    while (!kad_stop_overdue(begun))
        if (kad_stop_clock() - begun > 30) return kad_fail(ctx, KAD_EINTERNAL, "deaf");
    return kad_ranks_join(ctx, KAD_EINTERRUPTED, 0, NULL);
}

static void stops(void **state)
{
    int statuses[MOST];
    (void)state;
    for (int who = 0; who < 4; who++) {
        run_ranks(4, true, stop_one, &who, statuses);
        all_are(4, statuses, KAD_EINTERRUPTED);
        run_ranks(4, true, stop_within, &who, statuses);
        all_are(4, statuses, KAD_EINTERRUPTED);
    }
}

/* --- one process ----------------------------------------------------------------------- */

static void alone(void **state)
{
    kad_ctx ctx;
    bool together = false;
    char text[] = "mine", *data = text;
    size_t n = 4;
    double x = 2;
    (void)state;
    kad_ctx_init(&ctx, 1);
    assert_int_equal(kad_ranks_create(&ctx, 3, 0, NULL, NULL), KAD_EUSAGE);
    assert_int_equal(kad_ranks_meet(&ctx, &together), KAD_OK);
    assert_true(together && kad_ranks_is_first(&ctx));
    const kad_rank_items all = kad_ranks_part(&ctx, 7, 64);
    assert_true(all.first == 0 && all.n == 7);
    assert_int_equal(kad_ranks_join(&ctx, KAD_EDATA, 0, NULL), KAD_EDATA);
    assert_int_equal(kad_ranks_give(&ctx, KAD_OK, &data, &n), KAD_OK);
    assert_ptr_equal(data, text);
    kad_ranks_sum(&ctx, 1, &x);
    assert_true(x == 2);
    assert_int_equal(kad_ranks_leave(&ctx, KAD_EIO), KAD_EIO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("ranks: every item is one rank's, and then everybody's", shares),
        CLAIM("ranks: a sum over ranks is the tree over all leaves, to the bit", sums),
        CLAIM("ranks: the failure of one is everybody's, wherever it fails", failures),
        CLAIM("ranks: a request to one stops all, at the same place", stops),
        CLAIM("ranks: a process alone does everything", alone),
    };
    return cmocka_run_group_tests_name("ranks", tests, NULL, NULL);
}

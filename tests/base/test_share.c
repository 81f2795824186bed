/* Threads without a piece help those that have one. */
#include "tests/support/claim.h"

#include "base/parallel.h"
#include "base/share.h"

#include <stdatomic.h>
#include <time.h>

enum { PIECES = 3, ROUNDS = 200, MOST = KAD_SHARES_MAX, HANDS = 12 };

typedef struct work {
    kad_board *board;
    int n_threads;
    atomic_int done[PIECES][MOST], wrong; /* shares, by piece; claims that failed */
} work;

typedef struct offered {
    work *work;
    atomic_int *done;
} offered;

static bool do_share(void *self, size_t i, int thread)
{
    const offered *o = self;
    if (thread < 0 || thread >= o->work->n_threads || thread >= HANDS) o->work->wrong++;
    o->done[i]++;
    return true;
}

/* Rounds of 0 to MOST shares: all of a round are done, once, when kad_share returns. */
static bool do_piece(void *self, size_t i, int thread)
{
    work *w = self;
    offered o = {w, w->done[i]};
    for (int round = 0; round < ROUNDS; round++) {
        const int n = (round * 7 + (int)i) % (MOST + 1);
        for (int k = 0; k < MOST; k++)
            o.done[k] = 0;
        kad_share(w->board, thread, n, do_share, &o);
        for (int k = 0; k < MOST; k++)
            if (o.done[k] != (k < n)) w->wrong++;
    }
    return true;
}

static void every_share_is_done_once(void **state)
{
    (void)state;
    static work w;
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    for (int n = 1; n <= 16; n++) {
        w.n_threads = n;
        assert_int_equal(
            kad_board_create(&ctx, kad_n_workers(n, PIECES), HANDS, &w.board), KAD_OK);
        for (int loop = 0; loop < 3; loop++)
            assert_true(kad_parallel_shared(n, PIECES, do_piece, &w, w.board));
        assert_int_equal(w.wrong, 0);
        kad_board_destroy(w.board);
    }
    w.board = NULL;
    assert_true(do_piece(&w, 0, 0)); /* no board: nobody helps */
    assert_int_equal(w.wrong, 0);
}

/* Two shares that wait for each other, a tenth of a second: two threads are at them. */
typedef struct meeting {
    kad_board *board;
    atomic_int here, met;
} meeting;

static bool meet(void *self, size_t i, int thread)
{
    meeting *m = self;
    (void)i;
    (void)thread;
    m->here++;
    for (int ms = 0; ms < 100 && m->here < 2; ms++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    if (m->here == 2) m->met++;
    return true;
}

static bool call_a_meeting(void *self, size_t i, int thread)
{
    meeting *m = self;
    (void)i;
    /* a meeting of one, where nobody looks around yet, ends by itself */
    for (int tries = 0; tries < 200 && m->met < 2; tries++) {
        m->here = m->met = 0;
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        kad_share(m->board, thread, 2, meet, m);
    }
    return true;
}

static void a_thread_without_a_piece_helps(void **state)
{
    (void)state;
#ifdef _OPENMP
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    meeting m = {0};
    assert_int_equal(kad_board_create(&ctx, 1, 2, &m.board), KAD_OK);
    assert_true(kad_parallel_shared(2, 1, call_a_meeting, &m, m.board));
    assert_int_equal(m.met, 2);
    kad_board_destroy(m.board);
#else
    skip();
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("every share is done once before kad_share returns, with 1 to 16 threads",
              every_share_is_done_once),
        CLAIM("a thread without a piece helps one that has one",
              a_thread_without_a_piece_helps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

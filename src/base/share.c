/* The board, and the threads that look around on it. */
#include "base/share.h"

#include "base/memory.h"

#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

/* What a thread offers. `open`: the shares that nobody has taken, a bit each, below the
 * number of the offer. The other members change only while no share is open, hence what was
 * read of them belongs to a share that is taken out of the same `open` afterwards. */
typedef struct offer {
    _Alignas(KAD_ALIGN) atomic_uint_fast64_t open;
    _Atomic(kad_piece *) share;
    _Atomic(void *) self;
    atomic_int n_done;
} offer;

struct kad_board {
    int n_hands, n_workers;          /* n_workers: of the loop */
    atomic_int n_working, n_helping; /* threads */
    offer *offer;                    /* [n_workers] */
};

kad_status kad_board_create(kad_ctx *ctx, int n_workers, int n_hands, kad_board **out)
{
    KAD_LOCAL(kad_board, board);
    *out = NULL;
    KAD_CALL(kad_new(ctx, 1, sizeof *board, &board));
    board->n_hands = n_hands;
    KAD_CALL(kad_new(ctx, (size_t)n_workers, sizeof *board->offer, &board->offer));
    *out = board;
    board = NULL;
    return KAD_OK;
}

void kad_board_destroy(kad_board *board)
{
    if (!board) return;
    kad_free(board->offer);
    kad_free(board);
}

/* Nothing to do yet, for the n-th time: wait a little, and soon let others have the
 * processor. A loop without work for 20 us may be a processor short of threads. */
static void wait(int n)
{
    enum { SPIN = 400, NAP_NS = 20000, LONGEST = 5 };
    if (n < SPIN) {
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#endif
        return;
    }
    const int doublings = n - SPIN < LONGEST ? n - SPIN : LONGEST;
    nanosleep(&(struct timespec){.tv_nsec = (long)NAP_NS << doublings}, NULL);
}

/* One share, the one a thread had last time if it can: its rows are then in its cache. */
static bool take(offer *o, int wish, int thread)
{
    uint_fast64_t open = atomic_load_explicit(&o->open, memory_order_acquire);
    while ((uint32_t)open != 0) {
        kad_piece *share = atomic_load_explicit(&o->share, memory_order_relaxed);
        void *self = atomic_load_explicit(&o->self, memory_order_relaxed);
        const int i = (open >> wish & 1) != 0 ? wish : __builtin_ctzll(open);
        if (!atomic_compare_exchange_weak_explicit(
                &o->open, &open, open & ~((uint_fast64_t)1 << i), memory_order_acq_rel,
                memory_order_acquire))
            continue;
        share(self, (size_t)i, thread);
        atomic_fetch_add_explicit(&o->n_done, 1, memory_order_release);
        return true;
    }
    return false;
}

void kad_share(kad_board *board, int thread, int n, kad_piece *share, void *self)
{
    if (!board || atomic_load_explicit(&board->n_helping, memory_order_relaxed) == 0) {
        for (int i = 0; i < n; i++)
            share(self, (size_t)i, thread);
        return;
    }
    offer *o = &board->offer[thread];
    const uint_fast64_t last = atomic_load_explicit(&o->open, memory_order_relaxed);
    const uint_fast64_t all = ((uint_fast64_t)1 << n) - 1;
    atomic_store_explicit(&o->share, share, memory_order_relaxed);
    atomic_store_explicit(&o->self, self, memory_order_relaxed);
    atomic_store_explicit(&o->n_done, 0, memory_order_relaxed);
    atomic_store_explicit(&o->open, ((last >> 32) + 1) << 32 | all, memory_order_release);
    while (take(o, 0, thread))
        continue;
    for (int k = 0; atomic_load_explicit(&o->n_done, memory_order_acquire) < n; k++)
        wait(k);
}

void kad_board_begin(kad_board *board, int n_workers)
{
    board->n_workers = n_workers;
    board->n_working = 1;
}

void kad_board_work(kad_board *board, int thread)
{
    if (thread > 0) board->n_working++;
}

void kad_board_help(kad_board *board, int thread, bool worked)
{
    const int n = board->n_workers;
    if (worked) board->n_working--;
    if (!worked && thread >= board->n_hands) return;
    board->n_helping++;
    for (int idle = 0; board->n_working > 0; idle++) {
        for (int k = 0; k < n; k++)
            if (take(&board->offer[(thread + k) % n], thread / n % KAD_SHARES_MAX,
                     thread))
                idle = 0;
        wait(idle);
    }
    board->n_helping--;
}

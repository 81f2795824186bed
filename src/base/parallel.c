/* The parallel loop and fixed-tree sums. */
#include "base/parallel.h"

#include "base/memory.h"
#include "base/ranks.h"
#include "base/share.h"
#include "base/signals.h"
#include "base/thread.h"

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

/* --- the loop ------------------------------------------------------------------------ */

/* So many turns of each thread, where there are many small pieces. */
enum { TURNS = 16 };

typedef struct loop {
    kad_piece *piece;
    void *self;
    size_t n, at_once;
    atomic_size_t next; /* piece that nobody has taken */
    atomic_bool given_up;
} loop;

/* A thread's part: what is next, until nothing is left. */
static void work_on(loop *all, int thread)
{
    for (;;) {
        const size_t first = atomic_fetch_add(&all->next, all->at_once);
        for (size_t i = first; i < first + all->at_once; i++) {
            if (i >= all->n || all->given_up) return;
            if (!all->piece(all->self, i, thread)) all->given_up = true;
        }
    }
}

int kad_n_workers(int n_threads, size_t n)
{
    if (n < 2) return 1;
    return (size_t)n_threads < n ? n_threads : (int)n;
}

bool kad_parallel_for(int n_threads, size_t n, kad_piece *piece, void *self)
{
    return kad_parallel_shared(n_threads, n, piece, self, NULL);
}

bool kad_parallel_shared(int n_threads, size_t n, kad_piece *piece, void *self,
                         kad_board *board)
{
    const int n_workers = kad_n_workers(n_threads, n);
    loop all = {.piece = piece, .self = self, .n = n, .at_once = 1};
    if (n > (size_t)n_workers * TURNS) all.at_once = n / ((size_t)n_workers * TURNS);
    if (n_threads == 1 || (n_workers == 1 && !board)) {
        work_on(&all, 0);
        return !all.given_up;
    }
    if (board) kad_board_begin(board, n_workers);
        /* a team that changes its size is made anew: threads without work join it too */
#pragma omp parallel num_threads(n_threads)
    {
        const int thread = kad_thread_index();
        const bool works = thread < n_workers;
        if (works && board) kad_board_work(board, thread);
        if (works) work_on(&all, thread);
        if (board) kad_board_help(board, thread, works);
    }
    return !all.given_up;
}

void kad_note_idle(kad_ctx *ctx, const char *what, size_t n, const char *why)
{
    const int n_threads = ctx->n_threads * kad_ranks_n(ctx);
    const int n_workers = kad_n_workers(n_threads, n);
    if (n_workers == n_threads) return;
    kad_note(ctx, "%s: %d of %d threads %s work: %s", what, n_workers, n_threads,
             n_workers == 1 ? "has" : "have", why);
}

typedef struct job {
    kad_tile_work *work;
    void *self;
    char *scratch;
    size_t bytes; /* of a thread's */
    double begun;
} job;

static bool do_piece(void *self, size_t i, int thread)
{
    const job *j = self;
    if (kad_stop_overdue(j->begun)) return false;
    return j->work(j->self, i, j->scratch + (size_t)thread * j->bytes);
}

size_t kad_cut_bytes(size_t n, size_t size)
{
    return (n * size + KAD_ALIGN - 1) / KAD_ALIGN * KAD_ALIGN;
}

void *kad_cut(char **scratch, size_t n, size_t size)
{
    void *own = *scratch;
    *scratch += kad_cut_bytes(n, size);
    return own;
}

kad_status kad_for_tiles(kad_ctx *ctx, const char *what, size_t n, size_t scratch_bytes,
                         kad_tile_work *work, void *self)
{
    job j = {.work = work,
             .self = self,
             .bytes = kad_cut_bytes(scratch_bytes, 1),
             .begun = kad_stop_clock()};
    KAD_CALL(kad_new(ctx, (size_t)kad_n_workers(ctx->n_threads, n), j.bytes, &j.scratch));
    const bool finished = kad_parallel_for(ctx->n_threads, n, do_piece, &j);
    kad_free(j.scratch);
    if (finished) return KAD_OK;
    return kad_stop_fail(ctx, what);
}

/* --- sums ---------------------------------------------------------------------------- */

enum { BLOCK = 128, LEAF = 8 };

/* Largest power of two below n: the left half of a tree of n > 1 leaves is complete. */
static size_t left_half(size_t n)
{
    size_t half = 1;
    while (half * 2 < n)
        half *= 2;
    return half;
}

static void sum_block(const double *const *parts, size_t n_parts, size_t first, size_t n,
                      double *out)
{
    if (n_parts == 1) {
        memmove(out, parts[0] + first, n * sizeof *out);
        return;
    }
    double right[BLOCK];
    size_t half = left_half(n_parts);
    sum_block(parts, half, first, n, out);
    sum_block(parts + half, n_parts - half, first, n, right);
    for (size_t i = 0; i < n; i++)
        out[i] += right[i];
}

void kad_tree_sum(const double *const *parts, size_t n_parts, size_t n, double *out)
{
    if (n_parts == 0) {
        memset(out, 0, n * sizeof *out);
        return;
    }
    for (size_t first = 0; first < n; first += BLOCK) {
        size_t count = n - first < BLOCK ? n - first : BLOCK;
        sum_block(parts, n_parts, first, count, out + first);
    }
}

double kad_tree_sum1(const double *x, size_t n)
{
    if (n > LEAF) {
        size_t half = left_half(n);
        return kad_tree_sum1(x, half) + kad_tree_sum1(x + half, n - half);
    }
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return sum;
}

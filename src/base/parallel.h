/* The parallel loop, and sums that do not depend on the number of threads: partial sums of a fixed number of
 * groups, added in a fixed binary tree. */
#ifndef KAD_BASE_PARALLEL_H
#define KAD_BASE_PARALLEL_H

#include "base/context.h"
#include "base/thread.h"

#include <stdbool.h>
#include <stddef.h>

/* Threads that n pieces give work to, at least 1: what a loop needs memory for. */
int kad_n_workers(int n_threads, size_t n);

/* piece(self, i, thread) for i = 0 .. n - 1, each by the next thread that is free (pieces
 * are alike, threads of a shared machine are not), thread < kad_n_workers(n_threads, n).
 * True: all are done. Allocates nothing. n_threads is the context's in every loop, for a
 * team of another size than the last has to be made first. */
bool kad_parallel_for(int n_threads, size_t n, kad_piece *piece, void *self);

/* The same, where the pieces share their work with threads that have none: `board` is one of
 * at least kad_n_workers(n_threads, n) threads (share.h), NULL: they do not. */
bool kad_parallel_shared(int n_threads, size_t n, kad_piece *piece, void *self,
                         kad_board *board);

/* A notice where threads of ctx find no work in loops of n pieces: "WHAT: 2 of 16 threads
 * have work: WHY". */
void kad_note_idle(kad_ctx *ctx, const char *what, size_t n, const char *why);

/* One piece, with the memory of the thread at work. */
typedef bool kad_tile_work(void *self, size_t i, void *scratch);

/* The same by the threads of ctx, each with scratch_bytes of its own, 64-byte aligned and
 * zeroed before the first piece. Errors: KAD_ENOMEM; KAD_EINTERRUPTED, "WHAT: stopped by
 * ...", once a stop is overdue (kad_stop_overdue) or a piece gives up. */
KAD_MUST_USE kad_status kad_for_tiles(kad_ctx *ctx, const char *what, size_t n,
                                      size_t scratch_bytes, kad_tile_work *work,
                                      void *self);

/* Cuts the next n * size bytes, 64-byte aligned, off a thread's scratch. */
void *kad_cut(char **scratch, size_t n, size_t size);
/* Bytes that this takes. */
size_t kad_cut_bytes(size_t n, size_t size);

/* out[i] = sum over p of parts[p][i], i < n, in a fixed tree: ((0 + 1) + (2 + 3)) + ...
 * The order depends on n_parts only. n_parts = 0 gives zeros. out may be parts[0] and no
 * other part. Allocates nothing. Threads: disjoint ranges of i may be summed at once. */
void kad_tree_sum(const double *const *parts, size_t n_parts, size_t n, double *out);

/* The same over one array of numbers: the sum of x[0 .. n - 1]. */
double kad_tree_sum1(const double *x, size_t n);

#endif

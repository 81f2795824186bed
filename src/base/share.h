/* Threads without a piece of a loop of their own help those that have one.
 *
 * A board has a place for every thread with pieces. There the thread offers what it does next
 * in shares (kad_share), takes shares itself, and ends with the last of them. Threads that
 * find no piece look around on the board until the loop is over. A share that nobody takes is
 * done by the thread that offers it: nobody waits for one that has not begun, so that threads
 * may be more than the processors. */
#ifndef KAD_BASE_SHARE_H
#define KAD_BASE_SHARE_H

#include "base/context.h"
#include "base/memory.h"
#include "base/thread.h"

enum { KAD_SHARES_MAX = 32 };

/* For loops in which up to n_workers threads have pieces; threads from n_hands on do not help,
 * having none. */
KAD_MUST_USE kad_status kad_board_create(kad_ctx *ctx, int n_workers, int n_hands,
                                         kad_board **out);
void kad_board_destroy(kad_board *board);
KAD_LOCAL_OF(kad_board, kad_board_destroy)

/* Within a piece that `thread` is at: share(self, i, helper) for i = 0 .. n - 1, n <=
 * KAD_SHARES_MAX, by this thread and those that help, `helper` being the one at work. What
 * `share` returns is not looked at. */
void kad_share(kad_board *board, int thread, int n, kad_piece *share, void *self);

/* For the loop itself (kad_parallel_shared): it begins; a thread has pieces (the first has
 * from the beginning); it has no more, or had none, and helps until nobody has. */
void kad_board_begin(kad_board *board, int n_workers);
void kad_board_work(kad_board *board, int thread);
void kad_board_help(kad_board *board, int thread, bool worked);

#endif

/* Ranks: processes that make one run together (kadanoff-mpi). Every rank goes through the
 * same steps with the same config and holds the same state; within a step the pieces of
 * some loops are dealt out (kad_ranks_part) and their results exchanged (kad_ranks_join),
 * after which every rank holds what one process would have computed: the same bytes for any
 * number of ranks. What is not dealt out, every rank does itself.
 *
 * No rank waits for ever. They meet in the functions below only, and whatever a meeting is
 * for, it begins by agreeing on the failures of all, on requests to stop, on the time, and on
 * what is done: the failure of one is the failure of all, at the same place. A rank that
 * ends early (kad_ranks_leave) takes part in the meeting that the others are at. What cuts
 * the work by signals or the clock follows kad_stop_requested and kad_stop_clock
 * (base/signals.h), which between meetings are what was agreed on, the same on all.
 *
 * A context without ranks is one process: nothing here then does or costs anything. */
#ifndef KAD_BASE_RANKS_H
#define KAD_BASE_RANKS_H

#include "base/memory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct kad_ranks kad_ranks;

/* What ranks need of whatever connects them. Only the thread that made it calls it. */
typedef struct kad_links {
    /* values[i]: the largest on any rank; n at most 16 */
    void (*most)(void *self, size_t n, int64_t *values);
    /* data of rank `from` to all */
    void (*give)(void *self, int from, size_t n_bytes, void *data);
    /* bytes begin[r] .. begin[r + 1] - 1 of data, of every rank r to all */
    void (*gather)(void *self, const size_t *begin, void *data);
    /* with one other rank */
    void (*swap)(void *self, int other, size_t n_bytes, const void *mine, void *theirs);
    /* Tell the others that this rank was asked to stop (kad_stop_own), once; what was heard
     * from another, or 0. Does not wait. */
    int (*notice)(void *self, int stop);
} kad_links;

/* n, a power of two, of which this is number `rank`; the first meeting. ctx gets them.
 * links and self are borrowed. Errors: KAD_ENOMEM, KAD_EUSAGE. */
KAD_MUST_USE kad_status kad_ranks_create(kad_ctx *ctx, int n, int rank,
                                         const kad_links *links, void *self);
/* The last meetings, of all ranks, whatever they have come from. Returns the worst status
 * of all, with its message; ctx is without ranks afterwards. */
KAD_MUST_USE kad_status kad_ranks_leave(kad_ctx *ctx, kad_status status);

/* The rank that reads and writes the run folder, and speaks. True of one process. */
bool kad_ranks_is_first(const kad_ctx *ctx);
/* All there are; 1. */
int kad_ranks_all(const kad_ctx *ctx);
/* Those among which pieces are dealt out now, and the number of this one; 1 and 0. */
int kad_ranks_n(const kad_ctx *ctx);
int kad_ranks_number(const kad_ctx *ctx);

/* Work together from here on. *together: false where a rank has ended, with KAD_OK where it
 * had nothing to do. */
KAD_MUST_USE kad_status kad_ranks_meet(kad_ctx *ctx, bool *together);
/* ... to here: the first rank goes on alone. No meeting. */
void kad_ranks_part_ways(kad_ctx *ctx);

/* Bytes of the first rank to all: *data, from kad_alloc, is made on the others; status: the
 * first rank's, or of whoever fails. On failure *data is NULL on the others. */
KAD_MUST_USE kad_status kad_ranks_give(kad_ctx *ctx, kad_status status, char **data,
                                       size_t *n_bytes);
/* *value of the first rank. */
KAD_MUST_USE kad_status kad_ranks_give_int(kad_ctx *ctx, kad_status status, int *value);

/* Items first .. first + n - 1. */
typedef struct kad_rank_items {
    size_t first, n;
} kad_rank_items;

/* This rank's of n items, dealt `unit` at a time; until kad_ranks_join a rank is on its
 * own, and hears requests to stop at once. */
kad_rank_items kad_ranks_part(kad_ctx *ctx, size_t n, size_t unit);

/* n items of so many bytes, dealt `unit` at a time. */
typedef struct kad_shared {
    void *data;
    size_t n, unit, bytes;
} kad_shared;

/* Every rank's items to all. Returns the worst status of all, with its message; nothing is
 * exchanged then. */
KAD_MUST_USE kad_status kad_ranks_join(kad_ctx *ctx, kad_status status, size_t n_arrays,
                                       const kad_shared *arrays);

/* x [n] = the sum over the ranks, r with r + n/2 first, then with r + n/4, ...: where rank
 * r has summed items r, r + n, ... in the same way, one tree over all. Between meetings
 * that were joined without a failure. */
void kad_ranks_sum(kad_ctx *ctx, size_t n, double *x);

#endif

/* Ranks without MPI: forked processes of this test that share memory. */
#ifndef KAD_TESTS_FORKED_RANKS_H
#define KAD_TESTS_FORKED_RANKS_H

#include "base/ranks.h"

/* What a rank does, with a context of its own that has met the others (kad_ranks_meet) or
 * was not asked to; its status goes into kad_ranks_leave. No cmocka in it: a rank is another
 * process. One thread, since OpenMP does not survive a fork. */
typedef kad_status rank_body(kad_ctx *ctx, int rank, void *self);

/* n ranks; statuses [n]: what each left with, -1 where it did not end by itself within a
 * minute. `together`: they meet first. */
void run_ranks(int n, bool together, rank_body *body, void *self, int *statuses);

#endif

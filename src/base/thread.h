/* OpenMP behind one header: the index of the calling thread inside a parallel region; and what
 * threads are given to do. */
#ifndef KAD_BASE_THREAD_H
#define KAD_BASE_THREAD_H

#include <stdbool.h>
#include <stddef.h>

/* One piece of a loop, alone: what it computes may not depend on the thread, which says
 * whose memory it may use. False: given up; pieces that have not begun are left out. */
typedef bool kad_piece(void *self, size_t i, int thread);

/* Where threads offer shares of their pieces (share.h). */
typedef struct kad_board kad_board;

#ifdef _OPENMP
#include <omp.h>
static inline int kad_thread_index(void)
{
    return omp_get_thread_num();
}
#else
static inline int kad_thread_index(void)
{
    return 0;
}
#endif

#endif

/* OpenMP behind one header: the index of the calling thread inside a parallel region. */
#ifndef KAD_BASE_THREAD_H
#define KAD_BASE_THREAD_H

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

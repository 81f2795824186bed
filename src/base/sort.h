/* Numbers in ascending order. NaNs are not for sorting: a caller sets them aside. */
#ifndef KAD_BASE_SORT_H
#define KAD_BASE_SORT_H

#include <stddef.h>

/* For qsort and bsearch: <0, 0, >0 as *a is below, equal to or above *b, both double. */
int kad_ascending(const void *a, const void *b);

/* Sorts x [n] in place. */
void kad_sort(size_t n, double *x);

#endif

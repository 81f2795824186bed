#include "base/sort.h"

#include <stdlib.h>

int kad_ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void kad_sort(size_t n, double *x)
{
    if (n > 1) qsort(x, n, sizeof *x, kad_ascending);
}

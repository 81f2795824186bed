/* Products of panels of columns (bulk/correlators.h). */
#include "bulk/correlators.h"

#include "base/matrix_kern.h"

void KR(kad_gram_panel)(int n, const real *a, const real *b, real *out, size_t stride)
{
    matrix_rows(KAD_W, n, a, 1, KAD_W, b, KAD_W, out, stride);
}

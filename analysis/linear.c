#include "analysis/linear.h"

#include "base/matrix.h"

#include <string.h>

kad_status kad_linear_take(kad_scope *in, size_t n, size_t m, const double *L,
                           kad_linear *out)
{
    *out = (kad_linear){.n = n, .m = m, .L = L};
    KAD_CALL(kad_take(in, n * m, &out->x));
    KAD_CALL(kad_take(in, m * m, &out->normal));
    return kad_take(in, n, &out->y);
}

static double dot(size_t n, const double *a, const double *b)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

bool kad_linear_prepare(kad_linear *f, size_t m)
{
    double largest = 0;
    f->m = m;
    for (size_t k = 0; k < m; k++)
        kad_cholesky_forward(f->n, f->n, f->L, f->x + k * f->n);
    for (size_t k = 0; k < m; k++)
        for (size_t l = 0; l <= k; l++) {
            const double product = dot(f->n, f->x + k * f->n, f->x + l * f->n);
            f->normal[k * m + l] = product;
            if (product > largest) largest = product;
        }
    return kad_cholesky(m, m, f->normal, 1e-14 * largest);
}

double kad_linear_solve(const kad_linear *f, const double *y, double *c)
{
    memcpy(f->y, y, f->n * sizeof *y);
    kad_cholesky_forward(f->n, f->n, f->L, f->y);
    for (size_t k = 0; k < f->m; k++)
        c[k] = dot(f->n, f->x + k * f->n, f->y);
    kad_cholesky_forward(f->m, f->m, f->normal, c);
    kad_cholesky_backward(f->m, f->m, f->normal, c);
    for (size_t i = 0; i < f->n; i++)
        for (size_t k = 0; k < f->m; k++)
            f->y[i] -= c[k] * f->x[k * f->n + i];
    return dot(f->n, f->y, f->y);
}

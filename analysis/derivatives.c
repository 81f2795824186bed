#include "analysis/derivatives.h"

#include "base/matrix.h"

#include <math.h>
#include <stdbool.h>

enum { DEGREE = 6, WINDOW = 9, TERMS = DEGREE + 1 };

static bool is_usable(const double *y, const double *err, size_t i)
{
    return isfinite(y[i]) && isfinite(err[i]) && err[i] > 0;
}

/* The usable points nearest to x[i], nearest first; returns their number. */
static size_t nearest(size_t n, const double *x, const double *y, const double *err,
                      size_t i, size_t at[WINDOW])
{
    size_t n_at = 0;
    for (size_t k = 0; k < n; k++) {
        const double distance = fabs(x[k] - x[i]);
        if (!is_usable(y, err, k)) continue;
        size_t place = n_at < WINDOW ? n_at++ : WINDOW;
        while (place > 0 && distance < fabs(x[at[place - 1]] - x[i])) {
            if (place < WINDOW) at[place] = at[place - 1];
            place--;
        }
        if (place < WINDOW) at[place] = k;
    }
    return n_at;
}

void kad_derivatives_at(size_t n, const double *x, const double *y, const double *err,
                        size_t i, kad_estimate *first, kad_estimate *second)
{
    double A[TERMS * TERMS] = {0}, right[TERMS] = {0}, slope[TERMS] = {0},
                     bend[TERMS] = {0};
    size_t at[WINDOW];
    *first = *second = (kad_estimate){NAN, NAN};
    if (!is_usable(y, err, i)) return;
    const size_t m = nearest(n, x, y, err, i, at);
    if (m < 3) return;
    const size_t n_terms = m < TERMS ? m : TERMS;
    const double h = fabs(x[at[m - 1]] - x[i]), unit = err[i];
    for (size_t k = 0; k < m; k++) {
        const double u = (x[at[k]] - x[i]) / h, w = unit / err[at[k]];
        double power[TERMS] = {w};
        for (size_t a = 1; a < n_terms; a++)
            power[a] = power[a - 1] * u;
        for (size_t a = 0; a < n_terms; a++) {
            right[a] += power[a] * w * (y[at[k]] - y[i]);
            for (size_t b = 0; b <= a; b++)
                A[a * TERMS + b] += power[a] * power[b];
        }
    }
    if (!kad_cholesky(n_terms, TERMS, A, 0)) return;
    slope[1] = bend[2] = 1; /* rows of A^-1 */
    double *const solved[3] = {right, slope, bend};
    for (int s = 0; s < 3; s++) {
        kad_cholesky_forward(n_terms, TERMS, A, solved[s]);
        kad_cholesky_backward(n_terms, TERMS, A, solved[s]);
    }
    *first = (kad_estimate){right[1] / h, unit * sqrt(slope[1]) / h};
    *second = (kad_estimate){2 * right[2] / (h * h), 2 * unit * sqrt(bend[2]) / (h * h)};
}

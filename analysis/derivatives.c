#include "analysis/derivatives.h"

#include "base/matrix.h"

#include <math.h>
#include <stdbool.h>

enum {
    DEGREE = 6,
    WINDOW = 9,
    TERMS = DEGREE + 1,
    SPARE = WINDOW - TERMS /* points more than terms */
};

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

/* Values about a point, in units of the window. */
typedef struct window {
    size_t n;
    double h, unit;                         /* its width; the point's error */
    double u[WINDOW], y[WINDOW], w[WINDOW]; /* (x - x_i)/h, y - y_i, unit/err */
} window;

/* y' and y'' by the polynomial of so many terms. */
static bool fit(const window *s, size_t n_terms, kad_estimate out[2])
{
    double A[TERMS * TERMS] = {0}, right[TERMS] = {0}, slope[TERMS] = {0},
                     bend[TERMS] = {0};
    for (size_t k = 0; k < s->n; k++) {
        double power[TERMS] = {s->w[k]};
        for (size_t a = 1; a < n_terms; a++)
            power[a] = power[a - 1] * s->u[k];
        for (size_t a = 0; a < n_terms; a++) {
            right[a] += power[a] * s->w[k] * s->y[k];
            for (size_t b = 0; b <= a; b++)
                A[a * TERMS + b] += power[a] * power[b];
        }
    }
    if (!kad_cholesky(n_terms, TERMS, A, 0)) return false;
    slope[1] = bend[2] = 1; /* rows of A^-1 */
    double *const solved[3] = {right, slope, bend};
    for (int t = 0; t < 3; t++) {
        kad_cholesky_forward(n_terms, TERMS, A, solved[t]);
        kad_cholesky_backward(n_terms, TERMS, A, solved[t]);
    }
    const double h = s->h;
    out[0] = (kad_estimate){right[1] / h, s->unit * sqrt(slope[1]) / h};
    out[1] =
        (kad_estimate){2 * right[2] / (h * h), 2 * s->unit * sqrt(bend[2]) / (h * h)};
    return true;
}

/* What the polynomial leaves out: its distance from one of lower degree, where that is beyond
 * three of its own errors; fits are nested, so that the variance of their difference is that of
 * their variances. */
static double left_out(kad_estimate full, kad_estimate lower)
{
    const double d = full.value - lower.value;
    return d * d > 9 * (full.err * full.err - lower.err * lower.err) ? fabs(d) : 0;
}

void kad_derivatives_at(size_t n, const double *x, const double *y, const double *err,
                        size_t i, kad_estimate *first, kad_estimate *second)
{
    size_t at[WINDOW];
    window s;
    kad_estimate full[2], lower[2];
    double more[2] = {0, 0};
    *first = *second = (kad_estimate){NAN, NAN};
    if (!is_usable(y, err, i)) return;
    s.n = nearest(n, x, y, err, i, at);
    if (s.n < KAD_DERIVATIVES_LEAST) return;
    s.h = fabs(x[at[s.n - 1]] - x[i]);
    s.unit = err[i];
    for (size_t k = 0; k < s.n; k++) {
        s.u[k] = (x[at[k]] - x[i]) / s.h;
        s.y[k] = y[at[k]] - y[i];
        s.w[k] = s.unit / err[at[k]];
    }
    const size_t n_terms = s.n - SPARE < TERMS ? s.n - SPARE : TERMS;
    if (!fit(&s, n_terms, full)) return;
    for (size_t less = 1; less <= 2; less++) {
        if (!fit(&s, n_terms - less, lower)) return;
        for (int k = 0; k < 2; k++)
            more[k] = fmax(more[k], left_out(full[k], lower[k]));
    }
    *first = (kad_estimate){full[0].value, hypot(full[0].err, more[0])};
    *second = (kad_estimate){full[1].value, hypot(full[1].err, more[1])};
}

/* Nearest neighbours by looking at all: n^2 distances, side by side, are cheaper than any
 * search at the few thousand points this is for. */
#include "base/memory.h"
#include "bulk/mutual.h"
#include "bulk/mutual_pairs.h"

#include <gsl/gsl_sf_psi.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_K = 64 };

typedef struct columns {
    size_t n, dx, dy;
    double *p; /* [dx + dy][n] */
} columns;

static int compare(const double *a, const double *b, size_t d)
{
    for (size_t i = 0; i < d; i++)
        if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
    return 0;
}

/* Heap sort of rows [n][d], lexicographic (in place, no file-scope state). */
static void sift(double *p, size_t d, size_t root, size_t n, double *tmp)
{
    for (size_t child; (child = 2 * root + 1) < n; root = child) {
        if (child + 1 < n && compare(p + child * d, p + (child + 1) * d, d) < 0) child++;
        if (compare(p + root * d, p + child * d, d) >= 0) return;
        memcpy(tmp, p + root * d, d * sizeof *p);
        memcpy(p + root * d, p + child * d, d * sizeof *p);
        memcpy(p + child * d, tmp, d * sizeof *p);
    }
}

static void sort_rows(double *p, size_t n, size_t d, double *tmp)
{
    for (size_t i = n / 2; i-- > 0;)
        sift(p, d, i, n, tmp);
    for (size_t end = n; end-- > 1;) {
        memcpy(tmp, p, d * sizeof *p);
        memcpy(p, p + end * d, d * sizeof *p);
        memcpy(p + end * d, tmp, d * sizeof *p);
        sift(p, d, 0, end, tmp);
    }
}

/* Insert into the k smallest, ascending. */
static void keep_nearest(double *best, int k, double d)
{
    int at = k - 1;
    for (; at > 0 && best[at - 1] > d; at--)
        best[at] = best[at - 1];
    best[at] = d;
}

/* The k-th smallest of max(a, b), point `self` left out. Points are sorted by their first
 * coordinate: near ones stand around `self`, and from there on few of the others get in. */
static double kth_distance(const double *a, const double *b, size_t n, size_t self, int k)
{
    const size_t from[2] = {self + 1, 0}, to[2] = {n, self};
    double best[MAX_K];
    for (int j = 0; j < k; j++)
        best[j] = HUGE_VAL;
    for (int part = 0; part < 2; part++)
        for (size_t j = from[part]; j < to[part]; j++) {
            const double d = a[j] > b[j] ? a[j] : b[j];
            if (d < best[k - 1]) keep_nearest(best, k, d);
        }
    return best[k - 1];
}

/* Points as columns [d][n]; near [2][n]: scratch for the distances of one point. */
static double estimate(const columns *s, int k, double *near)
{
    double sum = 0;
    double *in_x = near, *in_y = near + s->n;
    for (size_t i = 0; i < s->n; i++) {
        kad_max_norms_f64(s->n, s->dx, s->p, i, in_x);
        kad_max_norms_f64(s->n, s->dy, s->p + s->dx * s->n, i, in_y);
        const double eps = kth_distance(in_x, in_y, s->n, i, k);
        /* the counts hold the point itself: n_x + 1 (and are one where eps is zero) */
        const size_t nx = kad_count_below_f64(s->n, in_x, eps);
        const size_t ny = kad_count_below_f64(s->n, in_y, eps);
        sum += gsl_sf_psi_int((int)(nx > 0 ? nx : 1)) +
               gsl_sf_psi_int((int)(ny > 0 ? ny : 1));
    }
    return gsl_sf_psi_int(k) + gsl_sf_psi_int((int)s->n) - sum / (double)s->n;
}

/* Sorted rows without repetitions; returns how many are left. */
static size_t unique(double *p, size_t n, size_t d)
{
    size_t m = 0;
    for (size_t i = 0; i < n; i++) {
        if (m > 0 && compare(p + (m - 1) * d, p + i * d, d) == 0) continue;
        if (m != i) memcpy(p + m * d, p + i * d, d * sizeof *p);
        m++;
    }
    return m;
}

kad_status kad_mutual_knn(kad_ctx *ctx, size_t n, size_t d_x, const double *x, size_t d_y,
                          const double *y, int k, double *out)
{
    KAD_SCOPE(scope, ctx);
    const size_t d = d_x + d_y;
    columns s = {.dx = d_x, .dy = d_y};
    double *rows, *near, *tmp;
    *out = NAN;
    if (k < 1 || k > MAX_K)
        return kad_fail(ctx, KAD_EUSAGE, "neighbours: expected 1 to %d, got %d", MAX_K,
                        k);
    KAD_CALL(kad_take(&scope, n * d, &rows));
    KAD_CALL(kad_take(&scope, n * d, &s.p));
    KAD_CALL(kad_take(&scope, 2 * n, &near));
    KAD_CALL(kad_take(&scope, d, &tmp));
    for (size_t i = 0; i < n; i++) {
        memcpy(rows + i * d, x + i * d_x, d_x * sizeof(double));
        memcpy(rows + i * d + d_x, y + i * d_y, d_y * sizeof(double));
    }
    sort_rows(rows, n, d, tmp);
    s.n = unique(rows, n, d);
    if (s.n < (size_t)k + 2) return KAD_OK;
    for (size_t i = 0; i < s.n; i++)
        for (size_t c = 0; c < d; c++)
            s.p[c * s.n + i] = rows[i * d + c];
    *out = estimate(&s, k, near);
    return KAD_OK;
}

/* Nearest neighbours by sweeping: points are sorted by their first coordinate, and the
 * search from a point outwards ends where that coordinate alone is farther than the k-th
 * neighbour found so far. */
#include "base/memory.h"
#include "bulk/mutual.h"

#include <gsl/gsl_sf_psi.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_K = 64 };

typedef struct points {
    size_t n, dx, dy, d; /* d = dx + dy coordinates a point */
    double *p;           /* [n][d], sorted by all coordinates in turn */
    double *y;           /* [n][dy], the same points sorted by y */
} points;

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

static double distance(const double *a, const double *b, size_t d)
{
    double far = 0;
    for (size_t i = 0; i < d; i++) {
        const double s = fabs(a[i] - b[i]);
        if (s > far) far = s;
    }
    return far;
}

/* Insert into the k smallest, ascending. */
static void keep_nearest(double *best, int k, double d)
{
    int at = k - 1;
    if (!(d < best[at])) return;
    for (; at > 0 && best[at - 1] > d; at--)
        best[at] = best[at - 1];
    best[at] = d;
}

/* Distance of point i to its k-th neighbour. */
static double kth_distance(const points *s, size_t i, int k)
{
    double best[MAX_K];
    const double *own = s->p + i * s->d;
    for (int j = 0; j < k; j++)
        best[j] = HUGE_VAL;
    size_t up = i + 1, down = i;
    for (bool more = true; more;) {
        more = false;
        if (up < s->n && s->p[up * s->d] - own[0] < best[k - 1]) {
            keep_nearest(best, k, distance(own, s->p + up * s->d, s->d));
            up++;
            more = true;
        }
        if (down > 0 && own[0] - s->p[(down - 1) * s->d] < best[k - 1]) {
            keep_nearest(best, k, distance(own, s->p + (down - 1) * s->d, s->d));
            down--;
            more = true;
        }
    }
    return best[k - 1];
}

/* First row of `rows`, sorted by coordinate 0, with coordinate 0 > value. */
static size_t first_above(const double *rows, size_t n, size_t stride, double value)
{
    size_t lo = 0, hi = n;
    while (lo < hi) {
        const size_t mid = lo + (hi - lo) / 2;
        if (rows[mid * stride] > value)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

/* Rows nearer than eps to `own`, itself among them. The range searched is a little wider:
 * the neighbour that defines eps must not be counted because own + eps was rounded. */
static size_t count_within(const double *rows, size_t n, size_t stride, size_t d,
                           const double *own, double eps)
{
    const double wide = eps * (1 + 1e-9) + 1e-15 * fabs(own[0]);
    size_t count = 0;
    for (size_t j = first_above(rows, n, stride, own[0] - wide);
         j < n && rows[j * stride] < own[0] + wide; j++)
        count += distance(own, rows + j * stride, d) < eps;
    return count;
}

static double estimate(const points *s, int k)
{
    double sum = 0;
    for (size_t i = 0; i < s->n; i++) {
        const double eps = kth_distance(s, i, k);
        const double *own = s->p + i * s->d;
        /* the counts hold the point itself: n_x + 1 */
        const size_t nx = count_within(s->p, s->n, s->d, s->dx, own, eps);
        const size_t ny = count_within(s->y, s->n, s->dy, s->dy, own + s->dx, eps);
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
    kad_status status = KAD_OK;
    points s = {.n = n, .dx = d_x, .dy = d_y, .d = d_x + d_y};
    double *tmp = NULL;
    *out = NAN;
    if (k < 1 || k > MAX_K)
        return kad_fail(ctx, KAD_EUSAGE, "neighbours: expected 1 to %d, got %d", MAX_K,
                        k);
    KAD_TRY(kad_new(ctx, n * s.d, sizeof(double), &s.p));
    KAD_TRY(kad_new(ctx, n * d_y, sizeof(double), &s.y));
    KAD_TRY(kad_new(ctx, s.d, sizeof(double), &tmp));
    for (size_t i = 0; i < n; i++) {
        memcpy(s.p + i * s.d, x + i * d_x, d_x * sizeof(double));
        memcpy(s.p + i * s.d + d_x, y + i * d_y, d_y * sizeof(double));
    }
    sort_rows(s.p, n, s.d, tmp);
    s.n = unique(s.p, n, s.d);
    if (s.n < (size_t)k + 2) goto done;
    for (size_t i = 0; i < s.n; i++)
        memcpy(s.y + i * d_y, s.p + i * s.d + d_x, d_y * sizeof(double));
    sort_rows(s.y, s.n, d_y, tmp);
    *out = estimate(&s, k);
done:
    kad_free(s.p);
    kad_free(s.y);
    kad_free(tmp);
    return status;
}

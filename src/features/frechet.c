#include "features/frechet.h"

#include "base/jackknife.h"
#include "base/parallel.h"
#include "base/signals.h"
#include "wide/wide.h"

#include <gsl/gsl_eigen.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_matrix.h>
#include <math.h>
#include <string.h>

KAD_LOCAL_OF(gsl_vector, gsl_vector_free)
KAD_LOCAL_OF(gsl_eigen_symm_workspace, gsl_eigen_symm_free)

enum {
    ROWS = 48 /* of a product that a thread does at once */,
    CHUNK = 512 /* images */
};

/* Sums over some images of x - origin, and of the products of these. */
typedef struct sums {
    double n;
    double *first;  /* [stride] */
    double *second; /* [d][stride] */
} sums;

typedef struct work {
    kad_ctx *ctx;
    int d;
    size_t stride;
    double *origin;            /* [stride], near the features: nothing cancels */
    double *chunk;             /* [CHUNK][stride] of x - origin */
    sums block;                /* of one block */
    double *mean_a, *mean_b;   /* [stride] */
    double *S_a, *S_b;         /* [d][stride] */
    double *R, *pivots;        /* [d][stride], [d] */
    double *half, *turned, *M; /* R S_b; R^T; R S_b R^T */
} work;

/* --- products, by threads ----------------------------------------------------------------- */

/* c (+)= a^T b or a b, with rows of c apart. */
typedef struct product {
    int n_m, n_k, n_n;
    const double *a;
    size_t am, ak;
    const double *b;
    bool add;
    double *c;
    size_t stride; /* of b and c */
} product;

static bool multiply(void *self, size_t i, void *scratch)
{
    const product *p = self;
    const size_t m = i * ROWS;
    const int n = p->n_m - (int)m < ROWS ? p->n_m - (int)m : ROWS;
    (void)scratch;
    kad_wide_product_f64(n, p->n_k, p->n_n, p->a + m * p->am, p->am, p->ak, p->b,
                         p->stride, p->add, p->c + m * p->stride, p->stride);
    return true;
}

static kad_status multiply_all(kad_ctx *ctx, product *p)
{
    return kad_for_tiles(ctx, "products of features", ((size_t)p->n_m + ROWS - 1) / ROWS,
                         0, multiply, p);
}

/* --- moments ------------------------------------------------------------------------------- */

static kad_status take_sums(kad_scope *in, const work *w, sums *s)
{
    KAD_CALL(kad_take(in, w->stride, &s->first));
    return kad_take(in, (size_t)w->d * w->stride, &s->second);
}

static kad_status add_up(work *w, const kad_features *f, size_t begin, size_t end,
                         sums *s)
{
    const size_t stride = w->stride;
    s->n = (double)(end - begin);
    memset(s->first, 0, stride * sizeof *s->first);
    memset(s->second, 0, (size_t)w->d * stride * sizeof *s->second);
    for (size_t at = begin, n = 0; at < end; at += n) {
        n = end - at < CHUNK ? end - at : CHUNK;
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < stride; k++) {
                const double y = f->x[(at + i) * stride + k] - w->origin[k];
                w->chunk[i * stride + k] = y;
                s->first[k] += y;
            }
        product p = {w->d,   (int)n,   w->d, w->chunk,  1,
                     stride, w->chunk, true, s->second, stride};
        KAD_CALL(multiply_all(w->ctx, &p));
    }
    return KAD_OK;
}

/* Mean and covariance of all but `less` (NULL: of all). */
static void moments(const work *w, const sums *all, const sums *less, double *mean,
                    double *S)
{
    const double n = all->n - (less ? less->n : 0);
    for (size_t k = 0; k < w->stride; k++)
        mean[k] = (all->first[k] - (less ? less->first[k] : 0)) / n;
    for (int i = 0; i < w->d; i++)
        for (int k = 0; k < w->d; k++) {
            const size_t at = (size_t)i * w->stride + (size_t)k;
            const double square = all->second[at] - (less ? less->second[at] : 0);
            S[at] = (square - n * mean[i] * mean[k]) / (n - 1);
        }
}

/* --- the distance --------------------------------------------------------------------------- */

/* Rows of R with S_a = R^T R, as many as S_a has rank. */
static int factor(work *w)
{
    const size_t d = (size_t)w->d, stride = w->stride;
    double most = 0;
    for (size_t i = 0; i < d; i++) {
        w->pivots[i] = w->S_a[i * stride + i];
        most = fmax(most, w->pivots[i]);
    }
    for (size_t r = 0; r < d; r++) {
        double *row = w->R + r * stride;
        size_t p = 0;
        for (size_t i = 1; i < d; i++)
            if (w->pivots[i] > w->pivots[p]) p = i;
        if (!(w->pivots[p] > 4e-16 * (double)d * most)) return (int)r;
        memcpy(row, w->S_a + p * stride, d * sizeof *row);
        for (size_t i = 0; i < r; i++) {
            const double *before = w->R + i * stride, c = before[p];
            for (size_t k = 0; k < d; k++)
                row[k] -= c * before[k];
        }
        const double scale = 1 / sqrt(w->pivots[p]);
        for (size_t k = 0; k < d; k++) {
            row[k] *= scale;
            w->pivots[k] -= row[k] * row[k];
        }
        w->pivots[p] = -INFINITY; /* is done */
    }
    return w->d;
}

/* Tr (S_a S_b)^(1/2) */
static kad_status trace_of_root(work *w, double *out)
{
    const int r = factor(w);
    const size_t stride = w->stride;
    *out = 0;
    if (r == 0) return KAD_OK;
    product half = {r, w->d, w->d, w->R, stride, 1, w->S_b, false, w->half, stride};
    KAD_CALL(multiply_all(w->ctx, &half));
    kad_wide_transpose_f64(kad_wide_padded(r), (int)stride, w->R, stride, w->turned,
                           stride);
    product whole = {r, w->d, r, w->half, stride, 1, w->turned, false, w->M, stride};
    KAD_CALL(multiply_all(w->ctx, &whole));

    KAD_LOCAL(gsl_eigen_symm_workspace, eigen);
    KAD_LOCAL(gsl_vector, values);
    eigen = gsl_eigen_symm_alloc((size_t)r);
    values = gsl_vector_alloc((size_t)r);
    if (!eigen || !values) return kad_fail(w->ctx, KAD_ENOMEM, "eigenvalues of %d", r);
    gsl_matrix_view view =
        gsl_matrix_view_array_with_tda(w->M, (size_t)r, (size_t)r, stride);
    const int code = gsl_eigen_symm(&view.matrix, values, eigen);
    if (code != GSL_SUCCESS)
        return kad_fail(w->ctx, KAD_EDATA, "eigenvalues of features: %s",
                        gsl_strerror(code));
    for (int i = 0; i < r; i++)
        *out += sqrt(fmax(0, gsl_vector_get(values, (size_t)i)));
    return KAD_OK;
}

/* Of all images but the block of one of the sets. */
static kad_status distance(work *w, const sums *a, const sums *without_a, const sums *b,
                           const sums *without_b, double *value, double *of_means)
{
    double traces = 0, root;
    KAD_CALL(kad_stop_check(w->ctx, "distance of features"));
    moments(w, a, without_a, w->mean_a, w->S_a);
    moments(w, b, without_b, w->mean_b, w->S_b);
    *of_means = 0;
    for (int i = 0; i < w->d; i++) {
        const size_t at = (size_t)i * w->stride + (size_t)i;
        const double step = w->mean_a[i] - w->mean_b[i];
        *of_means += step * step;
        traces += w->S_a[at] + w->S_b[at];
    }
    KAD_CALL(trace_of_root(w, &root));
    *value = *of_means + traces - 2 * root;
    return KAD_OK;
}

/* Blocks of one of the sets left out in turn. */
static kad_status leave_out(work *w, const kad_features *f, const sums *a, const sums *b,
                            bool of_a, int n_blocks, kad_frechet *out, double *square)
{
    kad_jackknife j = kad_jackknife_start(out->value);
    for (int i = 0; i < n_blocks; i++) {
        double value, of_means;
        const size_t n = (size_t)n_blocks, k = (size_t)i;
        KAD_CALL(add_up(w, f, f->n * k / n, f->n * (k + 1) / n, &w->block));
        KAD_CALL(distance(w, a, of_a ? &w->block : NULL, b, of_a ? NULL : &w->block,
                          &value, &of_means));
        kad_jackknife_add(&j, value);
    }
    const double error = kad_jackknife_error(&j);
    if (isfinite(error)) *square += error * error;
    out->extrapolated += kad_jackknife_corrected(&j) - out->value;
    return KAD_OK;
}

static kad_status take_work(kad_scope *in, const kad_features *a, work *w)
{
    const size_t d = (size_t)a->d, stride = a->stride;
    *w = (work){.ctx = in->ctx, .d = a->d, .stride = stride};
    KAD_CALL(kad_memory_require(in->ctx, 8 * d * stride * sizeof(double),
                                "moments of so many features"));
    KAD_CALL(kad_take(in, stride, &w->origin));
    KAD_CALL(kad_take(in, CHUNK * stride, &w->chunk));
    KAD_CALL(kad_take(in, stride, &w->mean_a));
    KAD_CALL(kad_take(in, stride, &w->mean_b));
    KAD_CALL(kad_take(in, d * stride, &w->S_a));
    KAD_CALL(kad_take(in, d * stride, &w->S_b));
    KAD_CALL(kad_take(in, stride * stride, &w->R));
    KAD_CALL(kad_take(in, d, &w->pivots));
    KAD_CALL(kad_take(in, d * stride, &w->half));
    KAD_CALL(kad_take(in, stride * stride, &w->turned));
    KAD_CALL(kad_take(in, d * stride, &w->M));
    return take_sums(in, w, &w->block);
}

static kad_status check(kad_ctx *ctx, const kad_features *f)
{
    if (f->n < 4)
        return kad_fail(ctx, KAD_EDATA, "a distance of %zu images: at least 4", f->n);
    for (size_t i = 0; i < f->n * f->stride; i++)
        if (!isfinite(f->x[i]))
            return kad_fail(ctx, KAD_EDATA, "features of image %zu are not finite",
                            i / f->stride);
    return KAD_OK;
}

kad_status kad_frechet_distance(kad_ctx *ctx, const kad_features *a,
                                const kad_features *b, int n_blocks, kad_frechet *out)
{
    KAD_SCOPE(scope, ctx);
    work w;
    sums of_a, of_b;
    double square = 0;
    const size_t fewest = a->n < b->n ? a->n : b->n;
    if (a->d != b->d)
        return kad_fail(ctx, KAD_EDATA, "sets of %d and %d features", a->d, b->d);
    KAD_CALL(check(ctx, a));
    KAD_CALL(check(ctx, b));
    if ((size_t)n_blocks > fewest / 2) n_blocks = (int)(fewest / 2);
    KAD_CALL(take_work(&scope, a, &w));
    KAD_CALL(take_sums(&scope, &w, &of_a));
    KAD_CALL(take_sums(&scope, &w, &of_b));
    for (size_t i = 0; i < b->n; i++)
        for (size_t k = 0; k < w.stride; k++)
            w.origin[k] += b->x[i * w.stride + k] / (double)b->n;
    KAD_CALL(add_up(&w, a, 0, a->n, &of_a));
    KAD_CALL(add_up(&w, b, 0, b->n, &of_b));
    KAD_CALL(distance(&w, &of_a, NULL, &of_b, NULL, &out->value, &out->of_means));
    out->extrapolated = out->value;
    KAD_CALL(leave_out(&w, a, &of_a, &of_b, true, n_blocks, out, &square));
    KAD_CALL(leave_out(&w, b, &of_a, &of_b, false, n_blocks, out, &square));
    out->error = sqrt(square);
    return KAD_OK;
}

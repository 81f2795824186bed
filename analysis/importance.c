#include "analysis/importance.h"

#include "analysis/jackknife.h"
#include "base/memory.h"
#include "base/signals.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* w = exp(ln w - max) in w[n]; returns the number of positive weights. */
static kad_status shifted(kad_ctx *ctx, size_t n, const double *log_w, double *w,
                          double *log_w_max, size_t *n_positive)
{
    double top = -INFINITY;
    *n_positive = 0;
    for (size_t i = 0; i < n; i++) {
        if (isnan(log_w[i]) || log_w[i] == INFINITY)
            return kad_fail(ctx, KAD_EDATA, "log-weight %zu is %g", i, log_w[i]);
        if (log_w[i] > top) top = log_w[i];
        *n_positive += isfinite(log_w[i]) != 0;
    }
    *log_w_max = top;
    if (*n_positive < 2)
        return kad_fail(ctx, KAD_EDATA, "%zu of %zu draws have a weight: two are needed",
                        *n_positive, n);
    for (size_t i = 0; i < n; i++)
        w[i] = exp(log_w[i] - top);
    return KAD_OK;
}

typedef struct sums {
    double w, w2, lw, wlw; /* sum w, w^2, ln w, w ln w (ln w less its maximum) */
} sums;

/* x ln x -> 0 */
static double wlw(double w, double lw)
{
    return w > 0.0 ? w * lw : 0.0;
}

static sums add_up(size_t n, const double *w, const double *log_w, double top)
{
    sums s = {0};
    for (size_t i = 0; i < n; i++) {
        const double lw = log_w[i] - top;
        s.w += w[i];
        s.w2 += w[i] * w[i];
        s.lw += lw;
        s.wlw += wlw(w[i], lw);
    }
    return s;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Acceptance and its jackknife error from sorted weights. Leaving out weight k removes
 * 2 sum_{j != k} min(w_j, w_k) from the sum over pairs and w_k from sum w. */
static kad_estimate acceptance(size_t n, const double *sorted, double sum_w)
{
    const double nd = (double)n;
    double pairs = 0.0, below = 0.0;
    if (n < 3) return (kad_estimate){NAN, NAN};
    for (size_t k = 0; k < n; k++)
        pairs += 2.0 * sorted[k] * (double)(n - 1 - k);
    kad_jackknife jack = kad_jackknife_start(pairs / ((nd - 1.0) * sum_w));
    for (size_t k = 0; k < n; k++) {
        const double others = below + sorted[k] * (double)(n - 1 - k);
        const double rest = sum_w - sorted[k];
        if (rest > 0.0)
            kad_jackknife_add(&jack, (pairs - 2.0 * others) / ((nd - 2.0) * rest));
        below += sorted[k];
    }
    return (kad_estimate){jack.full, kad_jackknife_error(&jack)};
}

/* ln Z, ESS and the bounds with one pass of left-out values. */
static void estimate(size_t n, const double *w, const double *log_w, double top,
                     const sums *s, kad_importance *out)
{
    const double nd = (double)n;
    kad_jackknife z = kad_jackknife_start(log(s->w / nd));
    kad_jackknife ess = kad_jackknife_start(s->w * s->w / (nd * s->w2));
    kad_jackknife upper = kad_jackknife_start(s->wlw / s->w);
    kad_jackknife lower = kad_jackknife_start(s->lw / nd);
    for (size_t i = 0; i < n; i++) {
        const double rest = s->w - w[i], rest2 = s->w2 - w[i] * w[i];
        const double lw = log_w[i] - top;
        if (!(rest > 0.0) || !(rest2 > 0.0)) continue;
        kad_jackknife_add(&z, log(rest / (nd - 1.0)));
        kad_jackknife_add(&ess, rest * rest / ((nd - 1.0) * rest2));
        kad_jackknife_add(&upper, (s->wlw - wlw(w[i], lw)) / rest);
        if (out->n_zero == 0) kad_jackknife_add(&lower, (s->lw - lw) / (nd - 1.0));
    }
    out->log_z =
        (kad_estimate){top + kad_jackknife_corrected(&z), kad_jackknife_error(&z)};
    out->ess = (kad_estimate){ess.full, kad_jackknife_error(&ess)};
    out->upper = (kad_estimate){top + upper.full, kad_jackknife_error(&upper)};
    out->lower = (kad_estimate){out->n_zero == 0 ? top + lower.full : -INFINITY,
                                kad_jackknife_error(&lower)};
    out->log_z_dof = kad_jackknife_dof(&z);
    out->upper_dof = kad_jackknife_dof(&upper);
    out->log_z_err_importance = sqrt(fmax(0.0, 1.0 / ess.full - 1.0) / nd);
}

kad_status kad_importance_analyse(kad_ctx *ctx, size_t n, const double *log_w,
                                  kad_importance *out)
{
    kad_status status = KAD_OK;
    double *w = NULL, top = 0.0;
    size_t n_positive = 0;

    memset(out, 0, sizeof *out);
    KAD_TRY(kad_stop_check(ctx, "analysis"));
    KAD_TRY(kad_new(ctx, n, sizeof *w, &w));
    KAD_TRY(shifted(ctx, n, log_w, w, &top, &n_positive));
    const sums s = add_up(n, w, log_w, top);
    out->n = n;
    out->n_zero = n - n_positive;
    out->log_w_max = top;
    out->largest_share = 1.0 / s.w; /* the largest shifted weight is 1 */
    estimate(n, w, log_w, top, &s, out);
    qsort(w, n, sizeof *w, ascending);
    out->acceptance = acceptance(n, w, s.w);
done:
    kad_free(w);
    return status;
}

double kad_effective_draws(size_t n, const double *log_w)
{
    double top = -INFINITY, sum = 0.0, square = 0.0;
    for (size_t i = 0; i < n; i++)
        top = fmax(top, log_w[i]);
    for (size_t i = 0; i < n && isfinite(top); i++) {
        const double w = exp(log_w[i] - top);
        sum += w;
        square += w * w;
    }
    return square > 0.0 ? sum * sum / square : 0.0;
}

kad_status kad_reweight(kad_ctx *ctx, size_t n, const double *log_w, size_t width,
                        const double *a, double *mean, double *err, double *dof,
                        double *cov)
{
    kad_status status = KAD_OK;
    double *w = NULL, *d = NULL, top, sum_w = 0.0, square_w = 0.0;
    size_t n_positive, n_used = 0;

    KAD_TRY(kad_stop_check(ctx, "analysis"));
    KAD_TRY(kad_new(ctx, n, sizeof *w, &w));
    KAD_TRY(kad_new(ctx, width * (width + 3), sizeof *d, &d));
    KAD_TRY(shifted(ctx, n, log_w, w, &top, &n_positive));
    for (size_t i = 0; i < n; i++) {
        sum_w += w[i];
        square_w += w[i] * w[i];
    }
    memset(mean, 0, width * sizeof *mean);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < width && w[i] > 0.0; k++)
            mean[k] += w[i] / sum_w * a[i * width + k];
    /* left-out mean less the mean: -w_i (a_i - mean)/(W - w_i); d: its sum and the
     * products */
    double *sum = d, *left = d + width, *fourth = left + width, *product = fourth + width;
    for (size_t i = 0; i < n; i++) {
        const double rest = sum_w - w[i];
        if (!(rest > 0.0)) continue;
        n_used++;
        if (!(w[i] > 0.0)) continue;
        for (size_t k = 0; k < width; k++) {
            left[k] = -w[i] * (a[i * width + k] - mean[k]) / rest;
            sum[k] += left[k];
            fourth[k] += left[k] * left[k] * left[k] * left[k];
        }
        for (size_t k = 0; k < width; k++)
            for (size_t l = cov != NULL ? 0 : k; l <= k; l++)
                product[k * width + l] += left[k] * left[l];
    }
    /* a constant, to rounding: of its variance sum w^2/W^2 would be in c */
    const double nd = (double)n_used, least = 1e-28 * square_w / (sum_w * sum_w);
    for (size_t k = 0; k < width; k++)
        for (size_t l = cov != NULL ? 0 : k; l <= k; l++) {
            const double c =
                (product[k * width + l] - sum[k] * sum[l] / nd) * (nd - 1.0) / nd;
            if (cov != NULL) cov[k * width + l] = cov[l * width + k] = c;
            if (l == k) err[k] = c > least * mean[k] * mean[k] ? sqrt(c) : NAN;
        }
    for (size_t k = 0; k < width && dof != NULL; k++)
        dof[k] = kad_spread_dof(nd, product[k * width + k], fourth[k]);
done:
    kad_free(w);
    kad_free(d);
    return status;
}

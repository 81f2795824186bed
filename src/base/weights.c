#include "base/weights.h"

#include "base/memory.h"
#include "base/signals.h"
#include "base/sort.h"

#include <stdlib.h>
#include <string.h>

static double largest_of(size_t n, const double *log_w)
{
    double top = -INFINITY;
    for (size_t i = 0; i < n; i++)
        top = fmax(top, log_w[i]);
    return top;
}

kad_status kad_weights_check(kad_ctx *ctx, size_t n, const double *log_w)
{
    size_t n_positive = 0;
    for (size_t i = 0; i < n; i++) {
        if (isnan(log_w[i]) || log_w[i] == INFINITY)
            return kad_fail(ctx, KAD_EDATA, "log-weight %zu is %g", i, log_w[i]);
        n_positive += isfinite(log_w[i]) != 0;
    }
    if (n_positive >= 2) return KAD_OK;
    return kad_fail(ctx, KAD_EDATA, "%zu of %zu draws have a weight: two are needed",
                    n_positive, n);
}

/* ln w of the draws that have a weight. */
static void collect(size_t n, const double *log_w, double *kept, kad_weights *out)
{
    for (size_t i = 0; i < n; i++) {
        if (isnan(log_w[i]) || log_w[i] == INFINITY) {
            out->n_bad++;
            continue;
        }
        if (log_w[i] == -INFINITY) out->n_zero++;
        kept[out->n++] = log_w[i];
    }
}

/* Mean of ln w over the positive weights. */
static kad_estimate mean_log(size_t n, const double *log_w)
{
    double sum = 0.0, square = 0.0;
    size_t m = 0;
    for (size_t i = 0; i < n; i++)
        if (isfinite(log_w[i])) {
            sum += log_w[i];
            m++;
        }
    const double mean = sum / (double)m;
    for (size_t i = 0; i < n; i++)
        if (isfinite(log_w[i])) square += (log_w[i] - mean) * (log_w[i] - mean);
    return (kad_estimate){mean,
                          m > 1 ? sqrt(square / ((double)m * (double)(m - 1))) : NAN};
}

/* x ln x -> 0 */
static double wlw(double w, double lw)
{
    return w > 0.0 ? w * lw : 0.0;
}

/* ln Z and its bounds, of weights w and ln w, both over the largest weight. */
static void bounds(size_t n, const double *w, const double *log_w, double top,
                   kad_weights *out)
{
    const double nd = (double)n;
    double sum = 0.0, sum_wlw = 0.0, sum_lw = 0.0;
    for (size_t i = 0; i < n; i++) {
        sum += w[i];
        sum_wlw += wlw(w[i], log_w[i] - top);
        sum_lw += log_w[i] - top;
    }
    kad_jackknife z = kad_jackknife_start(log(sum / nd));
    kad_jackknife upper = kad_jackknife_start(sum_wlw / sum);
    kad_jackknife gap = kad_jackknife_start(log(sum / nd) - sum_lw / nd);
    for (size_t i = 0; i < n; i++) {
        const double rest = sum - w[i];
        if (!(rest > 0.0)) continue;
        kad_jackknife_add(&z, log(rest / (nd - 1.0)));
        kad_jackknife_add(&upper, (sum_wlw - wlw(w[i], log_w[i] - top)) / rest);
        kad_jackknife_add(&gap, log(rest / (nd - 1.0)) -
                                    (sum_lw - (log_w[i] - top)) / (nd - 1.0));
    }
    out->log_mean = top + z.full;
    out->log_z =
        (kad_estimate){top + kad_jackknife_corrected(&z), kad_jackknife_error(&z)};
    out->upper = (kad_estimate){top + upper.full, kad_jackknife_error(&upper)};
    if (out->n_zero == 0)
        out->gap = (kad_estimate){out->log_z.value - out->lower.value,
                                  kad_jackknife_error(&gap)};
    out->log_z_dof = kad_jackknife_dof(&z);
    out->upper_dof = kad_jackknife_dof(&upper);
}

/* ESS and acceptance of sorted weights. Leaving out weight k removes 2 sum_{j != k}
 * min(w_j, w_k) from the sum over pairs. */
static void ratios(size_t n, const double *w, kad_weights *out)
{
    const double nd = (double)n;
    double sum = 0.0, square = 0.0, pairs = 0.0, below = 0.0;
    for (size_t k = 0; k < n; k++) {
        sum += w[k];
        square += w[k] * w[k];
        pairs += 2.0 * w[k] * (double)(n - 1 - k);
    }
    kad_jackknife ess = kad_jackknife_start(sum * sum / (nd * square));
    kad_jackknife acceptance = kad_jackknife_start(pairs / ((nd - 1.0) * sum));
    for (size_t k = 0; k < n; k++) {
        const double rest = sum - w[k], rest2 = square - w[k] * w[k];
        const double others = below + w[k] * (double)(n - 1 - k);
        below += w[k];
        if (!(rest > 0.0) || !(rest2 > 0.0)) continue; /* one weight is everything */
        kad_jackknife_add(&ess, rest * rest / ((nd - 1.0) * rest2));
        kad_jackknife_add(&acceptance, (pairs - 2.0 * others) / ((nd - 2.0) * rest));
    }
    out->largest = w[n - 1] / sum;
    out->ess = (kad_estimate){ess.full, kad_jackknife_error(&ess)};
    out->log_z_err_importance = sqrt(fmax(0.0, 1.0 / ess.full - 1.0) / nd);
    if (n > 2)
        out->acceptance =
            (kad_estimate){acceptance.full, kad_jackknife_error(&acceptance)};
}

kad_status kad_weights_analyse(kad_ctx *ctx, size_t n, const double *log_w,
                               kad_weights *out)
{
    const kad_estimate none = {NAN, NAN};
    KAD_SCOPE(scope, ctx);
    double *kept, *w;
    *out = (kad_weights){.log_mean = NAN,
                         .log_z = none,
                         .log_z_err_importance = NAN,
                         .ess = none,
                         .lower = none,
                         .upper = none,
                         .gap = none,
                         .log_z_dof = NAN,
                         .upper_dof = NAN,
                         .acceptance = none,
                         .largest = NAN};
    KAD_CALL(kad_take(&scope, n, &kept));
    KAD_CALL(kad_take(&scope, n, &w));
    collect(n, log_w, kept, out);
    if (out->n < 2 || out->n_zero == out->n) return KAD_OK;
    const double top = largest_of(out->n, kept);
    for (size_t i = 0; i < out->n; i++)
        w[i] = exp(kept[i] - top);
    out->lower = mean_log(out->n, kept);
    bounds(out->n, w, kept, top, out);
    kad_sort(out->n, w);
    ratios(out->n, w, out);
    return KAD_OK;
}

double kad_log_mean(size_t n, const double *log_w)
{
    double top = -INFINITY, sum = 0.0;
    size_t m = 0;
    for (size_t i = 0; i < n; i++)
        if (isfinite(log_w[i])) {
            top = fmax(top, log_w[i]);
            m++;
        }
    for (size_t i = 0; i < n; i++)
        if (isfinite(log_w[i])) sum += exp(log_w[i] - top);
    return m > 0 ? top + log(sum / (double)m) : NAN;
}

double kad_effective_rows(size_t n_rows, size_t stride, size_t n, const double *log_w)
{
    double top = -INFINITY, sum = 0.0, square = 0.0;
    for (size_t r = 0; r < n_rows; r++)
        top = fmax(top, largest_of(n, log_w + r * stride));
    for (size_t r = 0; r < n_rows && isfinite(top); r++)
        for (size_t i = 0; i < n; i++) {
            const double w = exp(log_w[r * stride + i] - top);
            sum += w;
            square += w * w;
        }
    return square > 0.0 ? sum * sum / square : 0.0;
}

double kad_effective_draws(size_t n, const double *log_w)
{
    return kad_effective_rows(1, n, n, log_w);
}

kad_status kad_reweight(kad_ctx *ctx, size_t n, const double *log_w, size_t width,
                        const double *a, double *mean, double *err, double *dof,
                        double *cov)
{
    KAD_SCOPE(scope, ctx);
    double *w = NULL, *d = NULL, sum_w = 0.0, square_w = 0.0;
    size_t n_used = 0;

    KAD_CALL(kad_stop_check(ctx, "analysis"));
    KAD_CALL(kad_take(&scope, n, &w));
    KAD_CALL(kad_take(&scope, width * (width + 3), &d));
    KAD_CALL(kad_weights_check(ctx, n, log_w));
    const double top = largest_of(n, log_w);
    for (size_t i = 0; i < n; i++) {
        w[i] = exp(log_w[i] - top);
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
    return KAD_OK;
}

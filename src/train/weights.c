#include "train/weights.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Keep what can be a weight; returns the largest ln w. */
static double collect(size_t n, const double *ln_w, double *kept, kad_weights *out)
{
    double top = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        if (isnan(ln_w[i]) || ln_w[i] == INFINITY) {
            out->n_bad++;
            continue;
        }
        kept[out->n++] = ln_w[i];
        if (ln_w[i] > top) top = ln_w[i];
    }
    return top;
}

static void free_energy(size_t n, const double *ln_w, kad_weights *out)
{
    double sum = 0.0, square = 0.0;
    size_t m = 0;
    for (size_t i = 0; i < n; i++)
        if (isfinite(ln_w[i])) {
            sum -= ln_w[i];
            m++;
        }
    const double mean = sum / (double)m;
    for (size_t i = 0; i < n; i++)
        if (isfinite(ln_w[i])) square += (ln_w[i] + mean) * (ln_w[i] + mean);
    out->free_energy = mean;
    out->free_energy_err = m > 1 ? sqrt(square / ((double)m * (double)(m - 1))) : NAN;
}

/* Leave-one-out values of f with mean m: error sqrt((n - 1)/n sum (f_i - m)^2). */
typedef struct jackknife {
    double sum, squares, shift;
} jackknife;

static void jackknife_add(jackknife *j, double f)
{
    j->sum += f - j->shift;
    j->squares += (f - j->shift) * (f - j->shift);
}

static double jackknife_error(const jackknife *j, double n)
{
    return sqrt(fmax(0.0, (n - 1.0) / n * (j->squares - j->sum * j->sum / n)));
}

/* ESS and acceptance of sorted weights, with jackknife errors. */
static void ratios(size_t n, const double *w, kad_weights *out)
{
    double s1 = 0.0, s2 = 0.0, pairs = 0.0;
    const double m = (double)n;
    for (size_t i = 0; i < n; i++) {
        s1 += w[i];
        s2 += w[i] * w[i];
        pairs += 2.0 * w[i] * (double)(n - 1 - i);
    }
    out->ess = s1 * s1 / (m * s2);
    out->acceptance = pairs / ((m - 1.0) * s1);
    out->largest = w[n - 1] / s1;
    jackknife ess = {.shift = out->ess}, acceptance = {.shift = out->acceptance};
    double below = 0.0; /* sum of the smaller weights */
    for (size_t i = 0; i < n; i++) {
        const double r1 = s1 - w[i], r2 = s2 - w[i] * w[i];
        const double with_i = below + w[i] * (double)(n - 1 - i);
        below += w[i];
        if (!(r1 > 0.0) || !(r2 > 0.0)) continue; /* one weight is everything */
        jackknife_add(&ess, r1 * r1 / ((m - 1.0) * r2));
        jackknife_add(&acceptance, (pairs - 2.0 * with_i) / ((m - 2.0) * r1));
    }
    out->ess_err = jackknife_error(&ess, m);
    out->acceptance_err = jackknife_error(&acceptance, m);
}

kad_status kad_weights_analyse(kad_ctx *ctx, size_t n, const double *ln_w,
                               kad_weights *out)
{
    kad_status status;
    double *w = NULL;
    *out = (kad_weights){.free_energy = NAN,
                         .free_energy_err = NAN,
                         .log_z = NAN,
                         .log_z_err = NAN,
                         .ess = NAN,
                         .ess_err = NAN,
                         .acceptance = NAN,
                         .acceptance_err = NAN,
                         .largest = NAN};
    KAD_TRY(kad_new(ctx, n, sizeof *w, &w));
    const double top = collect(n, ln_w, w, out);
    if (out->n < 3 || !isfinite(top)) goto done;
    free_energy(out->n, w, out);
    double sum = 0.0;
    for (size_t i = 0; i < out->n; i++) {
        w[i] = exp(w[i] - top);
        sum += w[i];
    }
    qsort(w, out->n, sizeof *w, compare);
    ratios(out->n, w, out);
    out->log_z = top + log(sum / (double)out->n);
    out->log_z_err = sqrt(fmax(0.0, 1.0 / out->ess - 1.0) / (double)out->n);
done:
    kad_free(w);
    return status;
}

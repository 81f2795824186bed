#include "analysis/derived.h"

#include "base/memory.h"
#include "base/weights.h"

#include <math.h>
#include <string.h>

/* Gradient of f at `mean` by central differences of the steps `h` (0: no dependence).
 * `work` [n]. */
static void gradient(size_t n, const double *mean, const double *h, kad_function f,
                     const void *self, double *work, double *out)
{
    memcpy(work, mean, n * sizeof *work);
    for (size_t k = 0; k < n; k++) {
        out[k] = 0.0;
        if (!(h[k] > 0.0)) continue;
        work[k] = mean[k] + h[k];
        const double up = f(n, work, self);
        work[k] = mean[k] - h[k];
        out[k] = (up - f(n, work, self)) / (2.0 * h[k]);
        work[k] = mean[k];
    }
}

static bool all_finite(size_t n, const double *x)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i])) return false;
    return true;
}

/* Means and naive standard errors of the inputs. */
static void moments(size_t n_all, size_t n_inputs, const kad_input *inputs, double *mean,
                    double *h)
{
    for (size_t k = 0; k < n_inputs; k++) {
        const double *a = inputs[k].data + inputs[k].offset;
        double sum = 0.0, square = 0.0;
        for (size_t i = 0; i < n_all; i++)
            sum += a[i * inputs[k].stride];
        mean[k] = sum / (double)n_all;
        for (size_t i = 0; i < n_all; i++) {
            const double d = a[i * inputs[k].stride] - mean[k];
            square += d * d;
        }
        h[k] = sqrt(square) / (double)n_all;
    }
}

static void nothing(kad_gamma *out)
{
    memset(out, 0, sizeof *out);
    out->mean = out->err = out->err_naive = out->err_dof = out->q_value = NAN;
    out->tau_int = out->tau_int_err = out->n_eff = out->rhat = NAN;
}

kad_status kad_derived_chain(kad_ctx *ctx, size_t n_chains, size_t n_draws,
                             size_t n_inputs, const kad_input *inputs, kad_function f,
                             const void *self, kad_gamma *out)
{
    KAD_SCOPE(scope, ctx);
    const size_t n_all = n_chains * n_draws;
    double *block, *projected;

    nothing(out);
    KAD_CALL(kad_take(&scope, 4 * n_inputs, &block));
    KAD_CALL(kad_take(&scope, n_all, &projected));
    double *mean = block, *h = mean + n_inputs, *slope = h + n_inputs;
    moments(n_all, n_inputs, inputs, mean, h);
    gradient(n_inputs, mean, h, f, self, slope + n_inputs, slope);
    const double value = f(n_inputs, mean, self);
    if (!isfinite(value) || !all_finite(n_inputs, slope)) return KAD_OK;
    for (size_t k = 0; k < n_inputs; k++)
        for (size_t i = 0; i < n_all && slope[k] != 0.0; i++)
            projected[i] +=
                slope[k] *
                (inputs[k].data[i * inputs[k].stride + inputs[k].offset] - mean[k]);
    KAD_CALL(kad_gamma_analyse(ctx, n_chains, n_draws, projected, 1.5, out));
    out->mean = value;
    return KAD_OK;
}

kad_status kad_derived_weighted(kad_ctx *ctx, size_t n, const double *log_w,
                                size_t n_inputs, const kad_input *inputs, kad_function f,
                                const void *self, double *value, double *err, double *dof)
{
    KAD_SCOPE(scope, ctx);
    double *a, *block, *projected, ignored;

    *value = *err = *dof = NAN;
    KAD_CALL(kad_take(&scope, n * n_inputs, &a));
    KAD_CALL(kad_take(&scope, 4 * n_inputs, &block));
    KAD_CALL(kad_take(&scope, n, &projected));
    double *mean = block, *h = mean + n_inputs, *slope = h + n_inputs;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n_inputs; k++)
            a[i * n_inputs + k] = inputs[k].data[i * inputs[k].stride + inputs[k].offset];
    KAD_CALL(kad_reweight(ctx, n, log_w, n_inputs, a, mean, h, NULL, NULL));
    gradient(n_inputs, mean, h, f, self, slope + n_inputs, slope);
    const double at_mean = f(n_inputs, mean, self);
    if (!isfinite(at_mean) || !all_finite(n_inputs, slope)) return KAD_OK;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n_inputs; k++)
            projected[i] += slope[k] * (a[i * n_inputs + k] - mean[k]);
    KAD_CALL(kad_reweight(ctx, n, log_w, 1, projected, &ignored, err, dof, NULL));
    *value = at_mean;
    return KAD_OK;
}

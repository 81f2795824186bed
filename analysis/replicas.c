#include "analysis/replicas.h"

#include "analysis/fit.h"

#include <math.h>

kad_status kad_replicas_take(kad_scope *in, size_t n, size_t n_blocks, kad_replicas *out)
{
    *out = (kad_replicas){.n = n, .n_blocks = n_blocks};
    KAD_CALL(kad_take(in, n, &out->value));
    return kad_take(in, n * n_blocks, &out->replica);
}

kad_estimate kad_replicas_estimate(const kad_replicas *r, size_t i)
{
    kad_jackknife j = kad_jackknife_start(r->value[i]);
    for (size_t b = 0; b < r->n_blocks; b++)
        kad_jackknife_add(&j, r->replica[b * r->n + i]);
    return (kad_estimate){r->value[i], kad_jackknife_error(&j)};
}

kad_status kad_replicas_covariance(kad_ctx *ctx, const kad_replicas *r, double *cov)
{
    KAD_SCOPE(scope, ctx);
    const size_t n = r->n;
    double *err, shrinkage;
    float *unit;
    size_t n_bins;
    KAD_CALL(kad_take(&scope, n, &err));
    KAD_CALL(kad_take(&scope, n * r->n_blocks, &unit));
    for (size_t i = 0; i < n; i++) {
        err[i] = kad_replicas_estimate(r, i).err;
        if (!(err[i] > 0))
            return kad_fail(ctx, KAD_EDATA,
                            "a value without an error among those to fit");
        for (size_t b = 0; b < r->n_blocks; b++)
            unit[b * n + i] = (float)((r->replica[b * n + i] - r->value[i]) / err[i]);
    }
    KAD_CALL(kad_shrunk_correlation(ctx, 1, r->n_blocks, n, unit, 1, cov, &n_bins,
                                    &shrinkage));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            cov[i * n + j] *= err[i] * err[j];
    return KAD_OK;
}

/* Full two-point functions of a sampler, kept as means over bins of draws: G(r) on
 * every irreducible displacement and C(k) on every irreducible momentum, with errors
 * by the Gamma method on the bins, or, where draws have weights, by jackknife: a bin
 * keeps sum w and the self-normalised mean, whose w-weighted mean is that of the
 * draws. For duals C(k) is known twice, from the spins and from the field, which check
 * each other. */
#include "analysis/chain.h"
#include "base/weights.h"
#include "base/memory.h"
#include "base/signals.h"

#include <math.h>
#include <stdio.h>

/* Mean and error of every column of [chain][bin][width]. */
static kad_status columns(kad_ctx *ctx, const kad_values *bins, double *mean, double *err)
{
    kad_status status = KAD_OK;
    const size_t n = bins->dims[0] * bins->dims[1], width = bins->dims[2];
    double *series = NULL;
    KAD_TRY(kad_new(ctx, n, sizeof *series, &series));
    for (size_t c = 0; c < width; c++) {
        kad_gamma gamma;
        for (size_t i = 0; i < n; i++)
            series[i] = bins->data[i * width + c];
        KAD_TRY(kad_gamma_estimate(ctx, bins->dims[0], bins->dims[1], series, &gamma));
        mean[c] = gamma.mean;
        err[c] = gamma.err;
        kad_gamma_clear(&gamma);
    }
done:
    kad_free(series);
    return status;
}

static kad_status write(kad_ctx *ctx, kad_h5 *file, const char *group, const char *name,
                        const char *scale, size_t n, const double *data,
                        const char *summary)
{
    kad_status status = KAD_OK;
    char path[256], at[256];
    snprintf(path, sizeof path, "%s/%s", group, name);
    KAD_TRY(kad_h5_write(ctx, file, path, KAD_H5_F64, 1, &n, data));
    KAD_TRY(kad_h5_describe(ctx, file, path, "", summary, NULL));
    if (scale == NULL) goto done;
    snprintf(at, sizeof at, "%s/%s", group, scale);
    if (kad_h5_exists(file, at)) KAD_TRY(kad_h5_axis(ctx, file, path, 0, scale, at));
done:
    return status;
}

/* Copy a coordinate of the sampler's group (|r| or |k|, vectors, counts). */
static kad_status copy(kad_ctx *ctx, kad_h5 *file, const char *sampler, const char *from,
                       const char *group, const char *to)
{
    kad_status status = KAD_OK;
    kad_values values = {0};
    char path[256], label[2];
    KAD_TRY(kad_values_read_in(ctx, file, sampler, from, &values));
    if (values.n == 0) goto done;
    snprintf(path, sizeof path, "%s/%s", group, to);
    KAD_TRY(
        kad_h5_write(ctx, file, path, KAD_H5_F64, values.rank, values.dims, values.data));
    KAD_TRY(kad_h5_describe(ctx, file, path, "", from, NULL));
    snprintf(label, sizeof label, "%c", to[0]); /* r, r_vector, r_count; k, ... */
    KAD_TRY(kad_h5_axis(ctx, file, path, 0, label, NULL));
    if (values.rank == 2) KAD_TRY(kad_h5_axis(ctx, file, path, 1, "axis", NULL));
done:
    kad_values_clear(&values);
    return status;
}

/* Where a series is, and where its functions go. */
typedef struct place {
    const char *bins, *group; /* /samplers/NAME/binned, /correlators/boundary/NAME/full */
    kad_values log_weight;    /* [chain][bin] ln sum w; n = 0: no weights */
    bool no_errors;           /* too few independent draws to say any */
} place;

/* Mean and error of every column of weighted bins. */
static kad_status reweight(kad_ctx *ctx, const place *at, const kad_values *bins,
                           double *mean, double *err)
{
    kad_status status = KAD_OK;
    const size_t n = bins->dims[0] * bins->dims[1], width = bins->dims[2];
    if (at->log_weight.n != n)
        return kad_fail(ctx, KAD_EDATA, "%s/log_weight: expected %zu bins, found %zu",
                        at->bins, n, at->log_weight.n);
    KAD_TRY(kad_reweight(ctx, n, at->log_weight.data, width, bins->data, mean, err, NULL,
                         NULL));
done:
    return status;
}

/* One binned function as NAME and NAME_err. */
static kad_status add(kad_ctx *ctx, kad_h5 *file, const place *at, const char *from,
                      const char *name, const char *scale, const char *summary)
{
    kad_status status = KAD_OK;
    kad_values bins = {0};
    double *block = NULL;
    char error[64];
    KAD_TRY(kad_stop_check(ctx, "analysis"));
    KAD_TRY(kad_values_read_in(ctx, file, at->bins, from, &bins));
    if (bins.rank != 3 || bins.dims[0] * bins.dims[1] < 2 ||
        (at->log_weight.n == 0 && bins.dims[1] < 2))
        goto done;
    const size_t width = bins.dims[2];
    KAD_TRY(kad_new(ctx, 2 * width, sizeof *block, &block));
    KAD_TRY(at->log_weight.n > 0 ? reweight(ctx, at, &bins, block, block + width)
                                 : columns(ctx, &bins, block, block + width));
    for (size_t c = 0; c < width; c++) {
        /* spins: G(0) = 1 by construction */
        if (fabs(block[c] - 1.0) < 1e-6 && !(block[width + c] > 0.0))
            block[width + c] = 0.0;
        else if (at->no_errors)
            block[width + c] = NAN;
    }
    snprintf(error, sizeof error, "%s_err", name);
    KAD_TRY(write(ctx, file, at->group, name, scale, width, block, summary));
    KAD_TRY(write(ctx, file, at->group, error, scale, width, block + width,
                  "its standard error"));
done:
    kad_free(block);
    kad_values_clear(&bins);
    return status;
}

/* Two bins must have a weight. */
static bool has_weights(const kad_values *log_weight)
{
    size_t n = 0;
    for (size_t i = 0; i < log_weight->n && n < 2; i++)
        n += isfinite(log_weight->data[i]) != 0;
    return n == 2;
}

kad_status kad_analyse_spectrum(kad_ctx *ctx, kad_h5 *file, const kad_sampled *sampled,
                                bool weighted)
{
    static const struct {
        const char *from, *to;
    } coordinates[] = {{"displacement", "r"},
                       {"displacement_vector", "r_vector"},
                       {"displacement_count", "r_count"},
                       {"momentum", "k"},
                       {"momentum_vector", "k_vector"},
                       {"momentum_count", "k_count"}};
    kad_status status = KAD_OK;
    char sampler[128], group[192], bins[160];
    place at = {.bins = bins,
                .group = group,
                .no_errors = kad_sampled_refusal(sampled, weighted) != KAD_GAMMA_OK};
    snprintf(sampler, sizeof sampler, "/samplers/%s", sampled->name);
    snprintf(bins, sizeof bins, "%s/%s", sampler, weighted ? "weighted" : "binned");
    snprintf(group, sizeof group, "/correlators/boundary/%s%s/full", sampled->name,
             weighted ? "_reweighted" : "");
    if (!kad_h5_exists(file, bins)) return KAD_OK;
    if (weighted) {
        KAD_TRY(kad_values_read_in(ctx, file, bins, "log_weight", &at.log_weight));
        if (!has_weights(&at.log_weight)) goto done;
        at.no_errors |=
            kad_effective_draws(at.log_weight.n, at.log_weight.data) < KAD_MIN_EFFECTIVE;
    }
    KAD_TRY(kad_h5_group(ctx, file, group));
    for (size_t i = 0; i < sizeof coordinates / sizeof *coordinates; i++)
        KAD_TRY(copy(ctx, file, sampler, coordinates[i].from, group, coordinates[i].to));
    KAD_TRY(add(ctx, file, &at, "correlator", "G", "r",
                "two-point function on irreducible displacements"));
    KAD_TRY(add(ctx, file, &at, "structure", "Gk", "k",
                "structure factor on irreducible momenta; C(0) = N m2"));
    KAD_TRY(add(ctx, file, &at, "structure_dual", "Gk_field", "k",
                "the same from the field: (C_x(k) - n A(k)) / A(k)^2"));
done:
    kad_values_clear(&at.log_weight);
    return status;
}

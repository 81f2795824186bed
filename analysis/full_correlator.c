/* Full two-point functions of a sampler, kept as means over bins of draws: G(r) on
 * every irreducible displacement and C(k) on every irreducible momentum, with errors
 * by the Gamma method on the bins, or, where draws have weights, by jackknife: a bin
 * keeps sum w and the self-normalised mean, whose w-weighted mean is that of the
 * draws. For duals C(k) is known twice, from the spins and from the field, which check
 * each other. */
#include "analysis/means.h"
#include "base/memory.h"
#include "base/signals.h"
#include "base/weights.h"
#include "io/writer.h"

#include <math.h>
#include <stdio.h>

/* Mean and error of every column of [chain][bin][width]. */
static kad_status columns(kad_ctx *ctx, const kad_values *bins, double *mean, double *err)
{
    KAD_SCOPE(scope, ctx);
    const size_t n = bins->dims[0] * bins->dims[1], width = bins->dims[2];
    double *series;
    KAD_CALL(kad_take(&scope, n, &series));
    for (size_t c = 0; c < width; c++) {
        kad_gamma gamma;
        for (size_t i = 0; i < n; i++)
            series[i] = bins->data[i * width + c];
        KAD_CALL(kad_gamma_estimate(ctx, bins->dims[0], bins->dims[1], series, &gamma));
        mean[c] = gamma.mean;
        err[c] = gamma.err;
    }
    return KAD_OK;
}

/* Copy a coordinate of the sampler's group (|r| or |k|, vectors, counts). */
static kad_status copy(kad_writer *w, const char *sampler, const char *from,
                       const char *to, const char *units, const char *summary)
{
    KAD_SCOPE(scope, w->ctx);
    kad_values values;
    char axes[16];
    KAD_CALL(kad_values_read_in(&scope, w->file, sampler, from, &values));
    /* r, r_vector, r_count; k, ... */
    snprintf(axes, sizeof axes, "%c%s", to[0], values.rank == 2 ? " axis" : "");
    if (values.n > 0)
        kad_write(w, to, KAD_H5_F64, axes, units, summary, values.dims, values.data);
    return KAD_OK;
}

/* Where a series is, and where its functions go. */
typedef struct place {
    const char *bins;      /* /samplers/NAME/binned */
    kad_writer *w;         /* of /correlators/boundary/NAME/full */
    kad_values log_weight; /* [chain][bin] ln sum w; n = 0: no weights */
    bool no_errors;        /* too few independent draws to say any */
} place;

/* Mean and error of every column of weighted bins. */
static kad_status reweight(kad_ctx *ctx, const place *at, const kad_values *bins,
                           double *mean, double *err)
{
    const size_t n = bins->dims[0] * bins->dims[1], width = bins->dims[2];
    if (at->log_weight.n != n)
        return kad_fail(ctx, KAD_EDATA, "%s/log_weight: expected %zu bins, found %zu",
                        at->bins, n, at->log_weight.n);
    return kad_reweight(ctx, n, at->log_weight.data, width, bins->data, mean, err, NULL,
                        NULL);
}

/* One binned function as NAME and NAME_err. */
static kad_status add(const place *at, const char *from, const char *name,
                      const char *axis, const char *summary)
{
    kad_ctx *ctx = at->w->ctx;
    KAD_SCOPE(scope, ctx);
    kad_values bins;
    double *block;
    char error[64];
    KAD_CALL(kad_stop_check(ctx, "analysis"));
    KAD_CALL(kad_values_read_in(&scope, at->w->file, at->bins, from, &bins));
    if (bins.rank != 3 || bins.dims[0] * bins.dims[1] < 2 ||
        (at->log_weight.n == 0 && bins.dims[1] < 2))
        return KAD_OK;
    const size_t width = bins.dims[2];
    KAD_CALL(kad_take(&scope, 2 * width, &block));
    KAD_CALL(at->log_weight.n > 0 ? reweight(ctx, at, &bins, block, block + width)
                                  : columns(ctx, &bins, block, block + width));
    for (size_t c = 0; c < width; c++) {
        /* spins: G(0) = 1 by construction */
        if (fabs(block[c] - 1.0) < 1e-6 && !(block[width + c] > 0.0))
            block[width + c] = 0.0;
        else if (at->no_errors)
            block[width + c] = NAN;
    }
    snprintf(error, sizeof error, "%s_err", name);
    kad_write(at->w, name, KAD_H5_F64, axis, "1", summary, &width, block);
    kad_write(at->w, error, KAD_H5_F64, axis, "1", "its standard error", &width,
              block + width);
    return KAD_OK;
}

/* Two bins must have a weight. */
static bool has_weights(const kad_values *log_weight)
{
    size_t n = 0;
    for (size_t i = 0; i < log_weight->n && n < 2; i++)
        n += isfinite(log_weight->data[i]) != 0;
    return n == 2;
}

kad_status kad_analyse_spectrum(kad_ctx *ctx, kad_h5 *file, const kad_recorded *recorded,
                                bool weighted)
{
    KAD_SCOPE(scope, ctx);
    static const struct {
        const char *from, *to, *units, *summary;
    } coordinates[] = {
        {"displacement", "r", "lattice steps", "length of the displacement"},
        {"displacement_vector", "r_vector", "lattice steps", "its representative"},
        {"displacement_count", "r_count", "1", "how many it stands for"},
        {"momentum", "k", "1/lattice steps", "length of the momentum"},
        {"momentum_vector", "k_vector", "2 pi / L", "its representative"},
        {"momentum_count", "k_count", "1", "how many it stands for"}};
    char sampler[128], group[192], bins[160];
    place at = {.bins = bins,
                .no_errors = kad_recorded_refusal(recorded, weighted) != KAD_GAMMA_OK};
    snprintf(sampler, sizeof sampler, "/samplers/%s", recorded->name);
    snprintf(bins, sizeof bins, "%s/%s", sampler, weighted ? "weighted" : "binned");
    snprintf(group, sizeof group, "/correlators/boundary/%s%s/full", recorded->name,
             weighted ? "_reweighted" : "");
    if (!kad_h5_exists(file, bins)) return KAD_OK;
    if (weighted) {
        KAD_CALL(kad_values_read_in(&scope, file, bins, "log_weight", &at.log_weight));
        if (!has_weights(&at.log_weight)) return KAD_OK;
        at.no_errors |=
            kad_effective_draws(at.log_weight.n, at.log_weight.data) < KAD_MIN_EFFECTIVE;
    }
    kad_writer w = kad_write_into(ctx, file, group);
    at.w = &w;
    for (size_t i = 0; i < sizeof coordinates / sizeof *coordinates; i++)
        KAD_CALL(copy(&w, sampler, coordinates[i].from, coordinates[i].to,
                      coordinates[i].units, coordinates[i].summary));
    KAD_CALL(add(&at, "correlator", "G", "r",
                 "two-point function on irreducible displacements"));
    KAD_CALL(add(&at, "structure", "Gk", "k",
                 "structure factor on irreducible momenta; C(0) = N m2"));
    KAD_CALL(add(&at, "structure_dual", "Gk_field", "k",
                 "the same from the field: (C_x(k) - n A(k)) / A(k)^2"));
    return kad_write_end(&w);
}

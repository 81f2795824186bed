/* Correlators of one sampler, as written to /correlators/boundary/NAME. Errors of single
 * points by the Gamma method (chains) or jackknife (weighted draws); the covariance of a
 * chain's points from binned means, scaled to the errors of the points. */
#include "analysis/functions.h"
#include "analysis/means.h"
#include "base/memory.h"
#include "base/weights.h"
#include "io/writer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { BINS_LEAST = 20, BINS_MOST = 400, TAUS_A_BIN = 4 };

static double pick(size_t n, const double *mean, const void *self)
{
    (void)n;
    (void)self;
    return mean[0];
}

static kad_input input_of(const kad_observed *observed, bool weighted, size_t offset)
{
    return (kad_input){.data =
                           weighted ? kad_observed_draws(observed) : observed->state.data,
                       .stride = observed->width,
                       .offset = offset};
}

/* Spins: G(0) = 1 by construction, and its lack of an error is one of nothing. */
static void no_error_of_one(size_t n, const double *mean, double *err)
{
    for (size_t r = 0; r < n; r++)
        if (fabs(mean[r] - 1.0) < 1e-12 && !(err[r] > 0.0)) err[r] = 0.0;
}

/* Every column of an observable with its error; *memory: the longest of a series. */
static kad_status points(kad_ctx *ctx, const kad_recorded *recorded,
                         const kad_observed *observed, bool weighted, double *mean,
                         double *err, double *memory)
{
    *memory = 0.5;
    for (size_t r = 0; r < observed->width; r++) {
        const kad_input input = input_of(observed, weighted, r);
        kad_row row;
        KAD_CALL(
            kad_estimate_function(ctx, recorded, weighted, 1, &input, pick, NULL, &row));
        mean[r] = row.mean;
        err[r] = row.err;
        const double own = kad_gamma_memory(row.tau_int);
        if (own > *memory) *memory = own;
    }
    no_error_of_one(observed->width, mean, err);
    return KAD_OK;
}

/* Covariance of a chain's means from bins of at least four memories, its diagonal scaled
 * to err^2; nothing (false) with fewer than 20 bins. Bins do not cross chains. */
static bool binned_covariance(const kad_recorded *recorded, const kad_observed *observed,
                              double memory, const double *mean, const double *err,
                              double *bin, double *cov)
{
    const size_t width = observed->width, n_all = recorded->n_chains * recorded->n_draws;
    size_t size = (size_t)ceil(TAUS_A_BIN * memory), n_bins = 0;
    if (n_all / size > BINS_MOST) size = n_all / BINS_MOST;
    memset(cov, 0, width * width * sizeof *cov);
    for (size_t chain = 0; chain < recorded->n_chains; chain++)
        for (size_t b = 0; (b + 1) * size <= recorded->n_draws; b++) {
            const double *a =
                observed->state.data + (chain * recorded->n_draws + b * size) * width;
            memset(bin, 0, width * sizeof *bin);
            for (size_t i = 0; i < size; i++)
                for (size_t r = 0; r < width; r++)
                    bin[r] += (a[i * width + r] - mean[r]) / (double)size;
            for (size_t r = 0; r < width; r++)
                for (size_t s = 0; s < width; s++)
                    cov[r * width + s] += bin[r] * bin[s];
            n_bins++;
        }
    if (n_bins < BINS_LEAST) return false;
    for (size_t r = 0; r < width; r++)
        bin[r] = sqrt(cov[r * width + r]);
    for (size_t r = 0; r < width; r++)
        for (size_t s = 0; s < width; s++) {
            const double scale = bin[r] * bin[s];
            cov[r * width + s] *= scale > 0.0 ? err[r] * err[s] / scale : 0.0;
        }
    return true;
}

static kad_status covariance(kad_ctx *ctx, const kad_recorded *recorded,
                             const kad_observed *observed, bool weighted, double memory,
                             double *mean, double *err, double *cov, bool *known)
{
    KAD_SCOPE(scope, ctx);
    double *bin;
    *known = kad_recorded_refusal(recorded, weighted) == KAD_GAMMA_OK;
    if (!*known) return KAD_OK;
    if (weighted) {
        KAD_CALL(kad_reweight(ctx, recorded->n_chains * recorded->n_draws,
                              recorded->log_weight.data, observed->width,
                              kad_observed_draws(observed), mean, err, NULL, cov));
        no_error_of_one(observed->width, mean, err);
        return KAD_OK;
    }
    KAD_CALL(kad_take(&scope, observed->width, &bin));
    *known = binned_covariance(recorded, observed, memory, mean, err, bin, cov);
    for (size_t i = 0; i < observed->width * observed->width; i++)
        *known = *known && isfinite(cov[i]);
    return KAD_OK;
}

/* NAME and NAME_err. */
static void write_estimates(kad_writer *w, const char *name, const char *axis, size_t n,
                            const double *mean, const double *err, const char *summary)
{
    char err_name[64];
    snprintf(err_name, sizeof err_name, "%s_err", name);
    kad_write(w, name, KAD_H5_F64, axis, "1", summary, &n, mean);
    kad_write(w, err_name, KAD_H5_F64, axis, "1", "its standard error", &n, err);
}

/* G, G_err and cov (suffix "" or "_diagonal") of a position-space correlator. */
static kad_status write_position(kad_writer *w, const kad_recorded *recorded,
                                 bool weighted, const kad_observed *observed,
                                 const char *suffix)
{
    KAD_SCOPE(scope, w->ctx);
    const size_t n = observed->width, dims[2] = {n, n};
    double *block, memory;
    bool known;
    char name[64];

    KAD_CALL(kad_take(&scope, n * (n + 2), &block));
    double *mean = block, *err = block + n, *cov = block + 2 * n;
    KAD_CALL(points(w->ctx, recorded, observed, weighted, mean, err, &memory));
    KAD_CALL(
        covariance(w->ctx, recorded, observed, weighted, memory, mean, err, cov, &known));
    snprintf(name, sizeof name, "G%s", suffix);
    write_estimates(w, name, "r", n, mean, err, "two-point function");
    snprintf(name, sizeof name, "cov%s", suffix);
    if (known) kad_write(w, name, KAD_H5_F64, "r r", "1", "covariance of G", dims, cov);
    return KAD_OK;
}

/* A function of C(0 .. L/2) at indices first .. last, as NAME and NAME_err. */
static kad_status write_function(kad_writer *w, const kad_recorded *recorded,
                                 bool weighted, const kad_input *inputs, size_t n_inputs,
                                 kad_function f, size_t first, const char *name,
                                 const char *axis, const char *summary)
{
    KAD_SCOPE(scope, w->ctx);
    double *block;
    KAD_CALL(kad_take(&scope, 2 * n_inputs, &block));
    double *mean = block, *err = block + n_inputs;
    for (size_t i = 0; i < n_inputs; i++) {
        const kad_lattice_facts facts = kad_facts_of(recorded, i);
        kad_row row = {.mean = NAN, .err = NAN};
        if (i >= first)
            KAD_CALL(kad_estimate_function(w->ctx, recorded, weighted, n_inputs, inputs,
                                           f, &facts, &row));
        mean[i] = row.mean;
        err[i] = row.err;
    }
    write_estimates(w, name, axis, n_inputs, mean, err, summary);
    return KAD_OK;
}

/* Scales r = 0 .. n - 1 and k = 2 pi r / L. */
static void write_scales(kad_writer *w, size_t n, double extent)
{
    double *values = kad_write_scratch(w, n, sizeof *values);
    for (size_t i = 0; i < n && values != NULL; i++)
        values[i] = (double)i;
    kad_write(w, "r", KAD_H5_F64, "r", "lattice steps", "separation", &n, values);
    for (size_t i = 0; i < n && values != NULL; i++)
        values[i] = 2.0 * M_PI * (double)i / extent;
    kad_write(w, "k", KAD_H5_F64, "k", "1/lattice steps", "momentum along an axis", &n,
              values);
    kad_free(values);
}

static kad_status write_momentum(kad_writer *w, const kad_recorded *recorded,
                                 bool weighted, const kad_observed *slice)
{
    KAD_SCOPE(scope, w->ctx);
    const size_t n = slice->width;
    kad_input *inputs;
    KAD_CALL(kad_take(&scope, n, &inputs));
    for (size_t r = 0; r < n; r++)
        inputs[r] = input_of(slice, weighted, r);
    KAD_CALL(write_function(w, recorded, weighted, inputs, n, kad_function_gk, 0, "Gk",
                            "k", "two-point function in momentum space"));
    return write_function(w, recorded, weighted, inputs, n, kad_function_m_eff, 1,
                          "m_eff", "r", "effective mass of the slice correlator");
}

kad_status kad_analyse_correlators(kad_ctx *ctx, kad_h5 *file,
                                   const kad_recorded *recorded, bool weighted)
{
    const kad_observed *axis = kad_recorded_find(recorded, "correlator_axis");
    const kad_observed *diagonal = kad_recorded_find(recorded, "correlator_diagonal");
    const kad_observed *slice = kad_recorded_find(recorded, "correlator_slice");
    char group[160];

    if (axis == NULL) return KAD_OK;
    snprintf(group, sizeof group, "/correlators/boundary/%s%s", recorded->name,
             weighted ? "_reweighted" : "");
    kad_writer w = kad_write_anew(ctx, file, group);
    write_scales(&w, axis->width, recorded->extent);
    KAD_CALL(write_position(&w, recorded, weighted, axis, ""));
    if (diagonal != NULL && diagonal->width == axis->width)
        KAD_CALL(write_position(&w, recorded, weighted, diagonal, "_diagonal"));
    if (slice != NULL && slice->width == axis->width)
        KAD_CALL(write_momentum(&w, recorded, weighted, slice));
    return kad_write_end(&w);
}

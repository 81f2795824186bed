#include "analysis/bulk_bins.h"

#include "analysis/fit.h"
#include "analysis/results.h"
#include "base/memory.h"
#include "io/writer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { COMPONENTS_MOST = 4, TAUS_A_BLOCK = 4, BLOCKS_MOST = 2000 };

/* --- reading ----------------------------------------------------------------------- */

static kad_status read_column(kad_ctx *ctx, kad_h5 *file, const char *group,
                              const char *name, size_t n, double *out)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", group, name);
    return kad_h5_read(ctx, file, path, KAD_H5_F64, 1, &n, out);
}

static kad_status read_integers(kad_ctx *ctx, kad_h5 *file, const char *group,
                                const char *name, size_t n, int64_t *out)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", group, name);
    return kad_h5_read(ctx, file, path, KAD_H5_I64, 1, &n, out);
}

static kad_status read_sizes(kad_ctx *ctx, kad_h5 *file, const char *group,
                             kad_bulk_bins *out)
{
    char path[128];
    int rank;
    size_t dims[KAD_H5_MAX_RANK];
    snprintf(path, sizeof path, "%s/series/mean", group);
    KAD_CALL(kad_h5_shape(ctx, file, path, &rank, dims));
    if (rank != 5 || dims[3] != dims[4] || dims[3] < 1 || dims[3] > COMPONENTS_MOST ||
        dims[2] < 1 || dims[2] > 1 << 20)
        return kad_fail(ctx, KAD_EDATA, "run.h5: %s: not a series of correlations", path);
    out->n_chains = dims[0];
    out->n_per_chain = dims[1];
    out->n = dims[2];
    out->n_comp = dims[3];
    out->n_levels = (int)kad_attr_int(ctx, file, group, "n_levels");
    return KAD_OK;
}

static kad_status read_bins(kad_ctx *ctx, kad_h5 *file, const char *group,
                            kad_bulk_bins *out)
{
    KAD_SCOPE(scope, ctx);
    const size_t n = out->n;
    int64_t *whole;
    double *real;
    KAD_CALL(kad_take(&scope, 5 * n, &whole));
    KAD_CALL(kad_take(&scope, 5 * n, &real));
    KAD_CALL(read_integers(ctx, file, group, "level_a", n, whole));
    KAD_CALL(read_integers(ctx, file, group, "level_b", n, whole + n));
    KAD_CALL(read_integers(ctx, file, group, "self", n, whole + 2 * n));
    KAD_CALL(read_integers(ctx, file, group, "n_pairs", n, whole + 3 * n));
    KAD_CALL(read_integers(ctx, file, group, "n_classes", n, whole + 4 * n));
    KAD_CALL(read_column(ctx, file, group, "r", n, real));
    KAD_CALL(read_column(ctx, file, group, "r_lo", n, real + n));
    KAD_CALL(read_column(ctx, file, group, "r_hi", n, real + 2 * n));
    KAD_CALL(read_column(ctx, file, group, "tree", n, real + 3 * n));
    KAD_CALL(read_column(ctx, file, group, "strength2", n, real + 4 * n));
    for (size_t i = 0; i < n; i++)
        out->bin[i] = (kad_bulk_bin){.level_a = (int)whole[i],
                                     .level_b = (int)whole[n + i],
                                     .self = whole[2 * n + i] != 0,
                                     .n_pairs = whole[3 * n + i],
                                     .n_classes = whole[4 * n + i],
                                     .r = real[i],
                                     .r_lo = real[n + i],
                                     .r_hi = real[2 * n + i],
                                     .tree = real[3 * n + i],
                                     .strength2 = real[4 * n + i]};
    return KAD_OK;
}

/* --- errors ------------------------------------------------------------------------ */

/* Mean and error of one column of a series [all draws][width], or of a mean of columns. */
static kad_status column_error(kad_ctx *ctx, const kad_bulk_bins *bins, const float *a,
                               size_t width, size_t first, size_t step, size_t count,
                               double *buffer, kad_gamma *out)
{
    const size_t n = bins->n_chains * bins->n_per_chain;
    for (size_t t = 0; t < n; t++) {
        double sum = 0;
        for (size_t k = 0; k < count; k++)
            sum += (double)a[t * width + first + k * step];
        buffer[t] = sum / (double)count;
    }
    return kad_gamma_estimate(ctx, bins->n_chains, bins->n_per_chain, buffer, out);
}

static kad_status strength_errors(kad_ctx *ctx, const float *series, double *buffer,
                                  kad_bulk_bins *out)
{
    for (size_t i = 0; i < out->n; i++) {
        kad_gamma gamma;
        KAD_CALL(column_error(ctx, out, series, out->n, i, 1, 1, buffer, &gamma));
        out->bin[i].err = gamma.err;
        out->bin[i].tau_int = gamma.tau_int;
        out->bin[i].tau_int_err = gamma.tau_int_err;
        out->bin[i].flag = gamma.flag;
    }
    return KAD_OK;
}

static kad_status mean_errors(kad_ctx *ctx, const float *series, double *buffer,
                              kad_bulk_bins *out)
{
    const size_t c = out->n_comp, cc = c * c, width = out->n * cc;
    for (size_t i = 0; i < out->n; i++) {
        kad_gamma gamma;
        KAD_CALL(column_error(ctx, out, series, width, i * cc, c + 1, c, buffer, &gamma));
        out->bin[i].corr = gamma.mean;
        out->bin[i].corr_err = gamma.err;
        for (size_t k = 0; k < cc; k++) {
            KAD_CALL(
                column_error(ctx, out, series, width, i * cc + k, 1, 1, buffer, &gamma));
            out->mean[i * cc + k] = gamma.mean;
            out->mean_err[i * cc + k] = gamma.err;
        }
    }
    return KAD_OK;
}

/* Correlation of the bins' series, scaled to their errors. */
static kad_status covariances(kad_ctx *ctx, const float *series, kad_bulk_bins *out)
{
    const size_t n_all = out->n_chains * out->n_per_chain;
    double memory = 0.5;
    for (size_t i = 0; i < out->n; i++)
        if (out->bin[i].flag == KAD_GAMMA_OK)
            memory = fmax(memory, kad_gamma_memory(out->bin[i].tau_int));
    size_t size = (size_t)ceil(TAUS_A_BLOCK * memory);
    if (n_all / size > BLOCKS_MOST) size = n_all / BLOCKS_MOST;
    if (size > out->n_per_chain) size = out->n_per_chain;
    KAD_CALL(kad_shrunk_correlation(ctx, out->n_chains, out->n_per_chain, out->n, series,
                                    size, out->cov, &out->n_blocks, &out->shrinkage));
    for (size_t i = 0; i < out->n; i++)
        for (size_t j = 0; j < out->n; j++)
            out->cov[i * out->n + j] *= out->bin[i].err * out->bin[j].err;
    return KAD_OK;
}

static kad_status read_series(kad_scope *in, kad_h5 *file, const char *group,
                              const char *name, int rank, const kad_bulk_bins *bins,
                              float **out)
{
    const size_t dims[5] = {bins->n_chains, bins->n_per_chain, bins->n, bins->n_comp,
                            bins->n_comp};
    char path[128];
    size_t n = 1;
    snprintf(path, sizeof path, "%s/series/%s", group, name);
    for (int i = 0; i < rank; i++)
        n *= dims[i];
    KAD_CALL(kad_take(in, n, out));
    KAD_CALL(kad_h5_read(in->ctx, file, path, KAD_H5_F32, rank, dims, *out));
    for (size_t i = 0; i < n; i++)
        if (!isfinite((*out)[i]))
            return kad_fail(in->ctx, KAD_EDATA, "run.h5: %s: a value is not finite",
                            path);
    return KAD_OK;
}

kad_status kad_bulk_bins_read(kad_scope *in, kad_h5 *file, const char *from,
                              kad_bulk_bins *out)
{
    KAD_SCOPE(scope, in->ctx);
    kad_ctx *ctx = in->ctx;
    float *strength, *mean;
    double *buffer;
    *out = (kad_bulk_bins){0};
    KAD_CALL(read_sizes(ctx, file, from, out));
    const size_t cc = out->n_comp * out->n_comp;
    KAD_CALL(kad_take(in, out->n, &out->bin));
    KAD_CALL(kad_take(in, out->n * cc, &out->mean));
    KAD_CALL(kad_take(in, out->n * cc, &out->mean_err));
    KAD_CALL(kad_take(in, out->n * out->n, &out->cov));
    KAD_CALL(kad_take(&scope, out->n_chains * out->n_per_chain, &buffer));
    KAD_CALL(read_bins(ctx, file, from, out));
    KAD_CALL(read_series(&scope, file, from, "strength2", 3, out, &strength));
    KAD_CALL(read_series(&scope, file, from, "mean", 5, out, &mean));
    KAD_CALL(strength_errors(ctx, strength, buffer, out));
    KAD_CALL(mean_errors(ctx, mean, buffer, out));
    return covariances(ctx, strength, out);
}

/* --- writing ----------------------------------------------------------------------- */

#define MEMBER(name, kind, member, units, text)                            \
    {                                                                      \
        name, KAD_CELL_##kind, offsetof(kad_bulk_bin, member), units, text \
    }
static const kad_write_column columns[] = {
    MEMBER("level_a", INT, level_a, "1", "level of the finer latent"),
    MEMBER("level_b", INT, level_b, "1", "level of the coarser latent"),
    MEMBER("self", BOOL, self, "1", "1: every latent with itself"),
    MEMBER("n_pairs", I64, n_pairs, "1", "pairs of latents"),
    MEMBER("n_classes", I64, n_classes, "1", "pairs that symmetry does not make equal"),
    MEMBER("flag", INT, flag, "1",
           "0: err is known; 1 constant, 2 short, 3 open window, 4 no positive variance"),
    MEMBER("r", REAL, r, "lattice steps", "separation: exp of the mean of its logarithm"),
    MEMBER("r_lo", REAL, r_lo, "lattice steps", "smallest separation"),
    MEMBER("r_hi", REAL, r_hi, "lattice steps", "largest separation"),
    MEMBER("tree", REAL, tree, "edges", "mean distance on the tree of blocks"),
    MEMBER("strength2", REAL, strength2, "1",
           "mean square of the connected correlation, without the bias of its noise"),
    MEMBER("strength2_err", REAL, err, "1", "its error (Gamma method)"),
    MEMBER("tau_int", REAL, tau_int, "configurations",
           "integrated autocorrelation time of strength2 (1/2 + sum)"),
    MEMBER("tau_int_err", REAL, tau_int_err, "configurations", "its error"),
    MEMBER("corr", REAL, corr, "1",
           "mean connected correlation, trace over components / c"),
    MEMBER("corr_err", REAL, corr_err, "1", "its error (Gamma method)"),
};
#undef MEMBER

/* What is not a member of a bin. */
static void write_derived(kad_writer *w, const kad_bulk_bins *bins)
{
    const size_t n = bins->n;
    double *magnitude = kad_write_scratch(w, 2 * n, sizeof *magnitude);
    int64_t *difference = kad_write_scratch(w, n, sizeof *difference);
    for (size_t i = 0; i < n && difference != NULL; i++) {
        const kad_bulk_bin *bin = &bins->bin[i];
        const bool is = bin->strength2 > 0;
        difference[i] = bin->level_b - bin->level_a;
        magnitude[i] = is ? sqrt(bin->strength2) : NAN;
        magnitude[n + i] = is ? bin->err / (2 * sqrt(bin->strength2)) : NAN;
    }
    kad_write(w, "level_difference", KAD_H5_I64, "bin", "1", "level_b - level_a", &n,
              difference);
    kad_write(w, "magnitude", KAD_H5_F64, "bin", "1", "square root of strength2", &n,
              magnitude);
    if (magnitude != NULL)
        kad_write(w, "magnitude_err", KAD_H5_F64, "bin", "1", "its error", &n,
                  magnitude + n);
    kad_free(magnitude);
    kad_free(difference);
}

kad_status kad_bulk_bins_write(kad_ctx *ctx, kad_h5 *file, const kad_bulk_bins *bins,
                               const char *to)
{
    const size_t c = bins->n_comp, means[3] = {bins->n, c, c},
                 square[2] = {bins->n, bins->n};
    kad_writer w = kad_write_anew(ctx, file, to);
    kad_write_columns(&w, "bin", sizeof columns / sizeof columns[0], columns, bins->n,
                      bins->bin, sizeof *bins->bin);
    write_derived(&w, bins);
    kad_write(&w, "mean", KAD_H5_F64, "bin first second", "1",
              "mean connected correlation", means, bins->mean);
    kad_write(&w, "mean_err", KAD_H5_F64, "bin first second", "1",
              "its error (Gamma method)", means, bins->mean_err);
    kad_write(&w, "strength2_cov", KAD_H5_F64, "bin bin", "1", "covariance of strength2",
              square, bins->cov);
    kad_write_real(&w, "shrinkage", bins->shrinkage);
    kad_write_int(&w, "n_blocks", (int64_t)bins->n_blocks);
    kad_write_int(&w, "n_levels", bins->n_levels);
    kad_write_int(&w, "n_components", (int64_t)c);
    kad_write_int(&w, "n_configs", (int64_t)(bins->n_chains * bins->n_per_chain));
    return kad_write_end(&w);
}

#include "analysis/bulk_bins.h"

#include "analysis/fit.h"
#include "analysis/results.h"
#include "base/memory.h"

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
    const kad_status status = kad_h5_shape(ctx, file, path, &rank, dims);
    if (status != KAD_OK) return status;
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
    kad_status status = KAD_OK;
    const size_t n = out->n;
    int64_t *whole = NULL;
    double *real = NULL;
    KAD_TRY(kad_new(ctx, 5 * n, sizeof *whole, &whole));
    KAD_TRY(kad_new(ctx, 5 * n, sizeof *real, &real));
    KAD_TRY(read_integers(ctx, file, group, "level_a", n, whole));
    KAD_TRY(read_integers(ctx, file, group, "level_b", n, whole + n));
    KAD_TRY(read_integers(ctx, file, group, "self", n, whole + 2 * n));
    KAD_TRY(read_integers(ctx, file, group, "n_pairs", n, whole + 3 * n));
    KAD_TRY(read_integers(ctx, file, group, "n_classes", n, whole + 4 * n));
    KAD_TRY(read_column(ctx, file, group, "r", n, real));
    KAD_TRY(read_column(ctx, file, group, "r_lo", n, real + n));
    KAD_TRY(read_column(ctx, file, group, "r_hi", n, real + 2 * n));
    KAD_TRY(read_column(ctx, file, group, "tree", n, real + 3 * n));
    KAD_TRY(read_column(ctx, file, group, "strength2", n, real + 4 * n));
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
done:
    kad_free(whole);
    kad_free(real);
    return status;
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
    kad_status status = KAD_OK;
    for (size_t i = 0; i < out->n; i++) {
        kad_gamma gamma;
        KAD_TRY(column_error(ctx, out, series, out->n, i, 1, 1, buffer, &gamma));
        out->bin[i].err = gamma.err;
        out->bin[i].tau_int = gamma.tau_int;
        out->bin[i].tau_int_err = gamma.tau_int_err;
        out->bin[i].flag = gamma.flag;
        kad_gamma_clear(&gamma);
    }
done:
    return status;
}

static kad_status mean_errors(kad_ctx *ctx, const float *series, double *buffer,
                              kad_bulk_bins *out)
{
    kad_status status = KAD_OK;
    const size_t c = out->n_comp, cc = c * c, width = out->n * cc;
    for (size_t i = 0; i < out->n; i++) {
        kad_gamma gamma;
        KAD_TRY(column_error(ctx, out, series, width, i * cc, c + 1, c, buffer, &gamma));
        out->bin[i].corr = gamma.mean;
        out->bin[i].corr_err = gamma.err;
        kad_gamma_clear(&gamma);
        for (size_t k = 0; k < cc; k++) {
            KAD_TRY(
                column_error(ctx, out, series, width, i * cc + k, 1, 1, buffer, &gamma));
            out->mean[i * cc + k] = gamma.mean;
            out->mean_err[i * cc + k] = gamma.err;
            kad_gamma_clear(&gamma);
        }
    }
done:
    return status;
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
    const kad_status status =
        kad_shrunk_correlation(ctx, out->n_chains, out->n_per_chain, out->n, series, size,
                               out->cov, &out->n_blocks, &out->shrinkage);
    if (status != KAD_OK) return status;
    for (size_t i = 0; i < out->n; i++)
        for (size_t j = 0; j < out->n; j++)
            out->cov[i * out->n + j] *= out->bin[i].err * out->bin[j].err;
    return KAD_OK;
}

static kad_status read_series(kad_ctx *ctx, kad_h5 *file, const char *group,
                              const char *name, int rank, const kad_bulk_bins *bins,
                              float **out)
{
    kad_status status = KAD_OK;
    const size_t dims[5] = {bins->n_chains, bins->n_per_chain, bins->n, bins->n_comp,
                            bins->n_comp};
    char path[128];
    size_t n = 1;
    snprintf(path, sizeof path, "%s/series/%s", group, name);
    for (int i = 0; i < rank; i++)
        n *= dims[i];
    KAD_TRY(kad_new(ctx, n, sizeof **out, out));
    KAD_TRY(kad_h5_read(ctx, file, path, KAD_H5_F32, rank, dims, *out));
    for (size_t i = 0; i < n; i++)
        if (!isfinite((*out)[i])) {
            status = kad_fail(ctx, KAD_EDATA, "run.h5: %s: a value is not finite", path);
            break;
        }
done:
    return status;
}

kad_status kad_bulk_bins_read(kad_ctx *ctx, kad_h5 *file, const char *from,
                              kad_bulk_bins *out)
{
    kad_status status = KAD_OK;
    float *strength = NULL, *mean = NULL;
    double *buffer = NULL;
    *out = (kad_bulk_bins){0};
    KAD_TRY(read_sizes(ctx, file, from, out));
    const size_t cc = out->n_comp * out->n_comp;
    KAD_TRY(kad_new(ctx, out->n, sizeof *out->bin, &out->bin));
    KAD_TRY(kad_new(ctx, out->n * cc, sizeof(double), &out->mean));
    KAD_TRY(kad_new(ctx, out->n * cc, sizeof(double), &out->mean_err));
    KAD_TRY(kad_new(ctx, out->n * out->n, sizeof(double), &out->cov));
    KAD_TRY(kad_new(ctx, out->n_chains * out->n_per_chain, sizeof *buffer, &buffer));
    KAD_TRY(read_bins(ctx, file, from, out));
    KAD_TRY(read_series(ctx, file, from, "strength2", 3, out, &strength));
    KAD_TRY(read_series(ctx, file, from, "mean", 5, out, &mean));
    KAD_TRY(strength_errors(ctx, strength, buffer, out));
    KAD_TRY(mean_errors(ctx, mean, buffer, out));
    KAD_TRY(covariances(ctx, strength, out));
done:
    kad_free(strength);
    kad_free(mean);
    kad_free(buffer);
    if (status != KAD_OK) kad_bulk_bins_clear(out);
    return status;
}

void kad_bulk_bins_clear(kad_bulk_bins *bins)
{
    kad_free(bins->bin);
    kad_free(bins->mean);
    kad_free(bins->mean_err);
    kad_free(bins->cov);
    *bins = (kad_bulk_bins){0};
}

/* --- writing ----------------------------------------------------------------------- */

/* One number of a bin. */
typedef double getter(const kad_bulk_bin *bin);
#define GETTER(name, expression)                      \
    static double get_##name(const kad_bulk_bin *bin) \
    {                                                 \
        return expression;                            \
    }
GETTER(level_a, bin->level_a)
GETTER(level_b, bin->level_b)
GETTER(level_difference, bin->level_b - bin->level_a)
GETTER(self, bin->self)
GETTER(n_pairs, (double)bin->n_pairs)
GETTER(n_classes, (double)bin->n_classes)
GETTER(flag, (double)bin->flag)
GETTER(r, bin->r)
GETTER(r_lo, bin->r_lo)
GETTER(r_hi, bin->r_hi)
GETTER(tree, bin->tree)
GETTER(strength2, bin->strength2)
GETTER(strength2_err, bin->err)
GETTER(magnitude, bin->strength2 > 0 ? sqrt(bin->strength2) : NAN)
GETTER(magnitude_err, bin->strength2 > 0 ? bin->err / (2 * sqrt(bin->strength2)) : NAN)
GETTER(tau_int, bin->tau_int)
GETTER(tau_int_err, bin->tau_int_err)
GETTER(corr, bin->corr)
GETTER(corr_err, bin->corr_err)

static const struct {
    const char *name;
    getter *get;
    bool whole; /* an integer */
    const char *units, *text;
} columns[] = {
    {"level_a", get_level_a, true, "", "level of the finer latent"},
    {"level_b", get_level_b, true, "", "level of the coarser latent"},
    {"level_difference", get_level_difference, true, "", "level_b - level_a"},
    {"self", get_self, true, "", "1: every latent with itself"},
    {"n_pairs", get_n_pairs, true, "", "pairs of latents"},
    {"n_classes", get_n_classes, true, "", "pairs that symmetry does not make equal"},
    {"flag", get_flag, true, "",
     "0: err is known; 1 constant, 2 short, 3 open window, 4 no positive variance"},
    {"r", get_r, false, "lattice steps", "separation: exp of the mean of its logarithm"},
    {"r_lo", get_r_lo, false, "lattice steps", "smallest separation"},
    {"r_hi", get_r_hi, false, "lattice steps", "largest separation"},
    {"tree", get_tree, false, "edges", "mean distance on the tree of blocks"},
    {"strength2", get_strength2, false, "",
     "mean square of the connected correlation, without the bias of its noise"},
    {"strength2_err", get_strength2_err, false, "", "its error (Gamma method)"},
    {"magnitude", get_magnitude, false, "", "square root of strength2"},
    {"magnitude_err", get_magnitude_err, false, "", "its error"},
    {"tau_int", get_tau_int, false, "configurations",
     "integrated autocorrelation time of strength2 (1/2 + sum)"},
    {"tau_int_err", get_tau_int_err, false, "configurations", "its error"},
    {"corr", get_corr, false, "",
     "mean connected correlation, trace over components / c"},
    {"corr_err", get_corr_err, false, "", "its error (Gamma method)"},
};

static kad_status write_columns(kad_ctx *ctx, kad_h5 *file, const kad_bulk_bins *bins,
                                const char *to)
{
    kad_status status = KAD_OK;
    double *real = NULL;
    int64_t *whole = NULL;
    char path[128];
    KAD_TRY(kad_new(ctx, bins->n, sizeof *real, &real));
    KAD_TRY(kad_new(ctx, bins->n, sizeof *whole, &whole));
    for (size_t k = 0; k < sizeof columns / sizeof columns[0]; k++) {
        for (size_t i = 0; i < bins->n; i++)
            real[i] = columns[k].get(&bins->bin[i]);
        for (size_t i = 0; i < bins->n && columns[k].whole; i++)
            whole[i] = (int64_t)real[i];
        snprintf(path, sizeof path, "%s/%s", to, columns[k].name);
        KAD_TRY(kad_h5_write(ctx, file, path, columns[k].whole ? KAD_H5_I64 : KAD_H5_F64,
                             1, &bins->n, columns[k].whole ? (const void *)whole : real));
        KAD_TRY(
            kad_h5_describe(ctx, file, path, columns[k].units, columns[k].text, NULL));
        KAD_TRY(kad_h5_axes(ctx, file, path, "bin"));
    }
done:
    kad_free(real);
    kad_free(whole);
    return status;
}

kad_status kad_bulk_bins_write(kad_ctx *ctx, kad_h5 *file, const kad_bulk_bins *bins,
                               const char *to)
{
    kad_status status = KAD_OK;
    const size_t c = bins->n_comp, means[3] = {bins->n, c, c},
                 square[2] = {bins->n, bins->n};
    const struct {
        const char *name, *text;
        int rank;
        const size_t *dims;
        const double *data;
    } blocks[] = {{"mean", "mean connected correlation", 3, means, bins->mean},
                  {"mean_err", "its error (Gamma method)", 3, means, bins->mean_err},
                  {"strength2_cov", "covariance of strength2", 2, square, bins->cov}};
    char path[128];
    KAD_TRY(kad_h5_remove(ctx, file, to));
    KAD_TRY(write_columns(ctx, file, bins, to));
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", to, blocks[i].name);
        KAD_TRY(kad_h5_write(ctx, file, path, KAD_H5_F64, blocks[i].rank, blocks[i].dims,
                             blocks[i].data));
        KAD_TRY(kad_h5_describe(ctx, file, path, "", blocks[i].text, NULL));
        KAD_TRY(kad_h5_axes(ctx, file, path, i < 2 ? "bin first second" : "bin bin"));
    }
    KAD_TRY(kad_h5_attr_set_real(ctx, file, to, "shrinkage", bins->shrinkage));
    KAD_TRY(kad_h5_attr_set_int(ctx, file, to, "n_blocks", (int64_t)bins->n_blocks));
    KAD_TRY(kad_h5_attr_set_int(ctx, file, to, "n_levels", bins->n_levels));
    KAD_TRY(kad_h5_attr_set_int(ctx, file, to, "n_components", (int64_t)c));
    KAD_TRY(kad_h5_attr_set_int(ctx, file, to, "n_configs",
                                (int64_t)(bins->n_chains * bins->n_per_chain)));
done:
    return status;
}

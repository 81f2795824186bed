/* Receptive fields into the results: /bulk/receptive. */
#include "base/memory.h"
#include "bulk/receptive.h"

#include <math.h>
#include <stdio.h>

static const char *const group = "/bulk/receptive";

enum { PARTS = KAD_RECEPTIVE_PARTS, BINS = KAD_RECEPTIVE_BINS };
static const double log_lo = -10, log_hi = 2;

/* strength_H, wavelet_H [class][sites...] f32, class_H [class]. */
static kad_status write_level(kad_ctx *ctx, const kad_receptive *r, int h, kad_h5 *file)
{
    const kad_receptive_level *level = &r->level[h];
    const kad_lattice *lattice = r->bulk->model->lattice;
    const size_t n = (size_t)level->n_classes * (size_t)lattice->n_sites;
    const double *source[] = {level->strength, level->wavelet};
    static const char *const names[] = {"strength", "wavelet"};
    size_t dims[KAD_H5_MAX_RANK] = {(size_t)level->n_classes};
    kad_status status = KAD_OK;
    char path[96], label[32];
    float *data = NULL;
    int64_t *site = NULL;
    for (int mu = 0; mu < lattice->d; mu++)
        dims[1 + mu] = (size_t)lattice->shape[mu];
    KAD_TRY(kad_new(ctx, n, sizeof *data, &data));
    KAD_TRY(kad_new(ctx, dims[0], sizeof *site, &site));
    for (int k = 0; k < 2; k++) {
        for (size_t i = 0; i < n; i++)
            data[i] = (float)source[k][i];
        snprintf(path, sizeof path, "%s/%s_%d", group, names[k], h);
        KAD_TRY(kad_h5_write(ctx, file, path, KAD_H5_F32, 1 + lattice->d, dims, data));
        snprintf(label, sizeof label, "class_%d", h);
        KAD_TRY(kad_h5_axis(ctx, file, path, 0, label, NULL));
        for (int mu = 0; mu < lattice->d; mu++)
            KAD_TRY(kad_h5_axis(ctx, file, path, 1 + mu, kad_axis_name(lattice->d, mu),
                                NULL));
    }
    for (size_t i = 0; i < dims[0]; i++)
        site[i] = level->site[i];
    snprintf(path, sizeof path, "%s/class_%d", group, h);
    KAD_TRY(kad_h5_write(ctx, file, path, KAD_H5_I64, 1, dims, site));
    KAD_TRY(kad_h5_axes(ctx, file, path, label));
done:
    kad_free(data);
    kad_free(site);
    return status;
}

/* Histogram of log10 strength over displacements and classes, and the share of zeros. */
static kad_status write_histogram(kad_ctx *ctx, const kad_receptive *r, kad_h5 *file)
{
    const size_t n_levels = (size_t)r->n_levels,
                 N = (size_t)r->bulk->model->lattice->n_sites;
    const size_t dims[2] = {n_levels, BINS}, n_bins = BINS;
    double *histogram = NULL, zeros[KAD_BULK_LEVELS] = {0}, edge[BINS];
    kad_status status = KAD_OK;
    KAD_TRY(kad_new(ctx, n_levels * BINS, sizeof *histogram, &histogram));
    for (size_t h = 0; h < n_levels; h++) {
        const kad_receptive_level *level = &r->level[h];
        const size_t n = (size_t)level->n_classes * N;
        for (size_t i = 0; i < n; i++) {
            const double s = level->strength[i];
            const double at = (log10(s) - log_lo) / (log_hi - log_lo) * BINS;
            if (s == 0)
                zeros[h] += 1 / (double)n;
            else if (at >= 0 && at < BINS)
                histogram[h * BINS + (size_t)at] += 1 / (double)n;
        }
    }
    for (int b = 0; b < BINS; b++)
        edge[b] = log_lo + b * (log_hi - log_lo) / BINS;
    KAD_TRY(kad_h5_write(ctx, file, "/bulk/receptive/histogram", KAD_H5_F64, 2, dims,
                         histogram));
    KAD_TRY(kad_h5_describe(ctx, file, "/bulk/receptive/histogram", "1",
                            "share of sites and latents of a level by log10 strength",
                            NULL));
    KAD_TRY(kad_h5_axes(ctx, file, "/bulk/receptive/histogram", "level log10_strength"));
    KAD_TRY(kad_h5_write(ctx, file, "/bulk/receptive/log10_strength", KAD_H5_F64, 1,
                         &n_bins, edge));
    KAD_TRY(kad_h5_write(ctx, file, "/bulk/receptive/zeros", KAD_H5_F64, 1, &n_levels,
                         zeros));
    KAD_TRY(kad_h5_describe(ctx, file, "/bulk/receptive/zeros", "1",
                            "share of exactly vanishing strengths", NULL));
    KAD_TRY(kad_h5_axes(ctx, file, "/bulk/receptive/zeros", "level"));
    KAD_TRY(kad_h5_axes(ctx, file, "/bulk/receptive/log10_strength", "log10_strength"));
done:
    kad_free(histogram);
    return status;
}

/* profile, profile_err [level][r]: mean over the stretches of the chain and its error. */
static kad_status write_profile(kad_ctx *ctx, const kad_receptive *r, kad_h5 *file)
{
    const size_t n = (size_t)r->n_levels * r->n_r;
    const size_t dims[2] = {(size_t)r->n_levels, r->n_r};
    double *mean = NULL;
    kad_status status = KAD_OK;
    KAD_TRY(kad_new(ctx, 2 * n, sizeof *mean, &mean));
    double *err = mean + n;
    for (size_t i = 0; i < n; i++) {
        double sum = 0, square = 0;
        for (size_t p = 0; p < PARTS; p++) {
            const double v = r->profile[p * n + i];
            sum += v / PARTS;
            square += v * v / PARTS;
        }
        mean[i] = sum;
        err[i] = sqrt(fmax(0, square - sum * sum) / (PARTS - 1));
    }
    KAD_TRY(
        kad_h5_write(ctx, file, "/bulk/receptive/profile", KAD_H5_F64, 2, dims, mean));
    KAD_TRY(kad_h5_describe(ctx, file, "/bulk/receptive/profile", "1",
                            "mean strength by distance of site and latent", NULL));
    KAD_TRY(
        kad_h5_write(ctx, file, "/bulk/receptive/profile_err", KAD_H5_F64, 2, dims, err));
    KAD_TRY(kad_h5_axes(ctx, file, "/bulk/receptive/profile", "level distance"));
    KAD_TRY(kad_h5_axes(ctx, file, "/bulk/receptive/profile_err", "level distance"));
done:
    kad_free(mean);
    return status;
}

kad_status kad_bulk_receptive(kad_ctx *ctx, const kad_bulk *bulk, kad_h5 *file)
{
    const int repeats = (int)kad_bulk_int(bulk->config, "bulk.receptive");
    kad_status status = KAD_OK;
    kad_receptive *r = NULL;
    KAD_TRY(kad_h5_remove(ctx, file, group));
    if (repeats == 0 || bulk->n == 0) return KAD_OK;
    KAD_TRY(kad_receptive_create(ctx, bulk, repeats, true, &r));
    KAD_TRY(kad_h5_group(ctx, file, group));
    KAD_TRY(kad_h5_attr_set_string(ctx, file, group, "of",
                                   r->boundary ? "boundary field" : "flow variables"));
    KAD_TRY(kad_h5_attr_set_int(ctx, file, group, "products", (int64_t)r->n_products));
    for (int h = 0; h < r->n_levels; h++)
        KAD_TRY(write_level(ctx, r, h, file));
    KAD_TRY(write_histogram(ctx, r, file));
    KAD_TRY(write_profile(ctx, r, file));
done:
    kad_receptive_destroy(r);
    return status;
}

/* Receptive fields into the results: /bulk/receptive. */
#include "base/memory.h"
#include "bulk/receptive.h"
#include "io/writer.h"

#include <math.h>
#include <stdio.h>

enum { PARTS = KAD_RECEPTIVE_PARTS, BINS = KAD_RECEPTIVE_BINS };
static const double log_lo = -10, log_hi = 2;

/* strength_H, wavelet_H [class_H][sites...] f32, class_H [class_H]. */
static void write_level(kad_writer *w, const kad_receptive *r, int h)
{
    static const char *const names[] = {"strength", "wavelet"};
    static const char *const texts[] = {"mean |dx_i/dz_j| at the displacement i - j",
                                        "mean dx_i/dz_j there, of one component"};
    const kad_receptive_level *level = &r->level[h];
    const double *source[] = {level->strength, level->wavelet};
    const kad_lattice *lattice = r->bulk->model->lattice;
    const size_t n = (size_t)level->n_classes * (size_t)lattice->n_sites;
    size_t dims[KAD_H5_MAX_RANK] = {(size_t)level->n_classes};
    char name[32], label[32], axes[64];
    float *data = kad_write_scratch(w, n, sizeof *data);
    int64_t *site = kad_write_scratch(w, dims[0], sizeof *site);
    snprintf(label, sizeof label, "class_%d", h);
    size_t used = (size_t)snprintf(axes, sizeof axes, "%s", label);
    for (int mu = 0; mu < lattice->d; mu++) {
        dims[1 + mu] = (size_t)lattice->shape[mu];
        used += (size_t)snprintf(axes + used, sizeof axes - used, " %s",
                                 kad_axis_name(lattice->d, mu));
    }
    for (size_t i = 0; i < dims[0] && site != NULL; i++)
        site[i] = level->site[i];
    kad_write(w, label, KAD_H5_I64, label, "1", "site of the class's first latent", dims,
              site);
    for (int k = 0; k < 2 && site != NULL; k++) {
        for (size_t i = 0; i < n; i++)
            data[i] = (float)source[k][i];
        snprintf(name, sizeof name, "%s_%d", names[k], h);
        kad_write(w, name, KAD_H5_F32, axes, "1", texts[k], dims, data);
    }
    kad_free(data);
    kad_free(site);
}

/* Histogram of log10 strength over displacements and classes, and the share of zeros. */
static void write_histogram(kad_writer *w, const kad_receptive *r)
{
    const size_t n_levels = (size_t)r->n_levels,
                 N = (size_t)r->bulk->model->lattice->n_sites;
    const size_t dims[2] = {n_levels, BINS}, n_bins = BINS;
    double zeros[KAD_BULK_LEVELS] = {0}, edge[BINS];
    double *histogram = kad_write_scratch(w, n_levels * BINS, sizeof *histogram);
    for (size_t h = 0; h < n_levels && histogram != NULL; h++) {
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
    kad_write(w, "log10_strength", KAD_H5_F64, "log10_strength", "1",
              "lower edge of the bin", &n_bins, edge);
    kad_write(w, "histogram", KAD_H5_F64, "level log10_strength", "1",
              "share of sites and latents of a level by log10 strength", dims, histogram);
    kad_write(w, "zeros", KAD_H5_F64, "level", "1",
              "share of exactly vanishing strengths", &n_levels, zeros);
    kad_free(histogram);
}

/* profile, profile_err [level][r]: mean over the stretches of the chain and its error. */
static void write_profile(kad_writer *w, const kad_receptive *r)
{
    const size_t n = (size_t)r->n_levels * r->n_r;
    const size_t dims[2] = {(size_t)r->n_levels, r->n_r};
    double *mean = kad_write_scratch(w, 2 * n, sizeof *mean);
    if (mean == NULL) return;
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
    kad_write(w, "profile", KAD_H5_F64, "level distance", "1",
              "mean strength by distance of site and latent", dims, mean);
    kad_write(w, "profile_err", KAD_H5_F64, "level distance", "1", "its standard error",
              dims, err);
    kad_free(mean);
}

kad_status kad_bulk_receptive(kad_ctx *ctx, const kad_bulk *bulk, kad_h5 *file)
{
    KAD_SCOPE(scope, ctx);
    static const char group[] = "/bulk/receptive";
    const int repeats = bulk->options.receptive;
    kad_receptive *r;
    if (repeats == 0 || bulk->n == 0) return kad_h5_remove(ctx, file, group);
    KAD_CALL(kad_receptive_create(&scope, bulk, repeats, true, &r));
    kad_writer w = kad_write_anew(ctx, file, group);
    kad_write_text(&w, "of", r->boundary ? "boundary field" : "flow variables");
    kad_write_int(&w, "products", (int64_t)r->n_products);
    for (int h = 0; h < r->n_levels; h++)
        write_level(&w, r, h);
    write_histogram(&w, r);
    write_profile(&w, r);
    return kad_write_end(&w);
}

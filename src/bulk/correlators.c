#include "bulk/correlators.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "base/signals.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct work {
    const kad_bulk *bulk;
    kad_pairs *pairs;
    double *z_mean; /* [n_rows] */
    kad_class_sums sums;
    /* bins */
    double *strength2, *naive; /* [n_bins] */
    double *mean;              /* [n_bins][c][c] */
    float *weight;             /* [pairs][c][c], in the order of partners */
    /* series */
    float *strength2_t; /* [n][n_bins] */
    float *mean_t;      /* [n][n_bins][c][c] */
} work;

static void clear(work *w)
{
    kad_pairs_destroy(w->pairs);
    kad_class_sums_clear(&w->sums);
    kad_free(w->z_mean);
    kad_free(w->strength2);
    kad_free(w->naive);
    kad_free(w->mean);
    kad_free(w->weight);
    kad_free(w->strength2_t);
    kad_free(w->mean_t);
}

static kad_status find_means(kad_ctx *ctx, work *w)
{
    const kad_bulk *bulk = w->bulk;
    const kad_status status = kad_new(ctx, bulk->n_rows, sizeof(double), &w->z_mean);
    if (status != KAD_OK) return status;
    for (size_t i = 0; i < bulk->n; i++)
        for (size_t row = 0; row < bulk->n_rows; row++)
            w->z_mean[row] += bulk->z[i * bulk->n_rows + row];
    for (size_t row = 0; row < bulk->n_rows; row++)
        w->z_mean[row] /= (double)bulk->n;
    return KAD_OK;
}

/* --- bins -------------------------------------------------------------------------- */

/* Entry (a, b) of a bin's mean from a class: of one level, the mean of both orders. */
static double oriented(const double *C, int a, int b, int c, bool symmetric)
{
    return symmetric ? 0.5 * (C[a * c + b] + C[b * c + a]) : C[a * c + b];
}

static kad_status sum_bins(kad_ctx *ctx, work *w)
{
    kad_status status = KAD_OK;
    const kad_pairs *pairs = w->pairs;
    const int c = pairs->n_comp;
    const size_t n_bins = (size_t)pairs->n_bins, cc = (size_t)(c * c);
    KAD_TRY(kad_new(ctx, n_bins, sizeof(double), &w->strength2));
    KAD_TRY(kad_new(ctx, n_bins, sizeof(double), &w->naive));
    KAD_TRY(kad_new(ctx, n_bins * cc, sizeof(double), &w->mean));
    for (size_t k = 0; k < (size_t)pairs->n_classes; k++) {
        const size_t b = (size_t)pairs->bin_of[k];
        const kad_pair_bin *bin = &pairs->bin[b];
        const double share = (double)pairs->n_in[k] / (double)bin->n_pairs;
        const double *C = w->sums.corr + k * cc;
        for (size_t i = 0; i < cc; i++) {
            w->strength2[b] += share / c * w->sums.square[k * cc + i];
            w->naive[b] += share / c * C[i] * C[i];
            w->mean[b * cc + i] += share * oriented(C, (int)i / c, (int)i % c, c,
                                                    bin->level_a == bin->level_b);
        }
    }
done:
    return status;
}

/* d strength2 / d (z_ka z_lb) of every pair. */
static kad_status make_weights(kad_ctx *ctx, work *w)
{
    kad_status status = KAD_OK;
    const kad_pairs *pairs = w->pairs;
    const int c = pairs->n_comp;
    const size_t cc = (size_t)(c * c), n = (size_t)pairs->n;
    KAD_TRY(kad_new(ctx, n * (n + 1) / 2 * cc, sizeof(float), &w->weight));
    for (int k = 0; k < pairs->n; k++)
        for (int32_t r = pairs->first_run[k]; r < pairs->first_run[k + 1]; r++)
            for (int32_t i = pairs->run[r].begin; i < pairs->run[r].end; i++) {
                const int32_t code =
                    pairs->class_of[kad_pair_at(pairs, k, pairs->partner[i])];
                const double *C = w->sums.corr + (size_t)(code / 2) * cc;
                const double scale =
                    2 / ((double)pairs->bin[pairs->run[r].bin].n_pairs * c);
                for (int a = 0; a < c; a++)
                    for (int b = 0; b < c; b++)
                        w->weight[(size_t)i * cc + (size_t)(a * c + b)] =
                            (float)(scale * C[code & 1 ? b * c + a : a * c + b]);
            }
done:
    return status;
}

/* --- series ------------------------------------------------------------------------ */

enum { W = KAD_W_SINGLE };

/* Lanes of a tile: latents in order, without their means; missing ones 0. */
static void load(const work *w, size_t first, size_t n, float *tile)
{
    const kad_bulk *bulk = w->bulk;
    const size_t c = (size_t)w->pairs->n_comp;
    for (size_t k = 0; k < (size_t)w->pairs->n * c; k++) {
        const size_t row = (size_t)w->pairs->site[k / c] * c + k % c;
        for (size_t lane = 0; lane < W; lane++)
            tile[k * W + lane] =
                lane < n ? (float)(bulk->z[(first + lane) * bulk->n_rows + row] -
                                   w->z_mean[row])
                         : 0;
    }
}

/* A tile's sums into the series. */
static void store(work *w, size_t first, size_t n, const float *sums)
{
    const kad_pairs *pairs = w->pairs;
    const int c = pairs->n_comp;
    const size_t n_bins = (size_t)pairs->n_bins, cc = (size_t)(c * c);
    for (size_t b = 0; b < n_bins; b++) {
        const float *own = sums + b * (1 + cc) * W;
        const kad_pair_bin *bin = &pairs->bin[b];
        for (size_t lane = 0; lane < n; lane++) {
            double moments[KAD_PAIR_COMPONENTS * KAD_PAIR_COMPONENTS];
            for (size_t i = 0; i < cc; i++)
                moments[i] = (double)own[(1 + i) * W + lane] / (double)bin->n_pairs;
            w->strength2_t[(first + lane) * n_bins + b] =
                (float)((double)own[lane] - 2 * w->naive[b] + w->strength2[b]);
            for (size_t i = 0; i < cc; i++)
                w->mean_t[((first + lane) * n_bins + b) * cc + i] = (float)oriented(
                    moments, (int)i / c, (int)i % c, c, bin->level_a == bin->level_b);
        }
    }
}

/* Floats of a tile, in front of its sums. */
static size_t tile_size(const kad_pairs *pairs)
{
    return (size_t)pairs->n * (size_t)pairs->n_comp * W;
}

static bool series_tile(void *self, size_t k, void *scratch)
{
    work *w = self;
    const size_t first = k * W, left = w->bulk->n - first, here = left < W ? left : W;
    float *z = scratch, *sums = z + tile_size(w->pairs);
    load(w, first, here, z);
    kad_pair_sums_f32(w->pairs, z, w->weight, sums);
    store(w, first, here, sums);
    return true;
}

static kad_status make_series(kad_ctx *ctx, work *w)
{
    kad_status status = KAD_OK;
    const kad_pairs *pairs = w->pairs;
    const size_t n = w->bulk->n, cc = (size_t)(pairs->n_comp * pairs->n_comp),
                 n_bins = (size_t)pairs->n_bins, sums = n_bins * (1 + cc) * W;
    KAD_TRY(kad_new(ctx, n * n_bins, sizeof(float), &w->strength2_t));
    KAD_TRY(kad_new(ctx, n * n_bins * cc, sizeof(float), &w->mean_t));
    KAD_TRY(kad_for_tiles(ctx, "bulk", (n + W - 1) / W,
                          (tile_size(pairs) + sums) * sizeof(float), series_tile, w));
    status = kad_stop_check(ctx, "bulk");
done:
    return status;
}

/* --- file -------------------------------------------------------------------------- */

static kad_status write_bins(kad_ctx *ctx, const work *w, kad_h5 *file, const char *group)
{
    kad_status status = KAD_OK;
    const kad_pairs *pairs = w->pairs;
    const size_t n = (size_t)pairs->n_bins;
    int64_t *integers = NULL;
    double *reals = NULL;
    char path[96];
    static const char *const names[] = {"level_a", "level_b", "self", "n_pairs",
                                        "n_classes"};
    static const char *const texts[] = {"level of the finer latent",
                                        "level of the coarser latent",
                                        "1: every latent with itself", "pairs of latents",
                                        "pairs that the symmetry does not make equal"};
    static const struct {
        const char *name, *text;
        size_t offset;
    } columns[] = {
        {"r", "separation: exp of the mean of its logarithm", offsetof(kad_pair_bin, r)},
        {"r_lo", "smallest separation", offsetof(kad_pair_bin, r_lo)},
        {"r_hi", "largest separation", offsetof(kad_pair_bin, r_hi)},
        {"tree", "mean distance on the tree of blocks", offsetof(kad_pair_bin, tree)}};
    KAD_TRY(kad_new(ctx, n, sizeof *integers, &integers));
    KAD_TRY(kad_new(ctx, n, sizeof *reals, &reals));
    for (size_t f = 0; f < sizeof names / sizeof names[0]; f++) {
        for (size_t i = 0; i < n; i++) {
            const kad_pair_bin *b = &pairs->bin[i];
            const int64_t values[] = {b->level_a, b->level_b, b->self, b->n_pairs,
                                      b->n_classes};
            integers[i] = values[f];
        }
        snprintf(path, sizeof path, "%s/%s", group, names[f]);
        KAD_TRY(kad_h5_write(ctx, file, path, KAD_H5_I64, 1, &n, integers));
        KAD_TRY(kad_h5_describe(ctx, file, path, "", texts[f], NULL));
        KAD_TRY(kad_h5_axes(ctx, file, path, "bin"));
    }
    for (size_t f = 0; f < sizeof columns / sizeof columns[0]; f++) {
        for (size_t i = 0; i < n; i++)
            memcpy(&reals[i], (const char *)&pairs->bin[i] + columns[f].offset,
                   sizeof *reals);
        snprintf(path, sizeof path, "%s/%s", group, columns[f].name);
        KAD_TRY(kad_h5_write(ctx, file, path, KAD_H5_F64, 1, &n, reals));
        KAD_TRY(kad_h5_describe(ctx, file, path, f < 3 ? "lattice steps" : "edges",
                                columns[f].text, NULL));
        KAD_TRY(kad_h5_axes(ctx, file, path, "bin"));
    }
done:
    kad_free(integers);
    kad_free(reals);
    return status;
}

/* One dataset with its axes: labels end with NULL. */
static kad_status write_values(kad_ctx *ctx, kad_h5 *file, const char *group,
                               const char *name, kad_h5_type type, int rank,
                               const size_t *dims, const char *const *labels,
                               const char *text, const void *data)
{
    kad_status status = KAD_OK;
    char path[128];
    snprintf(path, sizeof path, "%s/%s", group, name);
    KAD_TRY(kad_h5_write(ctx, file, path, type, rank, dims, data));
    KAD_TRY(kad_h5_describe(ctx, file, path, "", text, NULL));
    for (int i = 0; i < rank; i++)
        KAD_TRY(kad_h5_axis(ctx, file, path, i, labels[i], NULL));
done:
    return status;
}

static kad_status write_classes(kad_ctx *ctx, const work *w, kad_h5 *file,
                                const char *group)
{
    kad_status status = KAD_OK;
    const kad_pairs *pairs = w->pairs;
    const size_t n = (size_t)pairs->n_classes, c = (size_t)pairs->n_comp,
                 dims[3] = {n, c, c};
    static const char *const labels[] = {"class", "first", "second"};
    int64_t *values = NULL;
    KAD_TRY(kad_new(ctx, 4 * n, sizeof *values, &values));
    for (int k = pairs->n - 1; k >= 0; k--)
        for (int l = pairs->n - 1; l >= k; l--) {
            const int32_t code = pairs->class_of[kad_pair_at(pairs, k, l)];
            const size_t id = (size_t)(code / 2);
            values[id] = pairs->site[code & 1 ? l : k];
            values[n + id] = pairs->site[code & 1 ? k : l];
            values[2 * n + id] = pairs->bin_of[id];
            values[3 * n + id] = pairs->n_in[id];
        }
    static const char *const names[] = {"classes/site_i", "classes/site_j", "classes/bin",
                                        "classes/n_pairs"};
    static const char *const texts[] = {"site of the first latent",
                                        "site of the second latent", "bin of the pair",
                                        "pairs equal to it"};
    for (size_t i = 0; i < 4; i++)
        KAD_TRY(write_values(ctx, file, group, names[i], KAD_H5_I64, 1, &n, labels,
                             texts[i], values + i * n));
    KAD_TRY(write_values(ctx, file, group, "classes/corr", KAD_H5_F64, 3, dims, labels,
                         "connected correlation", w->sums.corr));
    KAD_TRY(write_values(ctx, file, group, "classes/corr_err", KAD_H5_F64, 3, dims,
                         labels, "its standard error, from the scatter of blocks",
                         w->sums.corr_err));
done:
    kad_free(values);
    return status;
}

static kad_status write_attributes(kad_ctx *ctx, const work *w, kad_h5 *file,
                                   const char *group)
{
    kad_status status = KAD_OK;
    const kad_bulk *bulk = w->bulk;
    const struct {
        const char *name;
        int64_t value;
    } counts[] = {{"n_chains", (int64_t)bulk->n_chains},
                  {"n_configs", (int64_t)bulk->n},
                  {"n_components", w->pairs->n_comp},
                  {"n_levels", bulk->n_levels},
                  {"n_blocks", (int64_t)w->sums.n_blocks}};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        KAD_TRY(kad_h5_attr_set_int(ctx, file, group, counts[i].name, counts[i].value));
    KAD_TRY(kad_h5_attr_set_real(ctx, file, group, "spacing", bulk->spacing));
    KAD_TRY(kad_h5_attr_set_real(ctx, file, group, "noise",
                                 kad_bulk_real(bulk->config, "bulk.noise")));
    KAD_TRY(kad_h5_attr_set_int(ctx, file, group, "normalise",
                                kad_bulk_bool(bulk->config, "bulk.normalise")));
    KAD_TRY(kad_h5_attr_set_string(ctx, file, group, "sampler", bulk->sampler));
done:
    return status;
}

static kad_status write(kad_ctx *ctx, const work *w, kad_h5 *file, const char *group)
{
    kad_status status = KAD_OK;
    const size_t n_bins = (size_t)w->pairs->n_bins, c = (size_t)w->pairs->n_comp;
    const size_t bins[3] = {n_bins, c, c},
                 series[5] = {w->bulk->n_chains, w->bulk->n_per_chain, n_bins, c, c};
    static const char *const of_bins[] = {"bin", "first", "second"};
    static const char *const of_series[] = {"chain", "cfg", "bin", "first", "second"};
    KAD_TRY(kad_h5_remove(ctx, file, group));
    KAD_TRY(write_bins(ctx, w, file, group));
    KAD_TRY(write_values(ctx, file, group, "strength2", KAD_H5_F64, 1, bins, of_bins,
                         "mean square of the connected correlation, without the bias of "
                         "its noise",
                         w->strength2));
    KAD_TRY(write_values(ctx, file, group, "strength2_naive", KAD_H5_F64, 1, bins,
                         of_bins, "the same with the bias", w->naive));
    KAD_TRY(write_values(ctx, file, group, "mean", KAD_H5_F64, 3, bins, of_bins,
                         "mean connected correlation", w->mean));
    KAD_TRY(write_values(ctx, file, group, "series/strength2", KAD_H5_F32, 3, series,
                         of_series, "linear part of strength2, a configuration at a time",
                         w->strength2_t));
    KAD_TRY(write_values(ctx, file, group, "series/mean", KAD_H5_F32, 5, series,
                         of_series, "mean product of the latents without their means",
                         w->mean_t));
    KAD_TRY(write_classes(ctx, w, file, group));
    KAD_TRY(write_attributes(ctx, w, file, group));
done:
    return status;
}

kad_status kad_bulk_correlators(kad_ctx *ctx, const kad_bulk *bulk, kad_h5 *file)
{
    kad_status status = KAD_OK;
    const int per_octave = (int)kad_bulk_int(bulk->config, "bulk.bins");
    work w = {.bulk = bulk};
    if (bulk->model->flow->n_comp > KAD_PAIR_COMPONENTS)
        return kad_fail(ctx, KAD_ECONFIG,
                        "bulk: correlations of %d components: at most %d are handled",
                        bulk->model->flow->n_comp, KAD_PAIR_COMPONENTS);
    KAD_TRY(kad_pairs_create(ctx, bulk, per_octave, &w.pairs));
    KAD_TRY(find_means(ctx, &w));
    KAD_TRY(kad_class_sums_create(ctx, bulk, w.pairs, w.z_mean, &w.sums));
    KAD_TRY(sum_bins(ctx, &w));
    KAD_TRY(make_weights(ctx, &w));
    KAD_TRY(make_series(ctx, &w));
    KAD_TRY(write(ctx, &w, file,
                  bulk->sampler[0] != '\0' ? "/bulk/correlators" : "/bulk/null"));
done:
    clear(&w);
    return status;
}

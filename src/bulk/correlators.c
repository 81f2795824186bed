#include "bulk/correlators.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "base/signals.h"
#include "io/writer.h"

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

static kad_status find_means(kad_scope *in, work *w)
{
    const kad_bulk *bulk = w->bulk;
    KAD_CALL(kad_take(in, bulk->n_rows, &w->z_mean));
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

static kad_status sum_bins(kad_scope *in, work *w)
{
    const kad_pairs *pairs = w->pairs;
    const int c = pairs->n_comp;
    const size_t n_bins = (size_t)pairs->n_bins, cc = (size_t)(c * c);
    KAD_CALL(kad_take(in, n_bins, &w->strength2));
    KAD_CALL(kad_take(in, n_bins, &w->naive));
    KAD_CALL(kad_take(in, n_bins * cc, &w->mean));
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
    return KAD_OK;
}

/* d strength2 / d (z_ka z_lb) of every pair. */
static kad_status make_weights(kad_scope *in, work *w)
{
    const kad_pairs *pairs = w->pairs;
    const int c = pairs->n_comp;
    const size_t cc = (size_t)(c * c), n = (size_t)pairs->n;
    KAD_CALL(kad_take(in, n * (n + 1) / 2 * cc, &w->weight));
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
    return KAD_OK;
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

static kad_status make_series(kad_scope *in, work *w)
{
    const kad_pairs *pairs = w->pairs;
    const size_t n = w->bulk->n, cc = (size_t)(pairs->n_comp * pairs->n_comp),
                 n_bins = (size_t)pairs->n_bins, sums = n_bins * (1 + cc) * W;
    KAD_CALL(kad_take(in, n * n_bins, &w->strength2_t));
    KAD_CALL(kad_take(in, n * n_bins * cc, &w->mean_t));
    KAD_CALL(kad_for_tiles(in->ctx, "bulk", (n + W - 1) / W,
                           (tile_size(pairs) + sums) * sizeof(float), series_tile, w));
    return kad_stop_check(in->ctx, "bulk");
}

/* --- file -------------------------------------------------------------------------- */

#define MEMBER(name, kind, member, units, text)                            \
    {                                                                      \
        name, KAD_CELL_##kind, offsetof(kad_pair_bin, member), units, text \
    }
static const kad_write_column columns[] = {
    MEMBER("level_a", INT, level_a, "1", "level of the finer latent"),
    MEMBER("level_b", INT, level_b, "1", "level of the coarser latent"),
    MEMBER("self", BOOL, self, "1", "1: every latent with itself"),
    MEMBER("n_pairs", I64, n_pairs, "1", "pairs of latents"),
    MEMBER("n_classes", I64, n_classes, "1",
           "pairs that the symmetry does not make equal"),
    MEMBER("r", REAL, r, "lattice steps", "separation: exp of the mean of its logarithm"),
    MEMBER("r_lo", REAL, r_lo, "lattice steps", "smallest separation"),
    MEMBER("r_hi", REAL, r_hi, "lattice steps", "largest separation"),
    MEMBER("tree", REAL, tree, "edges", "mean distance on the tree of blocks"),
};
#undef MEMBER

static void write_bins(kad_writer *w, const work *k)
{
    const size_t n = (size_t)k->pairs->n_bins, c = (size_t)k->pairs->n_comp;
    const size_t bins[3] = {n, c, c},
                 series[5] = {k->bulk->n_chains, k->bulk->n_per_chain, n, c, c};
    kad_write_columns(w, "bin", sizeof columns / sizeof columns[0], columns, n,
                      k->pairs->bin, sizeof *k->pairs->bin);
    kad_write(w, "strength2", KAD_H5_F64, "bin", "1",
              "mean square of the connected correlation, without the bias of its noise",
              bins, k->strength2);
    kad_write(w, "strength2_naive", KAD_H5_F64, "bin", "1", "the same with the bias",
              bins, k->naive);
    kad_write(w, "mean", KAD_H5_F64, "bin first second", "1",
              "mean connected correlation", bins, k->mean);
    kad_write(w, "series/strength2", KAD_H5_F32, "chain cfg bin", "1",
              "linear part of strength2, a configuration at a time", series,
              k->strength2_t);
    kad_write(w, "series/mean", KAD_H5_F32, "chain cfg bin first second", "1",
              "mean product of the latents without their means", series, k->mean_t);
}

/* A class of pairs: one of them, and what they share. */
typedef struct pair_class {
    int64_t site_i, site_j, bin, n_pairs;
} pair_class;

static const kad_write_column class_columns[] = {
    {"classes/site_i", KAD_CELL_I64, offsetof(pair_class, site_i), "1",
     "site of the first latent"},
    {"classes/site_j", KAD_CELL_I64, offsetof(pair_class, site_j), "1",
     "site of the second latent"},
    {"classes/bin", KAD_CELL_I64, offsetof(pair_class, bin), "1", "bin of the pair"},
    {"classes/n_pairs", KAD_CELL_I64, offsetof(pair_class, n_pairs), "1",
     "pairs equal to it"},
};

static void write_classes(kad_writer *w, const work *own)
{
    const kad_pairs *pairs = own->pairs;
    const size_t n = (size_t)pairs->n_classes, c = (size_t)pairs->n_comp,
                 dims[3] = {n, c, c};
    pair_class *rows = kad_write_scratch(w, n, sizeof *rows);
    if (rows == NULL) return;
    for (int k = pairs->n - 1; k >= 0; k--)
        for (int l = pairs->n - 1; l >= k; l--) {
            const int32_t code = pairs->class_of[kad_pair_at(pairs, k, l)];
            const size_t id = (size_t)(code / 2);
            rows[id] = (pair_class){.site_i = pairs->site[code & 1 ? l : k],
                                    .site_j = pairs->site[code & 1 ? k : l],
                                    .bin = pairs->bin_of[id],
                                    .n_pairs = pairs->n_in[id]};
        }
    kad_write_columns(w, "class", sizeof class_columns / sizeof class_columns[0],
                      class_columns, n, rows, sizeof *rows);
    kad_write(w, "classes/corr", KAD_H5_F64, "class first second", "1",
              "connected correlation", dims, own->sums.corr);
    kad_write(w, "classes/corr_err", KAD_H5_F64, "class first second", "1",
              "its standard error, from the scatter of blocks", dims, own->sums.corr_err);
    kad_free(rows);
}

static void write_attributes(kad_writer *w, const work *own)
{
    const kad_bulk *bulk = own->bulk;
    kad_write_int(w, "n_chains", (int64_t)bulk->n_chains);
    kad_write_int(w, "n_configs", (int64_t)bulk->n);
    kad_write_int(w, "n_components", own->pairs->n_comp);
    kad_write_int(w, "n_levels", bulk->n_levels);
    kad_write_int(w, "n_blocks", (int64_t)own->sums.n_blocks);
    kad_write_real(w, "spacing", bulk->spacing);
    kad_write_real(w, "noise", bulk->options.noise);
    kad_write_int(w, "normalise", bulk->options.normalise);
    kad_write_text(w, "sampler", bulk->sampler);
}

static kad_status write(kad_ctx *ctx, const work *own, kad_h5 *file, const char *group)
{
    kad_writer w = kad_write_anew(ctx, file, group);
    write_bins(&w, own);
    write_classes(&w, own);
    write_attributes(&w, own);
    return kad_write_end(&w);
}

kad_status kad_bulk_correlators(kad_ctx *ctx, const kad_bulk *bulk, kad_h5 *file)
{
    KAD_SCOPE(scope, ctx);
    const int per_octave = bulk->options.bins;
    work w = {.bulk = bulk};
    if (bulk->model->flow->n_comp > KAD_PAIR_COMPONENTS)
        return kad_fail(ctx, KAD_ECONFIG,
                        "bulk: correlations of %d components: at most %d are handled",
                        bulk->model->flow->n_comp, KAD_PAIR_COMPONENTS);
    KAD_CALL(kad_pairs_create(&scope, bulk, per_octave, &w.pairs));
    KAD_CALL(find_means(&scope, &w));
    KAD_CALL(kad_class_sums_create(&scope, bulk, w.pairs, w.z_mean, &w.sums));
    KAD_CALL(sum_bins(&scope, &w));
    KAD_CALL(make_weights(&scope, &w));
    KAD_CALL(make_series(&scope, &w));
    return write(ctx, &w, file,
                 bulk->sampler[0] != '\0' ? "/bulk/correlators" : "/bulk/null");
}

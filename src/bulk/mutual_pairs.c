#include "bulk/mutual_pairs.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "base/signals.h"
#include "base/thread.h"

#include <string.h>

enum { W = KAD_W_SINGLE, GROUPS = 16 };

/* --- lists --------------------------------------------------------------------------- */

/* Visits every pair (k, l) in range and its class; fills where `fill`. Returns the number
 * of pairs. map: number here of a class of kad_pairs, -1: not in range. */
static size_t walk(const kad_pairs *pairs, const int *map, kad_near *near, int32_t *at)
{
    size_t n = 0;
    for (int k = 0; k < pairs->n; k++)
        for (int l = k; l < pairs->n; l++) {
            const int32_t code = pairs->class_of[kad_pair_at(pairs, k, l)];
            const int own = map[code >> 1];
            if (own < 0) continue;
            n++;
            if (at == NULL) continue;
            int32_t *pair = near->pair + 2 * at[own]++;
            pair[code & 1] = pairs->site[k];
            pair[1 - (code & 1)] = pairs->site[l];
        }
    return n;
}

/* Numbers of the classes in range: latents with themselves first. */
static void number_classes(const kad_pairs *pairs, double range, int *map, kad_near *near)
{
    for (int turn = 0; turn < 2; turn++) {
        for (int i = 0; i < pairs->n_classes; i++) {
            const kad_pair_bin *bin = &pairs->bin[pairs->bin_of[i]];
            if (turn == 0) map[i] = -1;
            if (bin->self != (turn == 0)) continue;
            if (turn == 1 && bin->r > range * (double)(1 << bin->level_b)) continue;
            map[i] = near->n_classes++;
        }
        if (turn == 0) near->n_self = near->n_classes;
    }
}

static kad_status make_lists(kad_ctx *ctx, const kad_pairs *pairs, double range,
                             kad_near *near)
{
    kad_status status = KAD_OK;
    int *map = NULL, *self_of = NULL;
    int32_t *at = NULL, sum = 0;
    KAD_TRY(kad_new(ctx, (size_t)pairs->n_classes, sizeof *map, &map));
    KAD_TRY(kad_new(ctx, near->bulk->n_rows, sizeof *self_of, &self_of));
    number_classes(pairs, range, map, near);
    KAD_TRY(kad_new(ctx, (size_t)near->n_classes, sizeof *near->class_, &near->class_));
    KAD_TRY(kad_new(ctx, (size_t)near->n_classes, sizeof *at, &at));
    KAD_TRY(
        kad_new(ctx, 2 * walk(pairs, map, near, NULL), sizeof *near->pair, &near->pair));
    for (int i = 0; i < pairs->n_classes; i++) {
        if (map[i] < 0) continue;
        near->class_[map[i]].bin = pairs->bin_of[i];
        near->class_[map[i]].end = pairs->n_in[i]; /* its size, for now */
    }
    for (int i = 0; i < near->n_classes; i++) {
        kad_near_class *own = &near->class_[i];
        own->first = at[i] = sum;
        own->end = sum += own->end;
    }
    walk(pairs, map, near, at);
    for (int i = 0; i < near->n_self; i++)
        for (int32_t p = near->class_[i].first; p < near->class_[i].end; p++)
            self_of[near->pair[2 * p]] = i;
    for (int i = 0; i < near->n_classes; i++)
        for (int s = 0; s < 2; s++)
            near->class_[i].self[s] = self_of[near->pair[2 * near->class_[i].first + s]];
done:
    kad_free(map);
    kad_free(self_of);
    kad_free(at);
    return status;
}

static void make_means(kad_near *near)
{
    const kad_bulk *bulk = near->bulk;
    for (size_t i = 0; i < bulk->n; i++)
        for (size_t r = 0; r < bulk->n_rows; r++)
            near->mean[r] += bulk->z[i * bulk->n_rows + r] / (double)bulk->n;
}

kad_status kad_near_create(kad_ctx *ctx, const kad_bulk *bulk, const kad_pairs *pairs,
                           double range, kad_near **out)
{
    kad_status status = KAD_OK;
    kad_near *near = NULL;
    *out = NULL;
    KAD_TRY(kad_new(ctx, 1, sizeof *near, &near));
    near->bulk = bulk;
    near->cells = kad_bulk_cells_of(bulk);
    near->c = (size_t)pairs->n_comp;
    near->cc = near->c * near->c;
    KAD_TRY(kad_new(ctx, bulk->n_rows, sizeof(double), &near->mean));
    make_means(near);
    KAD_TRY(make_lists(ctx, pairs, range, near));
    KAD_TRY(
        kad_new(ctx, (size_t)near->n_classes * near->cc, sizeof(double), &near->total));
    KAD_TRY(kad_near_sums(ctx, near, 0, 0, NULL, near->total));
    *out = near;
    near = NULL;
done:
    kad_near_destroy(near);
    return status;
}

void kad_near_destroy(kad_near *near)
{
    if (near == NULL) return;
    kad_free(near->mean);
    kad_free(near->class_);
    kad_free(near->pair);
    kad_free(near->total);
    kad_free(near);
}

/* --- sums ---------------------------------------------------------------------------- */

size_t kad_near_shifted(const kad_bulk *bulk, size_t config, int shift, int n_shifts)
{
    size_t chain = config / bulk->n_per_chain, t = config % bulk->n_per_chain;
    if (shift == 0) return config;
    t = (t + (size_t)shift * bulk->n_per_chain / (size_t)(n_shifts + 1)) %
        bulk->n_per_chain;
    chain = (chain + (size_t)shift) % bulk->n_chains;
    return chain * bulk->n_per_chain + t;
}

/* What a thread needs: tiles of both latents, one class's products, and what they are
 * added to: sums [n_classes][cc], or values [n_bins][lane] of a tile. */
typedef struct work {
    float *x, *y, *products;
    double *sums;
} work;

static void works_free(int n, work *w)
{
    for (int i = 0; w != NULL && i < n; i++) {
        kad_free(w[i].x);
        kad_free(w[i].y);
        kad_free(w[i].products);
        kad_free(w[i].sums);
    }
    kad_free(w);
}

static kad_status works_new(kad_ctx *ctx, const kad_near *near, int n, size_t n_sums,
                            work **out)
{
    kad_status status = KAD_OK;
    work *w = NULL;
    KAD_TRY(kad_new(ctx, (size_t)n, sizeof *w, &w));
    for (int i = 0; i < n; i++) {
        KAD_TRY(kad_new(ctx, near->bulk->n_rows, KAD_ROW_BYTES, &w[i].x));
        KAD_TRY(kad_new(ctx, near->bulk->n_rows, KAD_ROW_BYTES, &w[i].y));
        KAD_TRY(kad_new(ctx, near->cc, KAD_ROW_BYTES, &w[i].products));
        KAD_TRY(kad_new(ctx, n_sums, sizeof(double), &w[i].sums));
    }
    *out = w;
    w = NULL;
done:
    works_free(n, w);
    return status;
}

/* Configurations of the cells are numbered through, so that tiles are full whatever the
 * size of a cell. */
static size_t n_used(const kad_near *near)
{
    return near->cells.n * near->cells.size;
}

static size_t config_of(const kad_near *near, size_t number)
{
    return kad_bulk_cell_start(&near->cells, number / near->cells.size) +
           number % near->cells.size;
}

static void load(const kad_near *near, size_t first, size_t n, int shift, int n_shifts,
                 float *x)
{
    const size_t n_rows = near->bulk->n_rows;
    const double *z[W];
    for (size_t l = 0; l < n; l++)
        z[l] = near->bulk->z + n_rows * kad_near_shifted(near->bulk,
                                                         config_of(near, first + l),
                                                         shift, n_shifts);
    for (size_t r = 0; r < n_rows; r++)
        for (size_t l = 0; l < W; l++)
            x[r * W + l] = l < n ? (float)(z[l][r] - near->mean[r]) : 0;
}

/* w->products [cc][lane] of a class. */
static void multiply(const kad_near *near, const kad_near_class *own, bool shifted,
                     work *w)
{
    memset(w->products, 0, near->cc * KAD_ROW_BYTES);
    kad_near_products_f32((size_t)(own->end - own->first), near->pair + 2 * own->first,
                          (int)near->c, w->x, shifted ? w->y : w->x, w->products);
}

/* Sum of W lanes, in STRIDES interleaved parts: one long chain of additions would cost more
 * than the products. */
static double lane_sum(const float *a)
{
    enum { STRIDES = 8 };
    double part[STRIDES] = {0};
    for (size_t l = 0; l < W; l += STRIDES)
        for (size_t k = 0; k < STRIDES; k++)
            part[k] += (double)a[l + k];
    return ((part[0] + part[1]) + (part[2] + part[3])) +
           ((part[4] + part[5]) + (part[6] + part[7]));
}

/* w->sums [class][cc] += sums over the pairs of wanted classes and n <= W configurations
 * from `first` on. */
static void add_tile(const kad_near *near, size_t first, size_t n, int shift,
                     int n_shifts, const uint8_t *wanted, work *w)
{
    load(near, first, n, 0, 0, w->x);
    if (shift > 0) load(near, first, n, shift, n_shifts, w->y);
    for (int i = 0; i < near->n_classes; i++) {
        if (wanted != NULL && !wanted[i]) continue;
        multiply(near, &near->class_[i], shift > 0, w);
        for (size_t k = 0; k < near->cc; k++)
            w->sums[(size_t)i * near->cc + k] += lane_sum(w->products + k * W);
    }
}

/* Sums to means over pairs and configurations, classes wanted only. */
static void normalise(const kad_near *near, const uint8_t *wanted, double n_configs,
                      double *total)
{
    for (int i = 0; i < near->n_classes; i++) {
        const kad_near_class *own = &near->class_[i];
        for (size_t k = 0; k < near->cc && (wanted == NULL || wanted[i]); k++)
            total[(size_t)i * near->cc + k] /= n_configs * (own->end - own->first);
    }
}

kad_status kad_near_sums(kad_ctx *ctx, const kad_near *near, int shift, int n_shifts,
                         const uint8_t *wanted, double *total)
{
    const size_t n_sums = (size_t)near->n_classes * near->cc, n = n_used(near);
    const double *parts[GROUPS];
    kad_status status = KAD_OK;
    work *w = NULL;
    KAD_TRY(works_new(ctx, near, GROUPS, n_sums, &w));
#pragma omp parallel for num_threads(ctx->n_threads) schedule(static)
    for (int g = 0; g < GROUPS; g++) {
        const size_t end = (size_t)(g + 1) * n / GROUPS;
        for (size_t at = (size_t)g * n / GROUPS; at < end && !kad_stop_requested();
             at += W)
            add_tile(near, at, end - at < W ? end - at : W, shift, n_shifts, wanted,
                     &w[g]);
    }
    KAD_TRY(kad_stop_check(ctx, "bulk"));
    for (int g = 0; g < GROUPS; g++)
        parts[g] = w[g].sums;
    kad_tree_sum(parts, GROUPS, n_sums, w[0].sums);
    normalise(near, wanted, (double)n, w[0].sums);
    for (int i = 0; i < near->n_classes; i++)
        if (wanted == NULL || wanted[i])
            memcpy(total + (size_t)i * near->cc, w[0].sums + (size_t)i * near->cc,
                   near->cc * sizeof *total);
done:
    works_free(GROUPS, w);
    return status;
}

/* --- series -------------------------------------------------------------------------- */

/* values [lane] += factor * a [lane] */
static void add_lanes(double factor, const float *a, double *values)
{
    for (size_t l = 0; l < W; l++)
        values[l] += factor * (double)a[l];
}

/* w->sums [n_bins][lane]: the contractions of kad_near_series of single configurations. */
static void contract_tile(const kad_near *near, size_t first, size_t n, int n_bins,
                          const int *to, const double *slope, const double *self_slope,
                          work *w)
{
    memset(w->sums, 0, (size_t)n_bins * W * sizeof *w->sums);
    load(near, first, n, 0, 0, w->x);
    for (int i = 0; i < near->n_classes; i++) {
        const kad_near_class *own = &near->class_[i];
        const double share = 1.0 / (own->end - own->first);
        const bool self = i < near->n_self;
        if (!self && to[i] < 0) continue;
        multiply(near, own, false, w);
        for (size_t k = 0; k < near->cc; k++) {
            const float *products = w->products + k * W;
            if (!self)
                add_lanes(share * slope[(size_t)i * near->cc + k], products,
                          w->sums + (size_t)to[i] * W);
            for (size_t b = 0; self && b < (size_t)n_bins; b++)
                add_lanes(
                    share *
                        self_slope[(b * (size_t)near->n_self + (size_t)i) * near->cc + k],
                    products, w->sums + b * W);
        }
    }
}

kad_status kad_near_series(kad_ctx *ctx, const kad_near *near, int n_bins, const int *to,
                           const double *slope, const double *self_slope, double *series)
{
    const int n_threads = ctx->n_threads;
    const size_t n = n_used(near), n_cells = near->cells.n, size = near->cells.size;
    double *each = NULL; /* [n_bins][n] of single configurations */
    work *w = NULL;
    kad_status status = KAD_OK;
    KAD_TRY(works_new(ctx, near, n_threads, (size_t)n_bins * W, &w));
    KAD_TRY(kad_new(ctx, (size_t)n_bins * n, sizeof *each, &each));
#pragma omp parallel for num_threads(n_threads) schedule(static)
    for (ptrdiff_t t = 0; t < (ptrdiff_t)((n + W - 1) / W); t++) {
        if (kad_stop_requested()) continue;
        work *own = &w[kad_thread_index()];
        const size_t first = (size_t)t * W, here = n - first < W ? n - first : W;
        contract_tile(near, first, here, n_bins, to, slope, self_slope, own);
        for (size_t b = 0; b < (size_t)n_bins; b++)
            memcpy(each + b * n + first, own->sums + b * W, here * sizeof *each);
    }
    KAD_TRY(kad_stop_check(ctx, "bulk"));
    for (size_t b = 0; b < (size_t)n_bins; b++)
        for (size_t i = 0; i < n; i++)
            series[b * n_cells + i / size] += each[b * n + i] / (double)size;
done:
    works_free(n_threads, w);
    kad_free(each);
    return status;
}

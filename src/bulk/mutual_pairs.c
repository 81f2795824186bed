#include "bulk/mutual_pairs.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "base/signals.h"

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

static kad_status make_lists(kad_scope *in, const kad_pairs *pairs, double range,
                             kad_near *near)
{
    KAD_SCOPE(scope, in->ctx);
    int *map, *self_of;
    int32_t *at, sum = 0;
    KAD_CALL(kad_take(&scope, (size_t)pairs->n_classes, &map));
    KAD_CALL(kad_take(&scope, near->bulk->n_rows, &self_of));
    number_classes(pairs, range, map, near);
    KAD_CALL(kad_take(in, (size_t)near->n_classes, &near->class_));
    KAD_CALL(kad_take(&scope, (size_t)near->n_classes, &at));
    KAD_CALL(kad_take(in, 2 * walk(pairs, map, near, NULL), &near->pair));
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
    return KAD_OK;
}

static void make_means(kad_near *near)
{
    const kad_bulk *bulk = near->bulk;
    for (size_t i = 0; i < bulk->n; i++)
        for (size_t r = 0; r < bulk->n_rows; r++)
            near->mean[r] += bulk->z[i * bulk->n_rows + r] / (double)bulk->n;
}

kad_status kad_near_create(kad_scope *in, const kad_bulk *bulk, const kad_pairs *pairs,
                           double range, kad_near **out)
{
    kad_near *near;
    KAD_CALL(kad_take(in, 1, &near));
    near->bulk = bulk;
    near->cells = kad_bulk_cells_of(bulk);
    near->c = (size_t)pairs->n_comp;
    near->cc = near->c * near->c;
    KAD_CALL(kad_take(in, bulk->n_rows, &near->mean));
    make_means(near);
    KAD_CALL(make_lists(in, pairs, range, near));
    KAD_CALL(kad_take(in, (size_t)near->n_classes * near->cc, &near->total));
    KAD_CALL(kad_near_sums(in->ctx, near, 0, 0, NULL, near->total));
    *out = near;
    return KAD_OK;
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

/* What a thread needs: tiles of both latents and one class's products; and what they are
 * added to: sums [n_classes][cc], or values [n_bins][lane] of a tile. */
typedef struct work {
    float *x, *y, *products;
    double *sums;
} work;

static size_t work_bytes(const kad_near *near, size_t n_sums)
{
    return 2 * kad_cut_bytes(near->bulk->n_rows, KAD_ROW_BYTES) +
           kad_cut_bytes(near->cc, KAD_ROW_BYTES) + kad_cut_bytes(n_sums, sizeof(double));
}

static work cut(const kad_near *near, size_t n_sums, void *memory)
{
    char *at = memory;
    work w;
    w.x = kad_cut(&at, near->bulk->n_rows, KAD_ROW_BYTES);
    w.y = kad_cut(&at, near->bulk->n_rows, KAD_ROW_BYTES);
    w.products = kad_cut(&at, near->cc, KAD_ROW_BYTES);
    w.sums = kad_cut(&at, n_sums, sizeof(double));
    return w;
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

/* A group of configurations has sums of its own. */
typedef struct summing {
    const kad_near *near;
    int shift, n_shifts;
    const uint8_t *wanted;
    size_t n_sums;
    double *sums; /* [GROUPS][n_sums] */
} summing;

static bool sum_group(void *self, size_t g, void *memory)
{
    const summing *s = self;
    const size_t n = n_used(s->near), end = (g + 1) * n / GROUPS;
    const double begun = kad_stop_clock();
    work w = cut(s->near, 0, memory);
    w.sums = s->sums + g * s->n_sums;
    for (size_t at = g * n / GROUPS; at < end; at += W) {
        if (kad_stop_overdue(begun)) return false;
        add_tile(s->near, at, end - at < W ? end - at : W, s->shift, s->n_shifts,
                 s->wanted, &w);
    }
    return true;
}

kad_status kad_near_sums(kad_ctx *ctx, const kad_near *near, int shift, int n_shifts,
                         const uint8_t *wanted, double *total)
{
    KAD_SCOPE(scope, ctx);
    const double *parts[GROUPS];
    summing s = {.near = near,
                 .shift = shift,
                 .n_shifts = n_shifts,
                 .wanted = wanted,
                 .n_sums = (size_t)near->n_classes * near->cc};
    KAD_CALL(kad_take(&scope, GROUPS * s.n_sums, &s.sums));
    KAD_CALL(kad_for_tiles(ctx, "bulk", GROUPS, work_bytes(near, 0), sum_group, &s));
    for (size_t g = 0; g < GROUPS; g++)
        parts[g] = s.sums + g * s.n_sums;
    kad_tree_sum(parts, GROUPS, s.n_sums, s.sums);
    normalise(near, wanted, (double)n_used(near), s.sums);
    for (int i = 0; i < near->n_classes; i++)
        if (wanted == NULL || wanted[i])
            memcpy(total + (size_t)i * near->cc, s.sums + (size_t)i * near->cc,
                   near->cc * sizeof *total);
    return KAD_OK;
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

typedef struct contraction {
    const kad_near *near;
    int n_bins;
    const int *to;
    const double *slope, *self_slope;
    double *each; /* [n_bins][n] of single configurations */
} contraction;

static bool contract(void *self, size_t tile, void *memory)
{
    const contraction *c = self;
    const size_t n = n_used(c->near), first = tile * W, left = n - first;
    const size_t here = left < W ? left : W, n_bins = (size_t)c->n_bins;
    work w = cut(c->near, n_bins * W, memory);
    contract_tile(c->near, first, here, c->n_bins, c->to, c->slope, c->self_slope, &w);
    for (size_t b = 0; b < n_bins; b++)
        memcpy(c->each + b * n + first, w.sums + b * W, here * sizeof *c->each);
    return true;
}

kad_status kad_near_series(kad_ctx *ctx, const kad_near *near, int n_bins, const int *to,
                           const double *slope, const double *self_slope, double *series)
{
    KAD_SCOPE(scope, ctx);
    const size_t n = n_used(near), n_cells = near->cells.n, size = near->cells.size;
    contraction c = {near, n_bins, to, slope, self_slope, NULL};
    KAD_CALL(kad_take(&scope, (size_t)n_bins * n, &c.each));
    KAD_CALL(kad_for_tiles(ctx, "bulk", (n + W - 1) / W,
                           work_bytes(near, (size_t)n_bins * W), contract, &c));
    for (size_t b = 0; b < (size_t)n_bins; b++)
        for (size_t i = 0; i < n; i++)
            series[b * n_cells + i / size] += c.each[b * n + i] / (double)size;
    return KAD_OK;
}

#include "bulk/pairs.h"

#include "base/memory.h"
#include "lattice/orbits.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- latents ----------------------------------------------------------------------- */

static kad_status number_latents(kad_scope *in, const kad_flow *flow, kad_pairs *pairs)
{
    KAD_CALL(kad_take(in, (size_t)flow->n_active, &pairs->site));
    for (int level = 0; level < flow->n_levels; level++)
        for (int site = 0; site < flow->lattice->n_sites; site++)
            if (flow->active[site] && flow->level_of[site] == level)
                pairs->site[pairs->n++] = site;
    pairs->n_comp = flow->n_comp;
    return KAD_OK;
}

/* --- classes ----------------------------------------------------------------------- */

/* What the classes of pairs are found with. */
typedef struct classifier {
    const kad_bulk *bulk;
    const kad_lattice *lattice;
    int32_t *class_of_key; /* [n_sites][n_sites] -1: none yet */
} classifier;

/* A pair of sites, shifted by whole periods so that `ref` is in the first. */
static size_t key_of(const classifier *c, int ref, int other, int period)
{
    int a[KAD_MAX_DIM], b[KAD_MAX_DIM];
    kad_lattice_coords(c->lattice, ref, a);
    kad_lattice_coords(c->lattice, other, b);
    for (int mu = 0; mu < c->lattice->d && period > 0; mu++) {
        b[mu] -= a[mu] / period * period;
        a[mu] %= period;
    }
    return (size_t)kad_lattice_site(c->lattice, a) * (size_t)c->lattice->n_sites +
           (size_t)kad_lattice_site(c->lattice, b);
}

/* The smaller key of the two ways to look at a pair of one level; *swapped: the second
 * latent leads. */
static size_t canonical(const classifier *c, int site_k, int site_l, bool *swapped)
{
    const int *level_of = c->bulk->model->flow->level_of;
    const int period = c->bulk->period[level_of[site_l]];
    const size_t key = key_of(c, site_l, site_k, period);
    *swapped = false;
    if (level_of[site_k] != level_of[site_l]) return key;
    const size_t other = key_of(c, site_k, site_l, period);
    *swapped = other < key;
    return *swapped ? other : key;
}

static kad_status classify(kad_ctx *ctx, const kad_bulk *bulk, kad_pairs *pairs)
{
    KAD_SCOPE(scope, ctx);
    const kad_lattice *lattice = bulk->model->lattice;
    const size_t n_sites = (size_t)lattice->n_sites;
    classifier c = {.bulk = bulk, .lattice = lattice};
    KAD_CALL(kad_take(&scope, n_sites * n_sites, &c.class_of_key));
    memset(c.class_of_key, 0xff, n_sites * n_sites * sizeof(int32_t));
    for (int k = 0; k < pairs->n; k++)
        for (int l = k; l < pairs->n; l++) {
            bool swapped;
            const size_t key = canonical(&c, pairs->site[k], pairs->site[l], &swapped);
            if (c.class_of_key[key] < 0) c.class_of_key[key] = pairs->n_classes++;
            pairs->class_of[kad_pair_at(pairs, k, l)] =
                2 * c.class_of_key[key] + (swapped ? 1 : 0);
        }
    return KAD_OK;
}

/* --- bins -------------------------------------------------------------------------- */

enum { SELF = 0, SIBLINGS = 1, APART = 2, OCTAVES = 64 };

/* Place of a pair among the bins of its levels: itself, others at its position, then by
 * ln r. */
static int slot_of(double r2, bool self, int per_octave)
{
    if (self) return SELF;
    if (!(r2 > 0)) return SIBLINGS;
    /* just above the edge of a bin still belongs to it, whatever the rounding */
    const double octave = 0.5 * log2(r2) + 2 + 1e-9;
    const int slot = APART + (int)floor(octave * per_octave);
    return slot < APART ? APART : slot;
}

/* Pairs of one bin while they are counted. */
static void count_pair(kad_pair_bin *bin, double r2, int tree)
{
    const double r = sqrt(r2);
    bin->r += r2 > 0 ? log(r) : 0;
    bin->tree += tree;
    if (bin->n_pairs == 0 || r < bin->r_lo) bin->r_lo = r;
    if (r > bin->r_hi) bin->r_hi = r;
    bin->n_pairs++;
}

/* Bins that have pairs, in the order of levels and separation; place[level_a][level_b]
 * [slot] their numbers. */
static kad_status keep_bins(kad_scope *in, size_t n_places, kad_pair_bin *all,
                            int32_t *place, kad_pairs *pairs)
{
    for (size_t i = 0; i < n_places; i++)
        place[i] = all[i].n_pairs > 0 ? pairs->n_bins++ : -1;
    KAD_CALL(kad_take(in, (size_t)pairs->n_bins, &pairs->bin));
    for (size_t i = 0; i < n_places; i++) {
        if (place[i] < 0) continue;
        kad_pair_bin *bin = &pairs->bin[place[i]];
        *bin = all[i];
        bin->r = !(bin->r_hi > 0) ? 0 : exp(bin->r / (double)bin->n_pairs);
        bin->tree /= (double)bin->n_pairs;
    }
    return KAD_OK;
}

static kad_status bin_pairs(kad_scope *in, const kad_bulk *bulk, int per_octave,
                            kad_pairs *pairs, int32_t *bin_of_pair)
{
    KAD_SCOPE(scope, in->ctx);
    const kad_lattice *lattice = bulk->model->lattice;
    const int *level_of = bulk->model->flow->level_of, n_levels = bulk->n_levels,
              n_slots = OCTAVES * per_octave, d = lattice->d;
    const size_t n_places = (size_t)n_levels * (size_t)n_levels * (size_t)n_slots;
    kad_pair_bin *all;
    int32_t *place;
    KAD_CALL(kad_take(&scope, n_places, &all));
    KAD_CALL(kad_take(&scope, n_places, &place));
    for (int k = 0; k < pairs->n; k++)
        for (int l = k; l < pairs->n; l++) {
            const int i = pairs->site[k], j = pairs->site[l];
            const double r2 = kad_lattice_distance2(lattice, bulk->position + i * d,
                                                    bulk->position + j * d);
            const int slot = slot_of(r2, k == l, per_octave),
                      at = (level_of[i] * n_levels + level_of[j]) * n_slots + slot;
            all[at].level_a = level_of[i];
            all[at].level_b = level_of[j];
            all[at].self = k == l;
            count_pair(
                &all[at], r2,
                kad_lattice_tree_distance(lattice, i, level_of[i], j, level_of[j]));
            bin_of_pair[kad_pair_at(pairs, k, l)] = at;
        }
    KAD_CALL(keep_bins(in, n_places, all, place, pairs));
    for (size_t i = 0; i < (size_t)pairs->n * (size_t)(pairs->n + 1) / 2; i++)
        bin_of_pair[i] = place[bin_of_pair[i]];
    return KAD_OK;
}

static kad_status bin_classes(kad_scope *in, const int32_t *bin_of_pair, kad_pairs *pairs)
{
    const size_t n = (size_t)pairs->n * (size_t)(pairs->n + 1) / 2;
    KAD_CALL(kad_take(in, (size_t)pairs->n_classes, &pairs->bin_of));
    KAD_CALL(kad_take(in, (size_t)pairs->n_classes, &pairs->n_in));
    for (size_t i = 0; i < n; i++) {
        const int32_t class = pairs->class_of[i] / 2;
        if (pairs->n_in[class]++ == 0) pairs->bin[bin_of_pair[i]].n_classes++;
        pairs->bin_of[class] = bin_of_pair[i];
    }
    return KAD_OK;
}

/* --- runs -------------------------------------------------------------------------- */

/* Partners of one latent, sorted by bin: counting sort. */
static void sort_partners(kad_pairs *pairs, int k, const int32_t *bin_of_pair,
                          int32_t *count)
{
    const size_t base = kad_pair_at(pairs, k, k);
    const int n = pairs->n - k;
    int32_t at = (int32_t)base;
    memset(count, 0, (size_t)pairs->n_bins * sizeof *count);
    for (int i = 0; i < n; i++)
        count[bin_of_pair[base + (size_t)i]]++;
    for (int b = 0; b < pairs->n_bins; b++) {
        const int32_t m = count[b];
        if (m > 0) pairs->run[pairs->n_runs++] = (kad_pair_run){b, at, at + m};
        count[b] = at;
        at += m;
    }
    for (int i = 0; i < n; i++)
        pairs->partner[count[bin_of_pair[base + (size_t)i]]++] = k + i;
}

static kad_status make_runs(kad_scope *in, const int32_t *bin_of_pair, kad_pairs *pairs)
{
    KAD_SCOPE(scope, in->ctx);
    const size_t n = (size_t)pairs->n;
    int32_t *count;
    size_t n_most = n * (size_t)pairs->n_bins, n_pairs = n * (n + 1) / 2;
    if (n_most > n_pairs) n_most = n_pairs;
    KAD_CALL(kad_take(&scope, (size_t)pairs->n_bins, &count));
    KAD_CALL(kad_take(in, n + 1, &pairs->first_run));
    KAD_CALL(kad_take(in, n_most, &pairs->run));
    KAD_CALL(kad_take(in, n_pairs, &pairs->partner));
    for (int k = 0; k < pairs->n; k++) {
        pairs->first_run[k] = pairs->n_runs;
        sort_partners(pairs, k, bin_of_pair, count);
    }
    pairs->first_run[pairs->n] = pairs->n_runs;
    return KAD_OK;
}

kad_status kad_pairs_create(kad_scope *in, const kad_bulk *bulk, int bins_per_octave,
                            kad_pairs **out)
{
    KAD_SCOPE(scope, in->ctx);
    const kad_flow *flow = bulk->model->flow;
    const double n = flow->n_active, all = (double)flow->lattice->n_sites;
    const double bytes = 4 * (all * all + 4 * n * n);
    kad_pairs *pairs;
    int32_t *bin_of_pair;
    if (n > 32767)
        return kad_fail(in->ctx, KAD_ECONFIG, "bulk: pairs of %d latents are too many",
                        flow->n_active);
    KAD_CALL(kad_memory_require(in->ctx, (size_t)bytes, "the pairs of latents"));
    KAD_CALL(kad_take(in, 1, &pairs));
    *out = pairs;
    KAD_CALL(number_latents(in, flow, pairs));
    const size_t n_pairs = (size_t)pairs->n * (size_t)(pairs->n + 1) / 2;
    KAD_CALL(kad_take(in, n_pairs, &pairs->class_of));
    KAD_CALL(kad_take(&scope, n_pairs, &bin_of_pair));
    KAD_CALL(classify(in->ctx, bulk, pairs));
    KAD_CALL(bin_pairs(in, bulk, bins_per_octave, pairs, bin_of_pair));
    KAD_CALL(bin_classes(in, bin_of_pair, pairs));
    return make_runs(in, bin_of_pair, pairs);
}

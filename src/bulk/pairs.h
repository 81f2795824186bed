/* Pairs of latents sorted into bins of (level, level, separation), and into classes that
 * the symmetry of the blocks makes equal.
 *
 * Latents are numbered by level, then by site; a pair is (k, l), k <= l, so that the
 * first is not coarser than the second. Pairs with themselves have bins of their own. */
#ifndef KAD_BULK_PAIRS_H
#define KAD_BULK_PAIRS_H

#include "base/real.h"
#include "bulk/bulk.h"

typedef struct kad_pair_bin {
    int level_a, level_b; /* of the first, of the second; level_a <= level_b */
    bool self;            /* a latent with itself */
    double r; /* separation, lattice steps: exp of the mean of ln r; 0: at the same
                 position */
    double r_lo, r_hi; /* the smallest and the largest separation */
    double tree;       /* mean tree distance */
    int64_t n_pairs;
    int64_t n_classes;
} kad_pair_bin;

/* Latents of one bin beside latent `first`: partner[begin .. end - 1]. */
typedef struct kad_pair_run {
    int32_t bin, begin, end;
} kad_pair_run;

typedef struct kad_pairs {
    int n, n_comp; /* latents (active sites), components of each */
    int32_t *site; /* [n] site of a latent */
    int n_bins;
    kad_pair_bin *bin;
    int n_classes;
    int32_t
        *class_of;   /* [n (n + 1)/2] 2 * class + (1: its first is this pair's second) */
    int32_t *bin_of; /* [n_classes] */
    int32_t *n_in;   /* [n_classes] pairs of a class */
    int n_runs;
    int32_t *first_run; /* [n + 1] runs of a latent */
    kad_pair_run *run;
    int32_t *partner; /* [n (n + 1)/2] second latents, ordered by first, then by bin */
} kad_pairs;

/* bins_per_octave: bins of the separation for a factor of two. Errors: KAD_ECONFIG (more
 * latents than memory for their pairs), KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_pairs_create(kad_scope *in, const kad_bulk *bulk,
                                         int bins_per_octave, kad_pairs **out);

/* Place of pair (k, l), k <= l, in class_of. */
static inline size_t kad_pair_at(const kad_pairs *pairs, int k, int l)
{
    const size_t n = (size_t)pairs->n, a = (size_t)k;
    return a * n - a * (a + 1) / 2 + (size_t)l;
}

/* Sums over the pairs of every bin, for KAD_W configurations at once:
 *     out[bin][0][lane]           = sum_{(k,l)} sum_ab weight(k,l)_ab z_ka z_lb
 *     out[bin][1 + a c + b][lane] = sum_{(k,l)} z_ka z_lb          (c components)
 * Shapes: z [n][c][KAD_W], weight [pairs][c][c] in the order of partner, out [n_bins]
 * [1 + c c][KAD_W] (overwritten). */
#define KAD_PAIR_COMPONENTS 4 /* most components */
void kad_pair_sums_f32(const kad_pairs *pairs, const float *z, const float *weight,
                       float *out);
void kad_pair_sums_f64(const kad_pairs *pairs, const double *z, const double *weight,
                       double *out);

#endif

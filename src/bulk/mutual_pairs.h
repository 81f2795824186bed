/* Covariances of near pairs of latents, class by class (bulk/pairs.h), with configurations
 * of the second latent shifted against the first at will: a shift leaves every latent its
 * own law and its own autocorrelation, and nothing in common. */
#ifndef KAD_BULK_MUTUAL_PAIRS_H
#define KAD_BULK_MUTUAL_PAIRS_H

#include "bulk/cells.h"
#include "bulk/pairs.h"

/* A class of pairs: sites pair[first .. end - 1][2], first latent not coarser. */
typedef struct kad_near_class {
    int bin;     /* of kad_pairs */
    int self[2]; /* classes of a latent with itself, of both latents */
    int32_t first, end;
} kad_near_class;

typedef struct kad_near {
    const kad_bulk *bulk;
    kad_bulk_cells cells;
    size_t c, cc; /* components, their square */
    double *mean; /* [n_rows] of the latents */
    int n_classes;
    int n_self; /* the first n_self classes are latents with themselves */
    kad_near_class *class_;
    int32_t *pair; /* [..][2] sites */
    double *total; /* [n_classes][c][c] <z_a z_b> connected, of unshifted pairs */
} kad_near;

/* Pairs of separation <= range * 2^level of the coarser. Errors: KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_near_create(kad_scope *in, const kad_bulk *bulk,
                                        const kad_pairs *pairs, double range,
                                        kad_near **out);

/* Number of the configuration that takes the place of `config` for second latents. shift
 * 0: itself. */
size_t kad_near_shifted(const kad_bulk *bulk, size_t config, int shift, int n_shifts);

/* total [n_classes][c][c] of shift `shift` of n_shifts (1 .. n_shifts), for classes with
 * wanted[class]; the others are left alone. */
KAD_MUST_USE kad_status kad_near_sums(kad_ctx *ctx, const kad_near *near, int shift,
                                      int n_shifts, const uint8_t *wanted, double *total);
/* series[bin][cell] += sum over classes of pairs of slope[class][c][c] . covariance in
 * the cell, class i into bin to[i] (none where negative), + sum over latents with
 * themselves of self_slope[bin][class][c][c] . variance in the cell. */
KAD_MUST_USE kad_status kad_near_series(kad_ctx *ctx, const kad_near *near, int n_bins,
                                        const int *to, const double *slope,
                                        const double *self_slope, double *series);

/* out[a c + b][lane] += sum over pairs of x[pair[0]]_a y[pair[1]]_b; tiles of KAD_W lanes,
 * [site][c][lane]. */
void kad_near_products_f32(size_t n_pairs, const int32_t *pair, int c, const float *x,
                           const float *y, float *out);
void kad_near_products_f64(size_t n_pairs, const int32_t *pair, int c, const double *x,
                           const double *y, double *out);

/* Distances of point i from all n, maximum norm: out[j] = max_c |x[c][j] - x[c][i]|. */
void kad_max_norms_f32(size_t n, size_t d, const float *x, size_t i, float *out);
void kad_max_norms_f64(size_t n, size_t d, const double *x, size_t i, double *out);
/* How many of a[n] are below `limit`. */
size_t kad_count_below_f32(size_t n, const float *a, float limit);
size_t kad_count_below_f64(size_t n, const double *a, double limit);

#endif

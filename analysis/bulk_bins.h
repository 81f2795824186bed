/* Two-point functions of the latents with their errors: /bulk/correlators (or /bulk/null)
 * of a results file read, errors added by the Gamma method, and written as
 * /correlators/bulk (/correlators/bulk/null):
 *   level_a, level_b, level_difference, self, r, r_lo, r_hi, tree, n_pairs [bin]
 *   strength2, strength2_err, magnitude = sqrt(strength2), magnitude_err, tau_int,
 *   tau_int_err (configurations), flag [bin];  strength2_cov [bin, bin]
 *   corr, corr_err [bin]: trace of the mean over components / c;  mean, mean_err [bin, c,
 *   c]
 * with the attributes of the group read, and shrinkage and n_bins of the covariance. What
 * the numbers are: src/bulk/correlators.h. */
#ifndef KAD_ANALYSIS_BULK_BINS_H
#define KAD_ANALYSIS_BULK_BINS_H

#include "analysis/gamma.h"
#include "io/h5.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct kad_bulk_bin {
    int level_a, level_b; /* finer, coarser */
    bool self;            /* every latent with itself: r = 0 */
    double r, r_lo, r_hi, tree;
    int64_t n_pairs, n_classes;
    double strength2, err; /* err NaN: the series is too short for one */
    double tau_int, tau_int_err;
    kad_gamma_flag flag;
    double corr, corr_err;
} kad_bulk_bin;

typedef struct kad_bulk_bins {
    size_t n, n_chains, n_per_chain, n_comp;
    int n_levels;
    kad_bulk_bin *bin;       /* [n] */
    double *mean, *mean_err; /* [n][c][c] */
    double *cov;             /* [n][n] of strength2; rows without an error are NaN */
    double shrinkage;
    size_t n_blocks; /* bins of configurations the covariance is made of */
} kad_bulk_bins;

/* From the group `from`. Errors: KAD_EDATA, KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_bulk_bins_read(kad_scope *in, kad_h5 *file, const char *from,
                                           kad_bulk_bins *out);
/* Replaces the group `to`. */
KAD_MUST_USE kad_status kad_bulk_bins_write(kad_ctx *ctx, kad_h5 *file,
                                            const kad_bulk_bins *bins, const char *to);

/* --- other series of the bulk (bulk_series.c) --- */

/* Series of cells (src/bulk/cells.h) into values with errors: for every dataset /bulk/GROUP/series/NAME [...][chain][cell] that carries the
 * attribute `cell`: /bulk/GROUP/NAME [...] the mean and NAME_err its error by the
 * Gamma method over the cells; the error is NaN for too few cells for their
 * autocorrelation, where the window never closes, and where the series never moves.
 * Series that are NaN stay so. Nothing happens without a group /bulk. Errors:
 * KAD_EDATA, KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_bulk_series(kad_ctx *ctx, kad_h5 *file);

#endif

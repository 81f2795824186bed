/* Series of cells that src/bulk leaves (src/bulk/cells.h) into values with errors. */
#ifndef KAD_ANALYSIS_BULK_SERIES_H
#define KAD_ANALYSIS_BULK_SERIES_H

#include "io/h5.h"

/* For every dataset /bulk/GROUP/series/NAME [...][chain][cell] that carries the
 * attribute `cell`: /bulk/GROUP/NAME [...] the mean and NAME_err its error by the
 * Gamma method over the cells; the error is NaN for too few cells for their
 * autocorrelation, where the window never closes, and where the series never moves.
 * Series that are NaN stay so. Nothing happens without a group /bulk. Errors:
 * KAD_EDATA, KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_bulk_series(kad_ctx *ctx, kad_h5 *file);

#endif

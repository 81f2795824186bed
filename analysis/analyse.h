/* The analysis of a run: reads run.h5, writes /analysis, /correlators/boundary and
 * /diagnostics back. Nothing else is needed: it works on any file of the schema.
 *   /analysis/NAME             chain averages by the Gamma method
 *   /analysis/NAME_reweighted  self-normalised importance weights of the same draws
 *   /analysis/log_z            ln Z, its bounds, ESS, acceptance, of the weighted sampler
 *                              with most draws (attribute `sampler`)
 *
 * This folder makes numbers of a results file, which is all that it reads (the page that
 * shows them: report/):
 *   recorded, table, results, text  series and tables of the file; text that grows
 *   collection                      tables of many runs, or values, side by side
 *   gamma, equilibrium              errors of chains; whether these forgot their start
 *   derived, functions              functions of means
 *   derivatives                     of what is known at points with errors
 *   fit, linear, smooth             fits to correlated data; replicas: their errors
 *   crossing, collapse, jump, fss   finite-size scaling; combine: seeds
 *   estimates, means, reshuffle, runs, mbar: tables of one sampler, or of several runs
 *   weighed, agreement, comparison  samplers against each other
 *   mbar, anchor, curves            chains at several couplings together
 *   bulk_bins, geodesics            the bulk
 *   warn, advice, diagnostics       what should make one stop and look
 *   physics                         what a run is of */
#ifndef KAD_ANALYSIS_ANALYSE_H
#define KAD_ANALYSIS_ANALYSE_H

#include "io/run_folder.h"

/* Errors: KAD_EDATA (a damaged or foreign file), KAD_EIO, KAD_ENOMEM. A run without
 * samples gives the training's diagnostics only. */
KAD_MUST_USE kad_status kad_analyse(kad_ctx *ctx, const kad_run *run);
/* The same on an open file. */
KAD_MUST_USE kad_status kad_analyse_file(kad_ctx *ctx, kad_h5 *file);

#endif

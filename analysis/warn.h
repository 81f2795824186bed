/* The rules behind the warnings: what in a run should make its user stop and look. */
#ifndef KAD_ANALYSIS_WARN_H
#define KAD_ANALYSIS_WARN_H

#include "analysis/diagnostics.h"
#include "analysis/equilibrium.h"
#include "analysis/recorded.h"
#include "analysis/runs.h"

/* A chain: constant or short series, R-hat, replicas that disagree, hidden slow modes,
 * long runs of rejections, a sign of m that never changes, dH off balance or a poor
 * acceptance of hmc, a disagreement with an exact value. Errors: KAD_ENOMEM, KAD_EDATA.
 */
KAD_MUST_USE kad_status kad_warn_chain(kad_ctx *ctx, kad_diagnostics *diagnostics,
                                       const kad_recorded *recorded,
                                       const kad_estimates *estimates,
                                       const kad_runs *runs);
/* Replicas that exchange their states hardly ever, or states that never made the way to
 * the other end and back. */
void kad_warn_replicas(kad_ctx *ctx, kad_h5 *file, kad_diagnostics *diagnostics,
                       const char *sampler);
/* What speaks against equilibrium, if anything, with the burn-in to use. */
void kad_warn_thermal(kad_diagnostics *diagnostics, const kad_recorded *recorded,
                      const kad_thermal *thermal);
/* Weights of a map that solves an equation: the solver's error of ln q, which the file
 * states (/training@solver_error), against the error of ln Z: a warning from a fifth of it
 * on, from all of it on an error. */
void kad_warn_solver(kad_ctx *ctx, kad_h5 *file, kad_diagnostics *diagnostics,
                     const kad_recorded *recorded, const kad_estimates *log_z);
/* Weights: small ESS, one dominating weight, draws without a weight, ln Z against its
 * exact value. */
void kad_warn_weights(kad_diagnostics *diagnostics, const kad_recorded *recorded,
                      const kad_estimates *log_z);
/* Rows left out of a table of the sampler. */
void kad_warn_undefined(kad_diagnostics *diagnostics, const char *sampler,
                        const kad_estimates *estimates);
/* Estimates more than four standard errors off their exact values; more than five are an
 * error. */
void kad_warn_exact(kad_diagnostics *diagnostics, const char *sampler,
                    const kad_estimates *estimates);
/* Values of a family (/family) at which the map's weights are worth too little. Errors: KAD_ENOMEM,
 * KAD_EDATA. */
KAD_MUST_USE kad_status kad_warn_family(kad_ctx *ctx, kad_h5 *file,
                                        kad_diagnostics *diagnostics);
/* /training: skipped steps, inverse error, cut off while improving. */
KAD_MUST_USE kad_status kad_warn_training(kad_ctx *ctx, kad_h5 *file,
                                          kad_diagnostics *diagnostics);

#endif

/* Estimates of one sampler: means of its observables and of functions of them, from the
 * chain (Gamma method) or from weighted draws (self-normalised, jackknife). */
#ifndef KAD_ANALYSIS_MEANS_H
#define KAD_ANALYSIS_MEANS_H

#include "analysis/derived.h"
#include "analysis/estimates.h"
#include "analysis/functions.h"
#include "analysis/recorded.h"

/* Scalars, then the functions of analysis/functions.h whose inputs exist; exact values
 * from /exact. */
KAD_MUST_USE kad_status kad_analyse_chain(kad_scope *in, kad_h5 *file,
                                          const kad_recorded *recorded,
                                          kad_estimates **out);
KAD_MUST_USE kad_status kad_analyse_weighted(kad_scope *in, kad_h5 *file,
                                             const kad_recorded *recorded,
                                             kad_estimates **out);

/* Lattice and model of a sampler's series. */
kad_lattice_facts kad_facts_of(const kad_recorded *recorded, size_t index);

/* A function of means, by the one way or the other, as a row (not added: *row is filled,
 * its name empty). */
KAD_MUST_USE kad_status kad_estimate_function(kad_ctx *ctx, const kad_recorded *recorded,
                                              bool weighted, size_t n_inputs,
                                              const kad_input *inputs, kad_function f,
                                              const void *self, kad_row *row);

/* ln Z and the quality of the weights: log_z, its bounds, ess, acceptance (from the
 * weights), largest_share; and the measured acceptance of a chain. */
KAD_MUST_USE kad_status kad_analyse_log_z(kad_scope *in, kad_h5 *file,
                                          const kad_recorded *recorded,
                                          kad_estimates **out);

/* Writes /correlators/boundary/NAME: r, G, G_err, cov (axis); G_diagonal, ...; k, Gk,
 * Gk_err; m_eff. */
KAD_MUST_USE kad_status kad_analyse_correlators(kad_ctx *ctx, kad_h5 *file,
                                                const kad_recorded *recorded,
                                                bool weighted);

/* Writes /correlators/boundary/NAME/full (weighted: NAME_reweighted) from the binned
 * functions of the sampler: G(r) and C(k) on irreducible displacements and momenta, with
 * errors; nothing without them. */
KAD_MUST_USE kad_status kad_analyse_spectrum(kad_ctx *ctx, kad_h5 *file,
                                             const kad_recorded *recorded, bool weighted);

#endif

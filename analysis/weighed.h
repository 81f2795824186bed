/* A map's weights at configurations of samplers that do not use it (record/weigh.h).
 *
 * With c any constant, h = 1/(1 + w/e^c) and both means of bounded functions,
 *   E_q[(w/e^c) h] = Z/e^c E_pi[h]
 * holds whatever the map misses (Bennett's acceptance ratio): what the map never draws has
 * h near 0. With e^c the map's own Z the left side is the reweighted mean of h, so that
 * `overlap` = <h> is an observable (1/2 for a perfect map) in which the map and a sampler
 * that sees more than the map disagree: their ratio is the share of Z that the map has.
 *
 *   /analysis/log_z_NAME   log_z_upper  <ln w> over NAME's configurations, >= ln Z whatever
 *                                       the map misses
 *                          upper_gap    less the map's own, the mean over its own draws
 *                          overlap      <h>
 *                          log_z        c + ln E_q[(w/e^c) h] - ln <h>, from both
 * Errors: from eight chains on, of the chains' means; else the Gamma method's.
 * Source: C. H. Bennett, J. Comput. Phys. 22 (1976) 245; for maps that lose modes, Nicoli
 * et al., arXiv:2302.14082. */
#ifndef KAD_ANALYSIS_WEIGHED_H
#define KAD_ANALYSIS_WEIGHED_H

#include "analysis/agreement.h"

/* The weighted sampler with most draws; `own`: of those whose weights are the map's own. n: none. */
size_t kad_weighed_main(kad_ctx *ctx, kad_h5 *file, size_t n, char *const *names,
                        bool own);
/* Of the samplers `names` of a file, that of index `main` (n: none) being the one whose
 * weights speak for ln Z; the map is known by the sampler with most weights of its own, which
 * those of annealed draws are not: tables as above, `overlap` as a row of the agreement, and
 * warnings: nobody else looked, a gap of the upper bounds beyond its error, configurations without a finite
 * ln q, ln Z off its exact value. Errors: KAD_EDATA, KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_analyse_weighed(kad_ctx *ctx, kad_h5 *file, size_t n,
                                            char *const *names, size_t main,
                                            kad_agreement *agreement,
                                            kad_diagnostics *diagnostics);
/* A refuted overlap, as an error: the map misses modes, or the other sampler is not in
 * equilibrium. After kad_agreement_finish. */
void kad_weighed_warn(const kad_agreement *agreement, kad_diagnostics *diagnostics);

#endif

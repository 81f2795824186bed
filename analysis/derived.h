/* Functions of means: f(<a_1>, ..., <a_P>), e.g. the Binder cumulant. Chains: the Gamma
 * method on the projected series sum_k (df/da_k) a_k (hep-lat/0306017, eq. (37)), the
 * gradient by central differences of one naive standard error, as there. Weighted draws:
 * the jackknife error of the self-normalised mean of that series, which is the linear
 * propagation of their covariance. */
#ifndef KAD_ANALYSIS_DERIVED_H
#define KAD_ANALYSIS_DERIVED_H

#include "analysis/gamma.h"

/* Series a(i) = data[i * stride + offset], i over all draws of all chains. */
typedef struct kad_input {
    const double *data;
    size_t stride, offset;
} kad_input;

typedef double (*kad_function)(size_t n, const double *mean, const void *self);

/* out->mean is f at the means; flag, tau_int and errors are those of the projection.
 * Where f or its gradient is not finite: mean NaN, err NaN; where nothing that f depends
 * on varies: err NaN. Errors: KAD_ENOMEM, KAD_EDATA. */
KAD_MUST_USE kad_status kad_derived_chain(kad_ctx *ctx, size_t n_chains, size_t n_draws,
                                          size_t n_inputs, const kad_input *inputs,
                                          kad_function f, const void *self,
                                          kad_gamma *out);
/* The same for n weighted draws; dof of the error as in jackknife.h. */
KAD_MUST_USE kad_status kad_derived_weighted(kad_ctx *ctx, size_t n, const double *log_w,
                                             size_t n_inputs, const kad_input *inputs,
                                             kad_function f, const void *self,
                                             double *value, double *err, double *dof);

#endif

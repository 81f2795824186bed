/* A trained map: flow + parameters + symmetrisation, on batches of samples stored sample
 * by sample in double. This is what samplers and analyses use. Tiles are spread over
 * ctx->n_threads; results do not depend on their number. What is asked to stop and has
 * taken over a second (kad_stop_overdue) gives up with KAD_EINTERRUPTED.
 *
 * The density q may be an average over images of the lattice and the global sign (average.h):
 * a draw is then a random image of generate(z), and ln q costs an inference an image. Without,
 * q = q0, that of generate(z) alone. */
#ifndef KAD_FLOW_MAP_H
#define KAD_FLOW_MAP_H

#include "base/memory.h"
#include "flow/flow.h"
#include "flow/mixture.h"

typedef struct kad_map kad_map;

/* theta [n_theta] is copied (packed in both precisions); the average (NULL: none) is
 * borrowed. */
KAD_MUST_USE kad_status kad_map_create(kad_ctx *ctx, const kad_flow *flow,
                                       const double *theta, const kad_mixture *mixture,
                                       kad_map **out);
void kad_map_destroy(kad_map *map);
KAD_LOCAL_OF(kad_map, kad_map_destroy)
/* The same map with `factor` times the steps in stages that solve an equation: what their
 * solver's error is measured against. */
void kad_map_refine(kad_map *map, int factor);
/* The most steps of such a stage; 0: there is none. */
int kad_map_steps(const kad_map *map);
const kad_flow *kad_map_flow(const kad_map *map);
/* The packed parameters in one precision, for the kernels of flow.h. */
const void *kad_map_packed(const kad_map *map, kad_prec prec);

/* Is its density an average over the global sign? */
bool kad_map_signs(const kad_map *map);

/* Draw samples first .. first + n - 1 of the stream (seed, purpose): y [n][n_rows] in
 * precision `prec` (stored as double; inactive rows 0), lnq [n] = ln q(y), z [n][n_rows]
 * latents (NULL: not wanted). `exact`: lnq is recomputed in double by inference at y
 * (what accept/reject must use); else it is the value accumulated during generation. A
 * sample depends on its number only. */
KAD_MUST_USE kad_status kad_map_draw(kad_ctx *ctx, const kad_map *map, uint64_t seed,
                                     kad_purpose purpose, uint64_t first, size_t n,
                                     kad_prec prec, bool exact, double *y, double *lnq,
                                     double *z);
/* ln q(y) of given samples, in `prec`; z = latents (of y itself, the first term of an
 * average). Either may be NULL: not wanted; latents alone cost one inference. */
KAD_MUST_USE kad_status kad_map_lnq(kad_ctx *ctx, const kad_map *map, size_t n,
                                    kad_prec prec, const double *y, double *lnq,
                                    double *z);
/* y = generate(z), ld = ln|det dy/dz| (NULL: not wanted), in `prec`. */
KAD_MUST_USE kad_status kad_map_generate(kad_ctx *ctx, const kad_map *map, size_t n,
                                         kad_prec prec, const double *z, double *y,
                                         double *ld);

#endif

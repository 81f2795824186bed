/* The weight that a trained map gives to configurations it did not make.
 *   ln w = offset - S - ln q,    <ln w> over the model >= ln Z
 * (sample/proposals.h): whatever the map misses is in that mean, and cannot be in one over
 * the map's own draws, however they are accepted or weighted. */
#ifndef KAD_RECORD_WEIGH_H
#define KAD_RECORD_WEIGH_H

#include "flow/map.h"
#include "io/run_folder.h"
#include "models/action.h"

/* Configurations of a sampler that are weighed at most (or one a chain). */
enum { KAD_WEIGHED_MOST = 1024 };

/* ln q [n] (NULL: not wanted) and ln w [n] of boundary configurations x [n][n_sites *
 * n_comp], in double; ln w is +infinite where ln q or S is not finite. Errors: KAD_ENOMEM,
 * KAD_EINTERRUPTED. */
KAD_MUST_USE kad_status kad_weights_of(kad_ctx *ctx, const kad_action *action,
                                       const kad_map *map, size_t n, const double *x,
                                       double *lnq, double *log_w);

/* Writes map_log_weight [chain][cfg] into /samplers/NAME of run.h5, of configurations
 * stored there (every so many of a chain), S and ln q in double; infinite where the map's
 * ln q is not finite. Attributes: map (`hash`, which stands for the map), seconds. Nothing
 * is done where the group is absent, uses the map, stores no configurations, or has the
 * weights of this map already.
 * Errors: KAD_EINTERRUPTED (a stop was asked for), KAD_EDATA, KAD_EIO, KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_weigh(kad_ctx *ctx, const kad_run *run,
                                  const kad_action *action, const kad_map *map,
                                  uint64_t hash, const char *name);

/* The same in an open file, which is not saved. *done: there was something to weigh. */
KAD_MUST_USE kad_status kad_weigh_into(kad_ctx *ctx, kad_h5 *file,
                                       const kad_action *action, const kad_map *map,
                                       uint64_t hash, const char *name, bool *done);

#endif

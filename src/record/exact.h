/* Exact values beside the estimates: /exact/NAME of a results file, one scalar each with
 * the attribute `source`, NAME being "log_z" or an observable's. Written with the
 * samples; the analysis compares. */
#ifndef KAD_RECORD_EXACT_H
#define KAD_RECORD_EXACT_H

#include "io/h5.h"
#include "models/action.h"

/* Replaces /exact; nothing is written where nothing is known. */
KAD_MUST_USE kad_status kad_exact_write(kad_ctx *ctx, kad_h5 *file,
                                        const kad_action *action);

#endif

/* What several runs are called beside each other. */
#ifndef KAD_CLI_RUN_LABELS_H
#define KAD_CLI_RUN_LABELS_H

#include "base/memory.h"

/* Labels of n run folders by the parts of their paths that differ: of sweep/L=8/T=2/s=1 and
 * sweep/L=8/T=2.1/s=1 they are T=2 and T=2.1. One run, or the same one twice, is called by
 * the last part. Taken in the scope. */
KAD_MUST_USE kad_status kad_run_labels(kad_scope *in, size_t n, const char *const *paths,
                                       const char **labels);

#endif

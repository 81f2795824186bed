/* How far a run is, in words, and what goes on with it. */
#ifndef KAD_CLI_RUN_STATE_H
#define KAD_CLI_RUN_STATE_H

#include "io/run_folder.h"

#include <stdbool.h>

enum { KAD_RUN_STATE = 128 };

/* "complete", "stopped by SIGTERM", "running now", "no end is recorded: killed", "only
 * trained", ... from the status in the file and the folder's lock. Returns whether the run
 * is complete. */
bool kad_run_state(kad_ctx *ctx, const kad_run *run, kad_h5 *file,
                   char text[KAD_RUN_STATE]);

/* The last component of a run folder's path names the run. */
const char *kad_run_label(const char *path);

#endif

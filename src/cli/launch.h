/* How the program is started: as one process (launch.c), or as the ranks of kadanoff-mpi
 * (launch_mpi.c, linked in its place). */
#ifndef KAD_CLI_LAUNCH_H
#define KAD_CLI_LAUNCH_H

#include "base/context.h"

#include <stdbool.h>

/* ctx gets its ranks, if there are several. Errors: KAD_EUSAGE (their number, or a launcher
 * that this program does not know), KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_launch(kad_ctx *ctx, int *argc, char ***argv);
/* Is this the process that speaks, also where there are no ranks yet? */
bool kad_launch_speaks(void);
/* After everything, and after kad_ranks_leave. */
void kad_launch_end(void);

#endif

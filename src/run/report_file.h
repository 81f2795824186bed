/* report.html of a run folder. */
#ifndef KAD_RUN_REPORT_FILE_H
#define KAD_RUN_REPORT_FILE_H

#include "io/run_folder.h"

/* Make the page from run.h5 and write it into the folder, or to `path`. */
KAD_MUST_USE kad_status kad_report_write(kad_ctx *ctx, const kad_run *run);
KAD_MUST_USE kad_status kad_report_write_to(kad_ctx *ctx, const kad_run *run,
                                            const char *path);
/* The same if the folder has none. */
KAD_MUST_USE kad_status kad_report_ensure(kad_ctx *ctx, const kad_run *run);

#endif

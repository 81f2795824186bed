/* What the commands print of a results file. */
#ifndef KAD_CLI_PRINT_H
#define KAD_CLI_PRINT_H

#include "analysis/diagnostics.h"
#include "run/app.h"

/* Tables of results on the terminal, exact values beside (summary.c). */
KAD_MUST_USE kad_status kad_print_results(kad_app *app, kad_h5 *file);

/* Before and after a line on stdout of that severity: colours on a terminal unless
 * NO_COLOR is set, else nothing. */
const char *kad_color(kad_severity severity);
const char *kad_color_end(void);
/* Print the stored warnings; *worst: the worst severity. (diagnose.c) */
KAD_MUST_USE kad_status kad_print_diagnostics(kad_ctx *ctx, kad_h5 *file,
                                              kad_severity *worst);

#endif

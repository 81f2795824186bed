#include "cli/run_state.h"

#include "analysis/results.h"
#include "base/memory.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

kad_status kad_run_open_results(kad_ctx *ctx, const char *path, kad_run_mode mode,
                                kad_run **out)
{
    char file[4096];
    int n = snprintf(file, sizeof file, "%s/run.h5", path);
    *out = NULL;
    if (n < 0 || (size_t)n >= sizeof file || access(file, F_OK) != 0)
        return kad_fail(ctx, KAD_ENOINPUT, "%s: not a run folder (no run.h5 in it)",
                        path);
    return kad_run_open(ctx, path, mode, out);
}

bool kad_run_state(kad_ctx *ctx, const kad_run *run, kad_h5 *file,
                   char text[KAD_RUN_STATE])
{
    char *status = kad_attr_string(ctx, file, "/", "status");
    const char *is = status != NULL ? status : "";
    const bool complete = strcmp(is, "complete") == 0;
    if (complete)
        snprintf(text, KAD_RUN_STATE, "complete");
    else if (kad_run_is_held(run))
        snprintf(text, KAD_RUN_STATE, "running now");
    else if (strcmp(is, "running") == 0)
        snprintf(text, KAD_RUN_STATE, "no end is recorded: it was killed");
    else if (strcmp(is, "trained") == 0 || strcmp(is, "sampled") == 0)
        snprintf(text, KAD_RUN_STATE, "only %s", is);
    else if (strcmp(is, "failed") == 0)
        snprintf(text, KAD_RUN_STATE, "it failed");
    else if (is[0] == '\0')
        snprintf(text, KAD_RUN_STATE, "nothing is recorded yet");
    else
        snprintf(text, KAD_RUN_STATE, "stopped by %.60s", is);
    kad_free(status);
    return complete;
}

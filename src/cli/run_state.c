#include "cli/run_state.h"

#include "analysis/results.h"
#include "base/memory.h"

#include <stdio.h>
#include <string.h>

bool kad_run_state(kad_ctx *ctx, const kad_run *run, kad_h5 *file,
                   char text[KAD_RUN_STATE])
{
    KAD_SCOPE(scope, ctx);
    const char *status = kad_attr_string(&scope, file, "/", "status");
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
    return complete;
}

const char *kad_run_label(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

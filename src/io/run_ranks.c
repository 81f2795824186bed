/* The run folder of several ranks: the first has it, the others are told what is in it. */
#include "io/run_folder.h"

#include "base/memory.h"
#include "base/ranks.h"
#include "io/file.h"
#include "io/run_impl.h"

#include <string.h>

kad_status kad_run_open_h5(kad_ctx *ctx, const kad_run *run, const char *path,
                           bool digest, kad_h5 **out)
{
    KAD_LOCAL(char, data);
    size_t n = 0;
    kad_status status = KAD_OK;
    *out = NULL;
    if (!run->absent)
        status = kad_run_absent(ctx, path, kad_h5_load(ctx, path, digest, 0, &data, &n));
    if (run->shared) status = kad_ranks_give(ctx, status, &data, &n);
    KAD_CALL(status);
    return kad_h5_open_bytes(ctx, path, digest, data, n, out);
}

kad_status kad_run_share(kad_ctx *ctx, kad_run **run)
{
    char *path = *run != NULL ? (*run)->path : NULL;
    size_t n = path != NULL ? strlen(path) : 0;
    kad_status status = kad_ranks_give(ctx, KAD_OK, &path, &n);
    if (*run == NULL && status == KAD_OK) {
        status = kad_new(ctx, 1, sizeof **run, run);
        if (status != KAD_OK) {
            kad_free(path);
            return status;
        }
        **run = (kad_run){.path = path, .lock = -1, .absent = true};
    }
    if (status == KAD_OK) (*run)->shared = kad_ranks_all(ctx) > 1;
    return status;
}

void kad_run_unshare(kad_run *run)
{
    if (run != NULL) run->shared = false;
}

bool kad_run_is_here(const kad_run *run)
{
    return !run->absent;
}

kad_status kad_run_open_within(kad_ctx *ctx, const kad_run *run, const char *name,
                               kad_run **out)
{
    kad_status status = KAD_OK;
    KAD_LOCAL(char, path);
    *out = NULL;
    KAD_CALL(kad_run_join(ctx, run, name, &path));
    if (!run->absent) status = kad_run_open(ctx, path, KAD_RUN_WRITE, out);
    if (status != KAD_OK || !run->shared) return status;
    return kad_run_share(ctx, out);
}

kad_status kad_run_remove_within(kad_ctx *ctx, const kad_run *run, const char *name)
{
    KAD_LOCAL(char, path);
    if (run->absent) return KAD_OK;
    KAD_CALL(kad_run_join(ctx, run, name, &path));
    return kad_file_remove_folder(ctx, path);
}

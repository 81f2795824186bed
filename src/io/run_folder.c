/* The run folder and its text files. */
#include "io/run_folder.h"

#include "base/memory.h"
#include "io/file.h"
#include "io/run_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *kad_run_path(const kad_run *run)
{
    return run->path;
}

char *kad_run_file(const kad_run *run, const char *name)
{
    size_t n = strlen(run->path) + strlen(name) + 2;
    char *path = kad_alloc(n, 1);
    if (path) snprintf(path, n, "%s/%s", run->path, name);
    return path;
}

kad_status kad_run_join(kad_ctx *ctx, const kad_run *run, const char *name, char **out)
{
    *out = kad_run_file(run, name);
    return *out ? KAD_OK : kad_fail(ctx, KAD_ENOMEM, "out of memory");
}

kad_status kad_run_absent(kad_ctx *ctx, const char *path, kad_status status)
{
    bool exists;
    char why[KAD_MESSAGE_MAX];
    if (status != KAD_ENOINPUT) return status;
    memcpy(why, ctx->message, sizeof why);
    status = kad_file_exists(ctx, path, &exists);
    if (status != KAD_OK) return status;
    return kad_fail(ctx, exists ? KAD_EIO : KAD_ENOINPUT, "%s", why);
}

/* checkpoint/ is written to: it must lie here. */
static kad_status open_to_write(kad_ctx *ctx, kad_run *run)
{
    struct stat info;
    int result;
    KAD_LOCAL(char, folder);
    KAD_CALL(kad_run_join(ctx, run, "checkpoint", &folder));
    KAD_CALL(kad_file_make_folder(ctx, folder));
    KAD_RETRY(result, lstat(folder, &info));
    if (result != 0)
        return kad_fail(ctx, kad_errno_status(errno, KAD_EIO), "%s: %s", folder,
                        strerror(errno));
    if (S_ISLNK(info.st_mode))
        return kad_fail(ctx, KAD_ECREATE, "%s: is a symbolic link: remove it", folder);
    return kad_run_lock(ctx, run);
}

/* A folder with results in it. */
static kad_status require_results(kad_ctx *ctx, const kad_run *run, bool check)
{
    KAD_LOCAL(char, path);
    bool exists = false;
    KAD_CALL(kad_run_join(ctx, run, "run.h5", &path));
    KAD_CALL(kad_file_exists(ctx, path, &exists));
    if (!exists)
        return kad_fail(ctx, KAD_ENOINPUT, "%s: not a run folder (no run.h5 in it)",
                        run->path);
    return check ? kad_h5_check_kind(ctx, path) : KAD_OK;
}

static kad_status open_run(kad_ctx *ctx, kad_run *run, const char *path,
                           kad_run_mode mode)
{
    kad_status status = KAD_OK;
    run->path = kad_strdup(path);
    if (!run->path) return kad_fail(ctx, KAD_ENOMEM, "out of memory");
    for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--)
        run->path[n - 1] = 0;
    if (mode != KAD_RUN_WRITE) status = require_results(ctx, run, mode == KAD_RUN_UPDATE);
    if (status == KAD_OK && mode != KAD_RUN_READ) status = open_to_write(ctx, run);
    return status;
}

kad_status kad_run_open(kad_ctx *ctx, const char *path, kad_run_mode mode, kad_run **out)
{
    if (*path == 0) {
        *out = NULL;
        return kad_fail(ctx, KAD_EUSAGE, "the name of the run folder is empty");
    }
    kad_status status = kad_new(ctx, 1, sizeof **out, out);
    if (status != KAD_OK) return status;
    (*out)->lock = -1;
    status = open_run(ctx, *out, path, mode);
    if (status == KAD_OK) return KAD_OK;
    kad_run_close(*out);
    *out = NULL;
    return status;
}

void kad_run_close(kad_run *run)
{
    if (!run) return;
    kad_run_unlock(run);
    kad_free(run->path);
    kad_free(run);
}

kad_status kad_run_write_text(kad_ctx *ctx, const kad_run *run, const char *name,
                              const char *text)
{
    char *path;
    if (run->absent) return KAD_OK;
    kad_status status = kad_run_join(ctx, run, name, &path);
    if (status != KAD_OK) return status;
    kad_file_piece piece = {text, strlen(text)};
    status = kad_file_write(ctx, path, 1, &piece);
    kad_free(path);
    return status;
}

kad_status kad_run_read_text(kad_ctx *ctx, const kad_run *run, const char *name,
                             size_t max_bytes, char **text)
{
    char *path;
    size_t n;
    *text = NULL;
    kad_status status = kad_run_join(ctx, run, name, &path);
    if (status != KAD_OK) return status;
    status = kad_run_absent(ctx, path, kad_file_read(ctx, path, max_bytes, text, &n));
    if (status == KAD_OK && strlen(*text) != n) {
        status = kad_fail(ctx, KAD_EDATA, "%s: contains a zero byte", path);
        kad_free(*text);
        *text = NULL;
    }
    kad_free(path);
    return status;
}
